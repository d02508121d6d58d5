"""Columnar LSTM: n LSTMs of one unit: gates W [x; 1] + u h with the own h, c' = f c + i g, h' = o tanh(c').

Shapes: state s = [c; h] (2 n,); flat weights W (4, n, inputs + 1), gates i, f, g, o, then u (4, n).
Source: Javed et al. 2023.
"""

from __future__ import annotations

import numpy as np

from ..model import Dims
from .plain import direct, sigmoid, visible, visible_jacobian
from .voices import Float

__all__ = ["direct", "forward", "jacobians", "visible", "visible_jacobian"]


def forward(d: Dims, w: Float, x: Float, s: Float) -> Float:
    """[c'; h'] (2 n,)."""
    i, f, g, o = _gates(d, w, x, s)
    c = f * s[: d.units] + i * g
    return np.concatenate((c, o * np.tanh(c)))


def jacobians(d: Dims, w: Float, x: Float, s: Float) -> tuple[Float, Float]:
    """By the chain rule through the pre-activations a (4 n,): d[c'; h']/da, then da/dh, da/dW and da/du."""
    n, nothing = d.units, np.zeros(d.units)
    c, h, z = s[:n], s[n:], np.append(x, 1.0)
    i, f, g, o = _gates(d, w, x, s)
    t = np.tanh(f * c + i * g)
    q = o * (1 - t * t)
    dc_da = np.array((g * i * (1 - i), c * f * (1 - f), i * (1 - g * g), nothing))
    dh_da = q * dc_da + np.array((nothing, nothing, nothing, t * o * (1 - o)))
    u = w[-4 * n :].reshape(4, n)
    A, B = (dc_da * u).sum(axis=0), (dh_da * u).sum(axis=0)
    D = np.block([[np.diag(f), np.diag(A)], [np.diag(q * f), np.diag(B)]])
    by_pre = [np.hstack([np.diag(row) for row in rows]) for rows in (dc_da, dh_da)]  # (n, 4 n) each
    by_W = [np.einsum("ka,j->kaj", rows, z).reshape(n, -1) for rows in by_pre]
    by_u = [rows * np.tile(h, 4) for rows in by_pre]
    return D, np.block([[by_W[0], by_u[0]], [by_W[1], by_u[1]]])


def _gates(d: Dims, w: Float, x: Float, s: Float) -> tuple[Float, Float, Float, Float]:
    n = d.units
    a = w[: -4 * n].reshape(4, n, -1) @ np.append(x, 1.0) + w[-4 * n :].reshape(4, n) * s[n:]
    return sigmoid(a[0]), sigmoid(a[1]), np.tanh(a[2]), sigmoid(a[3])
