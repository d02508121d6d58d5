"""The float64 voice against finite differences, against BPTT over finite windows, and against itself."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rtrl_edge.model import RNN, RTRL, SGD, Cell, Linear, Model, ReadoutOnly, Rule, catalogue
from rtrl_edge.oracle import Oracle, Shadow, bptt, finite_differences, window_loss
from rtrl_edge.oracle.network import Gradients
from rtrl_edge.oracle.voices import voices
from rtrl_edge.stream import Float
from rtrl_edge.weights import Weights, initial

#: every cell with a readout of weights, `make` gives it its size; others: test_cells_forced.py, test_cells_jordan.py
CELLS = [cell for cell in catalogue.cells(1) if cell.structure(1).outputs is None]
SIZES = [(1, 1, 1), (1, 2, 1), (3, 8, 5), (5, 17, 3)]  # inputs, units, outputs
every_cell = pytest.mark.parametrize("cell", CELLS, ids=repr)


def make(cell: Cell, inputs: int, units: int, outputs: int, rule: Rule | None = None, sgd: SGD | None = None) -> Model:
    sized = cell.resized(units)
    return Model("net", inputs, [sized], Linear(outputs), rule=rule or RTRL(), optimiser=sgd or SGD())


def case(model: Model, steps: int, seed: int = 0) -> tuple[Weights, Float, Float, Float]:
    """Weights with biases that are not zero, x, target, and a state that is not zero."""
    rng, d = np.random.default_rng(seed), model.dims
    start = initial(model, seed)
    weights = Weights(start.W + rng.normal(0, 0.1, start.W.shape), start.V + rng.normal(0, 0.1, start.V.shape))
    x, target = rng.uniform(-1, 1, (steps, d.inputs)), rng.normal(0, 0.5, (steps, d.outputs))
    return weights, x, target, rng.uniform(-0.5, 0.5, d.states)


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
@every_cell
def test_bptt_and_rtrl_equal_central_differences(cell: Cell, sizes: tuple[int, int, int]) -> None:
    model = make(cell, *sizes)
    weights, x, target, s = case(model, steps=9)
    target[[1, 4, 5]] = np.nan
    truth = finite_differences(model, weights, x, target, s)
    for found in (bptt(model, weights, x, target, s), frozen_sum(Oracle(model, weights, s), x, target)):
        assert off(found.W, truth.W) < 1e-6
        assert off(found.V, truth.V) < 1e-6


@pytest.mark.parametrize("sizes", SIZES)
@every_cell
def test_rtrl_equals_bptt_over_the_window_in_which_its_influence_grew(cell: Cell, sizes: tuple[int, int, int]) -> None:
    model = make(cell, *sizes)
    weights, x, target, s = case(model, steps=40)
    found, truth = frozen_sum(Oracle(model, weights, s), x, target), bptt(model, weights, x, target, s)
    assert np.abs(found.W - truth.W).max() < 1e-10
    assert np.abs(found.V - truth.V).max() < 1e-10


@settings(deadline=None, max_examples=25)
@given(st.integers(1, 4), st.integers(1, 9), st.integers(1, 4), st.integers(1, 20), st.data())
@every_cell
def test_rtrl_equals_bptt_for_any_sizes_and_labels(
    cell: Cell, i: int, n: int, o: int, steps: int, data: st.DataObject
) -> None:
    model = make(cell, i, n, o)
    weights, x, target, s = case(model, steps, seed=data.draw(st.integers(0, 999)))
    target[np.array(data.draw(st.lists(st.booleans(), min_size=steps, max_size=steps)))] = np.nan
    found, truth = frozen_sum(Oracle(model, weights, s), x, target), bptt(model, weights, x, target, s)
    np.testing.assert_allclose(found.W, truth.W, rtol=0, atol=1e-10)
    np.testing.assert_allclose(found.V, truth.V, rtol=0, atol=1e-10)


@pytest.mark.parametrize("shorter", [1, 4, 11])
@every_cell
def test_one_late_loss_reaches_the_whole_history_and_not_a_shorter_one(cell: Cell, shorter: int) -> None:
    model = make(cell, 3, 8, 2)
    weights, x, target, s = case(model, steps=12)
    target[:-1] = np.nan
    found = frozen_sum(Oracle(model, weights, s), x, target)
    assert off(found.W, bptt(model, weights, x, target, s).W) < 1e-10

    runner = Oracle(model, weights, s)  # where the shorter window starts
    for sample in x[:-shorter]:
        runner.predict(sample)
    truncated = bptt(model, weights, x[-shorter:], target[-shorter:], runner.state()["s"])
    np.testing.assert_allclose(truncated.V, found.V, atol=1e-12)  # the same loss, the same last state
    assert off(truncated.W, found.W) > 1e-3


@every_cell
def test_influence_is_carried_across_windows(cell: Cell) -> None:
    """Two windows, each with its own BPTT, miss what the first did to the second. RTRL does not."""
    model = make(cell, 2, 5, 1)
    weights, x, target, s = case(model, steps=20)
    whole = frozen_sum(Oracle(model, weights, s), x, target)
    oracle = Oracle(model, weights, s)
    first = frozen_sum(oracle, x[:10], target[:10])
    middle = oracle.state()["s"]
    second = frozen_sum(oracle, x[10:], target[10:])
    assert off(first.W + second.W, whole.W) < 1e-12
    assert off(second.W, bptt(model, weights, x[10:], target[10:], middle).W) > 1e-3


def central(function: Callable[[Float], Float], at: Float, eps: float = 1e-6) -> Float:
    """The Jacobian (out, in) by central differences."""
    moves = eps * np.eye(len(at))
    return np.stack([(function(at + move) - function(at - move)) / (2 * eps) for move in moves], axis=1)


@pytest.mark.parametrize("sizes", SIZES[:3])
@every_cell
def test_jacobians_equal_central_differences(cell: Cell, sizes: tuple[int, int, int]) -> None:
    """All that a cell says about its step: D, the columns' I, what the readout sees, and the direct weights."""
    model = make(cell, *sizes)
    weights, x, _, s = case(model, steps=1)
    d, w, voice = model.dims, weights.W.ravel(), voices(model).cell
    after = voice.forward(d, w, x[0], s)
    D, immediate = voice.jacobians(d, w, x[0], s)
    assert D.shape == (d.states, d.states)
    assert immediate.shape == (d.states, d.columns)
    np.testing.assert_allclose(central(lambda v: voice.forward(d, w, x[0], v), s), D, atol=1e-9)
    moved = central(lambda v: voice.forward(d, v, x[0], s), w)
    np.testing.assert_allclose(moved[:, : d.columns], immediate, atol=1e-9)
    assert not moved[:, d.columns :].any()  # a direct weight moves no state
    seen = central(lambda v: voice.visible(d, w, x[0], v), after)
    assert seen.shape == (d.visible, d.states)
    np.testing.assert_allclose(seen, voice.visible_jacobian(d, w, x[0], after), atol=1e-9)
    shown = central(lambda v: voice.visible(d, v, x[0], after), w)
    assert not shown[:, : d.columns].any()  # a weight with an influence acts on what is seen through the state alone
    c = np.random.default_rng(1).normal(0, 1, d.visible)
    np.testing.assert_allclose(c @ shown[:, d.columns :], voice.direct(d, w, x[0], after, c), atol=1e-8)


@every_cell
def test_a_column_of_the_influence_belongs_to_unit_and_presynaptic(cell: Cell) -> None:
    """After one step column p moves the states of its own unit, and nothing else."""
    model = make(cell, 2, 3, 1)
    weights, x, _, s = case(model, steps=1)
    oracle = Oracle(model, weights, s)
    oracle.predict(x[0])
    oracle.observe()
    d, J = model.dims, oracle.state()["J"]
    blocks, units, _ = d.places
    for p, (block, unit) in enumerate(zip(blocks, units, strict=True)):
        moves = J[p].reshape(d.components, d.units).any(axis=0)
        assert moves[unit] or not d.structure.mixes
        assert d.structure.blocks[block].spread or not np.delete(moves, unit).any()


def test_a_column_of_the_elman_cell_is_slope_times_presynaptic() -> None:
    """After one step column p = i * m + j holds slope_i z_j in row i."""
    model = make(RNN(1), 2, 3, 1)
    weights, x, _, s = case(model, steps=1)
    oracle = Oracle(model, weights, s)
    oracle.predict(x[0])
    oracle.observe()
    state, z = oracle.state(), np.concatenate((x[0], [1.0], s))
    for i, j in np.ndindex(3, 6):
        column = np.zeros(3)
        column[i] = (1 - state["h"][i] ** 2) * z[j]
        np.testing.assert_array_equal(state["J"][i * 6 + j], column)


@every_cell
def test_a_step_updates_after_influence_and_gradient_and_clips_each_entry(cell: Cell) -> None:
    model = make(cell, 2, 4, 2, sgd=SGD(rate=2**-3, readout_rate=2**-5, clip=2**-4))
    weights, x, target, s = case(model, steps=2)
    target *= 8.0
    oracle = Oracle(model, weights, s)
    oracle.predict(x[0])
    g = bptt(model, weights, x[:1], target[:1], s)  # the weights of the forward pass, for W and for V
    assert np.abs(g.W).min() < 2**-4 < np.abs(g.W).max()  # so that the clip is put to the test
    oracle.learn(target[0])
    np.testing.assert_allclose(oracle.weights.W, weights.W - 2**-3 * np.clip(g.W, -(2**-4), 2**-4), atol=1e-14)
    np.testing.assert_allclose(oracle.weights.V, weights.V - 2**-5 * np.clip(g.V, -(2**-4), 2**-4), atol=1e-14)
    assert oracle.state()["steps"] == 1

    # the second step's influence takes D and I of the moved weights, J of the first
    before = oracle.state()
    oracle.predict(x[1])
    oracle.learn(target[1])
    D, immediate = voices(model).cell.jacobians(model.dims, before["W"].ravel(), x[1], before["s"])
    np.testing.assert_allclose(oracle.state()["J"], before["J"] @ D.T + immediate.T, atol=1e-14)


@every_cell
def test_predict_completes_a_forgotten_step_as_observe_does(cell: Cell) -> None:
    model = make(cell, 2, 5, 1)
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


@every_cell
def test_learn_and_observe_without_a_predict_are_errors(cell: Cell) -> None:
    model = make(cell, 1, 2, 1)
    oracle = Oracle(model, initial(model, 0))
    for call in (lambda: oracle.learn([0.0]), lambda: oracle.gradients([0.0]), oracle.observe):
        with pytest.raises(RuntimeError, match="call predict first"):
            call()
    oracle.predict([0.5])
    oracle.learn([0.0])
    with pytest.raises(RuntimeError, match="call predict first"):
        oracle.observe()


@every_cell
def test_wrong_shapes_are_refused_and_leave_the_step_open(cell: Cell) -> None:
    model = make(cell, 2, 3, 2)
    oracle = Oracle(model, initial(model, 0))
    with pytest.raises(ValueError, match="predict: x: wanted 2 finite"):
        oracle.predict([1.0])
    oracle.predict([1.0, 0.0])
    with pytest.raises(ValueError, match="learn: target: wanted 2 finite"):
        oracle.learn([np.nan, 0.0])
    oracle.learn([0.0, 0.0])
    d = model.dims
    for wrong, right in (("w", d.weights), ("x", d.inputs), ("before", d.states), ("after", d.states)):
        sizes = {"w": d.weights, "x": d.inputs, "before": d.states, "after": d.states, wrong: right + 1}
        with pytest.raises(ValueError, match=f"shadow: {wrong}: wanted {right} finite"):
            Shadow(model).step(*(np.zeros(size) for size in sizes.values()))
    with pytest.raises(ValueError, match=f"shadow: credit: wanted {d.visible} finite"):
        Shadow(model).step(
            np.zeros(d.weights), np.zeros(2), np.zeros(d.states), np.zeros(d.states), np.zeros(d.visible + 1)
        )
    with pytest.raises(ValueError, match="oracle: s: wanted"):
        Oracle(model, initial(model, 0), np.zeros(d.states + 1))
    with pytest.raises(ValueError, match="window: wanted x"):
        bptt(model, initial(model, 0), np.zeros((4, 3)), np.zeros((4, 2)))


@every_cell
def test_reset_forgets_the_past_and_keeps_the_weights(cell: Cell) -> None:
    model = make(cell, 2, 4, 1)
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


@every_cell
def test_state_and_weights_are_copies(cell: Cell) -> None:
    model = make(cell, 1, 2, 1)
    start = initial(model, 0)
    oracle = Oracle(model, start)
    oracle.predict([0.3])
    oracle.state()["h"][:] = 9.0
    oracle.weights.W[:] = 9.0
    start.W[:] = 9.0
    assert max(np.abs(v).max() for v in oracle.state().values()) < 9.0


@every_cell
def test_readout_only_never_moves_the_cell(cell: Cell) -> None:
    model = make(cell, 2, 5, 2, rule=ReadoutOnly())
    weights, x, target, _ = case(model, steps=25)
    oracle = Oracle(model, weights)
    for sample, wanted in zip(x, target, strict=True):
        oracle.predict(sample)
        oracle.learn(wanted)
    assert "J" not in oracle.state()
    np.testing.assert_array_equal(oracle.weights.W, weights.W)
    assert np.abs(oracle.weights.V - weights.V).min() > 0
    oracle.predict(x[0])
    assert not oracle.gradients(target[0]).W.ravel()[: model.dims.columns].any()


@pytest.mark.parametrize("rule", [RTRL(), ReadoutOnly()], ids=repr)
@every_cell
def test_shadow_is_exact_along_the_trajectory_of_another_machine(cell: Cell, rule: Rule) -> None:
    """Also beside a machine that keeps no influence itself; with ``exact=False`` it is the machine's own rule."""
    sgd = SGD(rate=2**-4)
    model = make(cell, 3, 7, 2, rule=rule, sgd=sgd)
    weights, x, target, _ = case(model, steps=40)
    d, machine, shadow, own = model.dims, Oracle(model, weights), Shadow(model), Shadow(model, exact=False)
    for t in range(40):
        if t == 25:
            for each in (machine, shadow, own):
                each.reset()
        W, V, before = machine.weights.W, machine.weights.V, machine.state()["s"]
        y = machine.predict(x[t])
        step = (W.ravel(), x[t], before, machine.state()["s"], V[:, :-1].T @ (y - target[t]))
        found, same = shadow.step(*step), own.step(*step)
        assert found is not None
        assert same is not None
        learned = machine.gradients(target[t]).W.ravel()[: d.columns]
        np.testing.assert_allclose(same, learned, atol=1e-14)
        if rule == RTRL():
            np.testing.assert_allclose(found, learned, atol=1e-14)
        elif t == 24:  # its cell is frozen, so the gradient is that of the whole window
            late = np.full((25, 2), np.nan)
            late[-1] = target[t]
            truth = bptt(model, Weights(W, V), x[:25], late).W.ravel()
            np.testing.assert_allclose(found, truth[: d.columns], atol=1e-12)
        machine.observe() if t % 4 == 1 else machine.learn(target[t])
    if rule == RTRL():
        np.testing.assert_allclose(shadow.memory["J"], machine.state()["J"], atol=1e-13)


@every_cell
def test_shadow_follows_steps_without_a_label(cell: Cell) -> None:
    """They move its influence and have no gradient."""
    model = make(cell, 2, 3, 1)
    weights, x, _, s = case(model, steps=10)
    machine, shadow = Oracle(model, weights, s), Shadow(model)
    for sample in x:
        before = machine.state()["s"]
        machine.predict(sample)
        assert shadow.step(weights.W.ravel(), sample, before, machine.state()["s"]) is None
        machine.observe()
    np.testing.assert_allclose(shadow.memory["J"], machine.state()["J"], atol=1e-13)


@every_cell
def test_learning_lowers_the_loss(cell: Cell) -> None:
    model = make(cell, 1, 8, 1, sgd=SGD(rate=2**-4))
    t = np.arange(3000)
    signal = 0.7 * np.sin(t * 0.31)[:, None]
    weights = initial(model, 3)
    oracle = Oracle(model, weights)
    for now, then in pairwise(signal):
        oracle.predict(now)
        oracle.learn(then)
    window = (signal[-200:-1], signal[-199:])
    part = 0.05 if isinstance(cell, RNN) else 0.1  # gated cells start slowly
    assert window_loss(model, oracle.weights, *window) < part * window_loss(model, weights, *window)
