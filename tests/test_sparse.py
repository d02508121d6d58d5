"""Sparse recurrent weights: absent ones cost nothing and change nothing; SnAp-n on them."""

from __future__ import annotations

import numpy as np
import pytest

import rtrl_edge as rt
from rtrl_edge.evaluate.fidelity import fidelity
from rtrl_edge.evaluate.matrix import integer_model
from rtrl_edge.evaluate.recordings import mackey_glass
from rtrl_edge.layout import differences, layout
from rtrl_edge.model import Rule
from rtrl_edge.model.sparse import diameter, random_pattern, reach
from rtrl_edge.oracle import Oracle, bptt
from rtrl_edge.oracle.voices import voices
from rtrl_edge.reference import Reference
from rtrl_edge.weights import initial

from .models import SIZES, words
from .needs import needs
from .test_bits_host import FEW_BUILDS, PROFILES, play_both
from .test_bits_targets import stream_is_equal

RULES = [rt.RTRL(), rt.SnAp(), rt.SnAp(2), rt.SnAp(3)]
IDS = ["RTRL", "SnAp(1)", "SnAp(2)", "SnAp(3)"]
every_rule = pytest.mark.parametrize("rule", RULES, ids=IDS)


def model_of(
    units: int, rule: Rule, density: float = 0.25, inputs: int = 3, seed: int = 0, **parts: object
) -> rt.Model:
    parts = {"optimiser": rt.SGD(2**-5)} | parts
    cell = rt.RNN(units, density, seed)
    return rt.Model("net", inputs, [cell], rt.Linear(2), rule=rule, **parts)  # type: ignore[arg-type]


def pattern_of(model: rt.Model) -> tuple[tuple[int, ...], ...]:
    found = model.dims.structure.pattern
    assert found is not None
    return found


def places_in_dense(model: rt.Model) -> np.ndarray:
    """(P,) which weight of the dense cell each weight is."""
    d = model.dims
    _, unit, entry = d.places
    return unit * d.presynaptic + entry


# ------------------------------------------------------------------------------------------------------ patterns


@pytest.mark.parametrize("units", SIZES)
@pytest.mark.parametrize("density", [0, 0.1, 0.25, 0.9, 0.999])
def test_patterns(units: int, density: float) -> None:
    pattern = random_pattern(units, density, 3)
    assert sum(map(len, pattern)) == max(units, round(density * units**2))
    for i, row in enumerate(pattern):
        assert i in row
        assert row == tuple(sorted(set(row)))
        assert set(row) <= set(range(units))


def test_a_pattern_stays_what_it_is() -> None:
    """A model on a chip was made with it."""
    assert random_pattern(5, 0.5, 0) == random_pattern(5, 0.5, 0)
    assert random_pattern(5, 0.5, 0) != random_pattern(5, 0.5, 1)
    assert random_pattern(4, 0.5, 7) == ((0,), (0, 1), (0, 2, 3), (1, 3))


def test_reach() -> None:
    ring = tuple((i, (i - 1) % 5) for i in range(5))  # each unit listens to itself and to the one before it
    assert reach(ring, 0) == tuple((i,) for i in range(5))
    assert reach(ring, 2)[3] == (3, 0, 4)
    assert reach(ring, 4) == reach(ring, None)
    assert diameter(ring) == 4
    apart = ((0,), (1, 2), (1, 2))
    assert reach(apart, None) == ((0,), (1, 2), (2, 1))
    assert diameter(apart) == 1


@pytest.mark.parametrize("wrong", [-0.1, 1.1, "a", True])
def test_wrong_densities(wrong: object) -> None:
    with pytest.raises(rt.RtrlEdgeError, match=r"RNN\(density\): wanted a number from 0 to 1"):
        rt.RNN(4, wrong)  # type: ignore[arg-type]


def test_wrong_seeds() -> None:
    with pytest.raises(rt.RtrlEdgeError, match=r"RNN\(mask_seed\): wanted a whole number"):
        rt.RNN(4, 0.5, -1)


def test_absent_weights_cost_nothing() -> None:
    model, dense = model_of(16, rt.RTRL()), model_of(16, rt.RTRL(), 1.0)
    d = model.dims
    assert d.columns == d.weights == 16 * 4 + 64
    place = layout(model)
    assert place["w_hi"].count == place["w_lo"].count == place["E"].count == d.columns
    assert place["D"].count == 64
    assert place["J"].count <= d.columns * 16
    assert place.size < 0.45 * layout(dense).size
    assert rt.plan(model).macs_learn < 0.2 * rt.plan(dense).macs_learn
    snap = model_of(16, rt.SnAp(2))
    count = [sum(i in row for row in pattern_of(snap)) for i in range(16)]
    assert layout(snap)["J"].count == sum(count[unit] for unit in snap.dims.places[1])


# -------------------------------------------------------------------------------------------- float64, by definition


@every_rule
def test_the_gradient_is_the_dense_one_masked(rule: Rule) -> None:
    """Against the dense cell with zeros, in dense matrices, with the mask from powers of the pattern."""
    model, rng = model_of(6, rule, 0.35), np.random.default_rng(0)
    dense = model_of(6, rt.RTRL(), 1.0)
    d, at, cell = model.dims, places_in_dense(model), voices(dense).cell
    weights = initial(model, 0)
    weights = rt.Weights(weights.W + rng.normal(0, 0.2, d.columns), weights.V)
    W = np.zeros(dense.dims.columns)
    W[at] = weights.W
    steps = 50 if isinstance(rule, rt.RTRL) else rule.order - 1  # type: ignore[attr-defined]
    listens = np.array([[k in row for k in range(6)] for row in pattern_of(model)], dtype=float)
    mask = (np.linalg.matrix_power(np.eye(6) + listens, steps) > 0)[:, d.places[1]]
    s, oracle, J = np.zeros(6), Oracle(model, weights), np.zeros((6, d.columns))
    for t in range(9):
        x, target = rng.uniform(-1, 1, 3), rng.normal(0, 0.5, 2)
        D, immediate = cell.jacobians(dense.dims, W, x, s)
        J = mask * (D @ J + immediate[:, at])
        s = cell.forward(dense.dims, W, x, s)
        oracle.predict(x)
        assert np.allclose(oracle.state()["s"], s, rtol=1e-13)
        if t % 3:
            e = weights.V @ np.append(s, 1.0) - target
            g = oracle.gradients(target).W
            exact = (e @ weights.V[:, :6]) @ J
            assert np.linalg.norm(g - exact) < 1e-12 * np.linalg.norm(exact)
        oracle.observe()


def test_rtrl_is_bptt() -> None:
    model, rng = model_of(7, rt.RTRL(), 0.3), np.random.default_rng(0)
    weights = initial(model, 0)
    x, target = rng.uniform(-1, 1, (8, 3)), rng.normal(0, 0.5, (8, 2))
    oracle, total = Oracle(model, weights), np.zeros(model.dims.columns)
    for a, b in zip(x, target, strict=True):
        oracle.predict(a)
        total += oracle.gradients(b).W
        oracle.observe()
    exact = bptt(model, weights, x, target).W
    assert np.linalg.norm(total - exact) < 1e-12 * np.linalg.norm(exact)


def test_pretraining_knows_the_pattern() -> None:
    stream = mackey_glass(600, 0)
    model = rt.Model("net", 1, [rt.RNN(8, 0.3)], rt.Linear(1))
    weights = rt.train(model, stream, epochs=3)
    assert weights.W.shape == (model.dims.columns,)
    rt.quantize(model, weights, stream)


# --------------------------------------------------------------------------------------------------------- integers


@pytest.mark.parametrize("profile", ["R16", "R8"])
@every_rule
def test_integers_follow_float64(rule: Rule, profile: str) -> None:
    stream = mackey_glass(300, 0)
    model = rt.Model("net", 1, [rt.RNN(10, 0.25)], rt.Linear(1), rule=rule, numbers=PROFILES[profile])
    weights = initial(model, 1)
    found = fidelity(rt.quantize(model, rt.Weights(weights.W, weights.V), stream), stream)
    assert np.median(found.relative_error) < (1e-3 if profile == "R16" else 4e-2)
    assert found.cosine.min() > 0.99


@pytest.mark.parametrize("profile", PROFILES)
def test_integers_are_those_of_the_dense_cell_with_zeros(profile: str) -> None:
    """States, D and every column, bit for bit, while nothing learns (the dense cell would learn its zeros)."""
    numbers = PROFILES[profile]
    sparse = model_of(9, rt.RTRL(), 0.3, numbers=numbers)
    dense = model_of(9, rt.RTRL(), 1.0, numbers=numbers)
    at, weights, rng = places_in_dense(sparse), initial(sparse, 0), np.random.default_rng(0)
    W = np.zeros(dense.dims.columns)
    W[at] = weights.W
    calibration = rt.Stream(rng.uniform(-1, 1, (50, 3)), rng.uniform(-1, 1, (50, 2)))
    scaling = rt.Scaling.identity(sparse)
    nets = [
        Reference(rt.quantize(model, rt.Weights(w, weights.V, scaling), calibration)).net
        for model, w in ((sparse, weights.W), (dense, W.reshape(9, -1)))
    ]
    x, _, _ = words(integer_model(sparse), 100)
    for sample in x:
        for net in nets:
            net.cell.cell_forward(net, sample.astype(np.int64))
            net.rule.rule_step(net, False)
    assert np.array_equal(nets[0]["h"], nets[1]["h"])
    assert np.array_equal(nets[0]["E"], nets[1]["E"][at])
    J = nets[1]["J"][at]
    found = [J[p, list(reach(pattern_of(sparse), None)[unit])] for p, unit in enumerate(sparse.dims.places[1])]
    assert np.array_equal(nets[0]["J"], np.concatenate(found))


@pytest.mark.parametrize("density", [0.2, 0.3, 0.6])
@pytest.mark.parametrize("profile", ["R16", "R8 cap 2"])
def test_snap_past_the_diameter_is_rtrl(profile: str, density: float) -> None:
    """Every word of the state, after learning; one step less is something else."""
    numbers = PROFILES[profile]
    steps = diameter(pattern_of(model_of(9, rt.RTRL(), density)))
    found = []
    for rule in (rt.RTRL(), rt.SnAp(steps + 1), rt.SnAp(steps)):
        model = integer_model(model_of(9, rule, density, numbers=numbers))
        x, target, labelled = words(model, 100)
        with rt.HostTwin(model) as twin:
            twin.play(x, target, labelled)
            found.append(twin.state())
    assert found[0].keys() == found[1].keys()
    assert all(np.array_equal(found[0][name], found[1][name]) for name in found[0])
    assert not np.array_equal(found[0]["w_lo"], found[2]["w_lo"])


def test_a_higher_order_is_nearer_to_the_exact_gradient() -> None:
    stream = mackey_glass(300, 0)
    cosines = []
    for order in (1, 2, 3):
        model = rt.Model("net", 1, [rt.RNN(16, 0.15)], rt.Linear(1), rule=rt.SnAp(order))
        weights = initial(model, 1)
        found = fidelity(rt.quantize(model, rt.Weights(weights.W, weights.V), stream), stream)
        cosines.append(float(found.exact_cosine.mean()))
    assert cosines[0] < cosines[1] < cosines[2]


@pytest.mark.parametrize("units", [*SIZES, 33])
@every_rule
def test_reference_and_c_are_equal(rule: Rule, units: int) -> None:
    """Checked words; each size with another profile, density and rate."""
    at = (*SIZES, 33).index(units)
    model = model_of(
        units, rule, [0.0, 0.1, 0.3, 0.7][at % 4], 1 + 2 * (at % 2), seed=at,
        numbers=list(PROFILES.values())[at % len(PROFILES)], optimiser=rt.SGD([1.0, 2**-5, 2**-15][at % 3]),
    )  # fmt: skip
    with rt.HostTwin(integer_model(model), checked=True) as twin:
        assert play_both(twin.integer_model, twin, 150, reset_at=70) == []


@pytest.mark.parametrize("sign", [1, -1, 0])
@every_rule
def test_the_largest_weights_keep_the_bounds(rule: Rule, sign: int) -> None:
    model = model_of(12, rule, 0.4, numbers=rt.R8(), optimiser=rt.SGD(1.0))
    d, rng = model.dims, np.random.default_rng(0)
    W = rng.choice([-8.0, 8.0], d.columns) if sign == 0 else np.full(d.columns, 8.0 * sign)
    weights = rt.Weights(W, np.full((2, d.readout_row), 8.0), rt.Scaling.identity(model))
    calibration = rt.Stream(rng.uniform(-1, 1, (50, 3)), rng.uniform(-1, 1, (50, 2)))
    with rt.HostTwin(rt.quantize(model, weights, calibration), checked=True) as twin:
        assert play_both(twin.integer_model, twin, 150) == []


@pytest.mark.parametrize(("cc", "flag"), FEW_BUILDS)
@pytest.mark.parametrize("rule", [rt.RTRL(), rt.SnAp(2)], ids=["RTRL", "SnAp(2)"])
def test_every_compiler(rule: Rule, cc: str, flag: str) -> None:
    needs(cc)
    model = integer_model(model_of(11, rule, numbers=rt.R16(cap=2)))
    with rt.HostTwin(model, cc=cc, flags=(flag,)) as twin:
        assert play_both(model, twin, 200) == []


def test_under_sanitizers_no_table_is_read_beyond_its_end() -> None:
    flags = ("-O1", "-g", "-fsanitize=undefined,bounds-strict", "-fno-sanitize-recover=all")
    for rule in RULES:
        model = integer_model(model_of(11, rule))
        with rt.HostTwin(model, cc="gcc", flags=flags) as twin:
            assert play_both(model, twin, 60, reset_at=30) == []


@pytest.mark.parametrize("count", [1, 7, 1000])
@every_rule
def test_slices_give_the_bits_of_one_call(rule: Rule, count: int) -> None:
    model = integer_model(model_of(7, rule))
    x, target, labelled = words(model, 50)
    with rt.HostTwin(model) as whole, rt.HostTwin(model) as sliced:
        for t in range(50):
            assert np.array_equal(whole.predict(x[t]), sliced.predict(x[t]))
            if not labelled[t]:
                whole.observe()
                sliced.observe()
                continue
            whole.learn(target[t])
            sliced.learn_begin(target[t])
            left = model.model.dims.columns
            while left and t % 3:  # every third step is left to the next predict to finish
                now = sliced.learn_slice(count)
                assert now == max(0, left - count)
                left = now
        sliced.learn_slice(10_000)
        assert differences(whole.state(), sliced.state(), model.model) == []


@pytest.mark.parametrize("board", ["qemu_microbit", "qemu_mps2_an386"])
@every_rule
def test_emulated_cores(rule: Rule, board: str) -> None:
    needs("arm-none-eabi-gcc", "qemu-system-arm")
    model = integer_model(model_of(15, rule))
    with rt.Emulator(model, board) as chip:
        stream_is_equal(model, chip, 150, seed=3)


# ---------------------------------------------------------------------------------------------------------- masks


def ring(units: int) -> np.ndarray:
    """Each unit listens to the one before it, the first half to itself as well."""
    return np.roll(np.eye(units, dtype=int), 1, axis=0) | np.diag(np.arange(units) < units // 2)


@every_rule
@pytest.mark.parametrize("units", [2, 9, 17])
def test_a_mask_says_which_weights_there_are(units: int, rule: Rule) -> None:
    """Units without a weight to themselves too."""
    cell = rt.RNN(units, mask=ring(units))
    assert cell == rt.RNN(units, mask=["".join(map(str, row)) for row in ring(units)])
    model = rt.Model("net", 2, [cell], rt.Linear(2), rule=rule, optimiser=rt.SGD(2**-4))
    assert np.array_equal([[k in row for k in range(units)] for row in pattern_of(model)], ring(units) == 1)
    integer = integer_model(model)
    with rt.HostTwin(integer, checked=True) as twin:
        assert play_both(integer, twin, 150, reset_at=90) == []


def test_a_mask_is_exact_and_that_of_a_random_pattern_is_that_pattern() -> None:
    random = model_of(7, rt.RTRL(), 0.4)
    mask = np.array([[k in row for k in range(7)] for row in pattern_of(random)])
    masked = rt.Model("net", 3, [rt.RNN(7, mask=mask)], rt.Linear(2), optimiser=rt.SGD(2**-5))
    assert masked.dims.structure == random.dims.structure
    assert np.array_equal(initial(masked, 1).W, initial(random, 1).W)
    stream, loop = mackey_glass(600, 0), rt.Model("net", 1, [rt.RNN(8, mask=ring(8))], rt.Linear(1))
    start = initial(loop, 1)
    figures = fidelity(rt.quantize(loop, rt.Weights(start.W, start.V), stream), stream).figures()
    assert figures["gradient_relative_error_median"] < 1e-3
    assert figures["gradient_cosine_to_exact_mean"] > 0.9999


def test_a_mask_of_one_weak_loop_does_not_ask_for_huge_weights() -> None:
    mask = np.tril(np.ones((12, 12), dtype=int), -1)
    mask[0, 0] = 1
    for seed in range(5):
        model = rt.Model("net", 1, [rt.RNN(12, mask=mask)], rt.Linear(1))
        assert np.abs(initial(model, seed).W).max() <= 4


def test_another_size_of_a_masked_cell_has_its_density() -> None:
    cell = rt.RNN(8, mask=ring(8)).resized(16)
    assert isinstance(cell, rt.RNN)
    assert (cell.units, cell.mask, cell.density) == (16, None, 12 / 64)
    assert rt.RNN(8, mask=ring(8)).resized(8) == rt.RNN(8, mask=ring(8))


@pytest.mark.parametrize(
    ("wrong", "text"),
    [
        (lambda: rt.RNN(3, mask=np.ones((3, 2))), "wanted 3 rows of 3 entries, each 0 or 1, found 3 rows of 2 entries"),
        (lambda: rt.RNN(3, mask=np.ones((4, 4))), "found 4 rows of 4 entries"),
        (lambda: rt.RNN(2, mask=["11", "1"]), "found 2 rows of 1 or 2 entries"),
        (lambda: rt.RNN(2, mask=[]), "found 0 rows of no entries"),
        (lambda: rt.RNN(2, mask=7), "each 0 or 1, found 7"),
        (lambda: rt.RNN(2, mask="1111"), "found the text '1111'"),
        (lambda: rt.RNN(2, mask=[[1, 0.5], [0, 1]]), "found 0.5 in row 0, column 1"),
        (lambda: rt.RNN(2, mask=[[0, 0], [0, 1]]), "row 0 has no 1: unit 0 would listen to no unit"),
        (lambda: rt.RNN(2, 0.5, mask=np.eye(2)), "leave out density=0.5"),
        (lambda: rt.Model("net", 1, [rt.RNN(2, mask=np.eye(2)), rt.RNN(2)], rt.Linear(1)), "wanted dense layers"),
    ],
)
def test_a_wrong_mask_gets_a_sentence(wrong: object, text: str) -> None:
    with pytest.raises(rt.RtrlEdgeError, match=text):
        wrong()  # type: ignore[operator]
