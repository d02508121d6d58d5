"""Instructions, code and stack of many models from one firmware: built at once, booted once, counted by QEMU.

``counting_main.c`` plays each model with fixed pseudo-random words; nothing is sent to it.
"""

from __future__ import annotations

import re
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import rtrl_edge as rt
from rtrl_edge.boards import Board
from rtrl_edge.device.emulator import InstructionCount, _plugin, parse_counts
from rtrl_edge.emit import emit
from rtrl_edge.firmware import _sections, firmware_files, stack_usage, symbols
from rtrl_edge.model import Model
from rtrl_edge.plan import plan
from rtrl_edge.weights import initial

from .models import random_stream

MARKS = ("predict", "learn", "open", "slice")
CALLS = ("init", "reset", "predict", "learn", "observe", "learn_begin", "learn_slice")
SECONDS = 900


@dataclass(frozen=True)
class Measured:
    """Of one model on one core: executed instructions of calls, bytes of code and of the deepest stack.

    ``predict`` and ``learn`` are means, ``learn_most`` and ``slice_most`` the longest call; ``slice_most`` of a
    ``learn_begin`` or of a ``learn_slice`` of one part. ``stack`` is None but for Cortex-M.
    """

    predict: int
    learn: int
    learn_most: int
    slice_most: int
    code: int
    stack: int | None


def steps(model: Model) -> tuple[int, int, int]:
    """Steps before the count, until the rule's memory is full; counted ones; and ones in slices: whole blocks."""
    window, block = getattr(model.rule, "window", 1), getattr(model.rule, "block", 1)
    return max(8, window, 2 * block), block * -(-4 // block), block


def measure(models: Sequence[Model], board: Board) -> list[Measured]:
    """Build, run and weigh all; models too large for the board's memory together are an error of the linker."""
    named = [replace(model, name=f"m{i}") for i, model in enumerate(models)]
    with tempfile.TemporaryDirectory(prefix="rtrl-edge-") as name:
        folder = Path(name)
        _write(folder, named, board)
        _build(folder, named, board)
        counts = _run(folder, board)
        assert len(counts) == len(models)
        codes = _codes(folder, named, board)
        stacks = _stacks(folder, named, board)
    return [_measured(*row) for row in zip(counts, codes, stacks, strict=True)]


def _measured(count: Mapping[str, InstructionCount], code: int, stack: int | None) -> Measured:
    predict, learn = count["predict"], count["learn"]
    slices = max(count["open"].most, count["slice"].most)
    return Measured(
        round(predict.total / predict.calls), round(learn.total / learn.calls), learn.most, slices, code, stack
    )  # fmt: skip


def _write(folder: Path, models: Sequence[Model], board: Board) -> None:
    (folder / "model").mkdir()
    texts = firmware_files("m", board, console=True)
    del texts["link.c"], texts["firmware_model.h"]
    texts["main.c"] = (Path(__file__).parent / "counting_main.c").read_text(encoding="utf-8")
    texts["counting_models.h"] = _table(models)
    for model in models:
        d = model.dims
        integer_model = rt.quantize(model, initial(model, 1), random_stream(d.inputs, d.outputs))
        for file, text in emit(integer_model, simd=board.simd).items():
            texts[f"model/{file}"] = _own_names(model.name, text) if file.endswith(".c") else text
    for file, text in texts.items():
        (folder / file).write_text(text, encoding="utf-8")


def _own_names(name: str, source: str) -> str:
    """Every function gets the model's prefix, so that no two of the firmware have one name."""
    plain = re.sub(r"__attribute__\(\([^)]*\)\)", "", source)
    functions = sorted({*re.findall(r"^(?:static|RTRL_INLINE) [^;={}()]*?(\w+)\(", plain, re.MULTILINE)})
    return "".join(f"#define {function} {name}_{function}\n" for function in functions) + source


def _table(models: Sequence[Model]) -> str:
    """``counting_models.h``: the sizes that all share, and of each model its calls and how it is played."""
    words = max(plan(model).struct_bytes for model in models) // 4
    declarations, rows = [], []
    for model in models:
        n, d = model.name, model.dims
        declarations.append(f"COUNTED_CALLS({n})")
        first, counted, sliced = steps(model)
        sizes = (d.inputs, d.outputs, model.numbers.output_frac, first, counted, sliced)
        calls = ("init", "predict", "learn", "learn_begin", "learn_slice", "reset", "observe")
        rows.append(f"    {{{', '.join([*(f'{n}_{call}' for call in calls), *map(str, sizes)])}}},")
    return "\n".join(
        [
            f"enum {{ MODELS = {len(models)}, NET_WORDS = {words}, WIDTH_MAX = 256 }};",
            *declarations,
            "static const counted_model_t models[MODELS] = {",
            *rows,
            "};",
            "",
        ]
    )


def _build(folder: Path, models: Sequence[Model], board: Board) -> None:
    made = re.search(r"^SOURCES = (.*)$", (folder / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)
    assert made
    own = [source for source in made[1].split() if not source.startswith("model/") and source != "link.c"]
    sources = " ".join([*own, *(f"model/{model.name}.c" for model in models)])
    command = ["make", "-s", "-C", str(folder), f"SOURCES={sources}", "EXTRA_FLAGS=-g0 -w"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=SECONDS)
    assert done.returncode == 0, "\n".join(done.stderr.splitlines()[:12])


def _run(folder: Path, board: Board) -> list[dict[str, InstructionCount]]:
    emulated = board.emulator
    assert emulated
    at = symbols(folder / "firmware.elf", board)
    out = folder / "instructions.txt"
    marks = [f"mark={name}:{at[f'mark_{name}_begin']}:{at[f'mark_{name}_end']}" for name in MARKS]
    plugin = ",".join([str(_plugin()), f"out={out}", *marks, f"next={at['mark_next']}"])
    command = [
        emulated.command, "-M", emulated.machine, *(["-cpu", emulated.cpu] if emulated.cpu else []), *emulated.options,
        "-display", "none", "-monitor", "none", "-semihosting-config", "enable=on,target=native", "-serial", "none",
        "-kernel", str(folder / "firmware.elf"), "-plugin", plugin,
    ]  # fmt: skip
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=SECONDS)
    assert done.returncode == 0, done.stdout + done.stderr
    *parts, _at_exit = re.split(r"^all.*\n", out.read_text(encoding="utf-8"), flags=re.MULTILINE)[:-1]
    return [parse_counts(part) for part in parts]


def _codes(folder: Path, models: Sequence[Model], board: Board) -> list[int]:
    found = []
    for model in models:
        sections = _sections(folder / "model" / f"{model.name}.o", board)
        share = sum(size for name, size in sections.items() if name.startswith((".text", ".rodata", ".data")))
        found.append(share - plan(model).const_bytes)
    return found


def _stacks(folder: Path, models: Sequence[Model], board: Board) -> list[int | None]:
    if board.firmware != "cortex_m":
        return [None] * len(models)
    ways = [f"{model.name}_{call}" for model in models for call in CALLS]
    found = stack_usage(folder, board, ways)
    return [max(found.get(f"{model.name}_{call}", 0) for call in CALLS) for model in models]
