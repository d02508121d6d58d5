"""LSTM: i, f, o = sigmoid(W z), g = tanh(W z), c' = f c + i g, h' = o tanh(c'), z = [x; 1; h].

Shapes: state s = [c; h] (2 n,), W (4 n, m), rows i, f, g, o, m = inputs + 1 + n.
Source: Hochreiter & Schmidhuber 1997; Gers et al. 2000.
"""

from __future__ import annotations

import numpy as np

from ..model import Dims
from .plain import direct, sigmoid, visible, visible_jacobian
from .voices import Float

__all__ = ["direct", "forward", "jacobians", "visible", "visible_jacobian"]


def forward(d: Dims, w: Float, x: Float, s: Float) -> Float:
    """[c'; h'] (2 n,)."""
    _, i, f, g, o = _gates(d, w, x, s)
    c = f * s[: d.units] + i * g
    return np.concatenate((c, o * np.tanh(c)))


def jacobians(d: Dims, w: Float, x: Float, s: Float) -> tuple[Float, Float]:
    """By the chain rule through the pre-activations a (4 n,): d[c'; h']/da, then da/d[c; h] and da/dW."""
    n = d.units
    z, i, f, g, o = _gates(d, w, x, s)
    c_old = s[:n]
    t = np.tanh(f * c_old + i * g)
    dc_da = np.hstack([np.diag(v) for v in (g * i * (1 - i), c_old * f * (1 - f), i * (1 - g * g), np.zeros(n))])
    q = o * (1 - t * t)
    dh_da = q[:, None] * dc_da
    dh_da[:, 3 * n :] += np.diag(t * o * (1 - o))
    ds_da = np.vstack((dc_da, dh_da))
    da_dh = w.reshape(4 * n, -1)[:, -n:]
    D = np.hstack((np.vstack((np.diag(f), np.diag(q * f))), ds_da @ da_dh))
    return D, np.einsum("sa,j->saj", ds_da, z).reshape(2 * n, -1)


def _gates(d: Dims, w: Float, x: Float, s: Float) -> tuple[Float, Float, Float, Float, Float]:
    z = np.concatenate((x, [1.0], s[d.units :]))
    i, f, g, o = np.split(w.reshape(4 * d.units, -1) @ z, 4)
    return z, sigmoid(i), sigmoid(f), np.tanh(g), sigmoid(o)
