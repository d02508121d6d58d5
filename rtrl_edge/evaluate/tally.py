"""The errors of a run, summed as it goes: what a ``Run`` says of itself, in memory that does not grow with it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from ..errors import DataError
from ..stream import Float
from .prequential import Run


class Errors(Protocol):
    """How wrong a contender was, over ranges of samples: a run, or its tally."""

    def __len__(self) -> int: ...

    def nrmse(self, start: int = 0, stop: int | None = None) -> float:
        """See :meth:`Run.nrmse`."""
        ...

    def figures(self, start: int = 0, stop: int | None = None) -> dict[str, object]:
        """See :meth:`Run.figures`."""
        ...


@dataclass
class _Sum:
    """Of a range: how many of its samples came, how many had a label, and their squared errors (outputs,)."""

    squares: Float
    samples: int = 0
    labelled: int = 0


class Tally:
    """Errors of a run that is added piece by piece, over ranges that are known before.

    The unit of all errors is each channel's standard deviation over the labels of the whole run, as in a
    :class:`Run`; figures differ from those of a Run by no more than the rounding of sums in float64.

    Args:
        outputs: channels of a label.
        samples: of the whole run.
        ranges: (start, stop) of which figures will be asked.
    """

    def __init__(self, outputs: int, samples: int, ranges: Sequence[tuple[int, int]]) -> None:
        self._samples, self._done = samples, 0
        self._sums = {r: _Sum(np.zeros(outputs)) for r in [(0, samples), *ranges]}
        self._labels = 0
        self._origin: Float | None = None  # the first label: of a constant channel all differences are exactly 0
        self._mean, self._moment = np.zeros(outputs), np.zeros(outputs)

    def __len__(self) -> int:
        return self._samples

    def add(self, run: Run) -> None:
        """The next samples of the run."""
        squares = np.nan_to_num((run.prediction - run.target) ** 2)
        for (start, stop), total in self._sums.items():
            part = slice(max(start - self._done, 0), max(stop - self._done, 0))
            total.samples += len(run.labelled[part])
            total.labelled += int(run.labelled[part].sum())
            total.squares += squares[part].sum(axis=0)
        self._done += len(run)
        self._learn_deviation(run.target[run.labelled])

    def _learn_deviation(self, labels: Float) -> None:
        """Chan, Golub & LeVeque 1983: mean and sum of squared differences of two parts together."""
        if not len(labels):
            return
        if self._origin is None:
            self._origin = labels[0].copy()
        moved = labels - self._origin
        new = len(labels)
        mean, moment = moved.mean(axis=0), ((moved - moved.mean(axis=0)) ** 2).sum(axis=0)
        apart, all_labels = mean - self._mean, self._labels + new
        self._moment += moment + apart**2 * (self._labels * new / all_labels)
        self._mean += apart * (new / all_labels)
        self._labels = all_labels

    @property
    def deviation(self) -> Float:
        """(outputs,) standard deviation of each channel's labels: the unit of all errors (1 if constant)."""
        if not self._labels:
            raise DataError("stream: no sample of it has a label, so there is no error to measure")
        found = np.sqrt(self._moment / self._labels)
        return np.where(found > 0.0, found, 1.0)

    def nrmse(self, start: int = 0, stop: int | None = None) -> float:
        """Over one of the ranges, all channels; NaN if no sample there has a label."""
        return float(np.sqrt(np.mean(self._mean_squares(start, stop) / self.deviation**2)))

    def figures(self, start: int = 0, stop: int | None = None) -> dict[str, object]:
        """The errors of one of the ranges as plain data, units in the names."""
        total, errors = self._sum(start, stop), np.sqrt(self._mean_squares(start, stop))
        return {
            "samples": total.samples,
            "labelled_samples": total.labelled,
            "nrmse_per_channel_std": self.nrmse(start, stop),
            "nrmse_by_channel_per_channel_std": (errors / self.deviation).tolist(),
            "rmse_by_channel_in_physical_units": errors.tolist(),
        }

    def _sum(self, start: int, stop: int | None) -> _Sum:
        return self._sums[start, self._samples if stop is None else stop]

    def _mean_squares(self, start: int, stop: int | None) -> Float:
        total = self._sum(start, stop)
        return total.squares / total.labelled if total.labelled else np.full_like(total.squares, np.nan)
