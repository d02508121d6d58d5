"""Linear readout y = V [h; 1]. Shapes: h (n,), y and e (o,), V (o, n + 1)."""

from __future__ import annotations

import numpy as np

from .voices import Float


def forward(V: Float, h: Float) -> Float:
    """The prediction y (o,)."""
    return V[:, :-1] @ h + V[:, -1]


def credit(V: Float, e: Float, h: Float) -> Float:
    """c (n,) = dL/dh = V^T e, without the bias column."""
    return V[:, :-1].T @ e


def gradient(e: Float, h: Float) -> Float:
    """dL/dV (o, n + 1) = e [h; 1]^T."""
    return np.outer(e, np.append(h, 1.0))
