"""The command line: arguments in, text out. What is done is done elsewhere."""

from __future__ import annotations

import argparse
import importlib.util
import json
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import ModuleType

from . import __version__
from .errors import ModelError, RtrlEdgeError
from .stream import Stream, load_stream

_MODEL_HELP = "Python file with a function build() that returns an integer model; `rtrl-edge new DIR` writes one"
_STREAM_HELP = (
    "recording to play: .csv (header line; target* columns are labels) or .npz (x, target); "
    "default: the model file's stream()"
)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; 0 if it worked, 1 for an error that has a sentence, 2 for wrong arguments."""
    options = _parser().parse_args(arguments)
    try:
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
    commands = parser.add_subparsers(metavar="COMMAND", required=True)

    def add(
        name: str, run: Callable[[argparse.Namespace], int], summary: str, more: str = ""
    ) -> argparse.ArgumentParser:
        sub = commands.add_parser(name, help=summary, description=f"{summary[0].upper()}{summary[1:]}. {more}".strip())
        sub.set_defaults(command=run)
        return sub

    def model(sub: argparse.ArgumentParser, stream: bool = False) -> None:
        sub.add_argument("model", type=Path, metavar="MODEL.PY", help=_MODEL_HELP)
        if stream:
            sub.add_argument("stream", type=Path, nargs="?", metavar="STREAM", help=_STREAM_HELP)
            sub.add_argument("--steps", type=_positive, metavar="N", help="play only the first N samples")

    def report(sub: argparse.ArgumentParser) -> None:
        sub.add_argument(
            "--json", type=Path, metavar="FILE", help="also write the figures to FILE, units in the key names"
        )

    def board(sub: argparse.ArgumentParser, default: str | None) -> None:
        sub.add_argument(
            "--board",
            default=default,
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
    sub.add_argument("folder", type=Path, metavar="DIR")

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
        "write the C of a model: NAME.h, NAME_config.h, NAME.c, manifest.json",
        "Into a new folder, or one that holds our manifest.",
    )
    model(sub)
    sub.add_argument("--out", type=Path, required=True, metavar="DIR")

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

    sub = add("run", _run, "build the firmware of a board and play a recording through it in the emulator")
    model(sub, stream=True)
    board(sub, "qemu_mps2_an386")
    sub.add_argument("--out", type=Path, metavar="DIR", help="keep the firmware folder here")
    report(sub)

    sub = add(
        "verify",
        _verify,
        "play a recording on every target and compare all bits",
        "NumPy reference, host builds and every emulated board that this computer can build and run.",
    )
    model(sub, stream=True)
    sub.add_argument(
        "--boards",
        metavar="A,B",
        help="only these boards (a comma between them); default: all that are emulated",
    )
    report(sub)

    sub = add("boards", _boards, "list the boards")
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


# --------------------------------------------------------------------------------------------- commands


def _demo(options: argparse.Namespace) -> int:
    from .demo import demo

    outcome = demo(
        options.out, options.board, steps=options.steps, host_only=options.host_only, say=print, progress=_Bar
    )
    _write_json(options.json, outcome.figures)
    return 0 if outcome.equal else 1


def _new(options: argparse.Namespace) -> int:
    from .project import write_starter

    path = write_starter(options.folder)
    print(f"wrote {path}\nnext: rtrl-edge plan {path} --board qemu_mps2_an386\n      rtrl-edge simulate {path}")
    return 0


def _plan(options: argparse.Namespace) -> int:
    from .plan import plan

    found = plan(_load(options.model).build(), options.board)
    print(found)
    _write_json(options.json, found.figures())
    return 0


def _generate(options: argparse.Namespace) -> int:
    from .project import generate

    for path in generate(_load(options.model).build(), options.out):
        print(f"wrote {path}")
    return 0


def _simulate(options: argparse.Namespace) -> int:
    from .evaluate.contest import predictions_csv, simulate
    from .evaluate.report import conclusions, error_table, figures, render
    from .project import write_text

    module = _load(options.model)
    report = simulate(module.build(), _stream(module, options), progress=_Bar)
    print(error_table(report))
    print("\n".join(conclusions(report)))
    if options.out:
        print(f"wrote {write_text(options.out, predictions_csv(report))}")
    if options.report:
        print(f"wrote {write_text(options.report, render(report))}")
    _write_json(options.json, figures(report))
    return 0


def _run(options: argparse.Namespace) -> int:
    from .boards import load_board
    from .evaluate.board_run import run_on_board

    module = _load(options.model)
    board = load_board(options.board)
    found = run_on_board(module.build(), _stream(module, options), board, options.out, progress=_Bar)
    print(found.text())
    _write_json(options.json, found.figures())
    return 0


def _verify(options: argparse.Namespace) -> int:
    from .evaluate.verify import verify

    module = _load(options.model)
    integer_model, stream = module.build(), _stream(module, options)
    names = options.boards.split(",") if options.boards else None
    outcome = verify(integer_model, stream, names, progress=_Bar)
    print(outcome.text())
    _write_json(options.json, outcome.figures())
    return 0 if outcome.equal else 1


def _boards(options: argparse.Namespace) -> int:
    from .boards import board_names, load_board
    from .evaluate.report import text_table

    boards = [load_board(name) for name in board_names()]
    rows = [
        (
            b.name,
            b.core,
            f"{b.ram_bytes:,}",
            f"{b.flash_bytes:,}",
            b.emulator.machine if b.emulator else "this computer" if b.core == "host" else "-",
            b.title,
        )
        for b in boards
    ]
    print(text_table(("board", "core", "RAM B", "flash B", "runs as", "what it is"), rows))
    return 0


def _doctor(options: argparse.Namespace) -> int:
    from .doctor import examine

    found = examine()
    for finding in found:
        if finding.found:
            print(f"found    {finding.name}: {finding.found}")
        else:
            print(f"missing  {finding.name}: would enable {finding.enables}\n         install: {finding.install}")
    _write_json(options.json, {f.name: {"found": f.found, "enables": f.enables, "install": f.install} for f in found})
    return 0


# ------------------------------------------------------------------------------------------------- inside


class _Bar:
    """A progress bar on the terminal; silent where nobody looks."""

    def __init__(self, what: str, total: int) -> None:
        from tqdm import tqdm

        self._bar = tqdm(total=total, desc=what, disable=not sys.stderr.isatty(), leave=False, unit=" samples")

    def __call__(self, count: int) -> None:
        self._bar.update(count)

    def close(self) -> None:
        self._bar.close()


def _load(path: Path) -> ModuleType:
    """Run a user's model file; its own exceptions are shown as they are."""
    if not path.is_file():
        raise ModelError(f"{path}: there is no such file; `rtrl-edge new DIR` writes one to start from")
    spec = importlib.util.spec_from_file_location(f"rtrl_edge_user_{path.stem}", path)
    if spec is None or spec.loader is None:
        raise ModelError(f"{path}: wanted a Python file (.py)")
    module = importlib.util.module_from_spec(spec)
    try:
        spec.loader.exec_module(module)
    except SyntaxError as error:
        raise ModelError(f"{path}, line {error.lineno}: {error.msg}") from error
    if not callable(getattr(module, "build", None)):
        raise ModelError(f"{path}: wanted a function build() that returns rt.quantize(...), found none")
    return module


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


def _write_json(path: Path | None, figures: Mapping[str, object]) -> None:
    if path is not None:
        from .project import write_text

        write_text(path, json.dumps(figures, indent=1) + "\n")


if __name__ == "__main__":
    sys.exit(main())
