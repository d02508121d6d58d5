"""Cells whose units do not mix: exact RTRL costs O(parameters). Gradients, integers and bits, and their long memory."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

import rtrl_edge as rt
from rtrl_edge.evaluate.fidelity import fidelity
from rtrl_edge.evaluate.recordings import mackey_glass
from rtrl_edge.fixed import sigmoid_q27
from rtrl_edge.layout import differences
from rtrl_edge.model import ELSTM, RTU, Cell, ColumnarLSTM, Dims
from rtrl_edge.oracle import Oracle, bptt, cell_elstm, finite_differences
from rtrl_edge.plan import plan
from rtrl_edge.reference import Reference, cell_rtu
from rtrl_edge.weights import Scaling, Weights, initial

from .models import SIZES, words
from .needs import needs
from .test_bits_host import FEW_BUILDS, PROFILES, play_both
from .test_bits_targets import stream_is_equal

CELLS = [RTU(1), RTU(1, squash=False), ELSTM(1), ColumnarLSTM(1)]
every_cell = pytest.mark.parametrize("cell", CELLS, ids=["RTU", "LRU", "ELSTM", "ColumnarLSTM"])


def model(cell: Cell, units: int, inputs: int = 3, outputs: int = 2, rate: float = 2**-5, **parts: object) -> rt.Model:
    sized: Cell = replace(cell, units=units)  # type: ignore[type-var]
    return rt.Model("net", inputs, [sized], rt.Linear(outputs), optimiser=rt.SGD(rate), **parts)  # type: ignore[arg-type]


def noise(inputs: int, outputs: int, samples: int = 50) -> rt.Stream:
    rng = np.random.default_rng(0)
    return rt.Stream(rng.uniform(-1, 1, (samples, inputs)), rng.uniform(-1, 1, (samples, outputs)))


def untrained(definition: rt.Model) -> rt.IntegerModel:
    d = definition.dims
    return rt.quantize(definition, initial(definition, 1), noise(d.inputs, d.outputs))


def off(a: np.ndarray, b: np.ndarray) -> float:
    return float(np.linalg.norm(a - b) / np.linalg.norm(b))


# float64


@pytest.mark.parametrize("sizes", [(1, 1, 1), (3, 8, 2), (2, 17, 3)])
@every_cell
def test_rtrl_equals_central_differences(cell: Cell, sizes: tuple[int, int, int]) -> None:
    inputs, units, outputs = sizes
    definition = model(cell, units, inputs, outputs)
    rng, start = np.random.default_rng(2), initial(definition, 2)
    weights = Weights(start.W + rng.normal(0, 0.2, start.W.shape), start.V + rng.normal(0, 0.2, start.V.shape))
    x, target = rng.uniform(-1, 1, (12, inputs)), rng.normal(0, 0.5, (12, outputs))
    target[[1, 4, 5]] = np.nan
    s = rng.uniform(-0.5, 0.5, definition.dims.states)
    truth, oracle, found = finite_differences(definition, weights, x, target, s), Oracle(definition, weights, s), 0.0
    for sample, wanted in zip(x, target, strict=True):
        oracle.predict(sample)
        if not np.isnan(wanted).any():
            found = found + oracle.gradients(wanted).W
        oracle.observe()
    assert off(found, truth.W) < 1e-7
    assert off(bptt(definition, weights, x, target, s).W, truth.W) < 1e-7


@pytest.mark.parametrize(
    "cell", [RTU(4, r_min=0.999, r_max=0.999), ELSTM(4, forget_bias=7.0), ColumnarLSTM(4, forget_bias=7.0)], ids=str
)
def test_one_late_loss_reaches_back_over_three_hundred_steps(cell: Cell) -> None:
    definition = model(cell, 4, 1, 1)
    weights = initial(definition, 0)
    x, target = np.zeros((300, 1)), np.full((300, 1), np.nan)
    x[0], target[-1] = 1.0, 0.5
    truth = bptt(definition, weights, x, target)
    oracle = Oracle(definition, weights)
    for sample in x[:-1]:
        oracle.predict(sample)
    oracle.predict(x[-1])
    found = oracle.gradients(target[-1]).W
    assert off(found, truth.W) < 1e-10
    assert np.linalg.norm(found) > 1e-3  # of one input, 300 steps ago


# the words of RTU, all 2^16 of them


def test_rtu_turn_decay_gamma_and_their_derivative_for_every_weight() -> None:
    tables = {t.name: np.array(t.values) for t in RTU(1).tables(Dims(1, RTU(1), 1), rt.R16())}
    word = np.arange(-32768, 32768)
    cosine, sine = cell_rtu.turn(tables["rtrl_sine_table"], word)
    assert np.abs(cosine - 32768 * np.cos(word * np.pi / 32768)).max() < 1.1
    assert np.abs(sine - 32768 * np.sin(word * np.pi / 32768)).max() < 1.1
    assert max(np.abs(cosine).max(), np.abs(sine).max()) == 32768  # so lambda, times r <= 32767 / 32768, is a word

    true_r = 1 / (1 + np.exp(-word / 4096))
    r, true_gamma = sigmoid_q27(word << 15), np.sqrt(1 - true_r**2)
    gamma = cell_rtu._between(tables["rtrl_gamma_table"], word + 32768, 9)
    assert np.abs(gamma / (32768 * true_gamma) - 1).max() < 1.3e-3
    assert np.abs(r - 32768 * true_r).max() < 2.5
    # |lambda c| + gamma |u|, in units of 2^30, cannot leave an int32
    assert (1.0001 * np.sqrt(2) * r / 32768 + gamma / 32768).max() < 1.74

    ratio = cell_rtu._between(tables["rtrl_ratio_table"], r, 10)
    assert np.abs(ratio / 32768 - (r / 32768) ** 2 / (1 + r / 32768)).max() < 3e-4
    slope = np.gradient(true_gamma, 1 / 4096)
    assert np.abs(ratio * gamma / 2**30 + slope).max() < 4e-4


# integers beside float64


@pytest.mark.parametrize("numbers", [rt.R16(), rt.R8()], ids=lambda numbers: numbers.name)
@every_cell
def test_integer_gradient_is_that_of_float64(cell: Cell, numbers: rt.R16 | rt.R8) -> None:
    """J is int16 in both profiles."""
    definition, stream = model(cell, 8, 1, 1, numbers=numbers), mackey_glass(800, 0)
    start = initial(definition, 1)
    found = fidelity(rt.quantize(definition, Weights(start.W, start.V), stream), stream)
    assert np.median(found.relative_error) < 1e-3
    assert found.cosine.min() > 0.9999


def test_integer_gradient_of_the_direct_weights_is_that_of_float64() -> None:
    definition = model(ELSTM(8), 8)
    integer, d = untrained(definition), definition.dims
    reference, stream = Reference(integer), noise(3, 2, 200)
    errors = []
    for x, target in stream:
        word = integer.to_input(x)
        reference.predict(word)
        net = reference.net
        w, V = net["w_hi"] * 2.0**-12, net["v_hi"].reshape(2, -1)[:, :-1] * 2.0**-12
        s = net["cell"] * 2.0**-15
        reference.learn(integer.to_target(target))
        c = (net["e"] * 2.0**-net.formats.error_frac) @ V
        errors.append(off(net.gradient[d.columns :], cell_elstm.direct(d, w, word * 2.0**-15, s, c)))
    assert np.median(errors) < 1e-3


#: cell, largest median error of the gradient with an input every 150 steps and a label 100 steps later
LONG = [
    (RTU(8, r_min=0.98, r_max=0.98), 2e-3),
    (RTU(8, r_min=0.99, r_max=0.99), 4e-3),
    (RTU(8, r_min=0.999, r_max=0.999), 2e-2),
    (ELSTM(8, forget_bias=5.0), 4e-3),
    (ELSTM(8, forget_bias=7.0), 1e-2),
    (ColumnarLSTM(8, forget_bias=5.0), 1e-2),
    (ColumnarLSTM(8, forget_bias=7.0), 4e-2),
]


@pytest.mark.parametrize(("cell", "bound"), LONG, ids=str)
def test_integer_gradient_across_a_lag_of_a_hundred(cell: Cell, bound: float) -> None:
    """Where memory is longest the last bits of 1 - r, 1 - f decide: 33 words of Q0.15 at 0.999."""
    definition, rng = model(cell, 8, 1, 1, rate=2**-9), np.random.default_rng(0)
    x, target = np.zeros((3000, 1)), np.full((3000, 1), np.nan)
    x[::150], target[100::150] = rng.choice([-0.8, 0.8], (20, 1)), rng.choice([-0.5, 0.5], (20, 1))
    stream = rt.Stream(x, target)
    found = fidelity(rt.quantize(definition, initial(definition, 1), stream), stream)
    assert len(found.cosine) == 20
    assert np.median(found.relative_error) < bound
    assert found.cosine.min() > 0.998


# reference = C


@pytest.mark.parametrize("units", SIZES)
@pytest.mark.parametrize("numbers", PROFILES)
@every_cell
def test_all_sizes_and_profiles(cell: Cell, numbers: str, units: int) -> None:
    integer = untrained(model(cell, units, 1 if units in (2, 16) else 3, numbers=PROFILES[numbers]))
    with rt.HostTwin(integer) as twin:
        assert play_both(integer, twin, 250, reset_at=120) == []


@pytest.mark.parametrize("rate", [1.0, 2**-5, 2**-15])
@pytest.mark.parametrize("numbers", PROFILES)
@every_cell
def test_bounds_of_the_plan_hold(cell: Cell, numbers: str, rate: float) -> None:
    integer = untrained(model(cell, 16, 1, rate=rate, numbers=PROFILES[numbers]))
    with rt.HostTwin(integer, checked=True) as twin:
        assert play_both(integer, twin, 300, reset_at=140) == []


@pytest.mark.parametrize("weight", [8.0, -8.0, None], ids=["8", "-8", "signs"])
@every_cell
def test_the_largest_weights_do_not_overflow(cell: Cell, weight: float | None) -> None:
    definition = model(cell, 17, 4, rate=1.0)
    d, rng = definition.dims, np.random.default_rng(0)
    signs = rng.choice([-8.0, 8.0], d.weight_shape) if weight is None else np.full(d.weight_shape, weight)
    weights = Weights(signs, np.full((d.outputs, d.readout_row), 8.0), Scaling.identity(definition))
    integer = rt.quantize(definition, weights, noise(4, 2))
    with rt.HostTwin(integer, checked=True) as twin:
        assert play_both(integer, twin, 150) == []


def test_rtu_turns_through_every_angle_at_the_slowest_decay() -> None:
    """Saturated states, the whole circle: the bound of the rotation is the tightest there is."""
    definition = model(RTU(64), 64, 1, 1, rate=1.0)
    W = np.concatenate((np.full(64, 7.999), np.linspace(-8.0, 7.999, 64), np.full(128, 8.0)))
    weights = Weights(W.reshape(definition.dims.weight_shape), np.full((1, 129), 8.0), Scaling.identity(definition))
    integer = rt.quantize(definition, weights, noise(1, 1))
    with rt.HostTwin(integer, checked=True) as twin:
        assert play_both(integer, twin, 1000) == []


@pytest.mark.parametrize(("cc", "flag"), FEW_BUILDS)
@every_cell
def test_all_builds(cell: Cell, cc: str, flag: str) -> None:
    needs(cc)
    integer = untrained(model(cell, 9, 1, 3, rate=1.0, numbers=rt.R16(cap=2)))
    with rt.HostTwin(integer, cc=cc, flags=(flag,)) as twin:
        assert play_both(integer, twin, 300) == []


@pytest.mark.parametrize("numbers", ["R16", "R16 cap 2", "Q14"])
@every_cell
def test_kernels_of_the_dsp_extension(cell: Cell, numbers: str) -> None:
    """Their instructions in C, under sanitizers; columns that stay at E_MAX, and others."""
    needs("gcc")
    profile = rt.Q14() if numbers == "Q14" else PROFILES[numbers]
    integer = untrained(model(cell, 6, 1, rate=2**-5 if numbers == "R16" else 1.0, numbers=profile))
    flags = ("-O1", "-fsanitize=undefined", "-fsanitize-undefined-trap-on-error")
    with rt.HostTwin(integer, cc="gcc", flags=flags, simd="dsp") as twin:
        assert play_both(integer, twin, 200, reset_at=90) == []
    if numbers == "R16":
        x, target, _ = words(integer, 200)
        seen: set[int] = set()
        with rt.HostTwin(integer, cc="gcc", flags=flags, simd="dsp") as twin:
            for sample, wanted in zip(x, target, strict=True):
                twin.predict(sample)
                twin.learn(wanted)
                seen |= set(twin.views["E"].tolist())
        assert len(seen) > 1
        assert 15 in seen


@pytest.mark.parametrize("columns", [1, 7, 1000])
@every_cell
def test_slices_give_the_bits_of_one_call(cell: Cell, columns: int) -> None:
    integer = untrained(model(cell, 5))
    x, target, _ = words(integer, 60)
    with rt.HostTwin(integer) as whole, rt.HostTwin(integer) as sliced:
        for t in range(60):
            assert np.array_equal(whole.predict(x[t]), sliced.predict(x[t]))
            whole.learn(target[t])
            sliced.learn_begin(target[t])
            while t % 3 and sliced.learn_slice(columns):  # every third step is left to the next predict to finish
                pass
        sliced.learn_slice(1000)
        assert differences(whole.state(), sliced.state(), integer.model) == []


@every_cell
def test_frozen_cells(cell: Cell) -> None:
    integer = untrained(model(cell, 8, rule=rt.ReadoutOnly()))
    with rt.HostTwin(integer, checked=True) as twin:
        assert play_both(integer, twin, 200, reset_at=90) == []


@pytest.mark.parametrize("board", ["qemu_microbit", "qemu_mps2_an386"])
@every_cell
def test_emulated_cores(cell: Cell, board: str) -> None:
    needs("arm-none-eabi-gcc", "qemu-system-arm")
    integer = untrained(model(cell, 7, 2, 2, numbers=rt.R8() if board == "qemu_microbit" else rt.R16()))
    with rt.Emulator(integer, board) as chip:
        stream_is_equal(integer, chip, 200, seed=7)


# what it is for


def test_influence_is_linear_in_the_parameters() -> None:
    """K words and an exponent for each weight of the recurrence, however many units."""
    for cell, states in ((RTU(64), 2), (ELSTM(64), 1), (ColumnarLSTM(64), 2)):
        definition = model(cell, 64)
        assert plan(definition).ram_groups["influence"] == (2 * states + 1) * definition.dims.columns


@pytest.mark.parametrize(("rule", "low", "high"), [(rt.RTRL(), 0.0, 0.05), (rt.ReadoutOnly(), 0.8, 1.3)], ids=str)
def test_a_bit_is_copied_over_a_lag_of_twenty(rule: rt.RTRL | rt.ReadoutOnly, low: float, high: float) -> None:
    """One bit every 25 samples, asked for 20 samples later: learned in the chip's integers, and by the recurrence."""
    definition, rng = model(RTU(8), 8, 1, 1, rate=2**-2, rule=rule), np.random.default_rng(0)
    bits = rng.choice([-0.5, 0.5], 2000)
    x, target = np.zeros((50_000, 1)), np.full((50_000, 1), np.nan)
    x[::25, 0], target[20::25, 0] = bits, bits
    integer = rt.quantize(definition, initial(definition, 3), rt.Stream(x, target))
    asked = ~np.isnan(target[:, 0])
    with rt.HostTwin(integer) as twin:
        y = twin.play(integer.to_input(x), integer.to_target(np.nan_to_num(target)), asked)
    loss = (integer.from_output(y)[asked, 0] - bits) ** 2 / 0.25  # of a constant: 1
    assert low <= loss[-500:].mean() < high


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: RTU(0), r"RTU\(units\): wanted a whole number"),
        (lambda: RTU(4, r_max=1.0), r"RTU\(r_max\): wanted a number from 0.001 to 0.9996"),
        (lambda: RTU(4, r_min=0.9, r_max=0.5), "RTU: wanted r_min <= r_max"),
        (lambda: RTU(4, max_phase=7.0), r"RTU\(max_phase\)"),
        (lambda: RTU(4, squash=1), r"RTU\(squash\): wanted True \(tanh\) or False \(LRU\)"),  # type: ignore[arg-type]
        (lambda: ELSTM(4, forget_bias=9.0), r"ELSTM\(forget_bias\)"),
        (lambda: ColumnarLSTM(4, forget_bias=9.0), r"ColumnarLSTM\(forget_bias\)"),
    ],
)
def test_wrong_arguments_are_refused(make: object, message: str) -> None:
    with pytest.raises(rt.RtrlEdgeError, match=message):
        make()  # type: ignore[operator]
