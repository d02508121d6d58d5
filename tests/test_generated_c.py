"""The generated C as a firmware engineer receives it."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import rtrl_edge as rt
from rtrl_edge.emit import emit, fill

from .models import integer_model
from .needs import needs

STRICT = ["-std=c99", "-Wall", "-Wextra", "-Wconversion", "-Wmissing-prototypes", "-Werror", "-c"]
COMPILERS = {
    "gcc": ["gcc", "-O2"],
    "clang": ["clang", "-O2"],
    "cortex-m0": ["arm-none-eabi-gcc", "-O2", "-mcpu=cortex-m0", "-mthumb"],
    "cortex-m4": ["arm-none-eabi-gcc", "-Os", "-mcpu=cortex-m4", "-mthumb", "-mfloat-abi=hard", "-mfpu=fpv4-sp-d16"],
}
ALLOWED = {"memcpy", "memset", "__clzsi2", "__aeabi_lmul", "__aeabi_idiv", "__aeabi_idivmod", "__aeabi_llsr"}
ALLOWED |= {"__aeabi_lasr", "__aeabi_llsl", "__aeabi_uidiv", "__aeabi_uidivmod"}


def write(folder: Path, *models: rt.IntegerModel) -> None:
    for model in models:
        for name, text in emit(model).items():
            (folder / name).write_text(text, encoding="utf-8")


def run(folder: Path, *command: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False, timeout=120)


@pytest.mark.parametrize("compiler", COMPILERS)
@pytest.mark.parametrize("rule", [rt.RTRL(), rt.ReadoutOnly()], ids=lambda rule: type(rule).__name__)
@pytest.mark.parametrize("numbers", [rt.R16(cap=2), rt.R8()], ids=str)
def test_compiles_strictly_and_needs_nothing(
    tmp_path: Path, compiler: str, rule: rt.RTRL | rt.ReadoutOnly, numbers: rt.R16 | rt.R8
) -> None:
    command = COMPILERS[compiler]
    needs(command[0])
    write(tmp_path, integer_model(5, rule=rule, numbers=numbers))
    done = run(tmp_path, *command, *STRICT, "-o", "net.o", "net.c")
    assert done.returncode == 0, done.stderr
    tools = "arm-none-eabi-" if compiler.startswith("cortex") else ""
    undefined = {line.split()[-1] for line in run(tmp_path, f"{tools}nm", "-u", "net.o").stdout.splitlines()}
    assert {name for name in undefined if not name.startswith("_GLOBAL_OFFSET")} <= ALLOWED
    if tools:
        listing = run(tmp_path, f"{tools}objdump", "-d", "net.o").stdout
        assert not re.search(r"\.f(16|32|64)\b", listing), "a floating-point instruction"


def test_two_models_in_one_program(tmp_path: Path) -> None:
    needs("gcc")
    one, two = integer_model(3, name="one", seed=1), integer_model(5, name="two", seed=2, numbers=rt.R8())
    write(tmp_path, one, two)
    (tmp_path / "main.c").write_text(
        """#include "one.h"
#include "two.h"
#include <stdio.h>
static one_t a; static two_t b;
int main(void) {
    const int16_t x[3] = {1000, -2000, 3000}, target[2] = {500, -500};
    int16_t y[2], w[2];
    one_init(&a); two_init(&b);
    for (int t = 0; t < 50; t++) {
        one_predict(&a, x, y); two_predict(&b, x, w); one_learn(&a, target); two_learn(&b, target);
    }
    printf("%d %d %d %d\\n", y[0], y[1], w[0], w[1]);
    return 0;
}
""",
        encoding="utf-8",
    )
    done = run(tmp_path, "gcc", "-std=c99", "-O2", "-o", "both", "main.c", "one.c", "two.c")
    assert done.returncode == 0, done.stderr
    found = [int(word) for word in run(tmp_path, "./both").stdout.split()]
    wanted: list[int] = []
    x, target = np.array([1000, -2000, 3000], dtype=np.int16), np.array([500, -500], dtype=np.int16)
    for model in (one, two):
        with rt.HostTwin(model) as twin:
            for _ in range(50):
                y = twin.predict(x)
                twin.learn(target)
            wanted += y.tolist()
    assert found == wanted


def test_the_same_bytes_from_two_processes(tmp_path: Path) -> None:
    script = (
        "import sys, hashlib; from tests.models import integer_model; from rtrl_edge.project import generate; "
        "[print(p.name, hashlib.sha256(p.read_bytes()).hexdigest()) for p in generate(integer_model(4), sys.argv[1])]"
    )
    root = str(Path(__file__).parent.parent)
    said = []
    for number, extra in enumerate(({"PYTHONHASHSEED": "1", "TZ": "UTC"}, {"PYTHONHASHSEED": "2", "TZ": "Asia/Tokyo"})):
        environment = os.environ | extra | {"PYTHONPATH": root}
        command = [sys.executable, "-c", script, str(tmp_path / str(number))]
        done = subprocess.run(
            command, capture_output=True, text=True, check=True, cwd=tmp_path, env=environment, timeout=60
        )
        said.append(done.stdout)
    assert said[0] == said[1]
    assert "manifest.json" in said[0]


def test_a_stale_or_edited_header_does_not_compile(tmp_path: Path) -> None:
    needs("gcc")
    write(tmp_path, integer_model(2))
    config, header = tmp_path / "net_config.h", tmp_path / "net.h"
    good = config.read_text(encoding="utf-8")
    config.write_text(good.replace("#define RTRL_KERNEL_ABI 1", "#define RTRL_KERNEL_ABI 0"), encoding="utf-8")
    assert "run `rtrl-edge generate` again" in run(tmp_path, "gcc", *STRICT, "net.c").stderr
    config.write_text(good, encoding="utf-8")
    text = header.read_text(encoding="utf-8")
    header.write_text(text.replace("uint32_t steps;", "uint32_t steps[2];"), encoding="utf-8")
    assert "the RAM plan and the struct disagree" in run(tmp_path, "gcc", *STRICT, "net.c").stderr


def test_slots_are_checked_both_ways() -> None:
    assert fill("a @x@ b", {"x": 1}) == "a 1 b"
    with pytest.raises(ValueError, match=r"missing \['x'\]"):
        fill("a @x@ b", {})
    with pytest.raises(ValueError, match=r"unused \['y'\]"):
        fill("a", {"y": 1})
