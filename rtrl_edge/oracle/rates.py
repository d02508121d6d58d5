"""Learning rates in float64."""

from __future__ import annotations

import numpy as np

from ..model import Optimiser
from .voices import Float


def rate(optimiser: Optimiser, readout: bool, labels: int) -> float:
    """The cell's or the readout's rate at the labelled step number ``labels``, the first being 1."""
    factor = 1.0
    for steps, wanted in optimiser.schedule:
        factor = wanted if labels > steps else factor
    return factor * 2.0 ** -(optimiser.readout_rate_shift if readout else optimiser.rate_shift)


def clipped(optimiser: Optimiser, g: Float) -> Float:
    """Each entry held within the clip."""
    return np.clip(g, -(2.0**optimiser.clip_log2), 2.0**optimiser.clip_log2)
