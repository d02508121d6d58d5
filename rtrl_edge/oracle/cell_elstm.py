"""Element-wise LSTM: c' = f c + (1 - f) z, f = sigmoid(F z0 + w_f c), z = tanh(Z z0 + w_z c), z0 = [x; 1].

Shapes: state s = c (n,); flat weights F, Z (n, inputs + 1), w_f, w_z (n,), then the direct ones, [O W_o] (n, inputs +
1 + n), of o = sigmoid(O z0 + W_o c'), h = o c'.
Source: Irie et al. 2023.
"""

from __future__ import annotations

import numpy as np

from ..model import Dims
from .plain import sigmoid
from .voices import Float


def forward(d: Dims, w: Float, x: Float, s: Float) -> Float:
    """c' (n,)."""
    f, z, _, _ = _gates(d, w, x, s)
    return f * s + (1 - f) * z


def jacobians(d: Dims, w: Float, x: Float, s: Float) -> tuple[Float, Float]:
    """D: diagonal. I: through the pre-activations of f and z."""
    f, z, w_f, w_z = _gates(d, w, x, s)
    k_f, k_z = (s - z) * f * (1 - f), (1 - f) * (1 - z * z)
    z0 = np.append(x, 1.0)
    by_rows = [np.einsum("ik,k,j->ikj", np.eye(d.units), k, z0).reshape(d.units, -1) for k in (k_f, k_z)]
    return np.diag(f + k_f * w_f + k_z * w_z), np.hstack((*by_rows, np.diag(k_f * s), np.diag(k_z * s)))


def visible(d: Dims, w: Float, x: Float, s: Float) -> Float:
    """h (n,)."""
    return _output_gate(d, w, x, s)[0] * s


def visible_jacobian(d: Dims, w: Float, x: Float, s: Float) -> Float:
    """(n, n): each h moves with its own c, and with all of them through its gate."""
    o, _, W_o = _output_gate(d, w, x, s)
    return np.diag(o) + (s * o * (1 - o))[:, None] * W_o


def direct(d: Dims, w: Float, x: Float, s: Float, c: Float) -> Float:
    """Gradient of [O W_o], flat."""
    o, seen, _ = _output_gate(d, w, x, s)
    return np.outer(c * s * o * (1 - o), seen).ravel()


def _gates(d: Dims, w: Float, x: Float, s: Float) -> tuple[Float, Float, Float, Float]:
    """f, z, w_f and w_z, each (n,)."""
    n, m = d.units, d.inputs + 1
    z0 = np.append(x, 1.0)
    F, Z = w[: 2 * n * m].reshape(2, n, m)
    w_f, w_z = w[2 * n * m : d.columns].reshape(2, n)
    return sigmoid(F @ z0 + w_f * s), np.tanh(Z @ z0 + w_z * s), w_f, w_z


def _output_gate(d: Dims, w: Float, x: Float, s: Float) -> tuple[Float, Float, Float]:
    """o (n,), what its weights see (inputs + 1 + n,), and W_o (n, n)."""
    rows, seen = w[d.columns :].reshape(d.units, -1), np.concatenate((x, [1.0], s))
    return sigmoid(rows @ seen), seen, rows[:, -d.units :]
