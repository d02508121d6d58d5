"""Host pre-training: its gradient, what it reaches, and what it refuses."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from rtrl_edge.errors import DataError, ModelError
from rtrl_edge.evaluate.matrix import label
from rtrl_edge.model import RNN, Cell, Linear, Model, ReadoutOnly
from rtrl_edge.model.catalogue import cells, readout
from rtrl_edge.oracle import Oracle, bptt
from rtrl_edge.stream import Float, Stream, next_sample
from rtrl_edge.train import fit, train
from rtrl_edge.weights import Scaling, Weights, initial

MODEL = Model("net", 2, [RNN(6)], Linear(2))


def two_sines(samples: int = 2500, noise: float = 0.0) -> Stream:
    """Two channels in odd physical units, each a sum of two sines."""
    t = np.arange(samples)
    fast, slow = np.sin(0.43 * t), np.sin(0.11 * t + 1.0)
    x = np.stack((20.0 + 3.0 * (fast + slow), -0.02 * (fast - slow)), axis=1)
    return next_sample(x + noise * np.random.default_rng(5).normal(size=x.shape) * [3.0, 0.02])


def rmse(model: Model, weights: Weights, stream: Stream) -> tuple[float, float]:
    """Of the network, and of the last value as the prediction, both in the network's units."""
    scaling = weights.scaling
    assert scaling is not None
    x, target = scaling.inputs(stream.x), scaling.outputs(stream.target)
    oracle = Oracle(model, weights)
    y = np.array([oracle.predict(sample) for sample in x])
    y, x, target = y[30:], x[30:], target[30:]  # the state starts at zero, which it never saw
    return float(np.sqrt(np.mean((y - target) ** 2))), float(np.sqrt(np.mean((x - target) ** 2)))


@pytest.mark.parametrize("labels", ["all", "some"])
@pytest.mark.parametrize("cell", cells(5), ids=label)
def test_the_window_gradient_is_that_of_the_oracle(cell: Cell, labels: str) -> None:
    """Mean over the labels of all subsequences, each with its own start."""
    model = Model("net", 2, [cell], readout(cell, 2), rule=ReadoutOnly())
    d, rng, start = model.dims, np.random.default_rng(0), initial(model, 2)
    weights = Weights(start.W + rng.normal(0, 0.2, start.W.shape), start.V)
    steps, batch = 11, 3
    x, target = rng.uniform(-1, 1, (steps, batch, 2)), rng.normal(0, 0.4, (steps, batch, 2))
    known = np.ones((steps, batch, 1)) if labels == "all" else 1.0 * (rng.random((steps, batch, 1)) < 0.4)
    s = rng.uniform(-0.5, 0.5, (batch, d.states))
    wanted = [bptt(model, weights, x[:, b], np.where(known[:, b], target[:, b], np.nan), s[b]) for b in range(batch)]
    single = [a.astype(np.float32) for a in (weights.W.ravel(), weights.V, s, x, np.where(known, target, 0.0), known)]
    gw, gV, last = fit.Network(model).gradients(*single)
    total = sum(g.W for g in wanted) / known.sum()
    np.testing.assert_allclose(gw.reshape(d.weight_shape), total, atol=3e-6 * max(1.0, np.abs(total).max()))
    np.testing.assert_allclose(gV, sum(g.V for g in wanted) / known.sum(), atol=3e-6)
    oracle = Oracle(model, weights, s[1])
    for sample in x[:, 1]:
        oracle.predict(sample)
    if not d.structure.forced:  # without a label the oracle has no teacher
        np.testing.assert_allclose(last[1], oracle.state()["s"], atol=2e-6)
    assert gw.dtype == gV.dtype == last.dtype == np.float32


@pytest.mark.parametrize("cell", cells(6), ids=label)
def test_every_cell_learns_two_sines(cell: Cell) -> None:
    stream = two_sines(900)
    model = Model("net", 2, [cell], readout(cell, 2), rule=ReadoutOnly())
    found, persistence = rmse(model, train(model, stream[:700], epochs=16), stream[700:])
    assert found < 0.7 * persistence


def test_it_beats_persistence_by_far_on_two_sines() -> None:
    stream = two_sines(3000)
    weights = train(MODEL, stream[:2500], epochs=60)
    found, persistence = rmse(MODEL, weights, stream[2500:])
    assert found < 0.1 * persistence
    weights.check(MODEL)
    assert weights.W.dtype == weights.V.dtype == np.float64
    assert max(np.abs(weights.W).max(), np.abs(weights.V).max()) < 8.0


def test_the_same_seed_gives_the_same_weights_and_another_seed_others() -> None:
    stream = two_sines(700)
    first, again, other = (train(MODEL, stream, epochs=3, seed=s) for s in (4, 4, 5))
    np.testing.assert_array_equal(first.W, again.W)
    np.testing.assert_array_equal(first.V, again.V)
    assert not np.array_equal(first.W, other.W)


def test_the_cell_is_trained_also_for_a_rule_that_leaves_it_alone_on_the_chip() -> None:
    model = Model("net", 2, [RNN(6)], Linear(2), rule=ReadoutOnly())
    stream = two_sines(700)
    np.testing.assert_array_equal(train(model, stream, epochs=2).W, train(MODEL, stream, epochs=2).W)


def test_missing_labels_cost_nothing_and_the_rest_still_teaches() -> None:
    stream = two_sines(2500)
    target = stream.target.copy()
    target[np.random.default_rng(0).random(len(target)) < 0.6] = np.nan
    weights = train(MODEL, Stream(stream.x, target), epochs=60)
    found, persistence = rmse(MODEL, weights, stream)
    assert np.isfinite(found)
    assert found < 0.2 * persistence


def test_a_long_gap_without_labels_is_no_problem() -> None:
    stream = two_sines(1200)
    target = stream.target.copy()
    target[100:700] = np.nan  # whole windows without a label
    weights = train(MODEL, Stream(stream.x, target), epochs=2)
    weights.check(MODEL)


def test_progress_tells_every_epoch_and_the_best_weights_are_kept() -> None:
    stream, told = two_sines(900, noise=0.3), []
    weights = train(MODEL, stream, epochs=8, progress=lambda *args: told.append(args))
    assert [(epoch, epochs) for epoch, epochs, _ in told] == [(e, 8) for e in range(1, 9)]
    scaling, tail = weights.scaling, stream[-135:]  # 15 % of 899, rounded up
    assert scaling is not None
    oracle, losses = Oracle(MODEL, weights), []
    for x, target in zip(scaling.inputs(tail.x), scaling.outputs(tail.target), strict=True):
        losses.append(0.5 * np.sum((oracle.predict(x) - target) ** 2))
    assert np.mean(losses) == pytest.approx(min(loss for _, _, loss in told), rel=1e-4)


def test_weights_stay_inside_the_forward_format_of_the_chip() -> None:
    weights = [np.zeros(3, np.float32)]
    adam = fit._Adam(weights)
    for _ in range(20):
        adam.step([np.array([1.0, -1.0, 0.0], np.float32)], rate=1.0)
    np.testing.assert_allclose(weights[0], [-7.9, 7.9, 0.0], rtol=1e-6)
    wild = train(MODEL, two_sines(700), epochs=3, rate=1.0)
    assert max(np.abs(wild.W).max(), np.abs(wild.V).max()) < 8.0


def test_inputs_and_targets_saturate_as_on_the_chip() -> None:
    rows = np.array([[100.0, -100.0], [0.5, -0.5]])
    data = fit._sequences("stream", Scaling.identity(MODEL), Stream(rows, rows))
    np.testing.assert_array_equal(data.x[:, 0], [[1.0, -1.0], [0.5, -0.5]])
    np.testing.assert_array_equal(data.target[:, 0], [[8.0, -8.0], [0.5, -0.5]])


def wide(stream: Stream, x: int = 0, target: int = 0) -> Stream:
    """The stream with more columns."""

    def more(values: Float, extra: int) -> Float:
        return np.concatenate([values] + [values[:, :1]] * extra, axis=1)

    return Stream(more(stream.x, x), more(stream.target, target))


def unlabelled(stream: Stream, part: slice) -> Stream:
    target = stream.target.copy()
    target[part] = np.nan
    return Stream(stream.x, target)


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (lambda s: wide(s, x=1), r"wants x \(samples, 2\), the stream has \(999, 3\)"),
        (lambda s: wide(s, target=2), r"wants target \(samples, 2\), the stream has \(999, 4\)"),
        (lambda s: s[:100], "wanted at least 128 samples, found 100"),
        (lambda s: unlabelled(s, slice(849, None)), "the last 15 % of the stream .* has no label"),
        (lambda s: unlabelled(s, slice(0, 849)), "the first 85 % of the stream .* has no label"),
        (lambda s: unlabelled(s, slice(None)), "wanted at least 2 labelled samples, found 0"),
        (lambda s: Stream(s.x * [1.0, 0.0], s.target), "input channel 1 is constant"),
    ],
)
def test_streams_that_do_not_fit_are_refused(change: Callable[[Stream], Stream], sentence: str) -> None:
    with pytest.raises(DataError, match=sentence):
        train(MODEL, change(two_sines(1000)), epochs=1)


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ({"epochs": 0}, "whole number of epochs from 1, found 0"),
        ({"epochs": True}, "whole number of epochs"),
        ({"epochs": 2.5}, "found 2.5"),
        ({"rate": 0.0}, "rate above 0"),
        ({"rate": float("nan")}, "rate above 0"),
    ],
)
def test_arguments_out_of_range_are_refused(arguments: dict[str, float], sentence: str) -> None:
    with pytest.raises(ModelError, match=sentence):
        train(MODEL, two_sines(300), **arguments)  # type: ignore[arg-type]


@pytest.mark.parametrize("samples", [128, 129, 640, 761, 1281])
def test_short_and_odd_lengths_work(samples: int) -> None:
    train(MODEL, two_sines(samples + 1), epochs=1).check(MODEL)
