"""What most cells have in common: the readout sees the last components of the state as they are."""

from __future__ import annotations

import numpy as np

from ..model import Dims
from .form import Float32


def visible(d: Dims, w: Float32, x: Float32, s: Float32) -> Float32:
    """State (B, S) -> what the readout sees (B, H)."""
    return s[:, d.states - d.visible :]


def visible_backward(d: Dims, w: Float32, x: Float32, s: Float32, credit: Float32, gradient: Float32) -> Float32:
    """dL/dvisible (B, H) -> dL/ds (B, S); a cell with direct weights adds theirs into ``gradient``."""
    delta = np.zeros_like(s)
    delta[:, d.states - d.visible :] = credit
    return delta


def sigmoid(a: Float32) -> Float32:
    """The logistic function."""
    s: Float32 = 0.5 * (1.0 + np.tanh(0.5 * a))
    return s
