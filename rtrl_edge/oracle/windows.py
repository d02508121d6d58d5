"""Gradients over a finite window of steps with frozen weights, in two ways that know nothing of J.

A window has a given state before its first step, and that state is a constant: an influence matrix that
is zero at the window's start must lead to the same gradient. Windows are finite on purpose: over the
whole sequence a rule that secretly truncates, or secretly is BPTT, can look right.
Shapes: x (T, inputs); target (T, o), a row of NaN is a step without a label; h (n,).
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from ..model import Model
from ..weights import Weights
from .network import Gradients
from .voices import Float, vector, voices


def window_loss(
    model: Model, weights: Weights, x: npt.ArrayLike, target: npt.ArrayLike, h: npt.ArrayLike | None = None
) -> float:
    """Sum of the losses of the labelled steps."""
    xs, targets, state = _window(model, weights, x, target, h)
    return _summed_loss(model, weights.W, weights.V, xs, targets, state)


def bptt(
    model: Model, weights: Weights, x: npt.ArrayLike, target: npt.ArrayLike, h: npt.ArrayLike | None = None
) -> Gradients:
    """Gradient of the summed loss by backpropagation through time over exactly the given steps.

    delta_t = c_t + D_{t+1}^T delta_{t+1};  dL/dW = sum_t (delta_t * slope_t) z_t^T.
    Source: Werbos 1990; Williams & Peng 1990.
    """
    xs, targets, state = _window(model, weights, x, target, h)
    parts, W, V = voices(model), weights.W, weights.V
    states, zs = [], []
    for sample in xs:
        state, z = parts.cell.forward(W, sample, state)
        states.append(state)
        zs.append(z)
    gW, gV, delta = np.zeros_like(W), np.zeros_like(V), np.zeros(model.dims.units)
    for state, z, wanted in zip(reversed(states), reversed(zs), targets[::-1], strict=True):
        if not np.isnan(wanted).any():
            e = parts.loss.error(parts.readout.forward(V, state), wanted)
            gV += parts.readout.gradient(e, state)
            delta = delta + parts.readout.credit(V, e)
        gW += np.outer(delta * parts.cell.slope(state), z)
        delta = parts.cell.dynamics(W, state).T @ delta
    return Gradients(gW, gV)


def finite_differences(
    model: Model,
    weights: Weights,
    x: npt.ArrayLike,
    target: npt.ArrayLike,
    h: npt.ArrayLike | None = None,
    *,
    step: float = 1e-5,
) -> Gradients:
    """Central differences of the summed loss, one weight at a time; uses forward passes only.

    The error is of the order step^2 (curvature) + 1e-16 / step (rounding): about 1e-10 as it stands.
    """
    xs, targets, state = _window(model, weights, x, target, h)
    W, V = weights.W.copy(), weights.V.copy()

    def slopes(array: Float) -> Float:
        found = np.zeros_like(array)
        for at in np.ndindex(array.shape):
            kept, losses = array[at], []
            for moved in (kept + step, kept - step):
                array[at] = moved
                losses.append(_summed_loss(model, W, V, xs, targets, state))
            array[at] = kept
            found[at] = (losses[0] - losses[1]) / (2.0 * step)
        return found

    return Gradients(slopes(W), slopes(V))


def _summed_loss(model: Model, W: Float, V: Float, xs: Float, targets: Float, state: Float) -> float:
    parts, total = voices(model), 0.0
    for sample, wanted in zip(xs, targets, strict=True):
        state, _ = parts.cell.forward(W, sample, state)
        if not np.isnan(wanted).any():
            total += parts.loss.value(parts.readout.forward(V, state), wanted)
    return total


def _window(
    model: Model, weights: Weights, x: npt.ArrayLike, target: npt.ArrayLike, h: npt.ArrayLike | None
) -> tuple[Float, Float, Float]:
    weights.check(model)
    d = model.dims
    xs, targets = np.asarray(x, dtype=np.float64), np.asarray(target, dtype=np.float64)
    if xs.ndim != 2 or xs.shape[1] != d.inputs or targets.shape != (len(xs), d.outputs):
        raise ValueError(
            f"window: wanted x (T, {d.inputs}) and target (T, {d.outputs}), found {xs.shape} and {targets.shape}"
        )
    return xs, targets, np.zeros(d.units) if h is None else vector("window: h", h, d.units)
