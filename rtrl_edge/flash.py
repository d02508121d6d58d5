"""A firmware folder on disk: write it, build it, put it on the board.

``rtrl-edge flash`` prints the exact command of the board's tool, and runs it; the tools are never required. Nothing
here was ever run against silicon.
"""

from __future__ import annotations

import shlex
import shutil
import struct
import subprocess
from collections.abc import Callable
from pathlib import Path

from .boards import Board, board_file, load_board
from .emit import manifest
from .errors import BoardError, BuildError, FolderError
from .firmware import Built, build_firmware, firmware_project
from .plan import plan
from .project import MANIFEST, write_files
from .quantize import IntegerModel

_FLASH_SECONDS = 300
#: Debian or PyPI package of each tool
_PACKAGES = {
    "pyocd": "pip install pyocd",
    "openocd": "apt install openocd",
    "bossac": "apt install bossa-cli; the Nano 33 BLE needs Arduino's own bossac 1.9.1",
    "teensy_loader_cli": "apt install teensy-loader-cli",
}


def write_firmware(integer_model: IntegerModel, name: str | Path, folder: Path) -> list[Path]:
    """Write the firmware of a board, with the board's file, so that the folder is all that build and flash need.

    Raises:
        BoardError: no such board, or no firmware for it.
        PlanError: the model does not fit.
        FolderError: the folder holds something else.
    """
    board = load_board(name)
    figures = plan(integer_model, board).figures()
    texts = firmware_project(integer_model, board)
    texts[f"{board.name}.toml"] = board_file(name).read_text(encoding="utf-8")
    return write_files(folder, texts, manifest(integer_model, texts, figures))


def board_of(folder: Path) -> Board:
    """The board that a firmware folder was written for."""
    files = sorted(folder.glob("*.toml"))
    if len(files) != 1 or not (folder / MANIFEST).is_file():
        raise FolderError(
            f"{folder}: wanted a folder that `rtrl-edge firmware MODEL.PY --board B --out DIR` wrote, with {MANIFEST} "
            f"and one board's .toml; found {len(files)} .toml files"
        )
    return load_board(files[0])


def build(folder: Path) -> Built:
    """Build a firmware folder with make."""
    return build_firmware(folder, board_of(folder))


def flash_command(board: Board, folder: Path, tool: str | None = None, port: str | None = None) -> list[str]:
    """The command that writes folder's firmware to the board.

    Args:
        board: the board; the first of its ``flashers`` is taken if no ``tool`` is given.
        folder: where firmware.elf is, or will be.
        tool: one of the board's tools.
        port: serial port, for the tools that need one.

    Raises:
        BoardError: the board has no tool, or not this one, or it needs a port.
    """
    known = {flasher.tool: flasher.target for flasher in board.flashers}
    if not known:
        raise BoardError(
            f"{board.name}: nothing to flash: it is emulated; `rtrl-edge run MODEL.PY --board {board.name}`"
        )
    tool = tool or board.flashers[0].tool
    if tool not in known:
        raise BoardError(f"{board.name}: flash tool: wanted one of {', '.join(known)}, found {tool!r}")
    target, elf = known[tool], str(folder / "firmware.elf")
    if tool == "pyocd":
        return ["pyocd", "flash", "--target", target, elf]
    if tool == "openocd":
        # a board's file names its debugger; a chip's file does not: ST-Link for ST's, CMSIS-DAP for the others
        probe = "stlink" if target.startswith("target/stm32") else "cmsis-dap"
        files = ["-f", target] if target.startswith("board/") else ["-f", f"interface/{probe}.cfg", "-f", target]
        return ["openocd", *files, "-c", f"program {elf} verify reset exit"]
    if tool == "uf2":
        drive = port or f"/media/{Path.home().name}/{target}"
        return ["cp", str(folder / "firmware.uf2"), drive]
    if tool == "teensy_loader_cli":
        return [tool, f"--mcu={target}", "-w", "-v", str(folder / "firmware.hex")]
    if tool == "bossac":
        if port is None:
            raise BoardError(f"{board.name}: bossac: wanted the board's serial port: --port /dev/ttyACM0")
        return [tool, "-d", f"--port={Path(port).name}", "-U", "-i", "-e", "-w", str(folder / "firmware.bin"), "-R"]
    raise BoardError(f"{board.name}: built and flashed by the vendor's system: `idf.py -p PORT flash` in its project")


def flash(
    folder: Path, tool: str | None = None, port: str | None = None, *, dry_run: bool = False, say: Callable[[str], None]
) -> None:
    """Build a firmware folder, print the command of the board's tool and run it (not with ``dry_run``).

    Raises:
        BoardError, FolderError: see :func:`flash_command`, :func:`board_of`.
        BuildError: the firmware does not build; the tool is missing or failed.
    """
    board = board_of(folder)
    command = flash_command(board, folder, tool, port)
    say(shlex.join(command))
    if dry_run:
        return
    program = command[0]
    if shutil.which(program) is None:
        raise BuildError(f"flash: no {program!r} on this computer; install it ({_PACKAGES.get(program, program)})")
    elf = build(folder).elf
    _convert(elf, board, Path(command[-2] if program in ("cp", "bossac") else command[-1]))
    try:
        done = subprocess.run(command, check=False, timeout=_FLASH_SECONDS)
    except subprocess.TimeoutExpired:
        raise BuildError(f"flash: waited {_FLASH_SECONDS} s for {program} to end; is the board connected?") from None
    if done.returncode:
        raise BuildError(f"flash: {program} ended with exit code {done.returncode}, see above")


def _convert(elf: Path, board: Board, wanted: Path) -> None:
    """firmware.hex, .bin or .uf2 from firmware.elf, where a tool wants that."""
    if wanted.suffix == ".hex":
        _objcopy(board, "ihex", elf, wanted)
    elif wanted.suffix in (".bin", ".uf2"):
        _objcopy(board, "binary", elf, elf.with_suffix(".bin"))
        if wanted.suffix == ".uf2":
            wanted.write_bytes(uf2(elf.with_suffix(".bin").read_bytes(), board.flash.origin, _UF2_FAMILIES[board.boot]))


def _objcopy(board: Board, form: str, elf: Path, to: Path) -> None:
    command = [f"{board.compiler.prefix}objcopy", "-O", form, str(elf), str(to)]
    subprocess.run(command, check=True, timeout=60)


_UF2_BEGIN, _UF2_END = (0x0A324655, 0x9E5D5157, 0x00002000), 0x0AB16F30  # flag: there is a family
#: what each chip's ROM takes (the UF2 specification's list)
_UF2_FAMILIES = {"rp2040": 0xE48BFF56, "rp2350": 0xE48BFF59}


def uf2(image: bytes, origin: int, family: int) -> bytes:
    """A UF2 file: blocks of 512 bytes that carry 256 bytes of flash each.

    Source: github.com/microsoft/uf2.
    """
    pages = [image[at : at + 256].ljust(256, b"\0") for at in range(0, len(image), 256)]
    head = struct.Struct("<8I476sI")
    return b"".join(
        head.pack(*_UF2_BEGIN, origin + 256 * i, 256, i, len(pages), family, page, _UF2_END)
        for i, page in enumerate(pages)
    )
