"""The cell stays as it is: no memory, no gradient. The readout learns by itself."""

from __future__ import annotations

import numpy as np

from ..model import Model
from .voices import Float, Memory, Step


def initial(model: Model) -> Memory:
    """Nothing is carried."""
    return {}


def advance(model: Model, memory: Memory, step: Step) -> Memory:
    """Nothing to advance."""
    return memory


def gradient(model: Model, memory: Memory, step: Step) -> Float:
    """Zero for every column (P,)."""
    return np.zeros(model.dims.columns)
