"""Board files: all of them load, and a wrong one says what is wrong."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

import rtrl_edge as rt
from rtrl_edge.assets import boards_dir
from rtrl_edge.board_list import figures, listing, show
from rtrl_edge.boards import board_names, load_board
from rtrl_edge.errors import BoardError, PlanError
from rtrl_edge.firmware import firmware_files
from rtrl_edge.plan import plan

GOOD = (boards_dir() / "qemu_mps2_an386.toml").read_text(encoding="utf-8")


def write(folder: Path, text: str) -> Path:
    path = folder / "qemu_mps2_an386.toml"
    path.write_text(text, encoding="utf-8")
    return path


@pytest.mark.parametrize("name", board_names())
def test_every_board_loads(name: str) -> None:
    board = load_board(name)
    assert board.name == name
    assert 0 < board.stack_bytes < board.ram_bytes <= sum(region.size for region in board.ram)
    assert board.flash_bytes >= 65536
    hash(board)


@pytest.mark.parametrize("name", [name for name in board_names() if load_board(name).emulator])
def test_every_emulated_board_has_a_firmware(name: str) -> None:
    board = load_board(name)
    texts = firmware_files("net", board)
    assert texts == firmware_files("net", load_board(name))
    assert not [file for file, text in texts.items() if re.search(r"@\w+@", text)]
    assert f"0x{board.main_ram.origin:08X}" in texts["board.ld"]


def test_the_largest_data_region_is_the_one_that_counts() -> None:
    board = load_board("qemu_mps2_an385")
    assert board.main_ram.name == "ssram23"  # the PSRAM is larger, but spare
    assert board.ram_bytes == 4 * 1024 * 1024


def test_a_users_own_file(tmp_path: Path) -> None:
    path = write(tmp_path, GOOD.replace("stack_bytes = 2048", "stack_bytes = 4096"))
    assert load_board(path).stack_bytes == load_board(str(path)).stack_bytes == 4096


def test_unknown_board() -> None:
    with pytest.raises(BoardError, match=r"'qemu_mps2_an387' \(did you mean '.*'\?\); known: esp32, esp32c3"):
        load_board("qemu_mps2_an387")
    with pytest.raises(BoardError, match=r"no file 'nowhere\.toml'"):
        load_board("nowhere.toml")


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("clock_hz =", "clock_khz =", "unknown key 'clock_khz' (did you mean 'clock_hz'?)"),
        ("prefix =", "prefx =", "compiler: unknown key 'prefx' (did you mean 'prefix'?)"),
        ('use = "data"', 'usage = "data"', "ram: unknown key 'usage' (did you mean 'use'?)"),
        ('core = "cortex-m4"\n', "", "missing key 'core'"),
        ("base = 0x40004000\n", "", "uart: missing key 'base'"),
        (
            "stack_bytes = 2048",
            'stack_bytes = "2K"',
            "stack_bytes: wanted a whole number, not negative, found '2K'",
        ),
        (
            "stack_bytes = 2048",
            "stack_bytes = 2044",
            "wanted a multiple of 8 below the RAM's 4194304 bytes, found 2044",
        ),
        ("stack_bytes = 2048", "stack_bytes = true", "wanted a whole number, not negative, found True"),
        ("size = 4194304", "size = -1", "size: wanted a whole number, not negative, found -1"),
        ('simd = "dsp"', 'simd = "neon"', "simd: wanted one of none, dsp, mve, pie, few_registers, found 'neon'"),
        ('simd = "dsp"', 'simd = "mve"', 'the core is \'cortex-m4\', so "dsp" or "none"'),
        ("coprocessor = true", "coprocessor = 1", "coprocessor: wanted true or false, found 1"),
        ("flags = [", "flags = [1, ", "flags: wanted a list of texts"),
        ('use = "data"', 'use = "code"', "use: wanted data or spare, found 'code'"),
        ('use = "data"', 'use = "spare"', 'wanted at least one region with use = "data"'),
        ("[[ram]]", "[[rom]]", "unknown key 'rom' (did you mean 'ram'?)"),
        ("[flash]\norigin", "[[flash]]\norigin", "flash: wanted a table"),
        (
            'name = "qemu_mps2_an386"',
            'name = "other"',
            "name: wanted 'qemu_mps2_an386' like the file, found 'other'",
        ),
        ('\nuart = "QEMU', '\nurt = "QEMU', "source: unknown key 'urt' (did you mean 'uart'?)"),
        ("[uart]", "[uart", "not TOML"),
    ],
)
def test_a_wrong_file_says_what_is_wrong(tmp_path: Path, old: str, new: str, message: str) -> None:
    assert old in GOOD
    with pytest.raises(BoardError, match=re.escape(message)):
        load_board(write(tmp_path, GOOD.replace(old, new)))


def test_every_number_has_a_source(tmp_path: Path) -> None:
    text = re.sub(r"\nclock_hz = \"QEMU.*", "", GOOD)
    with pytest.raises(BoardError, match="source: missing key 'clock_hz': say who gives this number"):
        load_board(write(tmp_path, text))


def test_a_board_without_firmware_says_so(tmp_path: Path) -> None:
    with pytest.raises(BoardError, match=r"uart: driver: wanted one of .*cmsdk, .*nrf51, .*found 'stm32'"):
        firmware_files("net", load_board(write(tmp_path, GOOD.replace('"cmsdk"', '"stm32"'))))
    with pytest.raises(BoardError, match=r"firmware: wanted one of 'native', 'cortex_m', .*, found 'arduino'"):
        firmware_files("net", load_board(write(tmp_path, GOOD.replace('"cortex_m"', '"arduino"'))))


def test_a_number_that_nobody_verified_says_so() -> None:
    board = load_board("nucleo_f446re")
    text = show(board)
    assert (
        "endurance           10,000 cycles\n                          NOT VERIFIED: STM32F446 datasheet, from memory"
        in text
    )
    assert "source: PlatformIO" in text
    assert figures(board)["not_verified"] == ["flash_endurance_cycles", "uart"]
    assert "verified" not in show(load_board("qemu_microbit")).lower()


def test_every_board_can_be_shown_and_listed() -> None:
    boards = [load_board(name) for name in board_names()]
    assert all(name in listing(boards) for name in board_names())
    for board in boards:
        assert board.title in show(board)
        json.dumps(figures(board))


def test_ram_in_pieces() -> None:
    """The sum would do, the largest region does not: the plan says so."""
    esp32 = load_board("esp32")
    assert esp32.data_ram_bytes > esp32.ram_bytes == 180736
    model = rt.Model("net", 4, [rt.RNN(48)], rt.Linear(2), numbers=rt.R16(cap=2))
    assert esp32.ram_bytes < plan(model).struct_bytes < esp32.data_ram_bytes
    with pytest.raises(
        PlanError, match=r"all regions together \(dram0 180,736 B, .* lie in one of them\. units=\d+ fits"
    ):
        plan(model, "esp32")
    with pytest.raises(PlanError, match=r"the firmware's buffers\. units="):
        plan(model, "nucleo_g071rb")


def test_a_tool_that_we_cannot_call(tmp_path: Path) -> None:
    text = GOOD.replace("[source]", '[[flashers]]\ntool = "avrdude"\ntarget = ""\n\n[source]\nflashers = "me"')
    with pytest.raises(BoardError, match=r"flashers: tool: wanted one of pyocd, .* found 'avrdude'"):
        load_board(write(tmp_path, text))


def test_a_stand_in_is_emulated_and_has_the_same_compiler_family() -> None:
    for board in map(load_board, board_names()):
        if board.stand_in:
            other = load_board(board.stand_in)
            assert other.emulator
            assert board.emulator is None
            assert board.core.removesuffix("plus") == other.core
