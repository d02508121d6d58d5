"""TFLite: files written by hand with the schema, float and int8, against the interpreter; through a chip and back."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import rtrl_edge as rt
from rtrl_edge.convert import Network, read
from rtrl_edge.convert.from_tflite import from_tflite, with_weights
from rtrl_edge.errors import ConvertError

from . import tflite_models
from .fuzz_tflite import fuzz
from .needs import needs
from .test_convert_torch import integers, learned, words

STEPS = 24
OUTPUT_SCALE = 0.03


def weights(seed: int = 0, units: int = 5, inputs: int = 2, outputs: int = 2) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    return rng.normal(0, 0.5, (4 * units, inputs + 1 + units)), rng.normal(0, 0.5, (outputs, units + 1))


def samples(seed: int = 0, scale: float = 0.02) -> np.ndarray:
    """(STEPS, 2), on the grid of an int8 input."""
    return np.rint(np.random.default_rng(seed).normal(0, 0.8, (STEPS, 2)) / scale).clip(-120, 120) * scale


def stream_of(network: Network, repeats: int = 3) -> rt.Stream:
    """Labels near what it gives."""
    rng, x = np.random.default_rng(5), np.vstack([samples(seed) for seed in range(repeats)])
    y = network.play(x)
    return rt.Stream(x, y * 0.8 + rng.normal(0, 0.2, y.shape))


@pytest.mark.parametrize("readout", [True, False])
@pytest.mark.parametrize("peepholes", [True, False])
def test_float_files_are_what_the_interpreter_plays(readout: bool, peepholes: bool) -> None:
    W, V = weights()
    peeps = np.random.default_rng(1).normal(0, 0.5, 15) if peepholes else None
    network = from_tflite(tflite_models.lstm(W, V if readout else None, STEPS, peepholes=peeps))
    assert network.cells == (rt.LSTM(5, peepholes=peepholes),)
    assert network.readout == (rt.Linear(2) if readout else rt.Direct(5))
    assert network.largest_difference() < 1e-6
    x = samples()
    assert network.evaluate is not None
    assert np.abs(network.evaluate(x) - network.play(x)).max() < 1e-6


@pytest.mark.parametrize("seed", range(3))
def test_int8_files_are_what_the_interpreter_plays_within_steps_of_its_output(seed: int, tmp_path: Path) -> None:
    W, V = weights(seed)
    content = tflite_models.lstm(W, V, STEPS, int8=True, output_scale=OUTPUT_SCALE)
    network = from_tflite(content)
    assert network.source == "TFLite, int8"
    assert network.largest_difference() < 2 * OUTPUT_SCALE
    assert np.abs(network.weights.W - W).max() <= np.abs(W).max() / 254 * 1.001  # weights by their scales
    x = samples(seed)
    assert network.evaluate is not None
    (tmp_path / "net.tflite").write_bytes(content)
    np.savez(tmp_path / "check.npz", x=x, y=network.evaluate(x))
    read(tmp_path / "net.tflite", tmp_path / "check.npz")
    np.savez(tmp_path / "check.npz", x=x, y=network.evaluate(x) + 1.0)
    with pytest.raises(ConvertError, match="differs from"):
        read(tmp_path / "net.tflite", tmp_path / "check.npz")


def test_weights_of_int8_in_a_float_graph() -> None:
    W, V = weights()
    content = tflite_models.lstm(W, V, STEPS, hybrid=True)
    network = from_tflite(content)
    assert network.source == "TFLite, float"
    assert 1e-6 < np.abs(network.weights.W - W).max() <= np.abs(W).max() / 254 * 1.001
    assert network.largest_difference() < 0.03  # the interpreter rounds x and h to 8 bits as well
    again = from_tflite(with_weights(content, network.arrays))
    assert all((again.arrays[name] == array).all() for name, array in network.arrays.items())


@pytest.mark.parametrize("int8", [False, True])
def test_without_learning_the_file_comes_back_as_it_was(int8: bool) -> None:
    W, V = weights()
    content = tflite_models.lstm(W, V, STEPS, int8=int8)
    network = from_tflite(content)
    chip = integers(network, stream_of(network))
    again = from_tflite(with_weights(content, network.back(chip.float_weights())))
    half = 2.0**-29 * max(1.0, *chip.scaling.input_gain, *(1 / chip.scaling.output_gain))
    for name, array in network.arrays.items():
        step = 0.0 if int8 else half + np.abs(array).max() * 2.0**-24
        assert np.abs(again.arrays[name] - array).max() <= step


@pytest.mark.parametrize("int8", [False, True])
def test_from_a_file_through_an_emulated_chip_and_back(int8: bool, tmp_path: Path) -> None:
    needs("arm-none-eabi-gcc", "qemu-system-arm")
    W, V = weights(3)
    content = tflite_models.lstm(W, V, STEPS, int8=int8, output_scale=OUTPUT_SCALE)
    near = 2 * OUTPUT_SCALE if int8 else 0.02
    network = from_tflite(content)  # import
    assert network.largest_difference() < near
    stream = stream_of(network)
    chip = integers(network, stream)  # quantize: the integers follow the interpreter
    assert network.evaluate is not None
    with rt.Reference(chip) as frozen:
        y = chip.from_output(np.array([frozen.predict(x) for x in chip.to_input(stream.x[:STEPS])]))
    assert np.abs(y - network.evaluate(stream.x[:STEPS])).max() < near
    assert {path.name for path in rt.generate(chip, tmp_path / "c")} >= {"imported.c", "imported_config.h"}
    with rt.Emulator(chip, "qemu_mps2_an386") as device, rt.Reference(chip) as numpy_twin:  # the chip: NumPy's bits
        for x, target in zip(chip.to_input(stream.x), chip.to_target(stream.target), strict=True):
            assert (device.predict(x) == numpy_twin.predict(x)).all()
            device.learn(target)
            numpy_twin.learn(target)
        now = learned(chip, device.state())
    assert (words(now) == words(learned(chip, numpy_twin.state()))).all()
    assert (words(now) != words(chip)).mean() > 0.5
    again = from_tflite(with_weights(content, network.back(now.float_weights())))  # export, played by the interpreter
    with rt.Reference(now) as frozen:
        y = chip.from_output(np.array([frozen.predict(x) for x in chip.to_input(stream.x[:STEPS])]))
    assert again.evaluate is not None
    assert np.abs(y - again.evaluate(stream.x[:STEPS])).max() < near
    moved = np.abs(y - network.play(stream.x)[:STEPS]).max()
    assert moved > 0.05  # it did learn something that the old file does not say


def test_a_weight_that_outgrows_its_scale_takes_a_larger_one() -> None:
    W, V = weights()
    content = tflite_models.lstm(W, V, STEPS, int8=True)
    network = from_tflite(content)
    arrays = {name: array * (1 + ("forget" in name or "readout" in name)) for name, array in network.arrays.items()}
    again = from_tflite(with_weights(content, arrays))
    for name, array in arrays.items():
        assert np.abs(again.arrays[name] - array).max() <= np.abs(array).max() / 127
    assert again.largest_difference() < 4 * OUTPUT_SCALE


def _other(kind: str) -> bytes:
    w = tflite_models.Writer()
    S = tflite_models.S
    x, y = w.tensor("x", (1, 4, 2), S.TensorType.FLOAT32), w.tensor("y", (1, 4, 2), S.TensorType.FLOAT32)
    w.operator(kind, 1, [x], [y])
    return w.file([x], [y])


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (lambda: _other("WHILE"), r"operator 0 \(WHILE\) cannot be taken over"),
        (lambda: _other("RESHAPE"), r"operator 0 \(RESHAPE\)"),
        (lambda: _other("CUSTOM"), r"operator 0 \(CUSTOM\)"),
        (lambda: tflite_models.lstm(*weights(), STEPS, fusedActivationFunction=1), "wanted tanh"),
        (lambda: tflite_models.lstm(*weights(), STEPS, cellClip=3.0), "no clip of the cell below 8"),
        (lambda: tflite_models.lstm(*weights(), 0), "wanted a batch of one sequence"),
        (lambda: b"text", "wanted a .tflite file"),
        (lambda: tflite_models.lstm(*weights(), STEPS)[:900], "damaged|B do not fill"),
        (lambda: tflite_models.lstm(np.full((20, 8), np.nan), weights()[1], STEPS), "finite"),
    ],
)
def test_what_cannot_be_taken_over_is_named(content: Any, message: str) -> None:
    with pytest.raises(ConvertError, match=message):
        from_tflite(content())


def test_mutated_files_raise_our_error_and_nothing_else() -> None:
    """The long run: python -m tests.fuzz_tflite 10000."""
    outcome = fuzz(300, seed=1)
    assert outcome.refused > 100
    assert outcome.read + outcome.refused == 300
    assert outcome.seconds < 2
