"""Whatever a user can get wrong: a sentence with what was wanted, found and to change, and nothing overwritten."""

from __future__ import annotations

import json
import os
import pickle
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import rtrl_edge as rt
from rtrl_edge.cli import main
from rtrl_edge.cli.common import load
from rtrl_edge.errors import BoardError, BuildError, DataError, FolderError, ModelError, PlanError
from rtrl_edge.project import generate, write_starter
from rtrl_edge.reference import Reference
from rtrl_edge.weights import initial

from .models import integer_model, random_stream
from .needs import needs

ROOT = Path(__file__).parents[1]
MODEL = """
import numpy as np
import rtrl_edge as rt
from rtrl_edge.weights import initial

model = rt.Model(name="tiny", inputs=2, cells=[rt.RNN(UNITS)], readout=rt.Linear(2))
x = np.random.default_rng(0).normal(0.0, 0.3, (60, 2))


def build():
    return rt.quantize(model, initial(model, 0), rt.next_sample(x))


def stream():
    return rt.next_sample(x)
"""


def definition(**parts: object) -> rt.Model:
    """A good model but for ``parts``."""
    good: dict[str, object] = {"name": "net", "inputs": 3, "cells": [rt.RNN(4)], "readout": rt.Linear(2)}
    return rt.Model(**(good | parts))  # type: ignore[arg-type]


@pytest.fixture
def model(tmp_path: Path) -> Path:
    path = tmp_path / "model.py"
    path.write_text(MODEL.replace("UNITS", "3"), encoding="utf-8")
    return path


def snapshot(folder: Path) -> dict[str, bytes | None]:
    """Every file below a folder."""
    return {str(p.relative_to(folder)): p.read_bytes() if p.is_file() else None for p in sorted(folder.rglob("*"))
            if "__pycache__" not in p.parts}  # fmt: skip


def refused(capsys: pytest.CaptureFixture[str], *arguments: str | Path) -> str:
    """The sentence with which a command ends: exit code 1, nothing but it on stderr, no traceback."""
    assert main([str(argument) for argument in arguments]) == 1
    said = capsys.readouterr().err
    assert said.startswith("rtrl-edge: ")
    assert "Traceback" not in said
    return said


def says(text: str, *parts: str) -> None:
    for part in parts:
        assert part in text


# -------------------------------------------------------------------------------------------- model definitions


@pytest.mark.parametrize(
    ("make", "parts"),
    [
        (lambda: definition(name="Gait"), ("Model(name)", "lower-case C identifier", "found 'Gait'")),
        (lambda: definition(name="2nd"), ("Model(name)", "found '2nd'")),
        (lambda: definition(name="a-b"), ("Model(name)", "letters, digits and underscores", "found 'a-b'")),
        (lambda: definition(name="a" * 33), ("Model(name)", "at most 32")),
        (lambda: definition(name=7), ("Model(name)", "found 7")),
        (lambda: definition(name="while"), ("'while' is taken in C", "e.g. 'my_while'")),
        (lambda: definition(inputs=0), ("Model(inputs)", "a whole number from 1 to 256", "found 0")),
        (lambda: definition(inputs=3.0), ("Model(inputs)", "a whole number", "found 3.0")),
        (lambda: definition(inputs=True), ("Model(inputs)", "found True")),
        (lambda: rt.RNN(0), ("RNN(units)", "from 1 to 256", "found 0")),
        (lambda: rt.RNN(257), ("RNN(units)", "from 1 to 256", "found 257")),
        (lambda: rt.Linear("2"), ("Linear(outputs)", "a whole number", "found '2'")),  # type: ignore[arg-type]
        (lambda: definition(cells=rt.RNN(4)), ("Model(cells)", "a list of cells", "found RNN(units=4")),
        (lambda: definition(cells=[]), ("Model(cells)", "wanted a cell, or several RNN", "found none")),
        (lambda: definition(cells=[rt.RNN(4), rt.LSTM(4)]), ("RNN layers in a stack", "found LSTM")),
        (lambda: definition(cells=[rt.RNN(200), rt.RNN(57)]), ("at most 256 units in all", "found 2 with 257")),
        (lambda: definition(numbers=rt.R16(cap=0.5)), ("R16(cap=0.5)", "wanted a cap of 1 or more", "int16")),
        (lambda: definition(cells=[rt.LSTM(4)], numbers=rt.R8(cap=0.5)), ("wanted a cap of 1 or more", "int16")),
        (lambda: definition(cells=[16]), ("Model(cells)", "wanted a cell such as RNN(16)", "found 16")),
        (lambda: definition(readout=2), ("Model(readout)", "wanted a readout such as Linear(1)", "found 2")),
        (lambda: definition(rule=rt.RTRL), ("Model(rule)", "wanted a rule such as RTRL()", "found <class")),
        (lambda: definition(numbers="R16"), ("Model(numbers)", "wanted R16(), R8() or Q14()", "found 'R16'")),
        (lambda: definition(inputs=256, cells=[rt.RNN(256)]), ("cell weights", "at most 65535", "Use fewer units")),
        (lambda: rt.SGD(0.03), ("SGD(rate)", "a power of two", "found 0.03", "try 0.03125")),
        (lambda: rt.SGD(3), ("SGD(rate)", "found 3", "try 1.0")),
        (lambda: rt.SGD(2), ("SGD(rate)", "a power of two from 2**-15 to 2**0", "found 2")),
        (lambda: rt.SGD(0), ("SGD(rate)", "a power of two", "found 0")),
        (lambda: rt.SGD(float("nan")), ("SGD(rate)", "found nan")),
        (lambda: rt.SGD("fast"), ("SGD(rate)", "found 'fast'")),  # type: ignore[arg-type]
        (lambda: rt.SGD(2**-5, readout_rate=0.1), ("SGD(readout_rate)", "found 0.1", "try 0.125")),
        (lambda: rt.SGD(2**-5, clip=2**5), ("SGD(clip)", "2**-4 to 2**4", "found 32")),
        (lambda: rt.SGD(1.0, clip=2.0), ("clip * rate is 2", "at most 1 a step", "Lower one of them")),
        (lambda: rt.SGD(2**-5, 1.0, clip=4.0), ("clip * readout_rate is 4", "at most 1 a step")),
        (lambda: rt.R16(cap=3), ("R16(cap)", "a power of two", "found 3", "try 4.0")),
        (lambda: rt.R8(cap=2**16), ("R8(cap)", "2**-3 to 2**15", "found 65536")),
    ],
)  # fmt: skip
def test_models_that_make_no_sense(make: Callable[[], object], parts: tuple[str, ...]) -> None:
    with pytest.raises(ModelError) as error:
        make()
    says(str(error.value), *parts)


# ---------------------------------------------------------------------------------------- weights and calibration


def weights(**arrays: object) -> rt.Weights:
    """Good weights of the model above but for ``arrays``."""
    return replace(initial(definition(), 0), **arrays)  # type: ignore[arg-type]


def with_value(value: float) -> np.ndarray:
    W = np.zeros((4, 8))
    W[2, 5] = value
    return W


@pytest.mark.parametrize(
    ("arrays", "parts"),
    [
        ({"W": with_value(np.nan)}, ("weights: W[2, 5] is nan", "must be finite", "Try a smaller learning rate")),
        ({"W": with_value(-np.inf)}, ("weights: W[2, 5] is -inf",)),
        ({"V": [[np.inf] * 5, [0.0] * 5]}, ("weights: V[0, 0] is inf",)),
        ({"W": np.zeros((8, 4))}, ("W must have the shape (4, 8) for model 'net'", "found (8, 4)", "another model")),
        ({"V": np.zeros((2, 4))}, ("V must have the shape (2, 5)", "found (2, 4)")),
        ({"V": np.zeros(10)}, ("V must have the shape (2, 5)", "found (10,)")),
        ({"W": [["a"] * 8] * 4}, ("W must be numbers of the shape (4, 8)", "could not convert")),
        ({"W": [[1.0], [1.0, 2.0]]}, ("W must be numbers of the shape (4, 8)",)),
        ({"scaling": rt.Scaling(np.zeros(2), np.ones(2), np.zeros(2), np.ones(2))},
         ("input_offset and input_gain must have shape (3,)", "found (2,)")),
        ({"scaling": rt.Scaling(np.zeros(3), np.zeros(3), np.zeros(2), np.ones(2))}, ("input_gain finite and not 0",)),
    ],
)  # fmt: skip
def test_weights_that_do_not_fit(arrays: dict[str, object], parts: tuple[str, ...]) -> None:
    with pytest.raises(ModelError) as error:
        rt.quantize(definition(), weights(**arrays), random_stream(3, 2))
    says(str(error.value), *parts)


def test_calibration_that_does_not_fit() -> None:
    good = random_stream(3, 2)
    still = good.x.copy()
    still[:, 1] = 4.5
    flat = good.target.copy()
    flat[~np.isnan(flat)] = 1.0
    for stream, parts in (
        (rt.Stream(still, good.target, channels=("ax", "ay", "az")),
         ("input channel 1 ('ay') is constant at 4.5 in 200 samples", "leave it out", "data where it moves")),
        (rt.Stream(good.x, flat), ("target channel 0 is constant at 1",)),
        (random_stream(2, 2), ("calibration: model 'net' wants 3 inputs and 2 outputs", "has 2 and 2", "columns")),
        (random_stream(3, 1), ("wants 3 inputs and 2 outputs", "has 3 and 1")),
        (rt.Stream(good.x, np.full((200, 2), np.nan)), ("wanted at least 2 labelled samples", "found 0")),
        (rt.Stream(good.x * 50.0, good.target), ("of the inputs", "outside the ranges", "wider scaling")),
    ):  # fmt: skip
        with pytest.raises(DataError) as error:
            rt.quantize(definition(), weights(), stream)
        says(str(error.value), *parts)


def test_arguments_in_the_wrong_place() -> None:
    model, stream = definition(), random_stream(3, 2)
    for arguments, what in (
        ((weights(), model, stream), "model: wanted a rtrl_edge.Model, found Weights"),
        ((model, stream, stream), "weights: wanted a rtrl_edge.Weights, found Stream"),
        ((model, weights(), stream.x), "calibration: wanted a rtrl_edge.Stream, found ndarray"),
    ):
        with pytest.raises(ModelError) as error:
            rt.quantize(*arguments)  # type: ignore[arg-type]
        says(str(error.value), what)
    for wrong, what in (
        (
            lambda: rt.HostTwin(model),
            "HostTwin: wanted what rt.quantize(model, weights, calibration) makes, found Model",
        ),
        (lambda: rt.Emulator(model, "qemu_microbit"), "Emulator: wanted what rt.quantize"),
        (lambda: Reference(model), "Reference: wanted what rt.quantize"),
        (lambda: rt.generate(model, "never"), "generate: wanted what rt.quantize"),
        (lambda: rt.plan(stream), "plan: model: wanted a rtrl_edge.Model or a rtrl_edge.IntegerModel, found Stream"),
        (lambda: rt.train(model, stream.x), "train: past: wanted a rtrl_edge.Stream, found ndarray"),
    ):
        with pytest.raises(ModelError) as error:
            wrong()
        says(str(error.value), what)
    with pytest.raises(BoardError, match=r"board: wanted a name, the path of a \.toml file or a Board, found int"):
        rt.load_board(3)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("x", "target", "parts"),
    [
        (np.zeros(5), np.zeros((5, 1)), ("x must have the shape (samples, channels)", "found (5,)")),
        (np.zeros((5, 0)), np.zeros((5, 1)), ("x must have the shape", "found (5, 0)")),
        (np.zeros((5, 2)), np.zeros((4, 1)), ("5 samples but 4 targets", "one target row a sample")),
        ([[0.0], [np.nan]], np.zeros((2, 1)), ("x[1, 0] is nan", "fill or drop it")),
        (np.zeros((2, 1)), [[0.0, np.nan], [0.0, 0.0]], ("target row 0 is [0.0, nan]", "wholly finite, or wholly NaN")),
        (np.zeros((2, 1)), [[np.inf], [0.0]], ("target row 0 is [inf]",)),
        ([["a"], ["b"]], np.zeros((2, 1)), ("x must be numbers", "could not convert")),
        (np.ones((2, 1)) * 1j, np.zeros((2, 1)), ("x must be numbers", "found something else (complex numbers)")),
        ([[0.0], [0.0, 1.0]], np.zeros((2, 1)), ("x must be numbers of the shape (samples, channels)",)),
    ],
)
def test_streams_that_make_no_sense(x: object, target: object, parts: tuple[str, ...]) -> None:
    with pytest.raises(DataError) as error:
        rt.Stream(x, target)  # type: ignore[arg-type]
    says(str(error.value), *parts)


def test_other_streams_that_make_no_sense() -> None:
    with pytest.raises(DataError, match="rate_hz above 0, or None if it is not known, found 0"):
        rt.Stream(np.zeros((2, 1)), np.zeros((2, 1)), rate_hz=0.0)
    with pytest.raises(DataError, match=r"next_sample: wanted at least two samples .* found \(1, 3\)"):
        rt.next_sample(np.zeros((1, 3)))


def test_data_that_does_not_fit_the_model() -> None:
    model = integer_model()
    for values, message in (
        (np.zeros(2), r"x: wanted 3 channels in the last axis, found shape \(2,\)"),
        (0.5, r"x: wanted 3 channels in the last axis, found shape \(\)"),
        ([0.0, np.inf, 0.0], "x: wanted finite values, found inf"),
        (["a", "b", "c"], "x: wanted numbers, 3 in the last axis"),
    ):
        with pytest.raises(DataError, match=message):
            model.to_input(values)
    with pytest.raises(DataError, match="target: wanted 2 channels"):
        model.to_target(np.zeros(3))


@pytest.mark.parametrize("device", [rt.HostTwin, Reference])
def test_devices_refuse_words_of_the_wrong_shape(device: type[rt.HostTwin]) -> None:
    needs("gcc")
    with device(integer_model()) as chip:
        chip.predict(np.zeros(3, dtype=np.int16))
        with pytest.raises(DataError, match=r"learn: target must be .*int16.* of shape \(2,\), found .*\(3,\)"):
            chip.learn(np.zeros(3, dtype=np.int16))
        with pytest.raises(DataError, match=r"learn: target must be .*int16.* of shape \(2,\), found .*float64"):
            chip.learn(np.zeros(2))  # type: ignore[arg-type]


def test_play_refuses_arrays_of_different_length() -> None:
    needs("gcc")
    x, target = np.zeros((5, 3), dtype=np.int16), np.zeros((5, 2), dtype=np.int16)
    with rt.HostTwin(integer_model()) as twin:
        with pytest.raises(
            DataError, match=r"play: target must be .* of shape \(5, 2\), found int16 of shape \(4, 2\)"
        ):
            twin.play(x, target[:4])
        with pytest.raises(DataError, match=r"play: labelled must have the shape \(5,\), found \(4,\)"):
            twin.play(x, target, np.ones(4, dtype=bool))
        assert twin.state()["phase"] == 0  # nothing was played
        twin.close()
        with pytest.raises(DataError, match="it was closed; make a new HostTwin"):
            twin.predict(x[0])


# ------------------------------------------------------------------------------------------------- data files

CSV = {
    "a cell of text": ("a,b\n1,2\n3,high\n5,6\n", ("line 3, column 'b'", "wanted a finite number, found 'high'")),
    "an empty cell": ("a,b\n1,2\n3,\n5,6\n", ("line 3, column 'b'", "found an empty cell (only a target may be")),
    "not a number": ("a,b\n1,2\n3,4\n5,nan\n", ("line 4, column 'b'", "wanted a finite number, found 'nan'")),
    "an infinite target": ("a,target\n1,2\n3,inf\n5,6\n", ("line 3, column 'target'", "found 'inf'")),
    "half a label": ("a,target1,target2\n1,2,3\n4,5,\n6,7,8\n", ("line 3: target row 1 is [5.0, nan]",)),
    "a mistake far below": ("a\n" + "1\n" * 9000 + "\n1;2\n", ("line 9003, column 'a'", "found '1;2'")),
    "a broken end": ("a\n" + "1\n" * 9000 + '"x' * 100000, ("not a readable CSV file (after line 9001: field larger",)),
    "ragged rows": ("a,b\n1,2\n\n3,4,5\n", ("line 4", "wanted 2 columns as in the header, found 3")),
    "no header": ("1,2\n3,4\n5,6\n", ("wanted a header line with the columns' names first", "['1', '2']")),
    "semicolons": ("a;b\n1;2\n3;4\n", ("wanted commas between the columns, found 'a;b'",)),
    "nothing but targets": ("target_a,target_b\n1,2\n3,4\n", ("every column is a target", "without 'target'")),
    "one sample": ("a,b\n1,2\n", ("wanted a header line and at least two samples, found 2 lines",)),
    "empty": ("", ("at least two samples, found 0 lines",)),
}


@pytest.mark.parametrize("name", CSV)
def test_csv_files(name: str, model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text, parts = CSV[name]
    path = tmp_path / "data.csv"
    path.write_text(text, encoding="utf-8")
    says(refused(capsys, "simulate", model, path), str(path), *parts)


def npz_pickled(path: Path) -> None:
    np.savez(path, x=np.array([{"a": 1}, None], dtype=object), allow_pickle=True)


def npz_cut(path: Path) -> None:
    np.savez(path, x=np.arange(2000.0).reshape(-1, 2))
    path.write_bytes(path.read_bytes()[:900])


def npz_broken(path: Path) -> None:
    np.savez_compressed(path, x=np.random.default_rng(0).normal(size=(500, 2)))
    content = bytearray(path.read_bytes())
    content[300:340] = bytes(40)
    path.write_bytes(content)


def npz_other_zip(path: Path) -> None:
    with zipfile.ZipFile(path, "w") as file:
        file.writestr("x.npy", "not an array")


NPZ: dict[str, tuple[Callable[[Path], object], tuple[str, ...]]] = {
    "text": (lambda p: p.write_text("x = 1"), ("wanted a .npz file as numpy.savez writes it", "something else")),
    "a single array": (lambda p: p.write_bytes(b"\x93NUMPY" + bytes(90)), ("wanted a .npz file",)),
    "a pickle": (lambda p: p.write_bytes(pickle.dumps([1, 2])), ("wanted a .npz file",)),
    "pickled inside": (npz_pickled, ("not a readable .npz file", "save arrays of numbers")),
    "cut short": (npz_cut, ("wanted a .npz file", "something else")),
    "broken": (npz_broken, ("not a readable .npz file",)),
    "another zip": (npz_other_zip, ("must be numbers of the shape",)),
    "no x": (lambda p: np.savez(p, y=np.zeros((5, 2))), ("wanted an array 'x' of shape (samples, channels)",)),
    "text inside": (lambda p: np.savez(p, x=[["a", "b"]] * 4), ("could not convert",)),
    "one channel": (lambda p: np.savez(p, x=np.zeros(9)), ("samples of shape (samples, channels), found (9,)",)),
    "no samples": (lambda p: np.savez(p, x=np.zeros((0, 2)), target=np.zeros((0, 2))), ("at least one sample",)),
    "two rates": (lambda p: np.savez(p, x=np.zeros((5, 2)), fs=[1, 2]), ("fs: wanted one number", "[1, 2]")),
    "no rate": (lambda p: np.savez(p, x=np.zeros((5, 2)), fs=-1), ("rate_hz above 0", "found -1.0")),
    "three channels": (lambda p: np.savez(p, x=np.zeros((5, 3))), ("wants 2 inputs and 2 outputs", "has 3 and 3")),
}  # fmt: skip


@pytest.mark.parametrize("name", NPZ)
def test_npz_files(name: str, model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write, parts = NPZ[name]
    path = tmp_path / "data.npz"
    write(path)
    says(refused(capsys, "simulate", model, path), str(path), *parts)


def test_files_that_are_not_there(model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    says(
        refused(capsys, "simulate", model, tmp_path / "no.csv"),
        "no.csv: wanted a .csv, .npy or .npz file, found no such file",
    )
    (tmp_path / "d.csv").mkdir()
    says(refused(capsys, "simulate", model, tmp_path / "d.csv"), "wanted a .csv, .npy or .npz file, found a folder")
    (tmp_path / "data.txt").write_text("a,b\n", encoding="utf-8")
    says(refused(capsys, "simulate", model, tmp_path / "data.txt"), "wanted a .csv, .npy or .npz file, found '.txt'")
    (tmp_path / "latin.csv").write_bytes("größe,b\n1,2\n3,4\n".encode("latin-1"))
    says(refused(capsys, "simulate", model, tmp_path / "latin.csv"), "not a readable CSV file", "wanted UTF-8 text")


def test_weight_files(tmp_path: Path) -> None:
    path = tmp_path / "weights.npz"
    with pytest.raises(DataError, match=r"weights\.npz: not a readable \.npz file .*No such file"):
        rt.Weights.load(path)
    np.savez(path, W=np.zeros((2, 2)))
    with pytest.raises(DataError, match=r"wanted the arrays W and V as Weights\.save writes them, found \['W'\]"):
        rt.Weights.load(path)
    np.savez(path, W=[["a"]], V=[["b"]])
    with pytest.raises(DataError, match=r"weights\.npz: wanted arrays of numbers"):
        rt.Weights.load(path)
    path.write_bytes(b"PK\x03\x04" + bytes(50))
    with pytest.raises(DataError, match=r"wanted a \.npz file"):
        rt.Weights.load(path)


# ------------------------------------------------------------------------------------------------- model files

FILES = {
    "no build": ("x = 1\n", ("wanted a function build() that returns rt.quantize(...), found none",)),
    "build is no function": ("build = 3\n", ("wanted a function build()",)),
    "a syntax error": ("def build():\n    return (\n", ("line 2", "not Python", "was never closed")),
    "the wrong thing": ("def build():\n    return 3\n", ("build(): wanted what rt.quantize", "found int")),
    "nothing": ("def build():\n    pass\n", ("build(): wanted what", "found NoneType")),
    "only a definition": (MODEL.replace("UNITS", "3") + "\n\ndef build():\n    return model\n", ("found Model",)),
    "a bad model": (MODEL.replace("UNITS", "0"), ("RNN(units)", "from 1 to 256", "found 0")),
}


@pytest.mark.parametrize("name", FILES)
def test_model_files(name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text, parts = FILES[name]
    path = tmp_path / "model.py"
    path.write_text(text, encoding="utf-8")
    said = refused(capsys, "plan", path)
    says(said, *parts)
    assert name == "a bad model" or str(path) in said


def test_a_model_file_may_import_its_neighbours(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "path", [*sys.path])
    (tmp_path / "units_of_this_test.py").write_text("UNITS = 3\n", encoding="utf-8")
    text = "from units_of_this_test import UNITS\n\n\ndef build():\n    return UNITS\n"
    (tmp_path / "model.py").write_text(text, encoding="utf-8")
    assert load(tmp_path / "model.py").build() == 3


def test_model_files_that_are_none(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    says(refused(capsys, "plan", tmp_path / "no.py"), "wanted a model file, found no such file", "rtrl-edge new DIR")
    says(refused(capsys, "plan", tmp_path), "wanted a model file, found a folder")
    (tmp_path / "model.txt").write_text("x = 1", encoding="utf-8")
    says(refused(capsys, "plan", tmp_path / "model.txt"), "wanted a Python file (.py), found '.txt'")


def test_a_model_file_without_a_stream(model: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text = model.read_text(encoding="utf-8")
    model.write_text(text[: text.index("def stream")], encoding="utf-8")
    says(refused(capsys, "simulate", model), "no stream() in it, and no STREAM file given", "wanted one of the two")
    model.write_text(text.replace("return rt.next_sample(x)\n", "return x\n"), encoding="utf-8")
    says(refused(capsys, "simulate", model), "stream() must return an rt.Stream, found ndarray")
    model.write_text(text.replace("return rt.next_sample(x)\n", "return rt.next_sample(x[:, :1])\n"), encoding="utf-8")
    says(refused(capsys, "simulate", model), "stream(): model 'tiny' wants 2 inputs and 2 outputs", "has 1 and 1")


# ------------------------------------------------------------------------------------------------------ boards


def test_a_model_that_does_not_fit(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path, out = tmp_path / "model.py", tmp_path / "out"
    path.write_text(MODEL.replace("UNITS", "40"), encoding="utf-8")
    for command in (["plan", path], ["run", path, "--out", out]):
        said = refused(capsys, *command, "--board", "qemu_microbit")
        says(said, "model 'tiny' needs", "B of it the influence matrix", "board 'qemu_microbit' leaves", "fits, or")
    assert not out.exists()
    large = integer_model(40)
    with pytest.raises(PlanError) as error:
        rt.plan(large, "qemu_microbit")
    units = int(str(error.value).split("units=")[1].split()[0])
    rt.plan(replace(large.model, cells=[rt.RNN(units)]), "qemu_microbit")
    with pytest.raises(PlanError):
        rt.plan(replace(large.model, cells=[rt.RNN(units + 1)]), "qemu_microbit")


def test_an_unknown_board(model: Path, capsys: pytest.CaptureFixture[str]) -> None:
    wanted = ("no board 'qemu_mps2_an368'", "did you mean 'qemu_mps2_an386'?", "known: esp32, esp32c3,")
    for command in (["plan", model, "--board"], ["run", model, "--board"], ["verify", model, "--boards"]):
        says(refused(capsys, *command, "qemu_mps2_an368"), *wanted)
    says(refused(capsys, "plan", model, "--board", "mine.toml"), "no file 'mine.toml'")
    with pytest.raises(BoardError, match="no board ''"):
        rt.load_board("")


# --------------------------------------------------------------------------------------------------- missing tools


def only(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *commands: str) -> None:
    """A PATH with nothing but these commands."""
    folder = tmp_path / "bin"
    folder.mkdir()
    for command in commands:
        path = shutil.which(command)
        assert path is not None
        (folder / command).symlink_to(path)
    monkeypatch.setenv("PATH", str(folder))
    monkeypatch.delenv("CC", raising=False)


def test_no_compiler(
    model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    only(tmp_path, monkeypatch)
    with pytest.raises(
        BuildError, match=r"a C compiler, found no program 'cc' or 'gcc' or 'clang'.*apt-get install gcc"
    ):
        rt.HostTwin(integer_model())
    says(refused(capsys, "simulate", model), "wanted a C compiler", "or set CC")
    with pytest.raises(BuildError, match="found no program 'tcc'"):
        rt.HostTwin(integer_model(), cc="tcc")


def test_a_compiler_of_ones_own_choice_is_not_replaced(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, message in (("nowhere-cc", "Change CC$"), ("gcc -O2", "Change CC to one program, without options")):
        monkeypatch.setenv("CC", name)
        with pytest.raises(BuildError, match=f"found no program '{name}'. {message}"):
            rt.HostTwin(integer_model())


def test_a_compiler_that_refuses(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    compiler = tmp_path / "grumpy"
    compiler.write_text("#!/bin/sh\necho 'error: I do not want to' >&2\nexit 1\n", encoding="utf-8")
    compiler.chmod(0o755)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    with pytest.raises(BuildError, match=r"grumpy refused the generated C of 'net':\nerror: I do not want to"):
        rt.HostTwin(integer_model(), cc=str(compiler))
    assert list((tmp_path / "cache" / "rtrl-edge").iterdir()) == []


def test_no_emulator(
    model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    needs("arm-none-eabi-gcc", "make", "gcc", "clang")
    only(tmp_path, monkeypatch, "arm-none-eabi-gcc", "make", "gcc", "clang", "as", "ld", "sh")
    wanted = ("no 'qemu-system-arm' on this computer", "apt install qemu-system-arm")
    out = tmp_path / "out"
    says(refused(capsys, "run", model, "--out", out), *wanted)
    assert not out.exists()
    with pytest.raises(BuildError) as error:
        rt.Emulator(integer_model(), "qemu_microbit")
    says(str(error.value), *wanted)
    said = refused(capsys, "demo", "--steps", "20", "--out", tmp_path / "demo")
    says(said, *wanted, "`rtrl-edge demo --host-only` goes on without an emulated chip")
    assert not (tmp_path / "demo").exists()


@pytest.mark.parametrize("command", ["run", "demo"])
def test_a_board_without_an_emulator_is_refused_before_the_training(
    command: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("rtrl_edge.demo.train", None)
    (tmp_path / "model.py").write_text("def build():\n    raise AssertionError\n", encoding="utf-8")
    named = [tmp_path / "model.py"] if command == "run" else []
    said = refused(capsys, command, *named, "--board", "teensy41", "--out", tmp_path / "out")
    says(said, "teensy41: has no emulator; of the same core there is 'qemu_mps2_an500'")


@pytest.mark.parametrize("command", ["simulate", "compare"])
def test_no_matplotlib_is_told_before_the_work(
    command: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    (tmp_path / "model.py").write_text("def build():\n    raise AssertionError\n", encoding="utf-8")
    said = refused(capsys, command, tmp_path / "model.py", "--report", tmp_path / "page.html")
    says(said, "the plots need matplotlib", "pip install 'rtrl-edge[report]'")


def test_the_matrix_does_not_overwrite_a_page(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "mine.md").write_text("# Mine\n", encoding="utf-8")
    says(refused(capsys, "matrix", "--out", tmp_path / "mine.md"), "mine.md", "choose another name")


def test_no_cross_compiler(
    model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    needs("qemu-system-arm", "make", "gcc")
    only(tmp_path, monkeypatch, "qemu-system-arm", "make", "gcc", "as", "ld", "sh")
    wanted = ("no 'arm-none-eabi-gcc' on this computer", "apt install gcc-arm-none-eabi libnewlib-arm-none-eabi")
    says(refused(capsys, "run", model), *wanted)
    with pytest.raises(BuildError) as error:
        rt.Emulator(integer_model(), "qemu_mps2_an386")
    says(str(error.value), *wanted)


def test_verify_fails_if_a_board_asked_for_cannot_run(
    model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Without names it lists what could not run, and compares the rest."""
    needs("make", "gcc")
    only(tmp_path, monkeypatch, "make", "gcc", "as", "ld", "sh", "size", "nm")
    assert main(["verify", str(model), "--steps", "20", "--boards", "native,qemu_microbit"]) == 1
    found = capsys.readouterr()
    says(found.out, "not run: emulator: no 'qemu-system-arm'", "equal")
    says(found.err, "not all that was asked for could be compared")
    assert main(["verify", str(model), "--steps", "20"]) == 0
    found = capsys.readouterr()
    says(found.out, "not run: emulator: no 'qemu-system-arm'", "could not be run here")
    monkeypatch.setenv("PATH", str(tmp_path))
    assert main(["verify", str(model), "--steps", "20"]) == 1  # nothing was compared with anything


# ------------------------------------------------------------------------------------------ folders and files


def foreign_file(folder: Path) -> None:
    (folder / "thesis.tex").write_text("years of work", encoding="utf-8")


def foreign_manifest(folder: Path) -> None:
    (folder / "manifest.json").write_text('{"name": "a browser extension", "sha256": {}}', encoding="utf-8")


def broken_manifest(folder: Path) -> None:
    (folder / "manifest.json").write_text("{", encoding="utf-8")
    (folder / "tiny.c").write_text("int main(void) { return 0; }\n", encoding="utf-8")


@pytest.mark.parametrize("fill", [foreign_file, foreign_manifest, broken_manifest])
@pytest.mark.parametrize("command", ["generate", "run"])
def test_a_folder_that_is_not_ours(
    fill: Callable[[Path], None], command: str, model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    if command == "run":
        needs("arm-none-eabi-gcc", "qemu-system-arm", "make", "gcc")
    folder = tmp_path / "theirs"
    folder.mkdir()
    fill(folder)
    before = snapshot(folder)
    said = refused(capsys, command, model, "--out", folder)
    says(said, str(folder), "wanted an empty folder, or one with our manifest.json", f"found '{next(iter(before))}'")
    says(said, "Choose another folder")
    assert snapshot(folder) == before


def test_generated_files_edited_by_hand(model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = tmp_path / "c"
    assert main(["generate", str(model), "--out", str(folder)]) == 0
    (folder / "notes.txt").write_text("mine", encoding="utf-8")  # beside ours: stays, and is no reason to refuse
    assert main(["generate", str(model), "--out", str(folder)]) == 0
    capsys.readouterr()
    with (folder / "tiny_config.h").open("a", encoding="utf-8") as file:
        file.write("/* tuned */\n")
    before = snapshot(folder)
    said = refused(capsys, "generate", model, "--out", folder)
    says(said, "tiny_config.h", "wanted the file as it was generated", "changed since", "move it away")
    assert snapshot(folder) == before
    (folder / "tiny_config.h").unlink()  # what is gone is written again
    assert main(["generate", str(model), "--out", str(folder)]) == 0
    assert (folder / "notes.txt").read_text(encoding="utf-8") == "mine"


def test_a_name_that_is_taken_beside_our_files(tmp_path: Path) -> None:
    folder = tmp_path / "c"
    generate(integer_model(2, name="one"), folder)
    (folder / "two.c").write_text("int two;\n", encoding="utf-8")
    (folder / "three.h").mkdir()
    before = snapshot(folder)
    for name, file in (("two", "two.c"), ("three", "three.h")):
        with pytest.raises(FolderError, match=rf"{file}: wanted the file as it was generated, found .* not ours"):
            generate(integer_model(2, name=name), folder)
    assert snapshot(folder) == before


def test_two_models_in_one_folder_are_both_generated_again(tmp_path: Path) -> None:
    folder = tmp_path / "c"
    for name in ("one", "two", "one", "two"):
        generate(integer_model(2, name=name), folder)
    (folder / "one.c").write_text("int mine;\n", encoding="utf-8")
    generate(integer_model(2, name="two"), folder)
    with pytest.raises(FolderError, match=r"one\.c: wanted the file as it was generated"):
        generate(integer_model(2, name="one"), folder)
    (folder / "one.c").unlink()
    generate(integer_model(2, name="one"), folder)
    alone = tmp_path / "alone"
    generate(integer_model(2, name="one"), alone)
    known = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    assert set(known.pop("sha256_of_others")) == {
        "two.h",
        "two.c",
        "two_config.h",
        "two_self_test.h",
        "two_self_test.c",
    }
    assert known == json.loads((alone / "manifest.json").read_text(encoding="utf-8"))


def test_places_that_cannot_be_written(model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = snapshot(tmp_path)
    says(refused(capsys, "generate", model, "--out", model), "wanted a folder, found a file", "choose another --out")
    says(
        refused(capsys, "generate", model, "--out", model / "c"),
        "cannot be written (Not a directory)",
        "choose another",
    )
    says(refused(capsys, "plan", model, "--json", model / "x.json"), "cannot be written")
    says(refused(capsys, "new", model), "wanted a new or empty folder, found a file")
    says(refused(capsys, "new", tmp_path), "wanted a new or empty folder, found one that holds 'model.py'")
    assert snapshot(tmp_path) == before
    with pytest.raises(FolderError, match="cannot be written"):
        write_starter(model / "deeper")


@pytest.mark.parametrize("option", ["--json", "--out", "--report"])
@pytest.mark.parametrize("victim", ["model.py", "data.csv", "page.html", "package.json", "folder"])
def test_a_file_of_another_kind_is_not_overwritten(
    option: str, victim: str, model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Also one that looks alike, such as a page or a JSON file of someone else; told before the work, not after."""
    (tmp_path / "data.csv").write_text("a,b\n1,2\n3,4\n5,6\n", encoding="utf-8")
    (tmp_path / "page.html").write_text("<!DOCTYPE html>\n<html></html>\n", encoding="utf-8")
    (tmp_path / "package.json").write_text(json.dumps({"name": "theirs"}, indent=1), encoding="utf-8")
    (tmp_path / "folder").mkdir()
    before = snapshot(tmp_path)
    said = refused(capsys, "simulate", model, option, tmp_path / victim)
    says(
        said, victim, "found a folder" if victim == "folder" else "wanted a new file, or an older one of the same kind"
    )
    says(said, "choose another name")
    assert snapshot(tmp_path) == before
    assert capsys.readouterr().out == ""


def test_figures_of_another_command_are_not_overwritten(
    model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    figures = tmp_path / "figures.json"
    assert main(["plan", str(model), "--json", str(figures)]) == 0
    before = figures.read_bytes()
    says(
        refused(capsys, "doctor", "--json", figures), "rtrl-edge doctor", "found one that begins with", "rtrl-edge plan"
    )
    assert figures.read_bytes() == before


def test_the_demo_does_not_overwrite_a_page(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "report.html").write_text("<!DOCTYPE html>\nmine\n", encoding="utf-8")
    before = snapshot(tmp_path)
    says(refused(capsys, "demo", "--host-only", "--out", tmp_path), "report.html", "choose another name")
    assert snapshot(tmp_path) == before


# ------------------------------------------------------------------------------------------------ as a program


@pytest.mark.parametrize(
    ("arguments", "code", "parts"),
    [
        (["plan", "no.py"], 1, ("rtrl-edge: no.py: wanted a model file, found no such file",)),
        (
            ["plan", "model.py", "--board", "stm32"],
            1,
            ("rtrl-edge: board: no board 'stm32' (did you mean 'esp32'?); known: esp32,",),
        ),
        (["generate", "model.py", "--out", "."], 1, ("found 'model.py' and no manifest",)),
        (["fly"], 2, ("invalid choice: 'fly'", "simulate")),
        (["generate", "model.py"], 2, ("the following arguments are required: --out",)),
    ],
)
def test_as_a_program(arguments: list[str], code: int, parts: tuple[str, ...], model: Path) -> None:
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONDONTWRITEBYTECODE": "1"}
    command = [sys.executable, "-m", "rtrl_edge.cli", *arguments]
    before = snapshot(model.parent)
    done = subprocess.run(
        command, capture_output=True, text=True, check=False, timeout=60, cwd=model.parent, env=environment
    )
    assert done.returncode == code
    assert done.stdout == ""
    assert "Traceback" not in done.stderr
    says(done.stderr, *parts)
    assert snapshot(model.parent) == before


def test_weights_that_the_chip_cannot_hold() -> None:
    """They used to saturate without a word."""
    model = rt.Model(name="net", inputs=3, cells=[rt.RNN(4)], readout=rt.Linear(2))
    for name, at in (("W", (1, 2)), ("V", (1, 4))):
        weights = initial(model, 0)
        getattr(weights, name)[at] = -8.5
        message = rf"{name}\[{at[0]}, {at[1]}\] is -8.5, and 1 in all are beyond \+-8.*scale the data"
        with pytest.raises(rt.RtrlEdgeError, match=message):
            rt.quantize(model, weights, random_stream(3, 2))
