"""What commands share: the user's model file and stream, the progress bar, the file of figures."""

from __future__ import annotations

import argparse
import importlib.util
import json
import math
import sys
from collections.abc import Mapping
from pathlib import Path
from types import ModuleType
from typing import TypeVar

from ..errors import ModelError
from ..project import write_text
from ..quantize import IntegerModel, check_channels, check_quantized
from ..stream import Source, Stream
from ..stream_file import load_stream, open_stream

_Played = TypeVar("_Played", bound=Source)


class Bar:
    """A progress bar on the terminal; silent where nobody looks."""

    def __init__(self, what: str, total: int, unit: str = " samples") -> None:
        from tqdm import tqdm

        self._bar = tqdm(total=total, desc=what, disable=not sys.stderr.isatty(), leave=False, unit=unit)

    def __call__(self, count: int) -> None:
        """So many more are done."""
        self._bar.update(count)

    def close(self) -> None:
        """Take it off the terminal."""
        self._bar.close()


def load(path: Path) -> ModuleType:
    """Run a user's model file; its own exceptions are shown as they are."""
    if not path.is_file():
        found = "a folder" if path.is_dir() else "no such file"
        raise ModelError(f"{path}: wanted a model file, found {found}; `rtrl-edge new DIR` writes one to start from")
    spec = importlib.util.spec_from_file_location(f"rtrl_edge_user_{path.stem}", path)
    if spec is None or spec.loader is None:
        raise ModelError(f"{path}: wanted a Python file (.py), found '{path.suffix or 'no suffix'}'")
    sys.path.insert(0, str(path.resolve().parent))  # it may import its neighbours, as under `python model.py`
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # dataclasses and pickle look there
    before, sys.dont_write_bytecode = sys.dont_write_bytecode, True  # no __pycache__ in a user's folder
    try:
        spec.loader.exec_module(module)
    except SyntaxError as error:
        raise ModelError(f"{error.filename or path}, line {error.lineno}: not Python: {error.msg}") from error
    finally:
        sys.dont_write_bytecode = before
    if not callable(getattr(module, "build", None)):
        raise ModelError(f"{path}: wanted a function build() that returns rt.quantize(...), found none")
    return module


def build(module: ModuleType, options: argparse.Namespace) -> IntegerModel:
    """What the model file's ``build()`` returns."""
    return check_quantized(f"{options.model}: build()", module.build())


def build_and_stream(options: argparse.Namespace) -> tuple[IntegerModel, Stream]:
    """What a command plays; the stream first: it is quick to be wrong, and build() may train for long."""
    module = load(options.model)
    return _build_for(_stream(module, options), module, options)


def build_and_source(options: argparse.Namespace) -> tuple[IntegerModel, Source]:
    """The same for a command that needs no more than a piece of a recording at a time."""
    module = load(options.model)
    source = _stream(module, options) if options.stream is None else open_stream(options.stream, options.steps)
    return _build_for(source, module, options)


def _build_for(source: _Played, module: ModuleType, options: argparse.Namespace) -> tuple[IntegerModel, _Played]:
    integer_model = build(module, options)
    check_channels(integer_model.model, source, str(options.stream or f"{options.model}, stream()"))
    return integer_model, source


def _stream(module: ModuleType, options: argparse.Namespace) -> Stream:
    if options.stream is not None:
        stream = load_stream(options.stream)
    elif callable(getattr(module, "stream", None)):
        stream = module.stream()
        if not isinstance(stream, Stream):
            raise ModelError(f"{options.model}: stream() must return an rt.Stream, found {type(stream).__name__}")
    else:
        raise ModelError(f"{options.model}: no stream() in it, and no STREAM file given; wanted one of the two")
    return stream[: options.steps] if options.steps else stream


def json_line(options: argparse.Namespace) -> str:
    """First line of a file of figures, by which it is known."""
    return f'{{"command": "rtrl-edge {options.name}",'


def write_json(options: argparse.Namespace, figures: Mapping[str, object]) -> None:
    """The file of figures, if one was asked for."""
    if options.json is not None:
        text = json.dumps(_without_nan(figures), indent=1, allow_nan=False)
        print(f"wrote {write_text(options.json, json_line(options) + text.removeprefix('{') + chr(10))}")


def _without_nan(value: object) -> object:
    """An error where there was no label is NaN, which JSON does not have: null."""
    if isinstance(value, Mapping):
        return {key: _without_nan(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_without_nan(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
