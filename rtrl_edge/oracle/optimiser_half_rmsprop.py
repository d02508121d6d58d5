"""Gradient descent, each entry divided by the square root of its typical size, that rounded to a power of two."""

from __future__ import annotations

import numpy as np

from ..model import HalfRMSprop
from .rates import clipped, rate
from .voices import Float, Memory

MEMORY = 64.0  # calls


def initial(optimiser: HalfRMSprop, w: Float) -> Memory:
    """The typical size begins at one."""
    return {"log": np.zeros_like(w)}


def update(
    optimiser: HalfRMSprop, memory: Memory, w: Float, g: Float, readout: bool, labels: int
) -> tuple[Float, Memory]:
    """log <- log + (log2 |g| - log) / 64 where g is not 0, then w - rate clip(g / 2^round(log / 2))."""
    size = np.log2(np.abs(g), where=g != 0.0, out=memory["log"].copy())
    log = memory["log"] + (size - memory["log"]) / MEMORY
    divided = g * 2.0 ** -np.floor(log / 2.0 + 0.5)
    return w - rate(optimiser, readout, labels) * clipped(optimiser, divided), {"log": log}
