"""What a test needs on this computer: a missing compiler fails it, so no core goes untested unnoticed."""

from __future__ import annotations

import os
import shutil

import pytest

from rtrl_edge.boards import Board
from rtrl_edge.device.host import best_simd

HOST_ONLY = "RTRL_EDGE_HOST_ONLY"


def needs(*commands: str) -> None:
    """Fail unless all commands are installed; with RTRL_EDGE_HOST_ONLY=1 in the environment, skip."""
    missing = [command for command in commands if shutil.which(command) is None]
    if missing and os.environ.get(HOST_ONLY) == "1":
        pytest.skip(f"{HOST_ONLY}=1, and not installed: {', '.join(missing)}")
    if missing:
        pytest.fail(f"not installed: {', '.join(missing)}; install them, or set {HOST_ONLY}=1 to leave such tests out")


def needs_instructions(simd: str) -> None:
    """Skip, and say so, where this CPU lacks them: nothing can be installed. Plain C is tested everywhere."""
    if best_simd() != simd:
        pytest.skip(f"this CPU has no {simd.upper()}, or its system does not tell: its kernels are not tested here")


def needs_tools_of(board: Board) -> None:
    """What builds the firmware of a board, and what runs it."""
    emulator = [board.emulator.command] if board.emulator else []
    needs("make", board.compiler.command, *board.compiler.programs, *emulator)
