"""Elman cell, a batch at a time."""

from __future__ import annotations

import numpy as np

from ..model import Dims
from .form import Float32, Form, backward, with_bias
from .plain import visible, visible_backward

__all__ = ["backward", "forward", "visible", "visible_backward"]


def forward(d: Dims, w: Float32, x: Float32, s: Float32) -> tuple[Float32, Form]:
    """x (B, inputs), state (B, n) -> the new state and the step's form."""
    z = with_bias(x, s)
    h = np.tanh(z @ w.reshape(d.units, -1).T)
    return h, Form(z, (1.0 - h * h)[:, None, None])
