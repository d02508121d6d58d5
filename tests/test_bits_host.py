"""NumPy reference = generated C on this computer, bit for bit, whatever compiler and flags."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import rtrl_edge as rt
from rtrl_edge.evaluate.prequential import AT_ONCE, prequential
from rtrl_edge.layout import differences
from rtrl_edge.model.numbers import Numbers
from rtrl_edge.model.parts import Cell, Rule
from rtrl_edge.reference import Reference
from rtrl_edge.weights import initial

from .models import CELLS_BY_FOUR, SIZES, integer_model, large_model, random_stream, words
from .needs import needs, needs_instructions

PROFILES = {
    "R16": rt.R16(),
    "R16 cap 2": rt.R16(cap=2),
    "R8": rt.R8(),
    "R8 cap 2": rt.R8(cap=2),
}
TRAPS = ("-O1", "-fsanitize=undefined", "-fsanitize-undefined-trap-on-error")
BUILDS = [
    ("gcc", "-O0"),
    ("gcc", "-O2"),
    ("gcc", "-O3"),
    ("clang", "-O0"),
    ("clang", "-O2"),
    ("clang", "-O3"),
]
#: for each part's own kernels, which other tests compile with gcc -Og, and emulated cores with -O2
FEW_BUILDS = [("gcc", "-O3"), ("clang", "-O0"), ("clang", "-O3")]


def play_both(model: rt.IntegerModel, twin: rt.HostTwin, samples: int, reset_at: int | None = None) -> list[str]:
    """Play random and extreme words through reference and twin; what differs at the end, after equal predictions."""
    reference = Reference(model)
    x, target, labelled = words(model, samples)
    for t in range(samples):
        if t == reset_at:
            reference.reset()
            twin.reset()
        assert np.array_equal(reference.predict(x[t]), twin.predict(x[t])), f"prediction {t}"
        if labelled[t]:
            reference.learn(target[t])
            twin.learn(target[t])
        elif t % 2:  # every other missing label is forgotten altogether
            reference.observe()
            twin.observe()
    return differences(reference.state(), twin.state(), model.model)


@pytest.mark.parametrize("units", SIZES)
@pytest.mark.parametrize("numbers", PROFILES)
@pytest.mark.parametrize("rule", [rt.RTRL(), rt.ReadoutOnly()], ids=lambda rule: type(rule).__name__)
def test_all_sizes_and_profiles(units: int, numbers: str, rule: rt.RTRL | rt.ReadoutOnly) -> None:
    model = integer_model(units, rule=rule, numbers=PROFILES[numbers])
    with rt.HostTwin(model, simd="none") as twin:
        assert play_both(model, twin, 250, reset_at=120) == []


@pytest.mark.parametrize(("cc", "flag"), BUILDS)
@pytest.mark.parametrize("numbers", ["R16 cap 2", "R8"])
def test_all_builds(cc: str, flag: str, numbers: str) -> None:
    needs(cc)
    model = integer_model(9, inputs=1, outputs=3, numbers=PROFILES[numbers], optimiser=rt.SGD(1.0, clip=1.0))
    with rt.HostTwin(model, cc=cc, flags=(flag,)) as twin:
        assert play_both(model, twin, 400) == []


@pytest.mark.parametrize("units", SIZES)
@pytest.mark.parametrize("numbers", ["R16", "R8"])
@pytest.mark.parametrize("rule", [rt.RTRL(), rt.BlockRTRL(5)], ids=lambda rule: type(rule).__name__)
def test_kernels_of_the_dsp_extension(units: int, numbers: str, rule: rt.RTRL | rt.BlockRTRL) -> None:
    """Their instructions in C, under sanitizers: the emulated cores run the instructions themselves."""
    needs("gcc")
    model = integer_model(units, rule=rule, numbers=PROFILES[numbers])
    with rt.HostTwin(model, cc="gcc", flags=TRAPS, simd="dsp") as twin:
        assert play_both(model, twin, 150, reset_at=70) == []


@pytest.mark.parametrize("units", [1, 15, 16])
@pytest.mark.parametrize("numbers", ["R16", "R8"])
def test_kernels_for_few_registers(units: int, numbers: str) -> None:
    """Plain C in another shape, so the checked words are not there for it: the sanitizer is."""
    needs("gcc")
    model = integer_model(units, numbers=PROFILES[numbers])
    flags = ("-O1", "-fsanitize=undefined", "-fsanitize-undefined-trap-on-error")
    with rt.HostTwin(model, cc="gcc", flags=flags, simd="few_registers") as twin:
        assert play_both(model, twin, 100) == []


@pytest.mark.parametrize("cell", [rt.Jordan(5, outputs=2), rt.LSTM(3), rt.GRU(4)], ids=lambda cell: type(cell).__name__)
@pytest.mark.parametrize("rule", [rt.RTRL(), rt.BlockRTRL(4)], ids=lambda rule: type(rule).__name__)
def test_kernels_of_the_dsp_extension_with_other_cells(cell: Cell, rule: Rule) -> None:
    """Where gates, states and units differ in number."""
    needs("gcc")
    readout = rt.Direct(2) if isinstance(cell, rt.Jordan) else rt.Linear(2)
    definition = rt.Model("net", 2, [cell], readout, rule=rule, optimiser=rt.SGD(2**-5))
    model = rt.quantize(definition, initial(definition, 1), random_stream(2, 2))
    with rt.HostTwin(model, cc="gcc", flags=("-O1",), simd="dsp") as twin:
        assert play_both(model, twin, 60) == []


@pytest.mark.parametrize("rule", [rt.ReadoutOnly(), rt.Trunc1()], ids=str)
@pytest.mark.parametrize(("cell", "inputs"), CELLS_BY_FOUR, ids=str)
def test_rows_by_four_with_large_weights(cell: Cell, inputs: int, rule: Rule) -> None:
    """Rows that are woven, since their cell does not learn, and rows as they are."""
    needs("gcc")
    model = large_model(cell, inputs, rule)
    with rt.HostTwin(model, cc="gcc", flags=("-O1",), simd="dsp") as twin:
        assert play_both(model, twin, 100) == []


@pytest.mark.parametrize("units", [*SIZES, 33])
@pytest.mark.parametrize("numbers", ["R16", "R8 cap 2"])
def test_kernels_of_avx2(units: int, numbers: str) -> None:
    needs_instructions("avx2")
    model = integer_model(units, numbers=PROFILES[numbers])
    with rt.HostTwin(model, flags=TRAPS, simd="avx2") as twin:
        assert play_both(model, twin, 80, reset_at=40) == []


@pytest.mark.parametrize("cc", ["gcc", "clang"])
@pytest.mark.parametrize(
    ("cell", "numbers", "rule"),
    [
        (rt.Jordan(5, outputs=2), rt.R16(), rt.RTRL()),
        (rt.LSTM(3), rt.R16(), rt.RTRL()),
        (rt.GRU(17), rt.R8(), rt.RTRL()),
        (rt.GRU(8, reset="before"), rt.R16(), rt.RTRL()),
        (rt.RNN(9), rt.Q14(), rt.RTRL()),
        (rt.RNN(12), rt.R16(), rt.UORO()),
        (rt.RTU(8), rt.R16(), rt.RTRL()),
    ],
    ids=str,
)
def test_kernels_of_avx2_with_other_parts(cell: Cell, numbers: Numbers, rule: Rule, cc: str) -> None:
    """Gates, states and units that differ in number; one vector instead of two columns; no exponents; no D."""
    needs(cc)
    needs_instructions("avx2")
    readout = rt.Direct(2) if isinstance(cell, rt.Jordan) else rt.Linear(2)
    definition = rt.Model("net", 2, [cell], readout, rule=rule, optimiser=rt.SGD(2**-5), numbers=numbers)
    model = rt.quantize(definition, initial(definition, 1), random_stream(2, 2))
    with rt.HostTwin(model, cc=cc, simd="avx2") as twin:
        assert play_both(model, twin, 60) == []


@pytest.mark.usefixtures("this_cpu")
@pytest.mark.parametrize(
    ("plain", "options"),
    [(False, {}), (True, {"flags": ("-O2",)}), (True, {"checked": True}), (True, {"simd": "none"})],
)
def test_the_twin_takes_the_instructions_of_this_cpu(plain: bool, options: dict[str, Any]) -> None:
    """By default; plain C where flags are given, or bounds are checked. D tells: plain C has it in rows."""
    needs_instructions("avx2")
    model = integer_model(6)
    with rt.HostTwin(model, **options) as twin, Reference(model) as reference:
        for device in (twin, reference):
            device.predict(np.zeros(3, dtype=np.int16))
            device.learn(np.zeros(2, dtype=np.int16))
        D = reference.state()["D"]
        assert D.any()
        assert np.array_equal(twin.state()["D"], D) == plain


@pytest.mark.parametrize("numbers", PROFILES)
@pytest.mark.parametrize("rate", [1.0, 2**-5, 2**-15])
def test_bounds_of_the_plan_hold(numbers: str, rate: float) -> None:
    """The checked words trap (and kill the process) where a bound is broken; the reference asserts the same."""
    model = integer_model(16, rule=rt.RTRL(), numbers=PROFILES[numbers], optimiser=rt.SGD(rate))
    with rt.HostTwin(model, checked=True) as twin:
        assert play_both(model, twin, 300) == []


def test_the_largest_weights_do_not_overflow() -> None:
    """Every weight at +-8: rows far beyond the norm at which an int32 forward sum would wrap."""
    model = rt.Model(name="net", inputs=4, cells=[rt.RNN(17)], readout=rt.Linear(2), optimiser=rt.SGD(1.0))
    d = model.dims
    signs = np.random.default_rng(0).choice([-8.0, 8.0], (d.units, d.presynaptic))
    for W in (signs, np.full_like(signs, 8.0), np.full_like(signs, -8.0)):
        weights = rt.Weights(W, np.full((d.outputs, d.readout_row), 8.0), rt.Scaling.identity(model))
        rng = np.random.default_rng(1)
        integer = rt.quantize(model, weights, rt.Stream(rng.uniform(-1, 1, (50, 4)), rng.uniform(-1, 1, (50, 2))))
        with rt.HostTwin(integer, checked=True) as twin:
            assert play_both(integer, twin, 150) == []


def test_one_dominant_recurrent_weight_does_not_flip_sign() -> None:
    """D of a row with a single weight of 16385 and a slope near 1 rounds up to 2^15: it must not become -2^15."""
    model = rt.Model(name="net", inputs=1, cells=[rt.RNN(1)], readout=rt.Linear(1), optimiser=rt.SGD(2**-15))
    W = np.array([[0.0, 0.0, 16385 / 4096]])
    rng = np.random.default_rng(1)
    integer = rt.quantize(
        model,
        rt.Weights(W, np.array([[1.0, 0.0]]), rt.Scaling.identity(model)),
        rt.Stream(rng.uniform(-1, 1, (50, 1)), rng.uniform(-1, 1, (50, 1))),
    )
    reference = Reference(integer)
    with rt.HostTwin(integer, checked=True) as twin:
        for device in (reference, twin):
            device.predict(np.zeros(1, dtype=np.int16))
            device.learn(np.zeros(1, dtype=np.int16))
            D = device.state()["D"]
            assert D[0] > 0
        assert differences(reference.state(), twin.state(), model) == []


def test_twenty_thousand_learning_steps() -> None:
    model = integer_model(8, inputs=2, outputs=1, numbers=rt.R16(cap=2), optimiser=rt.SGD(2**-5, 2**-6))
    rng = np.random.default_rng(0)
    x = rng.integers(-32768, 32768, (20_000, 2)).astype(np.int16)
    target = np.where(np.roll(x[:, :1], 2) > 0, 3000, -3000).astype(np.int16)
    reference = Reference(model)
    with rt.HostTwin(model) as twin:
        y = twin.play(x, target)
        for t in range(len(x)):
            assert np.array_equal(reference.predict(x[t]), y[t]), f"prediction {t}"
            reference.learn(target[t])
        assert twin.state()["steps"] == 20_000
        assert differences(reference.state(), twin.state(), model.model) == []


@pytest.mark.parametrize("columns", [1, 7, 64, 1000])
def test_slices_give_the_bits_of_one_call(columns: int) -> None:
    model = integer_model(8)
    x, target, _ = words(model, 60)
    with rt.HostTwin(model) as whole, rt.HostTwin(model) as sliced:
        for t in range(60):
            assert np.array_equal(whole.predict(x[t]), sliced.predict(x[t]))
            whole.learn(target[t])
            sliced.learn_begin(target[t])
            if t % 3:  # every third step is left to the next predict to finish
                left = model.model.dims.columns
                while left:
                    now = sliced.learn_slice(columns)
                    assert now == max(0, left - columns)
                    left = now
        sliced.learn_slice(1000)
        assert differences(whole.state(), sliced.state(), model.model) == []


def test_a_wrong_order_changes_nothing() -> None:
    model = integer_model()
    for device in (rt.HostTwin(model), Reference(model)):
        with device:
            before = device.state()
            zero = np.zeros(2, dtype=np.int16)
            with pytest.raises(rt.RtrlEdgeError, match=r"call predict\(x\) first"):
                device.learn(zero)
            with pytest.raises(rt.RtrlEdgeError, match=r"call predict\(x\) first"):
                device.observe()
            device.predict(np.zeros(3, dtype=np.int16))
            device.learn(zero)
            with pytest.raises(rt.RtrlEdgeError, match="there is no prediction"):
                device.learn(zero)
            assert before["steps"] == 0
            assert device.state()["steps"] == 1


def test_views_are_live_and_play_is_the_single_steps() -> None:
    model = integer_model()
    x, target, labelled = words(model, 100)
    with rt.HostTwin(model) as one, rt.HostTwin(model) as many:
        h = one.views["h"]
        y = []
        for t in range(100):
            y.append(one.predict(x[t]))
            assert np.array_equal(h, one.state()["h"])
            if t >= 80:  # forgotten
                continue
            if labelled[t] or t < 10:
                one.learn(target[t])
            else:
                one.observe()
        first, second = slice(10), slice(10, 80)
        played = [many.play(x[first], target[first]), many.play(x[second], target[second], labelled[second])]
        assert np.array_equal(np.vstack([*played, many.play(x[80:])]), y)
        assert differences(one.state(), many.state(), model.model) == []


@pytest.mark.parametrize("learn", [True, False])
def test_a_stream_in_pieces_is_the_single_steps(learn: bool) -> None:
    """More samples than are played in one call, and every fifth without a label."""
    model = integer_model(3)
    stream = random_stream(3, 2, AT_ONCE + 40)
    stream.target[::5] = np.nan
    told: list[int] = []
    with rt.HostTwin(model) as twin, Reference(model) as reference:
        found = prequential(twin, model, stream, learn, told.append)
        assert np.array_equal(found.prediction, prequential(reference, model, stream, learn).prediction)
        assert told == [AT_ONCE, 40]
        assert differences(reference.state(), twin.state(), model.model) == []


@pytest.mark.parametrize(
    "wrong",
    [
        np.zeros(3),
        np.zeros(2, dtype=np.int16),
        np.zeros((1, 3), dtype=np.int16),
        np.zeros(3, dtype=np.uint16),
        [0, 0, 0],
    ],
)
def test_wrong_arrays_are_refused(wrong: object) -> None:
    model = integer_model()
    for device in (rt.HostTwin(model), Reference(model)):
        with (
            device,
            pytest.raises(rt.RtrlEdgeError, match=r"predict: x must be .*int16.* of shape \(3,\), found"),
        ):
            device.predict(wrong)  # type: ignore[arg-type]
