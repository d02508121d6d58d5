"""Elman cell with sparse recurrent weights, a batch at a time: the dense one with zeros."""

from __future__ import annotations

import numpy as np

from ..model import Dims
from .form import Float32, Form, with_bias
from .plain import visible, visible_backward

__all__ = ["backward", "forward", "visible", "visible_backward"]


def forward(d: Dims, w: Float32, x: Float32, s: Float32) -> tuple[Float32, Form]:
    """x (B, inputs), state (B, n) -> the new state and the step's form."""
    z = with_bias(x, s)
    h = np.tanh(z @ _dense(d, w).T)
    return h, Form(z, np.stack((1.0 - h * h,) * 2, axis=1)[:, :, None])


def backward(d: Dims, w: Float32, form: Form, delta: Float32, gradient: Float32) -> Float32:
    """One step back: dL/ds (B, n) after the step -> before it; adds dL/dw into ``gradient`` (P,)."""
    error = form.coef[:, 0, 0] * delta
    _, unit, entry = d.weight_places
    gradient += (error.T @ form.z)[unit, entry]
    return np.asarray(error @ _dense(d, w)[:, d.inputs + 1 :])


def _dense(d: Dims, w: Float32) -> Float32:
    """W (n, m), zero off the pattern."""
    _, unit, entry = d.weight_places
    W = np.zeros((d.units, d.presynaptic), dtype=np.float32)
    W[unit, entry] = w
    return W
