"""LSTM with peepholes: i and f also see c through weights p_i, p_f, o sees the new c' through p_o, one a unit and gate.

i = sigmoid(W_i z + p_i c), f = sigmoid(W_f z + p_f c), g = tanh(W_g z), c' = f c + i g, o = sigmoid(W_o z + p_o c'),
h' = o tanh(c'), z = [x; 1; h].
Shapes: state s = [c; h] (2 n,); flat weights W (4 n, m), rows i, f, g, o, m = inputs + 1 + n, then p_i, p_f, p_o (n,).
Source: Gers, Schraudolph & Schmidhuber 2002.
"""

from __future__ import annotations

import numpy as np

from ..model import Dims
from .plain import direct, sigmoid, visible, visible_jacobian
from .voices import Float

__all__ = ["direct", "forward", "jacobians", "visible", "visible_jacobian"]


def forward(d: Dims, w: Float, x: Float, s: Float) -> Float:
    """[c'; h'] (2 n,)."""
    *_, c, o = _gates(d, w, x, s)
    return np.concatenate((c, o * np.tanh(c)))


def jacobians(d: Dims, w: Float, x: Float, s: Float) -> tuple[Float, Float]:
    """By the chain rule through the pre-activations a (4 n,) and the direct paths c -> i, f and c' -> o."""
    n = d.units
    z, i, f, g, c, o = _gates(d, w, x, s)
    c_old, t = s[:n], np.tanh(c)
    W, (p_i, p_f, p_o) = _matrices(d, w)
    by_o = t * o * (1 - o)
    q = o * (1 - t * t) + by_o * p_o  # dh'/dc'
    dc_da = np.hstack([np.diag(v) for v in (g * i * (1 - i), c_old * f * (1 - f), i * (1 - g * g), np.zeros(n))])
    dh_da = q[:, None] * dc_da
    dh_da[:, 3 * n :] += np.diag(by_o)
    ds_da = np.vstack((dc_da, dh_da))
    kept = f + p_i * g * i * (1 - i) + p_f * c_old * f * (1 - f)  # dc'/dc
    D = np.hstack((np.vstack((np.diag(kept), np.diag(q * kept))), ds_da @ W[:, -n:]))
    peeps = [ds_da[:, gate * n : (gate + 1) * n] * seen for gate, seen in ((0, c_old), (1, c_old), (3, c))]
    return D, np.hstack((np.einsum("sa,j->saj", ds_da, z).reshape(2 * n, -1), *peeps))


def _matrices(d: Dims, w: Float) -> tuple[Float, Float]:
    """W (4 n, m) and the peepholes (3, n)."""
    return w[: -3 * d.units].reshape(4 * d.units, -1), w[-3 * d.units :].reshape(3, d.units)


def _gates(d: Dims, w: Float, x: Float, s: Float) -> tuple[Float, Float, Float, Float, Float, Float]:
    """z (m,), then i, f, g, c', o, each (n,)."""
    W, (p_i, p_f, p_o) = _matrices(d, w)
    c_old, z = s[: d.units], np.concatenate((x, [1.0], s[d.units :]))
    a_i, a_f, a_g, a_o = np.split(W @ z, 4)
    i, f, g = sigmoid(a_i + p_i * c_old), sigmoid(a_f + p_f * c_old), np.tanh(a_g)
    c = f * c_old + i * g
    return z, i, f, g, c, sigmoid(a_o + p_o * c)
