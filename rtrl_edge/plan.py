"""What a model will need on a chip, before anything is built: RAM, flash, stack and multiply-accumulates.

RAM is exact (a static assert in the generated C holds it). Flash is exact in its data and an estimate in its
code; the stack is an upper bound; both from builds of the kernels with ``-O2`` for each core, kept in
``code_sizes.csv``, which ``python -m tests.measure_code`` writes, and compared with fresh builds by the tests.
"""

from __future__ import annotations

import csv
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

import numpy as np

from .boards import Board, load_board
from .errors import PlanError
from .fixed import TANH_TABLE
from .layout import layout
from .model import MAX_UNITS, Model
from .quantize import IntegerModel

GROUPS = {
    "weights": "weights",
    "state": "state",
    "influence": "influence matrix",
    "optimiser": "optimiser's memory",
    "scratch": "work area of a step",
    "counters": "counters",
}


@dataclass(frozen=True)
class CodeSize:
    """Bytes of code and of worst-case stack of one core's build."""

    code: int
    stack: int


#: bytes of code and stack by core, cell, rule, words and parity of the units, with the ``USUAL`` other parts; gcc 12.2
CODE_SIZES = Path(__file__).parent / "code_sizes.csv"
#: the parts that it was measured with
USUAL = {"readout": "readout_linear", "loss": "loss_squared", "optimiser": "optimiser_sgd"}
#: RAM that our firmware needs beside the model: the protocol's buffers, the UART driver
FIRMWARE_BYTES = 384  # built for every board: 92 to 284 with the demonstration's inputs and outputs
#: and its flash: startup, drivers, protocol
FIRMWARE_FLASH_BYTES = 4096


@dataclass(frozen=True)
class Plan:
    """The needs of a model, and what a board leaves.

    Units: bytes and multiply-accumulates (MACs). ``code_bytes`` and ``stack_bytes`` are None without a board.
    """

    name: str
    rule: str
    numbers: str
    ram_groups: dict[str, int]
    struct_bytes: int
    inference_bytes: int
    const_bytes: int
    macs_predict: int
    macs_learn: int
    board: str | None = None
    board_ram_bytes: int | None = None
    board_flash_bytes: int | None = None
    code_bytes: int | None = None
    stack_bytes: int | None = None

    def figures(self) -> dict[str, object]:
        """The same as plain data, units in the key names."""
        found: dict[str, object] = {
            "ram_bytes": self.struct_bytes,
            "ram_by_group_bytes": dict(self.ram_groups),
            "ram_inference_only_bytes": self.inference_bytes,
            "flash_const_bytes": self.const_bytes,
            "predict_macs": self.macs_predict,
            "learn_macs": self.macs_learn,
        }
        if self.board is not None:
            found |= {
                "board": self.board,
                "board_ram_bytes": self.board_ram_bytes,
                "board_flash_bytes": self.board_flash_bytes,
                "flash_code_estimate_bytes": self.code_bytes,
                "stack_bound_bytes": self.stack_bytes,
            }
        return found

    def __str__(self) -> str:
        """A small table for the terminal."""
        rows = [(f"  {GROUPS[group]}", f"{size:,} B") for group, size in self.ram_groups.items() if size]
        lines = [
            (f"RAM, struct {self.name}_t", f"{self.struct_bytes:,} B"),
            *rows,
            ("  of it, if it only predicted", f"{self.inference_bytes:,} B"),
        ]
        if self.board is not None:
            lines += [
                (
                    "stack of one call, at most",
                    "not measured for these parts on this core"
                    if self.stack_bytes is None
                    else f"{self.stack_bytes:,} B",
                ),
                (f"RAM of {self.board}", f"{self.board_ram_bytes:,} B"),
            ]
        lines.append(("flash, tables and factory weights", f"{self.const_bytes:,} B"))
        if self.board is not None:
            lines += [
                (
                    "flash, code (estimate)",
                    "not measured for these parts on this core"
                    if self.code_bytes is None
                    else f"{self.code_bytes:,} B",
                ),
                (f"flash of {self.board}", f"{self.board_flash_bytes:,} B"),
            ]
        lines += [
            ("multiply-accumulates of predict", f"{self.macs_predict:,}"),
            ("multiply-accumulates of learn", f"{self.macs_learn:,}"),
        ]
        left, right = max(len(a) for a, _ in lines), max(len(b) for _, b in lines)
        head = f"plan of {self.name}: {self.rule}, {self.numbers}" + (f", on {self.board}" if self.board else "")
        return "\n".join([head, *(f"  {a:<{left}}  {b:>{right}}" for a, b in lines)])


def plan(model: Model | IntegerModel, board: str | Board | None = None) -> Plan:
    """Plan a model, and refuse it if it does not fit the board.

    Args:
        model: a definition, or an integer model (only sizes matter).
        board: name of a board, path to a board's TOML file, a Board, or None.

    Raises:
        PlanError: the model does not fit; the message names the largest number of units that does.
    """
    definition = model.model if isinstance(model, IntegerModel) else model
    found = _needs(definition)
    if board is None:
        return found
    chip = board if isinstance(board, Board) else load_board(board)
    size = _code_size(definition, chip.core)
    found = replace(
        found,
        board=chip.name,
        board_ram_bytes=chip.ram_bytes,
        board_flash_bytes=chip.flash_bytes,
        code_bytes=size.code if size else None,
        stack_bytes=size.stack if size else None,
    )
    _refuse_if_too_large(definition, found, chip)
    return found


def room(board: Board) -> int:
    """Bytes of RAM that a board leaves to a model, after the stack and the firmware's buffers."""
    return board.ram_bytes - board.stack_bytes - FIRMWARE_BYTES


def _code_size(model: Model, core: str) -> CodeSize | None:
    """The measured code and stack of a model's parts, or None where nobody measured them."""
    if not USUAL.items() <= model.voices.items():
        return None
    return _code_sizes().get(size_key(model, core))


def size_key(model: Model, core: str) -> tuple[str, ...]:
    """What the size of a model's code depends on most: its line in the table."""
    words = "R8" if model.numbers.residual == "int8" else "R16"
    return core, model.cell.voice, model.rule.title, words, "odd" if model.dims.units % 2 else "even"


@cache
def _code_sizes() -> dict[tuple[str, ...], CodeSize]:
    with CODE_SIZES.open(encoding="utf-8", newline="") as file:
        return {tuple(row[:5]): CodeSize(int(row[5]), int(row[6])) for row in list(csv.reader(file))[1:]}


def _needs(model: Model) -> Plan:
    place, d = layout(model), model.dims
    by_group = {group: place.bytes_of(group) for group in GROUPS}
    state = {name for name, _ in d.structure.state}
    inference = sum(
        m.size
        for m in place.members
        if m.field.trace or m.field.name in state or m.field.name == "y" or m.field.name.endswith("_hi")
    )
    weights = {m.field.name: m.size for m in place.members if m.field.group == "weights"}
    predict = model.cell.macs(d) + model.readout.macs(d)
    return Plan(
        name=model.name,
        rule=type(model.rule).__name__,
        numbers=model.numbers.name,
        ram_groups=by_group,
        struct_bytes=place.size,
        inference_bytes=inference,
        const_bytes=TANH_TABLE.size * np.dtype(np.int16).itemsize
        + sum(len(t.values) * np.dtype(t.ctype).itemsize for part in model.parts for t in part.tables(d, model.numbers))
        + sum(weights.values()),
        macs_predict=predict,
        macs_learn=model.rule.macs(d) + model.readout.macs(d) * model.trains_readout,
    )


def _refuse_if_too_large(model: Model, found: Plan, board: Board) -> None:
    left = room(board)
    if found.struct_bytes > left:
        raise PlanError(
            f"plan: model '{model.name}' needs {found.struct_bytes:,} B of RAM "
            f"({found.ram_groups['influence']:,} B of it the influence matrix), board '{board.name}' leaves {left:,} B "
            f"after the stack and the firmware's buffers{_pieces(found, board)}. {_advice(model, left)}"
        )
    flash = found.const_bytes + (found.code_bytes or 0) + FIRMWARE_FLASH_BYTES
    if flash > board.flash_bytes:
        raise PlanError(
            f"plan: model '{model.name}' needs {flash:,} B of flash, board '{board.name}' has {board.flash_bytes:,} B; "
            "use fewer units"
        )


def _pieces(found: Plan, board: Board) -> str:
    """Why RAM that would be enough is not."""
    if found.struct_bytes + board.stack_bytes + FIRMWARE_BYTES > board.data_ram_bytes:
        return ""
    regions = ", ".join(f"{r.name} {r.size:,} B" for r in board.ram if r.use == "data")
    return (
        f" in its largest region; all regions together ({regions}) would do, but the struct is one piece and must lie "
        "in one of them"
    )


def _advice(model: Model, left: int) -> str:
    """The largest number of units that fits, or what else to change."""
    fits = [
        units
        for units in range(1, min(model.cell.units, MAX_UNITS))
        if layout(replace(model, cells=[model.cell.resized(units)])).size <= left
    ]
    if fits:
        return f"units={fits[-1]} fits, or choose a number profile with a smaller influence matrix"
    return "Not even one unit fits: this board is too small"
