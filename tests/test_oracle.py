"""The float64 voice against finite differences, against BPTT over finite windows, and against itself."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rtrl_edge.model import RNN, RTRL, SGD, Linear, Model, ReadoutOnly, Rule
from rtrl_edge.oracle import Oracle, Shadow, bptt, cell_rnn, finite_differences, window_loss
from rtrl_edge.oracle.network import Gradients
from rtrl_edge.stream import Float
from rtrl_edge.weights import Weights, initial

SIZES = [(1, 1, 1), (1, 2, 1), (3, 8, 5), (5, 17, 3)]  # inputs, units, outputs


def make(inputs: int, units: int, outputs: int, rule: Rule | None = None, sgd: SGD | None = None) -> Model:
    return Model("net", inputs, [RNN(units)], Linear(outputs), rule=rule or RTRL(), optimiser=sgd or SGD())


def case(model: Model, steps: int, seed: int = 0) -> tuple[Weights, Float, Float, Float]:
    """Weights with biases that are not zero, x, target, and a state that is not zero."""
    rng, d = np.random.default_rng(seed), model.dims
    start = initial(model, seed)
    weights = Weights(start.W + rng.normal(0, 0.1, start.W.shape), start.V + rng.normal(0, 0.1, start.V.shape))
    x, target = rng.uniform(-1, 1, (steps, d.inputs)), rng.normal(0, 0.5, (steps, d.outputs))
    return weights, x, target, rng.uniform(-0.5, 0.5, d.units)


def frozen_sum(oracle: Oracle, x: Float, target: Float) -> Gradients:
    """The online gradients of all labelled steps, summed, while no weight moves."""
    W, V = np.zeros_like(oracle.weights.W), np.zeros_like(oracle.weights.V)
    for sample, wanted in zip(x, target, strict=True):
        oracle.predict(sample)
        if not np.isnan(wanted).any():
            step = oracle.gradients(wanted)
            W += step.W
            V += step.V
        oracle.observe()
    return Gradients(W, V)


def off(a: Float, b: Float) -> float:
    """Relative distance of a from b."""
    return float(np.linalg.norm(a - b) / np.linalg.norm(b))


@pytest.mark.parametrize("sizes", SIZES)
def test_bptt_and_rtrl_equal_central_differences(sizes: tuple[int, int, int]) -> None:
    model = make(*sizes)
    weights, x, target, h = case(model, steps=9)
    target[[1, 4, 5]] = np.nan
    truth = finite_differences(model, weights, x, target, h)
    for found in (bptt(model, weights, x, target, h), frozen_sum(Oracle(model, weights, h), x, target)):
        assert off(found.W, truth.W) < 1e-6
        assert off(found.V, truth.V) < 1e-6


@pytest.mark.parametrize("sizes", SIZES)
def test_rtrl_equals_bptt_over_the_window_in_which_its_influence_grew(sizes: tuple[int, int, int]) -> None:
    model = make(*sizes)
    weights, x, target, h = case(model, steps=40)
    found, truth = frozen_sum(Oracle(model, weights, h), x, target), bptt(model, weights, x, target, h)
    assert np.abs(found.W - truth.W).max() < 1e-10
    assert np.abs(found.V - truth.V).max() < 1e-10


@settings(deadline=None, max_examples=25)
@given(st.integers(1, 4), st.integers(1, 9), st.integers(1, 4), st.integers(1, 20), st.data())
def test_rtrl_equals_bptt_for_any_sizes_and_labels(i: int, n: int, o: int, steps: int, data: st.DataObject) -> None:
    model = make(i, n, o)
    weights, x, target, h = case(model, steps, seed=data.draw(st.integers(0, 999)))
    target[np.array(data.draw(st.lists(st.booleans(), min_size=steps, max_size=steps)))] = np.nan
    found, truth = frozen_sum(Oracle(model, weights, h), x, target), bptt(model, weights, x, target, h)
    np.testing.assert_allclose(found.W, truth.W, rtol=0, atol=1e-10)
    np.testing.assert_allclose(found.V, truth.V, rtol=0, atol=1e-10)


@pytest.mark.parametrize("shorter", [1, 4, 11])
def test_one_late_loss_reaches_the_whole_history_and_not_a_shorter_one(shorter: int) -> None:
    model = make(3, 8, 2)
    weights, x, target, h = case(model, steps=12)
    target[:-1] = np.nan
    found = frozen_sum(Oracle(model, weights, h), x, target)
    assert off(found.W, bptt(model, weights, x, target, h).W) < 1e-10

    runner = Oracle(model, weights, h)  # where the shorter window starts
    for sample in x[:-shorter]:
        runner.predict(sample)
    truncated = bptt(model, weights, x[-shorter:], target[-shorter:], runner.state()["h"])
    np.testing.assert_allclose(truncated.V, found.V, atol=1e-12)  # the same loss, the same last state
    assert off(truncated.W, found.W) > 1e-3


def test_influence_is_carried_across_windows() -> None:
    """Two windows, each with its own BPTT, miss what the first did to the second. RTRL does not."""
    model = make(2, 5, 1)
    weights, x, target, h = case(model, steps=20)
    whole = frozen_sum(Oracle(model, weights, h), x, target)
    oracle = Oracle(model, weights, h)
    first = frozen_sum(oracle, x[:10], target[:10])
    middle = oracle.state()["h"]
    second = frozen_sum(oracle, x[10:], target[10:])
    assert off(first.W + second.W, whole.W) < 1e-12
    assert off(second.W, bptt(model, weights, x[10:], target[10:], middle).W) > 1e-3


def test_dynamics_and_immediate_factors_equal_central_differences() -> None:
    model = make(2, 4, 1)
    weights, x, _, h = case(model, steps=1)
    after, z = cell_rnn.forward(weights.W, x[0], h)
    eps, n, m = 1e-6, 4, 7
    for k in range(n):
        moved = np.eye(n)[k] * eps
        high, low = (cell_rnn.forward(weights.W, x[0], h + s * moved)[0] for s in (1, -1))
        np.testing.assert_allclose((high - low) / (2 * eps), cell_rnn.dynamics(weights.W, after)[:, k], atol=1e-9)
    for i, j in np.ndindex(n, m):
        change = np.zeros((n, m))
        change[i, j] = eps
        high, low = (cell_rnn.forward(weights.W + s * change, x[0], h)[0] for s in (1, -1))
        column = np.eye(n)[i] * cell_rnn.slope(after)[i] * z[j]
        np.testing.assert_allclose((high - low) / (2 * eps), column, atol=1e-9)


def test_a_column_of_the_influence_belongs_to_unit_and_presynaptic() -> None:
    """After one step column p = i * m + j holds slope_i z_j in row i, and nothing else."""
    model = make(2, 3, 1)
    weights, x, _, h = case(model, steps=1)
    oracle = Oracle(model, weights, h)
    oracle.predict(x[0])
    oracle.observe()
    state, m = oracle.state(), model.dims.presynaptic
    for i, j in np.ndindex(3, m):
        column = np.zeros(3)
        column[i] = (1 - state["h"][i] ** 2) * state["z"][j]
        np.testing.assert_array_equal(state["J"][i * m + j], column)


def test_a_step_updates_after_influence_and_gradient_and_clips_each_entry() -> None:
    model = make(2, 4, 2, sgd=SGD(rate=2**-3, readout_rate=2**-5, clip=2**-4))
    weights, x, target, h = case(model, steps=2)
    oracle = Oracle(model, weights, h)
    oracle.predict(x[0])
    g = bptt(model, weights, x[:1], target[:1], h)  # the weights of the forward pass, for W and for V
    assert np.abs(g.W).max() > 2**-4  # so that the clip is put to the test
    oracle.learn(target[0])
    np.testing.assert_allclose(oracle.weights.W, weights.W - 2**-3 * np.clip(g.W, -(2**-4), 2**-4), atol=1e-14)
    np.testing.assert_allclose(oracle.weights.V, weights.V - 2**-5 * np.clip(g.V, -(2**-4), 2**-4), atol=1e-14)
    assert oracle.state()["steps"] == 1

    # the second step's influence takes D of the moved weights, J of the first
    before = oracle.state()
    oracle.predict(x[1])
    oracle.learn(target[1])
    after = oracle.state()
    D = (1 - after["h"] ** 2)[:, None] * before["W"][:, -4:]
    expected = before["J"] @ D.T
    for i in range(4):
        expected.reshape(4, -1, 4)[i, :, i] += (1 - after["h"][i] ** 2) * after["z"]
    np.testing.assert_allclose(after["J"], expected, atol=1e-14)


def test_predict_completes_a_forgotten_step_as_observe_does() -> None:
    model = make(2, 5, 1)
    weights, x, target, _ = case(model, steps=30)
    told, forgotten = Oracle(model, weights), Oracle(model, weights)
    for t in range(30):
        y = told.predict(x[t])
        np.testing.assert_array_equal(y, forgotten.predict(x[t]))
        if t % 3 == 0:
            told.learn(target[t])
            forgotten.learn(target[t])
        else:
            told.observe()
    forgotten.observe()
    for name, value in told.state().items():
        np.testing.assert_array_equal(value, forgotten.state()[name], err_msg=name)


def test_learn_and_observe_without_a_predict_are_errors() -> None:
    model = make(1, 2, 1)
    oracle = Oracle(model, initial(model, 0))
    for call in (lambda: oracle.learn([0.0]), lambda: oracle.gradients([0.0]), oracle.observe):
        with pytest.raises(RuntimeError, match="call predict first"):
            call()
    oracle.predict([0.5])
    oracle.learn([0.0])
    with pytest.raises(RuntimeError, match="call predict first"):
        oracle.observe()


def test_wrong_shapes_are_refused_and_leave_the_step_open() -> None:
    model = make(2, 3, 2)
    oracle = Oracle(model, initial(model, 0))
    with pytest.raises(ValueError, match="predict: x: wanted 2 finite"):
        oracle.predict([1.0])
    oracle.predict([1.0, 0.0])
    with pytest.raises(ValueError, match="learn: target: wanted 2 finite"):
        oracle.learn([np.nan, 0.0])
    oracle.learn([0.0, 0.0])
    with pytest.raises(ValueError, match="wanted W_rec"):
        Shadow(model).step(np.zeros(6), np.zeros(3), np.zeros((3, 6)))
    with pytest.raises(ValueError, match="window: wanted x"):
        bptt(model, initial(model, 0), np.zeros((4, 3)), np.zeros((4, 2)))


def test_reset_forgets_the_past_and_keeps_the_weights() -> None:
    model = make(2, 4, 1)
    weights, x, target, _ = case(model, steps=12)
    oracle = Oracle(model, weights)
    for sample, wanted in zip(x, target, strict=True):
        oracle.predict(sample)
        oracle.learn(wanted)
    oracle.predict(x[0])  # a reset also drops an unfinished step
    learned = oracle.weights
    oracle.reset()
    with pytest.raises(RuntimeError, match="call predict first"):
        oracle.observe()
    fresh = Oracle(model, learned)
    for sample, wanted in zip(x, target, strict=True):
        np.testing.assert_array_equal(oracle.predict(sample), fresh.predict(sample))
        oracle.learn(wanted)
        fresh.learn(wanted)
    np.testing.assert_array_equal(oracle.state()["J"], fresh.state()["J"])
    assert not np.array_equal(learned.W, weights.W)


def test_state_and_weights_are_copies() -> None:
    model = make(1, 2, 1)
    start = initial(model, 0)
    oracle = Oracle(model, start)
    oracle.predict([0.3])
    oracle.state()["h"][:] = 9.0
    oracle.weights.W[:] = 9.0
    start.W[:] = 9.0
    assert max(np.abs(v).max() for v in oracle.state().values()) < 2.0


def test_readout_only_never_moves_the_cell() -> None:
    model = make(2, 5, 2, rule=ReadoutOnly())
    weights, x, target, _ = case(model, steps=25)
    oracle = Oracle(model, weights)
    for sample, wanted in zip(x, target, strict=True):
        oracle.predict(sample)
        oracle.learn(wanted)
    assert "J" not in oracle.state()
    np.testing.assert_array_equal(oracle.weights.W, weights.W)
    assert np.abs(oracle.weights.V - weights.V).min() > 0
    oracle.predict(x[0])
    assert not oracle.gradients(target[0]).W.any()


@pytest.mark.parametrize("rule", [RTRL(), ReadoutOnly()])
def test_shadow_is_exact_along_the_trajectory_of_another_machine(rule: Rule) -> None:
    """Also beside a machine that keeps no influence itself."""
    model, exact = make(3, 7, 2, rule=rule, sgd=SGD(rate=2**-4)), make(3, 7, 2, sgd=SGD(rate=2**-4))
    weights, x, target, _ = case(model, steps=40)
    machine, shadow, truth = Oracle(model, weights), Shadow(model), Oracle(exact, weights)
    for t in range(40):
        if t == 25:
            machine.reset()
            truth.reset()
            shadow.reset()
        W, V = machine.weights.W, machine.weights.V
        y = machine.predict(x[t])
        state = machine.state()
        shadow.step(state["z"], state["h"], W[:, -7:])
        found = shadow.gradient(V[:, :-1].T @ (y - target[t]))
        if rule == RTRL():
            np.testing.assert_allclose(found, machine.gradients(target[t]).W.ravel(), atol=1e-14)
        elif t == 24:  # its cell is frozen, so the gradient is that of the whole window
            late = np.full((25, 2), np.nan)
            late[-1] = target[t]
            np.testing.assert_allclose(found, bptt(model, Weights(W, V), x[:25], late).W.ravel(), atol=1e-12)
        machine.observe() if t % 4 == 1 else machine.learn(target[t])
    if rule == RTRL():
        np.testing.assert_allclose(shadow.J, machine.state()["J"], atol=1e-13)


def test_learning_lowers_the_loss() -> None:
    model = make(1, 8, 1, sgd=SGD(rate=2**-4))
    t = np.arange(3000)
    signal = 0.7 * np.sin(t * 0.31)[:, None]
    weights = initial(model, 3)
    oracle = Oracle(model, weights)
    for now, then in pairwise(signal):
        oracle.predict(now)
        oracle.learn(then)
    window = (signal[-200:-1], signal[-199:])
    assert window_loss(model, oracle.weights, *window) < 0.05 * window_loss(model, weights, *window)
