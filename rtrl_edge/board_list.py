"""Boards in words and as plain data: what `rtrl-edge boards` and `boards show` print."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict

from .boards import UNVERIFIED, Board
from .evaluate.tables import text_table


def listing(boards: Sequence[Board]) -> str:
    """One line a board."""
    rows = [
        (
            b.name,
            b.core,
            f"{b.clock_hz / 1e6:g}" if b.clock_hz else None,
            f"{b.ram_bytes:,}" + ("+" if b.data_ram_bytes > b.ram_bytes else ""),
            f"{b.flash_bytes:,}",
            b.emulation,
            b.title,
        )
        for b in boards
    ]
    header = ("board", "core", "MHz", "RAM B", "flash B", "emulated", "what it is")
    table = text_table(header, rows, texts=("core", "emulated", "what it is"))
    return (
        f"{table}\nRAM: the largest region, in which the state must fit; +: there are more (`rtrl-edge boards show B`)"
    )


def show(board: Board) -> str:
    """All that its file says, each number with who says so."""
    lines = [f"{board.name}: {board.title}", ""]

    def say(key: str, value: str, source: str = "") -> None:
        text = board.source.get(source, "")
        lines.append(f"  {key:<22}{value}")
        if text:
            lines.append(f"  {'':<22}  {'NOT VERIFIED' if UNVERIFIED in text else 'source'}: {_told(text)}")

    say("core", f"{board.core}, FPU {board.fpu}, SIMD {board.simd}", "core")
    if board.clock_hz:
        say("clock", f"{board.clock_hz / 1e6:g} MHz", "clock_hz")
    for number, region in enumerate(board.ram):
        last = "ram" if number + 1 == len(board.ram) else ""
        say(f"RAM {region.name}", f"{region.size:,} B at 0x{region.origin:08X}, {region.use}", last)
    if board.data_ram_bytes > board.ram_bytes:
        lines.append(f"  {'':<22}the state must fit in one region: at most {board.ram_bytes:,} B")
    say("stack reserved", f"{board.stack_bytes:,} B", "stack_bytes")
    flash = board.flash
    say("flash", f"{flash.size:,} B at 0x{flash.origin:08X}", "flash")
    costs = (
        ("  erase block", flash.erase_block_bytes, "B", "erase_block_bytes"),
        ("  write block", flash.write_block_bytes, "B", "write_block_bytes"),
        ("  longest erase", flash.erase_ms, "ms", "erase_ms"),
        ("  endurance", flash.endurance_cycles, "cycles", "endurance_cycles"),
    )
    for what, value, unit, key in costs:
        if value is not None:
            say(what, f"{value:,} {unit}", f"flash_{key}")
    if board.uart:
        say("UART", f"{board.uart.driver} at 0x{board.uart.base:08X}", "uart")
    if board.flashers:
        say("flash tool", ", ".join(f"{f.tool} {f.target}".strip() for f in board.flashers), "flashers")
    say("compiler", " ".join((board.compiler.command, *board.compiler.flags)))
    say("firmware", "no bare metal: `rtrl-edge generate --format esp_idf`" if board.idf else board.firmware)
    say("emulated", board.emulation)
    return "\n".join(lines)


def figures(board: Board) -> dict[str, object]:
    """The same as plain data: the keys of its file, the words of the list, and which numbers nobody verified."""
    return {
        **asdict(board),
        "source": dict(board.source),
        "emulation": board.emulation,
        "ram_bytes": board.ram_bytes,
        "not_verified": [key for key, text in board.source.items() if UNVERIFIED in text],
    }


def _told(text: str) -> str:
    return text.removeprefix(f"{UNVERIFIED}: ")
