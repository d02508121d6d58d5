"""A learning model against what it has to beat, on one stream."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from typing import Protocol

import numpy as np

from ..device.host import HostTwin
from ..model import ReadoutOnly
from ..plan import GROUPS, plan
from ..quantize import IntegerModel
from ..stream import Source, Stream
from ..stream_file import CHUNK
from .baselines import standard_controls
from .prequential import Run, joined, play, prequential
from .recordings import Part
from .report import Contender, Report, Role
from .tally import Errors, Tally


class Bar(Protocol):
    """Progress of one task: called with the samples done since the last call."""

    def __call__(self, count: int) -> None:
        """``count`` more samples are done."""
        ...

    def close(self) -> None:
        """The task is over."""
        ...


#: first line of a file of predictions, by which it is known
PREDICTIONS_LINE = "# rtrl-edge: predictions, each made before its target was seen"
#: makes the bar of a task, from its name and its number of samples
Progress = Callable[[str, int], Bar]


@dataclass(frozen=True)
class Player:
    """Who takes part: what plays the next samples of a stream, and goes on from where it was."""

    name: str
    role: Role
    play: Callable[[Stream], Run]


def contest(
    players: Sequence[Player], source: Source, parts: Sequence[Part], *, whole: bool, bar: Bar,
    said: Callable[[Run], object] | None = None,
) -> list[Contender]:  # fmt: skip
    """Play a stream through all, a piece at a time.

    Args:
        players: who takes part; none sees what another does.
        source: physical units.
        parts: situations of which figures will be asked.
        whole: keep every prediction (the runs of the contenders are a Run, which plots need), not only what figures
            need (they are a Tally, and memory does not grow with the stream).
        bar: counts samples.
        said: gets what the first player predicted, piece by piece.
    """
    ranges = [(part.start, part.stop) for part in parts]
    tallies = [Tally(source.widths[1], len(source), ranges) for _ in players]
    runs: list[list[Run]] = [[] for _ in players]
    for piece in source.chunks(CHUNK):
        for k, player in enumerate(players):
            run = player.play(piece)
            if whole:
                runs[k].append(run)
            else:
                tallies[k].add(run)
            if said is not None and not k:
                said(run)
        bar(len(piece))
    bar.close()
    errors: Sequence[Errors] = [joined(pieces) for pieces in runs] if whole else tallies
    return [Contender(player.name, player.role, error) for player, error in zip(players, errors, strict=True)]


def rivals(integer_model: IntegerModel, stream: Stream, past: Stream | None, progress: Progress) -> list[Contender]:
    """The frozen copy, the copy whose readout alone learns, and the float controls.

    Args:
        integer_model: the model that learns; its copies run on the host twin.
        stream: physical units.
        past: what the factory weights were trained on, so that the linear control has seen it too; or None.
        progress: makes progress bars.
    """
    with ExitStack() as twins:
        players = _rivals(twins, integer_model, stream, past)
        return contest(players, stream, (), whole=True, bar=progress("rivals", len(stream)))


def _rivals(twins: ExitStack, integer_model: IntegerModel, source: Source, past: Stream | None) -> list[Player]:
    readout_only = integer_model.with_(rule=ReadoutOnly())
    return [
        Player("frozen", "frozen", _on_a_twin(twins, readout_only, learn=False)),
        Player("readout only", "readout", _on_a_twin(twins, readout_only)),
        *(
            Player(name, "control", partial(play, control))
            for name, control in standard_controls(source, past, integer_model).items()
        ),
    ]


def _on_a_twin(twins: ExitStack, integer_model: IntegerModel, learn: bool = True) -> Callable[[Stream], Run]:
    twin = twins.enter_context(HostTwin(integer_model))
    return lambda stream: prequential(twin, integer_model, stream, learn)


def simulate(
    integer_model: IntegerModel,
    source: Source,
    parts: Sequence[Part] = (),
    past: Stream | None = None,
    *,
    progress: Progress,
    whole: bool = True,
    said: Callable[[Run], object] | None = None,
) -> Report:
    """Play a stream through the host twin, learning, and through its rivals.

    Args:
        integer_model: what :func:`rtrl_edge.quantize` made.
        source: a stream, or a file that is read a piece at a time; physical units.
        parts: situations of the stream; the whole and its last quarter if not given.
        past: see :func:`rivals`.
        progress: makes progress bars.
        whole, said: see :func:`contest`.
    """
    model, parts = integer_model.model, parts or whole_and_last_quarter(len(source))
    with ExitStack() as twins:
        players = [
            Player(f"{model.name}, learning", "learning", _on_a_twin(twins, integer_model)),
            *_rivals(twins, integer_model, source, past),
        ]
        contenders = contest(players, source, parts, whole=whole, bar=progress("simulating", len(source)), said=said)
    return Report(
        title=f"{model.name}: {type(model.rule).__name__} on the host twin",
        contenders=contenders,
        parts=parts,
        facts={"model": model.name, "digest": integer_model.digest[:16], "samples": str(len(source))},
        rate_hz=source.rate_hz,
        channels=source.channels,
        ram_bytes={GROUPS[group]: size for group, size in plan(integer_model).ram_groups.items()},
    )


def whole_and_last_quarter(samples: int) -> tuple[Part, ...]:
    """Parts of a stream nothing is known about."""
    return (Part("whole stream", 0, samples), Part("last quarter", 3 * samples // 4, samples))


class Predictions:
    """Rows of a CSV file, a sample each, in physical units, as a contest goes on; missing labels are empty."""

    def __init__(self, outputs: int, write: Callable[[str], object]) -> None:
        names = [f"{what}_{o}" for what in ("predicted", "target") for o in range(outputs)]
        self._write, self._done = write, 0
        write(f"{PREDICTIONS_LINE}\n{','.join(['sample', *names])}\n")

    def __call__(self, run: Run) -> None:
        """The next samples."""
        rows = np.concatenate([run.prediction, run.target], axis=1).tolist()
        for t, row in enumerate(rows, self._done):
            self._write(",".join([str(t), *("" if value != value else f"{value:.6g}" for value in row)]) + "\n")
        self._done += len(run)
