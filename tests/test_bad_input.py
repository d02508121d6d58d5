"""What a user can get wrong: a sentence (wanted, found, what to change), a failing code, nothing overwritten."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import rtrl_edge as rt
from rtrl_edge.cli import main
from rtrl_edge.device.protocol import encode
from rtrl_edge.weights import initial

from .models import integer_model, random_stream

MODEL = """
import numpy as np
import rtrl_edge as rt
from rtrl_edge.weights import initial
model = rt.Model(name="tiny", inputs=2, cells=[rt.RNN({units})], readout=rt.Linear(2))
def stream():
    return rt.next_sample(np.random.default_rng(0).normal(0, 0.3, (60, 2)))
def build():
    return rt.quantize(model, initial(model, 0), stream())
"""


@pytest.fixture
def model_file(tmp_path: Path) -> Path:
    path = tmp_path / "tiny_model.py"
    path.write_text(MODEL.format(units=3), encoding="utf-8")
    return path


def refused(capsys: pytest.CaptureFixture[str], *arguments: object) -> str:
    """Run a command that must fail with one sentence; the sentence."""
    assert main([str(a) for a in arguments]) == 1
    said = capsys.readouterr().err
    assert said.startswith("rtrl-edge: ")
    assert "Traceback" not in said
    return said


def tree(folder: Path) -> dict[str, bytes]:
    return {str(p.relative_to(folder)): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}


def test_a_model_that_does_not_fit(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    path = tmp_path / "large.py"
    path.write_text(MODEL.format(units=40), encoding="utf-8")
    said = refused(capsys, "plan", path, "--board", "qemu_microbit")
    assert "needs" in said
    assert "units=" in said
    assert "qemu_microbit" in said
    units = int(said.split("units=")[1].split()[0])
    model = rt.Model(name="tiny", inputs=2, cells=[rt.RNN(units)], readout=rt.Linear(2))
    rt.plan(model, "qemu_microbit")  # what it advises does fit
    with rt.Emulator(integer_model(units, 2, 2), "qemu_microbit") as chip:  # and links, and runs
        chip.predict(np.zeros(2, dtype=np.int16))


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_weights_that_are_not_finite(value: float) -> None:
    model = rt.Model(name="net", inputs=3, cells=[rt.RNN(4)], readout=rt.Linear(2))
    start = initial(model, 0)
    start.W[1, 2] = value
    with pytest.raises(rt.RtrlEdgeError, match=r"W\[1, 2\] is .*must be finite.*diverge"):
        rt.quantize(model, start, random_stream(3, 2))


def test_a_constant_channel_in_the_calibration() -> None:
    model = rt.Model(name="net", inputs=3, cells=[rt.RNN(4)], readout=rt.Linear(2))
    stream = random_stream(3, 2)
    stream.x[:, 1] = 7.0
    with pytest.raises(rt.RtrlEdgeError, match=r"input channel 1 is constant at 7.*leave it out"):
        rt.quantize(model, initial(model, 0), stream)


def test_wrong_shapes() -> None:
    model = rt.Model(name="net", inputs=3, cells=[rt.RNN(4)], readout=rt.Linear(2))
    start = initial(model, 0)
    with pytest.raises(rt.RtrlEdgeError, match=r"W must have the shape \(4, 8\).*found \(4, 7\)"):
        rt.quantize(model, rt.Weights(start.W[:, :-1], start.V), random_stream(3, 2))
    with pytest.raises(rt.RtrlEdgeError, match=r"wants 3 inputs and 2 outputs.*5 and 2"):
        rt.quantize(model, start, random_stream(5, 2))
    with pytest.raises(rt.RtrlEdgeError, match="one target row a sample"):
        rt.Stream(np.zeros((5, 1)), np.zeros((4, 1)))
    with pytest.raises(rt.RtrlEdgeError, match="every sample must be finite"):
        rt.Stream(np.full((5, 1), np.nan), np.zeros((5, 1)))


@pytest.mark.parametrize(
    ("parts", "message"),
    [
        ({"name": "Gait"}, "lower-case C identifier"),
        ({"name": "while"}, "taken in C"),
        ({"inputs": 0}, "whole number from 1 to 256, found 0"),
        ({"cells": []}, "exactly one cell, found 0"),
        ({"cells": [rt.RNN(2), rt.RNN(2)]}, "exactly one cell, found 2"),
        ({"rule": "rtrl"}, "RTRL"),
    ],
)
def test_models_that_make_no_sense(parts: dict[str, object], message: str) -> None:
    with pytest.raises(rt.RtrlEdgeError, match=message):
        rt.Model(**({"name": "net", "inputs": 3, "cells": [rt.RNN(4)], "readout": rt.Linear(2)} | parts))


def test_rates_that_are_no_shift() -> None:
    with pytest.raises(rt.RtrlEdgeError, match=r"power of two.*found 0.01; try 0.0078125"):
        rt.SGD(0.01)
    with pytest.raises(rt.RtrlEdgeError, match="at most 1 a step"):
        rt.SGD(1.0, clip=2.0)


def test_a_missing_compiler(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("CC", raising=False)
    with pytest.raises(rt.RtrlEdgeError, match="apt-get install gcc"):
        rt.HostTwin(integer_model())
    with pytest.raises(rt.RtrlEdgeError, match="apt"):
        rt.Emulator(integer_model(), "qemu_mps2_an386")


def test_a_missing_emulator_or_compiler_ends_run_with_a_sentence(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path, model_file: Path
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert "qemu-system-arm" in refused(capsys, "run", model_file)


def test_an_unknown_board_names_the_nearest(capsys: pytest.CaptureFixture[str], model_file: Path) -> None:
    assert "qemu_mps2_an386" in refused(capsys, "plan", model_file, "--board", "qemu_mps2_an38")


def test_a_folder_that_is_not_ours(capsys: pytest.CaptureFixture[str], tmp_path: Path, model_file: Path) -> None:
    theirs = tmp_path / "theirs"
    theirs.mkdir()
    (theirs / "tiny.c").write_text("int precious;\n", encoding="utf-8")
    before = tree(theirs)
    assert "no manifest" in refused(capsys, "generate", model_file, "--out", theirs)
    assert "new or empty" in refused(capsys, "new", theirs)
    assert tree(theirs) == before


def test_a_generated_file_that_was_edited(capsys: pytest.CaptureFixture[str], tmp_path: Path, model_file: Path) -> None:
    out = tmp_path / "out"
    assert main(["generate", str(model_file), "--out", str(out)]) == 0
    assert main(["generate", str(model_file), "--out", str(out)]) == 0  # ours, unchanged: fine
    with (out / "tiny.c").open("a", encoding="utf-8") as file:
        file.write("/* mine */\n")
    before = tree(out)
    capsys.readouterr()
    assert "changed since" in refused(capsys, "generate", model_file, "--out", out)
    assert tree(out) == before


def test_an_output_that_names_a_file_of_another_kind(capsys: pytest.CaptureFixture[str], model_file: Path) -> None:
    before = model_file.read_bytes()
    assert str(model_file) in refused(capsys, "plan", model_file, "--json", model_file)
    assert str(model_file) in refused(capsys, "simulate", model_file, "--out", model_file)
    assert model_file.read_bytes() == before


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a,b\n1,2\n3,x\n", "line 3.*'x'"),
        ("a,b\n1,2\n3\n", "line 3"),
        ("a,b\n", "at least two samples"),
    ],
)
def test_broken_recordings(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, model_file: Path, text: str, message: str
) -> None:
    path = tmp_path / "data.csv"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(rt.RtrlEdgeError, match=message):
        rt.load_stream(path)
    refused(capsys, "simulate", model_file, path)
    refused(capsys, "simulate", model_file, tmp_path / "none.csv")
    (tmp_path / "broken.npz").write_bytes(b"not a zip file")
    refused(capsys, "simulate", model_file, tmp_path / "broken.npz")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("x = 1\n", "build()"),
        ("def build(:\n", "line 1"),
        ("def build():\n    return 3\n", "rt.quantize"),
    ],
)
def test_broken_model_files(capsys: pytest.CaptureFixture[str], tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "broken.py"
    path.write_text(text, encoding="utf-8")
    assert message in refused(capsys, "plan", path)
    assert "no such file" in refused(capsys, "plan", tmp_path / "none.py")


def test_broken_frames_are_answered_and_the_line_goes_on() -> None:
    """A truncated and a corrupt frame between good ones: refused by the firmware, the next request is served."""
    model = integer_model()
    x = np.zeros(3, dtype=np.int16)
    with rt.Emulator(model, "native", timeout=5.0) as chip:
        first = chip.predict(x)
        frame = bytearray(encode(0x10, 1, x.tobytes()))
        frame[-1] ^= 0xFF
        chip._line.send(bytes(frame), 5.0)
        with pytest.raises(rt.RtrlEdgeError, match=r"device: .*"):
            chip.predict(x)
        assert first.shape == (2,)


def test_a_real_process_shows_no_traceback(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "rtrl_edge.cli", "plan", str(tmp_path / "none.py")]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 1
    assert done.stderr.startswith("rtrl-edge: ")
    assert "Traceback" not in done.stderr
