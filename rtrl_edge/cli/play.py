"""A recording through the host build, an emulator or a board: demo, simulate, run, monitor, verify."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

from ..errors import LinkError, ModelError
from ..project import growing, refuse_existing, refuse_other_kind, write_text
from ..snapshot import Snapshot
from .arguments import Commands, add_board, add_model, add_report, positive
from .common import Bar, build_and_source, build_and_stream, write_json


def add_demo(commands: Commands) -> None:
    sub = commands.add(
        "demo",
        _demo,
        "a network learns from a real recording on an emulated Cortex-M4",
        "Trains, quantizes, generates C, boots it in QEMU, streams a recording over its serial port and compares "
        "every bit with NumPy and the host build.",
    )
    sub.add_argument(
        "--out",
        type=Path,
        default=Path("build/demo"),
        metavar="DIR",
        help="where the C, the firmware and the report go; default build/demo",
    )
    sub.add_argument("--steps", type=positive, metavar="N", help="only the first N samples of the deployment")
    sub.add_argument("--host-only", action="store_true", help="leave the emulator out (no cross compiler or QEMU here)")
    add_board(sub, "qemu_mps2_an386")
    add_report(sub)


def _demo(options: argparse.Namespace) -> int:
    from ..demo import demo

    outcome = demo(
        options.out, options.board, steps=options.steps, host_only=options.host_only, say=print, progress=Bar
    )
    write_json(options, outcome.figures)
    return 0 if outcome.equal else 1


def add_simulate(commands: Commands) -> None:
    sub = commands.add(
        "simulate",
        _simulate,
        "play a recording through the host build of the generated C",
        "Prints the error of the learning model, of its frozen copy and of simple controls. A .csv or .npy file is "
        "read a piece at a time: it may be larger than the memory.",
    )
    add_model(sub, stream=True)
    sub.add_argument("--out", type=Path, metavar="FILE.CSV", help="write the predictions, in physical units")
    sub.add_argument(
        "--report",
        type=Path,
        metavar="FILE.HTML",
        help="write a report with plots that opens offline; keeps all predictions in memory",
    )
    add_report(sub)


def _simulate(options: argparse.Namespace) -> int:
    from ..evaluate import plots
    from ..evaluate.contest import PREDICTIONS_LINE, Predictions, simulate
    from ..evaluate.page import PAGE_LINE
    from ..evaluate.report import LEGEND, conclusions, error_table, figures, render

    for path, first_line in ((options.out, PREDICTIONS_LINE), (options.report, PAGE_LINE)):
        if path is not None:
            refuse_other_kind(path, first_line)
    if options.report is not None:
        plots.check()
    model, source = build_and_source(options)
    whole = options.report is not None
    with ExitStack() as files:
        said = None
        if options.out:
            said = Predictions(source.widths[1], files.enter_context(growing(options.out, PREDICTIONS_LINE)))
        report = simulate(model, source, progress=Bar, whole=whole, said=said)
    print(f"{report.title}, {len(source):,} samples\n")
    print(f"{error_table(report)}\n{LEGEND}\n")
    print("\n".join(conclusions(report)))
    if options.out:
        print(f"wrote {options.out}")
    if options.report:
        print(f"wrote {write_text(options.report, render(report))}")
    write_json(options, figures(report))
    return 0


def add_run(commands: Commands) -> None:
    sub = commands.add(
        "run",
        _run,
        "build the firmware of a board and play a recording through it in the emulator",
        "The chip predicts and learns at every sample, over its serial port. Prints RAM, flash and stack, planned and "
        "measured, and the instructions of each call.",
    )
    add_model(sub, stream=True)
    add_board(sub, "qemu_mps2_an386")
    sub.add_argument("--out", type=Path, metavar="DIR", help="keep the firmware folder here")
    sub.add_argument("--snapshot", type=Path, metavar="FILE", help="write what the chip has learned to a new file")
    add_report(sub)


def _run(options: argparse.Namespace) -> int:
    from ..boards import load_board
    from ..device.emulator import emulator_of
    from ..evaluate.board_run import run_on_board

    board = load_board(options.board)
    emulator_of(board)  # one that is missing is told now, not after the training
    if options.snapshot is not None:
        refuse_existing(options.snapshot)  # now, not after the work
    model, stream = build_and_stream(options)
    found = run_on_board(model, stream, board, options.out, progress=Bar)
    print(found.text())
    if options.snapshot is not None:
        print(f"wrote {Snapshot.take(model, found.transcript.state).save(options.snapshot)}")
    if options.out:
        print(f"firmware in {options.out}; `make` there builds it again")
    write_json(options, found.figures())
    return 0


def add_monitor(commands: Commands) -> None:
    sub = commands.add(
        "monitor",
        _monitor,
        "play a recording through a board on a serial port, and watch it learn",
        "The board must run the firmware of this very model (`rtrl-edge firmware`, `build`, `flash`). It is tested, "
        "then predicts and learns at every sample, from factory weights.",
    )
    add_model(sub, stream=True)
    sub.add_argument("--port", required=True, metavar="P", help="serial port, such as /dev/ttyACM0; 115200 baud")
    sub.add_argument("--every", type=positive, default=100, metavar="N", help="a line every N samples; default 100")
    sub.add_argument("--snapshot", type=Path, metavar="FILE", help="write what the board has learned to a new file")


def _monitor(options: argparse.Namespace) -> int:
    from ..device.serial_port import SerialPort
    from ..evaluate.prequential import in_pieces

    if options.snapshot is not None:
        refuse_existing(options.snapshot)  # now, not after the work
    model, stream = build_and_stream(options)
    with SerialPort(model, options.port) as board:
        wrong = board.self_test()
        if wrong:
            raise LinkError(
                f"{options.port}: the board's self-test fails: "
                + ("its factory weights differ" if wrong == 1 else f"step {wrong - 1} is the first that differs")
                + "; flash it again, and if that does not help, doubt the compiler or the chip"
            )
        print("self-test: the board has the bits of the reference")
        for done, error in in_pieces(board, model, stream, options.every):
            print(f"{done:>9,} samples   NRMSE of the last {options.every:,}: {error:.3f}", flush=True)
        if options.snapshot is not None:
            print(f"wrote {Snapshot.take(model, board.state()).save(options.snapshot)}")
    return 0


def add_verify(commands: Commands) -> None:
    sub = commands.add(
        "verify",
        _verify,
        "play a recording on every target and compare all bits",
        "NumPy reference, host builds and every emulated board that this computer can build and run.",
    )
    add_model(sub, stream=True, optional=True)
    sub.add_argument("--all", action="store_true", help="no model of yours: five on every target, 2,000 steps")
    sub.add_argument(
        "--boards",
        metavar="A,B",
        help="only these boards, with a comma between them, and fail if one cannot run; default: all that can",
    )
    add_report(sub)


def _verify(options: argparse.Namespace) -> int:
    from ..boards import load_board
    from ..evaluate.verify import verify

    names = None if options.boards is None else [name.strip() for name in options.boards.split(",")]
    for name in names or []:
        load_board(name)  # a wrong name is told now, not after the training
    if options.all:
        return _verify_all(options, names)
    if options.model is None:
        raise ModelError("verify: wanted a model file, or --all")
    outcome = verify(*build_and_stream(options), names, progress=Bar)
    print(outcome.text())
    write_json(options, outcome.figures())
    if outcome.equal and not outcome.complete:
        print("rtrl-edge: not all that was asked for could be compared, see `not run` above", file=sys.stderr)
    return 0 if outcome.equal and outcome.complete else 1


def _verify_all(options: argparse.Namespace, names: Sequence[str] | None) -> int:
    from ..evaluate.verify_all import STEPS, verify_all

    if options.model is not None:
        raise ModelError(
            f"verify --all: plays models of its own, found {str(options.model)!r}; leave out one of the two"
        )
    everything = verify_all(names, options.steps or STEPS, progress=Bar)
    print(everything.text())
    write_json(options, {"steps": everything.steps, "equal": everything.equal, "targets": everything.cells})
    return 0 if everything.equal and everything.ran else 1
