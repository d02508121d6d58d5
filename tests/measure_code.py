"""Measure the code and the stack of every pair of cell and rule on every core: ``rtrl_edge/code_sizes.csv``.

Run: .venv/bin/python -m tests.measure_code [--cell RNN] [--rule RTRL]   (a quarter of an hour; needs arm-none-eabi-gcc)

A line has the bytes of code of one of the ``SHAPES``, and the deepest stack of all of them with a little to spare, the
calls that cut a step into slices included. Lines of pairs that were not asked for stay as they are.
"""

from __future__ import annotations

import argparse
import csv
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tqdm import tqdm

import rtrl_edge as rt
from rtrl_edge.boards import Board, load_board
from rtrl_edge.firmware import build_firmware, firmware_project, stack_usage
from rtrl_edge.model import Model, catalogue
from rtrl_edge.plan import CODE_SIZES, plan, size_key
from rtrl_edge.weights import initial

from .models import random_stream

BOARDS = (
    "qemu_microbit", "qemu_mps2_an385", "qemu_mps2_an386", "qemu_mps2_an500", "qemu_mps2_an505", "qemu_mps3_an547",
)  # fmt: skip
#: units, inputs, outputs, profile: the compiler's code differs most between even and odd rows, and between words
SHAPES = ((16, 3, 3, rt.R16(cap=2)), (17, 2, 3, rt.R16(cap=2)), (8, 1, 8, rt.R8(cap=2)), (9, 1, 8, rt.R8(cap=2)))
STACK_SPARE = 16  # other sizes may spill two pairs of registers more
CALLS = [f"net_{call}" for call in ("init", "reset", "predict", "learn", "observe", "learn_begin", "learn_slice")]


def measure(definition: Model, board: Board) -> tuple[int, int]:
    """Bytes of code and of stack of one model."""
    d = definition.dims
    model = rt.quantize(definition, initial(definition, 1), random_stream(d.inputs, d.outputs))
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for file, text in firmware_project(model, board).items():
            (folder / file).parent.mkdir(parents=True, exist_ok=True)
            (folder / file).write_text(text, encoding="utf-8")
        flags = [f"-Wl,-u,{call}" for call in CALLS]  # our main leaves out the slices
        firmware = build_firmware(folder, board, extra_flags=flags)
        return firmware.model_flash_bytes - plan(model).const_bytes, max(stack_usage(folder, board, CALLS).values())


def main() -> None:
    """Measure, and write the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cell", help="only cells of this class")
    parser.add_argument("--rule", help="only rules of this class")
    wanted = parser.parse_args()
    with CODE_SIZES.open(encoding="utf-8", newline="") as file:
        table = {tuple(row[:5]): (int(row[5]), int(row[6])) for row in list(csv.reader(file))[1:]}
    jobs = [
        (model, load_board(name))
        for name in BOARDS
        for units, inputs, outputs, numbers in SHAPES
        for model in catalogue.models(units, inputs, outputs, numbers=numbers, optimiser=rt.SGD(2**-5))
        if wanted.cell in (None, type(model.cell).__name__) and wanted.rule in (None, type(model.rule).__name__)
    ]
    found: dict[tuple[str, ...], tuple[int, int]] = {}
    stacks: dict[tuple[str, ...], int] = {}
    with ThreadPoolExecutor(2) as pool:
        sizes = pool.map(lambda job: measure(*job), jobs)
        for (model, board), (code, stack) in tqdm(zip(jobs, sizes, strict=True), total=len(jobs)):
            key = size_key(model, board.core)
            stacks[key[:3]] = max(stacks.get(key[:3], 0), stack + STACK_SPARE)
            found[key] = code, 0
    table |= {key: (code, stacks[key[:3]]) for key, (code, _) in found.items()}
    with CODE_SIZES.open("w", encoding="utf-8", newline="") as file:
        lines = csv.writer(file, lineterminator="\n")
        lines.writerow(("core", "cell", "rule", "numbers", "rows", "code_bytes", "stack_bytes"))
        lines.writerows((*key, *value) for key, value in sorted(table.items()))


if __name__ == "__main__":
    main()
