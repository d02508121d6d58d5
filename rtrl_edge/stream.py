"""Recorded data as a stream of samples and labels, in physical units."""

from __future__ import annotations

import csv
import math
import zipfile
import zlib
from collections.abc import Collection, Iterator
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
            value = _numbers(f"stream: {name}", getattr(self, name))
            if value.ndim != 2 or value.shape[1] < 1:
                raise DataError(f"stream: {name} must have the shape (samples, channels), found {value.shape}")
            object.__setattr__(self, name, value)
        if len(self.x) != len(self.target):
            raise DataError(
                f"stream: {len(self.x)} samples but {len(self.target)} targets; give one target row a sample"
            )
        if self.rate_hz is not None and not 0.0 < self.rate_hz < math.inf:
            raise DataError(f"stream: wanted a rate_hz above 0, or None if it is not known, found {self.rate_hz}")
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


def _numbers(what: str, values: npt.ArrayLike) -> Float:
    try:
        return np.asarray(values, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise DataError(
            f"{what} must be numbers of the shape (samples, channels), found something else ({error})"
        ) from error


def next_sample(x: npt.ArrayLike, rate_hz: float | None = None, channels: tuple[str, ...] = ()) -> Stream:
    """The stream whose label at t is the sample at t + 1 (the last sample has none and is dropped)."""
    values = _numbers("next_sample: x", x)
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
        raise DataError(f"{path}: wanted a .csv or .npz file, found {'a folder' if path.is_dir() else 'no such file'}")
    if path.suffix == ".npz":
        return _from_npz(path)
    if path.suffix == ".csv":
        return _from_csv(path)
    raise DataError(f"{path}: wanted a .csv or .npz file, found '{path.suffix or 'no suffix'}'")


def load_arrays(path: str | Path, names: Collection[str] | None = None) -> dict[str, npt.NDArray[np.generic]]:
    """The arrays of a .npz file by name, all of them or only ``names``. No pickle is ever read."""
    try:
        if not zipfile.is_zipfile(path):
            Path(path).open("rb").close()  # the error, if it cannot be read at all
            raise DataError(f"{path}: wanted a .npz file as numpy.savez writes it, found something else")
        with Path(path).open("rb") as file, np.load(file, allow_pickle=False) as data:  # closed if it is broken too
            return {name: data[name] for name in data.files if names is None or name in names}
    except (ValueError, OSError, EOFError, NotImplementedError, zipfile.BadZipFile, zlib.error) as error:
        hint = "; save arrays of numbers, e.g. numpy.savez(path, x=x)" if "pickle" in str(error) else ""
        raise DataError(f"{path}: not a readable .npz file ({error}){hint}") from error


def _from_npz(path: Path) -> Stream:
    arrays = load_arrays(path, ("x", "target", "fs", "channels"))
    if "x" not in arrays:
        raise DataError(f"{path}: wanted an array 'x' of shape (samples, channels), found none of that name")
    try:
        rate = float(arrays["fs"].reshape(())) if "fs" in arrays else None
    except (TypeError, ValueError) as error:
        raise DataError(f"{path}: fs: wanted one number, the samples a second, found {arrays['fs']!r}") from error
    channels = tuple(str(c) for c in arrays["channels"].ravel()) if "channels" in arrays else ()
    return _stream(path, arrays["x"], arrays.get("target"), rate, channels)


def _stream(
    path: Path, x: npt.ArrayLike, target: npt.ArrayLike | None, rate: float | None, channels: tuple[str, ...]
) -> Stream:
    try:
        if target is None:
            return next_sample(x, rate, channels)
        found = Stream(x, target, rate, channels)  # type: ignore[arg-type]
        if not len(found):
            raise DataError("wanted at least one sample, found none")
        return found
    except DataError as error:
        raise DataError(f"{path}: {error}") from error


def _from_csv(path: Path) -> Stream:
    header, rows = _read_csv(path)
    is_target = np.array([name.strip().lower().startswith("target") for name in header])
    if is_target.all():
        raise DataError(f"{path}: every column is a target; name the inputs without 'target' in front")
    values = np.full((len(rows), len(header)), np.nan)
    for t, (line, row) in enumerate(rows):
        if len(row) != len(header):
            raise DataError(f"{path}, line {line}: wanted {len(header)} columns as in the header, found {len(row)}")
        for column, cell in enumerate(row):
            if cell.strip() or not is_target[column]:
                values[t, column] = _number(f"{path}, line {line}, column '{header[column]}'", cell, is_target[column])
    channels = tuple(name for name, label in zip(header, is_target, strict=True) if not label)
    return _stream(path, values[:, ~is_target], values[:, is_target] if is_target.any() else None, None, channels)


def _read_csv(path: Path) -> tuple[list[str], list[tuple[int, list[str]]]]:
    """Header, and the rows with their line numbers; empty lines are left out."""
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:  # with or without a byte order mark
            reader = csv.reader(file)
            lines = [(reader.line_num, row) for row in reader if row]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise DataError(f"{path}: not a readable CSV file ({error}); wanted UTF-8 text") from error
    if len(lines) < 3:
        raise DataError(f"{path}: wanted a header line and at least two samples, found {len(lines)} lines")
    header = lines[0][1]
    if len(header) == 1 and (";" in header[0] or "\t" in header[0]):
        raise DataError(f"{path}: wanted commas between the columns, found {header[0]!r}")
    if all(_is_number(name) for name in header):
        raise DataError(f"{path}: wanted a header line with the columns' names first, found numbers: {header}")
    return header, lines[1:]


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _number(where: str, cell: str, is_target: bool) -> float:
    """The number in a cell; NaN only where a label is missing."""
    if _is_number(cell) and (math.isfinite(float(cell)) or (is_target and math.isnan(float(cell)))):
        return float(cell)
    found = repr(cell) if cell.strip() else "an empty cell (only a target may be missing)"
    raise DataError(f"{where}: wanted a finite number, found {found}")
