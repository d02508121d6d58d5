"""Two files of figures, key by key: what became slower, larger or worse, and what faster, smaller or better.

They are what a command wrote with ``--json``. The unit stands in a key's name, and says what is compared: bytes,
multiply-accumulates, executed instructions, errors (less is better), the scores of the learning benchmark (each task
says which way is better), and the words by which a target or a mark is in order.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Literal

from ..errors import DataError
from .tables import text_table

#: largest file that is read
_BYTES_MAX = 64 * 2**20
#: of an instruction count: what does not say how long a call takes
_NOT_A_COST = ("calls", "least", "total")
#: words that say that all is well, by the key under which they stand
_GOOD = {"bits": "equal", "compiled": "yes", "state": "reached"}

Judgement = Literal["worse", "better", "within", "equal", "lost", "new"]


@dataclass(frozen=True)
class Figure:
    """One figure of a file.

    Args:
        value: the number, or a word of :data:`_GOOD`; None where nothing was measured.
        exact: whether it follows from the model alone, so that any difference counts.
        rising: whether more is better.
    """

    value: float | str | None
    exact: bool = False
    rising: bool = False


@dataclass(frozen=True)
class Difference:
    """A figure in both files; None in ``before`` or ``after``: it is only in the other.

    ``judgement`` is "within" where a number moved by no more than the threshold.
    """

    key: str
    before: float | str | None
    after: float | str | None
    judgement: Judgement

    @property
    def percent(self) -> float | None:
        """Of what it was; None where one of the two is no number."""
        if not isinstance(self.before, float | int) or not isinstance(self.after, float | int):
            return None
        if self.before == self.after:
            return 0.0
        return 100.0 * (self.after - self.before) / abs(self.before) if self.before else math.inf


def compare_files(a: Path, b: Path, threshold: float) -> list[Difference]:
    """Every figure of two files of one command, what is worse first and the largest differences first.

    Raises:
        DataError: one cannot be read, they are of two kinds or of two boards, or hold nothing that can be compared.
    """
    files = [_read(path) for path in (a, b)]
    for key in ("command", "board"):
        before, after = (file.get(key) for file in files)
        if before != after:
            raise DataError(f"{b}: wanted figures with the {key} {before!r}, as in {a}, found {after!r}")
    found = [dict(costs(file)) for file in files]
    for path, figures in zip((a, b), found, strict=True):
        if not figures:
            raise DataError(
                f"{path}: no figure in it that could be compared; wanted what `bench target`, `bench learning`, "
                "`plan`, `build` or `run` writes with --json"
            )
    return compare(found[0], found[1], threshold)


def compare(before: Mapping[str, Figure], after: Mapping[str, Figure], threshold: float) -> list[Difference]:
    """Judge each figure; ``threshold``: percent that a number may move unless it is exact."""
    found = []
    for key in [*before, *(key for key in after if key not in before)]:
        old, new = before.get(key), after.get(key)
        values = (old.value if old else None, new.value if new else None)
        found.append(Difference(key, *values, _judge(key, *values, old or new or Figure(None), threshold)))
    order = ("lost", "worse", "better", "within", "new", "equal")
    return sorted(found, key=lambda d: (order.index(d.judgement), -abs(d.percent or 0.0)))


def _judge(
    key: str, before: float | str | None, after: float | str | None, kind: Figure, threshold: float
) -> Judgement:
    if before == after:
        return "equal"
    if before is None or after is None:
        return "lost" if after is None else "new"
    if isinstance(before, str) or isinstance(after, str):
        good = _GOOD[key.rsplit(": ")[-1]]
        return "worse" if str(before).startswith(good) else "better" if str(after).startswith(good) else "within"
    if abs(after - before) <= (0.0 if kind.exact else threshold / 100.0) * abs(before):
        return "within"
    return "better" if (after > before) == kind.rising else "worse"


def _read(path: Path) -> Mapping[str, object]:
    try:
        with path.open("rb") as file:
            found = json.loads(file.read(_BYTES_MAX), parse_constant=_no_number)
    except OSError as error:
        raise DataError(f"{path}: cannot be read ({error.strerror})") from error
    except (ValueError, RecursionError) as error:
        raise DataError(f"{path}: wanted figures that a command wrote with --json, found no JSON ({error})") from error
    if not isinstance(found, Mapping) or not isinstance(found.get("command"), str):
        raise DataError(f"{path}: wanted figures that a command wrote with --json, found JSON of another kind")
    return found


def _no_number(word: str) -> float:
    raise ValueError(f"{word} is no number of JSON")


# ------------------------------------------------------------------------------------------------ figures


def costs(figures: Mapping[str, object]) -> Iterator[tuple[str, Figure]]:
    """What can be compared, by its place in the file: ``"qemu_microbit: learn_instructions_mean"``."""
    for names, value in _leaves(figures, ()):
        figure = _figure(names, value)
        if figure is not None:
            yield ": ".join(names), figure
    tasks = figures.get("tasks")
    for task in tasks if isinstance(tasks, list) else []:
        yield from _scores(task)


def _leaves(value: object, names: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], object]]:
    if isinstance(value, Mapping):
        for name, item in value.items():
            if name not in ("tasks", "board_ram_bytes", "board_flash_bytes"):  # scores; what is the board's own
                yield from _leaves(item, (*names, str(name)))
    elif isinstance(value, list):
        for item in value:  # entries with a name: marks
            if isinstance(item, Mapping) and "what" in item:
                yield from _leaves(item, (*names, str(item["what"])))
    else:
        yield names, value


def _figure(names: Sequence[str], value: object) -> Figure | None:
    leaf, text = names[-1], " ".join(names)
    if leaf in _GOOD:
        return Figure(str(value))
    if value is not None and (isinstance(value, bool) or not isinstance(value, int | float)):
        return None
    if "macs" in text or "_bytes" in text:
        return Figure(value, exact="macs" in text or names[0].startswith("ram") or leaf.startswith("ram"))
    if ("instructions" in text and leaf not in _NOT_A_COST) or "nrmse" in leaf:
        return Figure(value)
    return None


def _scores(task: Mapping[str, object]) -> Iterator[tuple[str, Figure]]:
    """A task of the learning benchmark: of each entrant RAM, MACs and the median score of its seeds."""
    try:
        entrants = task["entrants"]
        for entrant in entrants:  # type: ignore[attr-defined]
            seeds = entrant["figures"]
            name = f"tasks: {task['name']}, {task['samples']} samples, {entrant['name']}, {len(seeds)} seeds"
            for key in ("ram_bytes", "macs_per_step"):
                yield f"{name}: {key}", Figure(entrant[key], exact=True)
            rising = bool(task["more_is_better"])
            first = next(iter(seeds[0]))
            worst = -math.inf if rising else math.inf  # never learned
            score = median(worst if run[first] is None else run[first] for run in seeds)
            yield f"{name}: {first}", Figure(score if math.isfinite(score) else None, rising=rising)
    except (KeyError, TypeError, IndexError, StopIteration) as error:
        raise DataError(f"bench compare: a task without {error} in it; write the file again") from error


# -------------------------------------------------------------------------------------------------- words


def text(differences: Sequence[Difference], threshold: float) -> str:
    """A table for the terminal of what changed, and how many figures did not."""
    changed = [d for d in differences if d.judgement != "equal"]
    rows = [
        (d.judgement, d.key, _shown(d.before), _shown(d.after), *_moved(d)) for d in changed if d.judgement != "within"
    ]
    lines = [text_table(("", "figure", "A", "B", "B - A", "%"), rows, texts=("figure",))] if rows else []
    count = {kind: sum(d.judgement == kind for d in differences) for kind in ("equal", "within", "worse", "lost")}
    lines.append(
        f"{len(differences)} figures: {count['equal']} equal, {count['within']} within {threshold:g} %, "
        f"{count['worse']} worse, {count['lost']} not measured any more"
    )
    return "\n".join(lines)


def regressed(differences: Sequence[Difference]) -> bool:
    """Whether any figure is worse, or missing."""
    return any(d.judgement in ("worse", "lost") for d in differences)


def _shown(value: float | str | None) -> str:
    if value is None or isinstance(value, str):
        return value or "-"
    return f"{value:,}" if isinstance(value, int) else f"{value:.5g}"


def _moved(d: Difference) -> tuple[str, str]:
    if d.percent is None:
        return "", ""
    assert isinstance(d.before, float | int)
    assert isinstance(d.after, float | int)
    by = d.after - d.before
    return (f"{by:+,}" if isinstance(by, int) else f"{by:+.3g}"), f"{d.percent:+.2f}"
