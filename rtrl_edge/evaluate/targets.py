"""What one model needs on every board: does it build, does it compute the same bits, how large, how many instructions.

Two firmwares a board: one as it is, played beside the host twin, and one whose learning step is cut into slices. Counts
are executed instructions, never cycles: the emulator has no pipeline and no caches.
"""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np

from ..boards import Board, board_names, load_board
from ..device.emulator import COUNTED, Emulator, InstructionCount
from ..device.host import HostTwin
from ..errors import BoardError, BuildError, PlanError
from ..firmware import build_firmware, firmware_project
from ..layout import differences
from ..model import Model
from ..plan import plan
from ..quantize import IntegerModel
from .contest import Progress
from .tables import text_table
from .work import noisy

MARKDOWN_LINE = "# Targets"
#: every so many samples have no label
GAP = 8


@dataclass(frozen=True)
class Target:
    """One board. ``bits`` is "equal", "different" or why it was not run; instructions are means, None if not counted.

    ``counted_on`` is the emulated board with the same instruction set, where it is another one.
    """

    board: str
    core: str
    emulation: str
    compiled: str
    bits: str
    flash_bytes: int | None
    ram_bytes: int
    predict: int | None = None
    learn: int | None = None
    observe: int | None = None
    one_slice: int | None = None
    counted_on: str = ""


def targets(model: Model, *, progress: Progress) -> list[Target]:
    """Build a model for every board, run it where there is an emulator, and count."""
    integer_model, _ = noisy(model)
    boards = sorted(map(load_board, board_names()), key=lambda board: board.emulator is None)  # emulated ones first
    bar = progress("boards", len(boards))
    found: dict[str, Target] = {}
    for board in boards:
        if board.core != "host":
            measure = _emulated if board.emulator else _real
            found[board.name] = measure(integer_model, board, found)
        bar(1)
    bar.close()
    return list(found.values())


def _emulated(integer_model: IntegerModel, board: Board, _: dict[str, Target]) -> Target:
    ram = plan(integer_model).struct_bytes
    try:
        counts, equal, flash = _play(integer_model, board)
        one_slice = _slices(integer_model, board)
    except (BuildError, PlanError) as error:
        why = str(error).splitlines()[0]
        return Target(board.name, board.core, board.emulation, "no", f"not run: {why}", None, ram)
    predict, learn, observe = (round(counts[call].total / counts[call].calls) for call in COUNTED)
    bits = "equal" if equal else "different"
    return Target(
        board.name, board.core, board.emulation, "yes", bits, flash, ram, predict, learn, observe, one_slice
    )  # fmt: skip


def _play(integer_model: IntegerModel, board: Board) -> tuple[dict[str, InstructionCount], bool, int]:
    """Counts of each call, whether the host twin has the same bits, and the flash of the model."""
    _, stream = noisy(integer_model.model)
    x, target = integer_model.to_input(stream.x), integer_model.to_target(stream.target)
    equal = True
    with (
        Emulator(integer_model, board, count_instructions=True) as chip,
        HostTwin(integer_model) as twin,
    ):
        for t in range(len(x)):
            equal &= bool(np.array_equal(chip.predict(x[t]), twin.predict(x[t])))
            for device in (chip, twin):
                if t % GAP:
                    device.learn(target[t])
                else:
                    device.observe()
        equal &= not differences(chip.state(), twin.state(), integer_model.model)
        flash = chip.built.model_flash_bytes
    return chip.instructions(), equal, flash


def _slices(integer_model: IntegerModel, board: Board) -> int:
    """Instructions of the most expensive slice of the least size."""
    _, stream = noisy(integer_model.model)
    x, target = integer_model.to_input(stream.x), integer_model.to_target(stream.target)
    model = integer_model.model
    with Emulator(integer_model, board, count_instructions=True, sliced=True) as chip:
        for t in range(2):
            chip.predict(x[t])
            chip.learn(target[t])
            for _ in range(model.rule.slices(model.dims)):
                chip.observe()
    return chip.instructions()["observe"].most


def _real(integer_model: IntegerModel, board: Board, emulated: dict[str, Target]) -> Target:
    ram = plan(integer_model).struct_bytes
    like = emulated.get(board.stand_in)
    compiled, flash = "yes", None
    try:
        plan(integer_model, board)
        with tempfile.TemporaryDirectory() as folder:
            for file, text in firmware_project(integer_model, board).items():
                path = Path(folder) / file
                path.parent.mkdir(exist_ok=True)
                path.write_text(text, encoding="utf-8")
            flash = build_firmware(Path(folder), board).model_flash_bytes
    except BoardError:
        compiled = "by ESP-IDF, not here"
    except (BuildError, PlanError) as error:
        compiled = f"no: {str(error).splitlines()[0]}"
    bits = f"{like.bits}, on its core" if like else "not run"
    found = Target(board.name, board.core, board.emulation, compiled, bits, flash, ram, counted_on=board.stand_in)
    if like is None:
        return found
    return replace(
        found, predict=like.predict, learn=like.learn, observe=like.observe, one_slice=like.one_slice
    )  # fmt: skip


# --------------------------------------------------------------------------------------------------- words

_HEADER = ("board", "core", "compiled", "bits", "flash B", "RAM B", "predict", "learn", "observe", "one slice")


def _rows(found: Sequence[Target]) -> list[tuple[object, ...]]:
    return [
        (t.board, t.core, t.compiled, t.bits, t.flash_bytes, t.ram_bytes, t.predict, t.learn, t.observe, t.one_slice)
        for t in found
    ]


def text(found: Sequence[Target]) -> str:
    """A table for the terminal."""
    return text_table(_HEADER, _rows(found), texts=("core", "compiled", "bits"))


def markdown(model: Model, found: Sequence[Target], command: str) -> str:
    """The page for the docs."""
    cell = model.cell
    lines = [
        MARKDOWN_LINE,
        "",
        f"<!-- written by `{command}`; do not edit -->",
        "",
        f"The demonstration's model ({type(cell).__name__} of {cell.units} units, {model.dims.inputs} inputs, "
        f"{model.dims.outputs} outputs, {type(model.rule).__name__}, {model.numbers.name}) on every board, "
        f"by `{command}`. Nothing here has run on silicon.",
        "",
        "*bits*: every prediction and the whole state at the end against the host twin; *on its core*: "
        "measured on the emulated board with the same instruction set, named by `rtrl-edge boards`. *flash*, "
        "*RAM*: of the model, without the firmware around it. The rest are executed instructions: the mean of "
        "one call, and the most expensive slice of a learning step cut as small as it can be, without what "
        "`learn_begin` does before the first. They are instructions, not cycles, and the same in every run.",
        "",
        "*ESP-IDF*: boards of the ESP32 family take the export format `esp_idf`, which Espressif's compiler "
        "builds; it is not here. `qemu_esp32` is real ESP32 code, made by LLVM without the high half of a "
        "product, which QEMU's core lacks: on an ESP32 there will be fewer instructions. The RP2040's M0+ has "
        "the instructions of the M0.",
        "",
        *summary(found),
        "",
        "Each board:",
        "",
        "| " + " | ".join(_HEADER) + " |",
        "|---|---|---|---|" + "---:|" * (len(_HEADER) - 4),
    ]
    for row in _rows(found):
        words = ["-" if v is None else f"{v:,}" if isinstance(v, int) else str(v) for v in row]
        lines.append("| " + " | ".join(words) + " |")
    return "\n".join(lines) + "\n"


def summary(found: Sequence[Target]) -> list[str]:
    """Markdown, a line for each emulated board with the boards that have its instructions, and for each one alone."""
    groups: dict[str, list[Target]] = {}
    for target in found:
        groups.setdefault(target.counted_on or target.board, []).append(target)
    lines = [
        "| emulated | bits | compiled only: boards with its instructions | flash B | RAM B | instructions of `learn` |",
        "|---|---|---|---:|---:|---:|",
    ]
    for group in groups.values():
        ran = group[0] if group[0].emulation.startswith("exact") else None
        boards = [t.board if t.compiled == "yes" else f"{t.board} ({t.compiled})" for t in group if t is not ran]
        name, bits = (ran.board, ran.bits) if ran else ("-", "not run")
        size, work = ("-" if n is None else f"{n:,}" for n in (group[0].flash_bytes, group[0].learn))
        lines.append(f"| {name} | {bits} | {', '.join(boards) or '-'} | {size} | {group[0].ram_bytes:,} | {work} |")
    return lines


def figures(found: Sequence[Target]) -> dict[str, object]:
    """The same as plain data, units in the names."""
    units = {call: f"{call}_instructions_mean" for call in COUNTED} | {"one_slice": "slice_instructions_most"}
    return {t.board: {units.get(name, name): value for name, value in asdict(t).items()} for t in found}
