"""Are two devices the same machine? Every prediction of a stream and the state at its end, bit for bit."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np

from ..boards import board_names, load_board
from ..device import Device, Int16, State, host
from ..device.emulator import Emulator
from ..device.host import HostTwin
from ..errors import BuildError, PlanError
from ..layout import COMPARED_GROUPS, differences, layout
from ..quantize import IntegerModel
from ..reference import Reference
from ..stream import Stream
from .contest import Progress as Progresses
from .prequential import Progress, Run, prequential
from .tables import text_table


@dataclass(frozen=True, eq=False)
class Transcript:
    """What a device answered: every prediction y (T, outputs), and its state struct at the end."""

    device: str
    y: Int16
    state: State
    run: Run

    def digest(self, integer_model: IntegerModel) -> str:
        """sha256, hex, of all predictions and all compared members: equal machines print the same line."""
        sha = hashlib.sha256(np.ascontiguousarray(self.y, dtype="<i2").tobytes())
        for member in layout(integer_model.model).members:
            if member.field.group in COMPARED_GROUPS:
                sha.update(np.asarray(self.state[member.field.name]).astype(member.dtype).tobytes())
        return sha.hexdigest()


def transcript(
    name: str, device: Device, integer_model: IntegerModel, stream: Stream, progress: Progress | None = None
) -> Transcript:
    """Let a device predict and learn a stream; see :func:`rtrl_edge.evaluate.prequential.prequential`."""
    run = prequential(device, integer_model, stream, True, progress)
    assert run.outputs is not None
    return Transcript(name, run.outputs, device.state(), run)


def compare(integer_model: IntegerModel, transcripts: Sequence[Transcript]) -> list[str]:
    """Sentences on what differs from the first transcript; empty if all are equal bit for bit."""
    first, found = transcripts[0], []
    for other in transcripts[1:]:
        if first.y.shape != other.y.shape:
            found.append(f"{other.device}: {len(other.y)} predictions, {first.device} made {len(first.y)}")
        elif (rows := np.flatnonzero((first.y != other.y).any(axis=1))).size:
            t = int(rows[0])
            found.append(
                f"{other.device}: prediction {t} is {other.y[t].tolist()}, {first.device} has {first.y[t].tolist()}"
            )
        found += [
            f"{other.device} against {first.device}: {line}"
            for line in differences(first.state, other.state, integer_model.model)
        ]
    return found


@dataclass(frozen=True)
class Row:
    """One target of a verification: ``result`` is "equal", "different: ..." or "not run: ..."."""

    target: str
    steps: int
    result: str
    digest: str
    seconds: float
    asked: bool = False  # by name: then it is not enough to list that it could not run

    @property
    def ran(self) -> bool:
        """Whether it could be built and run here."""
        return not self.result.startswith("not run")


@dataclass(frozen=True)
class Verification:
    """All targets on one stream. ``equal`` if none that ran differs; those that could not run are listed."""

    rows: tuple[Row, ...]

    @property
    def equal(self) -> bool:
        """Whether every target that ran has the same bits."""
        return not any(row.result.startswith("different") for row in self.rows)

    @property
    def complete(self) -> bool:
        """Whether every board asked for by name ran, and at least two targets, so that something was compared."""
        return all(row.ran for row in self.rows if row.asked) and sum(row.ran for row in self.rows) > 1

    def text(self) -> str:
        """A table for the terminal, and a sentence."""
        table = text_table(
            ("target", "samples", "s", "sha256", "bits"),
            [(row.target, row.steps, row.seconds, row.digest[:12] or None, row.result) for row in self.rows],
            texts=("sha256", "bits"),
        )
        ran = sum(row.ran for row in self.rows)
        missing = len(self.rows) - ran
        verdict = f"{ran} targets, the same bits" if self.equal else "the bits DIFFER"
        return f"{table}\n{verdict}" + (f"; {missing} could not be run here" if missing else "")

    def figures(self) -> dict[str, object]:
        """The same as plain data."""
        return {
            "equal": self.equal,
            "complete": self.complete,
            "targets": [
                {
                    "target": r.target,
                    "samples": r.steps,
                    "result": r.result,
                    "sha256": r.digest,
                    "seconds": r.seconds,
                }
                for r in self.rows
            ],
        }


#: host builds: what differs between them must not change a bit
HOST_BUILDS: dict[str, tuple[str, tuple[str, ...], bool]] = {
    "gcc -O0": ("gcc", ("-O0",), False),
    "gcc -O2": ("gcc", ("-O2",), False),
    "gcc -O3": ("gcc", ("-O3",), False),
    "clang -O2": ("clang", ("-O2",), False),
    "clang -O3": ("clang", ("-O3",), False),
    "gcc -O2, bounds checked": ("gcc", ("-O2",), True),
}


def verify(
    integer_model: IntegerModel, stream: Stream, boards: Sequence[str] | None = None, *, progress: Progresses
) -> Verification:
    """Play a stream, learning, on the reference, on host builds and on emulated boards; compare all bits.

    Args:
        integer_model: what :func:`rtrl_edge.quantize` made.
        stream: physical units.
        boards: names of boards; all that can be run if not given.
        progress: makes progress bars.
    """
    makers: dict[str, Callable[[], Device]] = {"NumPy reference": lambda: Reference(integer_model)}
    for name, (cc, flags, checked) in HOST_BUILDS.items():
        makers[f"host, {name}"] = partial(HostTwin, integer_model, cc=cc, flags=flags, checked=checked)
    if host.best_simd() != "none":
        makers[f"host, {host.best_simd()} kernels"] = partial(HostTwin, integer_model)
    asked, hosts = boards is not None, len(makers)
    if boards is None:
        boards = [name for name in board_names() if load_board(name).emulator or load_board(name).core == "host"]
    for name in boards:
        board = load_board(name)
        makers[f"{name} ({board.core})"] = partial(Emulator, integer_model, board)
    rows: list[Row] = []
    first: Transcript | None = None
    for number, (target, make) in enumerate(makers.items()):
        named = asked and number >= hosts
        start = time.monotonic()
        bar = progress(target, len(stream))
        try:
            with make() as device:
                found = transcript(target, device, integer_model, stream, bar)
        except (BuildError, PlanError) as error:
            rows.append(Row(target, 0, f"not run: {str(error).splitlines()[0]}", "", time.monotonic() - start, named))
            continue
        finally:
            bar.close()
        first = first or found
        different = compare(integer_model, [first, found])
        result = f"different: {different[0]}" if different else "equal"
        seconds = time.monotonic() - start
        rows.append(Row(target, len(stream), result, found.digest(integer_model), seconds, named))
    return Verification(tuple(rows))
