"""Recordings in files: as a whole, or a piece at a time, so that a file may be larger than the memory."""

from __future__ import annotations

import csv
import math
import zipfile
import zlib
from collections.abc import Collection, Iterator
from itertools import islice
from pathlib import Path
from typing import Protocol

import numpy as np
import numpy.typing as npt

from .errors import DataError
from .stream import Float, Source, Stream, mistakes, next_sample, numbers

#: samples that are read at a time
CHUNK = 4096
#: samples (n, inputs) and labels (n, outputs); None where the label is the next sample
Block = tuple[Float, Float | None]


def load_stream(path: str | Path) -> Stream:
    """Read a stream from a file.

    ``.csv``: a header line; columns whose names begin with ``target`` are labels (an empty cell is a missing
    label), all other columns are inputs. Without targets the label is the next sample.
    ``.npy``: samples (T, inputs); the label is the next sample.
    ``.npz``: arrays ``x`` (T, inputs) and, optionally, ``target`` (T, outputs), ``fs``, ``channels``.
    """
    path = _known(path)
    if path.suffix == ".npz":
        return _from_npz(path)
    reader = _READERS[path.suffix](path)
    blocks = list(reader.blocks(CHUNK))
    x = np.concatenate([x for x, _ in blocks])
    targets = [target for _, target in blocks if target is not None]
    return _stream(path, x, np.concatenate(targets) if targets else None, None, reader.channels)


def open_stream(path: str | Path, steps: int | None = None) -> Source:
    """A file to be played, or its first so many samples: .csv and .npy a piece at a time, .npz as a whole.

    All that is played is read once before, so that a mistake is told now.

    Raises:
        DataError: as :func:`load_stream`, with the line or the sample.
    """
    path = _known(path)
    if path.suffix == ".npz":
        return _from_npz(path)[:steps]
    return StreamFile(path, steps)


class StreamFile:
    """A recording that is never in memory as a whole: a :class:`rtrl_edge.stream.Source`."""

    rate_hz = None

    def __init__(self, path: Path, steps: int | None = None) -> None:
        self._reader, self._steps = _READERS[path.suffix](path), steps
        self.channels = self._reader.channels
        self._samples, self.widths = 0, (0, 0)
        labelled, follows, before = 0, True, None
        for part in self.chunks(CHUNK):
            self._samples, self.widths = self._samples + len(part), part.widths
            joined = part if before is None else _joined(before, part)
            labelled += int(joined.labelled[:-1].sum())
            follows = follows and (joined.predicts_next_sample or not joined.labelled[:-1].any())
            before = part[-1:]
        self.predicts_next_sample = follows and labelled > 0

    def __len__(self) -> int:
        return self._samples

    def chunks(self, size: int) -> Iterator[Stream]:
        """Pieces of at most so many samples, read from the file."""
        left = math.inf if self._steps is None else self._steps
        waits: Float | None = None  # the sample whose label is the first one of the next block
        for x, target in self._reader.blocks(size):
            if target is None:
                rows = x if waits is None else np.concatenate([waits, x])
                waits = rows[-1:].copy()
                x, target = rows[:-1], rows[1:]
            if len(x):
                part = Stream(x, target, None, self.channels)[: int(min(left, len(x)))]
                yield part
                left -= len(part)
            if not left:
                return


def _joined(a: Stream, b: Stream) -> Stream:
    return Stream(np.concatenate([a.x, b.x]), np.concatenate([a.target, b.target]))


def _known(path: str | Path) -> Path:
    path = Path(path)
    if not path.is_file():
        found = "a folder" if path.is_dir() else "no such file"
        raise DataError(f"{path}: wanted a .csv, .npy or .npz file, found {found}")
    if path.suffix not in (".npz", *_READERS):
        raise DataError(f"{path}: wanted a .csv, .npy or .npz file, found '{path.suffix or 'no suffix'}'")
    return path


# --------------------------------------------------------------------------------------------------- NumPy


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


class _Reader(Protocol):
    """A file that can be read from its start to its end again and again."""

    channels: tuple[str, ...]

    def __init__(self, path: Path) -> None: ...

    def blocks(self, size: int) -> Iterator[Block]:
        """At most so many rows at a time, checked."""
        ...


class _Npy:
    """Samples (T, inputs), mapped into memory: only what is looked at is read."""

    channels: tuple[str, ...] = ()

    def __init__(self, path: Path) -> None:
        try:
            self._x = np.load(path, mmap_mode="r", allow_pickle=False)
        except (ValueError, OSError, EOFError) as error:
            hint = "; save an array of numbers" if "pickle" in str(error) or "objects" in str(error) else ""
            raise DataError(f"{path}: not a readable .npy file ({error}){hint}") from error
        self._path = path
        if not isinstance(self._x, np.ndarray) or self._x.ndim != 2 or len(self._x) < 2 or not self._x.shape[1]:
            found = getattr(self._x, "shape", "arrays of a .npz")
            raise DataError(f"{path}: wanted at least two samples of shape (samples, channels), found {found}")

    def blocks(self, size: int) -> Iterator[Block]:
        for start in range(0, len(self._x), size):
            x = numbers(f"{self._path}: x", self._x[start : start + size].copy())
            for _, mistake in mistakes(x, x[:, :0], start):
                raise DataError(f"{self._path}: {mistake}")
            yield x, None


# ----------------------------------------------------------------------------------------------------- CSV


class _Csv:
    """A header line, then a sample a line."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._header = self._columns()
        self._labels = np.array([name.strip().lower().startswith("target") for name in self._header])
        if self._labels.all():
            raise DataError(f"{path}: every column is a target; name the inputs without 'target' in front")
        self.channels = tuple(name for name, label in zip(self._header, self._labels, strict=True) if not label)

    def _columns(self) -> list[str]:
        lines = [row for _, row in islice(self._rows(), 3)]
        if len(lines) < 3:
            raise DataError(f"{self._path}: wanted a header line and at least two samples, found {len(lines)} lines")
        header = lines[0]
        if len(header) == 1 and (";" in header[0] or "\t" in header[0]):
            raise DataError(f"{self._path}: wanted commas between the columns, found {header[0]!r}")
        if all(_is_number(name) for name in header):
            raise DataError(
                f"{self._path}: wanted a header line with the columns' names first, found numbers: {header}"
            )
        return header

    def _rows(self) -> Iterator[tuple[int, list[str]]]:
        """Number and cells of every line that is not empty, the header's too."""
        line = 0
        try:
            with self._path.open(newline="", encoding="utf-8-sig") as file:  # with or without a byte order mark
                reader = csv.reader(file)
                for row in reader:
                    line = reader.line_num
                    if row:
                        yield line, row
        except (OSError, UnicodeDecodeError, csv.Error) as error:
            where = f"after line {line}: " if line else ""
            raise DataError(f"{self._path}: not a readable CSV file ({where}{error}); wanted UTF-8 text") from error

    def blocks(self, size: int) -> Iterator[Block]:
        rows, start, seen_header = [], 0, False
        for row in self._rows():
            if seen_header:
                rows.append(row)
            seen_header = True
            if len(rows) == size:
                yield self._block(rows, start)
                rows, start = [], start + size
        if rows:
            yield self._block(rows, start)

    def _block(self, rows: list[tuple[int, list[str]]], start: int) -> Block:
        values = np.empty((len(rows), len(self._header)))
        for t, (line, row) in enumerate(rows):
            try:
                found = [float(cell) for cell in row]
            except ValueError:
                found = []
            values[t] = found if len(found) == len(self._header) else self._carefully(line, row)
        for odd in np.flatnonzero(~np.isfinite(values).all(axis=1)):
            values[odd] = self._carefully(*rows[odd])
        x, target = values[:, ~self._labels], values[:, self._labels]
        for t, mistake in mistakes(x, target, start):
            raise DataError(f"{self._path}, line {rows[t][0]}: {mistake}")
        return x, target if self._labels.any() else None

    def _carefully(self, line: int, row: list[str]) -> list[float]:
        """The numbers of a line, NaN where a label is missing, or what is wrong with it."""
        if len(row) != len(self._header):
            raise DataError(
                f"{self._path}, line {line}: wanted {len(self._header)} columns as in the header, found {len(row)}"
            )
        found = []
        for name, label, cell in zip(self._header, self._labels, row, strict=True):
            missing = label and not cell.strip()
            found.append(math.nan if missing else _number(f"{self._path}, line {line}, column '{name}'", cell, label))
        return found


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


_READERS: dict[str, type[_Reader]] = {".csv": _Csv, ".npy": _Npy}
