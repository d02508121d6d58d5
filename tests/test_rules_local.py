"""Rules with a local influence: what they leave out is what they say, and nothing else."""

from __future__ import annotations

import numpy as np
import pytest

import rtrl_edge as rt
from rtrl_edge.evaluate.fidelity import fidelity
from rtrl_edge.evaluate.matrix import integer_model, label
from rtrl_edge.evaluate.recordings import mackey_glass
from rtrl_edge.layout import differences
from rtrl_edge.model import Cell, Dims, Rule
from rtrl_edge.model.catalogue import cells, legal, readout, rules
from rtrl_edge.oracle import Oracle
from rtrl_edge.oracle.voices import voices
from rtrl_edge.weights import initial

from .models import SIZES, words
from .needs import needs
from .test_bits_host import FEW_BUILDS, PROFILES, play_both
from .test_bits_targets import stream_is_equal

RULES = [rt.SnAp(), rt.EProp(), rt.RFLO(), rt.RFLO(1 - 2**-6), rt.Trunc1()]
PAIRS = [(cell, rule) for cell in cells(8) for rule in RULES if legal(cell, rule, 3)]
IDS = [f"{label(cell)}-{label(rule)}" for cell, rule in PAIRS]
every_pair = pytest.mark.parametrize(("cell", "rule"), PAIRS, ids=IDS)


def resized(cell: Cell, units: int) -> Cell:
    """The same variant with another number of units."""
    place = [label(c) for c in cells(8)].index(label(cell))
    return cells(units)[place]


def model_of(cell: Cell, rule: Rule, inputs: int = 3, outputs: int = 2, **parts: object) -> rt.Model:
    parts = {"optimiser": rt.SGD(2**-5)} | parts
    return rt.Model("net", inputs, [cell], readout(cell, outputs), rule=rule, **parts)  # type: ignore[arg-type]


def own_unit(d: Dims, unit: int) -> np.ndarray:
    """The states of one unit, one of each component."""
    return np.arange(d.components) * d.units + unit


def moved_products(model: rt.Model, w: np.ndarray, x: np.ndarray, s: np.ndarray, unit: int) -> np.ndarray:
    """Weights that see h of one unit: those of entries of z all whose weights lose their immediate effect with it."""
    d, cell = model.dims, voices(model).cell
    silent = s.copy()
    silent[d.states - d.units + unit] = 0.0
    here, there = (np.abs(cell.jacobians(d, w, x, v)[1]).max(axis=0) for v in (s, silent))
    lost, entry = (there == 0) & (here > 0), d.places[2]
    return np.flatnonzero([lost[entry == seen].all() for seen in entry])


def kept_by_differences(model: rt.Model, w: np.ndarray, x: np.ndarray, s: np.ndarray) -> np.ndarray:
    """d state / d state (S, S) while every product of a weight and a state stays as it is.

    Moves one state, and the weights that see it against it, so that no pre-activation changes.
    """
    d, cell, step = model.dims, voices(model).cell, 1e-6
    found = np.zeros((d.states, d.states))
    for k in range(d.states):
        ends = []
        for sign in (1, -1):
            moved, weights = s.copy(), w.copy()
            moved[k] += sign * step
            if k >= d.states - d.units:
                weights[moved_products(model, w, x, s, k - d.states + d.units)] *= s[k] / moved[k]
            ends.append(cell.forward(d, weights, x, moved))
        found[:, k] = (ends[0] - ends[1]) / (2 * step)
    return found


def own_dynamics(model: rt.Model, w: np.ndarray, x: np.ndarray, s: np.ndarray, D: np.ndarray) -> np.ndarray:
    """What stands in the place of D, (S, S), by the definition of the model's rule."""
    rule, d = model.rule, model.dims
    if isinstance(rule, rt.SnAp):
        return D
    if isinstance(rule, rt.EProp):
        return kept_by_differences(model, w, x, s)
    decay = np.zeros((d.states, d.states))
    if isinstance(rule, rt.RFLO):
        decay[d.states - d.units :, d.states - d.units :] = rule.decay * np.eye(d.units)
    return decay


@every_pair
def test_the_gradient_is_the_exact_one_masked(cell: Cell, rule: Rule) -> None:
    """Column by column, by loops, from D, I and the definition of each rule."""
    model = model_of(resized(cell, 4), rule, 2)
    d, parts, rng = model.dims, voices(model), np.random.default_rng(0)
    w = initial(model, 1).W
    weights = rt.Weights(w + rng.normal(0, 0.3, w.shape), rng.normal(0, 0.5, (2, d.readout_row)))
    flat, s = weights.W.ravel(), rng.uniform(-0.5, 0.5, d.states)
    oracle = Oracle(model, weights, s)
    J = np.zeros((d.states, d.columns))
    for t in range(9):
        x, target = rng.uniform(-1, 1, 2), rng.normal(0, 0.5, 2)
        D, immediate = parts.cell.jacobians(d, flat, x, s)
        through = own_dynamics(model, flat, x, s, D)
        oracle.predict(x)
        s = oracle.state()["s"]
        for p, unit in enumerate(d.places[1]):
            if isinstance(rule, rt.Trunc1):
                J[:, p] = immediate[:, p]
                continue
            own = own_unit(d, unit)
            J[own, p] = through[np.ix_(own, own)] @ J[own, p] + immediate[own, p]
        if t % 3 == 0:
            oracle.observe()
            continue
        e = parts.loss.error(model.loss, parts.readout.forward(weights.V, oracle.state()["h"]), target)
        c = parts.readout.credit(weights.V, e, oracle.state()["h"])
        g = J.T @ parts.cell.visible_jacobian(d, flat, x, s).T @ c
        found = oracle.gradients(target).W.ravel()[: d.columns]
        assert np.linalg.norm(found - g) < 1e-7 * np.linalg.norm(g)
        oracle.observe()


@pytest.mark.parametrize("cell", [c for c in cells(4) if c.structure(2).outputs is None], ids=label)
def test_the_mask_of_snap_1_is_the_immediate_jacobians(cell: Cell) -> None:
    """At the level of units; but for gates that move every unit at once, of which SnAp(1) keeps the own one."""
    model = model_of(cell, rt.Trunc1(), 2)
    d, rng = model.dims, np.random.default_rng(0)
    w = rng.normal(0, 0.5, d.weights)
    _, immediate = voices(model).cell.jacobians(d, w, rng.uniform(-1, 1, 2), rng.uniform(-0.5, 0.5, d.states))
    touched = np.abs(immediate.reshape(d.components, d.units, d.columns)).max(axis=0) > 0
    for p, (block, unit, _) in enumerate(zip(*d.places, strict=True)):
        if d.structure.blocks[block].spread:
            assert touched[unit, p]
        else:
            assert np.flatnonzero(touched[:, p]).tolist() == [unit]


@pytest.mark.parametrize("cell", [c for c in cells(1) if legal(c, rt.SnAp(), 2)], ids=label)
def test_snap_1_of_a_single_unit_is_rtrl(cell: Cell) -> None:
    rng = np.random.default_rng(3)
    x, target = rng.uniform(-1, 1, (30, 2)), rng.normal(0, 0.5, (30, 2))
    found = []
    for rule in (rt.SnAp(), rt.RTRL()):
        model = model_of(cell, rule, 2)
        oracle = Oracle(model, initial(model, 0))
        for a, b in zip(x, target, strict=True):
            oracle.predict(a)
            oracle.learn(b)
        found.append(oracle.weights.W)
    assert np.allclose(found[0], found[1], rtol=1e-12, atol=1e-15)


@pytest.mark.parametrize("profile", ["R16", "R8"])
@every_pair
def test_integers_follow_float64(cell: Cell, rule: Rule, profile: str) -> None:
    model = model_of(cell, rule, 1, 1, numbers=PROFILES[profile])
    stream, weights = mackey_glass(300, 0), initial(model, 1)
    stream = rt.Stream(stream.x, np.repeat(stream.target, model.dims.outputs, axis=1))
    found = fidelity(rt.quantize(model, rt.Weights(weights.W, weights.V), stream), stream)
    assert np.median(found.relative_error) < (1e-3 if profile == "R16" else 4e-2)
    assert found.cosine.min() > 0.99


@pytest.mark.parametrize("units", SIZES)
@every_pair
def test_reference_and_c_are_equal(cell: Cell, rule: Rule, units: int) -> None:
    """Checked words; each size with another profile and rate, among them the largest and the smallest."""
    at = SIZES.index(units)
    numbers = list(PROFILES.values())[at % len(PROFILES)]
    optimiser = rt.SGD([1.0, 2**-5, 2**-15][at % 3])
    model = model_of(resized(cell, units), rule, 1 + 2 * (at % 2), numbers=numbers, optimiser=optimiser)
    with rt.HostTwin(integer_model(model), checked=True) as twin:
        assert play_both(twin.integer_model, twin, 150, reset_at=70) == []


@pytest.mark.parametrize("sign", [1, -1, 0])
@every_pair
def test_the_largest_weights_keep_the_bounds(cell: Cell, rule: Rule, sign: int) -> None:
    """Every weight at +-8, and saturated states."""
    model = model_of(cell, rule, numbers=rt.R8(), optimiser=rt.SGD(1.0))
    d, rng = model.dims, np.random.default_rng(0)
    W = rng.choice([-8.0, 8.0], d.weight_shape) if sign == 0 else np.full(d.weight_shape, 8.0 * sign)
    weights = rt.Weights(W, np.full((2, d.readout_row), 8.0), rt.Scaling.identity(model))
    calibration = rt.Stream(rng.uniform(-1, 1, (50, 3)), rng.uniform(-1, 1, (50, 2)))
    with rt.HostTwin(rt.quantize(model, weights, calibration), checked=True) as twin:
        assert play_both(twin.integer_model, twin, 150) == []


@pytest.mark.parametrize(("cc", "flag"), FEW_BUILDS)
@pytest.mark.parametrize("rule", RULES, ids=label)
def test_every_compiler(rule: Rule, cc: str, flag: str) -> None:
    needs(cc)
    model = integer_model(model_of(rt.LSTM(5), rule, numbers=rt.R16(cap=2)))
    with rt.HostTwin(model, cc=cc, flags=(flag,)) as twin:
        assert play_both(model, twin, 200) == []


@pytest.mark.parametrize("count", [1, 7, 1000])
@pytest.mark.parametrize("rule", RULES, ids=label)
def test_slices_give_the_bits_of_one_call(rule: Rule, count: int) -> None:
    model = integer_model(model_of(rt.LSTM(4), rule))
    x, target, labelled = words(model, 50)
    parts = rule.slices(model.model.dims)
    with rt.HostTwin(model) as whole, rt.HostTwin(model) as sliced:
        for t in range(50):
            assert np.array_equal(whole.predict(x[t]), sliced.predict(x[t]))
            if not labelled[t]:
                whole.observe()
                sliced.observe()
                continue
            whole.learn(target[t])
            sliced.learn_begin(target[t])
            left = parts
            while left and t % 3:  # every third step is left to the next predict to finish
                now = sliced.learn_slice(count)
                assert now == max(0, left - count)
                left = now
        sliced.learn_slice(10_000)
        assert differences(whole.state(), sliced.state(), model.model) == []


@pytest.mark.parametrize("board", ["qemu_microbit", "qemu_mps2_an386"])
@pytest.mark.parametrize("rule", RULES, ids=label)
def test_emulated_cores(rule: Rule, board: str) -> None:
    needs("arm-none-eabi-gcc", "qemu-system-arm")
    model = integer_model(model_of(rt.LSTM(7), rule))
    with rt.Emulator(model, board) as chip:
        stream_is_equal(model, chip, 150, seed=3)


def test_they_are_in_the_catalogue() -> None:
    assert {type(rule) for rule in RULES} <= {type(rule) for rule in rules()}


@pytest.mark.parametrize("cell", cells(4), ids=label)
def test_every_cell_is_taken_or_refused_with_a_reason(cell: Cell) -> None:
    structure = cell.structure(2)
    assert legal(cell, rt.Trunc1(), 2)
    if not structure.mixes:
        for rule in (rt.SnAp(), rt.EProp(), rt.RFLO()):
            with pytest.raises(rt.RtrlEdgeError, match=r"its units do not mix.*RTRL\(\)"):
                model_of(cell, rule, 2)
        return
    if structure.shown is not None:
        for rule in (rt.SnAp(), rt.RFLO()):
            with pytest.raises(rt.RtrlEdgeError, match="the readout does not see the lower layers"):
                model_of(cell, rule, 2)
        return
    assert legal(cell, rt.SnAp(), 2)
    assert legal(cell, rt.RFLO(), 2)
    if structure.private:
        assert legal(cell, rt.EProp(), 2)
    else:
        with pytest.raises(rt.RtrlEdgeError, match=r"keep nothing by themselves: use RFLO\(\)"):
            model_of(cell, rt.EProp(), 2)


def test_order_2_on_dense_weights_is_refused() -> None:
    with pytest.raises(rt.RtrlEdgeError, match=r"on dense weights SnAp\(2\) is RTRL"):
        model_of(rt.RNN(4), rt.SnAp(2))


@pytest.mark.parametrize("order", [0, 1.0, True, "1", 1000])
def test_wrong_orders(order: object) -> None:
    with pytest.raises(rt.RtrlEdgeError, match=r"SnAp\(order\): wanted a whole number from 1"):
        rt.SnAp(order)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("decay", "near"), [(0.9, "0.875"), (1, "0.5"), (0.0, "0.5"), ("a", "0.5"), (0.99999, "0.999755859375")]
)
def test_wrong_decays(decay: object, near: str) -> None:
    with pytest.raises(rt.RtrlEdgeError, match=rf"RFLO\(decay\): wanted 1 - 2\*\*-k .* try {near}"):
        rt.RFLO(decay)  # type: ignore[arg-type]
