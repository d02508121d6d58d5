"""Recorded data as a stream of samples and labels, in physical units."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt

from .errors import DataError

Float = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Stream:
    """Samples in time order.

    Args:
        x: (T, inputs) finite sensor values.
        target: (T, outputs); a row of NaN is a sample without a label.
        rate_hz: sampling rate, if known; only reports use it.
        channels: names of the inputs, if known.
    """

    x: Float
    target: Float
    rate_hz: float | None = None
    channels: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        for name in ("x", "target"):
            value = numbers(f"stream: {name}", getattr(self, name))
            if value.ndim != 2 or value.shape[1] < 1:
                raise DataError(f"stream: {name} must have the shape (samples, channels), found {value.shape}")
            object.__setattr__(self, name, value)
        if len(self.x) != len(self.target):
            raise DataError(
                f"stream: {len(self.x)} samples but {len(self.target)} targets; give one target row a sample"
            )
        if self.rate_hz is not None and not 0.0 < self.rate_hz < math.inf:
            raise DataError(f"stream: wanted a rate_hz above 0, or None if it is not known, found {self.rate_hz}")
        for _, mistake in mistakes(self.x, self.target):
            raise DataError(f"stream: {mistake}")

    def __len__(self) -> int:
        return len(self.x)

    def __getitem__(self, part: slice) -> Stream:
        return Stream(self.x[part], self.target[part], self.rate_hz, self.channels)

    def __iter__(self) -> Iterator[tuple[Float, Float | None]]:
        """Pairs (x, target), target None where the label is missing."""
        for x, target in zip(self.x, self.target, strict=True):
            yield x, None if np.isnan(target).all() else target

    @property
    def widths(self) -> tuple[int, int]:
        """Inputs and outputs."""
        return self.x.shape[1], self.target.shape[1]

    def chunks(self, size: int) -> Iterator[Stream]:
        """The stream in pieces of at most so many samples, in time order."""
        for start in range(0, len(self), size):
            yield self[start : start + size]

    @property
    def labelled(self) -> npt.NDArray[np.bool_]:
        """Which samples have a label."""
        return ~np.asarray(np.isnan(self.target).all(axis=1), dtype=np.bool_)

    @property
    def predicts_next_sample(self) -> bool:
        """Whether every label is the next sample of the same channels."""
        if self.x.shape != self.target.shape or len(self) < 2:
            return False
        known = self.labelled[:-1]
        return bool(known.any()) and np.array_equal(self.target[:-1][known], self.x[1:][known])


class Source(Protocol):
    """What a stream is to those that only play it: a :class:`Stream`, or a file that is read a piece at a time."""

    @property
    def rate_hz(self) -> float | None:
        """Sampling rate, if known."""
        ...

    @property
    def channels(self) -> tuple[str, ...]:
        """Names of the inputs, if known."""
        ...

    @property
    def widths(self) -> tuple[int, int]:
        """Inputs and outputs."""
        ...

    @property
    def predicts_next_sample(self) -> bool:
        """Whether every label is the next sample of the same channels."""
        ...

    def __len__(self) -> int: ...

    def chunks(self, size: int) -> Iterator[Stream]:
        """The stream in pieces of at most so many samples, in time order; again from its start at every call."""
        ...


def mistakes(x: Float, target: Float, start: int = 0) -> Iterator[tuple[int, str]]:
    """Rows that a stream may not have: its place in the arrays, and a sentence, which counts from ``start``."""
    if not np.isfinite(x).all():
        t, i = np.argwhere(~np.isfinite(x))[0]
        yield int(t), f"x[{start + t}, {i}] is {x[t, i]}; every sample must be finite, fill or drop it"
    bad = ~np.isfinite(target).all(axis=1) & ~np.isnan(target).all(axis=1)
    if bad.any():
        t = np.flatnonzero(bad)[0]
        row = target[t].tolist()
        yield int(t), f"target row {start + t} is {row}; a label is wholly finite, or wholly NaN if it is missing"


def numbers(what: str, values: npt.ArrayLike) -> Float:
    """As float64; DataError, which begins with ``what``, if they are none."""
    try:
        if np.iscomplexobj(values):  # NumPy would drop the imaginary part
            raise ValueError("complex numbers")
        return np.asarray(values, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise DataError(
            f"{what} must be numbers of the shape (samples, channels), found something else ({error})"
        ) from error


def next_sample(x: npt.ArrayLike, rate_hz: float | None = None, channels: tuple[str, ...] = ()) -> Stream:
    """The stream whose label at t is the sample at t + 1 (the last sample has none and is dropped)."""
    values = numbers("next_sample: x", x)
    if values.ndim != 2 or len(values) < 2:
        raise DataError(f"next_sample: wanted at least two samples of shape (samples, channels), found {values.shape}")
    return Stream(values[:-1], values[1:], rate_hz, channels)
