"""Stack of Elman layers: h_l' = tanh(W_l [h_{l-1}'; 1; h_l]), h_0' = x.

Shapes: state [h_1; h_2; ...] (n,); flat weights W_l (n_l, n_{l-1} + 1 + n_l), layer after layer.
Source: Pascanu et al. 2014.
"""

from __future__ import annotations

import numpy as np

from ..model import Dims, Stack
from .plain import direct, visible, visible_jacobian
from .voices import Float

__all__ = ["direct", "forward", "jacobians", "visible", "visible_jacobian"]


def forward(d: Dims, w: Float, x: Float, s: Float) -> Float:
    """The new states of all layers (n,)."""
    found, below = [], x
    for W, h in _layers(d, w, s):
        below = np.tanh(W @ np.concatenate((below, [1.0], h)))
        found.append(below)
    return np.concatenate(found)


def jacobians(d: Dims, w: Float, x: Float, s: Float) -> tuple[Float, Float]:
    """Layer by layer: by what is below, and by the layer's own past and weights."""
    D, immediate, below = np.zeros((0, d.states)), np.zeros((0, d.weights)), x
    by_past, by_weights = np.zeros((d.inputs, d.states)), np.zeros((d.inputs, d.weights))  # of what is below
    unit = weight = 0
    for W, h in _layers(d, w, s):
        n, m = W.shape
        z = np.concatenate((below, [1.0], h))
        below = np.tanh(W @ z)
        slope, under = 1.0 - below * below, m - 1 - n
        by_past, by_weights = (slope[:, None] * (W[:, :under] @ upper) for upper in (by_past, by_weights))
        by_past[:, unit : unit + n] += slope[:, None] * W[:, -n:]
        own = np.zeros((n, n, m))
        own[np.arange(n), np.arange(n)] = np.outer(slope, z)
        by_weights[:, weight : weight + n * m] += own.reshape(n, -1)
        D, immediate = np.vstack((D, by_past)), np.vstack((immediate, by_weights))
        unit, weight = unit + n, weight + n * m
    return D, immediate


def _layers(d: Dims, w: Float, s: Float) -> list[tuple[Float, Float]]:
    """W_l and h_l of every layer."""
    assert isinstance(d.cell, Stack)
    found, unit, weight, below = [], 0, 0, d.inputs
    for layer in d.cell.layers:
        n, m = layer.units, below + 1 + layer.units
        found.append((w[weight : weight + n * m].reshape(n, m), s[unit : unit + n]))
        unit, weight, below = unit + n, weight + n * m, n
    return found
