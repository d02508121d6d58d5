"""The C as a library of each ecosystem, built as far as its tools can be had, and the self-test that goes with it."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

import rtrl_edge as rt
from rtrl_edge.assets import licence_text
from rtrl_edge.device.host import STRICT
from rtrl_edge.emit import emit
from rtrl_edge.errors import ModelError
from rtrl_edge.formats import FORMAT_NAMES, FORMATS, export
from rtrl_edge.project import generate

from .models import integer_model
from .needs import needs

M0 = ("arm-none-eabi-gcc", "-mcpu=cortex-m0", "-mthumb")
M4 = ("arm-none-eabi-gcc", "-mcpu=cortex-m4", "-mthumb", "-mfpu=fpv4-sp-d16", "-mfloat-abi=hard")


def run(*command: object, cwd: Path, timeout: int = 120) -> str:
    """What a command printed; a failure shows all of it."""
    done = subprocess.run(
        [str(word) for word in command], cwd=cwd, capture_output=True, text=True, check=False, timeout=timeout
    )
    assert done.returncode == 0, f"{' '.join(map(str, command))}\n{done.stdout}{done.stderr}"
    return done.stdout


def written(folder: Path, form: str, model: rt.IntegerModel | None = None) -> Path:
    generate(model or integer_model(4, name="gait"), folder, form=form)
    return folder


def compile_all(folder: Path, sources: str, compiler: tuple[str, ...], *flags: object) -> None:
    """Each C file there, strictly, to an object beside it."""
    needs(compiler[0])
    found = sorted(folder.glob(sources))
    assert found
    for path in found:
        run(*compiler, *STRICT, "-Wshadow", "-Os", *flags, "-c", path, "-o", path.with_suffix(".o"), cwd=folder)


# --------------------------------------------------------------------------------------------- every format


@pytest.mark.parametrize("form", FORMATS)
def test_every_format_carries_the_c_the_licence_and_the_example(form: str, tmp_path: Path) -> None:
    model = integer_model(3, name="gait")
    files, place = export(model, form), FORMATS[form]
    for file, text in emit(model).items():
        assert files[f"{place.library}src/{file}"] == text
    assert files[f"{place.library}LICENSE"] == licence_text()
    assert {f"{place.library}src/gait_self_test.c", f"{place.example}sensor_loop.c"} <= files.keys()
    assert not [path for path, text in files.items() if re.search(r"@\w+@", text) or "NAME" in path]
    assert export(model, form) == files
    paths = generate(model, tmp_path / "out", form=form)
    assert {path.relative_to(tmp_path / "out").as_posix() for path in paths} == files.keys() | {"manifest.json"}
    assert generate(model, tmp_path / "out", form=form) == paths  # over its own
    (tmp_path / "out" / place.example / "sensor_loop.c").write_text("mine", encoding="utf-8")
    with pytest.raises(rt.RtrlEdgeError, match=r"sensor_loop\.c: wanted the file as it was generated"):
        generate(model, tmp_path / "out", form=form)


def test_no_such_format() -> None:
    with pytest.raises(ModelError, match=rf"format: wanted one of {', '.join(FORMAT_NAMES)}, found 'wheel'"):
        export(integer_model(2), "wheel")


@pytest.mark.parametrize("form", FORMATS)
def test_the_example_learns_the_wave(form: str, tmp_path: Path) -> None:
    """Its sensor loop on this computer: what it predicts of the stand-in sensor gets better."""
    needs("gcc")
    folder, place = written(tmp_path, form, integer_model(8, inputs=2, outputs=2, name="gait")), FORMATS[form]
    main = """
#include <stdio.h>
#include "sensor_loop.h"
static float last[2];
void port_wait(void) {}
void port_report(const float y[2]) { last[0] = y[0]; last[1] = y[1]; }
int main(void) {
    float x[2], sum = 0;
    if (sensor_loop_setup() != 0) { return 1; }
    for (int t = 1; t <= 4000; t++) {
        sensor_loop_step(); /* reads sample 2t - 1 of the wave, the next line 2t */
        port_read(x);
        sum += (x[0] - last[0]) * (x[0] - last[0]);
        if (t % 2000 == 0) { printf("%f\\n", (double)sum); sum = 0; }
    }
    return 0;
}
"""
    (tmp_path / "main.c").write_text(main, encoding="utf-8")
    example, src = folder / place.example, folder / place.library / "src"
    sources = [*src.glob("*.c"), example / "sensor_loop.c", example / "port_sensor.c"]
    command = ("gcc", *STRICT, "-O2", "-I", src, "-I", example, "main.c", *sources, "-o", "main")
    run(*command, cwd=tmp_path)
    early, late = (float(line) for line in run("./main", cwd=tmp_path).split())
    assert late < early


# -------------------------------------------------------------------------------------------------- cmake


def test_cmake_builds_tests_and_installs(tmp_path: Path) -> None:
    needs("cmake", "make", "gcc")
    source = written(tmp_path / "gait", "cmake")
    run("cmake", "-S", source, "-B", "build", "-DCMAKE_C_FLAGS=-Wall -Wextra -Wconversion -Werror", cwd=tmp_path)
    run("cmake", "--build", "build", cwd=tmp_path)
    assert "100% tests passed" in run("ctest", "--no-tests=error", cwd=tmp_path / "build")
    run("cmake", "--install", "build", "--prefix", tmp_path / "prefix", cwd=tmp_path)
    user = tmp_path / "user"
    user.mkdir()
    (user / "main.c").write_text((source / "test" / "main.c").read_text(encoding="utf-8"), encoding="utf-8")
    ways = {
        "installed": f"find_package(gait {rt.__version__} REQUIRED)",
        "fetched": f"""include(FetchContent)
FetchContent_Declare(gait SOURCE_DIR {source})
FetchContent_MakeAvailable(gait)""",
    }
    for way, lines in ways.items():
        text = f"""cmake_minimum_required(VERSION 3.14)
project(user LANGUAGES C)
{lines}
add_executable(user main.c)
target_link_libraries(user PRIVATE gait::gait)
"""
        (user / "CMakeLists.txt").write_text(text, encoding="utf-8")
        run("cmake", "-S", user, "-B", way, f"-DCMAKE_PREFIX_PATH={tmp_path / 'prefix'}", cwd=tmp_path)
        run("cmake", "--build", way, cwd=tmp_path)
        run(f"./{way}/user", cwd=tmp_path)


# ------------------------------------------------------------------------------------------------ arduino

# the nine of the library specification
CATEGORIES = {
    "Display", "Communication", "Signal Input/Output", "Sensors", "Device Control", "Timing", "Data Storage",
    "Data Processing", "Other",
}  # fmt: skip
ARDUINO_H = """
#pragma once
#include <cstdint>
#include <cstdio>
#include <cstdlib>
static unsigned long now;
inline unsigned long micros() { return now += 100; }
inline void delay(unsigned long) { std::exit(1); }
struct {
    void begin(long) {}
    void print(float y, int) { std::printf("%f", double(y)); }
    void print(char c) { std::putchar(c); }
    void print(const char *text) { std::fputs(text, stdout); }
    void println(int) {}
} Serial;
"""


def test_library_properties() -> None:
    """The rules of the library specification, revision 2.2."""
    files = export(integer_model(3, name="gait"), "arduino")
    lines = files["library.properties"].splitlines()
    found = dict(line.split("=", 1) for line in lines)
    assert len(found) == len(lines)
    assert found.keys() == {"name", "version", "author", "maintainer", "sentence", "paragraph", "category", "url",
                            "architectures", "includes"}  # fmt: skip
    assert all(value and value == value.strip() for value in found.values())
    assert re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9 _.-]{0,62}", found["name"])
    assert re.fullmatch(r"\d+\.\d+\.\d+", found["version"])
    assert found["category"] in CATEGORIES
    assert found["sentence"].endswith(".")
    assert found["url"].startswith("https://")
    assert f"src/{found['includes']}" in files
    assert not [field for field in found.values() if field.lower().startswith("arduino")]
    assert {path.split("/")[0] for path in files} == {
        "library.properties",
        "keywords.txt",
        "LICENSE",
        "src",
        "examples",
    }
    with pytest.raises(ModelError, match="begin with 'arduino'"):
        export(integer_model(2, name="arduino_net"), "arduino")


def test_keywords() -> None:
    """Tabs between word and kind; every word is one of the headers'."""
    files = export(integer_model(3, name="gait"), "arduino")
    headers = files["src/gait.h"] + files["src/gait_self_test.h"]
    for line in files["keywords.txt"].splitlines():
        word, kind = line.split("\t")
        assert kind in ("KEYWORD1", "KEYWORD2", "LITERAL1")
        assert re.search(rf"\b{word}\b", headers)


@pytest.mark.parametrize("outputs", [1, 3])
def test_the_sketch_runs(outputs: int, tmp_path: Path) -> None:
    """Compiled as C++ with the C beside it, as the IDE does, and run; and for the two ends of the Cortex-M family."""
    needs("g++", "gcc")
    folder = written(tmp_path / "gait", "arduino", integer_model(4, outputs=outputs, name="gait"))
    (tmp_path / "Arduino.h").write_text(ARDUINO_H, encoding="utf-8")
    sketch, include = folder / "examples" / "Learn", ("-I", folder / "src")
    compile_all(folder, "src/*.c", ("gcc",))
    compile_all(sketch, "*.c", ("gcc",), *include)
    main = f'#include "Arduino.h"\n#include "{sketch / "Learn.ino"}"\n'
    main += "int main() { setup(); for (int i = 0; i < 50; i++) loop(); }\n"
    (tmp_path / "main.cpp").write_text(main, encoding="utf-8")
    objects = [*folder.rglob("*.o")]
    run(
        "g++", "-std=gnu++11", "-Wall", "-Wextra", "-Werror", *include, "main.cpp", *objects, "-o", "main", cwd=tmp_path
    )
    lines = run("./main", cwd=tmp_path).splitlines()
    assert len(lines) == 50
    assert {line.count("\t") for line in lines} == {outputs - 1}
    for compiler in (M0, M4):
        compile_all(folder, "src/*.c", compiler)
        compile_all(sketch, "*.c", compiler, *include)
