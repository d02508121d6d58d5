"""The firmware of a board in QEMU, or as a program of this computer, as a device."""

from __future__ import annotations

import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from hashlib import sha256
from importlib import resources
from pathlib import Path
from typing import IO

from ..boards import Board, Emulated, load_board
from ..emit import manifest
from ..errors import BoardError, BuildError, LinkError
from ..firmware import build_firmware, firmware_project, symbols
from ..plan import plan
from ..project import write_files
from ..quantize import IntegerModel, check_quantized
from .host import cache_dir, find_compiler
from .link import LinkDevice
from .protocol import Line, Request

_QUIT_SECONDS = 5.0
#: calls of the generated code that main.c puts between two labels
COUNTED = ("predict", "learn", "observe")


@dataclass(frozen=True)
class InstructionCount:
    """Executed instructions of one kind of call; not cycles: the emulator has no pipeline and no caches."""

    calls: int
    least: int
    most: int
    total: int


class Emulator(LinkDevice):
    """Builds the firmware of a model for a board and runs it.

    Args:
        integer_model: what :func:`rtrl_edge.quantize` made.
        board: a board, its name, or the path of a board file.
        folder: where to write and build the firmware; a temporary folder if not given.
        uart: speak through the board's emulated UART, as on the real board, instead of the emulator's
            console, which is ten times faster and differs in nothing but the port file.
        count_instructions: count those of each call, see :meth:`instructions`.
        sliced: for counting: ``learn`` only begins a step, and each ``observe`` does one slice of it.
        checked: build with the words that trap where a bound of the plan is broken.
        extra_flags: for the compiler, after all others.
        timeout: seconds that any answer may take.

    Raises:
        BoardError: the board has no emulator, of its own.
        BuildError: a compiler, make or the emulator is missing; the compiler refused.
        PlanError: the model does not fit the board.
        LinkError: the firmware does not answer.
    """

    def __init__(
        self,
        integer_model: IntegerModel,
        board: Board | str | Path,
        folder: str | Path | None = None,
        *,
        uart: bool = False,
        count_instructions: bool = False,
        sliced: bool = False,
        checked: bool = False,
        extra_flags: Iterable[str] = (),
        timeout: float = 10.0,
    ) -> None:
        check_quantized("Emulator", integer_model)
        self.board = board if isinstance(board, Board) else load_board(board)
        emulated = emulator_of(self.board)  # None: the native firmware, a program that needs none
        if uart and self.board.uart is None:
            raise BoardError(f"{self.board.name}: has no UART; leave out uart=True")
        if count_instructions:
            check_counts(self.board)
        self._temporary = tempfile.TemporaryDirectory(prefix="rtrl-edge-")
        self._process: subprocess.Popen[bytes] | None = None
        self._socket: socket.socket | None = None
        self._counts: Path | None = None
        try:
            console = emulated is not None and not uart
            texts = firmware_project(integer_model, self.board, console=console, checked=checked, sliced=sliced)
            where = Path(folder) if folder is not None else Path(self._temporary.name) / "firmware"
            figures, simd = plan(integer_model, self.board).figures(), self.board.simd
            write_files(where, texts, manifest(integer_model, texts, figures, checked=checked, simd=simd))
            self.built = build_firmware(where, self.board, extra_flags=extra_flags)
            self._said: IO[bytes] = (Path(self._temporary.name) / "said.txt").open("w+b")
            if emulated is None:
                line = self._start([str(self.built.elf)])
            else:
                line = self._start_qemu(emulated, uart, count_instructions)
            super().__init__(integer_model, line, timeout=timeout)
        except BaseException:
            self._kill()
            raise

    # ------------------------------------------------------------------------------------------ processes

    def _start(self, command: list[str], *, pipes: bool = True, pass_fds: Iterable[int] = ()) -> Line:
        """Run it, its stdin and stdout being the line (or not: ``pipes``)."""
        self._process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE if pipes else subprocess.DEVNULL,
            stdout=subprocess.PIPE if pipes else self._said,
            stderr=self._said,
            bufsize=0,
            pass_fds=tuple(pass_fds),
        )
        if self._process.stdin is not None and self._process.stdout is not None:
            return Line(self._process.stdout.fileno(), self._process.stdin.fileno(), self._end)
        assert self._socket is not None
        return Line(self._socket.fileno(), self._socket.fileno(), self._end)

    def _start_qemu(self, emulated: Emulated, uart: bool, count_instructions: bool) -> Line:
        command = qemu(emulated, self.built.elf)
        if count_instructions:
            self._counts = Path(self._temporary.name) / "instructions.txt"
            command += [
                "-plugin",
                count_argument(self._counts, symbols(self.built.elf, self.board), COUNTED),
            ]
        if not uart:
            return self._start([*command, "-serial", "none"])
        # the UART's other end is a socket pair: nothing listens, no port is taken
        self._socket, theirs = socket.socketpair()
        with theirs:
            far = theirs.fileno()
            command += ["-chardev", f"socket,id=line,fd={far}", "-serial", "chardev:line"]
            return self._start(command, pipes=False, pass_fds=[far])

    def _end(self) -> str:
        """How the process ended, for a message."""
        assert self._process is not None
        try:
            code = self._process.wait(_QUIT_SECONDS)
        except subprocess.TimeoutExpired:
            return "; its process still runs"
        self._said.seek(0)
        said = self._said.read(4000).decode(errors="replace").strip()
        return f"; its process ended with exit code {code}" + (f" and said: {said}" if said else "")

    def close(self) -> None:
        """End the firmware and its emulator; further calls are errors. Counted instructions stay."""
        if not self._closed and self._process is not None and self._process.poll() is None:
            self._timeout = min(self._timeout, _QUIT_SECONDS)
            try:
                self._ask(Request.QUIT, b"", 0)
                self._process.wait(_QUIT_SECONDS)
            except (LinkError, subprocess.TimeoutExpired):
                pass  # it hangs or is gone already, often what made the caller close: killed below
        super().close()
        self._kill()

    def _kill(self) -> None:
        if self._process is not None:
            if self._process.poll() is None:
                self._process.kill()
            self._process.wait()
            for pipe in (self._process.stdin, self._process.stdout):
                if pipe is not None:
                    pipe.close()
            self._process = None
        if self._socket is not None:
            self._socket.close()
            self._socket = None
        if self._counts is not None and self._counts.is_file():
            text = self._counts.read_text(encoding="utf-8")
            self._instructions = parse_counts(text) if text else None  # empty: it was killed
            self._counts = None
        if hasattr(self, "_said"):
            self._said.close()
        self._temporary.cleanup()

    # --------------------------------------------------------------------------------------- instructions

    _instructions: dict[str, InstructionCount] | None = None

    def instructions(self) -> dict[str, InstructionCount]:
        """Instructions of all calls of predict, learn and observe since the start; ends the emulation.

        Raises:
            LinkError: made without ``count_instructions=True``, or the emulation did not end by itself.
        """
        self.close()
        if self._instructions is None:
            raise LinkError(
                "emulator: no instructions were counted; "
                "wanted Emulator(..., count_instructions=True), and that it ran to its end"
            )
        return self._instructions


def check_counts(board: Board) -> None:
    """BoardError or BuildError where the instructions of a board's firmware cannot be counted on this computer."""
    if emulator_of(board) is None:
        raise BoardError(f"{board.name}: instructions are counted by QEMU only; choose an emulated board")


def emulator_of(board: Board) -> Emulated | None:
    """What emulates a board; None for the native firmware, which needs no emulator.

    Raises:
        BoardError: the board has no emulator of its own.
        BuildError: it is not installed here.
    """
    if board.firmware == "native":
        return None
    if board.emulator is None:
        other = f"of the same core there is {board.stand_in!r}" if board.stand_in else "choose one such as qemu_*"
        raise BoardError(f"{board.name}: has no emulator; {other}")
    if shutil.which(board.emulator.command) is None:
        raise BuildError(
            f"emulator: no {board.emulator.command!r} on this computer; "
            f"install it (Debian: apt install {board.emulator.package})"
        )
    return board.emulator


def qemu(emulated: Emulated, elf: Path) -> list[str]:
    """The command that boots a firmware; without a serial port yet."""
    return [
        emulated.command, "-M", emulated.machine, *(["-cpu", emulated.cpu] if emulated.cpu else []), *emulated.options,
        "-display", "none", "-monitor", "none", "-semihosting-config", "enable=on,target=native", "-kernel", str(elf),
    ]  # fmt: skip


# -------------------------------------------------------------------------------------------------- plugin


def _plugin() -> Path:
    """The compiled counter, kept in the cache by its source and compiler."""
    source = resources.files(__package__).joinpath("insn_count.c").read_text(encoding="utf-8")
    compiler = find_compiler()
    plugin = cache_dir() / f"insn_count-{sha256(f'{compiler}{source}'.encode()).hexdigest()[:16]}.so"
    if plugin.is_file():
        return plugin
    plugin.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=plugin.parent) as scratch:
        made = Path(scratch) / "insn_count.so"
        command = [compiler, "-std=c99", "-O2", "-shared", "-fPIC", "-x", "c", "-", "-o", str(made)]
        done = subprocess.run(command, input=source, capture_output=True, text=True, check=False, timeout=60)
        if done.returncode:
            raise BuildError(
                f"emulator: {compiler} refused the instruction counter:\n" + "\n".join(done.stderr.splitlines()[:12])
            )
        made.replace(plugin)  # whole or not at all, if two processes build it
    return plugin


def count_argument(out: Path, addresses: Mapping[str, int], calls: Iterable[str], *more: str) -> str:
    """QEMU's argument ``-plugin``: count the calls, each between its two labels, into a file; ``more``: as
    insn_count.c has them."""

    def quoted(path: Path) -> str:
        return str(path).replace(",", ",,")  # QEMU's own escape

    marks = [f"mark={name}:{addresses[f'mark_{name}_begin']}:{addresses[f'mark_{name}_end']}" for name in calls]
    return ",".join([quoted(_plugin()), f"out={quoted(out)}", *marks, *more])


def parse_counts(text: str) -> dict[str, InstructionCount]:
    """What insn_count.c wrote: ``NAME spans min max total`` a line; ``all`` is not a call and left out."""
    counts = {}
    for line in text.splitlines():
        name, *numbers = line.split()
        if name != "all":
            counts[name] = InstructionCount(*map(int, numbers))
    return counts
