"""The command line: arguments in, text out. What is done is done elsewhere.

A command is a pair of functions in the file of its family: ``add_NAME`` states its arguments, ``_NAME`` runs it.
Whatever takes long to import is imported by the command that needs it.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence

from ..errors import RtrlEdgeError
from ..project import refuse_other_kind
from .arguments import Commands, program
from .board import add_boards, add_build, add_doctor, add_firmware, add_flash
from .common import json_line
from .convert import add_diff, add_export, add_import
from .measure import add_bench, add_compare, add_matrix
from .model import add_fit, add_generate, add_new, add_plan
from .play import add_demo, add_monitor, add_run, add_simulate, add_verify

#: in the order of `rtrl-edge --help`
_COMMANDS: tuple[Callable[[Commands], None], ...] = (
    add_demo, add_new, add_import, add_export, add_diff, add_plan, add_generate, add_firmware, add_build, add_flash,
    add_simulate, add_run, add_monitor, add_verify, add_compare, add_bench, add_fit, add_matrix, add_boards, add_doctor,
)  # fmt: skip


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; 0 if it worked, 1 for an error that has a sentence, 2 for wrong arguments."""
    parser = program()
    commands = Commands(parser)
    for add in _COMMANDS:
        add(commands)
    options = parser.parse_args(arguments)
    if "command" not in options:
        parser.print_help()
        return 2
    try:
        if getattr(options, "json", None) is not None:
            refuse_other_kind(options.json, json_line(options))  # now, not after the work
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
