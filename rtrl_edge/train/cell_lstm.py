"""LSTM, a batch at a time."""

from __future__ import annotations

import numpy as np

from ..model import Dims
from .form import Float32, Form, backward, with_bias
from .plain import sigmoid, visible, visible_backward

__all__ = ["backward", "forward", "visible", "visible_backward"]


def forward(d: Dims, w: Float32, x: Float32, s: Float32) -> tuple[Float32, Form]:
    """x (B, inputs), state [c; h] (B, 2 n) -> the new state and the step's form."""
    n = d.units
    c_old = s[:, :n]
    z = with_bias(x, s[:, n:])
    a = z @ w.reshape(4 * n, -1).T
    i, f, g, o = sigmoid(a[:, :n]), sigmoid(a[:, n : 2 * n]), np.tanh(a[:, 2 * n : 3 * n]), sigmoid(a[:, 3 * n :])
    c = f * c_old + i * g
    t = np.tanh(c)
    q = o * (1.0 - t * t)
    into_c = np.stack((g * i * (1.0 - i), c_old * f * (1.0 - f), i * (1.0 - g * g), np.zeros_like(i)), axis=1)
    into_h = q[:, None] * into_c
    into_h[:, 3] = t * o * (1.0 - o)
    keep = np.stack((f, q * f), axis=1)[:, :, None]
    return np.concatenate((c, o * t), axis=1), Form(z, np.stack((into_c, into_h), axis=2), keep)
