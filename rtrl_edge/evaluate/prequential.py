"""Test, then train: every sample is predicted before its label is seen, and every such error counts.

Source: Dawid 1984; Gama, Sebastiao & Rodrigues 2013 (evaluation of stream learners).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Protocol

import numpy as np
import numpy.typing as npt

from ..device import Device, Int16
from ..errors import DataError
from ..model import Loss
from ..stream import Float, Stream
from .baselines import Control

#: called with the number of samples done since the last call; ``tqdm(...).update`` fits
Progress = Callable[[int], object]
Bools = npt.NDArray[np.bool_]
#: samples that a device plays in one call: many, for speed, and few enough to show progress and to be interrupted
AT_ONCE = 256


class Converter(Protocol):
    """What :class:`rtrl_edge.quantize.IntegerModel` offers here: physical units to words and back."""

    def to_input(self, x: npt.ArrayLike) -> npt.NDArray[np.int16]:
        """Physical inputs (..., inputs) as Q0.15 words."""
        ...

    def to_target(self, target: npt.ArrayLike) -> npt.NDArray[np.int16]:
        """Physical labels (..., outputs) as words in the format of y."""
        ...

    def from_output(self, y: npt.ArrayLike) -> Float:
        """Predictions (..., outputs) in physical units."""
        ...


@dataclass(frozen=True, eq=False)
class Run:
    """What one contender predicted on a stream, and how wrong it was.

    Args:
        prediction: (T, outputs), physical units, each made before its label was seen.
        target: (T, outputs), physical units, NaN rows where there is no label.
        outputs: (T, outputs) the device's own words, None for a float control.

    Errors are counted in units of each channel's standard deviation over the labels of the whole stream,
    so that all channels count alike whatever their physical units: an NRMSE of 1 is the best constant.
    """

    prediction: Float
    target: Float
    outputs: Int16 | None = None

    def __post_init__(self) -> None:
        if self.prediction.shape != self.target.shape:
            raise DataError(f"run: {self.prediction.shape} predictions for {self.target.shape} labels")

    def __len__(self) -> int:
        return len(self.prediction)

    @cached_property
    def deviation(self) -> Float:
        """(outputs,) standard deviation of each channel's labels: the unit of all errors (1 if constant)."""
        labels = self.target[self.labelled]
        if not len(labels):
            raise DataError("stream: no sample of it has a label, so there is no error to measure")
        constant = (labels == labels[0]).all(axis=0)  # rounding would give it a deviation of its own
        return np.where(constant, 1.0, labels.std(axis=0))

    @cached_property
    def labelled(self) -> npt.NDArray[np.bool_]:
        """(T,) which samples have a label."""
        return np.asarray(~np.isnan(self.target).all(axis=1))

    @cached_property
    def squared_error(self) -> Float:
        """(T, outputs) squared errors in units of each channel's variance, NaN without a label."""
        found: Float = ((self.prediction - self.target) / self.deviation) ** 2
        return found

    def nrmse(self, start: int = 0, stop: int | None = None) -> float:
        """Root mean squared error over samples start to stop - 1 and all channels, each in its deviation.

        NaN if no sample there has a label.
        """
        return _root_mean(self.squared_error[start:stop][self.labelled[start:stop]])

    def nrmse_by_channel(self, start: int = 0, stop: int | None = None) -> list[float]:
        """The same for each channel alone."""
        errors = self.squared_error[start:stop][self.labelled[start:stop]]
        return [_root_mean(channel) for channel in errors.T]

    def rmse_by_channel(self, start: int = 0, stop: int | None = None) -> list[float]:
        """Root mean squared error of each channel in its physical unit."""
        return [e * float(d) for e, d in zip(self.nrmse_by_channel(start, stop), self.deviation, strict=True)]

    def running_nrmse(self, window: int = 250) -> Float:
        """(T,) NRMSE over the last ``window`` samples, each included; NaN where none has a label."""
        labelled = self.labelled.astype(np.float64)
        errors = np.where(self.labelled, np.nan_to_num(self.squared_error).mean(axis=1), 0.0)
        total, count = (np.concatenate([[0.0], np.cumsum(v)]) for v in (errors, labelled))
        end = np.arange(1, len(self) + 1)
        begin = np.maximum(end - window, 0)
        with np.errstate(invalid="ignore"):
            squares = np.maximum(total[end] - total[begin], 0.0) / (count[end] - count[begin])
        return np.asarray(np.sqrt(squares), dtype=np.float64)

    def metrics(self, loss: Loss, start: int = 0, stop: int | None = None) -> dict[str, float]:
        """What a loss measures beside the NRMSE over the labelled samples of a range: accuracy and cross-entropy in
        nats of the classifiers; nothing of other losses."""
        rows = self.labelled[start:stop]
        return loss.metrics(self.prediction[start:stop][rows], self.target[start:stop][rows]) if rows.any() else {}

    def figures(self, start: int = 0, stop: int | None = None) -> dict[str, object]:
        """The errors of a range as plain data, units in the names."""
        return {
            "samples": len(self.labelled[start:stop]),
            "labelled_samples": int(self.labelled[start:stop].sum()),
            "nrmse_per_channel_std": self.nrmse(start, stop),
            "nrmse_by_channel_per_channel_std": self.nrmse_by_channel(start, stop),
            "rmse_by_channel_in_physical_units": self.rmse_by_channel(start, stop),
        }


def joined(runs: Sequence[Run]) -> Run:
    """One run of its pieces, in time order."""
    outputs = [run.outputs for run in runs if run.outputs is not None]
    return Run(
        np.concatenate([run.prediction for run in runs]),
        np.concatenate([run.target for run in runs]),
        np.concatenate(outputs) if outputs else None,
    )


def prequential(
    device: Device,
    integer_model: Converter,
    stream: Stream,
    learn: bool = True,
    progress: Progress | None = None,
) -> Run:
    """Play a stream through a device: predict, record, then learn (or observe, if there is no label).

    A device with a method ``play(x, target, labelled) -> y`` (many samples in one call) is driven with it, one with
    ``step(target, x) -> y`` (learn from ``target``, then predict ``x``, in one round trip) with that; predictions and
    final state are the same.

    Args:
        device: anything with the device interface; its state is not reset before.
        integer_model: converts between physical units and words.
        stream: physical units.
        learn: False plays a frozen copy: every sample is only observed.
        progress: called with the number of samples done since the last call.
    """
    x = integer_model.to_input(stream.x)
    labelled = stream.labelled if learn else np.zeros(len(stream), dtype=np.bool_)
    target = np.zeros(stream.target.shape, dtype=np.int16)
    target[labelled] = integer_model.to_target(stream.target[labelled])
    outputs = np.empty(stream.target.shape, dtype=np.int16)
    done = 0
    for y in _pieces(device, x, target, labelled):
        outputs[done : done + len(y)] = y
        done += len(y)
        if progress is not None:
            progress(len(y))
    return Run(integer_model.from_output(outputs), stream.target, outputs)


def in_pieces(device: Device, integer_model: Converter, stream: Stream, every: int) -> Iterator[tuple[int, float]]:
    """Play a stream through a device: after every so many samples how many are done, and the NRMSE of the last ones in
    units of the whole stream's deviations (NaN without a label)."""
    whole = Run(stream.target, stream.target)
    for start in range(0, len(stream), every):
        run = prequential(device, integer_model, stream[start : start + every])
        errors = (run.prediction - run.target)[run.labelled] / whole.deviation
        yield start + len(run), _root_mean(errors**2)


def _pieces(device: Device, x: Int16, target: Int16, labelled: Bools) -> Iterator[Int16]:
    """Predictions of one sample after the other, of as many at a time as the device plays in one call."""
    play_words: Callable[[Int16, Int16, Bools], Int16] | None = getattr(device, "play", None)
    step: Callable[[Int16, Int16], Int16] | None = getattr(device, "step", None)
    if play_words is not None:
        for start in range(0, len(x), AT_ONCE):
            piece = slice(start, start + AT_ONCE)
            yield play_words(x[piece], target[piece], labelled[piece])
        return
    targets = [words if known else None for words, known in zip(target, labelled, strict=True)]
    for y in _one_by_one(device, x, targets) if step is None else _pipelined(device, step, x, targets):
        yield y[None]


def _one_by_one(device: Device, x: Int16, targets: list[Int16 | None]) -> Iterable[Int16]:
    for sample, target in zip(x, targets, strict=True):
        yield device.predict(sample)
        _finish(device, target)


def _pipelined(
    device: Device, step: Callable[[Int16, Int16], Int16], x: Int16, targets: list[Int16 | None]
) -> Iterable[Int16]:
    """The label of a sample travels with the next sample."""
    waiting: Int16 | None = None
    for sample, target in zip(x, targets, strict=True):
        yield device.predict(sample) if waiting is None else step(waiting, sample)
        waiting = target
        if target is None:
            device.observe()
    if waiting is not None:
        device.learn(waiting)


def _finish(device: Device, target: Int16 | None) -> None:
    if target is None:
        device.observe()
    else:
        device.learn(target)


def play(control: Control, stream: Stream, learn: bool = True) -> Run:
    """Play a stream through a float control under the same protocol."""
    prediction = np.empty(stream.target.shape)
    for t, (x, target) in enumerate(stream):
        prediction[t] = control.predict(x)
        if learn and target is not None:
            control.learn(target)
    return Run(prediction, stream.target)


def _root_mean(squares: Float) -> float:
    return float(np.sqrt(squares.mean())) if squares.size else float("nan")
