"""Elman network, h_t = tanh(W z_t) with z_t = [x_t; 1; h_{t-1}].

Shapes: x (inputs,), state h (n,), z (m,), W (n, m), m = inputs + 1 + n.
Source: Elman 1990; Williams & Zipser 1989 (their z, s and y), with tanh for the logistic function.
"""

from __future__ import annotations

import numpy as np

from ..model import Dims
from .plain import direct, visible, visible_jacobian
from .voices import Float

__all__ = ["direct", "forward", "jacobians", "visible", "visible_jacobian"]


def forward(d: Dims, w: Float, x: Float, s: Float) -> Float:
    """tanh(W [x; 1; s])."""
    return np.tanh(w.reshape(d.units, -1) @ np.concatenate((x, [1.0], s)))


def jacobians(d: Dims, w: Float, x: Float, s: Float) -> tuple[Float, Float]:
    """D[k, l] = (1 - h_k^2) W[k, inputs + 1 + l]; dh_i/dW[i, j] = (1 - h_i^2) z_j, column p = i * m + j."""
    n, W, z = d.units, w.reshape(d.units, -1), np.concatenate((x, [1.0], s))
    slope = 1.0 - forward(d, w, x, s) ** 2
    immediate = np.zeros((n, n, len(z)))
    immediate[np.arange(n), np.arange(n)] = np.outer(slope, z)
    return slope[:, None] * W[:, -n:], immediate.reshape(n, -1)
