"""The parser of the command line, and the arguments that several commands share."""

from __future__ import annotations

import argparse
import math
from collections.abc import Callable
from pathlib import Path

from .. import __version__

_MODEL_HELP = "Python file with a function build() that returns an integer model; `rtrl-edge new DIR` writes one"
_STREAM_HELP = (
    "recording to play: .csv (header line; target* columns are labels), .npz (x, target) or .npy (x); "
    "default: the model file's stream()"
)


def program() -> argparse.ArgumentParser:
    """The parser of `rtrl-edge` itself."""
    parser = argparse.ArgumentParser(
        prog="rtrl-edge",
        description="Recurrent networks that keep learning on a microcontroller.",
        epilog="Start with `rtrl-edge demo`, then `rtrl-edge new my_model`. `rtrl-edge COMMAND --help` says more.",
    )
    parser.add_argument("--version", action="version", version=f"rtrl-edge {__version__}")
    return parser


class Commands:
    """A parser to which commands add themselves: that of `rtrl-edge`, or of one command that has several."""

    def __init__(self, parser: argparse.ArgumentParser, within: str = "") -> None:
        self._within = within
        more = f"`rtrl-edge {within}WHAT --help` says more" if within else None
        self._commands = parser.add_subparsers(
            metavar="WHAT" if within else "COMMAND", title="commands", required=bool(within), help=more
        )

    def add(
        self, name: str, run: Callable[[argparse.Namespace], int], summary: str, more: str = ""
    ) -> argparse.ArgumentParser:
        """The parser of a command that ``run`` runs; its description is the summary as a sentence, and more."""
        sub = self._parser(name, summary, more)
        sub.set_defaults(command=run, name=f"{self._within}{name}")
        return sub

    def several(self, name: str, summary: str, more: str = "") -> Commands:
        """A command that is followed by one of its own."""
        return Commands(self._parser(name, summary, more), f"{name} ")

    def _parser(self, name: str, summary: str, more: str) -> argparse.ArgumentParser:
        description = f"{summary[0].upper()}{summary[1:]}. {more}".strip()
        return self._commands.add_parser(name, help=summary, description=description)


def add_model(sub: argparse.ArgumentParser, stream: bool = False, optional: bool = False) -> None:
    """A model file, and with ``stream`` what to play."""
    sub.add_argument("model", type=Path, nargs="?" if optional else None, metavar="MODEL.PY", help=_MODEL_HELP)
    if stream:
        sub.add_argument("stream", type=Path, nargs="?", metavar="STREAM", help=_STREAM_HELP)
        sub.add_argument("--steps", type=positive, metavar="N", help="play only the first N samples")


def add_report(sub: argparse.ArgumentParser) -> None:
    """What every command takes that reports figures."""
    sub.add_argument(
        "--json", type=Path, metavar="FILE", help="also write the figures to FILE, with units in the key names"
    )


def add_board(sub: argparse.ArgumentParser, default: str | None, required: bool = False) -> None:
    """A board's name or file."""
    sub.add_argument(
        "--board",
        default=default,
        required=required,
        metavar="B",
        help="name of a board (`rtrl-edge boards`) or a board's .toml file"
        + (f"; default {default}" if default else ""),
    )


def positive(text: str) -> int:
    """A whole number of at least 1."""
    try:
        value = int(text)
    except ValueError:
        value = 0
    if value < 1:
        raise argparse.ArgumentTypeError(f"wanted a whole number of at least 1, found {text!r}")
    return value


def percent(text: str) -> float:
    """A finite number of at least 0."""
    value = _number(text)
    if not 0.0 <= value < math.inf:
        raise argparse.ArgumentTypeError(f"wanted a number of at least 0, found {text!r}")
    return value


def ratio(text: str) -> float:
    """A finite number above 0."""
    value = _number(text)
    if not 0.0 < value < math.inf:
        raise argparse.ArgumentTypeError(f"wanted a number above 0, found {text!r}")
    return value


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return math.nan  # which is within no range


def hertz(text: str) -> float:
    """A rate, with its unit or without."""
    return ratio(text.lower().removesuffix("hz"))
