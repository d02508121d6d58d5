"""Cross-entropy of a softmax: L = log sum_o exp(y_o) - sum_o t_o y_o, t the target held in [0, 1].

That is -sum_o t_o log p_o with p = exp(y) / sum exp(y) where t sums to one; its gradient is p - t for every t.
"""

from __future__ import annotations

import numpy as np

from ..model import Loss
from .voices import Float


def value(loss: Loss, y: Float, target: Float) -> Float:
    """The loss (...) of y and target (..., o), in nats."""
    return np.asarray(_log_sum(y)[..., 0] - (np.clip(target, 0.0, 1.0) * y).sum(axis=-1))


def error(loss: Loss, y: Float, target: Float) -> Float:
    """e (..., o) = dL/dy = p - t."""
    return np.asarray(np.exp(y - _log_sum(y)) - np.clip(target, 0.0, 1.0))


def _log_sum(y: Float) -> Float:
    return np.asarray(np.logaddexp.reduce(y, axis=-1, keepdims=True))
