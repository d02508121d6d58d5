"""The self-test that goes with the generated C: passes where the bits are right, and tells where they are not."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import numpy as np
import pytest

import rtrl_edge as rt
from rtrl_edge.boards import load_board
from rtrl_edge.device.host import STRICT
from rtrl_edge.emit import emit
from rtrl_edge.firmware import build_firmware, firmware_project
from rtrl_edge.layout import differences
from rtrl_edge.self_test import STEPS, emit_self_test
from rtrl_edge.weights import initial

from .models import integer_model
from .needs import needs

MAIN = '#include "net_self_test.h"\nstatic net_t net;\nint main(void) { return net_self_test(&net); }\n'
# the exit code is what the self-test says: Arm semihosting, SYS_EXIT_EXTENDED, ADP_Stopped_ApplicationExit
MAIN_ON_CORTEX_M = """
#include "net_self_test.h"
static net_t net;
int main(void) {
    const uint32_t arguments[2] = {0x20026, net_self_test(&net)};
    register uint32_t r0 __asm__("r0") = 0x20;
    register const void *r1 __asm__("r1") = arguments;
    __asm__ volatile("bkpt 0xab" : "+r"(r0) : "r"(r1) : "memory");
    for (;;) {
    }
}
"""


def files(model: rt.IntegerModel) -> dict[str, str]:
    return emit(model) | emit_self_test(model) | {"main.c": MAIN}


def answer(folder: Path, texts: dict[str, str], *command: str) -> int:
    """What the self-test of these files says, built by a compiler of this computer; -1: it does not end."""
    folder.mkdir(exist_ok=True)
    for file, text in texts.items():
        (folder / file).write_text(text, encoding="utf-8")
    build = [*command, "net.c", "net_self_test.c", "main.c", "-o", "test"]
    done = subprocess.run(build, cwd=folder, capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 0, done.stderr
    try:
        return subprocess.run([str(folder / "test")], check=False, timeout=10).returncode
    except subprocess.TimeoutExpired:
        return -1


def classifier() -> rt.IntegerModel:
    model = rt.Model("net", 3, [rt.GRU(4)], rt.Linear(3), rt.SoftmaxCrossEntropy())
    rng = np.random.default_rng(1)
    return rt.quantize(
        model, initial(model, 1), rt.Stream(rng.uniform(-1, 1, (50, 3)), np.eye(3)[rng.integers(0, 3, 50)])
    )


MODELS = {
    "RTRL": lambda: integer_model(8),
    "RTRL R8": lambda: integer_model(17, inputs=1, outputs=1, numbers=rt.R8(cap=2)),
    "labels": classifier,
    "random": lambda: integer_model(5, rule=rt.UORO()),
    "history": lambda: integer_model(5, rule=rt.BPTT(4), optimiser=rt.Momentum(2**-5)),
    "readout": lambda: integer_model(5, rule=rt.ReadoutOnly()),
}


@pytest.mark.parametrize("name", MODELS)
def test_it_passes_on_this_computer(name: str, tmp_path: Path) -> None:
    """Whatever the optimisation: no float is there that -ffast-math could change."""
    needs("gcc", "clang")
    texts = files(MODELS[name]())
    for command in (("gcc", "-O0"), ("gcc", "-O3", "-ffast-math"), ("clang", "-Os"),
                    ("gcc", "-O1", "-fsanitize=address,undefined", "-fno-sanitize-recover=all")):  # fmt: skip
        assert answer(tmp_path, texts, *command, *STRICT, "-Wshadow") == 0


@pytest.mark.parametrize("board", ["qemu_microbit", "qemu_mps2_an386"])
def test_it_passes_on_emulated_cores_and_fails_there(board: str, tmp_path: Path) -> None:
    needs("arm-none-eabi-gcc", "qemu-system-arm", "make")
    chip, model = load_board(board), integer_model(8)
    assert chip.emulator is not None
    texts = firmware_project(model, chip, console=True) | {"main.c": MAIN_ON_CORTEX_M}
    for found, texts_now in ((0, texts), (1, texts | {"model/net.c": flipped(texts["model/net.c"], "w_hi", 5)})):
        for file, text in texts_now.items():
            (tmp_path / file).parent.mkdir(exist_ok=True)
            (tmp_path / file).write_text(text, encoding="utf-8")
        built = build_firmware(tmp_path, chip)
        options = "-display none -monitor none -serial none -semihosting-config enable=on,target=native"
        command = [chip.emulator.command, "-M", chip.emulator.machine, *options.split(), "-kernel", str(built.elf)]
        assert subprocess.run(command, check=False, timeout=60).returncode == found


def flipped(text: str, member: str, index: int, bit: int = 0) -> str:
    """The C with one bit of one factory weight the other way."""
    start = text.index("{", text.index(f" factory_{member}["))
    number = list(re.finditer(r"-?\d+", text[start : text.index("}", start)]))[index]
    value = int(number[0]) ^ (1 << bit)
    return text[: start + number.start()] + str(value) + text[start + number.end() :]


@pytest.mark.parametrize("board", ["native", "qemu_microbit", "qemu_riscv32_imc"])
def test_the_firmware_runs_it_on_request(board: str) -> None:
    chip_needs = {"native": ["gcc"], "qemu_microbit": ["arm-none-eabi-gcc", "qemu-system-arm"]}
    needs(*chip_needs.get(board, ["riscv64-unknown-elf-gcc", "qemu-system-riscv32"]))
    model = integer_model(4)
    with rt.Emulator(model, board) as chip:
        chip.predict(np.zeros(3, np.int16))
        assert chip.self_test() == 0
        assert differences(chip.state(), rt.Reference(model).state(), model.model) == []  # as after init


def test_a_flipped_bit_of_any_weight_is_found_at_once(tmp_path: Path) -> None:
    needs("gcc")
    texts = files(integer_model(3, inputs=2, outputs=1))
    for member in ("w_hi", "w_lo", "v_hi", "v_lo"):
        for index, bit in ((0, 0), (-1, 3)):
            wrong = texts | {"net.c": flipped(texts["net.c"], member, index, bit)}
            assert answer(tmp_path, wrong, "gcc") == 1, f"{member}[{index}]"


def test_a_wrong_step_is_told_by_its_number(tmp_path: Path) -> None:
    """A kernel that is wrong from the sixth labelled step on: step 7, for step 5 has no label."""
    needs("gcc")
    texts = files(integer_model(3))
    line = "        loss_error(net, target);\n"
    assert texts["net.c"].count(line) == 1
    wrong = texts["net.c"].replace(line, f"{line}        net->e[0] = (int16_t)(net->e[0] ^ (net->steps >= 6));\n")
    assert answer(tmp_path, texts | {"net.c": wrong}, "gcc") == 1 + 7


def test_shifts_that_are_off_by_one_are_found(tmp_path: Path) -> None:
    """Every shift of the kernels in turn; those in branches that no sample reaches go unseen, known by their words."""
    needs("gcc")
    texts = files(integer_model(4))
    blank = re.sub(r"/\*.*?\*/", lambda comment: " " * len(comment[0]), texts["net.c"], flags=re.DOTALL)
    assert answer(tmp_path, texts, "gcc", "-O1") == 0

    def compiled(text: str) -> bytes:
        (tmp_path / "net.c").write_text(text, encoding="utf-8")
        subprocess.run(["gcc", "-O1", "-w", "-c", "net.c"], cwd=tmp_path, check=True, timeout=60)
        return (tmp_path / "net.o").read_bytes()

    right, found = compiled(texts["net.c"]), []
    rare = {"fx_sat32", "fx_log2_q3", "fx_bits64", "fx_block_shift", "fx_step_size", "fx_scale"}
    for shift in re.finditer(r">>(?!=)|<<(?!=)", blank):
        wrong = texts["net.c"][: shift.start()] + f"{shift[0]} 1 " + texts["net.c"][shift.start() :]
        if compiled(wrong) != right:  # else it is in a function that this model does not call
            word = re.findall(r"^RTRL_INLINE .*?(\w+)\(|^static .*?(\w+)\(", blank[: shift.start()], re.MULTILINE)[-1]
            seen = answer(tmp_path, texts | {"net.c": wrong}, "gcc", "-O1", "-w") != 0
            assert seen or "".join(word) in rare, wrong[shift.start() - 60 : shift.end() + 60]
            found.append(seen)
    assert sum(found) > 12


@pytest.mark.parametrize("core", ["cortex-m0", "cortex-m4"])
def test_it_is_small(core: str, tmp_path: Path) -> None:
    """Code below 1 KB, whatever the model; its tables hold samples and digests and nothing else."""
    needs("arm-none-eabi-gcc", "arm-none-eabi-size")
    for model in (integer_model(8), integer_model(40, inputs=20, outputs=10, rule=rt.BPTT(16))):
        for file, text in files(model).items():
            (tmp_path / file).write_text(text, encoding="utf-8")
        for optimise in ("-Os", "-O2"):
            build = ["arm-none-eabi-gcc", f"-mcpu={core}", "-mthumb", *STRICT, optimise, "-c", "net_self_test.c"]
            subprocess.run(build, cwd=tmp_path, check=True, timeout=60)
            done = subprocess.run(["arm-none-eabi-size", "-A", "net_self_test.o"], cwd=tmp_path, check=True,
                                  capture_output=True, text=True, timeout=60)  # fmt: skip
            size = dict(re.findall(r"^(\.\w+)\S* +(\d+)", done.stdout, flags=re.MULTILINE))
            assert int(size[".text"]) < 512
            assert int(size[".data"]) == int(size[".bss"]) == 0
            d = model.model.dims
            assert int(size[".rodata"]) <= 2 * STEPS * (d.inputs + d.outputs) + 4 * (STEPS + 1) + 100
