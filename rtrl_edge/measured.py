"""What was measured of each pair of cell and rule on each core, and how a model finds the lines that speak of it.

``measured/CORE.csv`` has a line a model: executed instructions of its calls, bytes of code and of stack, from a
firmware that ``python -m tests.measure_code`` built (gcc 12.2 ``-O2``; the ESP32's by LLVM 22) and ran in QEMU 7.2. All
with the loss and the optimiser that ``measured_model`` has. No line is computed from others: ``forecast.py`` does that.
"""

from __future__ import annotations

import csv
from dataclasses import dataclass, fields, replace
from functools import cache, cached_property
from pathlib import Path

from .model import R8, R16, SGD, Cell, Model, Rule, SquaredError, Stack, catalogue

FOLDER = Path(__file__).parent / "measured"
PROFILES = {"R16": R16(cap=2), "R8": R8(cap=2)}
#: cores with the instructions of another, by the manuals: Arm's M0+ has those of M0; RISC-V's A are atomics, never ours
SAME_INSTRUCTIONS = {"cortex-m0plus": "cortex-m0", "rv32imac": "rv32imc"}


@dataclass(frozen=True)
class Line:
    """One measured model.

    Args:
        cell: :func:`cell_key`.
        rule: its ``title``.
        numbers: profile.
        units, inputs, outputs: sizes.
        length: :func:`length` of the rule, 0 if it has none.
        frozen: ``readout`` where only the cell learned.
        predict, learn: executed instructions of a call, means.
        learn_most: of the longest ``learn``.
        slice_most: of the longest ``learn_begin``, or ``learn_slice`` of one part.
        code_bytes: of the generated model, without its constants.
        stack_bytes: of the deepest call; 0: not measured on this core.
        core: where; the file's name, not a column.
    """

    cell: str
    rule: str
    numbers: str
    units: int
    inputs: int
    outputs: int
    length: int
    frozen: str
    predict: int
    learn: int
    learn_most: int
    slice_most: int
    code_bytes: int
    stack_bytes: int
    core: str = ""

    @property
    def sizes(self) -> tuple[object, ...]:
        """What chooses how often its loops run."""
        return self.units, self.inputs, self.outputs, self.length, self.frozen

    @property
    def origin(self) -> tuple[str, ...]:
        """What chooses its code."""
        return self.core, self.cell, self.rule, self.numbers

    @property
    def what(self) -> tuple[object, ...]:
        """All but what was measured: no two lines of a core have the same."""
        return self.cell, self.rule, self.numbers, self.units, self.inputs, self.outputs, self.length, self.frozen

    @cached_property
    def model(self) -> Model:
        """The model that was measured."""
        cell = next(cell for cell in catalogue.cells(self.units) if cell_key(cell) == self.cell)
        rule = next(rule for rule in catalogue.rules() if rule.title == self.rule)
        return measured_model(cell, rule, self.numbers, self.inputs, self.outputs, self.length, bool(self.frozen))


def measured_model(
    cell: Cell, rule: Rule, numbers: str, inputs: int, outputs: int, length: int, frozen: bool = False
) -> Model:
    """A model as they are measured, with the usual loss and optimiser.

    Args:
        cell: from the catalogue, in its size.
        rule: from the catalogue; ``length`` replaces its own.
        numbers: name of a profile.
        inputs, outputs: sizes.
        length: of the rule, 0 if it has none.
        frozen: the readout does not learn.
    """
    if hasattr(cell, "outputs"):
        cell = replace(cell, outputs=outputs)  # type: ignore[call-arg]
    if length:
        rule = replace(rule, **{_length_field(rule): length})
    readout = catalogue.readout(cell, outputs)
    model = Model("net", inputs, [cell], readout, rule=rule, optimiser=SGD(2**-5), numbers=PROFILES[numbers])
    return replace(model, trainable=[name for name in model.groups() if name != "readout"]) if frozen else model


def cell_key(cell: Cell) -> str:
    """What chooses the code of a cell: its voice, and its switches."""
    switches = [f.name for f in fields(cell) if isinstance(f.default, bool) and getattr(cell, f.name) != f.default]
    return "+".join([cell.voice, *switches])


def _length_field(rule: Rule) -> str:
    """The rule's whole number that its work grows with, or nothing."""
    found = [f.name for f in fields(rule) if f.name != "seed" and type(getattr(rule, f.name)) is int]
    return found[0] if found else ""


def length(rule: Rule) -> int:
    """Window, block, rank or order of a rule, 0 if it has none."""
    name = _length_field(rule)
    return int(getattr(rule, name)) if name else 0


def usual(model: Model) -> bool:
    """Whether its code is that of a measured model's parts: the usual loss, optimiser, rates and readout."""
    if isinstance(model.cell, Stack) or model.numbers.name not in PROFILES:
        return False
    trains, own = model.rule.trains_cell, catalogue.readout(model.cell, model.readout.outputs)
    return (
        (model.loss.voice, model.readout.voice) == (SquaredError.voice, own.voice)
        and model.optimiser.kernels(True, trains) == SGD(2**-5).kernels(True, trains)
    )  # fmt: skip


def file_of(core: str) -> Path:
    """Where the lines of a core are."""
    return FOLDER / f"{SAME_INSTRUCTIONS.get(core, core)}.csv"


@cache
def lines(core: str) -> tuple[Line, ...]:
    """All lines of a core; none where nobody measured it."""
    path = file_of(core)
    if not path.is_file():
        return ()
    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.reader(file))[1:]
    return tuple(_line(row, path.stem) for row in rows)


def _line(row: list[str], core: str) -> Line:
    cell, rule, numbers, units, inputs, outputs, length, frozen, *found = row
    predict, learn, learn_most, slice_most, code_bytes, stack_bytes = map(int, found)
    return Line(
        cell, rule, numbers, int(units), int(inputs), int(outputs), int(length), frozen,
        predict, learn, learn_most, slice_most, code_bytes, stack_bytes, core,
    )  # fmt: skip
