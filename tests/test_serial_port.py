"""A board on a serial port: the firmware as a program behind a pseudo-terminal."""

from __future__ import annotations

import os
import pty
import subprocess
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

import rtrl_edge as rt
from rtrl_edge.boards import load_board
from rtrl_edge.cli import main
from rtrl_edge.device.serial_port import SerialPort
from rtrl_edge.errors import LinkError
from rtrl_edge.firmware import build_firmware, firmware_project

from .models import integer_model
from .needs import needs

MODEL = """
import numpy as np
import rtrl_edge as rt
from rtrl_edge.stream import next_sample
from rtrl_edge.weights import initial

def stream():
    return next_sample(np.random.default_rng(0).uniform(-1, 1, (60, 3)))

def build():
    model = rt.Model("net", 3, [rt.RNN(4)], rt.Linear(3))
    return rt.quantize(model, initial(model, 1), stream())
"""


def serve(model: rt.IntegerModel, folder: Path) -> Iterator[str]:
    """Name of a port at whose other end the model's firmware answers."""
    for file, text in firmware_project(model, load_board("native")).items():
        (folder / file).parent.mkdir(parents=True, exist_ok=True)
        (folder / file).write_text(text, encoding="utf-8")
    elf = build_firmware(folder, load_board("native")).elf
    ours, port = pty.openpty()
    with subprocess.Popen([str(elf)], stdin=ours, stdout=ours) as program:
        yield os.ttyname(port)
        program.kill()
    os.close(ours)
    os.close(port)


@pytest.fixture
def port(tmp_path: Path) -> Iterator[str]:
    needs("gcc", "make")
    namespace: dict[str, object] = {}
    exec(MODEL, namespace)
    yield from serve(namespace["build"](), tmp_path / "firmware")  # type: ignore[operator]


def test_monitor(port: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "model.py").write_text(MODEL, encoding="utf-8")
    kept = tmp_path / "a.snapshot"
    arguments = ["monitor", str(tmp_path / "model.py"), "--port", port, "--every", "25", "--snapshot", str(kept)]
    assert main(arguments) == 0
    said = capsys.readouterr().out
    assert "has the bits of the reference" in said
    assert said.count("NRMSE of the last 25") == 3  # of 59 samples
    namespace: dict[str, object] = {}
    exec(MODEL, namespace)
    model, stream = namespace["build"](), namespace["stream"]()  # type: ignore[operator]
    with rt.Reference(model) as numpy_twin:
        for x, target in stream:
            numpy_twin.predict(model.to_input(x))
            numpy_twin.learn(model.to_target(target))
        learned = rt.Snapshot.load(kept)
        assert np.array_equal(learned.state["w_lo"], numpy_twin.state()["w_lo"])


def test_another_model_and_no_port_are_refused(port: str, tmp_path: Path) -> None:
    with pytest.raises(LinkError, match="wanted the model with digest"):
        SerialPort(integer_model(4), port)
    with pytest.raises(LinkError, match="cannot be opened"):
        SerialPort(integer_model(4), tmp_path / "ttyNone")
    (tmp_path / "file").write_text("")
    with pytest.raises(LinkError, match="wanted a serial port"):
        SerialPort(integer_model(4), tmp_path / "file")
