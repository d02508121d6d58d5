"""The C as a library of each ecosystem, built as far as its tools can be had, and the self-test that goes with it."""

from __future__ import annotations

import configparser
import io
import json
import re
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path
from xml.etree import ElementTree

import kconfiglib
import pytest
import yaml

import rtrl_edge as rt
from rtrl_edge.assets import licence_text
from rtrl_edge.device.host import STRICT
from rtrl_edge.emit import emit
from rtrl_edge.errors import ModelError
from rtrl_edge.formats import FORMAT_NAMES, FORMATS, export
from rtrl_edge.project import generate

from .models import integer_model
from .needs import needs

WARNINGS = ("-DCMAKE_C_FLAGS=-Wall -Wextra -Wconversion -Werror",)
M0 = ("arm-none-eabi-gcc", "-mcpu=cortex-m0", "-mthumb")
STRING_H = """#include <stddef.h>
void *memcpy(void *to, const void *from, size_t count);
void *memset(void *to, int value, size_t count);
"""
RV32IMC = ("riscv64-unknown-elf-gcc", "-march=rv32imc", "-mabi=ilp32", "-ffreestanding")
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
    library = place.library.replace("NAME", "gait")
    for file, text in emit(model).items():
        assert files[f"{library}src/{file}"] == text
    assert files[f"{library}LICENSE"] == licence_text()
    assert {f"{library}src/gait_self_test.c", f"{place.example}sensor_loop.c"} <= files.keys()
    texts = {path: text for path, text in files.items() if isinstance(text, str)}
    assert not [path for path, text in texts.items() if re.search(r"@\w+@", text) or "NAME" in path]
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
    folder, place = written(tmp_path / "out", form, integer_model(8, inputs=2, outputs=2, name="gait")), FORMATS[form]
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
    example, src = folder / place.example, folder / place.library.replace("NAME", "gait") / "src"
    sources = [*src.glob("*.c"), example / "sensor_loop.c", example / "port_sensor.c"]
    command = ("gcc", *STRICT, "-O2", "-I", src, "-I", example, "main.c", *sources, "-o", "main")
    run(*command, cwd=tmp_path)
    early, late = (float(line) for line in run("./main", cwd=tmp_path).split())
    assert late < early


# -------------------------------------------------------------------------------------------------- cmake


def test_cmake_builds_tests_and_installs(tmp_path: Path) -> None:
    needs("cmake", "make", "gcc")
    source = written(tmp_path / "gait", "cmake")
    run("cmake", "-S", source, "-B", "build", *WARNINGS, cwd=tmp_path)
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


# ------------------------------------------------------------------------------------------- the others


def stubs(folder: Path, files: dict[str, str]) -> Path:
    """Stand-ins for an ecosystem: they hold what the export uses of it."""
    for file, text in files.items():
        (folder / file).parent.mkdir(parents=True, exist_ok=True)
        (folder / file).write_text(text, encoding="utf-8")
    return folder


def tool(name: str) -> str:
    """A packing tool of an ecosystem, from PyPI (`pip install .[formats]`)."""
    found = shutil.which(name, path=str(Path(sys.executable).parent)) or shutil.which(name)
    if found is None:
        pytest.fail(f"no {name!r} here: pip install '.[formats]'")
    return found


def test_esp_idf_component(tmp_path: Path) -> None:
    """Its manifest; its C for the ESP32-C3's core."""
    folder = written(tmp_path / "gait", "esp_idf") / "components" / "gait"
    found = yaml.safe_load((folder / "idf_component.yml").read_text(encoding="utf-8"))
    assert found["version"] == rt.__version__
    assert found["license"] == "Apache-2.0"
    assert found["dependencies"] == {"idf": ">=5.0"}
    libc = stubs(tmp_path / "libc", {"string.h": STRING_H})  # this compiler has no C library in Debian
    compile_all(folder, "src/*.c", RV32IMC, "-I", libc)


IDF = {
    # what the build system of ESP-IDF does with components/ and main/, as a program of this computer
    "tools/cmake/project.cmake": """
macro(project name)
    _project(${name} C)
    add_subdirectory(components/gait)
    add_subdirectory(main)
    add_executable(firmware $ENV{IDF_PATH}/stub.c)
    target_link_libraries(firmware PRIVATE main)
endmacro()
function(idf_component_register)
    cmake_parse_arguments(PART "" "" "SRCS;INCLUDE_DIRS;PRIV_REQUIRES" ${ARGN})
    if(PART_UNPARSED_ARGUMENTS)
        message(FATAL_ERROR "${PART_UNPARSED_ARGUMENTS}")
    endif()
    get_filename_component(name ${CMAKE_CURRENT_SOURCE_DIR} NAME)
    add_library(${name} STATIC ${PART_SRCS})
    target_include_directories(${name} PUBLIC ${PART_INCLUDE_DIRS} PRIVATE $ENV{IDF_PATH})
    target_link_libraries(${name} PRIVATE ${PART_PRIV_REQUIRES})
endfunction()
""",
    "freertos/FreeRTOS.h": "#pragma once\n#define pdMS_TO_TICKS(ms) (ms)\ntypedef unsigned TickType_t;\n",
    "freertos/task.h": """#pragma once
TickType_t xTaskGetTickCount(void);
void vTaskDelayUntil(TickType_t *last, TickType_t ticks);
""",
    "stub.c": """#include <stdlib.h>
#include "freertos/FreeRTOS.h"
#include "freertos/task.h"
void app_main(void);
TickType_t xTaskGetTickCount(void) { return 7; }
void vTaskDelayUntil(TickType_t *last, TickType_t ticks) {
    if ((*last += ticks) > 7 + 20 * 50) { exit(0); }
}
int main(void) { app_main(); return 1; }
""",
}


def test_esp_idf_project_runs(tmp_path: Path) -> None:
    """Its CMake files by cmake, its example on this computer, with stand-ins for ESP-IDF and FreeRTOS."""
    needs("cmake", "make", "gcc")
    folder, idf = written(tmp_path / "gait", "esp_idf"), stubs(tmp_path / "idf", IDF)
    run("env", f"IDF_PATH={idf}", "cmake", *WARNINGS, "-S", folder, "-B", "build", cwd=tmp_path)
    run("cmake", "--build", "build", cwd=tmp_path)
    assert len(run("build/firmware", cwd=tmp_path).splitlines()) == 50


def test_esp_idf_component_packs(tmp_path: Path) -> None:
    """By the tool that uploads components; it checks the manifest against its schema."""
    compote = tool("compote")
    folder = written(tmp_path / "gait", "esp_idf") / "components" / "gait"
    run(compote, "component", "pack", "--name", "gait", cwd=folder)
    assert (folder / "dist" / f"gait_{rt.__version__}.tgz").is_file()


ZEPHYR = {
    # what the build system of Zephyr does with an application and a module, as a program of this computer
    "ZephyrConfig.cmake": """
set(Zephyr_FOUND TRUE)
file(STRINGS prj.conf options REGEX "=y$")
foreach(option ${options})
    string(REPLACE "=" ";" option ${option})
    set(${option})
endforeach()
macro(project)
    _project(${ARGV})
    add_executable(app $ENV{ZEPHYR_BASE}/stub.c)
    target_include_directories(app PRIVATE $ENV{ZEPHYR_BASE})
    foreach(module ${EXTRA_ZEPHYR_MODULES})
        add_subdirectory(${module}/zephyr module)
    endforeach()
endmacro()
macro(zephyr_library_named name)
    add_library(${name} STATIC)
    set(ZEPHYR_CURRENT_LIBRARY ${name})
    target_link_libraries(app PRIVATE ${name})
endmacro()
macro(zephyr_library_sources)
    target_sources(${ZEPHYR_CURRENT_LIBRARY} PRIVATE ${ARGN})
endmacro()
macro(zephyr_include_directories)
    target_include_directories(${ZEPHYR_CURRENT_LIBRARY} PUBLIC ${ARGN})
endmacro()
""",
    "zephyr/kernel.h": """#pragma once
struct k_timer { int t; };
#define K_TIMER_DEFINE(name, expiry, stop) static struct k_timer name
#define K_MSEC(ms) (ms)
unsigned k_timer_status_sync(struct k_timer *);
void k_timer_start(struct k_timer *, int, int);
""",
    "zephyr/sys/printk.h": "#pragma once\n__attribute__((format(printf, 1, 2))) void printk(const char *, ...);\n",
    "stub.c": """#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include "zephyr/kernel.h"
#include "zephyr/sys/printk.h"
void k_timer_start(struct k_timer *timer, int first, int period) { timer->t = first - period; }
unsigned k_timer_status_sync(struct k_timer *timer) {
    if (timer->t++ == 50) { exit(0); }
    return 1;
}
void printk(const char *format, ...) {
    va_list list;
    va_start(list, format);
    vprintf(format, list);
    va_end(list);
}
""",
}


def test_zephyr_sample_runs(tmp_path: Path) -> None:
    """Its CMake files by cmake, its sample on this computer, with stand-ins for Zephyr; it says what twister wants."""
    needs("cmake", "make", "gcc")
    folder, base = written(tmp_path / "gait", "zephyr"), stubs(tmp_path / "base", ZEPHYR)
    sample = folder / "samples" / "learn"
    run("env", f"ZEPHYR_BASE={base}", "cmake", *WARNINGS, "-S", sample, "-B", "build", cwd=tmp_path)
    run("cmake", "--build", "build", cwd=tmp_path)
    lines = run("build/app", cwd=tmp_path).splitlines()
    assert len(lines) == 1 + 50
    module = yaml.safe_load((folder / "zephyr" / "module.yml").read_text(encoding="utf-8"))
    assert module["name"] == "gait"
    assert (folder / module["build"]["cmake"] / "CMakeLists.txt").is_file()
    assert (folder / module["build"]["kconfig"]).is_file()
    found = yaml.safe_load((sample / "sample.yaml").read_text(encoding="utf-8"))
    (test,) = found["tests"].values()
    assert test["harness_config"]["regex"] == [lines[0]]
    for compiler in (M0, M4):
        compile_all(folder, "src/*.c", compiler)
        compile_all(sample, "src/*.c", compiler, "-I", base, "-I", folder / "src")


def test_zephyr_kconfig_reads(tmp_path: Path) -> None:
    """By the parser that Zephyr's own is made of."""
    folder = written(tmp_path / "gait", "zephyr")
    found = kconfiglib.Kconfig(str(folder / "zephyr" / "Kconfig"), warn_to_stderr=False)
    text = (folder / "samples" / "learn" / "prj.conf").read_text(encoding="utf-8")
    (tmp_path / "own.conf").write_text("".join(line for line in text.splitlines(True) if "RTRL" in line))
    found.load_config(str(tmp_path / "own.conf"))
    assert found.syms["RTRL_GAIT"].str_value == "y"
    assert found.warnings == []


def test_platformio_project(tmp_path: Path) -> None:
    """Its tests and its program, by the host's compiler in place of its own build."""
    needs("gcc")
    folder = written(tmp_path / "gait", "platformio")
    settings = configparser.ConfigParser()
    settings.read(folder / "platformio.ini", encoding="utf-8")
    assert settings["env:native"]["platform"] == "native"
    library = json.loads((folder / "lib" / "gait" / "library.json").read_text(encoding="utf-8"))
    assert library["version"] == rt.__version__
    assert (folder / "lib" / "gait" / "src" / library["headers"]).is_file()
    unity = """#include <stdio.h>
static int failed;
#define UNITY_BEGIN() ((void)0)
#define RUN_TEST(test) (setUp(), test(), tearDown())
#define TEST_ASSERT_EQUAL_UINT16(a, b) (failed += (a) != (b))
#define UNITY_END() failed
void setUp(void);
void tearDown(void);
"""
    headers = stubs(tmp_path / "stubs", {"unity.h": unity})
    src = folder / "lib" / "gait" / "src"
    sources = sorted(src.glob("*.c"))
    build = ("gcc", *STRICT, "-I", src, "-I", headers, *sources)
    run(*build, folder / "test" / "test_self_test" / "test_main.c", "-o", "test", cwd=tmp_path)
    run("./test", cwd=tmp_path)
    run(*build, *sorted((folder / "src").glob("*.c")), "-o", "program", cwd=tmp_path)
    assert len(run("./program", cwd=tmp_path).splitlines()) == 200


def test_platformio_library_packs(tmp_path: Path) -> None:
    """By its own packing tool, which checks the manifest; the licence's name it would look up in the network."""
    pio = tool("pio")
    library = written(tmp_path / "gait", "platformio") / "lib" / "gait"
    manifest = json.loads((library / "library.json").read_text(encoding="utf-8"))
    assert manifest.pop("license") == "Apache-2.0"
    (library / "library.json").write_text(json.dumps(manifest), encoding="utf-8")
    run("env", f"PLATFORMIO_CORE_DIR={tmp_path}", "PLATFORMIO_SETTING_ENABLE_TELEMETRY=no",
        pio, "pkg", "pack", library, "--output", tmp_path / "gait.tar.gz", cwd=tmp_path)  # fmt: skip
    assert (tmp_path / "gait.tar.gz").is_file()


def test_cmsis_pack(tmp_path: Path) -> None:
    """Names, versions and order of elements as the Pack specification wants them; every file is in the zip."""
    files = export(integer_model(3, name="gait"), "cmsis_pack")
    pack = files[f"rtrl_edge.gait.{rt.__version__}.pack"]
    assert isinstance(pack, bytes)
    with zipfile.ZipFile(io.BytesIO(pack)) as archive:
        assert archive.testzip() is None
        names = archive.namelist()
        description = archive.read("rtrl_edge.gait.pdsc")
    assert sorted(names) == sorted(path for path in files if not path.endswith(".pack"))
    root = ElementTree.fromstring(description)
    assert [child.tag for child in root] == [
        "vendor", "name", "description", "url", "license", "releases", "keywords", "conditions", "components",
    ]  # fmt: skip
    assert (root.findtext("vendor"), root.findtext("name")) == ("rtrl_edge", "gait")
    assert root.findtext("license") in names
    release = root.find("releases/release")
    assert release is not None
    assert release.get("version") == rt.__version__
    (component,) = root.iterfind("components/component")
    assert component.get("Cversion") == rt.__version__
    assert {component.get(key) for key in ("Cclass", "Cgroup", "Csub")} == {"Machine Learning", "RTRL", "gait"}
    assert {c.get("id") for c in root.iterfind("conditions/condition")} == {component.get("condition")}
    listed = [str(file.get("name")) for file in component.iterfind("files/file")]
    assert {path for path in names if path.startswith(("src/", "example/"))} == {n for n in listed if n != "src/"}
    assert {f.get("category") for f in component.iterfind("files/file")} == {"include", "header", "source"}


def test_cmsis_pack_compiles_for_cortex_m(tmp_path: Path) -> None:
    folder = written(tmp_path / "gait", "cmsis_pack")
    for compiler in (M0, M4):
        compile_all(folder, "src/*.c", compiler)
        compile_all(folder, "example/*.c", compiler, "-I", folder / "src")
