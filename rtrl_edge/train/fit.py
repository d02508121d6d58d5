"""Truncated BPTT with Adam over a recording.

The recording is cut into parallel, contiguous subsequences, so that one step of the recurrence is one
small matrix product for all of them; the state is carried from window to window. The weights that
did best on the held-out end of the recording are kept. Shapes below: B subsequences, K steps of a window, S states,
H entries that the readout sees, o outputs.
"""

from __future__ import annotations

import importlib
import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol, cast

import numpy as np
import numpy.typing as npt

from ..errors import DataError, ModelError, check_kind
from ..model import Dims, Model
from ..stream import Stream
from ..weights import Scaling, Weights, initial
from .form import Float32, Form

if TYPE_CHECKING:
    from ..oracle.voices import LossVoice

EPOCHS = 120
BATCH = 32  # most subsequences at once
WINDOW = 32  # steps that the gradient goes back
SPAN = 20 * WINDOW  # fewer steps a subsequence, and an epoch has too few updates to get anywhere
RATE = 0.01
GRADIENT_NORM = 1.0
HELD_OUT = 0.15
SHORTEST = 4 * WINDOW  # samples
WEIGHT_BOUND = 7.9  # the chip's forward weights are Q3.12 and saturate at 8
TARGET_BOUND = 8.0  # and so do its targets


class CellVoice(Protocol):
    """What a cell's file defines: w (weights,), x (B, inputs), state s (B, S)."""

    def forward(self, d: Dims, w: Float32, x: Float32, s: Float32) -> tuple[Float32, Form]:
        """The state after the step, and its form."""
        ...

    def backward(self, d: Dims, w: Float32, form: Form, delta: Float32, gradient: Float32) -> Float32:
        """dL/ds (B, S) after the step -> before it; adds dL/dw into ``gradient``."""
        ...

    def visible(self, d: Dims, w: Float32, x: Float32, s: Float32) -> Float32:
        """What the readout sees (B, H) of the state after the step."""
        ...

    def visible_backward(
        self, d: Dims, w: Float32, x: Float32, s: Float32, credit: Float32, gradient: Float32
    ) -> Float32:
        """dL/dvisible (B, H) -> dL/ds (B, S); adds the direct weights' gradient into ``gradient``."""
        ...


@dataclass(frozen=True, eq=False)
class _Sequences:
    """Parallel subsequences: x (L, B, inputs), target (L, B, o), known (L, B, 1) 1 or 0."""

    x: Float32
    target: Float32
    known: Float32


def train(
    model: Model,
    past: Stream,
    *,
    epochs: int = EPOCHS,
    seed: int = 0,
    rate: float = RATE,
    progress: Callable[[int, int, float], None] | None = None,
) -> Weights:
    """Fit a model to a recording; the same seed gives the same weights.

    All weights are trained, also those that the model's rule leaves alone on the chip. Samples without a
    label drive the state and cost nothing.

    Args:
        model: what to train.
        past: x (T, inputs) and target (T, outputs) in physical units; its last 15 % choose the weights.
        epochs: passes over the first 85 %.
        seed: of the initial weights.
        rate: Adam's first learning rate; it falls to zero along half a cosine.
        progress: called after each epoch with its number (from 1), ``epochs`` and the loss on the held-out
            end: the mean over labelled steps of the model's loss in the network's units.

    Returns:
        Weights with the scaling fitted to ``past``; every |weight| < 8.

    Raises:
        DataError: ``past`` does not fit the model or its loss, is too short, or lacks labels.
        ModelError: an argument is out of range, or in the wrong place.
    """
    check_kind("train: model", model, Model)
    check_kind("train: past", past, Stream)
    _check(model, past, epochs, rate)
    scaling = Scaling.fit(past, not model.loss.of_probabilities)
    model.loss.check_targets("train", past.target[past.labelled])
    cut = len(past) - math.ceil(HELD_OUT * len(past))
    fit = _sequences("first 85 %", scaling, past[:cut])
    held_out = _sequences("last 15 %", scaling, past[cut:])
    network = Network(model)
    start = initial(model, seed)
    w, V = start.W.astype(np.float32).ravel(), start.V.astype(np.float32)
    adam, best = _Adam([w, V]), (math.inf, w.copy(), V.copy())
    windows = range(0, len(fit.x), WINDOW)
    for epoch in range(epochs):
        s = np.zeros((fit.x.shape[1], model.dims.states), np.float32)
        for number, at in enumerate(windows):
            done = (epoch + number / len(windows)) / epochs
            part = slice(at, at + WINDOW)
            *gradients, s = network.gradients(w, V, s, fit.x[part], fit.target[part], fit.known[part])
            adam.step(gradients, rate * 0.5 * (1.0 + math.cos(math.pi * done)))
        loss = network.mean_loss(w, V, held_out)
        if loss < best[0]:
            best = (loss, w.copy(), V.copy())
        if progress is not None:
            progress(epoch + 1, epochs, loss)
    W = best[1].astype(np.float64).reshape(model.dims.weight_shape)
    return Weights(W, best[2].astype(np.float64), scaling)


def _check(model: Model, past: Stream, epochs: int, rate: float) -> None:
    d = model.dims
    for what, found, wanted in (("x", past.x.shape, d.inputs), ("target", past.target.shape, d.outputs)):
        if found[1] != wanted:
            raise DataError(
                f"train: model '{model.name}' wants {what} (samples, {wanted}), the stream has {found}; "
                "change the model's size or choose the stream's columns"
            )
    if len(past) < SHORTEST:
        raise DataError(f"train: wanted at least {SHORTEST} samples, found {len(past)}; record for longer")
    if isinstance(epochs, bool) or not isinstance(epochs, int) or epochs < 1:
        raise ModelError(f"train: wanted a whole number of epochs from 1, found {epochs!r}")
    if not 0.0 < rate <= 1.0:
        raise ModelError(f"train: wanted a rate above 0 and at most 1, found {rate!r}")


def _sequences(what: str, scaling: Scaling, part: Stream) -> _Sequences:
    """Cut into B subsequences of equal length; the few samples left over at the beginning are dropped."""
    count = min(BATCH, max(1, len(part) // SPAN))
    length = len(part) // count

    def cut(values: npt.NDArray[np.float64]) -> Float32:
        rows = values[len(values) - count * length :].astype(np.float32)
        return np.ascontiguousarray(rows.reshape(count, length, -1).swapaxes(0, 1))

    known = part.labelled[:, None]
    target = np.where(known, np.clip(scaling.outputs(part.target), -TARGET_BOUND, TARGET_BOUND), 0.0)
    sequences = _Sequences(cut(scaling.inputs(part.x)), cut(target), cut(known.astype(np.float64)))
    if not sequences.known.any():
        raise DataError(
            f"train: the {what} of the stream ({len(part)} samples) has no label; the first part teaches "
            "the weights, the last chooses among them: give a stream with labels in both"
        )
    return sequences


class Network:
    """A model in float32, a batch at a time."""

    def __init__(self, model: Model) -> None:
        """Find the cell's file; the loss is the oracle's."""
        from ..oracle.voices import voices  # here: a plan or a generator never needs it

        self._dims, self._loss = model.dims, model.loss
        self._cell = cast(CellVoice, importlib.import_module(f".{model.cell.voice}", __package__))
        self._voice: LossVoice = voices(model).loss

    def gradients(
        self, w: Float32, V: Float32, s: Float32, x: Float32, target: Float32, known: Float32
    ) -> tuple[Float32, Float32, Float32]:
        """Gradients of w (weights,) and V (o, H + 1) of a window's mean loss, and the state (B, S) after it.

        Shapes: s (B, S), x (K, B, inputs), target (K, B, o), known (K, B, 1).
        """
        d, cell = self._dims, self._cell
        states, forms, frees = [], [], []
        for sample, wanted, labelled in zip(x, target, known, strict=True):
            s, form = cell.forward(d, w, sample, s)
            states.append(s)
            forms.append(form)
            s, free = self._forced(s, wanted, labelled)
            frees.append(free)
        h = np.stack([cell.visible(d, w, sample, after) for sample, after in zip(x, states, strict=True)])
        error = self._voice.error(self._loss, _double(_outputs(V, h)), _double(target)).astype(np.float32)
        error *= known / max(1.0, float(known.sum()))
        credit = self._credit(V, error)
        gw, delta = np.zeros_like(w), np.zeros_like(s)
        for t in range(len(x) - 1, -1, -1):
            delta = delta * frees[t] + cell.visible_backward(d, w, x[t], states[t], credit[t], gw)
            delta = cell.backward(d, w, forms[t], delta, gw)
        rows = error.reshape(-1, error.shape[2])
        gV = np.concatenate((rows.T @ h.reshape(-1, h.shape[2]), rows.sum(axis=0)[:, None]), axis=1)
        return gw, gV if d.weighted else np.zeros_like(V), s

    def mean_loss(self, w: Float32, V: Float32, data: _Sequences) -> float:
        """Mean over labelled steps, from a state of zero."""
        d, cell = self._dims, self._cell
        s = np.zeros((data.x.shape[1], d.states), np.float32)
        seen = []
        for sample, wanted, labelled in zip(data.x, data.target, data.known, strict=True):
            s, _ = cell.forward(d, w, sample, s)
            seen.append(cell.visible(d, w, sample, s))
            s, _ = self._forced(s, wanted, labelled)
        y = _outputs(V, np.stack(seen))
        losses = self._voice.value(self._loss, _double(y), _double(data.target)) * data.known[..., 0]
        return float(losses.sum(dtype=np.float64) / data.known.sum(dtype=np.float64))

    def _forced(self, s: Float32, target: Float32, known: Float32) -> tuple[Float32, Float32]:
        """The state (B, S) that the next step sees, and which of it depends on the past (B, S), 1 or 0: of a cell with
        teacher forcing, targets (B, o) stand for its outputs where they are known (B, 1)."""
        d, free = self._dims, np.ones_like(s)
        if d.structure.forced:
            s, outputs = s.copy(), slice(d.states - d.visible, d.states - d.visible + d.outputs)
            s[:, outputs] = np.where(known > 0, target, s[:, outputs])
            free[:, outputs] = 1.0 - known
        return s, free

    def _credit(self, V: Float32, error: Float32) -> Float32:
        """dL/dy (K, B, o) -> dL/dvisible (K, B, H)."""
        if self._dims.weighted:
            return error @ V[:, :-1]
        credit = np.zeros((*error.shape[:2], self._dims.visible), np.float32)
        credit[..., : error.shape[2]] = error
        return credit


def _outputs(V: Float32, h: Float32) -> Float32:
    """y of what the readout sees; V (o, 0) of Direct, whose outputs are the first of that."""
    return h @ V[:, :-1].T + V[:, -1] if V.size else h[..., : len(V)]


def _double(values: Float32) -> npt.NDArray[np.float64]:
    return values.astype(np.float64)


class _Adam:
    """Adam on arrays that it moves in place, with the gradient's norm and each weight bounded.

    Source: Kingma & Ba 2015, algorithm 1.
    """

    def __init__(self, weights: list[Float32]) -> None:
        """Start with moments of zero."""
        self.weights = weights
        self.mean = [np.zeros_like(w) for w in weights]
        self.square = [np.zeros_like(w) for w in weights]
        self.steps = 0

    def step(self, gradients: list[Float32], rate: float, fade: float = 0.9, fade_square: float = 0.999) -> None:
        """One step along the gradients, same shapes as the weights."""
        self.steps += 1
        norm = math.sqrt(sum(float((g * g).sum()) for g in gradients))
        shrink = min(1.0, GRADIENT_NORM / norm) if norm > 0.0 else 1.0
        rate *= math.sqrt(1.0 - fade_square**self.steps) / (1.0 - fade**self.steps)
        for w, g, mean, square in zip(self.weights, gradients, self.mean, self.square, strict=True):
            g = g * shrink
            mean += (1.0 - fade) * (g - mean)
            square += (1.0 - fade_square) * (g * g - square)
            w -= rate * mean / (np.sqrt(square) + 1e-8)
            np.clip(w, -WEIGHT_BOUND, WEIGHT_BOUND, out=w)
