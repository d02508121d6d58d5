"""Jordan network, a batch at a time."""

from __future__ import annotations

import numpy as np

from ..model import Dims, Jordan
from .form import Float32, Form, gates, with_bias
from .plain import visible, visible_backward

__all__ = ["backward", "forward", "visible", "visible_backward"]


def forward(d: Dims, w: Float32, x: Float32, s: Float32) -> tuple[Float32, Form]:
    """x (B, inputs), state [s; y] (B, 2 o) -> the new state, and a form with z = [x; 1; s | h; 1] and F as its keep."""
    W, V = gates(d, w)
    context, y = np.split(s, 2, axis=1)
    decay = _decay(d)
    context = decay * context + (np.float32(1.0) - decay) * np.clip(y, -1.0, 1.0)
    z = with_bias(x, context)
    hidden = with_bias(np.tanh(z @ W.T))
    fed: Float32 = (np.abs(y) < 1.0).astype(np.float32)
    form = Form(np.concatenate((z, hidden), axis=1), np.zeros(0, np.float32), fed[:, None, None])
    return np.concatenate((context, hidden @ V.T), axis=1), form


def backward(d: Dims, w: Float32, form: Form, delta: Float32, gradient: Float32) -> Float32:
    """dL/d[s; y] (B, 2 o) after the step -> before it: through the hidden layer to the context, then to both."""
    W, V = gates(d, w)
    into_W, into_V = gates(d, gradient)
    z, hidden = np.split(form.z, [W.shape[1]], axis=1)
    into_s, error = np.split(delta, 2, axis=1)
    into_V += error.T @ hidden
    h = hidden[:, :-1]
    at_h = (error @ V[:, :-1]) * (1.0 - h * h)
    into_W += at_h.T @ z
    context = into_s + at_h @ W[:, d.inputs + 1 :]
    assert form.keep is not None
    decay = _decay(d)
    return np.concatenate((decay * context, (np.float32(1.0) - decay) * context * form.keep[:, 0, 0]), axis=1)


def _decay(d: Dims) -> np.float32:
    assert isinstance(d.cell, Jordan)
    return np.float32(d.cell.decay)
