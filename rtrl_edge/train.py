"""Host pre-training of the Elman cell in float: truncated BPTT with Adam, in plain NumPy.

The recording is cut into parallel, contiguous subsequences, so that one step of the recurrence is one
small matrix product for all of them; the state is carried from window to window. The weights that
did best on the held-out end of the recording are kept. Shapes below: B subsequences, K steps of a window,
n units, m = inputs + 1 + n, o outputs.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from .errors import DataError, ModelError
from .model import RNN, Loss, Model
from .oracle.voices import LossVoice, voices
from .stream import Stream
from .weights import Scaling, Weights, initial

Float32 = npt.NDArray[np.float32]

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


@dataclass(frozen=True, eq=False)
class _Sequences:
    """Parallel subsequences: x (L, B, inputs + 1) with the bias, target (L, B, o), known (L, B, 1) 1 or 0."""

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
        ModelError: the cell is not RNN, or an argument is out of range.
    """
    _check(model, past, epochs, rate)
    scaling = Scaling.fit(past, not model.loss.of_probabilities)
    model.loss.check_targets("train", past.target[past.labelled])
    voice = voices(model).loss
    cut = len(past) - math.ceil(HELD_OUT * len(past))
    fit = _sequences("first 85 %", scaling, past[:cut])
    held_out = _sequences("last 15 %", scaling, past[cut:])
    start = initial(model, seed)
    W, V = start.W.astype(np.float32), start.V.astype(np.float32)
    adam, best = _Adam([W, V]), (math.inf, W.copy(), V.copy())
    windows = range(0, len(fit.x), WINDOW)
    for epoch in range(epochs):
        h = np.zeros((fit.x.shape[1], model.dims.units), np.float32)
        for number, at in enumerate(windows):
            done = (epoch + number / len(windows)) / epochs
            part = slice(at, at + WINDOW)
            gradients, h = _window_gradients(W, V, h, fit.x[part], fit.target[part], fit.known[part], model.loss, voice)
            adam.step(gradients, rate * 0.5 * (1.0 + math.cos(math.pi * done)))
        loss = _mean_loss(W, V, held_out, model.loss, voice)
        if loss < best[0]:
            best = (loss, W.copy(), V.copy())
        if progress is not None:
            progress(epoch + 1, epochs, loss)
    return Weights(best[1].astype(np.float64), best[2].astype(np.float64), scaling)


def _check(model: Model, past: Stream, epochs: int, rate: float) -> None:
    if not isinstance(model.cell, RNN):
        raise ModelError(
            f"train: pre-training on the host knows the cell RNN only, found {model.cell!r}; "
            "give weights that you trained elsewhere with Weights(W, V), or start from rtrl_edge.weights.initial"
        )
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
    x = np.concatenate((scaling.inputs(part.x), np.ones((len(part), 1))), axis=1)
    target = np.where(known, np.clip(scaling.outputs(part.target), -TARGET_BOUND, TARGET_BOUND), 0.0)
    sequences = _Sequences(cut(x), cut(target), cut(known.astype(np.float64)))
    if not sequences.known.any():
        raise DataError(
            f"train: the {what} of the stream ({len(part)} samples) has no label; the first part teaches "
            "the weights, the last chooses among them: give a stream with labels in both"
        )
    return sequences


def _states(W: Float32, h: Float32, x: Float32) -> Float32:
    """States (K + 1, B, n) of a window: the given h (B, n) first; x (K, B, inputs + 1)."""
    inputs = x.shape[2]
    drive = x @ W[:, :inputs].T
    recurrent = np.ascontiguousarray(W[:, inputs:].T)
    states = np.empty((len(x) + 1, *h.shape), np.float32)
    states[0] = h
    for t in range(len(x)):
        np.tanh(drive[t] + states[t] @ recurrent, out=states[t + 1])
    return states


def _window_gradients(
    W: Float32, V: Float32, h: Float32, x: Float32, target: Float32, known: Float32, loss: Loss, voice: LossVoice
) -> tuple[list[Float32], Float32]:
    """Gradients of W (n, m) and V (o, n + 1) of the window's mean loss, and the state (B, n) after it."""
    states = _states(W, h, x)
    after = states[1:]
    y = after @ V[:, :-1].T + V[:, -1]
    error = voice.error(loss, _double(y), _double(target)).astype(np.float32) * (known / max(1.0, float(known.sum())))
    delta = error @ V[:, :-1]  # (K, B, n): first the credit, then, from the end, what later steps add
    slope = 1.0 - after * after
    recurrent = np.ascontiguousarray(W[:, x.shape[2] :])
    delta[-1] *= slope[-1]
    for t in range(len(x) - 2, -1, -1):
        delta[t] = (delta[t] + delta[t + 1] @ recurrent) * slope[t]

    def summed(rows: Float32, columns: Float32) -> Float32:
        return rows.reshape(-1, rows.shape[2]).T @ columns.reshape(-1, columns.shape[2])

    gW = np.concatenate((summed(delta, x), summed(delta, states[:-1])), axis=1)
    gV = np.concatenate((summed(error, after), error.sum(axis=(0, 1))[:, None]), axis=1)
    return [gW, gV], after[-1]


def _mean_loss(W: Float32, V: Float32, data: _Sequences, loss: Loss, voice: LossVoice) -> float:
    """Mean over labelled steps."""
    h = np.zeros((data.x.shape[1], len(W)), np.float32)
    y = _states(W, h, data.x)[1:] @ V[:, :-1].T + V[:, -1]
    losses = voice.value(loss, _double(y), _double(data.target)) * data.known[..., 0]
    return float(losses.sum(dtype=np.float64) / data.known.sum(dtype=np.float64))


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
