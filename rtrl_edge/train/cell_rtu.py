"""RTU, a batch at a time."""

from __future__ import annotations

import math

import numpy as np

from ..model import RTU, Dims
from .form import Float32, Form, backward, gates, with_bias
from .plain import sigmoid

__all__ = ["backward", "forward", "visible", "visible_backward"]

TURN = np.float32(math.pi / 8)  # radians of one unit of the angle's weight


def forward(d: Dims, w: Float32, x: Float32, s: Float32) -> tuple[Float32, Form]:
    """x (B, inputs), state [Re c; Im c] (B, 2 n) -> the new state and the step's form."""
    nu, theta, W1, W2 = gates(d, w)
    r, angle = sigmoid(nu[:, 0]), TURN * theta[:, 0]
    gamma = np.sqrt(1.0 - r * r)
    lam = r * np.exp(1j * angle)
    old = s[:, : d.units] + 1j * s[:, d.units :]
    drive = x @ W1.T + 1j * (x @ W2.T)
    kept = lam * old
    c = kept + gamma * drive
    by_nu = (1.0 - r) * kept - r * (1.0 - r) * r / gamma * drive
    by_theta = TURN * 1j * kept
    by_w = np.broadcast_to(gamma, c.shape)
    into = np.stack((by_nu, by_theta, by_w, 1j * by_w), axis=1)  # (B, 4, n), complex
    rotation = np.array(((lam.real, -lam.imag), (lam.imag, lam.real)), np.float32)
    keep = np.broadcast_to(rotation, (len(x), *rotation.shape))
    state = np.concatenate((c.real, c.imag), axis=1).astype(np.float32)
    return state, Form(with_bias(x), np.stack((into.real, into.imag), axis=2).astype(np.float32), keep)


def visible(d: Dims, w: Float32, x: Float32, s: Float32) -> Float32:
    """h (B, 2 n)."""
    return np.tanh(s) if _squash(d) else s


def visible_backward(d: Dims, w: Float32, x: Float32, s: Float32, credit: Float32, gradient: Float32) -> Float32:
    """dL/dh -> dL/dc."""
    if not _squash(d):
        return credit
    h = np.tanh(s)
    return credit - credit * h * h


def _squash(d: Dims) -> bool:
    assert isinstance(d.cell, RTU)
    return d.cell.squash
