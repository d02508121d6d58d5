"""What most cells have in common: the readout sees the last components of the state as they are.

A cell without functions of its own for these imports them from here.
"""

from __future__ import annotations

import numpy as np

from ..model import Dims
from .voices import Float


def visible(d: Dims, w: Float, x: Float, s: Float) -> Float:
    """The last H of the S states."""
    return s[d.states - d.visible :]


def visible_jacobian(d: Dims, w: Float, x: Float, s: Float) -> Float:
    """(H, S): zeros, then the identity."""
    return np.eye(d.states)[d.states - d.visible :]


def direct(d: Dims, w: Float, x: Float, s: Float, c: Float) -> Float:
    """No weight acts on what the readout sees alone."""
    return np.zeros(0)


def sigmoid(a: Float) -> Float:
    """The logistic function."""
    return 0.5 * (1.0 + np.tanh(0.5 * a))
