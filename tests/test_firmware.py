"""The firmware of every emulated board: the host's bits, exact counts, and inside its stack."""

from __future__ import annotations

import dataclasses
import subprocess
from pathlib import Path

import numpy as np
import pytest

from rtrl_edge.boards import Board, Uart, board_names, load_board
from rtrl_edge.device.emulator import COUNTED, Emulator, InstructionCount, parse_counts
from rtrl_edge.device.host import HostTwin
from rtrl_edge.errors import BoardError, BuildError, LinkError
from rtrl_edge.firmware import _disassemble, build_firmware, firmware_project, stack_usage
from rtrl_edge.layout import differences
from rtrl_edge.quantize import IntegerModel

from .models import integer_model, words
from .needs import needs, needs_tools_of

EMULATED = [name for name in board_names() if load_board(name).emulator is not None]
STEPS = 100
MODEL = integer_model(units=7, name="gait")
AN385 = load_board("qemu_mps2_an385")


@pytest.fixture(autouse=True)
def _tools() -> None:
    needs("arm-none-eabi-gcc", "qemu-system-arm", "make", "gcc")


def play(chip: Emulator, model: IntegerModel, steps: int) -> None:
    """Every call, and the host twin beside it: the same bits throughout."""
    x, target, labelled = words(model, steps)
    with HostTwin(model) as twin:
        for t in range(steps):
            if t > 0 and labelled[t - 1] and t % 2:
                y = chip.step(target[t - 1], x[t])
                twin.learn(target[t - 1])
            else:
                if t > 0 and labelled[t - 1]:
                    chip.learn(target[t - 1])
                    twin.learn(target[t - 1])
                elif t > 0:
                    chip.observe()
                    twin.observe()
                y = chip.predict(x[t])
            np.testing.assert_array_equal(y, twin.predict(x[t]))
        assert not differences(chip.state(), twin.state(), model.model)


@pytest.mark.parametrize("name", EMULATED)
def test_a_board_computes_counts_and_stays_in_its_stack(name: str, tmp_path: Path) -> None:
    """Two runs: the bits of the host twin, the same counts of instructions, no more stack than planned."""
    counts = []
    board = load_board(name)
    needs_tools_of(board)
    for _ in range(2):
        with Emulator(MODEL, name, tmp_path, count_instructions=True) as chip:
            play(chip, MODEL, STEPS)
            used = chip.stack_high_water()
            counts.append(chip.instructions())
    assert counts[0] == counts[1]
    labelled = words(MODEL, STEPS)[2]
    calls = {call: counted.calls for call, counted in counts[0].items()}
    learned = int(labelled[:-1].sum())
    assert calls == {"predict": STEPS, "learn": learned, "observe": STEPS - 1 - learned}
    for counted in counts[0].values():
        assert 0 < counted.least <= counted.total // counted.calls <= counted.most
    assert 0 < used <= board.stack_bytes
    if board.firmware == "cortex_m":
        worst = stack_usage(tmp_path, board, ["gait_init", "gait_predict", "gait_learn", "gait_observe", "main"])
        assert max(worst["gait_predict"], worst["gait_learn"]) < used <= worst["main"] + 8 <= board.stack_bytes
    built = chip.built
    assert built.sections[".stack"] == board.stack_bytes
    assert 0 < built.flash_bytes <= board.flash_bytes
    assert 0 < built.ram_bytes <= board.ram_bytes
    assert built.ram_bytes == sum(built.sections.get(part, 0) for part in (".stack", ".data", ".bss"))


@pytest.mark.parametrize("name", [name for name in EMULATED if load_board(name).uart])
def test_the_boards_own_uart(name: str) -> None:
    needs_tools_of(load_board(name))
    with Emulator(MODEL, name, uart=True) as chip:
        play(chip, MODEL, 10)


def test_restart_and_reset() -> None:
    x, target, _ = words(MODEL, 10)
    with Emulator(MODEL, "qemu_microbit") as chip:
        factory = chip.state()
        first = chip.predict(x[0])
        chip.learn(target[0])
        learned = chip.state()
        chip.reset()
        after_reset = chip.state()
        np.testing.assert_array_equal(after_reset["w_hi"], learned["w_hi"])
        assert not after_reset["h"].any()
        chip.restart()
        assert not differences(chip.state(), factory, MODEL.model)
        np.testing.assert_array_equal(chip.predict(x[0]), first)


def test_a_stack_overflow_is_a_fault_that_says_so() -> None:
    board = dataclasses.replace(AN385, stack_bytes=64)
    with pytest.raises(LinkError, match=r"exit code 99 and said: fault: exception 0x0000000[3-6] at pc 0x"):
        Emulator(MODEL, board)


def test_a_core_without_the_instructions_faults() -> None:
    """QEMU is strict: code for the M3 faults on the M0. So a board that passes has the core it names."""
    board = load_board("qemu_microbit")
    flags = load_board("qemu_mps2_an385").compiler.flags
    with pytest.raises(LinkError, match="its process ended with exit code"):
        Emulator(
            MODEL,
            dataclasses.replace(board, compiler=dataclasses.replace(board.compiler, flags=flags)),
            timeout=3.0,
        )


def test_missing_tools_say_what_to_install(tmp_path: Path) -> None:
    compiler = dataclasses.replace(AN385.compiler, prefix="nowhere-")
    with pytest.raises(BuildError, match=r"no 'nowhere-gcc' .* apt install gcc-arm-none-eabi libnewlib-arm-none-eabi"):
        Emulator(MODEL, dataclasses.replace(AN385, compiler=compiler))
    assert AN385.emulator is not None
    emulator = dataclasses.replace(AN385.emulator, command="nowhere-qemu")
    with pytest.raises(BuildError, match=r"no 'nowhere-qemu' .* apt install qemu-system-arm"):
        Emulator(MODEL, dataclasses.replace(AN385, emulator=emulator))


def test_a_board_that_cannot_be_emulated_says_so() -> None:
    with pytest.raises(BoardError, match="has no emulator; choose one such as qemu"):
        Emulator(MODEL, dataclasses.replace(AN385, emulator=None))
    with pytest.raises(BoardError, match="of the same core there is 'qemu_mps2_an500'"):
        Emulator(MODEL, "nucleo_h743zi")
    with pytest.raises(BoardError, match="instructions are counted by QEMU only"):
        Emulator(MODEL, "native", count_instructions=True)
    for name in ("native", "qemu_lx106"):
        needs_tools_of(load_board(name))
        with pytest.raises(BoardError, match="has no UART"):
            Emulator(MODEL, name, uart=True)


def write(folder: Path, board: Board) -> Path:
    for file, text in firmware_project(MODEL, board).items():
        path = folder / file
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return folder


def test_the_compilers_words_reach_the_user(tmp_path: Path) -> None:
    write(tmp_path, AN385)
    with pytest.raises(
        BuildError, match=r"arm-none-eabi-gcc refused the firmware for qemu_mps2_an385:\n(.*\n)*.*error"
    ):
        build_firmware(tmp_path, AN385, extra_flags=["-DLINK_VERSION=?"])
    first = build_firmware(tmp_path, AN385)
    small = build_firmware(tmp_path, AN385, extra_flags=["-Os"])  # other flags: all is built again
    assert small.flash_bytes < first.flash_bytes


def test_a_firmware_too_large_is_refused_by_the_linker(tmp_path: Path) -> None:
    ram = dataclasses.replace(AN385.main_ram, size=3072)
    with pytest.raises(BuildError, match="overflowed by"):
        build_firmware(write(tmp_path, dataclasses.replace(AN385, ram=(ram,))), AN385)


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ("return n < 2 ? n : f(n - 1) * f(n - 2);", "recursion has no bound: main -> f -> f"),
        (
            "volatile char a[n]; a[n - 1] = 1; return a[0];",
            "f: wanted a frame of fixed size, found 'dynamic'",
        ),
        ("extern int (*volatile p)(int); return p(n) + 1;", "through a pointer has no bound: main -> f"),
    ],
    ids=["recursion", "variable", "pointer"],
)
def test_stack_without_bound_is_refused(tmp_path: Path, body: str, message: str) -> None:
    write(tmp_path, AN385)
    code = f"int f(int n);\n__attribute__((noipa)) int f(int n) {{ {body} }}\n"
    pointer = "int (*volatile p)(int);\n" if "p)" in body else ""
    (tmp_path / "main.c").write_text(f"{code}{pointer}int main(void) {{ return f(3) + 1; }}\n", encoding="utf-8")
    build_firmware(tmp_path, AN385)
    with pytest.raises(BuildError, match=message):
        stack_usage(tmp_path, AN385, ["main"])


def test_a_far_jump_at_the_end_is_no_fall_into_the_next_function() -> None:
    """A Cortex-M0 jumps over more than 2 KB by BL; a BL of another function at the end may return. NOP.W and zeroes are
    padding."""
    listing = """
00000100 <far>:
     100:\tpush\t{r4, lr}
     102:\tpop\t{r4, pc}
     104:\tbl\t102 <far+0x2>
     108:\tnop.w
     10c:\t.word\t0x0000447e

0000010c <next>:
     10c:\tpush\t{r4, lr}
     10e:\tbl\t100 <far>

00000112 <last>:
     112:\tbx\tlr
     114:\tmovs\tr0, r0

00000118 <another>:
     118:\tbx\tlr
"""
    found = _disassemble(listing)
    assert found["far"].calls == found["last"].calls == set()
    assert found["next"].calls == {"far", "last"}


def test_stack_of_an_unknown_function(tmp_path: Path) -> None:
    build_firmware(write(tmp_path, AN385), AN385)
    with pytest.raises(BuildError, match="no function 'gait_fly'"):
        stack_usage(tmp_path, AN385, ["gait_fly"])
    with pytest.raises(BuildError, match="measured in Cortex-M firmware only"):
        stack_usage(tmp_path, load_board("native"), ["gait_init"])


def test_uncounted_instructions_are_an_error() -> None:
    with (
        Emulator(MODEL, "qemu_mps2_an385") as chip,
        pytest.raises(LinkError, match="no instructions were counted"),
    ):
        chip.instructions()


def test_counts_are_read() -> None:
    assert parse_counts("predict 2 3 4 7\nall - - - 99\n") == {"predict": InstructionCount(2, 3, 4, 7)}
    assert COUNTED == ("predict", "learn", "observe")


def test_a_driver_must_exist() -> None:
    with pytest.raises(BoardError, match=r"uart: driver: wanted one of .*cmsdk, .*nrf51, .*found 'stm32'"):
        firmware_project(MODEL, dataclasses.replace(AN385, uart=Uart("stm32", 0)))


@pytest.mark.parametrize(
    ("name", "instruction", "said"),
    [
        ("qemu_netduinoplus2", "udf #0", "exception 0x00000003"),
        ("qemu_riscv32_imc", "unimp", "exception 0x00000002"),
        ("qemu_riscv32_imc", ".option arch, +a\namoadd.w a0, a0, (sp)", "exception 0x00000002"),
        ("qemu_riscv32_imc", ".option arch, +zicsr, +f\nfadd.s fa0, fa0, fa0", "exception 0x00000002"),
        ("qemu_riscv32_imac", ".option arch, +a\namoadd.w a0, a0, (sp)", ""),
        ("qemu_lx106", ".byte 0, 0, 0", "exception 0x00000000"),
        ("qemu_esp32", ".byte 0, 0, 0", "exception 0x00000000"),
    ],
)
def test_an_illegal_instruction_says_where(name: str, instruction: str, said: str, tmp_path: Path) -> None:
    """Every kind of firmware reports a fault; the RV32IMC core has no atomics and no floats, as the ESP32-C3."""
    board = load_board(name)
    needs_tools_of(board)
    assert board.emulator is not None
    write(tmp_path, board)
    lines = "".join(f"{line}\\n" for line in instruction.split("\n"))
    main = (
        f'#include "halt.h"\nint main(void) {{\n    __asm__ volatile("{lines}");\n    halt_quit();\n    return 0;\n}}\n'
    )
    (tmp_path / "main.c").write_text(main, encoding="utf-8")
    elf = build_firmware(tmp_path, board).elf
    emulated = board.emulator
    command = [emulated.command, "-M", emulated.machine, *(["-cpu", emulated.cpu] if emulated.cpu else [])]
    command += [*emulated.options, "-display", "none", "-monitor", "none", "-serial", "none", "-semihosting-config"]
    done = subprocess.run(
        [*command, "enable=on,target=native", "-kernel", str(elf)], capture_output=True, check=False, timeout=20
    )
    assert said in (done.stderr + done.stdout).decode()
    assert done.returncode == (99 if said else 0)
