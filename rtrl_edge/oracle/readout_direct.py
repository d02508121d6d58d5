"""The first units are the outputs: y = h[:o]. Shapes: h (n,), y and e (o,), V (o, 0)."""

from __future__ import annotations

import numpy as np

from .voices import Float


def forward(V: Float, h: Float) -> Float:
    """The prediction y (o,)."""
    return h[: len(V)].copy()


def credit(V: Float, e: Float, h: Float) -> Float:
    """c (n,): e for the units that are outputs, 0 for the others."""
    c = np.zeros_like(h)
    c[: len(V)] = e
    return c


def gradient(e: Float, h: Float) -> Float:
    """There are no weights: (o, 0)."""
    return np.zeros((len(e), 0))
