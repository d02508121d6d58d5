"""GRU with the reset gate before the recurrent matrix, a batch at a time."""

from __future__ import annotations

import numpy as np

from ..model import Dims
from .form import Float32, Form, add_gradient, gates, with_bias
from .plain import sigmoid, visible, visible_backward

__all__ = ["backward", "forward", "visible", "visible_backward"]


def forward(d: Dims, w: Float32, x: Float32, s: Float32) -> tuple[Float32, Form]:
    """x (B, inputs), state (B, n) -> the new state and the step's form; z is [x; 1; h; r h].

    The reset gate's coefficient is what its pre-activation does to r h: each moves every unit, see ``backward``.
    """
    v = with_bias(x, s)
    W_r, W_z, W_n, U_n = gates(d, w)
    r, z = sigmoid(v @ W_r.T), sigmoid(v @ W_z.T)
    n = np.tanh(v[:, : d.inputs + 1] @ W_n.T + (r * s) @ U_n.T)
    into_n = (1.0 - z) * (1.0 - n * n)
    coef = np.stack((s * r * (1.0 - r), (s - n) * z * (1.0 - z), into_n, into_n), axis=1)
    seen = np.concatenate((v, r * s), axis=1)
    return (1.0 - z) * n + z * s, Form(seen, coef[:, :, None], np.stack((z, r), axis=1)[:, None])


def backward(d: Dims, w: Float32, form: Form, delta: Float32, gradient: Float32) -> Float32:
    """dL/dh (B, n) after the step -> before it; ``form.keep`` holds z and r."""
    assert form.keep is not None
    W_r, W_z, _, U_n = gates(d, w)
    z, r = form.keep[:, 0, 0], form.keep[:, 0, 1]
    by_reset, by_update, into_n = form.coef[:, 0, 0], form.coef[:, 1, 0], form.coef[:, 2, 0]
    to_candidate = into_n * delta
    to_product = to_candidate @ U_n  # dL/d(r h)
    errors = np.stack((to_product * by_reset, by_update * delta, to_candidate, to_candidate))
    add_gradient(d, form, errors, gradient)
    through_gates = errors[0] @ W_r[:, d.inputs + 1 :] + errors[1] @ W_z[:, d.inputs + 1 :]
    return np.asarray(z * delta + to_product * r + through_gates, np.float32)
