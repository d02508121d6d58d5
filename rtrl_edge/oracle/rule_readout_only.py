"""The cell stays as it is: no memory, no gradient. The readout learns by itself."""

from __future__ import annotations

import numpy as np

from ..model import Dims
from .voices import Float, Memory


def initial(dims: Dims) -> Memory:
    """Nothing is carried."""
    return {}


def advance(memory: Memory, D: Float, slope: Float, z: Float) -> Memory:
    """Nothing to advance."""
    return memory


def gradient(dims: Dims, memory: Memory, credit: Float) -> Float:
    """Zero for every column (P,)."""
    return np.zeros(dims.columns)
