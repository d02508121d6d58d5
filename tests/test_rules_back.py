"""Rules that send the credit back in time: what their gradients are, and that C and NumPy agree on every bit."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

import rtrl_edge as rt
from rtrl_edge.evaluate.certificate import stimulus
from rtrl_edge.evaluate.fidelity import fidelity
from rtrl_edge.evaluate.matrix import label
from rtrl_edge.evaluate.recordings import delayed_xor
from rtrl_edge.layout import differences
from rtrl_edge.model import BPTT, DNI, RNN, RTRL, SGD, Cell, Linear, Model, Numbers, Rule, Trunc1
from rtrl_edge.model.catalogue import cells, legal, optimisers, readout
from rtrl_edge.oracle import Oracle, Shadow, bptt
from rtrl_edge.oracle.voices import voices
from rtrl_edge.plan import plan
from rtrl_edge.reference import Reference
from rtrl_edge.weights import Weights, initial

from .models import random_stream, words
from .needs import needs
from .test_bits_host import FEW_BUILDS, play_both
from .test_bits_targets import stream_is_equal

NUMBERS = [rt.R16(), rt.R8()]
CELLS = cells(2)  # every cell that there is; `make` gives it its size
every_cell = pytest.mark.parametrize("cell", CELLS, ids=label)
mixing_cell = pytest.mark.parametrize("cell", [cell for cell in CELLS if legal(cell, DNI(), 1)], ids=label)


def make(cell: Cell, units: int, inputs: int, outputs: int, rule: Rule, **parts: object) -> Model:
    sized = cells(units)[CELLS.index(cell)]
    return Model("net", inputs, [sized], readout(sized, outputs), rule=rule, **parts)  # type: ignore[arg-type]


def quantized(model: Model, seed: int = 1) -> rt.IntegerModel:
    return rt.quantize(model, initial(model, seed), random_stream(model.inputs, model.readout.outputs))


def stirred(model: Model, seed: int = 3) -> tuple[Weights, np.ndarray, np.ndarray]:
    """Weights, all different, and 14 samples and labels."""
    rng, d = np.random.default_rng(seed), model.dims
    start = initial(model, seed)
    weights = Weights(start.W + rng.normal(0, 0.1, start.W.shape), start.V + rng.normal(0, 0.1, start.V.shape))
    return weights, rng.uniform(-1, 1, (14, d.inputs)), rng.normal(0, 0.5, (14, d.outputs))


# ---- float64 ----


@every_cell
def test_a_window_as_long_as_the_past_gives_the_gradient_of_rtrl(cell: Cell) -> None:
    model = make(cell, 5, 3, 2, BPTT(14))
    weights, x, target = stirred(model)
    back, forward = Oracle(model, weights), Oracle(replace(model, rule=RTRL()), weights)
    for sample, wanted in zip(x, target, strict=True):
        for oracle in (back, forward):
            oracle.predict(sample)
        np.testing.assert_allclose(back.gradients(wanted).W, forward.gradients(wanted).W, rtol=0, atol=1e-12)
        for oracle in (back, forward):
            oracle.observe()


@pytest.mark.parametrize("window", [2, 3, 7])
@every_cell
def test_a_window_of_k_is_bptt_over_the_last_k_steps(cell: Cell, window: int) -> None:
    model = make(cell, 5, 3, 2, BPTT(window))
    weights, x, target = stirred(model)
    oracle, states = Oracle(model, weights), []
    for sample, wanted in zip(x, target, strict=True):
        states.append(oracle.state()["s"])
        oracle.predict(sample)
        first = max(0, len(states) - window)
        labels = np.full((len(states) - first, 2), np.nan)
        labels[-1] = wanted
        truth = bptt(model, weights, x[first : len(states)], labels, states[first])
        np.testing.assert_allclose(oracle.gradients(wanted).W, truth.W, rtol=0, atol=1e-12)
        oracle.observe()


@mixing_cell
def test_what_dni_learns_is_the_credit_of_all_later_losses(cell: Cell) -> None:
    """A network at rest whose error never changes: the future's credit is known, and the gradient is RTRL's."""
    model = make(cell, 4, 2, 2, DNI(2**-2))
    d, parts = model.dims, voices(model)
    weights, xs, _ = stirred(model)
    w, x, rest = 0.7 * weights.W.ravel(), xs[0], np.zeros(d.states)
    for _ in range(2000):
        rest = parts.cell.forward(d, w, x, rest)
    D, immediate = parts.cell.jacobians(d, w, x, rest)
    assert np.abs(np.linalg.eigvals(D)).max() < 0.95
    error, credit = np.array([0.1, -0.2]), np.linspace(-0.1, 0.1, d.visible)
    own, exact = Shadow(model, exact=False), Shadow(model)
    for _ in range(3000):
        found = own.step(w, x, rest, rest, credit, error=error)
        truth = exact.step(w, x, rest, rest, credit)
    c = parts.cell.visible_jacobian(d, w, x, rest).T @ credit
    np.testing.assert_allclose(own.memory["signal"], np.linalg.solve(np.eye(d.states) - D.T, c), rtol=0, atol=1e-6)
    np.testing.assert_allclose(found, truth, rtol=0, atol=1e-6)
    assert np.abs(immediate.T @ c - truth).max() > 1e-3  # which one step alone does not give


def test_a_reset_keeps_the_synthesiser() -> None:
    model = make(RNN(2), 4, 2, 2, DNI())
    weights, x, target = stirred(model)
    oracle = Oracle(model, weights)
    for sample, wanted in zip(x, target, strict=True):
        oracle.predict(sample)
        oracle.learn(wanted)
    learned = oracle.state()
    oracle.reset()
    assert np.array_equal(oracle.state()["A"], learned["A"])
    assert learned["A"].any()
    assert learned["seen"].any()
    assert not oracle.state()["seen"].any()


# ---- integers against float64 ----


@pytest.mark.parametrize("numbers", NUMBERS, ids=str)
@every_cell
def test_the_arithmetic_of_bptt(cell: Cell, numbers: Numbers) -> None:
    """At a rate that moves nothing, rounding is the whole error; at 2^-6, so are weights that have moved since."""
    for rate, limit in ((2**-15, 5e-4), (2**-6, 5e-3)):
        model = make(cell, 8, 3, 2, BPTT(8), numbers=numbers, optimiser=SGD(rate))
        integer = quantized(model)
        found = fidelity(integer, stimulus(integer)).figures()
        assert found["steps"] > 200
        assert found["gradient_relative_error_median"] <= limit
        assert found["gradient_cosine_min"] >= 0.999


@pytest.mark.parametrize("numbers", NUMBERS, ids=str)
@mixing_cell
def test_the_arithmetic_of_dni(cell: Cell, numbers: Numbers) -> None:
    """Both synthesisers start at zero and learn by themselves from the same states and credits."""
    integer = quantized(make(cell, 8, 3, 2, DNI(), numbers=numbers, optimiser=SGD(2**-6)))
    found = fidelity(integer, stimulus(integer)).figures()
    assert found["steps"] > 200
    assert found["gradient_relative_error_median"] <= 1e-3
    assert found["gradient_cosine_min"] >= 0.999


# ---- C against integers ----

#: units, inputs, outputs, window, numbers, rate
CASES = [
    (1, 1, 1, 2, rt.R16(), 1.0),
    (1, 3, 2, 5, rt.R8(), 2**-15),
    (2, 3, 1, 3, rt.R8(cap=2), 1.0),
    (8, 1, 2, 11, rt.R16(cap=2), 2**-5),
    (15, 3, 3, 4, rt.R16(), 1.0),
    (16, 1, 1, 8, rt.R8(), 2**-15),
    (17, 3, 2, 33, rt.R16(), 2**-3),
]


@pytest.mark.parametrize("case", CASES, ids=str)
@every_cell
def test_bptt_reference_and_c_are_equal(cell: Cell, case: tuple[int, int, int, int, Numbers, float]) -> None:
    units, inputs, outputs, window, numbers, rate = case
    integer = quantized(make(cell, units, inputs, outputs, BPTT(window), numbers=numbers, optimiser=SGD(rate)))
    with rt.HostTwin(integer, checked=True) as twin:
        assert play_both(integer, twin, 150, reset_at=67) == []


@pytest.mark.parametrize("case", CASES, ids=str)
@mixing_cell
def test_dni_reference_and_c_are_equal(cell: Cell, case: tuple[int, int, int, int, Numbers, float]) -> None:
    units, inputs, outputs, number, numbers, rate = case
    rule = DNI(2.0 ** -(number % 16))
    integer = quantized(make(cell, units, inputs, outputs, rule, numbers=numbers, optimiser=SGD(rate)))
    with rt.HostTwin(integer, checked=True) as twin:
        assert play_both(integer, twin, 150, reset_at=67) == []


@pytest.mark.parametrize(
    ("cell", "rule"),
    [(cell, rule) for cell in CELLS for rule in (BPTT(40), DNI(1.0)) if legal(cell, rule, 2)],
    ids=label,
)
def test_bounds_hold_for_the_largest_weights(cell: Cell, rule: Rule) -> None:
    """Weights of +-8 make the credit grow by powers of two a step, for 40 steps: exponents far below zero."""
    model = make(cell, 7, 2, 2, rule, optimiser=SGD(2**-15))
    rng = np.random.default_rng(0)
    for W in (rng.choice([-8.0, 8.0], model.dims.weights), np.full(model.dims.weights, 8.0)):
        shaped = W.reshape(model.dims.weight_shape)
        weights = rt.Weights(shaped, np.full((2, model.dims.readout_row), 8.0), rt.Scaling.identity(model))
        integer = rt.quantize(model, weights, rt.Stream(rng.uniform(-1, 1, (50, 2)), rng.uniform(-1, 1, (50, 2))))
        with rt.HostTwin(integer, checked=True) as twin:
            assert play_both(integer, twin, 150) == []


@pytest.mark.parametrize("rule", [BPTT(6), DNI()], ids=label)
@pytest.mark.parametrize("optimiser", optimisers(), ids=repr)
def test_every_optimiser(optimiser: rt.model.Optimiser, rule: Rule) -> None:
    """Gradients come with more different exponents than those of J."""
    integer = quantized(make(RNN(2), 6, 2, 2, rule, optimiser=optimiser))
    with rt.HostTwin(integer, checked=True) as twin:
        assert play_both(integer, twin, 200, reset_at=101) == []


@pytest.mark.parametrize("rule", [BPTT(6), DNI()], ids=label)
@pytest.mark.parametrize(("cc", "flag"), FEW_BUILDS)
def test_all_builds(cc: str, flag: str, rule: Rule) -> None:
    needs(cc)
    integer = quantized(make(rt.GRU(2, reset="before"), 5, 1, 3, rule, numbers=rt.R8(), optimiser=SGD(1.0)))
    with rt.HostTwin(integer, cc=cc, flags=(flag,)) as twin:
        assert play_both(integer, twin, 300) == []


@pytest.mark.parametrize("board", ["qemu_microbit", "qemu_mps2_an386"])
@pytest.mark.parametrize("rule", [BPTT(7), DNI()], ids=label)
@pytest.mark.parametrize("cell", [rt.LSTM(6), rt.GRU(5, reset="before")], ids=label)
def test_emulated_cores(cell: Cell, rule: Rule, board: str) -> None:
    needs("arm-none-eabi-gcc", "qemu-system-arm")
    integer = quantized(Model("net", 2, [cell], Linear(2), rule=rule, optimiser=SGD(2**-4)))
    with rt.Emulator(integer, board) as chip:
        stream_is_equal(integer, chip, 120, seed=4)


@pytest.mark.parametrize("count", [1, 3, 7, 64, 1000])
def test_slices_count_steps_back_and_columns(count: int) -> None:
    window = 6
    integer = quantized(make(rt.LSTM(2), 4, 2, 2, BPTT(window)))
    columns = integer.model.dims.columns
    assert integer.model.rule.slices(integer.model.dims) == window + columns
    x, target, _ = words(integer, 60)
    with rt.HostTwin(integer) as whole, rt.HostTwin(integer) as sliced:
        for t in range(60):
            assert np.array_equal(whole.predict(x[t]), sliced.predict(x[t]))
            whole.learn(target[t])
            after = whole.state()["h"]
            sliced.learn_begin(target[t])
            left = min(t + 1, window) + columns
            while left and t % 3:  # every third step is left to the next predict to finish
                now = sliced.learn_slice(count)
                assert now == max(0, left - count)
                assert np.array_equal(sliced.state()["h"], after)  # never an older step's
                left = now
        sliced.learn_slice(1000)
        assert differences(whole.state(), sliced.state(), integer.model) == []


@pytest.mark.parametrize("count", [1, 3, 64])
def test_slices_count_rows_of_the_synthesiser_and_columns(count: int) -> None:
    integer = quantized(make(rt.LSTM(2), 4, 2, 2, DNI()))
    parts = integer.model.dims.states + integer.model.dims.columns
    x, target, labelled = words(integer, 60)
    with rt.HostTwin(integer) as whole, rt.HostTwin(integer) as sliced:
        for t in range(60):
            assert np.array_equal(whole.predict(x[t]), sliced.predict(x[t]))
            if not labelled[t]:
                continue  # left to the next predict: a step that moves the cell all the same
            whole.learn(target[t])
            sliced.learn_begin(target[t])
            left = parts
            while left and t % 3:
                now = sliced.learn_slice(count)
                assert now == max(0, left - count)
                left = now
        sliced.learn_slice(1000)
        assert differences(whole.state(), sliced.state(), integer.model) == []


def test_dni_moves_the_cell_at_a_step_without_a_label() -> None:
    integer = quantized(make(RNN(2), 4, 2, 2, DNI(), optimiser=SGD(1.0)))
    device = Reference(integer)
    x, target, _ = words(integer, 20)
    for t in range(10):
        device.predict(x[t])
        device.learn(target[t])
    before = device.state()
    device.predict(x[10])
    device.observe()
    assert not np.array_equal(before["w_lo"], device.state()["w_lo"])
    assert np.array_equal(before["v_lo"], device.state()["v_lo"])


def test_a_reset_empties_the_ring_and_unlabelled_steps_fill_it() -> None:
    integer = quantized(make(rt.LSTM(2), 4, 2, 2, BPTT(6)))
    x, target, _ = words(integer, 30)
    fresh, used = Reference(integer), Reference(integer)
    for t in range(12):
        used.predict(x[t])
        used.observe()
    assert used.state()["filled"] == 6
    assert np.array_equal(used.state()["w_hi"], fresh.state()["w_hi"])
    used.reset()
    assert used.state()["filled"] == 0
    for t in range(12, 30):
        for device in (fresh, used):
            device.predict(x[t])
            device.learn(target[t])
    for name in ("w_hi", "w_lo", "v_hi", "v_lo", "h", "cell", "filled"):
        assert np.array_equal(fresh.state()[name], used.state()[name])


# ---- what they learn ----


def late_error(rule: Rule, delay: int, seed: int, rate: float) -> float:
    """Mean squared error of the last quarter of 20,000 samples of delayed XOR in integers; 0.81 is knowing nothing."""
    stream = delayed_xor(20_000, delay, seed, high=0.9)
    model = Model("xor", 2, [RNN(8)], Linear(1), rule=rule, optimiser=SGD(rate, readout_rate=rate / 2))
    integer = rt.quantize(model, initial(model, 100 + seed), stream)
    known = stream.labelled
    with rt.HostTwin(integer) as twin:
        words_ = twin.play(integer.to_input(stream.x), integer.to_target(np.nan_to_num(stream.target)), known)
    return float(((integer.from_output(words_) - stream.target)[15_000:] ** 2).mean())


def test_dni_sees_one_step_ahead_where_one_step_alone_does_not() -> None:
    for seed in range(3):
        assert late_error(DNI(), 1, seed, 2**-5) < 0.02
        assert late_error(Trunc1(), 1, seed, 2**-5) > 0.1


def steps_to_98_percent(rule: Rule, seed: int, steps: int = 10_000) -> int | None:
    """As in test_learning: labelled steps until the running accuracy on delayed XOR, delay 3, passes 98 %."""
    stream = delayed_xor(steps, 3, seed, high=0.9)
    model = Model("xor", 2, [RNN(8)], Linear(1), rule=rule, optimiser=SGD(2**-5, readout_rate=2**-6))
    integer = rt.quantize(model, initial(model, 100 + seed), stream)
    known = stream.labelled
    with rt.HostTwin(integer) as twin:
        y = twin.play(integer.to_input(stream.x), integer.to_target(np.nan_to_num(stream.target)), known)
    accuracy = 0.5
    for t, correct in enumerate(((y[:, 0] > 0) == (stream.target[:, 0] > 0))[known]):
        accuracy = 0.999 * accuracy + 0.001 * correct
        if accuracy > 0.98:
            return t
    return None


def test_bptt_learns_what_is_inside_its_window() -> None:
    found = [steps_to_98_percent(BPTT(8), seed) for seed in range(10)]
    assert None not in found
    assert float(np.median([step for step in found if step is not None])) <= 6_000


def test_and_nothing_beyond_it() -> None:
    """A delay of 3 is four steps: with three the first input is out of sight, with four it is not."""
    assert steps_to_98_percent(BPTT(4), 0) is not None
    assert all(steps_to_98_percent(BPTT(3), seed) is None for seed in range(3))


# ---- definition ----


def test_the_memory_does_not_grow_with_the_weights() -> None:
    """The docstring's formula, k (2 T + 2 g n + 2) bytes, is what one more step of window costs."""
    for cell, trace, gates in ((RNN(8), 11 + 8, 1), (rt.LSTM(8), 11 + 7 * 8, 4)):  # [x; 1; h], states and gates
        needs_ = [plan(Model("net", 2, [cell], Linear(1), rule=BPTT(k))).struct_bytes for k in (10, 12)]
        assert needs_[1] - needs_[0] == 2 * (2 * trace + 2 * gates * 8 + 2)


@pytest.mark.parametrize("window", [1, 257, 2.0, True, "8"])
def test_wrong_windows_are_refused(window: object) -> None:
    with pytest.raises(rt.RtrlEdgeError, match=r"BPTT\(window\): wanted a whole number from 2 to 256, found"):
        BPTT(window)  # type: ignore[arg-type]


@pytest.mark.parametrize("rate", [0, 2, 0.3, "fast", -1, True])
def test_wrong_rates_are_refused(rate: object) -> None:
    with pytest.raises(rt.RtrlEdgeError, match=r"DNI\(rate\): wanted a power of two"):
        DNI(rate)  # type: ignore[arg-type]


def test_dni_is_refused_where_the_exact_gradient_costs_no_more() -> None:
    for cell in cells(4):
        structure = cell.structure(2)
        assert legal(cell, DNI(), 2) == (structure.mixes and structure.outputs is None)


def test_too_many_slices_are_refused() -> None:
    Model("net", 2, [RNN(254)], Linear(1), rule=BPTT(256))  # 65,278 + 256
    with pytest.raises(rt.RtrlEdgeError, match="more than 65535 slices"):
        Model("net", 1, [RNN(255)], Linear(1), rule=BPTT(256))  # 65,535 + 256
