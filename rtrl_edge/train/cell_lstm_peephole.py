"""LSTM with peepholes, a batch at a time."""

from __future__ import annotations

import numpy as np

from ..model import Dims
from .form import Float32, Form, backward, gates, with_bias
from .plain import sigmoid, visible, visible_backward

__all__ = ["backward", "forward", "visible", "visible_backward"]


def forward(d: Dims, w: Float32, x: Float32, s: Float32) -> tuple[Float32, Form]:
    """x (B, inputs), state [c; h] (B, 2 n) -> the new state and the step's form."""
    n = d.units
    c_old = s[:, :n]
    z = with_bias(x, s[:, n:])
    W_i, W_f, W_g, W_o, p_i, p_f, p_o = gates(d, w)
    i, f = sigmoid(z @ W_i.T + c_old * p_i[:, 0]), sigmoid(z @ W_f.T + c_old * p_f[:, 0])
    g = np.tanh(z @ W_g.T)
    c = f * c_old + i * g
    o = sigmoid(z @ W_o.T + c * p_o[:, 0])
    t = np.tanh(c)
    by_o = t * o * (1.0 - o)
    q = o * (1.0 - t * t) + by_o * p_o[:, 0]
    by_i, by_f, nothing = g * i * (1.0 - i), c_old * f * (1.0 - f), np.zeros_like(i)
    into_c = np.stack((by_i, by_f, i * (1.0 - g * g), nothing, by_i * c_old, by_f * c_old, nothing), axis=1)
    into_h = q[:, None] * into_c
    into_h[:, 3], into_h[:, 6] = by_o, by_o * c
    k = f + by_i * p_i[:, 0] + by_f * p_f[:, 0]
    keep = np.stack((k, q * k), axis=1)[:, :, None]
    return np.concatenate((c, o * t), axis=1), Form(z, np.stack((into_c, into_h), axis=2), keep)
