"""Stochastic gradient descent with each gradient entry clipped by itself."""

from __future__ import annotations

import numpy as np

from ..model import Optimiser
from .voices import Float, Memory


def initial(optimiser: Optimiser, w: Float) -> Memory:
    """Nothing is carried."""
    return {}


def update(optimiser: Optimiser, memory: Memory, w: Float, g: Float, readout: bool) -> tuple[Float, Memory]:
    """w - rate * clip(g), any shape; ``readout`` chooses the readout's rate."""
    shift = optimiser.readout_rate_shift if readout else optimiser.rate_shift
    bound = 2.0**optimiser.clip_log2
    return w - 2.0**-shift * np.clip(g, -bound, bound), memory
