"""What this computer can do for us, what is missing, what each missing piece would enable."""

from __future__ import annotations

import importlib.metadata
import importlib.util
import shutil
import subprocess
import sys
from dataclasses import dataclass

from .boards import board_names, load_board


@dataclass(frozen=True)
class Finding:
    """One tool or package: ``found`` is its version line, or None."""

    name: str
    enables: str
    install: str
    found: str | None


_PACKAGES = (
    ("numpy", "everything", "pip install numpy"),
    ("cffi", "the host twin", "pip install cffi"),
    ("matplotlib", "plots in the HTML report", "pip install 'rtrl-edge[report]'"),
    ("onnx", "networks as ONNX, in and out", "pip install 'rtrl-edge[onnx]'"),
    ("safetensors", "weights of PyTorch as .safetensors, in and out", "pip install safetensors"),
    ("ai_edge_litert", "networks as TFLite, in and out", "pip install 'rtrl-edge[tflite]'"),
    ("torch", "modules of PyTorch as they are (its weights need none of it)", "pip install 'rtrl-edge[torch]'"),
    ("pytest", "the test suite", "pip install 'rtrl-edge[test]'"),
)
_TOOLS = (
    (
        "gcc",
        "the host twin (any of gcc, clang, cc, or $CC) and the instruction counter",
        "apt-get install gcc libc6-dev",
    ),
    ("clang", "the host twin by a second compiler (tests)", "apt-get install clang"),
    ("make", "building firmware folders", "apt-get install make"),
)


def examine() -> list[Finding]:
    """Look for every tool and package that some command uses."""
    found = [Finding("python", "everything (3.11 or later)", "apt-get install python3", sys.version.split()[0])]
    found += [Finding(name, enables, install, _package(name)) for name, enables, install in _PACKAGES]
    tools = list(_TOOLS)
    boards: dict[str, tuple[str, list[str]]] = {}
    for name in board_names():
        board = load_board(name)
        if board.core != "host" and not board.idf:
            for command in (board.compiler.command, *board.compiler.programs):
                boards.setdefault(command, (" ".join(board.compiler.packages), []))[1].append(name)
        if board.emulator is not None:
            boards.setdefault(board.emulator.command, (board.emulator.package, []))[1].append(name)
    for command, (package, names) in boards.items():
        verb = "running" if command.startswith("qemu") else "compiling for"
        tools.append((command, f"{verb} {', '.join(names)}", f"apt-get install {package}"))
    return found + [Finding(name, enables, install, _tool(name)) for name, enables, install in tools]


def _package(name: str) -> str | None:
    return importlib.metadata.version(name) if importlib.util.find_spec(name) else None


def _tool(name: str) -> str | None:
    path = shutil.which(name)
    if path is None:
        return None
    try:
        result = subprocess.run([path, "--version"], capture_output=True, text=True, check=False, timeout=20)
    except (OSError, subprocess.TimeoutExpired) as error:
        return f"{path}, but it does not run: {error}"
    return (result.stdout.splitlines() or [path])[0]
