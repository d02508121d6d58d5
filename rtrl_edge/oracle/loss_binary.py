"""Cross-entropy of independent logits: L = sum_o log(1 + exp(y_o)) - t_o y_o, t the target held in [0, 1].

That is -t log p - (1 - t) log(1 - p) with p = 1 / (1 + exp(-y)).
"""

from __future__ import annotations

import numpy as np

from ..model import Loss
from .voices import Float


def value(loss: Loss, y: Float, target: Float) -> Float:
    """The loss (...) of y and target (..., o), in nats."""
    return np.asarray((np.logaddexp(0.0, y) - np.clip(target, 0.0, 1.0) * y).sum(axis=-1))


def error(loss: Loss, y: Float, target: Float) -> Float:
    """e (..., o) = dL/dy = p - t."""
    return np.asarray(np.exp(-np.logaddexp(0.0, -y)) - np.clip(target, 0.0, 1.0))
