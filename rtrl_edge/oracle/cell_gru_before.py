"""GRU with the reset gate before the recurrent matrix: n = tanh(W_n [x; 1] + U_n (r h)), h' = (1 - z) n + z h.

Shapes: state h (n,); flat weights r (n, m), z (n, m), n_in (n, inputs + 1), n_rec (n, n), m = inputs + 1 + n.
Source: Cho et al. 2014.
"""

from __future__ import annotations

import numpy as np

from ..model import Dims
from .plain import direct, sigmoid, visible, visible_jacobian
from .voices import Float

__all__ = ["direct", "forward", "jacobians", "kept", "visible", "visible_jacobian"]


def forward(d: Dims, w: Float, x: Float, s: Float) -> Float:
    """h' (n,)."""
    _, z, n = _gates(d, w, x, s)
    return (1 - z) * n + z * s


def jacobians(d: Dims, w: Float, x: Float, s: Float) -> tuple[Float, Float]:
    """By the chain rule through the pre-activations of r, z and n; that of one r moves every unit, by U_n."""
    r, z, n = _gates(d, w, x, s)
    Wr, Wz, _, Un = _matrices(d, w)
    into_n = np.diag((1 - z) * (1 - n * n))
    by_r = into_n @ Un @ np.diag(s * r * (1 - r))
    by_z = np.diag((s - n) * z * (1 - z))
    v = np.concatenate((x, [1.0], s))
    D = np.diag(z) + by_r @ Wr[:, -d.units :] + by_z @ Wz[:, -d.units :] + into_n @ Un @ np.diag(r)
    pairs = ((by_r, v), (by_z, v), (into_n, np.append(x, 1.0)), (into_n, r * s))
    return D, np.hstack([np.einsum("ka,j->kaj", a, seen).reshape(d.units, -1) for a, seen in pairs])


def kept(d: Dims, w: Float, x: Float, s: Float) -> Float:
    """What of D (n, n) goes through no weight: the update gate."""
    return np.diag(_gates(d, w, x, s)[1])


def _matrices(d: Dims, w: Float) -> list[Float]:
    m = d.inputs + 1 + d.units
    widths = np.array([m, m, d.inputs + 1, d.units])
    return [part.reshape(d.units, -1) for part in np.split(w, np.cumsum(d.units * widths)[:-1])]


def _gates(d: Dims, w: Float, x: Float, s: Float) -> tuple[Float, Float, Float]:
    """r, z, n, each (n,)."""
    Wr, Wz, Wn, Un = _matrices(d, w)
    v = np.concatenate((x, [1.0], s))
    r, z = sigmoid(Wr @ v), sigmoid(Wz @ v)
    return r, z, np.tanh(Wn @ np.append(x, 1.0) + Un @ (r * s))
