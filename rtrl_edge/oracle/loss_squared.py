"""Squared error L = 1/2 sum_o (y_o - target_o)^2. Source: Williams & Zipser 1989 (their J(t) and e_k)."""

from __future__ import annotations

from ..model import Loss
from .voices import Float


def value(loss: Loss, y: Float, target: Float) -> float:
    """The loss of one step, y and target (o,)."""
    e = error(loss, y, target)
    return 0.5 * float(e @ e)


def error(loss: Loss, y: Float, target: Float) -> Float:
    """e (o,) = dL/dy = y - target: opposite in sign to Williams & Zipser's e, which is why SGD subtracts."""
    return y - target
