"""Gradient descent along a running mean of the clipped gradient."""

from __future__ import annotations

import numpy as np

from ..model import Momentum
from .rates import clipped, rate
from .voices import Float, Memory


def initial(optimiser: Momentum, w: Float) -> Memory:
    """The mean begins at zero."""
    return {"m": np.zeros_like(w)}


def update(optimiser: Momentum, memory: Memory, w: Float, g: Float, readout: bool, labels: int) -> tuple[Float, Memory]:
    """m <- momentum m + (1 - momentum) clip(g), then w - rate m."""
    m = optimiser.momentum * memory["m"] + (1.0 - optimiser.momentum) * clipped(optimiser, g)
    return w - rate(optimiser, readout, labels) * m, {"m": m}
