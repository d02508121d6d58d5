"""Jordan network: s' = decay s + (1 - decay) clip(y), h = tanh(W [x; 1; s']), y' = V [h; 1].

Shapes: state [s; y] (2 o,); flat weights W (units, inputs + 1 + o), V (o, units + 1). A teacher puts targets where
y was: ``teacher.py``.
Source: Jordan 1986.
"""

from __future__ import annotations

import numpy as np

from ..model import Dims, Jordan
from .plain import direct, visible, visible_jacobian
from .voices import Float

__all__ = ["direct", "forward", "jacobians", "visible", "visible_jacobian"]


def forward(d: Dims, w: Float, x: Float, s: Float) -> Float:
    """The new context and outputs (2 o,)."""
    _, V, z, h = _layers(d, w, x, s)
    return np.concatenate((z[d.inputs + 1 :], V @ np.append(h, 1.0)))


def jacobians(d: Dims, w: Float, x: Float, s: Float) -> tuple[Float, Float]:
    """By the chain rule through the context and the hidden layer."""
    W, V, z, h = _layers(d, w, x, s)
    o, n = d.outputs, len(h)
    decay = _cell(d).decay
    context = np.hstack((decay * np.eye(o), (1.0 - decay) * np.diag((np.abs(s[o:]) < 1.0).astype(float))))
    dy_da = V[:, :-1] * (1.0 - h * h)
    D = np.vstack((context, dy_da @ W[:, d.inputs + 1 :] @ context))
    by_W = np.einsum("ki,j->kij", dy_da, z).reshape(o, -1)
    by_V = np.einsum("kl,j->klj", np.eye(o), np.append(h, 1.0)).reshape(o, o * (n + 1))
    by_y = np.hstack((by_W, by_V))
    return D, np.vstack((np.zeros_like(by_y), by_y))


def _layers(d: Dims, w: Float, x: Float, s: Float) -> tuple[Float, Float, Float, Float]:
    """W, V, [x; 1; s'] and h."""
    cell, o = _cell(d), d.outputs
    context = cell.decay * s[:o] + (1.0 - cell.decay) * np.clip(s[o:], -1.0, 1.0)
    z = np.concatenate((x, [1.0], context))
    cut = cell.units * len(z)
    W = w[:cut].reshape(cell.units, -1)
    return W, w[cut:].reshape(o, -1), z, np.tanh(W @ z)


def _cell(d: Dims) -> Jordan:
    assert isinstance(d.cell, Jordan)
    return d.cell
