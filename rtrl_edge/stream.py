"""Recorded data as a stream of samples and labels, in physical units."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

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
            value = np.asarray(getattr(self, name), dtype=np.float64)
            if value.ndim != 2 or value.shape[1] < 1:
                raise DataError(f"stream: {name} must have the shape (samples, channels), found {value.shape}")
            object.__setattr__(self, name, value)
        if len(self.x) != len(self.target):
            raise DataError(
                f"stream: {len(self.x)} samples but {len(self.target)} targets; give one target row a sample"
            )
        if not np.isfinite(self.x).all():
            t, i = np.argwhere(~np.isfinite(self.x))[0]
            raise DataError(f"stream: x[{t}, {i}] is {self.x[t, i]}; every sample must be finite, fill or drop it")
        bad = ~np.isfinite(self.target)
        if (bad.any(axis=1) & ~np.isnan(self.target).all(axis=1)).any():
            t = int(np.argwhere(bad.any(axis=1) & ~np.isnan(self.target).all(axis=1))[0, 0])
            raise DataError(
                f"stream: target row {t} is {self.target[t].tolist()}; "
                "a label is wholly finite, or wholly NaN if it is missing"
            )

    def __len__(self) -> int:
        return len(self.x)

    def __getitem__(self, part: slice) -> Stream:
        return Stream(self.x[part], self.target[part], self.rate_hz, self.channels)

    def __iter__(self) -> Iterator[tuple[Float, Float | None]]:
        """Pairs (x, target), target None where the label is missing."""
        for x, target in zip(self.x, self.target, strict=True):
            yield x, None if np.isnan(target).all() else target

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


def next_sample(x: npt.ArrayLike, rate_hz: float | None = None, channels: tuple[str, ...] = ()) -> Stream:
    """The stream whose label at t is the sample at t + 1 (the last sample has none and is dropped)."""
    values = np.asarray(x, dtype=np.float64)
    if values.ndim != 2 or len(values) < 2:
        raise DataError(f"next_sample: wanted at least two samples of shape (samples, channels), found {values.shape}")
    return Stream(values[:-1], values[1:], rate_hz, channels)


def load_stream(path: str | Path) -> Stream:
    """Read a stream from a file.

    ``.npz``: arrays ``x`` (T, inputs) and, optionally, ``target`` (T, outputs), ``fs``, ``channels``.
    ``.csv``: a header line; columns whose names begin with ``target`` are labels (an empty cell is a missing
    label), all other columns are inputs. Without targets the label is the next sample.
    """
    path = Path(path)
    if not path.is_file():
        raise DataError(f"{path}: there is no such file")
    if path.suffix == ".npz":
        return _from_npz(path)
    if path.suffix == ".csv":
        return _from_csv(path)
    raise DataError(f"{path}: wanted a .csv or .npz file, found '{path.suffix or 'no suffix'}'")


def _from_npz(path: Path) -> Stream:
    try:
        with np.load(path, allow_pickle=False) as data:
            arrays = {name: data[name] for name in data.files if name in ("x", "target", "fs", "channels")}
    except (ValueError, OSError, EOFError) as error:
        raise DataError(f"{path}: not a readable .npz file ({error})") from error
    if "x" not in arrays:
        raise DataError(f"{path}: wanted an array 'x' of shape (samples, channels)")
    rate = float(arrays["fs"]) if "fs" in arrays else None
    channels = tuple(str(c) for c in arrays.get("channels", ()))
    if "target" in arrays:
        return Stream(arrays["x"], arrays["target"], rate, channels)
    return next_sample(arrays["x"], rate, channels)


def _from_csv(path: Path) -> Stream:
    with path.open(newline="", encoding="utf-8") as file:
        rows = list(csv.reader(file))
    if len(rows) < 3:
        raise DataError(f"{path}: wanted a header line and at least two samples, found {len(rows)} lines")
    header = rows[0]
    values = np.full((len(rows) - 1, len(header)), np.nan)
    for number, row in enumerate(rows[1:], start=2):
        if len(row) != len(header):
            raise DataError(f"{path}, line {number}: wanted {len(header)} columns as in the header, found {len(row)}")
        for column, cell in enumerate(row):
            if cell.strip():
                try:
                    values[number - 2, column] = float(cell)
                except ValueError:
                    raise DataError(
                        f"{path}, line {number}, column '{header[column]}': wanted a number, found {cell!r}"
                    ) from None
    is_target = np.array([name.strip().lower().startswith("target") for name in header])
    if is_target.all():
        raise DataError(f"{path}: every column is a target; name the inputs without 'target' in front")
    channels = tuple(name for name, label in zip(header, is_target, strict=True) if not label)
    if is_target.any():
        return Stream(values[:, ~is_target], values[:, is_target], None, channels)
    return next_sample(values, None, channels)
