"""Stochastic gradient descent with each gradient entry clipped by itself, and a pull to where it began."""

from __future__ import annotations

from ..model import SGD
from .rates import clipped, rate
from .voices import Float, Memory


def initial(optimiser: SGD, w: Float) -> Memory:
    """Where the weights began."""
    return {"w": w.copy()}


def update(optimiser: SGD, memory: Memory, w: Float, g: Float, readout: bool, labels: int) -> tuple[Float, Memory]:
    """w - decay (w - first w) - rate * clip(g), any shape; ``readout`` chooses the readout's rate."""
    pulled = w - (optimiser.decay or 0.0) * (w - memory["w"])
    return pulled - rate(optimiser, readout, labels) * clipped(optimiser, g), memory
