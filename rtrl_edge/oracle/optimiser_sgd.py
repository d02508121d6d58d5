"""Stochastic gradient descent with each gradient entry clipped by itself."""

from __future__ import annotations

import numpy as np

from ..model import SGD
from .voices import Float


def update(optimiser: SGD, w: Float, g: Float, readout: bool) -> Float:
    """w - rate * clip(g), any shape; ``readout`` chooses the readout's rate."""
    shift = optimiser.readout_rate_shift if readout else optimiser.rate_shift
    return w - 2.0**-shift * np.clip(g, -optimiser.clip, optimiser.clip)
