"""Gradients over a finite window of steps with frozen weights, in two ways that know nothing of J.

A window has a given state before its first step, and that state is a constant: an influence matrix that
is zero at the window's start must lead to the same gradient. Windows are finite on purpose: over the
whole sequence a rule that secretly truncates, or secretly is BPTT, can look right.
Shapes: x (T, inputs); target (T, o), a row of NaN is a step without a label; s (S,).
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import numpy.typing as npt

from ..model import Model
from ..weights import Weights
from .network import Gradients
from .teacher import force
from .voices import Float, vector, voices


def window_loss(
    model: Model, weights: Weights, x: npt.ArrayLike, target: npt.ArrayLike, s: npt.ArrayLike | None = None
) -> float:
    """Sum of the losses of the labelled steps."""
    xs, targets, state = _window(model, weights, x, target, s)
    return _summed_loss(model, weights.W.ravel(), weights.V, xs, targets, state)


def bptt(
    model: Model, weights: Weights, x: npt.ArrayLike, target: npt.ArrayLike, s: npt.ArrayLike | None = None
) -> Gradients:
    """Gradient of the summed loss by backpropagation through time over exactly the given steps.

    delta_t = c_t + D_{t+1}^T delta_{t+1};  dL/dw = sum_t I_t^T delta_t.
    Source: Werbos 1990; Williams & Peng 1990.
    """
    xs, targets, state = _window(model, weights, x, target, s)
    model = replace(model, trainable=None)
    parts, d, w, V = voices(model), model.dims, weights.W.ravel(), weights.V
    before, free, after, taught = [], [], [], None
    for sample, wanted in zip(xs, targets, strict=True):
        past, of_it = force(d, state, taught)
        state = parts.cell.forward(d, w, sample, past)
        before.append(past)
        free.append(of_it)
        after.append(state)
        taught = None if np.isnan(wanted).any() else wanted
    columns, direct = np.zeros(d.columns), np.zeros(d.weights - d.columns)
    gV, delta = np.zeros_like(V), np.zeros(d.states)
    for sample, past, of_it, now, wanted in reversed(list(zip(xs, before, free, after, targets, strict=True))):
        if not np.isnan(wanted).any():
            h = parts.cell.visible(d, w, sample, now)
            e = parts.loss.error(model.loss, parts.readout.forward(V, h), wanted)
            c = parts.readout.credit(V, e, h)
            gV += parts.readout.gradient(e, h)
            direct += parts.cell.direct(d, w, sample, now, c)
            delta = delta + parts.cell.visible_jacobian(d, w, sample, now).T @ c
        D, immediate = parts.cell.jacobians(d, w, sample, past)
        columns += immediate.T @ delta
        delta = (D * of_it).T @ delta
    return Gradients(np.concatenate((columns, direct)).reshape(d.weight_shape), gV)


def finite_differences(
    model: Model,
    weights: Weights,
    x: npt.ArrayLike,
    target: npt.ArrayLike,
    s: npt.ArrayLike | None = None,
    *,
    step: float = 1e-5,
) -> Gradients:
    """Central differences of the summed loss, one weight at a time; uses forward passes only.

    The error is of the order step^2 (curvature) + 1e-16 / step (rounding): about 1e-10 as it stands.
    """
    xs, targets, state = _window(model, weights, x, target, s)
    w, V = weights.W.ravel().copy(), weights.V.copy()

    def slopes(array: Float) -> Float:
        found = np.zeros_like(array)
        for at in np.ndindex(array.shape):
            kept, losses = array[at], []
            for moved in (kept + step, kept - step):
                array[at] = moved
                losses.append(_summed_loss(model, w, V, xs, targets, state))
            array[at] = kept
            found[at] = (losses[0] - losses[1]) / (2.0 * step)
        return found

    return Gradients(slopes(w).reshape(model.dims.weight_shape), slopes(V))


def _summed_loss(model: Model, w: Float, V: Float, xs: Float, targets: Float, state: Float) -> float:
    parts, d, total, taught = voices(model), model.dims, 0.0, None
    for sample, wanted in zip(xs, targets, strict=True):
        state = parts.cell.forward(d, w, sample, force(d, state, taught)[0])
        taught = None if np.isnan(wanted).any() else wanted
        if taught is not None:
            y = parts.readout.forward(V, parts.cell.visible(d, w, sample, state))
            total += float(parts.loss.value(model.loss, y, wanted))
    return total


def _window(
    model: Model, weights: Weights, x: npt.ArrayLike, target: npt.ArrayLike, s: npt.ArrayLike | None
) -> tuple[Float, Float, Float]:
    weights.check(model)
    d = model.dims
    xs, targets = np.asarray(x, dtype=np.float64), np.asarray(target, dtype=np.float64)
    if xs.ndim != 2 or xs.shape[1] != d.inputs or targets.shape != (len(xs), d.outputs):
        raise ValueError(
            f"window: wanted x (T, {d.inputs}) and target (T, {d.outputs}), found {xs.shape} and {targets.shape}"
        )
    return xs, targets, np.zeros(d.states) if s is None else vector("window: s", s, d.states)
