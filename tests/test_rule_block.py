"""BlockRTRL: float64 against BPTT and RTRL, integers against float64, C against integers; its cost, what it learns."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

import rtrl_edge as rt
from rtrl_edge.boards import load_board
from rtrl_edge.errors import ModelError
from rtrl_edge.evaluate.board_run import run_on_board
from rtrl_edge.evaluate.fidelity import fidelity
from rtrl_edge.evaluate.recordings import delayed_xor, mackey_glass
from rtrl_edge.layout import differences
from rtrl_edge.model import RTRL, SGD, Cell, Direct, FullyRecurrent, Linear, Model, catalogue
from rtrl_edge.oracle import Oracle, Shadow, bptt
from rtrl_edge.oracle.voices import voices
from rtrl_edge.reference import Reference
from rtrl_edge.stream import Float
from rtrl_edge.weights import Weights, initial

from .models import SIZES, integer_model, random_stream, words
from .needs import needs
from .test_bits_host import FEW_BUILDS, PROFILES, play_both
from .test_bits_targets import SilentBar, stream_is_equal
from .test_oracle import case

CELLS = [  # those with a readout of weights; the others: test_cells_forced.py, test_cells_jordan.py
    cell
    for cell in catalogue.cells(1)
    if catalogue.legal(cell, rt.BlockRTRL(4), 2) and cell.structure(1).outputs is None
]
every_cell = pytest.mark.parametrize("cell", CELLS, ids=repr)


both = pytest.mark.parametrize("lagged", [False, True], ids=["now", "lagged"])


def make(
    cell: Cell, units: int, block: int, inputs: int = 2, outputs: int = 2, lagged: bool = False, **parts: object
) -> Model:
    sized = catalogue.cells(units)[catalogue.cells(1).index(cell)]
    rule = rt.BlockRTRL(block, lagged)
    return Model("net", inputs, [sized], Linear(outputs), rule=rule, **parts)  # type: ignore[arg-type]


# --------------------------------------------------------------------------------------------------------- float64


@pytest.mark.parametrize("block", [1, 3, 7])
@both
@every_cell
def test_a_blocks_gradient_is_that_of_its_labels_over_the_whole_past(cell: Cell, lagged: bool, block: int) -> None:
    """With frozen weights: BPTT over all steps, of the losses inside the block alone; and RTRL's gradients, summed."""
    model = make(cell, 4, block, lagged=lagged)
    weights, x, target, s = case(model, steps=21)
    target[[1, 4, 5, 13, 20]] = np.nan
    d, voice, w = model.dims, voices(model).cell, weights.W.ravel()
    own, exact, total = Shadow(model, exact=False), Shadow(model), np.zeros(model.dims.columns)
    before, truths = s, []
    found = 0
    for t, (sample, wanted) in enumerate(zip(x, target, strict=True)):
        after = voice.forward(d, w, sample, before)
        h = voice.visible(d, w, sample, after)
        credit = None if np.isnan(wanted).any() else weights.V[:, :-1].T @ (weights.V @ np.append(h, 1.0) - wanted)
        g, step = own.step(w, sample, before, after, credit), exact.step(w, sample, before, after, credit)
        total += 0.0 if step is None else step
        before = after
        if (t + 1) % block:
            assert g is None
            continue
        inside = np.full_like(target[: t + 1], np.nan)
        inside[t + 1 - block :] = target[t + 1 - block : t + 1]
        truth = bptt(model, weights, x[: t + 1], inside, s).W.ravel()
        np.testing.assert_allclose(truth, total, rtol=0, atol=1e-10)
        np.testing.assert_allclose(own.memory["J"], exact.memory["J"], rtol=0, atol=1e-10)
        truths.append(None if np.isnan(inside).all() else truth)
        total[:] = 0.0
        wanted_now = truths[-1] if not lagged else truths[-2] if len(truths) > 1 else None
        assert (g is None) == (wanted_now is None)
        if g is not None:
            np.testing.assert_allclose(g, wanted_now, rtol=0, atol=1e-10)
            found += 1
    assert found >= 2


@pytest.mark.parametrize("block", [1, 4, 6])
@both
@every_cell
def test_weights_move_at_a_blocks_end_and_at_a_reset_alone(cell: Cell, lagged: bool, block: int) -> None:
    """Replayed with RTRL: frozen inside the block, then the clipped sum; ends without a label; resets in the middle."""
    model = make(cell, 3, block, lagged=lagged, optimiser=SGD(2**-4, clip=2**-4))
    weights, x, target, _ = case(model, steps=27)
    target[[3, 5, 6, 12]] = np.nan
    oracle, exact = Oracle(model, weights), Shadow(model)
    w, V, total, waiting, stored = weights.W.ravel(), weights.V, np.zeros(model.dims.columns), None, 0

    def moved(by: Float | None) -> Float:
        return w if by is None else w - 2**-4 * np.clip(by, -(2**-4), 2**-4)

    for t, (sample, wanted) in enumerate(zip(x, target, strict=True)):
        before = oracle.state()["s"]
        y = oracle.predict(sample)
        labelled = not np.isnan(wanted).any()
        credit = V[:, :-1].T @ (y - wanted) if labelled else None
        step = exact.step(w, sample, before, oracle.state()["s"], credit)
        total = total if step is None else total + step
        stored += 1
        if labelled:
            oracle.learn(wanted)
        elif t % 2:  # the others are forgotten: the next predict completes them
            oracle.observe()
        V = oracle.weights.V
        if stored == block:
            w, waiting = (moved(waiting), total) if lagged else (moved(total), None)
            total, stored = np.zeros_like(total), 0
        if t in (14, 25):
            w = moved(waiting)
            w, waiting = moved(total), None
            total, stored = np.zeros_like(total), 0
            exact.reset()
            oracle.reset()
        if labelled or t % 2:
            np.testing.assert_allclose(oracle.weights.W.ravel(), w, rtol=0, atol=1e-12)
    assert np.abs(w - weights.W.ravel()).max() > 2**-8


@both
def test_a_block_without_labels_moves_nothing_but_the_influence(lagged: bool) -> None:
    model = make(CELLS[0], 3, 4, lagged=lagged)
    weights, x, _, _ = case(model, steps=8)
    oracle = Oracle(model, weights)
    for sample in x:
        oracle.predict(sample)
        oracle.observe()
    oracle.reset()
    np.testing.assert_array_equal(oracle.weights.W, weights.W)


# -------------------------------------------------------------------------------------------------------- integers

LIMITS = {"R16": (1e-3, 0.9999), "R8": (4e-2, 0.999)}  # median relative error, mean cosine


@pytest.mark.parametrize("numbers", [rt.R16(), rt.R8()], ids=str)
@pytest.mark.parametrize(("block", "lagged"), [(1, False), (5, False), (5, True), (16, False), (8, True)])
@every_cell
def test_gradient_fidelity(cell: Cell, block: int, lagged: bool, numbers: rt.R16 | rt.R8) -> None:
    stream = mackey_glass(600, 0)
    model = make(cell, 8, block, 1, 1, lagged, numbers=numbers, optimiser=SGD(2**-6))
    start = initial(model, 0)
    integer = rt.quantize(model, Weights(start.W, start.V, rt.Scaling.fit(stream)), stream)
    found = fidelity(integer, stream).figures()
    error, cosine = LIMITS[numbers.name]
    assert found["steps"] == 600 // block - lagged
    assert found["gradient_relative_error_median"] <= error
    assert found["gradient_cosine_mean"] >= cosine


@every_cell
def test_the_influence_at_a_blocks_end_is_rtrls(cell: Cell) -> None:
    """Of the integers, along their own path."""
    model = make(cell, 6, 5, optimiser=SGD(2**-15))
    integer = rt.quantize(model, initial(model, 1), random_stream(2, 2))
    reference, exact, d = Reference(integer), Shadow(model), model.dims
    x, target, labelled = words(integer, 60)

    def state() -> Float:
        return np.concatenate([reference.net[name] * 2.0**-frac for name, frac in d.structure.state])

    for t in range(60):
        before, w = state(), reference.net["w_hi"] * 2.0**-12
        reference.predict(x[t] // 4)
        exact.step(w, (x[t] // 4) * 2.0**-15, before, state())
        reference.learn(target[t]) if labelled[t] else reference.observe()
        if t % 5 == 4:
            J = np.ldexp(reference.net["J"].astype(float), -reference.net["E"][:, None])
            truth = exact.memory["J"]
            assert np.linalg.norm(J - truth) <= 2e-3 * np.linalg.norm(truth)


@pytest.mark.parametrize("numbers", PROFILES)
@pytest.mark.parametrize("units", SIZES)
def test_every_size_and_profile(units: int, numbers: str) -> None:
    block, inputs = {1: 1, 2: 3, 8: 8, 15: 4, 16: 16, 17: 5}[units], 1 if units > 15 else 3
    for rate, lagged in ((1.0, False), (1.0, True), (2**-5, units % 2 == 0), (2**-15, units % 2 == 1)):
        rule = rt.BlockRTRL(block, lagged)
        model = integer_model(units, inputs, rule=rule, numbers=PROFILES[numbers], optimiser=SGD(rate))
        with rt.HostTwin(model, checked=True) as twin:
            assert play_both(model, twin, 130, reset_at=71) == []


@pytest.mark.parametrize("numbers", ["R16", "R8 cap 2"])
@every_cell
def test_every_cell_in_blocks(cell: Cell, numbers: str) -> None:
    for units, block, lagged in ((1, 2, True), (5, 7, False), (5, 6, True), (9, 4, False)):
        sgd = SGD(1.0 if units == 5 else 2**-5)
        model = make(cell, units, block, 3, lagged=lagged, numbers=PROFILES[numbers], optimiser=sgd)
        integer = rt.quantize(model, initial(model, 1), random_stream(3, 2))
        with rt.HostTwin(integer, checked=True) as twin:
            assert play_both(integer, twin, 130, reset_at=71) == []


@every_cell
def test_the_largest_weights_do_not_overflow(cell: Cell) -> None:
    """Every weight at +-8, or all at one of them: rows that grow by any factor, and saturate."""
    model = make(cell, 7, 6, 2, optimiser=SGD(1.0))
    d, rng = model.dims, np.random.default_rng(0)
    shape = d.weight_shape
    for W in (
        rng.choice([-8.0, 8.0], shape),
        np.full(shape, 8.0),
        np.full(shape, -8.0),
        rng.choice([-2.0, 2.0], shape),
    ):
        V = np.full((d.outputs, d.readout_row), 8.0)
        stream = rt.Stream(rng.uniform(-1, 1, (50, 2)), rng.uniform(-1, 1, (50, 2)))
        integer = rt.quantize(model, Weights(W, V, rt.Scaling.identity(model)), stream)
        with rt.HostTwin(integer, checked=True) as twin:
            assert play_both(integer, twin, 120, reset_at=61) == []


@pytest.mark.parametrize("numbers", [rt.R16(), rt.R8(cap=2)], ids=str)
def test_teacher_forcing_in_blocks(numbers: rt.R16 | rt.R8) -> None:
    """Whether a step was forced is part of its trace: the same bits, and the same rule's gradient in float64."""
    cell = FullyRecurrent(6, teacher_forcing=True)
    model = Model("net", 2, [cell], Direct(2), rule=rt.BlockRTRL(5), numbers=numbers, optimiser=SGD(2**-5))
    integer = rt.quantize(model, initial(model, 1), random_stream(2, 2))
    with rt.HostTwin(integer, checked=True) as twin:
        assert play_both(integer, twin, 130, reset_at=71) == []
    found = fidelity(integer, random_stream(2, 2, 300)).figures()
    assert found["gradient_relative_error_median"] <= LIMITS[numbers.name][0]


def test_rows_that_explode_saturate() -> None:
    """Small states and a radius of 6: Phi reaches 6^24 in a block, far beyond its words, without an overflow."""
    model = integer_model(4, rule=rt.BlockRTRL(24), optimiser=SGD(2**-15)).model
    start = initial(model, 1, radius=6.0)
    start.W[:, :4] *= 1e-3
    for numbers in (rt.R16(), rt.R16(cap=2), rt.R8()):
        wild = replace(model, numbers=numbers)
        integer = rt.quantize(wild, Weights(start.W, start.V), random_stream(3, 2))
        reference = Reference(integer)
        zero, target = np.zeros(3, dtype=np.int16), np.full(2, 30000, dtype=np.int16)
        with rt.HostTwin(integer, checked=True) as twin:
            for _ in range(48):
                for device in (reference, twin):
                    device.predict(zero)
                    device.learn(target)
            assert differences(reference.state(), twin.state(), wild) == []
        assert np.abs(reference.net["Phi"] * 2.0 ** -reference.net["phi_exp"]).max() > 2**12


@both
def test_some_of_the_weights_learn(lagged: bool) -> None:
    """The others stay as they were flashed, in both sets of weights."""
    for part in ("input", "recurrent"):
        model = make(rt.LSTM(1), 5, 4, lagged=lagged, trainable=[part], optimiser=SGD(2**-3))
        integer = rt.quantize(model, initial(model, 1), random_stream(2, 2))
        still = np.setdiff1d(np.arange(model.dims.weights), model.dims.column_weights)
        with rt.HostTwin(integer, checked=True) as twin:
            first = twin.state()["w_hi"]
            assert play_both(integer, twin, 130, reset_at=71) == []
            last = twin.state()["w_hi"]
        assert np.array_equal(last[still], first[still])
        assert not np.array_equal(last, first)


@pytest.mark.parametrize(("cc", "flag"), FEW_BUILDS)
@pytest.mark.parametrize(("numbers", "lagged"), [("R16 cap 2", False), ("R8", True)])
def test_every_build(cc: str, flag: str, numbers: str, lagged: bool) -> None:
    needs(cc)
    model = integer_model(9, 1, 3, rule=rt.BlockRTRL(6, lagged), numbers=PROFILES[numbers], optimiser=SGD(1.0))
    with rt.HostTwin(model, cc=cc, flags=(flag,)) as twin:
        assert play_both(model, twin, 200, reset_at=99) == []


@pytest.mark.parametrize("count", [1, 7, 64, 1000])
@both
def test_slices_give_the_bits_of_one_call(count: int, lagged: bool) -> None:
    """Also where the next predict, or a reset, comes before the last slice."""
    model = integer_model(6, rule=rt.BlockRTRL(4, lagged))
    slices = model.model.rule.slices(model.model.dims)
    x, target, labelled = words(model, 60)
    most = 0
    with rt.HostTwin(model) as whole, rt.HostTwin(model) as sliced:
        for t in range(60):
            assert np.array_equal(whole.predict(x[t]), sliced.predict(x[t])), f"prediction {t}"
            if not labelled[t]:
                continue  # the next predict completes it, whole
            whole.learn(target[t])
            sliced.learn_begin(target[t])
            left = sliced.learn_slice(0)
            most = max(most, left)
            for part in range(0, left, count):
                if t % 3 == 0 and part > left // 2:  # the rest is for the next call
                    break
                assert sliced.learn_slice(count) == max(0, left - part - count)
            if t in (11, 30, 42):
                whole.reset()
                sliced.reset()
        sliced.learn_slice(65535)
        assert differences(whole.state(), sliced.state(), model.model) == []
    assert most == slices


@both
def test_a_reset_learns_from_part_of_a_block(lagged: bool) -> None:
    """Recordings shorter than a block would otherwise teach the cell nothing. A second reset finds nothing to do."""
    model = integer_model(6, rule=rt.BlockRTRL(50, lagged), optimiser=SGD(2**-3))
    x, target, _ = words(model, 12)
    for device in (Reference(model), rt.HostTwin(model)):
        with device:
            first = device.state()["w_hi"].copy()
            for t in range(12):
                device.predict(x[t])
                device.learn(target[t])
            assert np.array_equal(device.state()["w_hi"], first)
            device.reset()
            learned = device.state()
            assert not np.array_equal(learned["w_hi"], first)
            assert not learned["J"].any()
            device.reset()
            assert np.array_equal(device.state()["w_lo"], learned["w_lo"])


@pytest.mark.parametrize("board", ["qemu_microbit", "qemu_mps2_an386"])
@every_cell
def test_emulated_cores(cell: Cell, board: str) -> None:
    needs("arm-none-eabi-gcc", "qemu-system-arm")
    for lagged in (False, True):
        numbers = rt.R8() if lagged == (board == "qemu_microbit") else rt.R16()
        model = make(cell, 5, 6, lagged=lagged, numbers=numbers, optimiser=SGD(2**-5))
        integer = rt.quantize(model, initial(model, 1), random_stream(2, 2))
        with rt.Emulator(integer, board) as chip:
            stream_is_equal(integer, chip, 100, seed=3)


@pytest.mark.parametrize(
    ("cell", "block", "numbers"),
    [(rt.RNN(16), 16, rt.R16()), (rt.RNN(12), 5, rt.R16()), (rt.RNN(8), 6, rt.R8()), (rt.LSTM(4), 6, rt.R16())],
    ids=str,
)
@both
def test_sizes_that_have_loops_in_assembly(cell: Cell, block: int, numbers: rt.R16 | rt.R8, lagged: bool) -> None:
    """Whole fours of rows and columns; the smaller sizes of the other tests never come there."""
    needs("arm-none-eabi-gcc", "qemu-system-arm")
    model = integer_model(cell.units, 2, 2, cells=[cell], rule=rt.BlockRTRL(block, lagged=lagged), numbers=numbers)
    with rt.Emulator(model, "qemu_mps2_an386") as chip:
        stream_is_equal(model, chip, 4 * block + 3, seed=5)


def test_a_size_for_which_gcc_once_found_too_few_registers() -> None:
    needs("arm-none-eabi-gcc", "qemu-system-arm")
    model = integer_model(6, 3, 4, cells=[rt.GRU(6)], rule=rt.BlockRTRL(16))
    with rt.Emulator(model, "qemu_mps2_an386") as chip:
        stream_is_equal(model, chip, 40, seed=3)


# ------------------------------------------------------------------------------------------------- cost, refusals


def test_a_step_costs_a_fourth_of_rtrls() -> None:
    """On a Cortex-M4, 16 units, 6 inputs and outputs, blocks of 16: averaged over a block; lagged, the longest step."""
    needs("arm-none-eabi-gcc", "qemu-system-arm")
    rtrl, now, lagged = RTRL(), rt.BlockRTRL(16), rt.BlockRTRL(16, lagged=True)
    average, longest, macs = {}, {}, {}
    for rule in (rtrl, now, lagged):
        model = integer_model(16, 6, 6, rule=rule)
        run = run_on_board(model, random_stream(6, 6, 32), load_board("qemu_mps2_an386"), progress=SilentBar)
        learn, observe = run.instructions["learn"], run.instructions["observe"]
        average[rule] = (learn.total + observe.total) / (learn.calls + observe.calls)
        longest[rule] = max(learn.most, observe.most)
        macs[rule] = rule.macs(model.model.dims)
    assert average[rtrl] > 4.0 * average[now]
    assert longest[rtrl] > 3.6 * longest[lagged]
    assert average[now] < 38_000  # its own cost: the ratios fell when RTRL's columns went in pairs
    assert longest[lagged] < 43_000
    assert macs[rtrl] > 5 * macs[now]


@pytest.mark.parametrize("wrong", [0, 129, 2.0, True, "8"])
def test_blocks_out_of_range_are_refused(wrong: object) -> None:
    with pytest.raises(ModelError, match=r"BlockRTRL\(block\): wanted a whole number from 1 to 128"):
        rt.BlockRTRL(wrong)  # type: ignore[arg-type]


def test_pairs_that_make_no_sense_are_refused() -> None:
    rule = rt.BlockRTRL(128)
    for cell in catalogue.cells(4):
        if not cell.structure(2).mixes:
            assert "do not mix" in str(rule.refuses(cell.structure(2), cell))
    with pytest.raises(ModelError, match=r"BlockRTRL\(lagged\): wanted True or False"):
        rt.BlockRTRL(4, lagged=1)  # type: ignore[arg-type]
    with pytest.raises(ModelError, match="parts of a block's end"):
        Model("net", 40, [rt.RNN(210)], Linear(1), rule=rule)


# -------------------------------------------------------------------------------------------------------- learning


def steps_to_98_percent(seed: int, rule: RTRL | rt.BlockRTRL, numbers: rt.R16 | rt.R8, rate: float) -> int | None:
    """Delayed XOR, delay 3, 8 units: labelled steps until the running accuracy (EMA .999, from .5) passes 98 %."""
    stream = delayed_xor(12_000, 3, seed, high=0.9)
    model = Model("xor", 2, [rt.RNN(8)], Linear(1), rule=rule, optimiser=SGD(rate, readout_rate=2**-6), numbers=numbers)
    integer = rt.quantize(model, initial(model, 100 + seed), stream)
    known = stream.labelled
    with rt.HostTwin(integer) as twin:
        y = twin.play(integer.to_input(stream.x), integer.to_target(np.nan_to_num(stream.target)), known)
    right = (y[:, 0] > 0) == (stream.target[:, 0] > 0)
    accuracy = 0.5
    for t, correct in enumerate(right[known]):
        accuracy = 0.999 * accuracy + 0.001 * correct
        if accuracy > 0.98:
            return t
    return None


@pytest.mark.parametrize("numbers", [rt.R16(), rt.R8()], ids=str)
@both
def test_delayed_xor_takes_no_more_samples_than_rtrl(lagged: bool, numbers: rt.R16 | rt.R8) -> None:
    """Every seed, at the rate of the test of RTRL, in blocks as long as the units are many."""
    found, rtrl = (
        [steps_to_98_percent(seed, rule, numbers, 2**-5) for seed in range(10)]
        for rule in (rt.BlockRTRL(8, lagged), RTRL())
    )
    assert None not in found
    assert np.median(found) <= 1.1 * np.median(rtrl)  # type: ignore[type-var]
