"""UORO, KF-RTRL and Kronecker sums: right on average, merged alike by both voices, and the same bits in C."""

from __future__ import annotations

import math
from collections.abc import Iterator
from itertools import pairwise, product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import rtrl_edge as rt
from rtrl_edge.errors import ModelError
from rtrl_edge.evaluate.fidelity import fidelity
from rtrl_edge.evaluate.recordings import mackey_glass
from rtrl_edge.fixed import words as fx
from rtrl_edge.layout import differences, layout
from rtrl_edge.model import (
    GRU,
    KFRTRL,
    LSTM,
    OK,
    RNN,
    RTRL,
    RTU,
    SGD,
    UORO,
    Cell,
    Linear,
    Model,
    Numbers,
    Rule,
    Trunc1,
)
from rtrl_edge.model.catalogue import cells, legal, readout
from rtrl_edge.oracle import Shadow, low_rank
from rtrl_edge.oracle.voices import Memory, Step, voices
from rtrl_edge.reference import Reference
from rtrl_edge.reference.low_rank import pair_down, pair_join, pair_merge, pair_words
from rtrl_edge.stream import Float
from rtrl_edge.weights import initial

from .models import random_stream, words
from .needs import needs
from .test_bits_host import FEW_BUILDS, play_both

RULES = (UORO(), KFRTRL(), OK(1), OK(2), OK(4))
THREE = (UORO(7), KFRTRL(7), OK(2, seed=7))
E_MIN, E_MAX = 16, 60


def pairs(units: int, rules: tuple[Rule, ...] = RULES, inputs: int = 3) -> list[tuple[Cell, Rule]]:
    return [(cell, rule) for cell in cells(units) for rule in rules if legal(cell, rule, inputs)]


def few(units: int) -> list[tuple[Cell, Rule]]:
    """One of each kind of code: cells that mix, with keep and without, with a spread gate, and one without a mix."""
    kinds = (RNN(units), LSTM(units), GRU(units, reset="before"), RTU(units))
    return [(cell, rule) for cell in kinds for rule in THREE if legal(cell, rule, 3)]


def make(
    cell: Cell, rule: Rule, numbers: Numbers | None = None, inputs: int = 3, rate: float = 2**-5, scale: float = 1.0
) -> rt.IntegerModel:
    """The cell's own random weights, times ``scale``."""
    model = Model("net", inputs, [cell], readout(cell, 2), rule=rule, numbers=numbers or rt.R16(), optimiser=SGD(rate))
    start = initial(model, 1)
    weights = rt.Weights(np.clip(scale * start.W, -8, 8), start.V, start.scaling)
    return rt.quantize(model, weights, random_stream(inputs, model.readout.outputs))


def state_of(reference: Reference) -> Float:
    members = reference.net.dims.structure.state
    return np.concatenate([reference.net[name].ravel() * 2.0**-frac for name, frac in members])


def lifted(rule: Rule, state: dict[str, np.ndarray]) -> dict[str, Float]:
    """The pairs of an integer machine in float64, scaled as the oracle scales them."""
    E = state["E"].astype(np.float64)
    if isinstance(rule, UORO):
        return {"s": state["s"] * 2.0**-14, "theta": state["theta"] * 2.0 ** (14 - E)}
    u, A = state["u"] * 2.0**-15, state["A"] * 2.0 ** (15 - E)[:, None, None]
    k = rule.rank if isinstance(rule, OK) else 0
    return {"u": u[:k], "A": A[:k]} if k else {"u": u[0], "A": A[0]}


def influence(rule: Rule, memory: dict[str, Float] | Memory) -> Float:
    """J (P, S) that the pairs stand for."""
    if isinstance(rule, UORO):
        return np.outer(memory["theta"], memory["s"])
    A, u = memory["A"], memory["u"]
    A, u = (A, u) if isinstance(rule, OK) else (A[None], u[None])
    return np.einsum("prs,pj->rjs", A, u).reshape(-1, A.shape[-1])


def off(a: Float, b: Float) -> float:
    return float(np.linalg.norm(a - b) / np.linalg.norm(b))


# ---------------------------------------------------------------------------------------------- words and merges


@given(st.integers(0, 2**62 - 1))
def test_log2_and_square_root(v: int) -> None:
    assert fx.sqrt64(v) ** 2 <= v < (fx.sqrt64(v) + 1) ** 2
    if v:
        assert 8 * math.log2(v) - 1.7 < fx.log2_q3(v) <= 8 * math.log2(v) + 1e-9
        assert fx.log2_q3(4 * v) == fx.log2_q3(v) + 16
        assert low_rank.eighths(float(v)) - fx.log2_q3(v) in (0, 1)  # a float may round up to the next step
    assert fx.log2_q3(0) == low_rank.eighths(0.0) == -4096


@given(st.integers(0, 2**31 - 1))
def test_both_voices_draw_the_same_words(seed: int) -> None:
    word = fx.random_seed(seed)
    assert word == low_rank.first_word(seed) > 0
    for _ in range(5):
        assert fx.random_next(word) == low_rank.next_word(word)
        word = fx.random_next(word)


def test_the_generator_is_fair() -> None:
    """Signs of 64 states over many steps: mean 0, uncorrelated."""
    found, word = [], low_rank.first_word(1)
    for _ in range(4000):
        nu, word = low_rank.signs(word, 64)
        found.append(nu)
    nu = np.array(found)
    assert np.abs(nu.mean(axis=0)).max() < 4.5 / math.sqrt(len(nu))
    together = nu.T @ nu / len(nu)
    assert np.abs(together - np.eye(64)).max() < 5.0 / math.sqrt(len(nu))


@given(st.integers(0, 10**6), st.integers(-30, 30), st.integers(-12, 12))
def test_the_mean_of_a_merge_over_its_two_signs_is_the_sum(seed: int, apart: int, skew: int) -> None:
    """Integers: whatever the exponents and the norms, and both ratios of a half power."""
    rng = np.random.default_rng(seed)
    u = [np.round(rng.normal(0, 9000, 7)).clip(-32767, 32767).astype(np.int64) for _ in range(2)]
    A = [np.round(rng.normal(0, 9000, 19)).clip(-32767, 32767).astype(np.int64) for _ in range(2)]
    A[0] = A[0] >> max(skew, 0)
    u[0] = u[0] >> max(-skew, 0)
    E = (30 + apart // 2, 30)
    real = [np.outer(u[i], A[i]) * 2.0 ** -E[i] for i in range(2)]
    found = []
    for sign in (1, -1):
        a, b = ((int(u[i] @ u[i]), int(A[i] @ A[i]), E[i]) for i in range(2))
        m = pair_merge(a, b, sign)
        v, gain = pair_join(m, m.u_shift, *u)
        B, more = pair_join(m, m.a_shift, *A)
        found.append(np.outer(v, B) * 2.0 ** -(m.exponent + gain + more))
    larger = np.linalg.norm(found[0]) + np.linalg.norm(found[1])
    assert np.linalg.norm((found[0] + found[1]) / 2 - real[0] - real[1]) < 2**-12 * larger


def test_zero_pairs_leave_the_other_alone() -> None:
    u, A = np.array([3, -4]), np.array([[5, 0], [1, -7]])
    for a_zero in (True, False):
        for u_zero in (True, False):
            empty = (0 if u_zero else 9, 9 if u_zero else 0, 33)
            full = (25, 75, 31)
            m = pair_merge(*((empty, full) if a_zero else (full, empty)), -1)
            v, gain = pair_join(m, m.u_shift, *((0 * u, u) if a_zero else (u, 0 * u)))
            B, more = pair_join(m, m.a_shift, *((9 * A, A) if a_zero else (A, 9 * A)))
            exponent = m.exponent + gain + more
            assert np.array_equal(np.multiply.outer(v, B) * 2.0**-exponent, np.multiply.outer(u, A) * 2.0**-31)
    m = pair_merge((0, 0, 30), (0, 0, 30), 1)
    assert not pair_join(m, m.u_shift, 0 * u, 0 * u)[0].any()


@given(st.lists(st.integers(-(2**30) + 1, 2**30 - 1), min_size=1, max_size=9))
def test_a_pairs_words_use_all_their_bits(values: list[int]) -> None:
    v = np.array(values, dtype=np.int64)
    down = pair_down(v)
    found = pair_words(v, down)
    assert np.abs(found).max() <= 32767
    if v.any():
        assert np.abs(found).max() >= 2**14
        assert np.abs(found * 2.0**down - v).max() <= 2.0**down  # half a word, a whole one where it saturates
        assert np.abs(pair_words(-v, down) + found).max() <= 1


# ------------------------------------------------------------------------------------------------------- the mean


def trajectory(integer_model: rt.IntegerModel, x: np.ndarray) -> tuple[list[Step], Float]:
    """Float64 steps along the integer network's observed trajectory, and the exact J (P, S) after them."""
    reference, d = Reference(integer_model), integer_model.model.dims
    cell = voices(integer_model.model).cell
    J, steps, zero = np.zeros((d.columns, d.states)), [], np.zeros(d.visible)
    for sample in x:
        before = state_of(reference)
        reference.predict(sample)
        w = reference.net["w_hi"] * 2.0**-12
        D, immediate = cell.jacobians(d, w, sample * 2.0**-15, before)
        steps.append(Step(w, sample * 2.0**-15, before, state_of(reference), D, immediate, zero))
        J = J @ D.T + immediate.T
        reference.observe()
    return steps, J


def stimulus(steps: int, inputs: int) -> np.ndarray:
    return (np.random.default_rng(3).uniform(-1, 1, (steps, inputs)) * 30000).astype(np.int16)


def sequences(rule: Rule, states: int, steps: int) -> Iterator[tuple[int, ...]]:
    """Every sequence of random signs: for each step a state of the generator whose next word has the step's signs."""
    bits = range(states) if isinstance(rule, UORO) else [31]
    words_of: dict[tuple[int, ...], int] = {}
    for seed in range(100 << len(bits)):
        word = fx.random_seed(seed)
        words_of.setdefault(tuple(fx.random_next(word) >> bit & 1 for bit in bits), word)
    assert len(words_of) == 1 << len(bits)
    return product(words_of.values(), repeat=steps)


EXHAUSTIVE = [
    *((cell, UORO(), 5) for cell in (RNN(2), LSTM(1), GRU(2, reset="before"), RTU(1))),
    *((cell, rule, 8) for cell in (RNN(4), LSTM(3)) for rule in RULES[1:]),
]


@pytest.mark.parametrize(("cell", "rule", "T"), EXHAUSTIVE, ids=str)
def test_the_mean_over_all_sequences_of_signs_is_exact(cell: Cell, rule: Rule, T: int) -> None:
    """Not a sample but the expectation: float64 to its own rounding, integers to theirs, gradient and influence."""
    integer = make(cell, rule, inputs=1)
    d, x = integer.model.dims, stimulus(T, 1)
    steps, exact = trajectory(integer, x)
    c = np.linspace(-0.5, 1.0, d.states)
    last = Step(**(vars(steps[-1]) | {"c": c}))
    voice = voices(integer.model).rule
    floats, gradients, integers = [], [], []
    with rt.HostTwin(integer) as twin:
        views = twin.views
        for sequence in sequences(rule, d.states, T):
            memory = voice.initial(integer.model)
            twin.reset()
            for word, step, sample in zip(sequence, steps, x, strict=True):
                memory = voice.advance(integer.model, memory | {"random": np.array(float(word))}, step)
                views["random"][...] = word
                twin.predict(sample)
                twin.observe()
            floats.append(influence(rule, memory))
            gradients.append(voice.gradient(integer.model, memory, last))
            integers.append(influence(rule, lifted(rule, views)))
    size = np.mean([np.linalg.norm(J) for J in floats])
    assert np.linalg.norm(np.mean(floats, axis=0) - exact) < 1e-12 * size
    assert np.linalg.norm(np.mean(gradients, axis=0) - exact @ c) < 1e-12 * size
    assert np.linalg.norm(np.mean(integers, axis=0) - exact) < 3e-4 * size


def agrees(samples: list[Float], exact: Float) -> None:
    """The mean is as far off as the noise alone explains, for all samples and for the first sixteenth: 1/sqrt(N)."""
    for part in (samples[: len(samples) // 16], samples):
        values = np.array(part)
        mean, error = values.mean(axis=0), values.std(axis=0) / math.sqrt(len(values))
        assert np.linalg.norm(mean - exact) < 3.0 * np.linalg.norm(error)
        moving = error > 2e-4 * np.abs(exact).max() / math.sqrt(len(values))
        z = np.abs(mean - exact)[moving] / error[moving]
        assert 0.2 < z.mean() < 2.4  # 0.8 for independent entries; these are few signs in many places
        assert (z > 4).mean() < 0.03


@pytest.mark.parametrize("rule", RULES, ids=repr)
def test_the_oracles_mean_is_the_exact_influence(rule: Rule) -> None:
    integer = make(RNN(3), rule, inputs=1)
    steps, exact = trajectory(integer, stimulus(10, 1))
    voice, found, gradients = voices(integer.model).rule, [], []
    c = np.array([0.3, -0.2, 0.5])
    last = Step(**(vars(steps[-1]) | {"c": c}))
    for seed in range(320):
        memory = voice.initial(integer.model) | {"random": np.array(float(low_rank.first_word(seed)))}
        for step in steps:
            memory = voice.advance(integer.model, memory, step)
        found.append(influence(rule, memory))
        gradients.append(voice.gradient(integer.model, memory, last))
    agrees(found, exact)
    agrees(gradients, exact @ c)


@pytest.mark.parametrize(
    ("cell", "rule", "numbers"),
    [(*pair, rt.R16()) for pair in pairs(4, inputs=1)] + [(RNN(4), rule, rt.R8()) for rule in RULES],
    ids=str,
)
def test_the_integers_mean_is_the_exact_influence(cell: Cell, rule: Rule, numbers: Numbers) -> None:
    """In the generated C, of which the reference is proven to be equal below: thousands of streams of signs."""
    integer, T = make(cell, rule, numbers, inputs=1), 20
    x = stimulus(T, 1)
    exact = trajectory(integer, x)[1]
    found = []
    with rt.HostTwin(integer) as twin:
        views, target, unlabelled = twin.views, np.zeros((T, 2), np.int16), np.zeros(T, bool)
        for seed in range(1600):
            twin.reset()
            views["random"][...] = fx.random_seed(seed)
            twin.play(x, target, unlabelled)
            found.append(influence(rule, lifted(rule, views)))
    agrees(found, exact)


@pytest.mark.parametrize("rule", RULES[1:], ids=repr)
def test_without_recurrence_there_is_nothing_to_merge(rule: Rule) -> None:
    """D = 0: the old pairs are zero, the new one is all there is, and it is exact whatever the signs."""
    model = Model("net", 2, [RNN(5)], Linear(2), rule=rule)
    start = initial(model, 1)
    W = start.W.copy()
    W[:, 3:] = 0.0
    integer = rt.quantize(model, rt.Weights(W, start.V, start.scaling), random_stream(2, 2))
    x = stimulus(20, 2)
    reference = Reference(integer)
    for sample, step in zip(x, trajectory(integer, x)[0], strict=True):
        reference.predict(sample)
        reference.observe()
        assert off(influence(rule, lifted(rule, reference.state())), step.I.T) < 1e-3


# ----------------------------------------------------------------------------------------- both voices, step by step


@pytest.mark.parametrize(("numbers", "bound"), [(rt.R16(), 1e-3), (rt.R8(), 4e-2)], ids=["R16", "R8"])
@pytest.mark.parametrize(
    ("cell", "rule"), [pair for pair in pairs(8, inputs=1) if pair[0].structure(1).outputs is None], ids=str
)
def test_from_the_same_pairs_both_voices_make_the_same_step(
    cell: Cell, rule: Rule, numbers: Numbers, bound: float
) -> None:
    """Gradient and merged pairs of one step, both from the integers' pairs of the step before."""
    stream = mackey_glass(300, 0)
    model = Model("net", 1, [cell], Linear(1), rule=rule, numbers=numbers, optimiser=SGD(2**-7))
    start = initial(model, 1)
    integer = rt.quantize(model, rt.Weights(start.W, start.V), stream)
    reference, shadow = Reference(integer), Shadow(model, exact=False)
    gradients, merges = [], []
    for t, (x, target) in enumerate(stream):
        before, word = state_of(reference), integer.to_input(x)
        reference.predict(word)
        old = lifted(rule, reference.state())
        shadow._memory = shadow._memory | old | {"random": np.array(float(reference.net["random"]))}
        w = reference.net["w_hi"] * 2.0**-12
        V = reference.net["v_hi"].reshape(1, -1)[:, : model.dims.visible] * 2.0**-12
        assert target is not None
        reference.learn(integer.to_target(target))
        credit = (reference.net["e"] * 2.0**-reference.net.formats.error_frac) @ V
        g = shadow.step(w, word * 2.0**-15, before, state_of(reference), credit)
        assert g is not None
        if t >= 20 and np.linalg.norm(g) > 0:
            gradients.append(off(reference.net.gradient[: model.dims.columns], g))
            merges.append(off(influence(rule, lifted(rule, reference.state())), influence(rule, shadow.memory)))
    assert np.median(gradients) < bound
    assert np.median(merges) < bound
    # a tie decided otherwise; in a stack the integers' norms also count places outside a layer, which costs variance
    assert np.mean(np.array(merges) > 0.1) < (0.05 if model.dims.structure.shown is None else 0.35)


@pytest.mark.parametrize(("rule", "bound"), [(UORO(), 1e-3), (KFRTRL(), 1e-3)], ids=repr)
def test_both_voices_stay_together_for_hundreds_of_steps(rule: Rule, bound: float) -> None:
    """The float rule has the same signs and rounds its ratios alike: errors gather, and still are those of RTRL.

    Kronecker sums part after some steps, where two pairs are as good to merge or alpha is near its pole.
    """
    stream = mackey_glass(500, 0)
    model = Model("net", 1, [RNN(8)], Linear(1), rule=rule, optimiser=SGD(2**-7))
    start = initial(model, 1)
    found = fidelity(rt.quantize(model, rt.Weights(start.W, start.V), stream), stream)
    assert np.median(found.relative_error) < bound
    assert found.exact_cosine.mean() > 0.1


def test_more_pairs_less_noise() -> None:
    stream = mackey_glass(500, 0)
    cosines = []
    for rule in (UORO(), KFRTRL(), OK(1), OK(2), OK(4)):
        model = Model("net", 1, [LSTM(8)], Linear(1), rule=rule, optimiser=SGD(2**-7))
        start = initial(model, 1)
        found = fidelity(rt.quantize(model, rt.Weights(start.W, start.V), stream), stream)
        cosines.append(float(found.exact_cosine.mean()))
    assert all(a < b for a, b in pairwise(cosines))
    assert cosines[-1] > 0.98


# ----------------------------------------------------------------------------------------------------------- bits


@pytest.mark.parametrize("units", [1, 2, 15, 16, 17])
@pytest.mark.parametrize("rule", THREE, ids=repr)
def test_all_sizes(units: int, rule: Rule) -> None:
    for cell, inputs, numbers in ((RNN(units), 3, rt.R16()), (LSTM(units), 1, rt.R8(cap=2))):
        integer = make(cell, rule, numbers, inputs)
        with rt.HostTwin(integer, checked=True) as twin:
            assert play_both(integer, twin, 100, reset_at=40) == [], cell


@pytest.mark.parametrize("numbers", [rt.R16(), rt.R8()], ids=lambda numbers: numbers.name)
@pytest.mark.parametrize(("cell", "rule"), pairs(8, (UORO(), KFRTRL(), OK(3))), ids=str)
def test_all_cells(cell: Cell, rule: Rule, numbers: Numbers) -> None:
    integer = make(cell, rule, numbers, rate=2**-4)
    with rt.HostTwin(integer, checked=True) as twin:
        assert play_both(integer, twin, 200, reset_at=120) == []


@pytest.mark.parametrize(
    ("scale", "rate", "cap"), [(1.0, 1.0, None), (1000.0, 2**-15, None), (1000.0, 1.0, 0.125), (1000.0, 2**-5, 2**15)]
)
@pytest.mark.parametrize(("cell", "rule"), few(9), ids=str)
def test_bounds_of_the_plan_hold(cell: Cell, rule: Rule, scale: float, rate: float, cap: float | None) -> None:
    """Checked words trap; ``scale`` 1000: every weight saturates at +-8, so J grows as fast as it can."""
    integer = make(cell, rule, rt.R16(cap=cap), rate=rate, scale=scale)
    with rt.HostTwin(integer, checked=True) as twin:
        assert play_both(integer, twin, 60) == []


@pytest.mark.parametrize(("cc", "flag"), FEW_BUILDS)
@pytest.mark.parametrize("rule", THREE, ids=repr)
def test_all_builds(cc: str, flag: str, rule: Rule) -> None:
    needs(cc)
    integer = make(LSTM(9), rule, rate=1.0)
    with rt.HostTwin(integer, cc=cc, flags=(flag,)) as twin:
        assert play_both(integer, twin, 200) == []


@pytest.mark.parametrize("rule", THREE, ids=repr)
@pytest.mark.parametrize("board", ["qemu_microbit", "qemu_mps2_an386"])
def test_emulated_cores(board: str, rule: Rule) -> None:
    needs("arm-none-eabi-gcc", "qemu-system-arm")
    for cell, numbers in ((RNN(8), rt.R16()), (LSTM(5), rt.R8())):
        integer = make(cell, rule, numbers)
        with rt.Emulator(integer, board) as chip:
            assert play_both(integer, chip, 60, reset_at=25) == []  # type: ignore[arg-type]


def test_under_sanitizers() -> None:
    needs("gcc")
    flags = ("-fsanitize=address,undefined", "-fno-sanitize-recover=all")
    kinds = (RNN(4), OK(2)), (LSTM(4), KFRTRL()), (GRU(4, reset="before"), UORO()), (RTU(4), UORO())
    for cell, rule in kinds:
        integer = make(cell, rule, rate=1.0, scale=1000.0)
        with rt.Emulator(integer, "native", extra_flags=flags) as program:
            assert play_both(integer, program, 60, reset_at=25) == []  # type: ignore[arg-type]


@pytest.mark.parametrize("columns", [1, 7, 64, 1000])
@pytest.mark.parametrize("rule", THREE, ids=repr)
def test_slices_give_the_bits_of_one_call(rule: Rule, columns: int) -> None:
    integer = make(LSTM(5), rule)
    x, target, _ = words(integer, 60)
    with rt.HostTwin(integer) as whole, rt.HostTwin(integer) as sliced:
        for t in range(60):
            assert np.array_equal(whole.predict(x[t]), sliced.predict(x[t]))
            if t % 7 == 0:
                whole.observe()
                sliced.observe()
                continue
            whole.learn(target[t])
            sliced.learn_begin(target[t])
            if t % 3:  # every third step is left to the next predict to finish
                left = integer.model.dims.columns
                while left:
                    now = sliced.learn_slice(columns)
                    assert now == max(0, left - columns)
                    left = now
        sliced.learn_slice(1000)
        assert differences(whole.state(), sliced.state(), integer.model) == []


@pytest.mark.parametrize(("cell", "rule"), few(6), ids=str)
def test_thousands_of_steps_and_the_exponents_stay_in_their_window(cell: Cell, rule: Rule) -> None:
    """Learning at a high rate; inputs pause for hundreds of steps, so that J fades, and come back."""
    integer = make(cell, rule, inputs=2, rate=2**-3)
    T = 2000
    rng = np.random.default_rng(0)
    x = rng.integers(-32768, 32768, (T, 2)).astype(np.int16)
    x[(np.arange(T) // 400) % 2 == 1] = 0
    target = rng.integers(-4096, 4096, (T, 2)).astype(np.int16)
    labelled = rng.random(T) < 0.5
    reference = Reference(integer)
    with rt.HostTwin(integer) as twin:
        for t in range(T):
            assert np.array_equal(reference.predict(x[t]), twin.predict(x[t])), f"prediction {t}"
            for device in (reference, twin):
                device.learn(target[t]) if labelled[t] else device.observe()
            E = twin.views["E"]
            assert E.min() >= E_MIN
            assert E.max() <= E_MAX
        assert differences(reference.state(), twin.state(), integer.model) == []


def test_a_reset_forgets_the_past_and_not_the_generator() -> None:
    for rule in (UORO(), KFRTRL(), OK(2)):
        integer = make(RNN(4), rule)
        x = stimulus(10, 3)
        reference, shadow = Reference(integer), Shadow(integer.model, exact=False)
        assert int(reference.net["random"]) == int(shadow.memory["random"])
        for sample in x:
            before = state_of(reference)
            reference.predict(sample)
            reference.observe()
            shadow.step(reference.net["w_hi"] * 2.0**-12, sample * 2.0**-15, before, state_of(reference))
        reference.reset()
        shadow.reset()
        assert not influence(rule, lifted(rule, reference.state())).any()
        assert not influence(rule, shadow.memory).any()
        assert int(reference.net["random"]) == int(shadow.memory["random"]) != fx.random_seed(1)


def test_seeds_make_a_difference() -> None:
    one, two = (make(RNN(4), UORO(seed)) for seed in (1, 2))
    assert one.digest != two.digest
    x, target, labelled = words(one, 50)
    with rt.HostTwin(one) as a, rt.HostTwin(two) as b:
        a.play(x, target, labelled)
        b.play(x, target, labelled)
        assert not np.array_equal(a.state()["theta"], b.state()["theta"])


# ------------------------------------------------------------------------------------------- what it costs and refuses


def test_memory_is_what_the_texts_say() -> None:
    for cell in (RNN(16), LSTM(8)):
        for rule, size in (
            (UORO(), lambda d, m, r: 2 * (d.columns + d.states) + 1),
            (KFRTRL(), lambda d, m, r: 2 * (m + r * d.states) + 1),
            (OK(2), lambda d, m, r: 3 * (2 * (m + r * d.states) + 1)),
        ):
            model = Model("net", 3, [cell], Linear(2), rule=rule)
            d = model.dims
            m = d.structure.blocks[0].width
            fields = {f.name: f for f in rule.fields(d, model.numbers)}
            names = [name for name in ("s", "theta", "u", "A", "E") if name in fields]
            place = layout(model)
            assert sum(place[name].size for name in names) == size(d, m, d.columns // m)


def test_kronecker_costs_n_times_less_than_rtrl() -> None:
    def macs(rule: Rule, units: int) -> int:
        return rule.macs(Model("net", 3, [RNN(units)], Linear(2), rule=rule).dims)

    assert 3.5 < math.log2(macs(RTRL(), 128) / macs(RTRL(), 64)) < 4.1
    for rule in (KFRTRL(), OK(2)):
        assert 2.7 < math.log2(macs(rule, 128) / macs(rule, 64)) < 3.1
    assert 1.7 < math.log2(macs(UORO(), 128) / macs(UORO(), 64)) < 2.1


@pytest.mark.parametrize("rule", [KFRTRL(), OK(2)], ids=repr)
def test_cells_without_one_product_are_refused(rule: Rule) -> None:
    with pytest.raises(ModelError, match=r"its gates r and n_in see different inputs.* use RTRL\(\), or UORO\(\)"):
        Model("net", 3, [GRU(4)], Linear(1), rule=rule)
    with pytest.raises(ModelError, match=r"weights of its gate r move every unit.* use RTRL\(\), or UORO\(\)"):
        Model("net", 3, [GRU(4, reset="before")], Linear(1), rule=rule)
    for cell in (RNN(4), LSTM(4)):
        assert legal(cell, rule, 3)


def test_uoro_goes_with_every_cell() -> None:
    for cell in cells(4):
        assert legal(cell, UORO(), 3) == (cell.structure(3).pattern is None), "all but sparse weights"


@pytest.mark.parametrize("rule", [UORO, KFRTRL, OK])
@pytest.mark.parametrize("seed", [-1, 2**31, 1.0, True])
def test_wrong_seeds(rule: type[UORO | KFRTRL | OK], seed: object) -> None:
    with pytest.raises(ModelError, match=rf"{rule.__name__}\(seed\): wanted a whole number from 0 to 2147483647"):
        rule(seed=seed)  # type: ignore[arg-type]


@pytest.mark.parametrize("rank", [0, 9, 2.0, None])
def test_wrong_ranks(rank: object) -> None:
    with pytest.raises(ModelError, match=r"OK\(rank\): wanted a whole number from 1 to 8"):
        OK(rank)  # type: ignore[arg-type]


# ------------------------------------------------------------------------------------------------------- learning


def delayed_xor(rule: Rule, rate: float, seed: int) -> float:
    """Share of right signs in the last 1000 of 6000 samples: x_1 xor x_2 of the sample before, in generated C."""
    bits = np.random.default_rng(seed).integers(0, 2, (6000, 2))
    x, target = 0.9 * (2 * bits - 1), np.zeros((6000, 1))
    target[1:, 0] = (bits[:-1, 0] ^ bits[:-1, 1]) - 0.5
    model = Model("net", 2, [RNN(8)], Linear(1), rule=rule, optimiser=SGD(rate))
    integer = rt.quantize(model, initial(model, seed), rt.Stream(x, target))
    with rt.HostTwin(integer) as twin:
        y = twin.play(np.round(x * 32768).astype(np.int16), np.round(target * 4096).astype(np.int16))
    right = (y > 0) == (target > 0)
    return float(right[-1000:].mean())


@pytest.mark.parametrize(("rule", "rate"), [(UORO(), 2**-4), (KFRTRL(), 2**-3), (OK(2), 2**-4)], ids=str)
def test_integers_learn_what_the_immediate_derivative_cannot(rule: Rule, rate: float) -> None:
    for seed in (10, 11, 13):
        assert delayed_xor(rule, rate, seed) > 0.98
        assert delayed_xor(Trunc1(), rate, seed) < 0.6
