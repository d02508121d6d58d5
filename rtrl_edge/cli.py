"""The command line: arguments in, text out. What is done is done elsewhere."""

from __future__ import annotations

import argparse
import importlib.util
import json
import math
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import ModuleType

from . import __version__
from .emit import SIMDS
from .errors import BoardError, LinkError, ModelError, RtrlEdgeError
from .formats import FORMAT_NAMES, FORMATS
from .project import refuse_existing, refuse_other_kind, write_new, write_text
from .quantize import IntegerModel, check_channels
from .snapshot import Snapshot
from .stream import Stream, load_stream

_MODEL_HELP = "Python file with a function build() that returns an integer model; `rtrl-edge new DIR` writes one"
_STREAM_HELP = (
    "recording to play: .csv (header line; target* columns are labels) or .npz (x, target); "
    "default: the model file's stream()"
)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; 0 if it worked, 1 for an error that has a sentence, 2 for wrong arguments."""
    parser = _parser()
    options = parser.parse_args(arguments)
    if "command" not in options:
        parser.print_help()
        return 2
    try:
        if getattr(options, "json", None) is not None:
            refuse_other_kind(options.json, _json_line(options))  # now, not after the work
        command: Callable[[argparse.Namespace], int] = options.command
        return command(options)
    except RtrlEdgeError as error:
        print(f"rtrl-edge: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("rtrl-edge: stopped", file=sys.stderr)
        return 130
    except BrokenPipeError:  # `rtrl-edge ... | head`
        sys.stderr.close()
        return 1


# --------------------------------------------------------------------------------------------- arguments


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="rtrl-edge",
        description="Recurrent networks that keep learning on a microcontroller.",
        epilog="Start with `rtrl-edge demo`, then `rtrl-edge new my_model`. `rtrl-edge COMMAND --help` says more.",
    )
    parser.add_argument("--version", action="version", version=f"rtrl-edge {__version__}")
    commands = parser.add_subparsers(metavar="COMMAND", title="commands")

    def add(
        name: str, run: Callable[[argparse.Namespace], int], summary: str, more: str = ""
    ) -> argparse.ArgumentParser:
        sub = commands.add_parser(name, help=summary, description=f"{summary[0].upper()}{summary[1:]}. {more}".strip())
        sub.set_defaults(command=run, name=name)
        return sub

    def model(sub: argparse.ArgumentParser, stream: bool = False, optional: bool = False) -> None:
        sub.add_argument("model", type=Path, nargs="?" if optional else None, metavar="MODEL.PY", help=_MODEL_HELP)
        if stream:
            sub.add_argument("stream", type=Path, nargs="?", metavar="STREAM", help=_STREAM_HELP)
            sub.add_argument("--steps", type=_positive, metavar="N", help="play only the first N samples")

    def report(sub: argparse.ArgumentParser) -> None:
        sub.add_argument(
            "--json", type=Path, metavar="FILE", help="also write the figures to FILE, with units in the key names"
        )

    def board(sub: argparse.ArgumentParser, default: str | None, required: bool = False) -> None:
        sub.add_argument(
            "--board",
            default=default,
            required=required,
            metavar="B",
            help="name of a board (`rtrl-edge boards`) or a board's .toml file"
            + (f"; default {default}" if default else ""),
        )

    sub = add(
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
    sub.add_argument("--steps", type=_positive, metavar="N", help="only the first N samples of the deployment")
    sub.add_argument("--host-only", action="store_true", help="leave the emulator out (no cross compiler or QEMU here)")
    board(sub, "qemu_mps2_an386")
    report(sub)

    sub = add("new", _new, "write a commented model file to start from", "Into a new or empty folder.")
    sub.add_argument("folder", type=Path, metavar="DIR", help="gets model.py; must be new or empty")

    sub = add(
        "import",
        _import,
        "take over a network trained elsewhere: ONNX, TFLite, weights of PyTorch or Keras",
        "Prints what was found, what was mapped to what, and the largest difference to the source's own arithmetic; "
        "refuses what it cannot take over by naming it.",
    )
    sub.add_argument(
        "file", type=Path, metavar="FILE", help="model.onnx, model.tflite, or weights as .safetensors or .npz"
    )
    sub.add_argument(
        "--out", type=Path, metavar="DIR", help="write model.py and its weights into a new or empty folder"
    )
    sub.add_argument(
        "--stream",
        type=Path,
        metavar="STREAM",
        help="recording (.csv or .npz) to calibrate on: also prints what quantization costs; default: random noise",
    )
    sub.add_argument(
        "--check",
        type=Path,
        metavar="FILE.NPZ",
        help="x (T, inputs) and y (T, outputs) as the source computes them, to compare with",
    )

    sub = add(
        "export",
        _export,
        "learned weights back: the source's names and gate order, or its ONNX or TFLite graph",
        "From a snapshot of the very model that MODEL.PY builds, which `rtrl-edge import --out` wrote.",
    )
    model(sub)
    sub.add_argument("snapshot", type=Path, metavar="SNAPSHOT", help="what `rtrl-edge run --snapshot` wrote")
    sub.add_argument(
        "--to",
        choices=("onnx", "tflite", "npz", "safetensors"),
        required=True,
        metavar="FORMAT",
        help="onnx, tflite: the original graph with new weights; npz or safetensors: arrays under the source's names",
    )
    sub.add_argument("--out", type=Path, required=True, metavar="FILE", help="a new file")

    sub = add(
        "diff",
        _diff,
        "how far each group of weights has moved between two snapshots, and from the factory",
        "Both of one model: the digest is compared.",
    )
    sub.add_argument("a", type=Path, metavar="A", help="the earlier snapshot")
    sub.add_argument("b", type=Path, metavar="B", help="the later one")

    sub = add(
        "plan",
        _plan,
        "RAM, flash, stack and work of a model, before anything is built",
        "With --board it refuses a model that does not fit, and says what would.",
    )
    model(sub)
    board(sub, None)
    report(sub)

    sub = add(
        "generate",
        _generate,
        "write the C of a model, alone or as a library of CMake, Arduino and others",
        "Into a new folder, or one that holds our manifest. Every format carries a self-test, and but for plain C an "
        "example: a sensor loop that learns.",
    )
    model(sub)
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
        help="dsp: instructions of Cortex-M4, M7, M33 and M55; default none, plain C, which runs on all; the same bits",
    )

    sub = add(
        "firmware",
        _firmware,
        "write the firmware of a board: a folder that `make` builds",
        "Start-up, linker script, serial protocol and the generated model; into a new folder, or one that holds our "
        "manifest. Boards of the ESP32 family take `generate --format esp_idf` instead.",
    )
    model(sub)
    board(sub, None, required=True)
    sub.add_argument("--out", type=Path, required=True, metavar="DIR", help="where the folder goes")

    sub = add("build", _build_folder, "build a firmware folder", "By its Makefile; prints what it weighs.")
    sub.add_argument("folder", type=Path, metavar="DIR", help="what `rtrl-edge firmware` wrote")
    report(sub)

    sub = add(
        "flash",
        _flash,
        "build a firmware folder and write it to the board",
        "Prints the exact command of the board's tool (pyocd, openocd, UF2 copy, bossac, teensy_loader_cli) and "
        "runs it.",
    )
    sub.add_argument("folder", type=Path, metavar="DIR", help="what `rtrl-edge firmware` wrote")
    sub.add_argument(
        "--tool", metavar="T", help="one of the board's tools (`rtrl-edge boards show B`); default: the first"
    )
    sub.add_argument("--port", metavar="P", help="serial port for bossac; folder of the drive for uf2")
    sub.add_argument("--dry-run", action="store_true", help="only print the command")

    sub = add(
        "simulate",
        _simulate,
        "play a recording through the host build of the generated C",
        "Prints the error of the learning model, of its frozen copy and of simple controls.",
    )
    model(sub, stream=True)
    sub.add_argument("--out", type=Path, metavar="FILE.CSV", help="write the predictions, in physical units")
    sub.add_argument("--report", type=Path, metavar="FILE.HTML", help="write a report with plots that opens offline")
    report(sub)

    sub = add(
        "run",
        _run,
        "build the firmware of a board and play a recording through it in the emulator",
        "The chip predicts and learns at every sample, over its serial port. Prints RAM, flash and stack, planned and "
        "measured, and the instructions of each call.",
    )
    model(sub, stream=True)
    board(sub, "qemu_mps2_an386")
    sub.add_argument("--out", type=Path, metavar="DIR", help="keep the firmware folder here")
    sub.add_argument("--snapshot", type=Path, metavar="FILE", help="write what the chip has learned to a new file")
    report(sub)

    sub = add(
        "monitor",
        _monitor,
        "play a recording through a board on a serial port, and watch it learn",
        "The board must run the firmware of this very model (`rtrl-edge firmware`, `build`, `flash`). It is tested, "
        "then predicts and learns at every sample, from factory weights.",
    )
    model(sub, stream=True)
    sub.add_argument("--port", required=True, metavar="P", help="serial port, such as /dev/ttyACM0; 115200 baud")
    sub.add_argument("--every", type=_positive, default=100, metavar="N", help="a line every N samples; default 100")
    sub.add_argument("--snapshot", type=Path, metavar="FILE", help="write what the board has learned to a new file")

    sub = add(
        "verify",
        _verify,
        "play a recording on every target and compare all bits",
        "NumPy reference, host builds and every emulated board that this computer can build and run.",
    )
    model(sub, stream=True, optional=True)
    sub.add_argument("--all", action="store_true", help="no model of yours: five on every target, 2,000 steps")
    sub.add_argument(
        "--boards",
        metavar="A,B",
        help="only these boards, with a comma between them, and fail if one cannot run; default: all that can",
    )
    report(sub)

    sub = add(
        "compare",
        _compare,
        "learning rules against each other on your stream: error, RAM, work, gradient",
        "Plays each from the same weights and recommends the cheapest whose error is within noise of the best.",
    )
    model(sub, stream=True)
    sub.add_argument(
        "--rules",
        metavar="A,B(16)",
        help="rules with plain numbers as arguments, e.g. 'RTRL, BPTT(16), SnAp(1)'; Trunc1 and ReadoutOnly always "
        "take part; default: those that are usual for the cell",
    )
    sub.add_argument(
        "--board",
        metavar="B",
        help="an emulated board, e.g. qemu_mps2_an386: also count the instructions of each rule's step on it",
    )
    sub.add_argument("--report", type=Path, metavar="FILE.HTML", help="write a page with plots that opens offline")
    report(sub)

    sub = add(
        "bench",
        _bench,
        "play the tasks of the literature in the chip's integers, or count instructions on every board",
        "Finished runs of `learning` are kept in DIR, so that a second call goes on where the first was stopped. "
        "Minutes on two cores.",
    )
    sub.add_argument(
        "suite",
        choices=("learning", "target"),
        metavar="SUITE",
        help="learning: the tasks; target: the demonstration's model on every board, bits, size and instructions",
    )
    sub.add_argument("--quick", action="store_true", help="a minute: short runs, one seed, one mark")
    sub.add_argument(
        "--out",
        type=Path,
        default=Path("build/learning"),
        metavar="DIR",
        help="gets runs.jsonl, learning.csv and learning.html; default build/learning",
    )
    sub.add_argument(
        "--recordings",
        type=Path,
        metavar="DIR",
        help="a folder of yours with temperature (NAB) or occupancy (UCI) recordings as .csv or .csv.gz: play them too",
    )
    sub.add_argument("--page", type=Path, metavar="FILE.MD", help="also write the results as a Markdown page")
    report(sub)

    sub = add(
        "fit",
        _fit,
        "the largest model that a board holds, and that learns between two samples",
        "Over cells and rules. RAM and flash follow from the layout; with --rate it builds a few sizes of each pair, "
        "counts their instructions in an emulator of the board's core, and estimates the time.",
    )
    sub.add_argument("--board", required=True, metavar="B", help="name of a board (`rtrl-edge boards`) or a .toml file")
    sub.add_argument("--rate", type=_hertz, metavar="HZ", help="samples a second, e.g. 100 or 100Hz; default: no limit")
    sub.add_argument("--inputs", type=_positive, default=1, metavar="N", help="sensor channels; default 1")
    sub.add_argument("--outputs", type=_positive, default=1, metavar="N", help="outputs; default 1")
    sub.add_argument("--cells", default="RNN, GRU, LSTM, RTU", metavar="A,B", help="default RNN, GRU, LSTM, RTU")
    sub.add_argument("--rules", default="RTRL, BPTT(16), SnAp(1), ReadoutOnly", metavar="A,B(16)",
                     help="default RTRL, BPTT(16), SnAp(1), ReadoutOnly")  # fmt: skip
    sub.add_argument("--numbers", choices=("R16", "R8", "Q14"), default="R16", help="number profile; default R16")
    sub.add_argument("--cycles-per-instruction", type=_ratio, metavar="R",
                     help="assumed for the time; default 2, which no board has confirmed")  # fmt: skip
    report(sub)

    sub = add(
        "matrix",
        _matrix,
        "every cell with every rule: legal or refused and why, gradient error, RAM, work",
        "Plays each legal pair in integers beside float64; takes minutes.",
    )
    sub.add_argument("--out", type=Path, metavar="FILE.MD", help="write the page here instead of the terminal")

    sub = add(
        "boards",
        _boards,
        "list the boards, or show one with the source of each number",
        "A board is one .toml file; where a command takes a board's name it takes the path of your own file too.",
    )
    sub.add_argument("what", choices=("list", "show"), nargs="?", default="list", help="list (default), or show B")
    sub.add_argument("board", nargs="?", metavar="B", help="name of a board or a board's .toml file, for show")
    report(sub)
    sub = add("doctor", _doctor, "what this computer has, what is missing, and what each piece would enable")
    report(sub)
    return parser


def _positive(text: str) -> int:
    try:
        value = int(text)
    except ValueError:
        value = 0
    if value < 1:
        raise argparse.ArgumentTypeError(f"wanted a whole number of at least 1, found {text!r}")
    return value


def _ratio(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not 0.0 < value < math.inf:
        raise argparse.ArgumentTypeError(f"wanted a number above 0, found {text!r}")
    return value


def _hertz(text: str) -> float:
    return _ratio(text.lower().removesuffix("hz"))


# --------------------------------------------------------------------------------------------- commands


def _demo(options: argparse.Namespace) -> int:
    from .demo import demo

    outcome = demo(
        options.out, options.board, steps=options.steps, host_only=options.host_only, say=print, progress=_Bar
    )
    _write_json(options, outcome.figures)
    return 0 if outcome.equal else 1


def _new(options: argparse.Namespace) -> int:
    from .project import write_starter

    path = write_starter(options.folder)
    print(
        f"wrote {path}\n"
        f"next: rtrl-edge plan {path} --board qemu_mps2_an386\n"
        f"      rtrl-edge simulate {path}\n"
        f"      rtrl-edge run {path}"
    )
    return 0


def _import(options: argparse.Namespace) -> int:
    from .convert import read
    from .convert.accuracy import accuracy
    from .convert.folder import import_model, write_folder

    network = read(options.file, options.check)
    print(network.source)
    for line in network.mapped:
        print(f"  {line}")
    if network.evaluate is None:
        print("bare weights: nothing to compare with")
    else:
        print(f"largest difference to the source's own arithmetic: {network.largest_difference():.2g}")
    for line in network.warnings:
        print(f"warning: {line}")
    recording = load_stream(options.stream) if options.stream else None
    if recording is not None:
        print(accuracy(network, network.quantize(import_model(network, options.file), recording), recording).text())
    if options.out:
        for path in write_folder(network, options.file, options.out, recording, options.check):
            print(f"wrote {path}")
    return 0


def _export(options: argparse.Namespace) -> int:
    from .convert.export import export

    module = _load(options.model)
    if not callable(getattr(module, "source", None)):
        raise ModelError(
            f"{options.model}: wanted a function source(), as `rtrl-edge import --out` writes it, found none"
        )
    learned = Snapshot.load(options.snapshot).model(_build(module, options))
    content = export(module.source(), learned, options.to, getattr(module, "SOURCE", None))
    print(f"wrote {write_new(options.out, content)}")
    return 0


def _diff(options: argparse.Namespace) -> int:
    from .evaluate.report import text_table
    from .snapshot import difference

    a, b = Snapshot.load(options.a), Snapshot.load(options.b)
    rows = [
        (name, f"{count:,}", f"{size:.4f}", f"{before:.2g}", f"{moved:.2g}", f"{most:.2g}")
        for name, count, size, moved, most, before in difference(a, b)
    ]
    header = ("group", "weights", "rms in A", "A from factory", "A to B, rms", "A to B, largest")
    print(f"model '{a.about['name']}', {a.about['profile']}, digest {a.about['digest'][:16]}; the network's units")
    print(text_table(header, rows))
    return 0


def _plan(options: argparse.Namespace) -> int:
    from .plan import plan

    found = plan(_build(_load(options.model), options), options.board)
    print(found)
    _write_json(options, found.figures())
    return 0


def _generate(options: argparse.Namespace) -> int:
    from .evaluate.certificate import certificate
    from .project import generate

    model = _build(_load(options.model), options)
    for path in generate(
        model, options.out, form=options.format, certificate=certificate(model), simd=options.simd
    ):  # fmt: skip
        print(f"wrote {path}")
    return 0


def _firmware(options: argparse.Namespace) -> int:
    from .flash import write_firmware

    for path in write_firmware(_build(_load(options.model), options), options.board, options.out):
        print(f"wrote {path}")
    print(f"next: rtrl-edge build {options.out}")
    return 0


def _build_folder(options: argparse.Namespace) -> int:
    from .flash import board_of, build

    built, board = build(options.folder), board_of(options.folder)
    print(f"{built.elf}: {built.flash_bytes:,} B of flash, {built.ram_bytes:,} B of RAM on {board.name}")
    figures = {"board": board.name, "flash_bytes": built.flash_bytes, "ram_bytes": built.ram_bytes}
    _write_json(options, figures | {"model_flash_bytes": built.model_flash_bytes})
    return 0


def _flash(options: argparse.Namespace) -> int:
    from .flash import flash

    flash(options.folder, options.tool, options.port, dry_run=options.dry_run, say=print)
    return 0


def _simulate(options: argparse.Namespace) -> int:
    from .evaluate.contest import PREDICTIONS_LINE, predictions_csv, simulate
    from .evaluate.report import LEGEND, PAGE_LINE, conclusions, error_table, figures, render

    for path, first_line in ((options.out, PREDICTIONS_LINE), (options.report, PAGE_LINE)):
        if path is not None:
            refuse_other_kind(path, first_line)
    report = simulate(*_build_and_stream(options), progress=_Bar)
    print(f"{report.title}, {len(report.contenders[0].run):,} samples\n")
    print(f"{error_table(report)}\n{LEGEND}\n")
    print("\n".join(conclusions(report)))
    if options.out:
        print(f"wrote {write_text(options.out, predictions_csv(report))}")
    if options.report:
        print(f"wrote {write_text(options.report, render(report))}")
    _write_json(options, figures(report))
    return 0


def _run(options: argparse.Namespace) -> int:
    from .boards import load_board
    from .evaluate.board_run import run_on_board

    board = load_board(options.board)
    if options.snapshot is not None:
        refuse_existing(options.snapshot)  # now, not after the work
    model, stream = _build_and_stream(options)
    found = run_on_board(model, stream, board, options.out, progress=_Bar)
    print(found.text())
    if options.snapshot is not None:
        print(f"wrote {Snapshot.take(model, found.transcript.state).save(options.snapshot)}")
    if options.out:
        print(f"firmware in {options.out}; `make` there builds it again")
    _write_json(options, found.figures())
    return 0


def _monitor(options: argparse.Namespace) -> int:
    from .device.serial_port import SerialPort
    from .evaluate.prequential import in_pieces

    if options.snapshot is not None:
        refuse_existing(options.snapshot)  # now, not after the work
    model, stream = _build_and_stream(options)
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


def _verify(options: argparse.Namespace) -> int:
    from .boards import load_board
    from .evaluate.verify import verify

    names = None if options.boards is None else [name.strip() for name in options.boards.split(",")]
    for name in names or []:
        load_board(name)  # a wrong name is told now, not after the training
    if options.all:
        return _verify_all(options, names)
    if options.model is None:
        raise ModelError("verify: wanted a model file, or --all")
    outcome = verify(*_build_and_stream(options), names, progress=_Bar)
    print(outcome.text())
    _write_json(options, outcome.figures())
    if outcome.equal and not outcome.complete:
        print("rtrl-edge: not all that was asked for could be compared, see `not run` above", file=sys.stderr)
    return 0 if outcome.equal and outcome.complete else 1


def _verify_all(options: argparse.Namespace, names: Sequence[str] | None) -> int:
    from .evaluate.verify_all import STEPS, verify_all

    if options.model is not None:
        raise ModelError(
            f"verify --all: plays models of its own, found {str(options.model)!r}; leave out one of the two"
        )
    everything = verify_all(names, options.steps or STEPS, progress=_Bar)
    print(everything.text())
    _write_json(options, {"steps": everything.steps, "equal": everything.equal, "targets": everything.cells})
    return 0 if everything.equal and everything.ran else 1


def _compare(options: argparse.Namespace) -> int:
    from .evaluate.compare import USUAL, board_that_counts, compare, parse_rules, render
    from .evaluate.report import PAGE_LINE

    if options.report is not None:
        refuse_other_kind(options.report, PAGE_LINE)
    parse_rules(USUAL if options.rules is None else options.rules)  # a wrong one is told now, not after the training
    board_that_counts(options.board)
    found = compare(*_build_and_stream(options), options.rules, options.board, progress=_Bar)
    print(found.text())
    if options.report:
        command = f"rtrl-edge compare {options.model}" + (f" --rules '{options.rules}'" if options.rules else "")
        command += f" --board {options.board}" if options.board else ""
        print(f"wrote {write_text(options.report, render(found, command))}")
    _write_json(options, found.figures())
    return 0


def _bench(options: argparse.Namespace) -> int:
    return _bench_target(options) if options.suite == "target" else _bench_learning(options)


def _bench_target(options: argparse.Namespace) -> int:
    from .demo import MODEL
    from .evaluate import targets as bench

    if options.page:
        refuse_other_kind(options.page, bench.MARKDOWN_LINE)
    found = bench.targets(MODEL, progress=_Bar)
    print(bench.text(found))
    if options.page:
        command = f"rtrl-edge bench target --page {options.page}"
        print(f"wrote {write_text(options.page, bench.markdown(MODEL, found, command))}")
    _write_json(options, bench.figures(found))
    return 1 if any(target.bits.startswith("different") for target in found) else 0


def _bench_learning(options: argparse.Namespace) -> int:
    from .evaluate import learning_page as pages
    from .evaluate.bench import run_all
    from .evaluate.learning import Results, entries, marks
    from .evaluate.report import PAGE_LINE

    files = [(options.out / "learning.csv", pages.CSV_LINE), (options.out / "learning.html", PAGE_LINE)]
    files += [(options.page, pages.MARKDOWN_LINE)] if options.page else []
    for path, first_line in files:
        refuse_other_kind(path, first_line)
    command = "rtrl-edge bench learning" + (" --quick" if options.quick else "")
    command += " --recordings DIR" if options.recordings else ""
    command += f" --page {options.page}" if options.page else ""
    found = Results(run_all(entries(options.quick, options.recordings), options.out, progress=_Bar))
    judged = marks(found, options.quick)
    print(pages.text(found, judged))
    texts = [pages.csv_text(found), pages.render(found, judged, command)]
    texts += [pages.markdown(found, judged, command)] if options.page else []
    for (path, _), text in zip(files, texts, strict=True):
        print(f"wrote {write_text(path, text)}")
    _write_json(options, pages.figures(found, judged))
    return 1 if options.quick and judged[0].state != "reached" else 0


def _fit(options: argparse.Namespace) -> int:
    from . import model
    from .boards import load_board
    from .evaluate import capacity
    from .evaluate.compare import parse_rules

    numbers = getattr(model, options.numbers)()
    assumed = options.cycles_per_instruction or capacity.CYCLES_PER_INSTRUCTION
    asked = capacity.Question(
        load_board(options.board), options.inputs, options.outputs, numbers, options.rate, assumed
    )  # fmt: skip
    cells = [name.strip() for name in options.cells.split(",")]
    pairs = capacity.pairs(options.inputs, cells, parse_rules(options.rules), numbers)
    bar = _Bar("searching", len(pairs), unit=" pairs")
    found = []
    for cell, rule in pairs:
        found.append(asked.largest(cell, rule))
        bar(1)
    bar.close()
    print(capacity.text(asked, found))
    _write_json(options, capacity.figures(asked, found))
    return 0


def _matrix(options: argparse.Namespace) -> int:
    from .evaluate.matrix import matrix, page, pairs

    bar = _Bar("pairs", len(pairs()), unit=" pairs")
    text = page(matrix(progress=bar))
    bar.close()
    print(f"wrote {write_text(options.out, text)}" if options.out else text)
    return 0


def _boards(options: argparse.Namespace) -> int:
    from .board_list import figures, listing, show
    from .boards import board_names, load_board

    names = board_names() if options.what == "list" else [options.board]
    if None in names or (options.what == "list" and options.board is not None):
        raise BoardError(
            "boards: wanted `rtrl-edge boards`, or `rtrl-edge boards show B` with one board's name or file"
        )
    boards = [load_board(name) for name in names]
    print(listing(boards) if options.what == "list" else show(boards[0]))
    _write_json(options, {board.name: figures(board) for board in boards})
    return 0


def _doctor(options: argparse.Namespace) -> int:
    from .doctor import examine

    found = examine()
    for finding in found:
        if finding.found:
            print(f"found    {finding.name}: {finding.found}")
        else:
            print(f"missing  {finding.name}: would enable {finding.enables}\n         install: {finding.install}")
    _write_json(options, {f.name: {"found": f.found, "enables": f.enables, "install": f.install} for f in found})
    return 0


# ------------------------------------------------------------------------------------------------- inside


class _Bar:
    """A progress bar on the terminal; silent where nobody looks."""

    def __init__(self, what: str, total: int, unit: str = " samples") -> None:
        from tqdm import tqdm

        self._bar = tqdm(total=total, desc=what, disable=not sys.stderr.isatty(), leave=False, unit=unit)

    def __call__(self, count: int) -> None:
        self._bar.update(count)

    def close(self) -> None:
        self._bar.close()


def _load(path: Path) -> ModuleType:
    """Run a user's model file; its own exceptions are shown as they are."""
    if not path.is_file():
        found = "a folder" if path.is_dir() else "no such file"
        raise ModelError(f"{path}: wanted a model file, found {found}; `rtrl-edge new DIR` writes one to start from")
    spec = importlib.util.spec_from_file_location(f"rtrl_edge_user_{path.stem}", path)
    if spec is None or spec.loader is None:
        raise ModelError(f"{path}: wanted a Python file (.py), found '{path.suffix or 'no suffix'}'")
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # dataclasses and pickle look there
    before, sys.dont_write_bytecode = sys.dont_write_bytecode, True  # no __pycache__ in a user's folder
    try:
        spec.loader.exec_module(module)
    except SyntaxError as error:
        raise ModelError(f"{error.filename or path}, line {error.lineno}: not Python: {error.msg}") from error
    finally:
        sys.dont_write_bytecode = before
    if not callable(getattr(module, "build", None)):
        raise ModelError(f"{path}: wanted a function build() that returns rt.quantize(...), found none")
    return module


def _build(module: ModuleType, options: argparse.Namespace) -> IntegerModel:
    found = module.build()
    if not isinstance(found, IntegerModel):
        raise ModelError(
            f"{options.model}: build() must return what rt.quantize(model, weights, calibration) makes, "
            f"found {type(found).__name__}"
        )
    return found


def _build_and_stream(options: argparse.Namespace) -> tuple[IntegerModel, Stream]:
    """What a command plays; the stream first: it is quick to be wrong, and build() may train for long."""
    module = _load(options.model)
    stream = _stream(module, options)
    integer_model = _build(module, options)
    check_channels(integer_model.model, stream, str(options.stream or f"{options.model}, stream()"))
    return integer_model, stream


def _stream(module: ModuleType, options: argparse.Namespace) -> Stream:
    if options.stream is not None:
        stream = load_stream(options.stream)
    elif callable(getattr(module, "stream", None)):
        stream = module.stream()
        if not isinstance(stream, Stream):
            raise ModelError(f"{options.model}: stream() must return an rt.Stream, found {type(stream).__name__}")
    else:
        raise ModelError(f"{options.model}: no stream() in it, and no STREAM file given; wanted one of the two")
    return stream[: options.steps] if options.steps else stream


def _json_line(options: argparse.Namespace) -> str:
    """First line of a file of figures, by which it is known."""
    return f'{{"command": "rtrl-edge {options.name}",'


def _write_json(options: argparse.Namespace, figures: Mapping[str, object]) -> None:
    if options.json is not None:
        text = json.dumps(_without_nan(figures), indent=1, allow_nan=False)
        print(f"wrote {write_text(options.json, _json_line(options) + text.removeprefix('{') + chr(10))}")


def _without_nan(value: object) -> object:
    """An error where there was no label is NaN, which JSON does not have: null."""
    if isinstance(value, Mapping):
        return {key: _without_nan(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_without_nan(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


if __name__ == "__main__":
    sys.exit(main())
