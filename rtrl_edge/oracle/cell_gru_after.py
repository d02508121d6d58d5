"""GRU with the reset gate after the recurrent matrix: n = tanh(W_n [x; 1] + r (U_n [1; h])), h' = (1 - z) n + z h.

Shapes: state h (n,); flat weights r (n, m), z (n, m), n_in (n, inputs + 1), n_rec (n, 1 + n), m = inputs + 1 + n.
Source: Chung et al. 2014; the form of cuDNN and PyTorch.
"""

from __future__ import annotations

import numpy as np

from ..model import Dims
from .plain import direct, sigmoid, visible, visible_jacobian
from .voices import Float

__all__ = ["direct", "forward", "jacobians", "kept", "visible", "visible_jacobian"]


def forward(d: Dims, w: Float, x: Float, s: Float) -> Float:
    """h' (n,)."""
    _, z, n, _ = _gates(d, w, x, s)
    return (1 - z) * n + z * s


def jacobians(d: Dims, w: Float, x: Float, s: Float) -> tuple[Float, Float]:
    """By the chain rule through the four pre-activations: of r, of z, of the candidate, and q = U_n [1; h]."""
    r, z, n, q = _gates(d, w, x, s)
    Wr, Wz, _, Un = _matrices(d, w)
    into_n = (1 - z) * (1 - n * n)
    dh_da = [np.diag(v) for v in (into_n * q * r * (1 - r), (s - n) * z * (1 - z), into_n, into_n * r)]
    seen = [np.concatenate((x, [1.0], s))] * 2 + [np.append(x, 1.0), np.append(1.0, s)]
    D = np.diag(z) + dh_da[0] @ Wr[:, -d.units :] + dh_da[1] @ Wz[:, -d.units :] + dh_da[3] @ Un[:, 1:]
    return D, np.hstack([np.einsum("ka,j->kaj", a, v).reshape(d.units, -1) for a, v in zip(dh_da, seen, strict=True)])


def kept(d: Dims, w: Float, x: Float, s: Float) -> Float:
    """What of D (n, n) goes through no weight: the update gate."""
    return np.diag(_gates(d, w, x, s)[1])


def _matrices(d: Dims, w: Float) -> list[Float]:
    m = d.inputs + 1 + d.units
    widths = np.array([m, m, d.inputs + 1, 1 + d.units])
    return [part.reshape(d.units, -1) for part in np.split(w, np.cumsum(d.units * widths)[:-1])]


def _gates(d: Dims, w: Float, x: Float, s: Float) -> tuple[Float, Float, Float, Float]:
    """r, z, n, q, each (n,)."""
    Wr, Wz, Wn, Un = _matrices(d, w)
    v = np.concatenate((x, [1.0], s))
    r, z, q = sigmoid(Wr @ v), sigmoid(Wz @ v), Un @ np.append(1.0, s)
    return r, z, np.tanh(Wn @ np.append(x, 1.0) + r * q), q
