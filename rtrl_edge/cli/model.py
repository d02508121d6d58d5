"""A model's figures and its C: new, plan, fit, generate."""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path

from ..emit import SIMDS
from ..errors import BoardError
from ..formats import FORMAT_NAMES, FORMATS
from ..plan import Plan, Saving
from ..project import refuse_other_kind, write_text
from ..quantize import IntegerModel
from .arguments import Commands, add_board, add_model, add_report, hertz, positive, ratio
from .common import Bar, build, load, write_json


def add_new(commands: Commands) -> None:
    sub = commands.add("new", _new, "write a commented model file to start from", "Into a new or empty folder.")
    sub.add_argument("folder", type=Path, metavar="DIR", help="gets model.py; must be new or empty")


def _new(options: argparse.Namespace) -> int:
    from ..project import write_starter

    path = write_starter(options.folder)
    print(
        f"wrote {path}\n"
        f"next: rtrl-edge plan {path} --board qemu_mps2_an386\n"
        f"      rtrl-edge simulate {path}\n"
        f"      rtrl-edge run {path}"
    )
    return 0


def add_plan(commands: Commands) -> None:
    sub = commands.add(
        "plan",
        _plan,
        "RAM, flash, stack and work of a model, before anything is built",
        "With --board it refuses a model that does not fit, and says what would; it forecasts instructions, code "
        "and stack from models measured in other sizes, or with --count measures this one; and it estimates the sample "
        "rate under a stated assumption.",
    )
    add_model(sub)
    add_board(sub, None)
    sub.add_argument(
        "--count",
        action="store_true",
        help="instead of a forecast: build the model, boot it on the board's core in QEMU, and count its "
        "instructions, code and stack; some seconds, kept for the next time; needs the board's compiler",
    )
    sub.add_argument("--sums", action="store_true", help="list the accumulators, and why none can overflow")
    sub.add_argument("--report", type=Path, metavar="FILE.HTML", help="write a page with a map of the RAM")
    add_report(sub)


def _plan(options: argparse.Namespace) -> int:
    from ..evaluate.page import PAGE_LINE
    from ..evaluate.plan_page import render
    from ..plan import plan, savings, wider

    if options.report is not None:
        refuse_other_kind(options.report, PAGE_LINE)
    model = build(load(options.model), options)
    found = plan(model, options.board)  # refuses before anything is built
    if options.count:
        found, saved = _counted(model, options.board)
    else:
        saved = savings(model, options.board)
    found = replace(found, savings=saved, wider=wider(model, options.board) if options.board else None)
    print(found)
    if options.sums:
        print(f"\n{found.sums_text()}")
    if options.report:
        command = f"rtrl-edge plan {options.model}" + (f" --board {options.board}" if options.board else "")
        command += " --count" if options.count else ""
        print(f"wrote {write_text(options.report, render(found, command))}")
    write_json(options, found.figures())
    return 0


def _counted(model: IntegerModel, board: str | None) -> tuple[Plan, tuple[Saving, ...]]:
    """The plan and the savings with counts instead of forecasts."""
    from ..boards import load_board
    from ..evaluate.work import counted, counted_learn
    from ..plan import plan, savings

    if board is None:
        raise BoardError("plan: --count counts on the core of a board; wanted --board too")
    chip = load_board(board)
    bar = Bar("building and counting", 2)
    found = plan(model, chip, counted=counted(model, chip))
    bar(1)
    saved = savings(model, chip, learn=lambda models: counted_learn(models, chip))
    bar(1)
    bar.close()
    return found, saved


def add_fit(commands: Commands) -> None:
    sub = commands.add(
        "fit",
        _fit,
        "the largest model that a board holds, and that learns between two samples",
        "Over cells and rules. RAM and flash follow from the layout; with --rate it builds a few sizes of each pair, "
        "counts their instructions in an emulator of the board's core, and estimates the time.",
    )
    sub.add_argument("--board", required=True, metavar="B", help="name of a board (`rtrl-edge boards`) or a .toml file")
    sub.add_argument("--rate", type=hertz, metavar="HZ", help="samples a second, e.g. 100 or 100Hz; default: no limit")
    sub.add_argument("--inputs", type=positive, default=1, metavar="N", help="sensor channels; default 1")
    sub.add_argument("--outputs", type=positive, default=1, metavar="N", help="outputs; default 1")
    sub.add_argument("--cells", default="RNN, GRU, LSTM, RTU", metavar="A,B", help="default RNN, GRU, LSTM, RTU")
    sub.add_argument("--rules", default="RTRL, BPTT(16), SnAp(1), ReadoutOnly", metavar="A,B(16)",
                     help="default RTRL, BPTT(16), SnAp(1), ReadoutOnly")  # fmt: skip
    sub.add_argument("--numbers", choices=("R16", "R8", "Q14"), default="R16", help="number profile; default R16")
    sub.add_argument("--cycles-per-instruction", type=ratio, metavar="R",
                     help="assumed for the time; default 2, which no board has confirmed")  # fmt: skip
    add_report(sub)


def _fit(options: argparse.Namespace) -> int:
    from .. import model
    from ..boards import load_board
    from ..evaluate import capacity
    from ..evaluate.compare import parse_rules
    from ..plan import CYCLES_PER_INSTRUCTION

    numbers = getattr(model, options.numbers)()
    assumed = options.cycles_per_instruction or CYCLES_PER_INSTRUCTION
    asked = capacity.Question(
        load_board(options.board), options.inputs, options.outputs, numbers, options.rate, assumed
    )  # fmt: skip
    cells = [name.strip() for name in options.cells.split(",")]
    pairs, refused = capacity.pairs(asked, cells, parse_rules(options.rules))
    bar = Bar("searching", len(pairs), unit=" pairs")
    found = []
    for cell, rule in pairs:
        found.append(asked.largest(cell, rule))
        bar(1)
    bar.close()
    print(capacity.text(asked, found, refused))
    write_json(options, capacity.figures(asked, found))
    return 0


def add_generate(commands: Commands) -> None:
    sub = commands.add(
        "generate",
        _generate,
        "write the C of a model, alone or as a library of CMake, Arduino and others",
        "Into a new folder, or one that holds our manifest. Every format carries a self-test, and but for plain C an "
        "example: a sensor loop that learns.",
    )
    add_model(sub)
    sub.add_argument(
        "--format",
        choices=FORMAT_NAMES,
        default="c",
        metavar="FORMAT",
        help="; ".join(
            ["c: the files alone, the default", *(f"{name}: {form.title}" for name, form in FORMATS.items())]
        ),
    )
    sub.add_argument(
        "--out",
        type=Path,
        required=True,
        metavar="DIR",
        help="where the files go; files of ours that were edited by hand are not overwritten",
    )
    sub.add_argument(
        "--simd",
        choices=SIMDS,
        default="none",
        metavar="WHICH",
        help="dsp: instructions of Cortex-M4, M7, M33 and M55; mve: the vectors of Cortex-M55; "
        "few_registers: plain C that Cortex-M0 and lx106 like; default none, plain C, which runs on all; the same bits",
    )


def _generate(options: argparse.Namespace) -> int:
    from ..evaluate.certificate import certificate
    from ..project import generate

    model = build(load(options.model), options)
    for path in generate(
        model, options.out, form=options.format, certificate=certificate(model), simd=options.simd
    ):  # fmt: skip
        print(f"wrote {path}")
    return 0
