"""The generated C: strict C99 for every compiler, self-contained, the same bytes everywhere, never stale."""

from __future__ import annotations

import hashlib
import json
import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import cffi
import numpy as np
import pytest

import rtrl_edge as rt
from rtrl_edge.assets import codegen_dir, firmware_templates_dir
from rtrl_edge.boards import load_board
from rtrl_edge.device.host import STRICT
from rtrl_edge.emit import KERNEL_ABI, emit, fill, manifest
from rtrl_edge.errors import ModelError
from rtrl_edge.firmware import build_firmware, firmware_project, stack_usage
from rtrl_edge.plan import plan
from rtrl_edge.project import generate

from .models import integer_model, words
from .needs import needs

GOLDEN = Path(__file__).parent / "golden"
TINY = {
    "tiny_r16": {"numbers": rt.R16(cap=2)},
    "tiny_r8": {"numbers": rt.R8()},
    "tiny_readout": {"rule": rt.ReadoutOnly(), "optimiser": rt.SGD(2**-5, 2**-6, clip=2**-2)},
}
ARM = "arm-none-eabi-gcc"
M0 = ("-mcpu=cortex-m0", "-mthumb")
M4F = ("-mcpu=cortex-m4", "-mthumb", "-mfpu=fpv4-sp-d16", "-mfloat-abi=hard")
COMPILERS = {
    "gcc": ("gcc",),
    "clang": ("clang",),
    "cortex-m0": (ARM, *M0),
    "cortex-m4": (ARM, *M4F),
}
VARIANTS = {
    "RTRL R16": {"numbers": rt.R16(cap=2)},
    "RTRL R8": {"numbers": rt.R8(cap=2)},
    "ReadoutOnly R16": {"rule": rt.ReadoutOnly(), "numbers": rt.R16()},
    "ReadoutOnly R8": {"rule": rt.ReadoutOnly(), "numbers": rt.R8()},
}


def run(*command: str, cwd: Path, **options: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=False, timeout=120, **options)  # type: ignore[call-overload,no-any-return]


def compiled(folder: Path, name: str, *command: str) -> subprocess.CompletedProcess[str]:
    """Compile NAME.c in a folder to NAME.o."""
    return run(*command, *STRICT, "-c", f"{name}.c", "-o", f"{name}.o", cwd=folder)


def written(folder: Path, model: rt.IntegerModel, change: Callable[[str, str], str] = lambda file, text: text) -> Path:
    for file, text in emit(model).items():
        (folder / file).write_text(change(file, text), encoding="utf-8")
    return folder


# ------------------------------------------------------------------------------------------------- compilers


@pytest.mark.parametrize("compiler", COMPILERS)
@pytest.mark.parametrize("variant", VARIANTS)
def test_no_compiler_has_a_warning(compiler: str, variant: str, tmp_path: Path) -> None:
    command = COMPILERS[compiler]
    needs(command[0])
    written(tmp_path, integer_model(9, name="net", **VARIANTS[variant]))
    for optimise in ("-O0", "-Os", "-O3"):
        done = compiled(tmp_path, "net", *command, "-Wshadow", optimise)
        assert done.returncode == 0, done.stderr
        assert done.stderr == ""


def test_the_header_is_cpp_too(tmp_path: Path) -> None:
    needs("g++", "gcc")
    written(tmp_path, integer_model(3, name="net"))
    source = '#include "net.h"\nstatic net_t net;\nint main() { net_init(&net); return net_observe(&net) == NET_OK; }\n'
    (tmp_path / "main.cpp").write_text(source, encoding="utf-8")
    assert compiled(tmp_path, "net", "gcc").returncode == 0
    done = run("g++", "-std=c++11", "-Wall", "-Wextra", "-Werror", "main.cpp", "net.o", "-o", "main", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert run("./main", cwd=tmp_path).returncode == 0


# ------------------------------------------------------------------------------------------- what it leans on


def undefined(folder: Path, prefix: str = "") -> set[str]:
    return {line.split()[-1] for line in run(f"{prefix}nm", "-u", "net.o", cwd=folder).stdout.splitlines()}


@pytest.mark.parametrize("variant", VARIANTS)
def test_it_needs_nothing_but_memcpy_and_memset(variant: str, tmp_path: Path) -> None:
    """On a core without a wide multiply or clz the compiler's integer helpers too; never a heap, never a float."""
    needs("gcc", "clang", ARM)
    written(tmp_path, integer_model(9, name="net", **VARIANTS[variant]))
    libc = {"memcpy", "memset"}
    helpers = {"__aeabi_lmul", "__aeabi_llsl", "__aeabi_llsr", "__aeabi_lasr", "__aeabi_idiv", "__aeabi_idivmod",
               "__aeabi_uidiv", "__aeabi_uidivmod", "__clzsi2"}  # fmt: skip
    for optimise in ("-O0", "-Os", "-O2", "-O3"):
        for cc in ("gcc", "clang"):
            assert compiled(tmp_path, "net", cc, "-fno-pic", optimise).returncode == 0
            assert undefined(tmp_path) <= libc
        assert compiled(tmp_path, "net", ARM, *M4F, optimise).returncode == 0
        assert undefined(tmp_path, "arm-none-eabi-") <= libc
        assert compiled(tmp_path, "net", ARM, *M0, optimise).returncode == 0
        assert undefined(tmp_path, "arm-none-eabi-") <= libc | helpers


@pytest.mark.parametrize("variant", VARIANTS)
def test_no_floating_point(variant: str, tmp_path: Path) -> None:
    """No instruction of the FPU in a build that may use it, and no word of it in the text."""
    needs(ARM)
    written(tmp_path, integer_model(9, name="net", **VARIANTS[variant]))
    for optimise in ("-Os", "-O3"):
        assert compiled(tmp_path, "net", ARM, *M4F, optimise).returncode == 0
        listing = run("arm-none-eabi-objdump", "-d", "--no-show-raw-insn", "net.o", cwd=tmp_path).stdout
        operations = {line.split("\t")[1].split(".")[0] for line in listing.splitlines() if line.count("\t") >= 1}
        assert len(operations) > 20  # it is a listing
        assert {operation for operation in operations if operation.startswith("v")} == set()
    code = re.sub(r"/\*.*?\*/", "", "".join(emit(integer_model(9, **VARIANTS[variant])).values()), flags=re.DOTALL)
    assert not re.search(r"\b(float|double|malloc|calloc|free|alloca|printf)\b|\b\d+\.\d|math\.h|stdlib\.h", code)


@pytest.mark.parametrize("rule", [rt.RTRL(), rt.ReadoutOnly()], ids=lambda rule: type(rule).__name__)
@pytest.mark.parametrize("board", ["qemu_microbit", "qemu_mps2_an386"])
def test_the_stack_is_known_and_the_same_for_every_size(
    board: str, rule: rt.RTRL | rt.ReadoutOnly, tmp_path: Path
) -> None:
    """stack_usage refuses recursion, frames of variable size and calls through pointers: there are none, then."""
    needs(ARM, "make")
    chip = load_board(board)
    calls = [f"net_{call}" for call in ("init", "reset", "predict", "learn", "observe", "learn_begin", "learn_slice")]
    found = {}
    for units in (2, 8, 9, 16, 17) if board == "qemu_microbit" else (2, 8, 9, 16, 17, 100):
        model = integer_model(units, inputs=1, outputs=min(units, 8), name="net", rule=rule)
        folder = tmp_path / str(units)
        for file, text in firmware_project(model, chip).items():
            (folder / file).parent.mkdir(parents=True, exist_ok=True)
            (folder / file).write_text(text, encoding="utf-8")
        # our main leaves out the slices: the linker has to keep them
        build_firmware(folder, chip, extra_flags=[f"-Wl,-u,{call}" for call in calls])
        found[units] = max(stack_usage(folder, chip, calls).values())
        bound = plan(model, chip).stack_bytes
        assert bound is not None
        assert found[units] <= bound
    # not from two units, whose loops are unrolled: other registers spill; odd columns are unpacked by one more function
    assert abs(found[17] - found[9]) < 32
    assert abs(found[16] - found[8]) < 32
    if 100 in found:  # an array of units or columns on the stack would show
        assert found[100] - found[16] < 32


# ------------------------------------------------------------------------------------------------ two models


def test_two_models_in_one_program(tmp_path: Path) -> None:
    """Linked together, stepped in turn: each has the bits that it has alone."""
    needs("gcc")
    models = {
        "left": integer_model(5, 3, 2, name="left", seed=1, numbers=rt.R16(cap=2)),
        "right": integer_model(8, 2, 1, name="right", seed=2, numbers=rt.R8()),
    }
    for name, model in models.items():
        written(tmp_path, model)
        assert compiled(tmp_path, name, "gcc", "-O2", "-fPIC").returncode == 0
    done = run("gcc", "-shared", "left.o", "right.o", "-o", "both.so", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    ffi = cffi.FFI()
    for name in models:
        ffi.cdef(
            f"void {name}_init(void *net); void {name}_predict(void *net, const int16_t *x, int16_t *y);"
            f"int {name}_learn(void *net, const int16_t *target);"
        )
    library = ffi.dlopen(str(tmp_path / "both.so"))
    memory = {name: np.zeros(plan(model).struct_bytes, dtype=np.uint8) for name, model in models.items()}
    data = {name: words(model, 200, seed=3) for name, model in models.items()}
    twins = {name: rt.HostTwin(model, simd="none") for name, model in models.items()}  # D in rows there, as here
    call = {name: {c: getattr(library, f"{name}_{c}") for c in ("init", "predict", "learn")} for name in models}
    for name in models:
        call[name]["init"](ffi.from_buffer(memory[name]))
    for t in range(200):
        for name, model in models.items():
            x, target, _ = data[name]
            y = np.zeros(model.model.dims.outputs, dtype=np.int16)
            net = ffi.from_buffer(memory[name])
            call[name]["predict"](net, ffi.from_buffer("int16_t[]", x[t]), ffi.from_buffer("int16_t[]", y))
            assert np.array_equal(y, twins[name].predict(x[t])), f"{name}, prediction {t}"
            assert call[name]["learn"](net, ffi.from_buffer("int16_t[]", target[t])) == 0
            twins[name].learn(target[t])
    for name, twin in twins.items():
        with twin:
            assert twin._memory.tobytes()[: memory[name].size] == memory[name].tobytes()


def test_names_that_collide_are_refused() -> None:
    """Every prefix under which a public name would meet one of the kernels', the firmware's or C's own."""
    texts = [path.read_text(encoding="utf-8") for folder in (codegen_dir(), firmware_templates_dir())
             for path in folder.rglob("*.[ch]")]  # fmt: skip
    code = re.sub(r"/\*.*?\*/", "", "\n".join(texts), flags=re.DOTALL)
    text = re.sub(r"@\w+@\w*", "", code)
    calls = "init|reset|predict|learn|observe|learn_begin|learn_slice|status_t|t|config"
    prefixes = set(re.findall(rf"\b([a-z][a-z0-9_]*?)_(?:{calls})\b", text)) | {"n", "link", "port", "board", "halt"}
    prefixes -= {"link_frame", "link_parser", "link_error", "link_event", "link_code", "link_type"}
    prefixes -= {"cmsdk_uart", "stm32_usart", "image_head", "counted_model"}  # of files that see no model
    assert {"int16", "step", "cell", "rule", "readout", "model", "size"} <= prefixes
    for prefix in sorted(prefixes | {"size", "ptrdiff", "string", "main", "while", "signal"}):
        with pytest.raises(ModelError, match=rf"'{prefix}' is taken .* e\.g\. 'my_{prefix}'"):
            integer_model(2, name=prefix)


@pytest.mark.parametrize("name", ["net", "x", "y", "w", "j", "e", "cells", "loss", "dot", "optimiser", "rtrl_tanh"])
def test_names_that_look_dangerous_are_not(name: str, tmp_path: Path) -> None:
    needs("gcc")
    done = compiled(written(tmp_path, integer_model(2, name=name)), name, "gcc")
    assert done.returncode == 0, done.stderr


# ------------------------------------------------------------------------------------------------ the same bytes

GENERATE = """
import sys
from pathlib import Path
sys.path.insert(0, sys.argv[1])
import rtrl_edge as rt
from tests.models import integer_model
rt.generate(integer_model(4, name="net", numbers=rt.R16(cap=2)), Path(sys.argv[2]))
"""


def test_the_same_bytes_from_two_processes(tmp_path: Path) -> None:
    """Whatever the hash seed, folder, time zone and locale."""
    root = str(Path(__file__).parents[1])
    found = []
    for name, environment in (
        ("one", {"PYTHONHASHSEED": "1", "TZ": "Asia/Tokyo", "LC_ALL": "C"}),
        ("two", {"PYTHONHASHSEED": "2", "TZ": "America/Lima", "LC_ALL": "C.UTF-8", "PYTHONUTF8": "0"}),
    ):
        (tmp_path / name).mkdir()
        command = (sys.executable, "-c", GENERATE, root, "out")
        done = run(*command, cwd=tmp_path / name, env={**os.environ, **environment, "PYTHONDONTWRITEBYTECODE": "1"})
        assert done.returncode == 0, done.stderr
        found.append({path.name: path.read_bytes() for path in (tmp_path / name / "out").iterdir()})
    assert sorted(found[0]) == ["manifest.json", "net.c", "net.h", "net_config.h", "net_self_test.c", "net_self_test.h"]
    assert found[0] == found[1]
    assert not any(b"\r" in content for content in found[0].values())
    assert not any(str(tmp_path).encode() in content for content in found[0].values())


def test_the_manifest_is_of_these_files(tmp_path: Path) -> None:
    model = integer_model(3, name="net")
    generate(model, tmp_path / "out")
    found = json.loads((tmp_path / "out" / "manifest.json").read_text(encoding="utf-8"))
    assert found["digest"] == model.digest
    assert found["kernel_abi"] == KERNEL_ABI
    assert sorted(found["sha256"]) == ["net.c", "net.h", "net_config.h", "net_self_test.c", "net_self_test.h"]
    for name, sha in found["sha256"].items():
        content = (tmp_path / "out" / name).read_bytes()
        assert hashlib.sha256(content).hexdigest() == sha
        assert model.digest[:16].encode() in content
    assert found["plan"] == plan(model).figures()
    assert found["model"]["cell"] == {"kind": "RNN", "units": 3, "density": 1.0, "mask_seed": 0, "mask": None}
    files = emit(model)
    assert manifest(model, files, plan(model).figures()) == manifest(
        model, dict(reversed(files.items())), plan(model).figures()
    )


def test_another_model_has_another_digest() -> None:
    base = integer_model(3)
    others = [integer_model(3, seed=2), integer_model(3, name="other"), integer_model(3, numbers=rt.R16(cap=2)),
              integer_model(3, rule=rt.ReadoutOnly()), integer_model(3, optimiser=rt.SGD(2**-6))]  # fmt: skip
    assert len({model.digest for model in [base, *others]}) == 6
    assert integer_model(3).digest == base.digest


# ------------------------------------------------------------------------------------------------ never stale


def test_a_config_of_another_version_does_not_compile(tmp_path: Path) -> None:
    needs("gcc")

    def older(file: str, text: str) -> str:
        define = f"#define RTRL_KERNEL_ABI {KERNEL_ABI}"
        assert (define in text) == file.endswith("_config.h")
        return text.replace(define, f"#define RTRL_KERNEL_ABI {KERNEL_ABI + 1}")

    done = compiled(written(tmp_path, integer_model(3, name="net"), older), "net", "gcc")
    assert done.returncode != 0
    assert "net_config.h belongs to another version: run `rtrl-edge generate` again" in done.stderr


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (("    uint32_t steps;", "    uint32_t steps, more;"), "the RAM plan and the struct disagree"),
        (("int16_t h[3]", "int16_t h[4]"), "is not where the plan has it"),
        (("int16_t h[3]", "int32_t h[3]"), "is not where the plan has it"),
    ],
    ids=["a member more", "a longer member", "a wider member"],
)
def test_a_header_of_another_model_does_not_compile(change: tuple[str, str], message: str, tmp_path: Path) -> None:
    needs("gcc")

    def edited(file: str, text: str) -> str:
        assert file != "net.h" or change[0] in text
        return text.replace(*change) if file == "net.h" else text

    done = compiled(written(tmp_path, integer_model(3, name="net"), edited), "net", "gcc")
    assert done.returncode != 0
    assert message in done.stderr


def test_template_slots_are_checked_both_ways() -> None:
    assert fill("@a@ and @b@", {"a": 1, "b": "@a@"}) == "1 and @a@"
    with pytest.raises(ValueError, match=r"missing \['b'\], unused \[\]"):
        fill("@a@ and @b@", {"a": 1})
    with pytest.raises(ValueError, match=r"missing \[\], unused \['c'\]"):
        fill("@a@", {"a": 1, "c": 2})


# ------------------------------------------------------------------------------------------------ golden files


@pytest.mark.parametrize("name", TINY)
def test_golden(name: str, request: pytest.FixtureRequest) -> None:
    """The whole text of three tiny models. After a change on purpose: pytest --update-golden, and read the diff."""
    files = emit(integer_model(2, inputs=1, outputs=1, name=name, **TINY[name]))
    folder = GOLDEN / name
    if request.config.getoption("--update-golden"):
        folder.mkdir(parents=True, exist_ok=True)
        for file, text in files.items():
            (folder / file).write_text(text, encoding="utf-8", newline="\n")
    assert sorted(path.name for path in folder.iterdir()) == sorted(files)
    for file, text in files.items():
        assert (folder / file).read_text(encoding="utf-8") == text, f"{file} changed; on purpose? --update-golden"
