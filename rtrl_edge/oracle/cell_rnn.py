"""Elman network, h_t = tanh(W z_t) with z_t = [x_t; 1; h_{t-1}].

Shapes: x (inputs,), h (n,), z (m,), W (n, m), m = inputs + 1 + n.
Source: Elman 1990; Williams & Zipser 1989 (their z, s and y), with tanh for the logistic function.
"""

from __future__ import annotations

import numpy as np

from .voices import Float


def forward(W: Float, x: Float, h: Float) -> tuple[Float, Float]:
    """One step from h (n,): the new h (n,), and z (m,), which the immediate Jacobian needs."""
    z = np.concatenate((x, [1.0], h))
    return np.tanh(W @ z), z


def dynamics(W: Float, h: Float) -> Float:
    """D[k, l] = dh_k(t)/dh_l(t-1) = (1 - h_k^2) W[k, inputs + 1 + l], (n, n), from h (n,) after the step.

    Only the last n columns of W enter, so the recurrent block (n, n) alone will do for W.
    """
    return slope(h)[:, None] * W[:, -len(h) :]


def slope(h: Float) -> Float:
    """tanh'(s) (n,) = 1 - h^2. Immediate Jacobian: dh_k/dW[i, j] at fixed past = [k = i] slope_i z_j."""
    return 1.0 - h * h
