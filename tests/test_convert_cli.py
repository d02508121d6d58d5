"""The way of a user: import, run on an emulated chip, export, for weights of PyTorch and Keras and for TFLite."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from rtrl_edge.cli import main
from rtrl_edge.convert import read

from . import tflite_models
from .needs import needs
from .test_convert_tflite import STEPS, weights
from .test_convert_torch import FRAMEWORKS, stream_of, weights_file


@pytest.mark.parametrize("kind", ["torch_lstm", "keras_gru_after", "tflite"])
def test_import_run_export(kind: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    needs("arm-none-eabi-gcc", "qemu-system-arm")
    if kind == "tflite":
        file = tmp_path / "net.tflite"
        file.write_bytes(tflite_models.lstm(*weights(), STEPS, int8=True))
        check = []
    else:
        file, check = weights_file(kind), ["--check", str(FRAMEWORKS / f"{kind}.npz")]
    stream = stream_of(kind if check else "torch_lstm", np.random.default_rng(0))
    np.savez(tmp_path / "recording.npz", x=stream.x, target=stream.target)
    folder, snapshot, out = tmp_path / "net", tmp_path / "learned.snapshot", tmp_path / f"learned{file.suffix}"
    model = str(folder / "model.py")
    recording = ["--stream", str(tmp_path / "recording.npz")]
    assert main(["import", str(file), "--out", str(folder), *recording, *check]) == 0
    assert "integers against float64 on 60 steps" in capsys.readouterr().out
    assert main(["run", model, "--snapshot", str(snapshot)]) == 0
    assert main(["export", model, str(snapshot), "--to", file.suffix[1:], "--out", str(out)]) == 0
    before, after = read(file), read(out)
    assert list(after.arrays) == list(before.arrays)
    moved = [np.abs(after.arrays[name] - before.arrays[name]).max() for name in before.arrays]
    assert 1e-3 < max(moved) < 1
    other = "tflite" if kind != "tflite" else "onnx"
    assert main(["export", model, str(snapshot), "--to", other, "--out", str(tmp_path / "other")]) == 1
    assert "only where the source is one" in capsys.readouterr().err


def test_a_pickle_is_never_opened(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["import", str(tmp_path / "weights.pt")]) == 1
    assert "safetensors.torch.save_file" in capsys.readouterr().err
