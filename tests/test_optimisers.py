"""Optimisers: integers against float64 on the same gradients, C against integers; schedules, decay, arguments."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

import rtrl_edge as rt
from rtrl_edge.emit import emit, kernel_files
from rtrl_edge.errors import ModelError
from rtrl_edge.evaluate.matrix import integer_model, label
from rtrl_edge.fixed import join_weight
from rtrl_edge.layout import differences, layout
from rtrl_edge.model import Cell, Optimiser, Rule, catalogue
from rtrl_edge.oracle.voices import voices
from rtrl_edge.reference.net import Net
from rtrl_edge.stream import Float

from .models import words
from .needs import needs
from .test_bits_host import FEW_BUILDS, play_both
from .test_bits_targets import stream_is_equal

OPTIMISERS = catalogue.optimisers()
every_optimiser = pytest.mark.parametrize("optimiser", OPTIMISERS, ids=label)
every_cell = pytest.mark.parametrize("cell", [rt.RNN(5), rt.LSTM(3)], ids=label)


def model_of(optimiser: Optimiser, cell: Cell | None = None, **parts: object) -> rt.IntegerModel:
    return integer_model(
        rt.Model("net", 2, [cell or rt.RNN(5)], rt.Linear(2), optimiser=optimiser, **parts)  # type: ignore[arg-type]
    )


def weights(net: Net, name: str) -> Float:
    """Whole weights of the cell (w) or the readout (v), in float."""
    whole = join_weight(net[f"{name}_hi"], net[f"{name}_lo"], net.formats.residual_bits)
    return whole * 2.0**-net.formats.master_frac


# ------------------------------------------------------------------------------------------------------- float64


@pytest.mark.parametrize("size", [2.0**-12, 2.0**-4, 8.0])
@pytest.mark.parametrize("numbers", [rt.R16(), rt.R8()], ids=lambda n: n.name)
@every_optimiser
def test_integers_follow_float64_on_the_same_gradients(optimiser: Optimiser, numbers: rt.R16, size: float) -> None:
    """Small, usual and clipped gradients; a common part in them, so that momentum has something to keep."""
    model = model_of(optimiser, numbers=numbers)
    net, voice = Net(model), voices(model.model).optimiser
    for name, values in net.factory.items():
        net[name] = values
    rng, frac = np.random.default_rng(0), 20 if size > 1 else 28
    for name, readout in (("w", False), ("v", True)):
        net["steps"] = 0
        w = weights(net, name)
        start, memory, moved = w.copy(), voice.initial(optimiser, w), 0.0
        for step in range(1, 201):
            net["steps"] = step
            g = np.clip(np.rint(rng.normal(0.3, 1, w.shape) * size * 2**frac), -(2**29), 2**29).astype(np.int64)
            g[rng.random(w.shape) < 0.1] = 0
            if readout:
                net.optimiser.optimiser_readout(net, g, frac)
            else:
                net.optimiser.optimiser_cell(net, slice(None), g, np.full(w.shape, frac))
            before = w
            w, memory = voice.update(optimiser, memory, w, g * 2.0**-frac, readout, step)
            w = np.clip(w, -8, 8)
            moved += float(np.abs(w - before).mean())
        unit = 2.0**-net.formats.master_frac
        away = np.abs(weights(net, name) - w).max()
        # each step is rounded to half a unit; a divisor that rounds to another power of two is rare, and costs its step
        assert away <= 200 * unit + (0.1 if "log_w" in net else 2e-3) * moved
        assert np.abs(w - start).max() > 20 * unit


def test_decay_leads_back_to_the_factory_weights() -> None:
    """With no gradient the distance shrinks by 1 - 2^-k a call, from both sides, and from the largest one there is."""
    model = model_of(rt.SGD(decay=2**-3), numbers=rt.R16())
    net = Net(model)
    for name, values in net.factory.items():
        net[name] = values
    net.factory["w_hi"] = np.full(net["w_hi"].shape, -32767)
    net["w_hi"], net["w_lo"] = 32767, 32767
    net["w_hi"][0], net["w_lo"][0] = -32768, -32768  # beyond what any step leaves behind
    zero = np.zeros(net["w_hi"].size, dtype=np.int64)
    distance = 16.0
    for _ in range(40):
        net.optimiser.optimiser_cell(net, slice(None), zero, 0)
        distance *= 1 - 2**-3
        assert weights(net, "w")[1] == pytest.approx(-32767 / 4096 + distance, abs=1e-3)
    for _ in range(200):
        net.optimiser.optimiser_cell(net, slice(None), zero, 0)
    first = join_weight(net.factory["w_hi"], net.factory["w_lo"], 16)
    assert np.abs(join_weight(net["w_hi"], net["w_lo"], 16) - first).max() <= 4  # half a unit of the shift


def test_momentum_reaches_the_clip_and_no_more() -> None:
    model = model_of(rt.Momentum(rate=2**-2, clip=4.0, momentum=1 - 2**-8))
    net = Net(model)
    for sign in (1, -1):
        for _ in range(5000):
            net.optimiser.optimiser_readout(net, np.full(net["m_v"].size, sign * (2**30 - 1), dtype=np.int64), -40)
        assert abs(net["m_v"][0] - sign * 2**29) <= 128
    for _ in range(5000):
        net.optimiser.optimiser_readout(net, np.zeros(net["m_v"].size, dtype=np.int64), 0)
    assert abs(net["m_v"][0]) <= 128  # 2^-22 of the clip


def test_half_rmsprop_divides_by_the_square_root_of_the_typical_size() -> None:
    """Gradients 256 times smaller move a weight only 16 times less."""
    moved = []
    for size in (2.0**-4, 2.0**-12):
        net = Net(model_of(rt.HalfRMSprop(rate=2**-8)))
        g = np.full(net["v_hi"].size, round(size * 2**25), dtype=np.int64)
        for _ in range(600):
            net.optimiser.optimiser_readout(net, g, 25)
        settled = weights(net, "v")[0]
        for _ in range(100):
            net.optimiser.optimiser_readout(net, g, 25)
        moved.append(settled - weights(net, "v")[0])
        assert net["log_v"][0] / 256 == pytest.approx(np.log2(size), abs=0.13)
    assert moved[0] == pytest.approx(100 * 2**-8 * 2**-2, rel=1e-3)
    assert moved[0] / moved[1] == pytest.approx(16, rel=0.01)


def test_rates_follow_the_labelled_steps_and_need_no_memory() -> None:
    plain, falling = rt.SGD(2**-3, 2**-4), rt.SGD(2**-3, 2**-4, schedule=[(2, 1 / 4), (4, 1 / 2)])
    assert layout(model_of(plain).model).size == layout(model_of(falling).model).size
    net, steps = Net(model_of(falling)), []
    for labels in range(1, 7):
        net["steps"] = labels
        before = weights(net, "v")[0]
        net.optimiser.optimiser_readout(net, np.full(net["v_hi"].size, 2**20, dtype=np.int64), 20)
        steps.append(before - weights(net, "v")[0])
    np.testing.assert_array_equal(np.array(steps) * 2**4, [1, 1, 1 / 4, 1 / 4, 1 / 2, 1 / 2])


# ------------------------------------------------------------------------------------------------------------- C


@pytest.mark.parametrize("case", [(1, rt.R16(), 0), (8, rt.R8(cap=2), 5), (17, rt.R16(cap=2), 12)], ids=str)
@every_cell
@every_optimiser
def test_reference_and_c_are_equal(optimiser: Optimiser, cell: Cell, case: tuple[int, rt.R16 | rt.R8, int]) -> None:
    """With the words that trap where a bound is broken; rates from the largest that the clip allows."""
    units, numbers, slower = case
    largest = min(1.0, 1 / optimiser.clip)
    sized: Cell = replace(cell, units=units)  # type: ignore[type-var]
    changed: Optimiser = replace(optimiser, rate=largest * 2.0**-slower, readout_rate=largest)  # type: ignore[type-var]
    model = model_of(changed, sized, numbers=numbers)
    with rt.HostTwin(model, checked=True) as twin:
        assert play_both(model, twin, 150, reset_at=71) == []


@pytest.mark.parametrize("loss", catalogue.losses(), ids=label)
@every_optimiser
def test_with_every_loss(optimiser: Optimiser, loss: rt.SquaredError) -> None:
    model = model_of(optimiser, loss=loss)
    with rt.HostTwin(model, checked=True) as twin:
        assert play_both(model, twin, 150) == []


@pytest.mark.parametrize("rule", [rt.ReadoutOnly()], ids=label)
@every_optimiser
def test_with_a_cell_that_does_not_learn(optimiser: Optimiser, rule: Rule) -> None:
    """No member and no kernel for the cell's weights."""
    model = model_of(optimiser, rule=rule)
    assert not [m for m in layout(model.model).members if m.field.name in ("w_lo", "m_w", "log_w")]
    with rt.HostTwin(model, checked=True) as twin:
        assert play_both(model, twin, 150) == []


@pytest.mark.parametrize(("cc", "flag"), FEW_BUILDS)
@every_optimiser
def test_all_builds(optimiser: Optimiser, cc: str, flag: str) -> None:
    needs(cc)
    model = model_of(optimiser, rt.LSTM(4), numbers=rt.R8())
    with rt.HostTwin(model, cc=cc, flags=(flag,)) as twin:
        assert play_both(model, twin, 250) == []


@every_optimiser
def test_slices_give_the_bits_of_one_call(optimiser: Optimiser) -> None:
    """Also of the rates: a step's later slices come after its label was counted."""
    model = model_of(optimiser)
    x, target, _ = words(model, 150)
    with rt.HostTwin(model) as whole, rt.HostTwin(model) as sliced:
        for t in range(150):
            assert np.array_equal(whole.predict(x[t]), sliced.predict(x[t]))
            whole.learn(target[t])
            sliced.learn_begin(target[t])
            while t % 3 and sliced.learn_slice(7):  # every third step is left to the next predict to finish
                pass
        sliced.learn_slice(1000)
        assert differences(whole.state(), sliced.state(), model.model) == []


@pytest.mark.parametrize("board", ["qemu_microbit", "qemu_mps2_an386"])
@every_optimiser
def test_emulated_cores_are_equal(optimiser: Optimiser, board: str) -> None:
    needs("arm-none-eabi-gcc", "qemu-system-arm")
    cell, numbers = (rt.LSTM(3), rt.R16()) if board == "qemu_mps2_an386" else (rt.RNN(5), rt.R8())
    model = model_of(optimiser, cell, numbers=numbers)
    with rt.Emulator(model, board) as chip:
        stream_is_equal(model, chip, 120, seed=3)


def test_what_is_not_asked_for_leaves_no_trace() -> None:
    plain = model_of(rt.SGD())
    text = emit(plain)["net.c"]
    assert not [word for word in ("DECAY", "N_RATES", "MOMENTUM", "decay", "half_size") if word in text]
    assert "rate_fixed.c" in kernel_files(plain.model)
    assert "optimiser_sgd.c" in kernel_files(plain.model)
    decay = kernel_files(replace(plain.model, optimiser=rt.SGD(decay=2**-5, schedule=[(5, 1 / 2)])))
    assert {"rate_schedule.c", "optimiser_sgd_decay.c", "optimiser_sgd_decay_cell.c"} < set(decay)
    assert "optimiser_sgd.c" not in decay


@pytest.mark.parametrize(("optimiser", "bytes_a_weight"), [(rt.Momentum(), 4), (rt.HalfRMSprop(), 2), (rt.SGD(), 0)])
def test_the_plan_tells_the_memory(optimiser: Optimiser, bytes_a_weight: int) -> None:
    d, found = model_of(optimiser).model.dims, rt.plan(model_of(optimiser))
    assert found.ram_groups["optimiser"] == bytes_a_weight * (d.weights + d.outputs * d.readout_row)


# ----------------------------------------------------------------------------------------------------- arguments


@pytest.mark.parametrize(
    ("make", "sentence"),
    [
        (lambda: rt.Momentum(momentum=0.9), r"1 - momentum: wanted a power of two"),
        (lambda: rt.Momentum(momentum=1.0), r"wanted 1 - 2\*\*-k with k from 1 to 8, found 1.0"),
        (lambda: rt.Momentum(momentum=1 - 2**-9), r"1 - momentum: wanted a power of two from 2\*\*-8"),
        (lambda: rt.Momentum(rate=0.3), r"Momentum\(rate\): wanted a power of two"),
        (lambda: rt.HalfRMSprop(rate=1.0), r"HalfRMSprop: clip \* rate is 4; wanted at most 1"),
        (lambda: rt.SGD(decay=1.0), r"SGD\(decay\): wanted a power of two from 2\*\*-15 to 2\*\*-1"),
        (lambda: rt.SGD(decay=0.0), r"SGD\(decay\): wanted a power of two"),
        (lambda: rt.SGD(schedule=[100]), r"SGD\(schedule\): wanted pairs \(steps, factor\)"),
        (lambda: rt.SGD(schedule=[(100, 0.3)]), r"schedule\): factor: wanted a power of two"),
        (lambda: rt.SGD(schedule=[(100, 2.0)]), r"schedule\): factor: wanted a power of two from 2\*\*-15 to 2\*\*0"),
        (lambda: rt.SGD(schedule=[(100, 0.5), (100, 0.25)]), r"steps: wanted a whole number from 101"),
        (lambda: rt.SGD(2**-14, schedule=[(5, 1 / 4)]), r"makes a rate smaller than 2\*\*-15"),
        (
            lambda: rt.SGD(schedule=[(i, 0.5) for i in range(17)]),
            r"number of pairs: wanted a whole number from 0 to 16",
        ),
    ],
)
def test_bad_arguments_are_refused(make: Callable[[], Optimiser], sentence: str) -> None:
    with pytest.raises(ModelError, match=sentence):
        make()
