"""Snapshots: exact, resumable, of one model only; what they tell of how far weights have moved."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import rtrl_edge as rt
from rtrl_edge.errors import ConvertError, FolderError
from rtrl_edge.layout import differences
from rtrl_edge.snapshot import difference
from rtrl_edge.weights import initial

from .needs import needs

MODELS = {
    "rnn": ([rt.RNN(5)], {}),
    "lstm": ([rt.LSTM(4, peepholes=True)], {"rule": rt.SnAp(1), "optimiser": rt.Momentum()}),
    "gru": ([rt.GRU(4)], {"numbers": rt.R8(), "trainable": ["n_rec", "readout"]}),
    "elstm": ([rt.ELSTM(4)], {}),
    "readout": ([rt.RNN(3), rt.RNN(3)], {"rule": rt.ReadoutOnly()}),
}


def made(name: str, seed: int = 0) -> rt.IntegerModel:
    cells, parts = MODELS[name]
    model = rt.Model("m", 2, cells, rt.Linear(2), **parts)
    x = np.random.default_rng(seed).uniform(-1, 1, (50, 2))
    return rt.quantize(model, initial(model, seed), rt.Stream(x, x[:, ::-1]))


def play(device: rt.Reference | rt.HostTwin, model: rt.IntegerModel, steps: int, seed: int) -> np.ndarray:
    x = np.random.default_rng(seed).uniform(-1, 1, (steps, 2))
    found = []
    for row in x:
        found.append(device.predict(model.to_input(row)))
        device.learn(model.to_target(row[::-1] * 0.5))
    return np.array(found)


@pytest.mark.parametrize("name", MODELS)
def test_a_device_goes_on_bit_for_bit_on_another_target(name: str, tmp_path: Path) -> None:
    needs("gcc")
    model = made(name)
    with rt.HostTwin(model) as chip, rt.HostTwin(model) as second, rt.Reference(model) as third:
        play(chip, model, 40, 1)
        chip.predict(model.to_input([0.5, 0.25]))  # in the middle of a step
        rt.Snapshot.take(model, chip.state()).save(tmp_path / "a.snapshot")
        kept = rt.Snapshot.load(tmp_path / "a.snapshot")
        y = play(chip, model, 30, 2)
        for other in (second, third):
            kept.restore(other, model)
            assert np.array_equal(play(other, model, 30, 2), y)
            assert differences(chip.state(), other.state(), model.model) == []
        learned = kept.model(model)
        assert learned.digest != model.digest
        assert np.array_equal(learned.w_hi, kept.state.get("w_hi", model.w_hi))  # a frozen cell's are in flash
        assert np.array_equal(learned.v_lo, kept.state["v_lo"])


@pytest.mark.parametrize("board", ["native", "qemu_mps2_an386"])
def test_a_chip_is_restored_and_goes_on(board: str) -> None:
    needs("gcc", *([] if board == "native" else ["arm-none-eabi-gcc", "qemu-system-arm"]))
    model = made("lstm")
    with rt.HostTwin(model) as twin, rt.Emulator(model, board) as chip:
        play(twin, model, 20, 1)
        rt.Snapshot.take(model, twin.state()).restore(chip, model)
        assert np.array_equal(play(chip, model, 20, 2), play(twin, model, 20, 2))
        assert differences(chip.state(), twin.state(), model.model) == []


def test_how_far_each_group_has_moved(tmp_path: Path) -> None:
    model = made("gru")
    with rt.Reference(model) as device:
        before = rt.Snapshot.take(model, device.state())
        assert np.array_equal(before.factory, before.learned)
        play(device, model, 60, 1)
        after = rt.Snapshot.take(model, device.state())
    moved = {name: move for name, _, _, move, *_ in difference(before, after)}
    of_gates = {f"{gate}.{part}" for gate in "rz" for part in ("input", "bias", "recurrent")}
    assert set(moved) == of_gates | {"n_in.input", "n_in.bias", "n_rec.bias", "n_rec.recurrent", "readout"}
    assert {name for name, move in moved.items() if move} == {"n_rec.bias", "n_rec.recurrent", "readout"}
    assert sum(count for _, count, *_ in difference(before, after)) == len(before.factory)
    with pytest.raises(ConvertError, match="wanted two snapshots of one model"):
        difference(before, rt.Snapshot.take(made("rnn"), rt.Reference(made("rnn")).state()))


def test_a_snapshot_belongs_to_one_model_and_is_no_other_file(tmp_path: Path) -> None:
    model, path = made("rnn"), tmp_path / "a.snapshot"
    snapshot = rt.Snapshot.take(model, rt.Reference(model).state())
    snapshot.save(path)
    with pytest.raises(FolderError, match="wanted the name of a new file"):
        snapshot.save(path)
    other = made("rnn", seed=1)
    with pytest.raises(ConvertError, match=r"wanted one of model 'm' .* another model, or other factory weights"):
        rt.Snapshot.load(path).restore(rt.Reference(other), other)
    np.savez(tmp_path / "b.npz", x=np.zeros(3))
    with pytest.raises(ConvertError, match=r"found an \.npz of something else"):
        rt.Snapshot.load(tmp_path / "b.npz")
    content = path.read_bytes()
    rng = np.random.default_rng(0)
    for _ in range(200):
        data = bytearray(content)
        data[rng.integers(len(data))] ^= 1 << int(rng.integers(8))
        broken = tmp_path / "broken"
        broken.write_bytes(data)
        try:
            rt.Snapshot.load(broken).check(model)
        except rt.RtrlEdgeError as error:
            assert str(error)  # noqa: PT017
    with pytest.raises(ConvertError, match="wanted acc int32"):
        rt.Snapshot.take(model, {"w_hi": snapshot.state["w_hi"]})
