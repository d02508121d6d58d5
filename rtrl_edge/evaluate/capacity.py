"""The inverse plan: the largest model that a board holds, and that learns between two samples.

RAM and flash limits follow from the layout. Time is measured: instructions on an emulated core, by a few builds a
pair; cycles are not, so that the time is an estimate with one stated assumption.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from ..boards import Board
from ..device.counter import Counted
from ..errors import ModelError, PlanError
from ..model import MAX_UNITS, RNN, Cell, Jordan, Model, Numbers, ReadoutOnly, Rule, Stack, catalogue
from ..plan import CYCLES_PER_INSTRUCTION, plan, room
from .compare import written
from .matrix import label
from .tables import text_table
from .work import work

_BUILDS = 8  # of one search, at most


@dataclass(frozen=True)
class Fit:
    """The largest model of one pair of cell and rule on a board.

    Args:
        cell, rule: as one writes them.
        units: of the largest that fits, 0 if none does.
        binds: what the next larger one breaks: ``RAM``, ``flash``, ``time``, or the engine's own ``limit``.
        ram_bytes: of its state struct.
        instructions: the most that one sample took, predict and learn; None where time does not count.
        seconds: the same as an estimate of time.
        next_too_large: the first that does not fit, in a few words.
    """

    cell: str
    rule: str
    units: int
    binds: str
    ram_bytes: int | None
    instructions: int | None
    seconds: float | None
    next_too_large: str


@dataclass(frozen=True)
class Question:
    """What is asked for: sizes, profile, and the sample rate in Hz (None: only RAM and flash count)."""

    board: Board
    inputs: int
    outputs: int
    numbers: Numbers
    rate_hz: float | None = None
    cycles_per_instruction: float = CYCLES_PER_INSTRUCTION

    def __post_init__(self) -> None:
        if self.rate_hz is not None and self.board.clock_hz is None:
            raise PlanError(f"fit: board '{self.board.name}' states no clock_hz, so no sample rate can be judged")
        self.model(RNN(1), ReadoutOnly(), 1)  # raises for inputs or outputs that no model may have

    def model(self, cell: Cell, rule: Rule, units: int) -> Model:
        """The model that is tried."""
        readout = catalogue.readout(cell, self.outputs)
        return Model("net", self.inputs, [cell.resized(units)], readout, rule=rule, numbers=self.numbers)

    def seconds(self, instructions: int) -> float:
        """Estimated time."""
        assert self.board.clock_hz is not None
        return instructions * self.cycles_per_instruction / self.board.clock_hz

    def largest(self, cell: Cell, rule: Rule) -> Fit:
        """Search one pair.

        Raises:
            BoardError, BuildError: a rate was given, and no emulator or compiler is there to count instructions.
        """
        held, reason = self._held(cell, rule)
        names = label(cell.resized(max(held, 1))), written(rule)
        if not held:
            return Fit(*names, 0, reason[0], None, None, None, reason[1])
        if self.rate_hz is None:
            return Fit(*names, held, reason[0], self._ram(cell, rule, held), None, None, reason[1])
        return self._by_time(cell, rule, held, reason)

    def _ram(self, cell: Cell, rule: Rule, units: int) -> int:
        return plan(self.model(cell, rule, units)).struct_bytes

    def _held(self, cell: Cell, rule: Rule) -> tuple[int, tuple[str, str]]:
        """The most units that RAM, flash and engine allow, and what the next one breaks."""

        def refusal(units: int) -> tuple[str, str] | None:
            try:
                plan(self.model(cell, rule, units), self.board)
            except PlanError:
                found = plan(self.model(cell, rule, units))
                if found.struct_bytes > room(self.board):
                    return "RAM", f"{units} units: {found.struct_bytes:,} B of RAM"
                return "flash", f"{units} units: {found.const_bytes:,} B of constants"
            except ModelError as error:  # its last clause is the number that is too large
                return "limit", f"{units} units: {re.split('[;.] ', str(error).rsplit(': ', 1)[-1])[0]}"
            return None

        low, high, reason = (
            0,
            MAX_UNITS + 1,
            ("limit", f"{MAX_UNITS + 1} units: our bounds are proven up to {MAX_UNITS}"),
        )
        while high - low > 1:
            middle = (low + high) // 2
            found = refusal(middle)
            if found:
                high, reason = middle, found
            else:
                low = middle
        return low, reason

    def _by_time(self, cell: Cell, rule: Rule, held: int, reason: tuple[str, str]) -> Fit:
        """Guess from the forecast, count, and guess again from the count and the multiply-accumulates."""
        assert self.rate_hz is not None
        counted: dict[int, int] = {}
        beyond = held + 1  # units that the emulated board cannot hold are judged from the nearest count

        def macs(units: int) -> int:
            found = plan(self.model(cell, rule, units))
            return found.macs_predict + found.macs_learn

        def count(units: int) -> None:
            nonlocal beyond
            try:
                counted[units] = _most(*work([self.model(cell, rule, units)], self.board))
            except PlanError:
                beyond = min(beyond, units)

        def instructions(units: int) -> int:
            if units in counted or not counted:
                return counted.get(units, 0)
            near = min(counted, key=lambda known: abs(known - units))
            return round(counted[near] * macs(units) / macs(near))

        def fits(units: int) -> bool:
            return self.seconds(instructions(units)) <= 1.0 / float(self.rate_hz or 1.0)

        trial = self._guess(cell, rule, held)
        for _ in range(_BUILDS):
            count(trial)
            if not counted:
                trial = max(1, trial // 2)
                continue
            best = _last(fits, held)
            wanted = [n for n in (best, best + 1) if 0 < n <= held and n not in counted and n < beyond]
            if not wanted:
                break
            trial = wanted[0]
        best = _last(fits, held) if counted else 0
        names = label(cell.resized(max(best, 1))), written(rule)
        exact = "" if best in counted else "about "
        if best < held:
            slow = self.seconds(instructions(best + 1)) * 1e3
            reason = ("time", f"{best + 1} units: {exact}{slow:.4g} ms of {1e3 / self.rate_hz:.4g} ms")
        if not best:
            return Fit(*names, 0, *reason[:1], None, None, None, reason[1])
        most = instructions(best)
        return Fit(*names, best, reason[0], self._ram(cell, rule, best), most, self.seconds(most), reason[1])

    def _guess(self, cell: Cell, rule: Rule, held: int) -> int:
        """The most units that the forecast finds in time, or a few where there is none."""

        def in_time(units: int) -> bool:
            found = plan(self.model(cell, rule, units), self.board).forecast
            return found is not None and self.seconds(found.predict + found.learn_most) <= 1.0 / float(
                self.rate_hz or 1
            )

        return _last(in_time, held) or min(8, held)


def _most(found: Counted) -> int:
    return found.predict_most + found.learn_most


def _last(fits: Callable[[int], bool], held: int) -> int:
    """The most units of 0..held of which all smaller ones fit too."""
    low, high = 0, held + 1
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if fits(middle) else (low, middle)
    return low


Pair = tuple[Cell, Rule]


def pairs(question: Question, cells: Sequence[str], rules: Sequence[Rule]) -> tuple[list[Pair], list[Pair]]:
    """The named cells, each once and in its usual form, with the rules: the legal pairs, and those that are not.

    Raises ModelError for a name that is no cell, and where no pair is legal.
    """
    known = {kind.__name__.lower(): kind for kind in Cell.__subclasses__() if kind is not Stack}
    for name in cells:
        if name.lower() not in known:
            names = ", ".join(sorted(kind.__name__ for kind in known.values()))
            raise ModelError(f"fit: wanted a cell of {names}, found {name!r}")
    usual = [known[name].variants(8)[0] for name in dict.fromkeys(name.lower() for name in cells)]
    usual = [replace(cell, outputs=question.outputs) if isinstance(cell, Jordan) else cell for cell in usual]
    legal: list[Pair] = []
    refused: list[Pair] = []
    for cell in usual:
        for rule in rules:
            fine = catalogue.legal(cell, rule, question.inputs) and rule.refuses_numbers(question.numbers) is None
            (legal if fine else refused).append((cell, rule))
    if not legal:
        raise ModelError("fit: none of these rules goes with any of these cells; `rtrl-edge matrix` shows which do")
    return legal, refused


def text(question: Question, found: Sequence[Fit], refused: Sequence[Pair] = ()) -> str:
    """A table for the terminal, and which pairs were left out."""
    board, rate = question.board, question.rate_hz
    head = f"largest models on {board.name} ({board.core}, {board.ram_bytes:,} B of RAM"
    head += f", {board.clock_hz / 1e6:g} MHz)" if board.clock_hz else ")"
    head += f", {question.inputs} inputs, {question.outputs} outputs, {question.numbers.name}"
    columns = [
        ("cell", [f.cell for f in found]),
        ("rule", [f.rule for f in found]),
        ("units", [str(f.units) for f in found]),
        ("RAM B", ["-" if f.ram_bytes is None else f"{f.ram_bytes:,}" for f in found]),
    ]
    if rate:
        columns += [
            ("instructions", ["-" if f.instructions is None else f"{f.instructions:,}" for f in found]),
            ("about ms", ["-" if f.seconds is None else f"{f.seconds * 1e3:.3g}" for f in found]),
        ]
    columns += [
        ("binds", [f.binds for f in found]),
        ("first that does not fit", [f.next_too_large for f in found]),
    ]
    header = [name for name, _ in columns]
    rows = list(zip(*(cells for _, cells in columns), strict=True))
    lines = [head, text_table(header, rows, texts=("cell", "rule", "binds", "first that does not fit"))]
    if refused:
        without = ", ".join(f"{label(cell)} with {written(rule)}" for cell, rule in refused)
        lines.append(f"left out, for they do not go together (`rtrl-edge matrix` says why): {without}")
    if rate:
        lines.append(
            f"instructions: the most of one predict and one learn, counted in an emulator; time: an estimate, at "
            f"{question.cycles_per_instruction:g} cycles an instruction, to end within {1e3 / rate:.4g} ms"
        )
    return "\n".join(lines)


def figures(question: Question, found: Sequence[Fit]) -> dict[str, object]:
    """The same as plain data, units in the key names."""
    return {
        "board": question.board.name,
        "inputs": question.inputs,
        "outputs": question.outputs,
        "numbers": question.numbers.name,
        "rate_hz": question.rate_hz,
        "assumed_cycles_per_instruction": question.cycles_per_instruction,
        "fits": [
            {
                "cell": f.cell, "rule": f.rule, "units": f.units, "binds": f.binds, "ram_bytes": f.ram_bytes,
                "instructions_most": f.instructions, "estimated_seconds": f.seconds,
                "first_that_does_not_fit": f.next_too_large,
            }
            for f in found
        ],
    }  # fmt: skip
