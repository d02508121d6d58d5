"""A firmware folder for a board: its texts, its build, and what the build weighs.

The folder is flat and builds by ``make`` alone; the generated model is in ``model/``. The texts are
firmware_templates/ with the ``@slots@`` filled from the board.
"""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from .assets import firmware_templates_dir
from .boards import Board
from .emit import emit, fill
from .errors import BoardError, BuildError
from .quantize import IntegerModel
from .self_test import emit_self_test

MODEL_FOLDER = "model"  # inside a firmware folder
_BUILD_SECONDS = 300
_FLAGS_FILE = "build_flags.txt"


@dataclass(frozen=True)
class Built:
    """A linked firmware.

    ``flash_bytes`` holds code, constants and the initial values of variables; ``ram_bytes`` variables, the
    state struct and the reserved stack; ``sections`` the bytes of each section that is loaded or reserved;
    ``model_flash_bytes`` the share of the generated model alone: all its code, tables and factory weights.
    """

    elf: Path
    flash_bytes: int
    ram_bytes: int
    sections: Mapping[str, int]
    model_flash_bytes: int


# ------------------------------------------------------------------------------------------------ texts


@dataclass(frozen=True)
class Kind:
    """A kind of firmware: folders of firmware_templates/, the nearest first, and its own files in them."""

    folders: tuple[str, ...]
    files: tuple[str, ...]
    semihosting: tuple[str, ...] = ()


_COMMON = ("main.c", "link.c", "link.h", "port.h", "firmware_model.h", "Makefile")
_BARE = ("startup.c", "memory.c", "memory.h", "halt.h", "board.h", "board.ld")
_FREE = (*_BARE, "string.h", "bytes.c")
KINDS = {
    "native": Kind(("native", "common"), ("port_stdio.c",)),
    "cortex_m": Kind(("cortex_m", "common"), _BARE, ("semihosting_call.h",)),
    "riscv": Kind(("riscv", "freestanding", "common"), _FREE, ("semihosting_call.h",)),
    "xtensa": Kind(("xtensa", "freestanding", "common"), (*_FREE, "reset.S", "arithmetic.c")),
    "xtensa_windowed": Kind(
        ("xtensa_windowed", "xtensa", "freestanding", "common"), (*_FREE, "reset.S", "arithmetic.c")
    ),
}


def firmware_files(model_name: str, board: Board, *, console: bool = False, sliced: bool = False) -> dict[str, str]:
    """Texts of a firmware folder by file name, without the generated model (which goes to ``model/``).

    Args:
        model_name: prefix of the generated names.
        board: where it runs.
        console: speak through the emulator's console instead of the board's UART, as where it has none; ten times
            faster there.

        sliced: for counting: LEARN only begins a step, and each OBSERVE does one slice of it.

    Raises:
        BoardError: the board file names no firmware for it, or one that does not exist.
    """
    names: dict[str, object] = {"name": model_name, "NAME": model_name.upper()}
    if board.idf:
        raise BoardError(
            f"{board.name}: has no bare-metal firmware; `rtrl-edge generate MODEL.PY --format esp_idf` writes a "
            "component for ESP-IDF, which builds and flashes it"
        )
    if board.firmware not in KINDS:
        raise BoardError(
            f"{board.name}: firmware: wanted one of {', '.join(map(repr, KINDS))}, found {board.firmware!r}"
        )
    kind = KINDS[board.firmware]
    files = [*_COMMON, *kind.files]
    drivers = []
    if board.firmware != "native":
        console = console or (board.uart is None and board.emulator is not None)
        driver = "semihosting" if console else board.uart.driver if board.uart else None
        drivers = [f"{_driver(board, 'port', driver)}.c", f"{_driver(board, 'halt', board.halt)}.c"]
        if console or board.halt == "semihosting":
            drivers.append("semihosting.c")
            files += ["semihosting.h", *kind.semihosting]
    if board.boot:
        drivers.append(f"{_driver(board, 'boot', board.boot)}.c")
    flags: dict[str, object] = {
        "title": board.title,
        "prefix": board.compiler.prefix,
        "flags": " ".join(board.compiler.flags),
    }
    slots: dict[str, dict[str, object]] = {
        "firmware_model.h": names | _calls(model_name, sliced),
        "Makefile": {**flags, "name": model_name} | ({"drivers": " ".join(drivers)} if drivers else {}),
        "board.h": {
            "title": board.title,
            "uart_base": f"0x{board.uart.base:08X}" if board.uart else "0",
            "uart_clock": (board.uart and board.uart.clock_hz) or 0,
            "setup": "".join(f"\n    {_setup_line(row)}" for row in board.uart.setup) if board.uart else "",
            **({"coprocessor": int(board.coprocessor)} if board.firmware == "cortex_m" else {}),
        },
        "board.ld": {
            "title": board.title,
            "flash_origin": f"0x{board.flash.origin:08X}",
            "flash_size": board.flash.size,
            "ram_origin": f"0x{board.main_ram.origin:08X}",
            "ram_size": board.main_ram.size,
            "stack_bytes": board.stack_bytes,
        },
    }
    return {
        file: fill(_template(kind, file).read_text(encoding="utf-8"), slots.get(file, {}))
        for file in sorted([*files, *drivers])
    }


def firmware_project(
    integer_model: IntegerModel, board: Board, *, console: bool = False, checked: bool = False, sliced: bool = False
) -> dict[str, str]:
    """Texts of a whole firmware folder: :func:`firmware_files`, and the model generated for its core in ``model/``."""
    generated = emit(integer_model, checked, board.simd) | emit_self_test(integer_model)
    model = {f"{MODEL_FOLDER}/{file}": text for file, text in generated.items()}
    return {**firmware_files(integer_model.model.name, board, console=console, sliced=sliced), **model}


def _calls(name: str, sliced: bool) -> dict[str, object]:
    """What LEARN and OBSERVE do with the model."""
    if sliced:
        return {"learn": "learn_begin", "observe": f"(void){name}_learn_slice(net, 1);\n    return 0;"}
    return {"learn": "learn", "observe": f"return (uint8_t){name}_observe(net);"}


def _template(kind: Kind, file: str) -> Path:
    """The file of the nearest folder that has it."""
    return next(path for folder in kind.folders if (path := firmware_templates_dir() / folder / file).is_file())


def _setup_line(row: tuple[int, ...]) -> str:
    register = f"BOARD_REGISTER(0x{row[0]:08X}u)"
    if len(row) == 2:
        return f"while (({register} & 0x{row[1]:X}u) != 0x{row[1]:X}u) {{\n    }}"
    return f"{register} = ({register} & ~0x{row[1]:X}u) | 0x{row[2]:X}u;"


def _driver(board: Board, role: str, name: str | None) -> str:
    folders = [firmware_templates_dir() / folder for folder in KINDS[board.firmware].folders]
    known = sorted(path.stem.removeprefix(f"{role}_") for folder in folders for path in folder.glob(f"{role}_*.c"))
    if name not in known:
        key = "uart: driver" if role == "port" else role
        raise BoardError(f"{board.name}: {key}: wanted one of {', '.join(known)}, found {name!r}")
    return f"{role}_{name}"


# ------------------------------------------------------------------------------------------------ build


def build_firmware(folder: Path, board: Board, *, extra_flags: Iterable[str] = ()) -> Built:
    """Run make in the folder; ``extra_flags`` go to the compiler after all others.

    Raises:
        BuildError: make or the compiler is missing, or it refused: the first lines of what it said.
    """
    flags = shlex.join(extra_flags)
    stamp = folder / _FLAGS_FILE
    rebuild = ["-B"] if stamp.is_file() and stamp.read_text(encoding="utf-8") != flags else []
    stamp.write_text(flags, encoding="utf-8")
    make(folder, board, *rebuild, f"EXTRA_FLAGS={flags}")
    return _weigh(folder, board)


def make(folder: Path, board: Board, *arguments: str) -> None:
    """Run make in a firmware folder. Raises as :func:`build_firmware`."""
    _need("make", ("make",))
    for program in (board.compiler.command, *board.compiler.programs):
        _need(program, board.compiler.packages)
    environment = {key: value for key, value in os.environ.items() if key not in ("MAKEFLAGS", "MAKELEVEL", "MFLAGS")}
    try:
        done = subprocess.run(
            ["make", "-s", "-C", str(folder), *arguments],
            capture_output=True,
            text=True,
            errors="replace",
            timeout=_BUILD_SECONDS,
            env={**environment, "LC_ALL": "C"},
        )
    except subprocess.TimeoutExpired:
        raise BuildError(f"build: make in {str(folder)!r} did not end within {_BUILD_SECONDS} s") from None
    if done.returncode:
        lines = (done.stderr + done.stdout).strip().splitlines()
        raise BuildError(
            f"build: {board.compiler.command} refused the firmware for {board.name}:\n" + "\n".join(lines[:12])
        )


def _need(command: str, packages: Iterable[str]) -> None:
    if shutil.which(command) is None:
        raise BuildError(
            f"build: no {command!r} on this computer; install it (Debian: apt install {' '.join(packages)})"
        )


def _weigh(folder: Path, board: Board) -> Built:
    elf = folder / "firmware.elf"
    sections = _sections(elf, board)
    no_flash = (".bss", ".stack")
    flash = sum(size for name, size in sections.items() if name not in no_flash)
    ram = sum(sections.get(name, 0) for name in (*no_flash, ".data"))
    (model,) = (path for path in (folder / MODEL_FOLDER).glob("*.o") if not path.stem.endswith("_self_test"))
    return Built(elf, flash, ram, sections, flash_of(model, board))


def flash_of(file: Path, board: Board) -> int:
    """Bytes of flash that an object file takes: code, constants, initial values of variables."""
    in_flash = (".text", ".rodata", ".data")
    return sum(size for name, size in _sections(file, board).items() if name.startswith(in_flash))


def _sections(file: Path, board: Board) -> dict[str, int]:
    """Bytes of each section of an object or ELF file that is loaded or reserved."""
    lines = _tool(board, "size", "-A", "-d", str(file)).splitlines()
    rows = [line.split() for line in lines if line.startswith(".")]
    other = (".debug", ".comment", ".ARM.attributes", ".gnu_debug")
    return {row[0]: int(row[1]) for row in rows if not row[0].startswith(other) and int(row[1])}


def _tool(board: Board, tool: str, *arguments: str) -> str:
    command = f"{board.compiler.prefix}{tool}"
    _need(command, board.compiler.packages)
    return subprocess.run(
        [command, *arguments], capture_output=True, text=True, check=True, timeout=_BUILD_SECONDS
    ).stdout


def symbols(elf: Path, board: Board) -> dict[str, int]:
    """Addresses of the symbols of an ELF file; those of code have no Thumb bit."""
    rows = [line.split() for line in _tool(board, "nm", str(elf)).splitlines()]
    return {row[2]: int(row[0], 16) for row in rows if len(row) == 3}


# ------------------------------------------------------------------------------------------------ stack


@dataclass
class _Function:
    """Of one symbol of the disassembly: bytes its own instructions push (None: not known), whom it calls."""

    frame: int | None
    calls: set[str]
    last: str = ""  # last instruction, to see whether it runs into the next symbol


def stack_usage(folder: Path, board: Board, entry_functions: Iterable[str]) -> dict[str, int]:
    """Worst stack of each entry function in bytes, itself and everything below it included.

    Frames of compiled functions are the compiler's own (.su files); calls, and frames of the compiler's
    library, come from the disassembly of firmware.elf, which also holds the helpers that no source names.

    Raises:
        BuildError: recursion, a call through a pointer, a frame of unknown size, or no such function.
    """
    if board.firmware != "cortex_m":
        raise BuildError(f"stack: measured in Cortex-M firmware only, found {board.firmware!r}")
    elf = folder / "firmware.elf"
    # named: of an ELF file alone objdump takes the loops of Armv8.1-M for branches; older code reads the same
    listing = _tool(board, "objdump", "-d", "-marmv8.1-m.main", "--no-show-raw-insn", str(elf))
    functions = _disassemble(listing)
    for name, frame in _frames(folder).items():
        if name in functions:
            functions[name].frame = max(frame, functions[name].frame or 0)
    return {entry: _depth(entry, functions, ()) for entry in entry_functions}


def _depth(name: str, functions: Mapping[str, _Function], above: tuple[str, ...]) -> int:
    path = (*above, name)
    if name in above:
        raise BuildError(f"stack: recursion has no bound: {' -> '.join(path)}")
    if name == _POINTER:
        raise BuildError(f"stack: a call through a pointer has no bound: {' -> '.join(above)}")
    if name not in functions:
        raise BuildError(
            f"stack: no function {name!r} in the firmware (wanted by {' -> '.join(above) or 'the caller'})"
        )
    frame = functions[name].frame
    if frame is None:
        raise BuildError(f"stack: the frame of {name!r} is not known (reached by {' -> '.join(path)})")
    return frame + max((_depth(call, functions, path) for call in sorted(functions[name].calls)), default=0)


def _frames(folder: Path) -> dict[str, int]:
    """Frames by function from the compiler's .su files: ``file:line:column:name <tab> bytes <tab> kind``."""
    frames: dict[str, int] = {}
    for path in sorted(folder.rglob("*.su")):
        for line in path.read_text(encoding="utf-8").splitlines():
            place, size, kind = line.split("\t")
            name = place.rsplit(":", 1)[1]
            if kind != "static":
                raise BuildError(f"stack: {place}: wanted a frame of fixed size, found {kind!r}")
            frames[name] = max(frames.get(name, 0), int(size))
    return frames


_POINTER = "*"  # stands for whatever a pointer may call
_SYMBOL = re.compile(r"^[0-9a-f]+ <([^>]+)>:$")
_INSTRUCTION = re.compile(r"^\s*[0-9a-f]+:\t(\S+)(?:\t([^;@]*))?")
_TARGET = re.compile(r"<([^>+]+)(\+0x[0-9a-f]+)?>")
# a jump away, or padding: NOPs, or zeroes, which read as a move of r0 to itself
_NEVER_FALLS = re.compile(
    r"^(b(\.[nw])?|bx|udf|nop(\.w)?|movs r0, r0|pop.*\bpc\b.*|ldm.*\bpc\b.*|ldr.*\bpc, .*|mov\s+pc.*)(\s|$)"
)


def _disassemble(text: str) -> dict[str, _Function]:
    functions: dict[str, _Function] = {}
    name = ""
    for line in text.splitlines():
        if symbol := _SYMBOL.match(line):
            if name and _falls(functions[name], name):
                functions[name].calls.add(symbol[1])  # one symbol runs into the next
            name = symbol[1]
            functions[name] = _Function(0, set())
        elif name and (found := _INSTRUCTION.match(line)) and not found[1].startswith("."):
            _account(functions[name], name, found[1], (found[2] or "").strip())
    return functions


def _falls(function: _Function, name: str) -> bool:
    """Whether its last instruction is no jump; one of more than 2 KB in the function itself is a BL on a Cortex-M0."""
    inside = function.last.startswith("bl ") and f"<{name}+" in function.last
    return not (inside or _NEVER_FALLS.match(function.last))


def _account(function: _Function, name: str, operation: str, operands: str) -> None:
    function.last = f"{operation} {operands}"
    pushed = _pushed(operation, operands)
    if pushed is None or function.frame is None:
        function.frame = None
    else:
        function.frame += pushed
    target = _TARGET.search(operands)
    if (operation == "bx" and operands != "lr") or (operation == "blx" and not target):
        function.calls.add(_POINTER)
    elif target and (operation.startswith("b") or operation in ("cbz", "cbnz")):
        is_call = operation.startswith("bl") and not operation.startswith(("ble", "bls", "blt"))
        # the rest are jumps inside the function; of more than 2 KB, with BL on a Cortex-M0
        if target[1] != name or (is_call and not target[2]):
            function.calls.add(target[1])


def _pushed(operation: str, operands: str) -> int | None:
    """Bytes by which an instruction lowers the stack pointer; None if it does so by a register."""
    if operation.startswith(("push", "vpush")) or (
        operation.startswith(("stmdb", "vstmdb")) and operands.startswith("sp!")
    ):
        return _registers(operands)
    if operation.startswith("str") and (moved := re.search(r"\[sp, #-(\d+)\]!", operands)):
        return int(moved[1])
    if operation.startswith("sub") and operands.startswith("sp,"):
        amount = re.search(r"#(\d+)$", operands)
        return int(amount[1]) if amount else None
    if (operation.startswith("add") and re.match(r"sp, (sp, )?[ri]", operands)) or (
        operation.startswith("mov") and operands.startswith("sp,")
    ):
        return None
    return 0


def _registers(operands: str) -> int:
    total = 0
    inside = operands[operands.index("{") + 1 : operands.index("}")]
    for part in inside.split(","):
        bounds = [int(number) for number in re.findall(r"\d+", part)]
        total += (bounds[-1] - bounds[0] + 1 if len(bounds) == 2 else 1) * (8 if part.strip().startswith("d") else 4)
    return total
