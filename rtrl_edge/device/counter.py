"""Instructions, code and stack of models from one firmware: built once, booted once, counted by QEMU.

``firmware_templates/counting/main.c`` plays each model with fixed pseudo-random words; nothing is sent to it.
"""

from __future__ import annotations

import re
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from ..assets import firmware_templates_dir
from ..boards import Board, load_board
from ..emit import emit
from ..errors import LinkError
from ..firmware import MODEL_FOLDER, firmware_files, flash_of, make, stack_usage, symbols
from ..model import Model
from ..plan import plan
from ..quantize import IntegerModel
from .emulator import InstructionCount, check_counts, count_argument, parse_counts, qemu

_MARKS = ("predict", "learn", "open", "slice")
_CALLS = ("init", "reset", "predict", "learn", "observe", "learn_begin", "learn_slice")
_SECONDS = 900
#: an emulated board whose core runs the same instructions, and that holds what the other cannot
_ROOMIER = {"qemu_microbit": "qemu_mps2_an385", "qemu_netduinoplus2": "qemu_mps2_an386"}


@dataclass(frozen=True)
class Counted:
    """Of one model on one core: executed instructions of calls, bytes of code and of the deepest stack.

    ``predict`` and ``learn`` are means, ``predict_most`` and ``learn_most`` the longest call; ``slice_most`` is the
    longest ``learn_begin``, or ``learn_slice`` of one part. ``stack_bytes`` is None but for Cortex-M. Instructions are
    not cycles: the emulator has no pipeline, wait states or cache.
    """

    predict: int
    predict_most: int
    learn: int
    learn_most: int
    slice_most: int
    code_bytes: int
    stack_bytes: int | None


def roomier(board: Board) -> Board:
    """An emulated board as large as there is for a board's code, compiled and counted as the board's own.

    A Cortex-M3 executes the instructions of a Cortex-M0 one by one, as that does.
    """
    if board.name not in _ROOMIER:
        return board
    other = load_board(_ROOMIER[board.name])
    return replace(other, name=board.name, core=board.core, simd=board.simd, compiler=board.compiler)


def count(models: Sequence[IntegerModel], board: Board, least: int) -> list[Counted]:
    """Build, run and weigh all.

    Args:
        models: their names do not matter.
        board: with an emulator.
        least: steps to count, at least; a rule that works in blocks has whole ones.

    Raises:
        BoardError: the board has no emulator.
        BuildError: a compiler, make or QEMU is missing, or the linker finds them too large together.
        LinkError: the emulator did not come to the end.
    """
    check_counts(board)
    named = [replace(model, model=replace(model.model, name=f"m{i}")) for i, model in enumerate(models)]
    with tempfile.TemporaryDirectory(prefix="rtrl-edge-") as name:
        folder = Path(name)
        _write(folder, named, board, least)
        _build(folder, named, board)
        counts = _run(folder, board)
        assert len(counts) == len(models)
        codes = [_code(folder, model, board) for model in named]
        stacks = _stacks(folder, named, board)
    return [_counted(*row) for row in zip(counts, codes, stacks, strict=True)]


def _counted(count: Mapping[str, InstructionCount], code: int, stack: int | None) -> Counted:
    predict, learn = count["predict"], count["learn"]
    slices = max(count["open"].most, count["slice"].most)
    means = (round(call.total / call.calls) for call in (predict, learn))
    return Counted(next(means), predict.most, next(means), learn.most, slices, code, stack)


def _steps(model: Model, least: int) -> tuple[int, int, int]:
    """Steps before the count, until the rule's memory is full; counted ones; and ones in slices: whole blocks."""
    window, block = getattr(model.rule, "window", 1), getattr(model.rule, "block", 1)
    return max(8, window, 2 * block), block * -(-least // block), block


def _write(folder: Path, models: Sequence[IntegerModel], board: Board, least: int) -> None:
    (folder / MODEL_FOLDER).mkdir()
    texts = firmware_files("m", board, console=True)
    del texts["link.c"], texts["firmware_model.h"]
    texts["main.c"] = (firmware_templates_dir() / "counting" / "main.c").read_text(encoding="utf-8")
    texts["counting_models.h"] = _table([model.model for model in models], least)
    for model in models:
        for file, text in emit(model, simd=board.simd).items():
            texts[f"{MODEL_FOLDER}/{file}"] = _own_names(model.model.name, text) if file.endswith(".c") else text
    for file, text in texts.items():
        (folder / file).write_text(text, encoding="utf-8")


def _own_names(name: str, source: str) -> str:
    """Every function gets the model's prefix: the stack's account knows functions by name alone."""
    plain = re.sub(r"__attribute__\(\([^)]*\)\)", "", source)
    words = r"^(?:static|RTRL_INLINE|RTRL_APART) [^;={}()]*?(\w+)\("
    functions = sorted({*re.findall(words, plain, re.MULTILINE)})
    return "".join(f"#define {function} {name}_{function}\n" for function in functions) + source


def _table(models: Sequence[Model], least: int) -> str:
    """``counting_models.h``: the sizes that all share, and of each model its calls and how it is played."""
    words = max(plan(model).struct_bytes for model in models) // 4
    declarations, rows = [], []
    for model in models:
        n, d = model.name, model.dims
        declarations.append(f"COUNTED_CALLS({n})")
        sizes = (d.inputs, d.outputs, model.numbers.output_frac, *_steps(model, least))
        calls = ("init", "predict", "learn", "learn_begin", "learn_slice", "reset", "observe")
        rows.append(f"    {{{', '.join([*(f'{n}_{call}' for call in calls), *map(str, sizes)])}}},")
    widest = max(max(model.dims.inputs, model.dims.outputs) for model in models)
    return "\n".join(
        [
            f"enum {{ MODELS = {len(models)}, NET_WORDS = {words}, WIDTH_MAX = {widest} }};",
            *declarations,
            "static const counted_model_t models[MODELS] = {",
            *rows,
            "};",
            "",
        ]
    )


def _build(folder: Path, models: Sequence[IntegerModel], board: Board) -> None:
    made = re.search(r"^SOURCES = (.*)$", (folder / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)
    assert made
    own = [source for source in made[1].split() if not source.startswith(f"{MODEL_FOLDER}/") and source != "link.c"]
    sources = " ".join([*own, *(f"{MODEL_FOLDER}/{model.model.name}.c" for model in models)])
    make(folder, board, f"SOURCES={sources}", "EXTRA_FLAGS=-g0 -w")


def _run(folder: Path, board: Board) -> list[dict[str, InstructionCount]]:
    assert board.emulator
    elf, out = folder / "firmware.elf", folder / "instructions.txt"
    at = symbols(elf, board)
    plugin = count_argument(out, at, _MARKS, f"next={at['mark_next']}")
    command = [*qemu(board.emulator, elf), "-serial", "none", "-plugin", plugin]
    try:
        done = subprocess.run(
            command, stdin=subprocess.DEVNULL, capture_output=True, text=True, errors="replace", timeout=_SECONDS
        )
    except subprocess.TimeoutExpired:
        raise LinkError(f"emulator: {board.name} did not count to the end within {_SECONDS} s") from None
    if done.returncode:
        raise LinkError(f"emulator: {board.name} ended with {done.returncode}: {(done.stdout + done.stderr)[-2000:]}")
    *parts, _at_exit = re.split(r"^all.*\n", out.read_text(encoding="utf-8"), flags=re.MULTILINE)[:-1]
    return [parse_counts(part) for part in parts]


def _code(folder: Path, model: IntegerModel, board: Board) -> int:
    return flash_of(folder / MODEL_FOLDER / f"{model.model.name}.o", board) - plan(model).const_bytes


def _stacks(folder: Path, models: Sequence[IntegerModel], board: Board) -> list[int | None]:
    if board.firmware != "cortex_m":
        return [None] * len(models)
    ways = [[f"{model.model.name}_{call}" for call in _CALLS] for model in models]
    found = stack_usage(folder, board, [way for calls in ways for way in calls])
    return [max(found[way] for way in calls) for calls in ways]
