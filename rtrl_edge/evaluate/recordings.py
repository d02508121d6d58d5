"""Streams to learn from: two real recordings that the package carries, recordings in a folder of the user's, and two
tasks with a known answer."""

from __future__ import annotations

import csv
import gzip
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from ..assets import examples_dir
from ..errors import DataError
from ..stream import Float, Stream, next_sample

EXERCISES, PEOPLE = 7, 10  # of the watch recording
ARMS = ("left", "right")  # its `side` 0 and 1


@dataclass(frozen=True)
class Part:
    """A stretch of a stream: samples ``start`` to ``stop - 1``."""

    label: str
    start: int
    stop: int


@dataclass(frozen=True, eq=False)
class Recording:
    """A recording cut in two: what is known before deployment, and what the device then meets.

    Args:
        past: for pre-training, calibration and warm controls.
        future: the deployment, never seen before.
        parts: the situations in ``future``, in order and without gaps.
    """

    past: Stream
    future: Stream
    parts: tuple[Part, ...]

    @property
    def changes(self) -> tuple[int, ...]:
        """Indices in ``future`` of the first sample of each new situation."""
        return tuple(part.start for part in self.parts[1:])


def watch(
    *,
    arm: str = "right",
    past_people: Sequence[int] = (1, 2, 3, 4, 5, 6),
    known_people: Sequence[int] = (1, 2),
    new_people: Sequence[int] = (7,),
    held_out: float = 0.25,
) -> Recording:
    """Wrist motion in shoulder exercises, 6 channels at 25 Hz, next-sample prediction.

    The past is the first 1 - ``held_out`` of every exercise set of ``past_people`` on ``arm``
    (24.5k samples).
    The future begins with the held-out ends of the sets of ``known_people``, same arm (3.3k samples), and
    then the watch changes owner and wrist: all sets of ``new_people`` on the other arm (6.8k samples).
    The last sample of a segment has no label, because the next one belongs to another recording.

    Args:
        arm: "left" or "right", the arm of the past.
        past_people, known_people, new_people: 1 to 10; known are a part of past, new are not.
        held_out: share at the end of every segment of the past that is kept for the future.

    Raises:
        DataError: for an arm, a person or a share that the recording does not have.
    """
    if arm not in ARMS:
        raise DataError(f"watch(arm): wanted 'left' or 'right', found {arm!r}")
    if not 0.0 < held_out < 1.0:
        raise DataError(f"watch(held_out): wanted a share between 0 and 1, found {held_out!r}")
    if not set(known_people) <= set(past_people) or set(new_people) & set(past_people):
        raise DataError(
            "watch: known_people must be among past_people and new_people must not, "
            f"found past {list(past_people)}, known {list(known_people)}, new {list(new_people)}"
        )
    sets = _watch_segments(examples_dir() / "data" / "watch_har_25hz.npz")
    side = ARMS.index(arm)
    past = [_head(x, held_out) for x in sets.of(past_people, side)]
    known = [_tail(x, held_out) for x in sets.of(known_people, side)]
    new = sets.of(new_people, 1 - side)
    change = sum(len(x) for x in known)
    who = "person" if len(new_people) == 1 else "people"
    future = _joined(known + new, sets.rate_hz, sets.channels)
    return Recording(
        _joined(past, sets.rate_hz, sets.channels),
        future,
        (
            Part("same people, same arm", 0, change),
            Part(f"new {who}, other arm", change, len(future)),
        ),
    )


def daphnet() -> Stream:
    """One walk of a person with Parkinson's disease, next-sample prediction: 9 channels in mg, 64 Hz."""
    with _open(examples_dir() / "data" / "daphnet_s06_64hz.npz") as data:
        return next_sample(data["x"], float(data["fs"]), tuple(str(c) for c in data["channels"]))


def mackey_glass(samples: int, seed: int) -> Stream:
    """One-step prediction of the Mackey-Glass series ``dx/dt = .2 x(t - 17) / (1 + x(t - 17)^10) - .1 x``.

    Euler with ten steps per unit of time, sampled once per unit after 200 units of transient; the constant
    history is drawn from U(.8, 1.6). x and target: (samples, 1).
    Source: Mackey & Glass 1977.
    """
    per_unit, transient, tau = 10, 200, 17
    lag = tau * per_unit
    steps = (transient + samples + 1) * per_unit
    x = np.empty(lag + steps + 1)
    x[: lag + 1] = np.random.default_rng(seed).uniform(0.8, 1.6)
    for t in range(lag, lag + steps):
        late = x[t - lag]
        x[t + 1] = x[t] + (0.2 * late / (1.0 + late**10) - 0.1 * x[t]) / per_unit
    series = x[lag + transient * per_unit :: per_unit][: samples + 1]
    return next_sample(series[:, None], None, ("x",))


def delayed_xor(samples: int, delay: int, seed: int, high: float = 0.9) -> Stream:
    """Two random bits a step; the label is the exclusive or of the bits ``delay`` steps ago.

    x (samples, 2) and target (samples, 1) in {-high, +high}; the first ``delay`` samples have no label.
    Source: Williams & Zipser 1989, section 4.2.
    """
    if delay < 0:
        raise DataError(f"delayed_xor(delay): wanted 0 or more, found {delay}")
    bits = np.random.default_rng(seed).integers(0, 2, (samples, 2))
    target = np.full((samples, 1), np.nan)
    odd = bits[: max(samples - delay, 0)].sum(axis=1) % 2
    target[delay:, 0] = np.where(odd == 1, high, -high)
    return Stream(np.where(bits == 1, high, -high), target, None, ("a", "b"))


def find_recording(folder: Path | None, pattern: str) -> Path:
    """The first file of a folder that fits, such as ``*occupancy*.csv*``; DataError if there is none."""
    found = sorted(folder.glob(pattern)) if folder is not None else []
    if not found:
        raise DataError(f"recordings: wanted a file {pattern} in {folder}, found none")
    return found[0]


def columns(path: Path, names: Sequence[str]) -> Float:
    """Columns of a .csv or .csv.gz file with a header line, (T, len(names)); DataError where they are not numbers."""
    try:
        with gzip.open(path, "rt", encoding="utf-8") if path.suffix == ".gz" else path.open(encoding="utf-8") as file:
            rows = [[row[name] for name in names] for row in csv.DictReader(file)]
        return np.array(rows, np.float64).reshape(len(rows), len(names))
    except KeyError as error:
        raise DataError(f"{path}: wanted the columns {', '.join(names)}, found no {error}") from error
    except (ValueError, TypeError, OSError, EOFError) as error:
        raise DataError(f"{path}: wanted a .csv with numbers in {', '.join(names)} ({error})") from error


# ----------------------------------------------------------------------------------------- inside


@dataclass(frozen=True, eq=False)
class _Segments:
    values: dict[tuple[int, int, int], Float]  # person, side, exercise -> (samples, channels)
    rate_hz: float
    channels: tuple[str, ...]

    def of(self, people: Iterable[int], side: int) -> list[Float]:
        found = []
        for person in people:
            if (person, side, 0) not in self.values:
                raise DataError(f"watch: there is no person {person!r} in the recording, choose from 1 to 10")
            found += [self.values[person, side, exercise] for exercise in range(EXERCISES)]
        return found


def _open(path: Path) -> np.lib.npyio.NpzFile:
    if not path.is_file():
        raise DataError(f"{path.name}: the package's example data are missing; install the package anew")
    found = np.load(path, allow_pickle=False)
    assert isinstance(found, np.lib.npyio.NpzFile)
    return found


def _watch_segments(path: Path) -> _Segments:
    with _open(path) as data:
        x = data["x"] / data["scale"]
        keys = zip(data["subject"].tolist(), data["side"].tolist(), data["label"].tolist(), strict=True)
        pieces = np.split(x, np.cumsum(data["seg_len"])[:-1])
        return _Segments(
            dict(zip(keys, pieces, strict=True)), float(data["fs"]), tuple(str(c) for c in data["channels"])
        )


def _cut(x: Float, share: float) -> int:
    return round(len(x) * (1.0 - share))


def _head(x: Float, share: float) -> Float:
    return x[: _cut(x, share)]


def _tail(x: Float, share: float) -> Float:
    return x[_cut(x, share) :]


def _joined(segments: Sequence[Float], rate_hz: float, channels: tuple[str, ...]) -> Stream:
    """One next-sample stream of separate recordings; the last sample of each has no label."""
    x = np.concatenate(segments)
    target: npt.NDArray[np.float64] = np.vstack([x[1:], np.full((1, x.shape[1]), np.nan)])
    target[np.cumsum([len(s) for s in segments]) - 1] = np.nan
    return Stream(x, target, rate_hz, channels)
