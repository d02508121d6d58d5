"""PyTorch and Keras: weights in, learned weights back. What the two answer is kept in tests/frameworks (make.py there);
with torch installed, modules are asked themselves."""

from __future__ import annotations

import contextlib
import io
import sys
import zipfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

import rtrl_edge as rt
from rtrl_edge.convert import Network, read
from rtrl_edge.convert.keras import from_keras
from rtrl_edge.convert.pytorch import from_state_dict, from_torch
from rtrl_edge.convert.weight_files import file_of
from rtrl_edge.errors import ConvertError

from .needs import needs

FRAMEWORKS = Path(__file__).parent / "frameworks"
NAMES = [f"torch_{name}" for name in ("rnn", "stack", "gru", "lstm")]
NAMES += [f"keras_{name}" for name in ("rnn", "gru_after", "gru_before", "lstm")]


def weights_file(name: str) -> Path:
    return FRAMEWORKS / (f"{name}.safetensors" if name.startswith("torch") else f"{name}_weights.npz")


def stream_of(name: str, rng: np.random.Generator) -> rt.Stream:
    """The fixture's inputs, and labels near its outputs, so that there is something to learn."""
    with np.load(FRAMEWORKS / f"{name}.npz") as data:
        return rt.Stream(data["x"], data["y"] * 0.8 + rng.normal(0, 0.2, data["y"].shape))


def integers(network: Network, stream: rt.Stream, **parts: Any) -> rt.IntegerModel:
    return network.quantize(network.model(optimiser=rt.SGD(2**-5), **parts), stream)


def learned(chip: rt.IntegerModel, state: dict[str, Any]) -> rt.IntegerModel:
    """The model with the weights that a device has now."""
    return replace(chip, **{name: state[name].ravel() for name in ("w_hi", "w_lo", "v_hi", "v_lo")})


def words(chip: rt.IntegerModel) -> np.ndarray:
    return np.concatenate([getattr(chip, name) for name in ("w_hi", "w_lo", "v_hi", "v_lo")])


@pytest.mark.parametrize("name", NAMES)
def test_our_float64_answers_what_the_framework_did(name: str) -> None:
    network = read(weights_file(name), FRAMEWORKS / f"{name}.npz")
    assert network.difference_to(FRAMEWORKS / f"{name}.npz") < 1e-6


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("numbers", [rt.R16(), rt.R8()])
def test_without_a_step_the_floats_come_back_within_half_a_step_of_the_format(name: str, numbers: Any) -> None:
    network = read(weights_file(name))
    stream = stream_of(name, np.random.default_rng(0))
    chip = integers(network, stream, numbers=numbers)
    back = network.back(chip.float_weights())
    assert list(back) == list(network.arrays)
    # a weight of the first layer is scaled by the gain of its input, one of the readout by that of its output
    scale = max(1.0, *chip.scaling.input_gain, *(1 / chip.scaling.output_gain))
    half = 2.0 ** -(13 + numbers.residual_bits) * scale
    for array, new in zip(network.arrays.values(), back.values(), strict=True):
        assert new.shape == array.shape
        assert np.abs(new - array).max() <= half * (1 + 1e-9)


@pytest.mark.parametrize("name", NAMES)
def test_from_the_device_to_the_framework_and_back_no_bit_changes(name: str, tmp_path: Path) -> None:
    network = read(weights_file(name))
    stream = stream_of(name, np.random.default_rng(1))
    chip = integers(network, stream)
    with rt.HostTwin(chip) as twin:
        twin.play(chip.to_input(stream.x), chip.to_target(stream.target))
        now = learned(chip, twin.state())
    assert (words(now) != words(chip)).mean() > 0.5
    file = tmp_path / ("learned" + weights_file(name).suffix)
    file.write_bytes(file_of(file.suffix, network.back(now.float_weights())))
    again = read(file)
    assert list(again.arrays) == list(network.arrays)
    assert (words(again.quantize(chip.model, stream, chip.scaling)) == words(now)).all()


@pytest.mark.parametrize("name", ["torch_gru", "keras_lstm"])
def test_from_the_framework_through_an_emulated_chip_and_back(name: str, tmp_path: Path) -> None:
    needs("arm-none-eabi-gcc", "qemu-system-arm")
    answers = FRAMEWORKS / f"{name}.npz"
    network = read(weights_file(name), answers)  # import: equal to what the framework answered
    stream = stream_of(name, np.random.default_rng(2))
    chip = integers(network, stream)  # quantize: the integers follow it
    with np.load(answers) as data, rt.Reference(chip) as frozen:
        y = np.array([frozen.predict(x) for x in chip.to_input(data["x"])])
        assert np.abs(chip.from_output(y) - data["y"]).max() < 0.02
    assert {path.name for path in rt.generate(chip, tmp_path / "c")} >= {"imported.c", "imported_config.h"}
    with rt.Emulator(chip, "qemu_mps2_an386") as device, rt.Reference(chip) as numpy_twin:  # the chip: NumPy's bits
        for x, target in zip(chip.to_input(stream.x), chip.to_target(stream.target), strict=True):
            assert (device.predict(x) == numpy_twin.predict(x)).all()
            device.learn(target)
            numpy_twin.learn(target)
        now = learned(chip, device.state())
    assert (words(now) == words(learned(chip, numpy_twin.state()))).all()
    assert (words(now) != words(chip)).mean() > 0.5
    arrays = network.back(now.float_weights())  # export, and back in: what the framework's formulas make of it
    again = (from_state_dict if name.startswith("torch") else from_keras)(arrays)
    with rt.Reference(now) as frozen:
        y = chip.from_output(np.array([frozen.predict(x) for x in chip.to_input(stream.x)]))
    assert np.abs(y - again.play(stream.x)).max() < 0.02
    assert (words(again.quantize(chip.model, stream, chip.scaling)) == words(now)).all()


def test_a_network_without_biases_learns_without_them_or_says_that_it_cannot_go_back() -> None:
    state = {k: v for k, v in load_file(FRAMEWORKS / "torch_lstm.safetensors").items() if "rnn.bias" not in k}
    network, stream = from_state_dict(state), stream_of("torch_lstm", np.random.default_rng(3))
    for trainable, refused in ((None, True), (["input", "recurrent", "readout"], False)):
        chip = integers(network, stream, trainable=trainable)
        with rt.Reference(chip) as device:
            for x, target in zip(chip.to_input(stream.x), chip.to_target(stream.target), strict=True):
                device.predict(x)
                device.learn(target)
            weights = learned(chip, device.state()).float_weights()
        if refused:
            with pytest.raises(ConvertError, match="wanted a place for each weight that has moved"):
                network.back(weights)
        else:
            assert set(network.back(weights)) == set(state)


def _state(**changes: Any) -> dict[str, np.ndarray]:
    state = dict(load_file(FRAMEWORKS / "torch_gru.safetensors"))
    return {k: v for k, v in (state | changes).items() if v is not None}


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"rnn.weight_ih_l0_reverse": np.zeros((15, 2))}, "wanted weight and bias of at most one nn.Linear"),
        ({"rnn.weight_hr_l0": np.zeros((3, 5))}, "wanted weight and bias of at most one nn.Linear"),
        ({"rnn.weight_ih_l2": np.zeros((15, 2))}, "layer after layer"),
        ({"rnn.bias_hh_l0": None}, "wanted the weights of one direction"),
        ({"rnn.weight_hh_l0": np.zeros((15, 4))}, "wanted n, 3 n or 4 n rows of 4"),
        ({"rnn.weight_ih_l0": np.zeros((14, 2))}, "wanted weight_ih"),
        ({"rnn.bias_ih_l0": np.zeros(14)}, "wanted biases"),
        ({"head.weight": np.zeros((2, 6))}, "wanted weights of the shape"),
        ({"conv.weight": np.zeros((2, 6))}, "at most one nn.Linear"),
        ({"b.weight_ih_l0": np.zeros((15, 2))}, "of 2"),
        ({"rnn.weight_ih_l0": np.zeros((15, 2), np.int64)}, "floating-point"),
        ({"rnn.bias_ih_l0": np.full(15, np.nan)}, "finite"),
    ],
)
def test_a_state_dict_that_is_something_else(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ConvertError, match=message):
        from_state_dict(_state(**changes))


@pytest.mark.parametrize(
    ("shapes", "message"),
    [
        ([(2, 5)], "wanted kernel and recurrent_kernel first"),
        ([(2, 10), (5, 10)], "k = 1, 3 or 4"),
        ([(2, 15), (5, 15)], "does not tell its reset_after"),
        ([(2, 20), (5, 20), (2, 20)], "only a GRU has a bias of two rows"),
        ([(2, 5), (5, 5), (5,), (5, 2), (2,), (2, 2), (2,)], "at most one Dense"),
        ([(2, 5), (5, 5), (5,), (6, 2), (2,)], "wanted weights of the shape"),
    ],
)
def test_keras_weights_that_are_something_else(shapes: list[tuple[int, ...]], message: str) -> None:
    with pytest.raises(ConvertError, match=message):
        from_keras([np.zeros(shape) for shape in shapes])


def test_hostile_files_of_weights(tmp_path: Path) -> None:
    """Never a pickle; nothing is made that is larger than the file says it holds; damage is told."""
    bomb, huge = io.BytesIO(), io.BytesIO()
    with zipfile.ZipFile(bomb, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("arr_0.npy", bytes(80 * 2**20))
    header = b"\x93NUMPY\x01\x00" + (118).to_bytes(2, "little")
    header += b"{'descr': '<f8', 'fortran_order': False, 'shape': (1000000, 1000000), }".ljust(117) + b"\n"
    with zipfile.ZipFile(huge, "w") as archive:
        archive.writestr("arr_0.npy", header)
    pickled = io.BytesIO()
    np.savez(pickled, arr_0=np.array([{}], dtype=object), allow_pickle=True)
    good = weights_file("torch_gru").read_bytes()
    for name, content, message in (
        ("a.pt", b"", "a pickle, which would run code"),
        ("a.npz", bomb.getvalue(), "at most 256 arrays of 64 MiB"),
        ("a.npz", huge.getvalue(), "larger than what is there"),
        ("a.npz", pickled.getvalue(), "larger than what is there|not an .npz file of weights"),
        ("a.npz", b"PK\x03\x04", "not an .npz file"),
        ("a.safetensors", good[:-4], "not a .safetensors file"),
        ("a.safetensors", b"\xff" * 16, "not a .safetensors file"),
    ):
        (tmp_path / name).write_bytes(content)
        with pytest.raises(ConvertError, match=message):
            read(tmp_path / name)
    rng = np.random.default_rng(0)
    for suffix, content in ((".safetensors", good), (".npz", weights_file("keras_gru_after").read_bytes())):
        file = tmp_path / f"mutated{suffix}"
        for _ in range(150):
            broken = bytearray(content)
            for at in rng.integers(0, min(len(broken), 600), rng.integers(1, 5)):
                broken[at] = rng.integers(256)
            file.write_bytes(broken)
            with contextlib.suppress(rt.RtrlEdgeError):  # the only kind that may come
                read(file)


def test_float16_is_read(tmp_path: Path) -> None:
    state = {k: v.astype(np.float16) for k, v in load_file(FRAMEWORKS / "torch_rnn.safetensors").items()}
    save_file(state, tmp_path / "half.safetensors")
    network = read(tmp_path / "half.safetensors")
    assert network.difference_to(FRAMEWORKS / "torch_rnn.npz") < 0.05


# ------------------------------------------------------------------------------ with torch itself


@pytest.mark.parametrize("batch_first", [False, True])
@pytest.mark.parametrize("kind", ["RNN", "GRU", "LSTM"])
def test_modules_of_torch_there_and_back(kind: str, batch_first: bool) -> None:
    torch = pytest.importorskip("torch", reason="torch is not installed (it takes gigabytes)")
    torch.manual_seed(0)
    layers = 2 if kind == "RNN" else 1
    module = torch.nn.Sequential(getattr(torch.nn, kind)(2, 5, layers, batch_first=batch_first), torch.nn.Linear(5, 2))
    network = from_torch(module)
    assert network.largest_difference() < 1e-6
    stream = stream_of("torch_gru", np.random.default_rng(4))
    chip = integers(network, stream)
    with rt.Reference(chip) as device:
        for x, target in zip(chip.to_input(stream.x), chip.to_target(stream.target), strict=True):
            device.predict(x)
            device.learn(target)
        now = learned(chip, device.state())
    state = {name: torch.from_numpy(array) for name, array in network.back(now.float_weights()).items()}
    module.double().load_state_dict(state)
    again = from_torch(module)
    assert again.largest_difference() < 1e-12
    assert (words(again.quantize(chip.model, stream, chip.scaling)) == words(now)).all()


def test_modules_of_torch_that_are_refused() -> None:
    torch = pytest.importorskip("torch", reason="torch is not installed (it takes gigabytes)")
    nn = torch.nn

    class More(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.rnn, self.head = nn.LSTM(3, 4), nn.Linear(4, 2)

        def forward(self, x: Any) -> Any:
            return torch.relu(self.head(self.rnn(x)[0]))

    for module, message in (
        (nn.LSTM(3, 4, bidirectional=True), "bidirectional"), (nn.LSTM(3, 4, proj_size=2), "proj_size"),
        (nn.RNN(3, 4, nonlinearity="relu"), "relu"), (nn.LSTM(3, 4, num_layers=2), "wanted RNN layers in a stack"),
        (More(), "computes something else"), (nn.Linear(3, 4), "found 0 and 1"),
        (nn.Sequential(nn.Conv1d(3, 3, 2), nn.GRU(3, 4)), "Conv1d"),
    ):  # fmt: skip
        with pytest.raises(rt.RtrlEdgeError, match=message):
            from_torch(module)


def test_without_the_package_safetensors(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "safetensors.numpy", None)
    with pytest.raises(
        ConvertError, match=r"a\.safetensors: wanted the package safetensors .*; pip install safetensors"
    ):
        read(tmp_path / "a.safetensors")
    with pytest.raises(ConvertError, match="export: wanted the package safetensors"):
        file_of(".safetensors", {})
