"""Squared error L = 1/2 sum_o (y_o - target_o)^2. Source: Williams & Zipser 1989 (their J(t) and e_k)."""

from __future__ import annotations

import numpy as np

from ..model import Loss
from .voices import Float


def value(loss: Loss, y: Float, target: Float) -> Float:
    """The loss (...) of y and target (..., o)."""
    return np.asarray(0.5 * (error(loss, y, target) ** 2).sum(axis=-1))


def error(loss: Loss, y: Float, target: Float) -> Float:
    """e (..., o) = dL/dy = y - target: opposite in sign to Williams & Zipser's e, which is why SGD subtracts."""
    return y - target
