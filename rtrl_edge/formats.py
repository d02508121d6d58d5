"""The generated C as a library of an ecosystem, with an example and the self-test.

A format is a folder of ``firmware_templates/``: each file in it is a template, and ``NAME`` in its path stands for the
model's name. The generated C goes to ``src/`` of the library, ``firmware_templates/sensor_loop/`` to the example.
"""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from ._version import __version__
from .assets import firmware_templates_dir, licence_text
from .emit import common_slots, emit, fill, summary
from .errors import ModelError
from .layout import layout
from .quantize import IntegerModel
from .self_test import emit_self_test


@dataclass(frozen=True)
class Format:
    """Where things go: ``library`` is the folder that holds LICENSE and src/, ``example`` that of ``loop``, which is
    folders of firmware_templates too."""

    title: str
    library: str
    example: str
    loop: tuple[str, ...] = ("sensor_loop",)


#: besides "c", which is the generated files and nothing else
FORMATS: Mapping[str, Format] = {
    "cmake": Format("CMake library, FetchContent-friendly", "", "example/", ("sensor_loop", "host_main")),
    "arduino": Format("Arduino library", "", "examples/Learn/"),
    "esp_idf": Format("ESP-IDF project with the component", "components/NAME/", "main/"),
    "zephyr": Format("Zephyr module with a sample", "", "samples/learn/src/"),
    "platformio": Format("PlatformIO project with the library", "lib/NAME/", "src/", ("sensor_loop", "host_main")),
    "cmsis_pack": Format("CMSIS-Pack, .pdsc and .pack", "", "example/", ("sensor_loop", "host_main")),
}
FORMAT_NAMES = ("c", *FORMATS)


def export(
    integer_model: IntegerModel, form: str = "c", checked: bool = False, simd: str = "none"
) -> dict[str, str | bytes]:
    """All files of a model in a format, content by path.

    Args:
        integer_model: what :func:`rtrl_edge.quantize` made.
        form: one of :data:`FORMAT_NAMES`.
        checked, simd: see :func:`rtrl_edge.emit.emit`.

    Raises:
        ModelError: no such format, or a model name that the ecosystem does not allow.
    """
    generated = emit(integer_model, checked, simd) | emit_self_test(integer_model)
    if form == "c":
        return {**generated}
    if form not in FORMATS:
        raise ModelError(f"generate: format: wanted one of {', '.join(FORMAT_NAMES)}, found {form!r}")
    name, place = integer_model.model.name, FORMATS[form]
    if form == "arduino" and name.startswith("arduino"):
        raise ModelError(
            f"generate: Arduino keeps names that begin with 'arduino' for itself; rename the model {name!r}"
        )
    slots = _slots(integer_model)
    files = {f"{place.library}src/{file}": text for file, text in generated.items()}
    files[f"{place.library}LICENSE"] = licence_text()
    for folder in place.loop:
        files |= {place.example + file: _filled(text, slots) for file, text in _templates(folder)}
    files |= {file: _filled(text, slots) for file, text in _templates(form)}
    named = {path.replace("NAME", name): text for path, text in files.items()}
    return {**named, f"rtrl_edge.{name}.{__version__}.pack": _zip(named)} if form == "cmsis_pack" else {**named}


def _zip(files: Mapping[str, str]) -> bytes:
    """The same bytes for the same files: no dates, and no compressor that could change."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as archive:
        for path, text in sorted(files.items()):
            archive.writestr(zipfile.ZipInfo(path), text)
    return buffer.getvalue()


def _templates(folder: str) -> Iterable[tuple[str, str]]:
    root = firmware_templates_dir() / folder
    for path in sorted(root.rglob("*")):
        if path.is_file():
            yield path.relative_to(root).as_posix(), path.read_text(encoding="utf-8")


def _slots(integer_model: IntegerModel) -> dict[str, object]:
    scaling = integer_model.scaling

    def floats(values: Iterable[float]) -> str:
        return ", ".join(f"{float(value)!r}f" for value in values)

    return common_slots(integer_model) | {
        "summary": summary(integer_model.model),
        "bytes": layout(integer_model.model).size,
        "x_offset": floats(scaling.input_offset),
        "x_gain": floats(scaling.input_gain),
        "x_swing": floats(0.5 / scaling.input_gain),
        "y_offset": floats(scaling.output_offset),
        "y_gain": floats(scaling.output_gain),
        "y_one": 2**integer_model.model.numbers.output_frac,
    }


def _filled(template: str, slots: Mapping[str, object]) -> str:
    """:func:`rtrl_edge.emit.fill`, but a template need not have every slot."""
    return fill(template, {slot: value for slot, value in slots.items() if f"@{slot}@" in template})
