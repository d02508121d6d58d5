"""GRU with the reset gate after the recurrent matrix, a batch at a time."""

from __future__ import annotations

import numpy as np

from ..model import Dims
from .form import Float32, Form, backward, gates, with_bias
from .plain import sigmoid, visible, visible_backward

__all__ = ["backward", "forward", "visible", "visible_backward"]


def forward(d: Dims, w: Float32, x: Float32, s: Float32) -> tuple[Float32, Form]:
    """x (B, inputs), state (B, n) -> the new state and the step's form."""
    v = with_bias(x, s)
    W_r, W_z, W_n, U_n = gates(d, w)
    r, z = sigmoid(v @ W_r.T), sigmoid(v @ W_z.T)
    q = v[:, d.inputs :] @ U_n.T
    n = np.tanh(v[:, : d.inputs + 1] @ W_n.T + r * q)
    into_n = (1.0 - z) * (1.0 - n * n)
    coef = np.stack((into_n * q * r * (1.0 - r), (s - n) * z * (1.0 - z), into_n, into_n * r), axis=1)
    return (1.0 - z) * n + z * s, Form(v, coef[:, :, None], z[:, None, None])
