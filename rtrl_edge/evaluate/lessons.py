"""The data of one run of a task, and the judges of its predictions."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from ..model import BinaryCrossEntropy, Loss, SquaredError
from ..stream import Float, Stream

Starts = npt.NDArray[np.intp]
Figures = dict[str, float]

HIGH = 0.9  # a one of a binary input
ACCURATE = 0.98  # delayed XOR counts as learned from here on


def _none() -> Starts:
    return np.zeros(0, np.intp)


@dataclass(frozen=True, eq=False)
class Lesson:
    """One run's data.

    Args:
        stream: x (T, inputs) within +-1 and target (T, outputs), both in the network's units.
        starts: samples before which the past is forgotten.
        change: the sample from which a recording counts; what comes before is another situation, or what rates were
            chosen on.
    """

    stream: Stream
    starts: Starts = field(default_factory=_none)
    change: int = 0


def one_hot(symbols: npt.NDArray[np.intp], width: int, one: float = 1.0) -> Float:
    """(len(symbols), width)."""
    return one * np.eye(width)[symbols]


def _labels(prediction: Float, lesson: Lesson, share: float) -> tuple[Float, Float]:
    """Predictions and targets of the last ``share`` of the labelled samples."""
    known = np.flatnonzero(lesson.stream.labelled)
    late = known[len(known) - max(1, round(share * len(known))) :]
    return prediction[late], lesson.stream.target[late]


def steps_to_learn(prediction: Float, lesson: Lesson) -> Figures:
    """Labelled steps until the running accuracy (weight .001, from 1/2) passes 98 %, NaN if never; its last value."""
    y, target = _labels(prediction, lesson, 1.0)
    right = (y[:, 0] > 0) == (target[:, 0] > 0)
    accuracy, found = 0.5, float("nan")
    for t, correct in enumerate(right.tolist()):
        accuracy += 0.001 * (correct - accuracy)
        if accuracy > ACCURATE and found != found:
            found = float(t)
    return {"steps to 98 %": found, "accuracy": accuracy}


def normalised_error(prediction: Float, lesson: Lesson, last: int) -> Figures:
    """Mean squared error over the last samples, in units of the target's variance over the whole stream."""
    y, target = _labels(prediction, lesson, last / len(lesson.stream))
    variance = np.nanvar(lesson.stream.target)
    return {"NMSE": float(((y - target) ** 2).mean() / variance)}


def accuracy(prediction: Float, lesson: Lesson, share: float) -> Figures:
    """Share of right classes, and the cross-entropy, over the last ``share`` of the labels."""
    y, target = _labels(prediction, lesson, share)
    entropy = -(target * np.log(np.clip(y, 1e-6, 1.0))).sum(axis=1)
    return {"accuracy": float((y.argmax(axis=1) == target.argmax(axis=1)).mean()), "nats": float(entropy.mean())}


def squared_error(prediction: Float, lesson: Lesson, share: float, unit: float = 1.0) -> Figures:
    """Mean squared error over the last ``share`` of the labels, in units of ``unit`` squared."""
    y, target = _labels(prediction, lesson, share)
    return {"MSE": float(((y - target) ** 2).mean() / unit**2)}


def changed_error(prediction: Float, lesson: Lesson) -> Figures:
    """Mean squared error from the lesson's change on, in units of the target's variance; the same of what is before."""
    target = lesson.stream.target
    square = (prediction - target) ** 2 / np.nanvar(target)
    parts = {"NMSE": square[lesson.change :], "NMSE before": square[: lesson.change]}
    return {name: float(np.nanmean(part)) for name, part in parts.items() if np.isfinite(part).any()}


def mean_loss(prediction: Float, lesson: Lesson, loss: Loss, floor: float) -> Figures:
    """Mean loss of the last quarter of the samples above what cannot be known; a square is counted whole."""
    stream = lesson.stream
    late = np.flatnonzero(stream.labelled & (np.arange(len(stream)) >= 3 * len(stream) // 4))
    y, target = prediction[late], stream.target[late]
    if isinstance(loss, SquaredError):
        each = ((y - target) ** 2).sum(axis=1)
    else:
        p = np.clip(y, 1e-6, 1.0 - 1e-6)
        each = -(target * np.log(p)).sum(axis=1)
        if isinstance(loss, BinaryCrossEntropy):
            each -= ((1.0 - target) * np.log(1.0 - p)).sum(axis=1)
    return {"loss": float(each.mean() - floor)}
