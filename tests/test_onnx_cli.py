"""From an ONNX file to an emulated chip and back into ONNX, by the command line, each step checked against ONNX."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import rtrl_edge as rt
from rtrl_edge.cli import main
from rtrl_edge.convert import read
from rtrl_edge.convert.export import export
from rtrl_edge.weights import Weights

from .needs import needs
from .test_onnx import backend_tests, bound, graph

QEMU = "qemu-system-arm"


def told(capsys: pytest.CaptureFixture[str], *arguments: str | Path) -> str:
    code = main([str(argument) for argument in arguments])
    captured = capsys.readouterr()
    assert (code, captured.err) == (0, "")
    return captured.out


def recording(path: Path, outputs: int, steps: int = 300) -> Path:
    rng = np.random.default_rng(5)
    x = np.cumsum(rng.normal(0, 0.3, (steps, 3)), axis=0) * 0.9 + rng.normal(0, 0.5, (steps, 3))
    np.savez(path, x=x, target=np.roll(x, -1, axis=0)[:, :outputs])
    return path


@pytest.mark.parametrize("kind", ["GRU", "LSTM"])
def test_onnx_to_an_emulated_chip_that_learns_and_back(
    kind: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    needs(QEMU, "arm-none-eabi-gcc", "gcc")
    options = {"linear_before_reset": 1} if kind == "GRU" else {"peepholes": True}
    source, out = tmp_path / "my model.onnx", tmp_path / "out"
    source.write_bytes(graph(kind, tail="matmul", **options))
    stream = recording(tmp_path / "data.npz", 2)
    text = told(capsys, "import", source, "--stream", stream, "--out", out)
    assert f"{kind} 'layer', 3 inputs -> {kind}(units=4" in text
    assert "largest difference to the source's own arithmetic" in text
    assert "outputs: rms" in text
    assert "no step differs by more than" in text
    model = out / "model.py"
    assert "net_my_model" in told(capsys, "plan", model)
    snapshot, later = tmp_path / "a.snapshot", tmp_path / "b.snapshot"
    for steps, name in ((60, snapshot), (200, later)):
        told(capsys, "run", model, "--board", "qemu_microbit", "--steps", str(steps), "--snapshot", name)
    moved = told(capsys, "diff", snapshot, later)
    assert "readout" in moved
    for to in ("onnx", "npz", "safetensors"):
        assert "wrote" in told(capsys, "export", model, later, "--to", to, "--out", tmp_path / f"learned.{to}")
    assert main(["export", str(model), str(later), "--to", "npz", "--out", str(tmp_path / "learned.npz")]) == 1
    assert "found one that exists" in capsys.readouterr().err

    network, learned = read(source), read(tmp_path / "learned.onnx")
    assert learned.largest_difference() < 1e-5  # ONNX computes with the learned weights what we do
    kept = rt.Snapshot.load(later)
    exact = network.back(Weights(*_parts(kept, out)))
    changed = 0
    for name, array in np.load(tmp_path / "learned.npz").items():
        assert np.array_equal(array, learned.arrays[name])
        assert np.array_equal(array, exact[name])
        changed += not np.array_equal(array, network.arrays[name])
    assert changed >= 3


def _parts(kept: rt.Snapshot, out: Path) -> tuple[np.ndarray, np.ndarray, object]:
    scaling = Weights.load(out / "weights.npz")
    size = np.asarray(scaling.W).size
    return kept.learned[:size].reshape(scaling.W.shape), kept.learned[size:].reshape(scaling.V.shape), scaling.scaling


@pytest.mark.parametrize("options", [{}, {"x_shape": ("T", "N", 1), "inputs": 1, "tail": "none"}], ids=str)
def test_integers_survive_the_round_trip(options: dict, tmp_path: Path) -> None:
    """Without learning: the source's own numbers. With learning: device -> source -> device is identical."""
    path = tmp_path / "m.onnx"
    path.write_bytes(graph("LSTM", **options))
    network = read(path)
    x = np.random.default_rng(0).uniform(-3, 3, (80, network.inputs))
    stream = rt.Stream(x, network.play(x))
    model = network.quantize(network.model("m"), stream)
    half = 0.5 * 2.0 ** -(12 + model.model.numbers.residual_bits)
    gain = max(model.scaling.input_gain.max(), (1 / model.scaling.output_gain).max(), 1.0)
    for name, array in network.back(model.float_weights()).items():
        assert np.abs(array.astype(float) - network.arrays[name]).max() <= half * gain + np.spacing(np.float32(1)), name
    with rt.Reference(model) as device:
        for row in x:
            device.predict(model.to_input(row))
            device.learn(model.to_target(np.full(network.readout.outputs, 0.3)))
        learned = rt.Snapshot.take(model, device.state()).model(model)
    assert not np.array_equal(learned.w_lo, model.w_lo)
    sent = tmp_path / "learned.onnx"
    sent.write_bytes(export(network, learned, "onnx", path))
    back = network.returned(learned.float_weights(), read(sent).arrays)
    again = rt.quantize(model.model, back, stream)
    assert all(
        np.array_equal(getattr(again, name), getattr(learned, name)) for name in ("w_hi", "w_lo", "v_hi", "v_lo")
    )
    changed = dict(read(sent).arrays)
    changed["R"] = changed["R"] * np.float32(1.5)
    moved = network.returned(learned.float_weights(), changed)
    assert (moved.W != back.W).sum() == network.arrays["R"].size
    assert np.array_equal(moved.V, back.V)


def test_a_backend_test_goes_all_the_way(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Its units are its outputs; it is two steps long, so the chip learns on a longer recording."""
    needs(QEMU, "arm-none-eabi-gcc", "gcc")
    (case,) = [case for case in backend_tests() if case.name == "test_gru_seq_length"]
    content, x, _ = bound(case)
    source, out, kept = tmp_path / "gru.onnx", tmp_path / "out", tmp_path / "learned.snapshot"
    source.write_bytes(content)
    rng = np.random.default_rng(0)
    np.savez(tmp_path / "data.npz", x=rng.uniform(-1, 1, (100, x.shape[2])), target=rng.uniform(-0.5, 0.5, (100, 5)))
    told(capsys, "import", source, "--stream", tmp_path / "data.npz", "--out", out)
    assert "manifest.json" in told(capsys, "generate", out / "model.py", "--out", tmp_path / "c")
    told(capsys, "run", out / "model.py", "--board", "qemu_microbit", "--snapshot", kept)
    told(capsys, "export", out / "model.py", kept, "--to", "onnx", "--out", tmp_path / "learned.onnx")
    before, after = read(source), read(tmp_path / "learned.onnx")
    assert after.largest_difference() < 2e-6
    assert np.abs(after.weights.W - before.weights.W).max() > 1e-3


def test_what_import_and_export_refuse(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    def refused(*arguments: str | Path) -> str:
        assert main([str(argument) for argument in arguments]) == 1
        return capsys.readouterr().err

    source, out = tmp_path / "m.onnx", tmp_path / "out"
    source.write_bytes(graph("RNN"))
    out.mkdir()
    (out / "mine.txt").write_text("")
    assert "wanted a new or empty folder" in refused("import", source, "--out", out)
    source.write_bytes(graph("RNN", tail="relu"))
    assert "node 'r' (Relu)" in refused("import", source)
    own = tmp_path / "own.py"
    own.write_text("def build(): ...")
    assert "wanted a function source()" in refused("export", own, source, "--to", "npz", "--out", tmp_path / "x")
