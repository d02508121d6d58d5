"""Stack of Elman layers, a batch at a time."""

from __future__ import annotations

import numpy as np

from ..model import Dims
from .form import Float32, Form, gates, with_bias
from .plain import visible, visible_backward

__all__ = ["backward", "forward", "visible", "visible_backward"]


def forward(d: Dims, w: Float32, x: Float32, s: Float32) -> tuple[Float32, Form]:
    """x (B, inputs), state (B, n) -> the new state and the step's form: z of all layers, and every unit's slope."""
    seen, found, below = [], [], x
    for block, W in zip(d.structure.blocks, gates(d, w), strict=True):
        z = with_bias(below, s[:, block.first : block.first + d.rows(block)])
        below = np.tanh(z @ W.T)
        seen.append(z)
        found.append(below)
    h = np.concatenate(found, axis=1)
    return h, Form(np.concatenate(seen, axis=1), (1.0 - h * h)[:, None, None])


def backward(d: Dims, w: Float32, form: Form, delta: Float32, gradient: Float32) -> Float32:
    """dL/dh (B, n) after the step -> before it; the last layer first."""
    delta, before = delta.copy(), np.zeros_like(delta)
    layers = list(zip(d.structure.blocks, gates(d, w), gates(d, gradient), strict=True))
    for number, (block, W, into) in reversed(list(enumerate(layers))):
        assert block.recurrent is not None
        units = slice(block.first, block.first + d.rows(block))
        error = delta[:, units] * form.coef[:, 0, 0, units]
        into += error.T @ form.z[:, block.at : block.at + block.width]
        before[:, units] = error @ W[:, block.recurrent :]
        if number:
            below = layers[number - 1][0]
            delta[:, below.first : below.first + d.rows(below)] += error @ W[:, : block.recurrent - 1]
    return before
