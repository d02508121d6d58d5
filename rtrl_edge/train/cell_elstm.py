"""Element-wise LSTM, a batch at a time."""

from __future__ import annotations

import numpy as np

from ..model import Dims
from .form import Float32, Form, backward, gates, with_bias
from .plain import sigmoid

__all__ = ["backward", "forward", "visible", "visible_backward"]


def forward(d: Dims, w: Float32, x: Float32, s: Float32) -> tuple[Float32, Form]:
    """x (B, inputs), state c (B, n) -> the new state and the step's form."""
    v = with_bias(x)
    F, Z, w_f, w_z = gates(d, w)
    f, z = sigmoid(v @ F.T + s * w_f[:, 0]), np.tanh(v @ Z.T + s * w_z[:, 0])
    k_f, k_z = (s - z) * f * (1.0 - f), (1.0 - f) * (1.0 - z * z)
    coef = np.stack((k_f, k_z, k_f * s, k_z * s), axis=1)
    keep = np.asarray(f + k_f * w_f[:, 0] + k_z * w_z[:, 0], np.float32)
    return f * s + (1.0 - f) * z, Form(v, coef[:, :, None], keep[:, None, None])


def visible(d: Dims, w: Float32, x: Float32, s: Float32) -> Float32:
    """h = o c (B, n)."""
    return _output_gate(d, w, x, s)[0] * s


def visible_backward(d: Dims, w: Float32, x: Float32, s: Float32, credit: Float32, gradient: Float32) -> Float32:
    """dL/dh -> dL/dc, and the gradient of the output gate's weights."""
    o, seen = _output_gate(d, w, x, s)
    error = credit * s * o * (1.0 - o)
    gradient[d.gated :] += (error.T @ seen).ravel()
    return np.asarray(credit * o + error @ w[d.gated :].reshape(d.units, -1)[:, -d.units :], np.float32)


def _output_gate(d: Dims, w: Float32, x: Float32, s: Float32) -> tuple[Float32, Float32]:
    seen = with_bias(x, s)
    return sigmoid(seen @ w[d.gated :].reshape(d.units, -1).T), seen
