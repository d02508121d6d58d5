"""Networks of other frameworks: what any reader hands over, scaling folded in and out, and the way back."""

from __future__ import annotations

import numpy as np
import pytest

import rtrl_edge as rt
from rtrl_edge.convert import Network, gates, tensors
from rtrl_edge.errors import ConvertError
from rtrl_edge.model import Cell
from rtrl_edge.weights import Scaling, Weights

CELLS = [
    [rt.RNN(4)], [rt.RNN(4), rt.RNN(3)], [rt.LSTM(4)], [rt.LSTM(4, peepholes=True)], [rt.GRU(4)],
    [rt.GRU(4, reset="before")],
]  # fmt: skip


def network(cells: list[Cell], seed: int = 0, inputs: int = 3) -> Network:
    """A source whose arrays are named as our gates, with every bias in two summands."""
    rng = np.random.default_rng(seed)
    model = rt.Model("m", inputs, cells, rt.Linear(2))
    arrays = {name: rng.normal(0, 0.5, at.shape).astype(np.float32) for name, at in gates(model).items()}
    arrays |= {
        f"{name}+": rng.normal(0, 0.5, a.shape).astype(np.float32) for name, a in arrays.items() if name[-2:] == ".b"
    }
    ties = [(name.rstrip("+"), piece) for name, piece in tensors(arrays).items()]
    return Network.of(source="test", inputs=inputs, cells=cells, readout=rt.Linear(2), arrays=arrays, ties=ties)


@pytest.mark.parametrize("cells", CELLS, ids=str)
def test_every_weight_has_a_name_and_the_way_back_is_exact(cells: list[Cell]) -> None:
    net = network(cells)
    d = net.plain.dims
    named = np.concatenate([at.ravel() for at in gates(net.plain).values()])
    assert sorted(named) == list(range(d.weights + d.outputs * d.readout_row))
    back = net.back(net.weights)
    assert all(
        np.array_equal(back[name], array) and back[name].dtype == array.dtype for name, array in net.arrays.items()
    )
    moved = Weights(net.weights.W + 0.25, net.weights.V - 0.25)
    again = net.replaced(net.back(moved)).weights
    assert np.abs(again.W - moved.W).max() < 1e-6
    assert np.abs(again.V - moved.V).max() < 1e-6


@pytest.mark.parametrize("cells", CELLS, ids=str)
def test_scaling_is_folded_into_the_weights_and_out(cells: list[Cell]) -> None:
    net, rng = network(cells), np.random.default_rng(1)
    x = rng.normal(3.0, 2.0, (40, 3))
    scaling = Scaling(
        np.array([3.0, 1.0, -2.0]), np.array([0.5, 0.25, 2.0]), np.array([1.0, -1.0]), np.array([2.0, 0.5])
    )
    inside = net.scaled(scaling)
    unscaled = Network(net.source, 3, net.cells, net.readout, net.loss, net.arrays, net.ours, net.theirs)
    unscaled.__dict__["weights"] = inside
    y = unscaled.play((x - scaling.input_offset) * scaling.input_gain)
    assert np.abs(scaling.physical(y) - net.play(x)).max() < 1e-12
    back = net.back(inside)
    assert all(np.abs(back[name] - array).max() < 1e-6 for name, array in net.arrays.items())


@pytest.mark.parametrize("cells", CELLS, ids=str)
def test_integers_follow_the_source(cells: list[Cell]) -> None:
    net, rng = network(cells), np.random.default_rng(2)
    x = rng.uniform(-3.0, 3.0, (60, 3))
    stream = rt.Stream(x, net.play(x))
    found = net.quantize(net.model("net", rule=rt.ReadoutOnly()), stream)
    gains = np.concatenate((found.scaling.input_gain, found.scaling.output_gain))
    assert (np.exp2(np.round(np.log2(gains))) == gains).all()
    with rt.Reference(found) as device:
        y = np.array([device.predict(found.to_input(row)) for row in x])
    assert np.abs(found.from_output(y) - net.play(x)).max() < 2e-2
    half = 0.5 * 2.0 ** -(12 + found.model.numbers.residual_bits)
    back = net.back(found.float_weights())
    for name, array in net.arrays.items():
        gain = found.scaling.input_gain.max() if name.endswith("x") else 1 / found.scaling.output_gain.min()
        assert np.abs(back[name].astype(float) - array).max() <= half * max(1.0, gain) + 2.0**-23, name


def test_what_cannot_be_taken_over_is_refused() -> None:
    arrays = {"a": np.zeros((4, 3), np.float32), "b": np.zeros(4, np.float32)}
    t = tensors(arrays)

    def of(ties: list, **changed: np.ndarray) -> Network:
        return Network.of(
            source="test", inputs=3, cells=[rt.RNN(4)], readout=rt.Linear(2), arrays=arrays | changed, ties=ties
        )

    assert not of([("W.x", t["a"])]).weights.W.any()
    with pytest.raises(ConvertError, match=r"W.x: wanted weights of the shape \(4, 3\), found \(3, 4\)"):
        of([("W.x", t["a"].T)])
    with pytest.raises(ConvertError, match="used twice"):
        of([("W.x", t["a"]), ("W.b", t["b"]), ("W.b", t["b"])])
    with pytest.raises(ConvertError, match="b: wanted finite weights within"):
        of([], b=np.array([0, 1, np.nan, 2], np.float32))
    with pytest.raises(ConvertError, match="found the type int64"):
        of([], b=np.zeros(4, np.int64))
    with pytest.raises(ConvertError, match="nothing to compare with"):
        of([]).largest_difference()


def test_scaling_where_weights_and_samples_are_both_large() -> None:
    """A power of two would take the weights beyond +-8: the channel is centred and fills +-1 instead."""
    net = network([rt.RNN(4)])
    large = net.replaced({**net.arrays, "W.x": np.full((4, 3), 2.1, np.float32)})
    x = np.random.default_rng(0).uniform(-3.0, 3.0, (50, 3))
    x[0], x[1] = 4.0, -2.0
    x = np.clip(x, -2.0, 4.0)
    found = large.quantize(large.model("net"), rt.Stream(x, large.play(x)))
    assert found.scaling.input_gain == pytest.approx(1 / 3)
    assert found.scaling.input_offset == pytest.approx(1.0)
    inside = found.float_weights().W.ravel()[gates(net.plain)["W.x"]]
    assert inside == pytest.approx(6.3, abs=1e-3)
