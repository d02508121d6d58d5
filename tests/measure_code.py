"""Measure the code and the stack of pairs of cell and rule on every core, for ``CODE`` in ``rtrl_edge/plan.py``.

Run: .venv/bin/python -m tests.measure_code [--cell RNN] [--rule RTRL]   (minutes; needs arm-none-eabi-gcc and make)

It prints the lines of the table: the median bytes of code of models from 8 units on (smaller ones are unrolled), and
the deepest stack of any, the calls that cut a step into slices included. All in R16 and R8, as far as they fit the
core's board.
"""

from __future__ import annotations

import argparse
import tempfile
from itertools import product
from pathlib import Path
from statistics import median_high

import rtrl_edge as rt
from rtrl_edge.boards import Board, load_board
from rtrl_edge.errors import PlanError
from rtrl_edge.firmware import Built, build_firmware, firmware_project, stack_usage
from rtrl_edge.model import catalogue
from rtrl_edge.plan import plan
from rtrl_edge.weights import initial

from .models import random_stream

BOARDS = (
    "qemu_microbit", "qemu_mps2_an385", "qemu_mps2_an386", "qemu_mps2_an500", "qemu_mps2_an505", "qemu_mps3_an547",
)  # fmt: skip
SHAPES = ((2, 3, 2), (2, 1, 1), (8, 3, 2), (12, 3, 3), (16, 1, 1), (17, 1, 8), (32, 3, 2))  # units, inputs, outputs
CALLS = [f"net_{call}" for call in ("init", "reset", "predict", "learn", "observe", "learn_begin", "learn_slice")]


def built(model: rt.IntegerModel, board: Board, flags: list[str]) -> tuple[Built, dict[str, int]]:
    """The firmware, built in a folder that is gone afterwards, and the stack of all calls that it keeps."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for file, text in firmware_project(model, board).items():
            (folder / file).parent.mkdir(parents=True, exist_ok=True)
            (folder / file).write_text(text, encoding="utf-8")
        firmware = build_firmware(folder, board, extra_flags=flags)
        return firmware, stack_usage(folder, board, CALLS) if flags else {}


def measure(definition: rt.Model, board: Board) -> tuple[int, int]:
    """Bytes of code and of stack of one model."""
    d = definition.dims
    model = rt.quantize(definition, initial(definition, 1), random_stream(d.inputs, d.outputs))
    firmware, _ = built(model, board, [])
    _, stacks = built(model, board, [f"-Wl,-u,{call}" for call in CALLS])  # our main leaves out the slices
    return firmware.model_flash_bytes - plan(model).const_bytes, max(stacks.values())


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cell", help="only cells of this class")
    parser.add_argument("--rule", help="only rules of this class")
    wanted = parser.parse_args()
    for name in BOARDS:
        board = load_board(name)
        found: dict[tuple[str, str], list[tuple[int, int, int]]] = {}
        for (units, inputs, outputs), numbers in product(SHAPES, (rt.R16(cap=2), rt.R16(), rt.R8(cap=2))):
            for model in catalogue.models(units, inputs, outputs, numbers=numbers, optimiser=rt.SGD(2**-5)):
                if wanted.cell not in (None, type(model.cell).__name__):
                    continue
                if wanted.rule not in (None, type(model.rule).__name__):
                    continue
                try:
                    plan(model, board)
                except PlanError:
                    continue
                key = model.voices["cell"], model.voices["rule"]
                found.setdefault(key, []).append((units, *measure(model, board)))
        print(f'    "{board.core}": {{')
        for (cell, rule), sizes in sorted(found.items()):
            code = median_high([size for units, size, _ in sizes if units >= 8])
            print(f'        ("{cell}", "{rule}"): CodeSize({code}, {max(stack for *_, stack in sizes)}),')
        print("    },", flush=True)


if __name__ == "__main__":
    main()
