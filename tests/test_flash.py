"""Firmware of real boards: it compiles, and the command that would flash it is the tool's. None ever ran on silicon."""

from __future__ import annotations

import re
import struct
from pathlib import Path

import pytest

from rtrl_edge.assets import firmware_templates_dir
from rtrl_edge.boards import board_names, load_board
from rtrl_edge.errors import BoardError, BuildError, FolderError
from rtrl_edge.flash import board_of, build, flash, flash_command, uf2, write_firmware
from rtrl_edge.plan import plan

from .models import integer_model
from .needs import needs_tools_of

REAL = [name for name in board_names() if load_board(name).flashers]
BARE = [name for name in REAL if not load_board(name).idf]
MODEL = integer_model(8, name="gait")


@pytest.mark.parametrize("name", BARE)
def test_the_firmware_of_every_board_compiles(name: str, tmp_path: Path) -> None:
    """Flash and RAM where the board has them: the linker checks, with the board's own script."""
    needs_tools_of(load_board(name))
    write_firmware(MODEL, name, tmp_path)
    built, board = build(tmp_path), board_of(tmp_path)
    assert board == load_board(name)
    assert 4096 < built.flash_bytes < board.flash_bytes
    assert built.ram_bytes > board.stack_bytes + plan(MODEL).struct_bytes
    assert board.flashers[0].tool in flash_command(board, tmp_path, port="/dev/ttyACM0")[0].replace("cp", "uf2")


@pytest.mark.parametrize("name", [name for name in REAL if load_board(name).idf])
def test_the_esp32_family_is_not_bare_metal(name: str, tmp_path: Path) -> None:
    with pytest.raises(BoardError, match=f"{name}: has no bare-metal firmware; .*--format esp_idf"):
        write_firmware(MODEL, name, tmp_path)


@pytest.mark.parametrize(
    ("name", "tool", "command"),
    [
        ("nucleo_f446re", None, "openocd -f board/st_nucleo_f4.cfg -c program DIR/firmware.elf verify reset exit"),
        ("nucleo_f446re", "pyocd", "pyocd flash --target stm32f446retx DIR/firmware.elf"),
        (
            "nucleo_g071rb",
            None,
            "openocd -f interface/stlink.cfg -f target/stm32g0x.cfg -c program DIR/firmware.elf verify reset exit",
        ),
        ("raspberry_pi_pico", None, "cp DIR/firmware.uf2 P"),
        ("teensy41", None, "teensy_loader_cli --mcu=TEENSY41 -w -v DIR/firmware.hex"),
        ("nano_33_ble_sense", None, "bossac -d --port=P -U -i -e -w DIR/firmware.bin -R"),
    ],
)
def test_the_command_of_each_tool(name: str, tool: str | None, command: str) -> None:
    assert " ".join(flash_command(load_board(name), Path("DIR"), tool, "P")) == command


def test_what_cannot_be_flashed_says_why(tmp_path: Path) -> None:
    with pytest.raises(BoardError, match=r"nucleo_f446re: flash tool: wanted one of openocd, pyocd, found 'bossac'"):
        flash_command(load_board("nucleo_f446re"), tmp_path, "bossac")
    with pytest.raises(BoardError, match=r"wanted the board's serial port: --port"):
        flash_command(load_board("nano_33_ble_sense"), tmp_path)
    with pytest.raises(BoardError, match=r"qemu_microbit: nothing to flash: it is emulated"):
        flash_command(load_board("qemu_microbit"), tmp_path)
    with pytest.raises(BoardError, match=r"idf\.py -p PORT flash"):
        flash_command(load_board("esp32"), tmp_path)
    with pytest.raises(FolderError, match=r"wanted a folder that `rtrl-edge firmware .* found 0 \.toml files"):
        board_of(tmp_path)


def test_a_dry_run_prints_and_a_missing_tool_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_firmware(MODEL, "teensy41", tmp_path)
    said: list[str] = []
    flash(tmp_path, dry_run=True, say=said.append)
    assert said == [f"teensy_loader_cli --mcu=TEENSY41 -w -v {tmp_path}/firmware.hex"]
    monkeypatch.setattr("shutil.which", lambda _: None)
    with pytest.raises(BuildError, match=r"no 'teensy_loader_cli' on this computer; install it \(apt install teensy"):
        flash(tmp_path, say=said.append)


def test_a_uf2_copy_has_every_byte(tmp_path: Path) -> None:
    """The whole way, the drive being a folder; each block is where its address says."""
    needs_tools_of(load_board("raspberry_pi_pico"))
    write_firmware(MODEL, "raspberry_pi_pico", tmp_path / "fw")
    drive = tmp_path / "drive"
    drive.mkdir()
    flash(tmp_path / "fw", port=str(drive), say=lambda _: None)
    image, blocks = (tmp_path / "fw" / "firmware.bin").read_bytes(), (drive / "firmware.uf2").read_bytes()
    assert blocks == uf2(image, 0x10000000, 0xE48BFF56)
    back = bytearray()
    for at in range(0, len(blocks), 512):
        words = struct.unpack_from("<8I", blocks, at)
        assert words == (
            0x0A324655,
            0x9E5D5157,
            0x2000,
            0x10000000 + len(back),
            256,
            at // 512,
            len(blocks) // 512,
            0xE48BFF56,
        )
        back += blocks[at + 32 : at + 288]
    assert back[: len(image)] == image
    stage = struct.unpack_from("<64I", image)
    assert checksum(struct.pack("<63I", *stage[:63])) == stage[63]
    stack, reset = struct.unpack_from("<2I", image, 256)
    assert stack >> 28 == 2
    assert reset & 1


def test_the_second_stage_has_its_checksum() -> None:
    text = (firmware_templates_dir() / "cortex_m" / "boot_rp2040.c").read_text(encoding="utf-8")
    numbers = [int(word, 16) for word in re.findall(r"0x[0-9A-F]{8}", text[text.index("second_stage") :])]
    assert checksum(struct.pack("<63I", *numbers[:-1], *[0] * (64 - len(numbers)))) == numbers[-1]


def checksum(data: bytes) -> int:
    """CRC-32 of the RP2040's ROM: not reflected, from ones, not inverted at the end."""
    crc = 0xFFFFFFFF
    for byte in data:
        crc ^= byte << 24
        for _ in range(8):
            crc = (crc << 1 ^ 0x04C11DB7 if crc >> 31 else crc << 1) & 0xFFFFFFFF
    return crc
