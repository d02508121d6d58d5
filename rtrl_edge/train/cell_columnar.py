"""Columnar LSTM, a batch at a time."""

from __future__ import annotations

import numpy as np

from ..model import Dims
from .form import Float32, Form, backward, gates, with_bias
from .plain import sigmoid, visible, visible_backward

__all__ = ["backward", "forward", "visible", "visible_backward"]


def forward(d: Dims, w: Float32, x: Float32, s: Float32) -> tuple[Float32, Form]:
    """x (B, inputs), state [c; h] (B, 2 n) -> the new state and the step's form."""
    c_old, h_old = s[:, : d.units], s[:, d.units :]
    v = with_bias(x)
    W, u = gates(d, w)[:4], np.array([row[:, 0] for row in gates(d, w)[4:]])
    a = [v @ rows.T + h_old * own for rows, own in zip(W, u, strict=True)]
    i, f, g, o = sigmoid(a[0]), sigmoid(a[1]), np.tanh(a[2]), sigmoid(a[3])
    c = f * c_old + i * g
    t = np.tanh(c)
    q = o * (1.0 - t * t)
    into_c = np.stack((g * i * (1.0 - i), c_old * f * (1.0 - f), i * (1.0 - g * g), np.zeros_like(i)), axis=1)
    into_h = q[:, None] * into_c
    into_h[:, 3] = t * o * (1.0 - o)
    into = np.stack((into_c, into_h), axis=2)  # (B, 4, 2, n)
    keep = np.stack((np.stack((f, q * f), axis=1), (into * u[:, None]).sum(axis=1)), axis=2)
    coef = np.concatenate((into, into * h_old[:, None, None]), axis=1)
    return np.concatenate((c, o * t), axis=1), Form(v, coef, keep)
