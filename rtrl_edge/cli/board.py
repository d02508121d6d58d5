"""Boards and what is written to them: firmware, build, flash, boards, doctor."""

from __future__ import annotations

import argparse
from pathlib import Path

from ..errors import BoardError
from .arguments import Commands, add_board, add_model, add_report
from .common import build, load, write_json


def add_firmware(commands: Commands) -> None:
    sub = commands.add(
        "firmware",
        _firmware,
        "write the firmware of a board: a folder that `make` builds",
        "Start-up, linker script, serial protocol and the generated model; into a new folder, or one that holds our "
        "manifest. Boards of the ESP32 family take `generate --format esp_idf` instead.",
    )
    add_model(sub)
    add_board(sub, None, required=True)
    sub.add_argument("--out", type=Path, required=True, metavar="DIR", help="where the folder goes")


def _firmware(options: argparse.Namespace) -> int:
    from ..flash import write_firmware

    for path in write_firmware(build(load(options.model), options), options.board, options.out):
        print(f"wrote {path}")
    print(f"next: rtrl-edge build {options.out}")
    return 0


def add_build(commands: Commands) -> None:
    sub = commands.add("build", _build_folder, "build a firmware folder", "By its Makefile; prints what it weighs.")
    sub.add_argument("folder", type=Path, metavar="DIR", help="what `rtrl-edge firmware` wrote")
    add_report(sub)


def _build_folder(options: argparse.Namespace) -> int:
    from ..flash import board_of, build

    built, board = build(options.folder), board_of(options.folder)
    print(f"{built.elf}: {built.flash_bytes:,} B of flash, {built.ram_bytes:,} B of RAM on {board.name}")
    figures = {"board": board.name, "flash_bytes": built.flash_bytes, "ram_bytes": built.ram_bytes}
    write_json(options, figures | {"model_flash_bytes": built.model_flash_bytes})
    return 0


def add_flash(commands: Commands) -> None:
    sub = commands.add(
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


def _flash(options: argparse.Namespace) -> int:
    from ..flash import flash

    flash(options.folder, options.tool, options.port, dry_run=options.dry_run, say=print)
    return 0


def add_boards(commands: Commands) -> None:
    sub = commands.add(
        "boards",
        _boards,
        "list the boards, or show one with the source of each number",
        "A board is one .toml file; where a command takes a board's name it takes the path of your own file too.",
    )
    sub.add_argument("what", choices=("list", "show"), nargs="?", default="list", help="list (default), or show B")
    sub.add_argument("board", nargs="?", metavar="B", help="name of a board or a board's .toml file, for show")
    add_report(sub)


def _boards(options: argparse.Namespace) -> int:
    from ..board_list import figures, listing, show
    from ..boards import board_names, load_board

    names = board_names() if options.what == "list" else [options.board]
    if None in names or (options.what == "list" and options.board is not None):
        raise BoardError(
            "boards: wanted `rtrl-edge boards`, or `rtrl-edge boards show B` with one board's name or file"
        )
    boards = [load_board(name) for name in names]
    print(listing(boards) if options.what == "list" else show(boards[0]))
    write_json(options, {board.name: figures(board) for board in boards})
    return 0


def add_doctor(commands: Commands) -> None:
    sub = commands.add("doctor", _doctor, "what this computer has, what is missing, and what each piece would enable")
    add_report(sub)


def _doctor(options: argparse.Namespace) -> int:
    from ..doctor import examine

    found = examine()
    for finding in found:
        if finding.found:
            print(f"found    {finding.name}: {finding.found}")
        else:
            print(f"missing  {finding.name}: would enable {finding.enables}\n         install: {finding.install}")
    write_json(options, {f.name: {"found": f.found, "enables": f.enables, "install": f.install} for f in found})
    return 0
