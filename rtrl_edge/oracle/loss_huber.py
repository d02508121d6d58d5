"""Huber's loss: 1/2 r^2 for |r| <= delta, delta (|r| - delta / 2) beyond, r = y - target. Source: Huber 1964."""

from __future__ import annotations

import numpy as np

from ..model import Huber
from .voices import Float


def value(loss: Huber, y: Float, target: Float) -> Float:
    """The loss (...) of y and target (..., o)."""
    size = np.abs(y - target)
    inside = size <= loss.delta
    return np.asarray(np.where(inside, 0.5 * size**2, loss.delta * (size - 0.5 * loss.delta)).sum(axis=-1))


def error(loss: Huber, y: Float, target: Float) -> Float:
    """e (..., o) = dL/dy: the difference, held within +-delta."""
    return np.clip(y - target, -loss.delta, loss.delta)
