"""What a model will need on a chip, before anything is built: RAM, flash, stack, instructions and time.

RAM is exact (a static assert in the generated C holds it). Flash is exact in its data; code, stack and instructions are
forecasts (``forecast.py``) from builds of the same parts in other sizes, and compared with fresh builds by the tests.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace

import numpy as np

from .boards import Board, load_board
from .errors import ModelError, PlanError, check_kind
from .fixed import TANH_TABLE
from .forecast import Forecast, forecast, learn_instructions
from .layout import factory_fields, layout
from .model import MAX_UNITS, Model, ReadoutOnly, Sum
from .quantize import IntegerModel

GROUPS = {
    "weights": "weights",
    "state": "state",
    "influence": "influence matrix",
    "optimiser": "optimiser's memory",
    "scratch": "work area of a step",
    "counters": "counters",
}


#: RAM that our firmware needs beside the model: the protocol's buffers, the UART driver
FIRMWARE_BYTES = 384  # built for every board: 92 to 284 with the demonstration's inputs and outputs
#: and its flash: startup, drivers, protocol
FIRMWARE_FLASH_BYTES = 4096


#: assumed cycles of one instruction, loads from flash and taken branches included; no core that we name needs more
#: on average for this code by the processors' manuals, and no board has been timed
CYCLES_PER_INSTRUCTION = 2.0
#: nine of ten forecasts of instructions and flash of sizes that were not measured are no further off; those of predict
#: alone and of slices (``python -m tests.measure_code --check``)
WITHIN, WITHIN_LESS = 0.10, 0.20
_NOT_MEASURED = "not measured for these parts on this core"


@dataclass(frozen=True)
class Saving:
    """What a group of weights costs while it learns, and a model without it saves.

    ``group``: as ``Model(trainable=...)`` names it. ``instructions`` of one ``learn``, None where nobody measured them.
    """

    group: str
    weights: int
    ram_bytes: int
    macs: int
    instructions: int | None


@dataclass(frozen=True)
class Wider:
    """More units that take fewer instructions, as kernels take rows by fours.

    ``instructions``: of a ``predict`` and the longest ``learn``, a forecast.
    """

    units: int
    instructions: int
    ram_bytes: int


@dataclass(frozen=True)
class Plan:
    """The needs of a model, and what a board leaves.

    Units: bytes, multiply-accumulates (MACs), executed instructions. Without a board, or where nobody measured a
    model of these parts on its core, ``forecast`` is None.
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
    clock_hz: int | None = None
    forecast: Forecast | None = None
    savings: tuple[Saving, ...] = ()
    wider: Wider | None = None
    sums: tuple[Sum, ...] = ()

    @property
    def code_bytes(self) -> int | None:
        """Forecast bytes of code."""
        return self.forecast.code_bytes if self.forecast else None

    @property
    def stack_bytes(self) -> int | None:
        """Most bytes of stack that one call takes."""
        return self.forecast.stack_bytes if self.forecast else None

    @property
    def rate_hz(self) -> float | None:
        """Samples a second that the longest ``learn`` and a ``predict`` leave, at ``CYCLES_PER_INSTRUCTION``."""
        if self.forecast is None or self.clock_hz is None:
            return None
        return self.clock_hz / (CYCLES_PER_INSTRUCTION * (self.forecast.predict + self.forecast.learn_most))

    @property
    def _source(self) -> str:
        return "counted" if self.forecast and self.forecast.counted_on else "forecast"

    def figures(self) -> dict[str, object]:
        """The same as plain data, units in the key names."""
        found: dict[str, object] = {
            "ram_bytes": self.struct_bytes,
            "ram_by_group_bytes": dict(self.ram_groups),
            "ram_inference_only_bytes": self.inference_bytes,
            "flash_const_bytes": self.const_bytes,
            "predict_macs": self.macs_predict,
            "learn_macs": self.macs_learn,
            "accumulators": [{"sum": s.what, "largest": s.largest, "word_bits": s.bits} for s in self.sums],
        }
        if self.board is not None:
            seen = self.forecast
            found |= {
                "board": self.board,
                "board_ram_bytes": self.board_ram_bytes,
                "board_flash_bytes": self.board_flash_bytes,
                "flash_code_bytes": self.code_bytes,
                "stack_bytes": self.stack_bytes,
                "predict_instructions": seen and seen.predict,
                "learn_instructions": seen and seen.learn,
                "longest_learn_instructions": seen and seen.learn_most,
                "longest_slice_instructions": seen and seen.slice_most,
                "counted_on": seen.counted_on or None if seen else None,  # null: forecasts
                "forecast_extrapolates": list(seen.extrapolated) if seen else None,
                "assumed_cycles_per_instruction": CYCLES_PER_INSTRUCTION,
                "rate_estimate_hz": self.rate_hz,
            }
        if self.wider:
            found["wider_and_faster"] = asdict(self.wider)
        if self.savings:
            found["saved_by_freezing"] = [asdict(saving) for saving in self.savings]
        return found

    def __str__(self) -> str:
        """A small table for the terminal."""
        lines = [*self._ram_lines(), *self._flash_lines(), *self._work_lines()]
        left, right = max(len(a) for a, _ in lines), max(len(b) for _, b in lines)
        head = f"plan of {self.name}: {self.rule}, {self.numbers}" + (f", on {self.board}" if self.board else "")
        table = "\n".join([head, *(f"  {a:<{left}}  {b:>{right}}" for a, b in lines)])
        return "\n\n".join([table, *self._savings_text()])

    def _ram_lines(self) -> list[tuple[str, str]]:
        rows = [(f"  {GROUPS[group]}", f"{size:,} B") for group, size in self.ram_groups.items() if size]
        lines = [
            (f"RAM, struct {self.name}_t", f"{self.struct_bytes:,} B"),
            *rows,
            ("  of it, if it only predicted", f"{self.inference_bytes:,} B"),
        ]
        if self.board is not None:
            lines += [
                (f"stack of one call ({self._source})", _amount(self.stack_bytes, " B")),
                (f"RAM of {self.board}", f"{self.board_ram_bytes:,} B"),
            ]
        return lines

    def _flash_lines(self) -> list[tuple[str, str]]:
        lines = [("flash, tables and factory weights", f"{self.const_bytes:,} B")]
        if self.board is not None:
            lines += [
                (f"flash, code ({self._source})", _amount(self.code_bytes, " B")),
                (f"flash of {self.board}", f"{self.board_flash_bytes:,} B"),
            ]
        return lines

    def _work_lines(self) -> list[tuple[str, str]]:
        lines = [
            ("multiply-accumulates of predict", f"{self.macs_predict:,}"),
            ("multiply-accumulates of learn", f"{self.macs_learn:,}"),
            ("accumulators that can overflow (--sums)", f"none of {len(self.sums)}"),
        ]
        if self.board is None:
            return lines
        seen = self.forecast
        what = f"instructions ({self._source}, not cycles)"
        lines += [
            (f"{what} of predict", _amount(seen.predict if seen else None)),
            (f"{what} of learn", _amount(seen.learn if seen else None)),
        ]
        if seen:
            if seen.learn_most > 1.05 * seen.learn:
                lines.append((f"{what} of the longest learn", _amount(seen.learn_most)))
            lines.append((f"{what} of learn_begin or the longest slice", _amount(seen.slice_most)))
            if seen.counted_on:
                lines.append(("  of this very model, as code and stack, emulated by", seen.counted_on))
            else:
                lines.append((f"  nine of ten: within {WITHIN:.0%}; predict alone, and slices, {WITHIN_LESS:.0%}", ""))
            if seen.extrapolated:
                lines.append(("  extrapolated: measured in other sizes only", ", ".join(seen.extrapolated)))
        if not (seen and seen.counted_on):
            lines.append(("  counted instead, in seconds: rtrl-edge plan --count", ""))
        if self.wider:
            of = f"  faster: {self.wider.units} units, {self.wider.ram_bytes:,} B; predict and longest learn together"
            lines.append((of, f"about {self.wider.instructions:,}"))
        if self.rate_hz is not None:
            cycles = f"{CYCLES_PER_INSTRUCTION:g} cycles an instruction assumed"
            lines.append((f"samples a second ({cycles})", f"about {rounded(self.rate_hz)}"))
        return lines

    def _savings_text(self) -> list[str]:
        if not self.savings:
            return []
        rows = [("frozen", "weights", "RAM B", "MACs", "instructions")]
        for s in self.savings:
            work = "-" if s.instructions is None else f"{s.instructions:,}"
            rows.append((s.group, f"{s.weights:,}", f"{s.ram_bytes:,}", f"{s.macs:,}", work))
        return [_table("what a group of weights saves if it does not learn (Model(trainable=...))", rows)]

    def sums_text(self) -> str:
        """The proof that no accumulator overflows: of each the largest magnitude, for any weights and inputs."""
        rows = [("sum", "at most", "and has to be below")]
        rows += [(s.what, f"{s.largest:,}", s.limit) for s in self.sums]
        return _table("accumulators, for any weights and inputs", rows)


def _table(head: str, rows: Sequence[Sequence[str]]) -> str:
    width = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = [
        "  " + "  ".join(w.rjust(n) if i else w.ljust(n) for i, (w, n) in enumerate(zip(row, width, strict=True)))
        for row in rows
    ]
    return "\n".join([head, *lines])


def rounded(value: float) -> str:
    """Three digits of a figure, without an exponent: 79.9, 2,640."""
    return f"{float(f'{value:.3g}'):,.12g}"


def _amount(value: int | None, unit: str = "") -> str:
    return _NOT_MEASURED if value is None else f"{value:,}{unit}"


def plan(model: Model | IntegerModel, board: str | Board | None = None, *, counted: Forecast | None = None) -> Plan:
    """Plan a model, and refuse it if it does not fit the board.

    Args:
        model: a definition, or an integer model (only sizes matter).
        board: name of a board, path to a board's TOML file, a Board, or None.
        counted: figures to take instead of a forecast's, which `rtrl_edge.evaluate.work.counted` has.

    Raises:
        PlanError: the model does not fit, and the message names the largest number of units that does; or an
            accumulator could overflow, and it says what to change.
    """
    check_kind("plan: model", model, Model, IntegerModel)
    definition = model.model if isinstance(model, IntegerModel) else model
    found = _needs(definition)
    _refuse_overflow(definition, found.sums)
    if board is None:
        return found
    chip = board if isinstance(board, Board) else load_board(board)
    found = replace(
        found,
        board=chip.name,
        board_ram_bytes=chip.ram_bytes,
        board_flash_bytes=chip.flash_bytes,
        clock_hz=chip.clock_hz,
        forecast=counted or forecast(definition, chip.core),
    )
    _refuse_if_too_large(definition, found, chip)
    return found


def room(board: Board) -> int:
    """Bytes of RAM that a board leaves to a model, after the stack and the firmware's buffers."""
    return board.ram_bytes - board.stack_bytes - FIRMWARE_BYTES


def savings(
    model: Model | IntegerModel,
    board: str | Board | None = None,
    *,
    learn: Callable[[Sequence[Model]], Sequence[int]] | None = None,
) -> tuple[Saving, ...]:
    """What each group of weights saves if it does not learn: each gate's input, bias and recurrent weights, the direct
    ones, the readout, and at last all of the cell (``ReadoutOnly``). A rule that cannot leave some weights out
    (``Rule.partial``) has the last two alone. Arguments as of :func:`plan`; ``learn`` counts the instructions of models
    instead of a forecast. Empty where nothing learns but the readout.
    """
    whole = model.model if isinstance(model, IntegerModel) else model
    if not whole.rule.trains_cell:
        return ()
    core = None if board is None else (board if isinstance(board, Board) else load_board(board)).core
    full, without, found = _needs(whole), list(_without(whole)), []
    others = [less for _, less in without]
    saved = _counted_savings(whole, others, learn) if learn else _forecast_savings(whole, others, core)
    for (group, less), instructions in zip(without, saved, strict=True):
        needs = _needs(less)
        weights = _learning_weights(whole) - _learning_weights(less)
        ram, macs = full.struct_bytes - needs.struct_bytes, full.macs_learn - needs.macs_learn
        found.append(Saving(group, weights, ram, macs, instructions))
    return tuple(found)


def _counted_savings(
    whole: Model, others: Sequence[Model], learn: Callable[[Sequence[Model]], Sequence[int]]
) -> list[int | None]:
    mine, *less = learn([whole, *others])
    return [mine - its for its in less]


def _forecast_savings(whole: Model, others: Sequence[Model], core: str | None) -> list[int | None]:
    """From fits in which all models of the same rule share the coefficients."""
    partly = [less for less in others if less.rule == whole.rule]
    mine, *fits = _learn([whole, *partly], core)
    learn = dict(zip(map(id, partly), fits, strict=True))
    found = []
    for less in others:
        if less.trains_readout != whole.trains_readout:
            # beside the cell's work its own is lost in the fit: ask the rule that has no other
            alone = replace(whole, rule=ReadoutOnly(), trainable=None)
            found.append(_difference(*_learn([alone, replace(alone, trainable=less.trainable)], core)))
        elif less.rule == whole.rule:
            found.append(_difference(mine, learn[id(less)]))
        else:
            found.append(_difference(mine, *_learn([less], core)))
    return found


def wider(model: Model | IntegerModel, board: str | Board) -> Wider | None:
    """The model with up to three units more that the board holds and that is forecast to take a tenth less, if there
    is one; arguments as of :func:`plan`."""
    mine = model.model if isinstance(model, IntegerModel) else model
    chip = board if isinstance(board, Board) else load_board(board)
    found = []
    for more in range(4 if len(mine.cells) == 1 else 0):
        try:
            other = replace(mine, cells=[mine.cell.resized(mine.cell.units + more)])
            planned = plan(other, chip)
        except (ModelError, PlanError):
            break
        if seen := planned.forecast:
            found.append(Wider(other.cell.units, seen.predict + seen.learn_most, planned.struct_bytes))
    least = min(found, key=lambda one: one.instructions, default=None)
    return least if least and least.instructions <= 0.9 * found[0].instructions else None


def _difference(whole: int | None, less: int | None) -> int | None:
    return None if whole is None or less is None else whole - less


def _learn(models: Sequence[Model], core: str | None) -> Sequence[int | None]:
    """Forecast instructions of ``learn`` of models that differ in ``trainable``; None where nobody measured them."""
    return (learn_instructions(models, core) if core else None) or [None] * len(models)


def _without(model: Model) -> Iterator[tuple[str, Model]]:
    """Each group that learns, and the model whose it does not."""
    chosen = model.trainable
    learning = [
        name
        for name in model.groups()
        if ("." in name or name in ("direct", "readout")) and (chosen is None or {name, *name.split(".")} & {*chosen})
    ]
    for group in learning:
        try:
            yield group, replace(model, trainable=[name for name in learning if name != group])
        except ModelError:
            continue  # the rule cannot leave it out, or nothing of the cell would be left
    if model.trains_readout:
        yield "all of the cell", replace(model, rule=ReadoutOnly(), trainable=None)


def _learning_weights(model: Model) -> int:
    d = model.dims
    cell = (d.columns + d.structure.direct * model.trains_direct) * model.rule.trains_cell
    return cell + d.outputs * d.readout_row * model.trains_readout


def _needs(model: Model) -> Plan:
    place, d = layout(model), model.dims
    by_group = {group: place.bytes_of(group) for group in GROUPS}
    state = {name for name, _ in d.structure.state}
    inference = sum(
        m.size
        for m in place.members
        if m.field.trace or m.field.name in state or m.field.name == "y" or m.field.name.endswith("_hi")
    )
    weights = factory_fields(model).values()
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
        + sum(math.prod(field.shape) * np.dtype(field.ctype).itemsize for field in weights),
        macs_predict=predict,
        macs_learn=model.rule.macs(d) + model.readout.macs(d) * model.trains_readout,
        sums=tuple(s for part in model.parts for s in part.sums(d, model.numbers)),
    )


def _refuse_overflow(model: Model, sums: Sequence[Sum]) -> None:
    for s in sums:
        if not s.fits:
            raise PlanError(
                f"plan: in model '{model.name}' the sum {s.what} can reach {s.largest:,}; wanted less than {s.limit}, "
                f"or it overflows. Change: {s.instead}"
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
