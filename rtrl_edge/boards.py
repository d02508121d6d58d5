"""boards/*.toml -> Board: all that the planner, the firmware and the emulator know of a board.

A board is one file; a user's own file works the same way: ``load_board("my_board.toml")``.
"""

from __future__ import annotations

import difflib
import tomllib
from collections.abc import Mapping
from dataclasses import MISSING, dataclass, field, fields
from pathlib import Path
from typing import Any, get_type_hints

from .assets import boards_dir
from .errors import BoardError

RAM_USES = ("data", "spare")
FPUS = ("none", "single", "double")
SIMDS = ("none", "dsp", "mve", "pie", "few_registers")
#: cores that have the Arm M-profile vector extension
MVE_CORES = ("cortex-m52", "cortex-m55", "cortex-m85")
#: programs that `rtrl-edge flash` knows how to call
FLASH_TOOLS = ("pyocd", "openocd", "esptool", "uf2", "bossac", "teensy_loader_cli")
#: a source text says this if nobody verified the number, or a part of it
UNVERIFIED = "not verified"


@dataclass(frozen=True)
class Compiler:
    """``prefix`` + gcc, the ``flags`` that choose the core, and the Debian ``packages`` that hold it.

    ``programs``: others that the Makefile of its kind of firmware calls.
    """

    prefix: str
    flags: tuple[str, ...]
    packages: tuple[str, ...]
    programs: tuple[str, ...] = ()

    @property
    def command(self) -> str:
        """Name of the compiler."""
        return f"{self.prefix}gcc"


@dataclass(frozen=True)
class Ram:
    """A region of RAM, in bytes. The largest with use ``data`` holds stack and state; ``spare`` is free."""

    name: str
    origin: int
    size: int
    use: str


@dataclass(frozen=True)
class Flash:
    """Where the program lies, in bytes; and what writing to it costs, where it is flash at all.

    ``erase_block_bytes`` is the largest block, if they differ; ``erase_ms`` the longest that erasing one takes;
    ``endurance_cycles`` how often a block may be erased.
    """

    origin: int
    size: int
    erase_block_bytes: int | None = None
    write_block_bytes: int | None = None
    erase_ms: int | None = None
    endurance_cycles: int | None = None


@dataclass(frozen=True)
class Uart:
    """``driver`` names firmware_templates/*/port_DRIVER.c; ``base`` is its peripheral's address.

    ``clock_hz``: the peripheral's clock once ``setup`` is done, which happens first: clocks and pins, a row each,
    ``[address, bits to clear, bits to set]`` of a register or ``[address, bits]`` to wait for.
    """

    driver: str
    base: int
    clock_hz: int | None = None
    setup: tuple[tuple[int, ...], ...] = ()


@dataclass(frozen=True)
class Emulated:
    """``command -M machine`` of the Debian ``package``, with ``-cpu cpu`` and ``options`` where they are given."""

    command: str
    machine: str
    package: str
    cpu: str = ""
    options: tuple[str, ...] = ()


@dataclass(frozen=True)
class Flasher:
    """A way to write the flash: ``tool``, one of FLASH_TOOLS, and what it calls this chip or board."""

    tool: str
    target: str


@dataclass(frozen=True)
class Board:
    """One board.

    Args:
        name: the file's name without .toml.
        title: what people call it.
        core: ``cortex-m4`` and the like, ``host`` for this computer.
        firmware: folder of firmware_templates with the sources of its kind; ``esp_idf``: no bare metal, the vendor's
            build system takes the generated library.
        coprocessor: True if an FPU or vector unit has to be switched on after reset.
        boot: firmware_templates/*/boot_BOOT.c, what the chip's ROM wants to find in the flash, if anything.
        stack_bytes: reserved for the stack.
        halt: firmware_templates/*/halt_HALT.c, what quitting and faults do.
        compiler, ram, flash, uart, emulator, flashers: see their classes; the last three may be missing.
        source: who says so, for each of the other keys that hold numbers; has "not verified" where nobody does.
        clock_hz: the fastest core clock, if known.
        fpu, simd: what the core has beyond integers, see FPUS and SIMDS; ``few_registers`` chooses other plain C.
        stand_in: name of the emulated board with the same instruction set, for a board without an emulator.
    """

    name: str
    title: str
    core: str
    firmware: str
    coprocessor: bool
    stack_bytes: int
    halt: str
    compiler: Compiler
    ram: tuple[Ram, ...]
    flash: Flash
    source: Mapping[str, str] = field(hash=False)
    uart: Uart | None = None
    emulator: Emulated | None = None
    clock_hz: int | None = None
    fpu: str = "none"
    simd: str = "none"
    stand_in: str = ""
    boot: str = ""
    flashers: tuple[Flasher, ...] = ()

    @property
    def main_ram(self) -> Ram:
        """The region that holds the stack and the state: the largest one for data."""
        return max((region for region in self.ram if region.use == "data"), key=lambda region: region.size)

    @property
    def ram_bytes(self) -> int:
        """Bytes of the region that holds the stack and the state."""
        return self.main_ram.size

    @property
    def data_ram_bytes(self) -> int:
        """Bytes of all regions for data; more than ``ram_bytes`` where the RAM is in pieces."""
        return sum(region.size for region in self.ram if region.use == "data")

    @property
    def flash_bytes(self) -> int:
        """Bytes for program and constants."""
        return self.flash.size

    @property
    def idf(self) -> bool:
        """Whether its firmware is built by the vendor's system, not by ours."""
        return self.firmware == "esp_idf"

    @property
    def emulation(self) -> str:
        """What of it can be run here, in words."""
        if self.core == "host":
            return "this computer"
        if self.emulator:
            return f"exact machine: {' '.join((self.emulator.machine, self.emulator.cpu)).strip()}"
        if self.stand_in:
            return f"same core only: {self.stand_in}"
        return "not here: no compiler for it" if self.idf else "compiled only"


#: TOML type of each key of a table; a dataclass stands for a table, a tuple with one for a list of tables
_PARTS: dict[str, tuple[type, bool]] = {
    "compiler": (Compiler, False),
    "ram": (Ram, True),
    "flash": (Flash, False),
    "uart": (Uart, False),
    "emulator": (Emulated, False),
    "flashers": (Flasher, True),
}
_FLASH_COSTS = ("erase_block_bytes", "write_block_bytes", "erase_ms", "endurance_cycles")
_SOURCED = ("core", "stack_bytes", "ram", "flash", "uart", "clock_hz", "flashers")
_WORDS = {"str": "a text", "int": "a whole number, not negative", "bool": "true or false"}


def board_names() -> tuple[str, ...]:
    """Names of all boards that come with the package, sorted."""
    return tuple(sorted(path.stem for path in boards_dir().glob("*.toml")))


def board_file(name: str | Path) -> Path:
    """The file of the board of this name, or the user's own; BoardError if there is none."""
    if not isinstance(name, str | Path):
        raise BoardError(f"board: wanted a name, the path of a .toml file or a Board, found {type(name).__name__}")
    if isinstance(name, Path) or name.endswith(".toml"):
        path = Path(name)
        if not path.is_file():
            raise BoardError(f"board: no file {str(path)!r}")
        return path
    names = board_names()
    if name not in names:
        raise BoardError(f"board: no board {name!r}{_nearest(name, names)}; known: {', '.join(names)}")
    return boards_dir() / f"{name}.toml"


def load_board(name: str | Path) -> Board:
    """The board of this name, or of the user's own .toml file.

    Raises:
        BoardError: no such board or file; a key that is unknown, missing or of the wrong type.
    """
    path = board_file(name)
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise BoardError(f"{path.name}: not TOML: {error}") from None
    board = parse_board(table, path.name)
    if board.name != path.stem:
        raise BoardError(f"{path.name}: name: wanted {path.stem!r} like the file, found {board.name!r}")
    return board


def parse_board(table: Mapping[str, object], where: str) -> Board:
    """A board from the keys of its file; ``where`` begins each message."""
    values = dict(table)
    _check_keys(Board, values, where)
    for key, (kind, many) in _PARTS.items():
        if key in values:
            values[key] = (
                _parts(kind, values[key], f"{where}: {key}") if many else _part(kind, values[key], f"{where}: {key}")
            )
    source = values["source"]
    if not isinstance(source, dict) or not all(isinstance(text, str) and text for text in source.values()):
        raise BoardError(f"{where}: source: wanted a table of texts, found {source!r}")
    flash = values["flash"]
    assert isinstance(flash, Flash)
    costs = [f"flash_{key}" for key in _FLASH_COSTS]
    numbers = [key for key in _SOURCED if key in values]
    numbers += [f"flash_{key}" for key in _FLASH_COSTS if getattr(flash, key) is not None]
    for key in source:
        if key not in (*_SOURCED, *costs):
            raise BoardError(f"{where}: source: unknown key {key!r}{_nearest(key, [*_SOURCED, *costs])}")
    for key in numbers:
        if key not in source:
            raise BoardError(f"{where}: source: missing key {key!r}: say who gives this number")
    _check_types(Board, values, where, skip={*_PARTS, "source"})
    board = Board(**_as_any(values))
    _check_sense(board, where)
    return board


def _check_sense(board: Board, where: str) -> None:
    words = [("fpu", board.fpu, FPUS), ("simd", board.simd, SIMDS)]
    words += [("flashers: tool", flasher.tool, FLASH_TOOLS) for flasher in board.flashers]
    for key, word, known in words:
        if word not in known:
            raise BoardError(f"{where}: {key}: wanted one of {', '.join(known)}, found {word!r}")
    if board.simd == "mve" and board.core not in MVE_CORES:
        raise BoardError(
            f'{where}: simd: "mve" is of {", ".join(MVE_CORES)}; the core is {board.core!r}, so "dsp" or "none"'
        )
    for region in board.ram:
        if region.use not in RAM_USES:
            raise BoardError(f"{where}: ram: use: wanted {' or '.join(RAM_USES)}, found {region.use!r}")
    if not any(region.use == "data" for region in board.ram):
        raise BoardError(f'{where}: ram: wanted at least one region with use = "data"')
    if board.stack_bytes % 8 or not 0 < board.stack_bytes < board.ram_bytes:
        raise BoardError(
            f"{where}: stack_bytes: wanted a multiple of 8 below the RAM's {board.ram_bytes} bytes, "
            f"found {board.stack_bytes}"
        )


def _nearest(word: str, known: tuple[str, ...] | list[str]) -> str:
    near = difflib.get_close_matches(word, known, n=1, cutoff=0.5)
    return f" (did you mean {near[0]!r}?)" if near else ""


def _check_keys(kind: type, table: Mapping[str, object], where: str) -> None:
    known = [f.name for f in fields(kind)]
    for key in table:
        if key not in known:
            raise BoardError(f"{where}: unknown key {key!r}{_nearest(key, known) or '; known: ' + ', '.join(known)}")
    for f in fields(kind):
        if f.default is MISSING and f.name not in table:
            raise BoardError(f"{where}: missing key {f.name!r}")


def _check_types(kind: type, table: Mapping[str, object], where: str, skip: set[str] = frozenset()) -> None:  # type: ignore[assignment]
    hints = get_type_hints(kind)
    for key, value in table.items():
        if key in skip:
            continue
        if hints[key] == tuple[str, ...]:
            good = isinstance(value, list | tuple) and all(isinstance(item, str) for item in value)
            wanted = "a list of texts"
        elif hints[key] == tuple[tuple[int, ...], ...]:
            good = isinstance(value, list) and all(
                isinstance(row, list) and len(row) in (2, 3) and all(type(word) is int and word >= 0 for word in row)
                for row in value
            )
            wanted = "a list of rows [address, bits to clear, bits to set] or [address, bits to wait for]"
        elif hints[key] is bool:
            good, wanted = isinstance(value, bool), _WORDS["bool"]
        elif hints[key] is str:
            good, wanted = isinstance(value, str) and value.isprintable(), _WORDS["str"]
        else:
            good, wanted = (
                isinstance(value, int) and not isinstance(value, bool) and value >= 0,
                _WORDS["int"],
            )
        if not good:
            raise BoardError(f"{where}: {key}: wanted {wanted}, found {value!r}")


def _part(kind: type, table: object, where: str) -> object:
    if not isinstance(table, dict):
        raise BoardError(f"{where}: wanted a table, found {table!r}")
    _check_keys(kind, table, where)
    _check_types(kind, table, where)
    return kind(**{key: _frozen(value) for key, value in table.items()})


def _frozen(value: object) -> object:
    return tuple(_frozen(item) for item in value) if isinstance(value, list) else value


def _parts(kind: type, tables: object, where: str) -> tuple[object, ...]:
    if not isinstance(tables, list) or not tables:
        raise BoardError(f"{where}: wanted a list of tables ([[...]]), found {tables!r}")
    return tuple(_part(kind, table, where) for table in tables)


def _as_any(values: dict[str, object]) -> dict[str, Any]:
    return values  # every type was checked key by key
