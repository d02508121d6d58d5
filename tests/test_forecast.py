"""Forecasts of instructions, code and stack against fresh counts, in sizes that were not measured."""

from __future__ import annotations

import time
from dataclasses import replace

import numpy as np
import pytest

import rtrl_edge as rt
from rtrl_edge.boards import load_board
from rtrl_edge.evaluate.plan_page import render
from rtrl_edge.evaluate.work import counted, stand_in
from rtrl_edge.firmware import stack_usage
from rtrl_edge.forecast import KIN, forecast, not_negative
from rtrl_edge.measured import length, lines, measured_model, usual
from rtrl_edge.plan import CYCLES_PER_INSTRUCTION, plan, savings, wider

from .measure_code import BOARDS, board_of, errors, jobs, measure
from .models import integer_model, words
from .needs import needs_tools_of

#: worst relative errors: of a step, predict and the longest learn, whose compiler unrolls some sizes and others not; of
#: flash, which LLVM makes half as long again in the next size
STEP, FLASH, FLASH_LLVM = 0.20, 0.12, 0.35
SAMPLED = 4


@pytest.mark.parametrize("core", BOARDS)
def test_forecast_against_counts(core: str) -> None:
    """Of a core's pairs of cell and rule some, in sizes that were not measured: steps within 5 % in the median, flash,
    and no stack deeper than forecast; RTRL of an RNN, which most models are, is always one of them."""
    board = board_of(core)
    needs_tools_of(board)
    there = {(line.cell, line.rule, line.numbers) for line in lines(core)}
    held_out = [x.line for x in jobs(core, held_out=True) if (x.line.cell, x.line.rule, x.line.numbers) in there]
    usual_one = next(x for x in held_out if (x.cell, x.rule, x.numbers, x.units) == ("cell_rnn", "RTRL", "R16", 13))
    chosen = np.random.default_rng(sorted(BOARDS).index(core)).choice(len(held_out), SAMPLED - 1, replace=False)
    wanted = [usual_one, *(held_out[i] for i in chosen if held_out[i] != usual_one)]
    found = [
        errors(core, replace(line, predict=m.predict, learn=m.learn, learn_most=m.learn_most, slice_most=m.slice_most,
                             code_bytes=m.code_bytes, stack_bytes=m.stack_bytes or 0))
        for line, m in zip(wanted, measure([line.model for line in wanted], board), strict=True)
    ]  # fmt: skip
    steps = {error.line.what: abs(error.step) for error in found}
    assert steps[usual_one.what] < (0.10 if core in KIN else 0.05), steps
    assert np.median(list(steps.values())) < 0.05, steps
    assert max(steps.values()) < STEP, steps
    flash = {error.line.what: abs(error.flash) for error in found}
    assert max(flash.values()) < (FLASH_LLVM if core == "xtensa-lx6" else FLASH), flash
    stacks = [error.stack for error in found if error.stack is not None]
    assert len(stacks) == (len(found) if board.firmware == "cortex_m" else 0)
    assert min(stacks, default=0.0) >= 0.0


def test_a_measured_size_is_met() -> None:
    """A model that has a line of its own: what is forecast is near what was counted."""
    for core in BOARDS:
        line = next(x for x in lines(core) if x.rule == "RTRL" and x.cell == "cell_rnn" and x.units == 9)
        found = forecast(line.model, core)
        assert found is not None
        assert found.learn == pytest.approx(line.learn, rel=0.05)
        assert found.extrapolated == ()


def test_slices_of_the_last_sample_then_the_next_one() -> None:
    """A step cut into slices, the next sample coming before the last slice: the bits of whole steps, and no slice is
    longer than the plan's, 5 % apart."""
    board = load_board("qemu_mps2_an385")
    needs_tools_of(board)
    model = integer_model(9, inputs=3, outputs=2)
    x, target, _ = words(model, 60, 3)
    planned = plan(model, board).forecast
    assert planned is not None
    with rt.Emulator(model, board, count_instructions=True, sliced=True) as chip, rt.HostTwin(model) as twin:
        for t in range(60):
            assert np.array_equal(chip.predict(x[t]), twin.predict(x[t]))
            chip.learn(target[t])  # begins the step
            twin.learn(target[t])
            for _ in range((t * 37) % (model.model.dims.columns + 1)):  # from none to all of its slices
                chip.observe()
        counts = chip.instructions()
    longest = max(counts["learn"].most, counts["observe"].most)
    assert longest <= 1.05 * planned.slice_most


@pytest.mark.parametrize("name", ["nucleo_f446re", "nucleo_g071rb", "esp32c3"])
def test_a_counted_plan_holds_for_other_words(name: str) -> None:
    """Parts that no table has, on boards that no emulator has: a plan that was counted is within 2 % of a firmware that
    is fed other samples, on the emulated board of the same core; code and stack are that firmware's."""
    board, model = load_board(name), integer_model(7, inputs=3, outputs=2, loss=rt.Huber(), numbers=rt.R8())
    chip = stand_in(board)
    needs_tools_of(chip)
    planned = plan(model, board, counted=counted(model, board))
    seen = planned.forecast
    assert seen is not None
    assert seen.counted_on == chip.name
    assert plan(model, board).forecast is None
    x, target, _ = words(model, 60, 3)
    with rt.Emulator(model, chip, count_instructions=True) as device:
        for t in range(len(x)):
            device.predict(x[t])
            device.learn(target[t])
        assert device.built.model_flash_bytes == planned.const_bytes + seen.code_bytes
        if chip.firmware == "cortex_m":
            assert max(stack_usage(device.built.elf.parent, chip, ["net_learn", "net_predict"]).values()) == (
                seen.stack_bytes
            )
    counts = device.instructions()
    for call, wanted in (("predict", seen.predict), ("learn", seen.learn)):
        assert counts[call].total / counts[call].calls == pytest.approx(wanted, rel=0.02)
    assert counts["learn"].most <= 1.05 * seen.learn_most
    assert "emulated by" in str(planned)


def test_groups_that_do_not_learn() -> None:
    """The savings of a model's groups are those of the models without them, in RAM and MACs exactly, forecasts near."""
    model = rt.Model("net", 3, [rt.LSTM(9)], rt.Linear(2))
    found = {saving.group: saving for saving in savings(model, "qemu_mps2_an385")}
    assert list(found) == [
        *(f"{g}.{p}" for g in "fgio" for p in ("bias", "input", "recurrent")),
        "readout",
        "all of the cell",
    ]
    less = replace(model, trainable=[name for name in found if name not in ("f.recurrent", "all of the cell")])
    whole, without = plan(model, "qemu_mps2_an385"), plan(less, "qemu_mps2_an385")
    saved = found["f.recurrent"]
    assert saved.ram_bytes == whole.struct_bytes - without.struct_bytes
    assert saved.macs == whole.macs_learn - without.macs_learn
    assert saved.weights == 81
    board = load_board("qemu_mps2_an385")
    needs_tools_of(board)
    counted = [m.learn for m in measure([model, less], board)]
    assert saved.instructions == pytest.approx(counted[0] - counted[1], rel=0.1)
    assert [s.group for s in savings(replace(model, rule=rt.UORO()))] == ["readout", "all of the cell"]
    assert savings(replace(model, rule=rt.ReadoutOnly())) == ()
    again = savings(model, "qemu_mps2_an385", learn=lambda models: [10 * len(models), *range(1, len(models))])
    assert [s.instructions for s in again] == [10 * (len(found) + 1) - i for i in range(1, len(found) + 1)]
    assert [replace(s, instructions=None) for s in again] == [replace(s, instructions=None) for s in found.values()]


def test_more_units_that_take_less() -> None:
    """Kernels of the DSP extension take four rows at once: 15 units are slower than 16, which the counts confirm."""
    model = rt.Model("net", 3, [rt.RNN(15)], rt.Linear(2))
    found = wider(model, "nucleo_f446re")
    assert found is not None
    assert found.units == 16
    more = replace(model, cells=[rt.RNN(16)])
    assert found.ram_bytes == plan(more).struct_bytes
    board = load_board("qemu_mps2_an386")
    needs_tools_of(board)
    less, own = (m.predict + m.learn_most for m in measure([more, model], board))
    assert less < 0.9 * own
    assert found.instructions == pytest.approx(less, rel=0.1)
    assert wider(more, "nucleo_f446re") is None
    assert wider(replace(model, loss=rt.Huber()), "nucleo_f446re") is None  # not forecast


def test_what_was_not_measured_is_not_forecast() -> None:
    model = rt.Model("net", 3, [rt.RNN(8)], rt.Linear(2))
    assert usual(model)
    for other in (
        replace(model, loss=rt.Huber()),
        replace(model, optimiser=rt.Momentum()),
        replace(model, optimiser=rt.SGD(2**-5, decay=2**-10)),
        replace(model, numbers=rt.Q14()),
        replace(model, cells=[rt.RNN(4), rt.RNN(4)]),
        replace(model, cells=[rt.FullyRecurrent(8)], readout=rt.Direct(2)),
    ):
        assert forecast(other, "cortex-m4") is None
        assert "not measured for these parts" in str(plan(other, "qemu_mps2_an386"))
    assert forecast(model, "xtensa-lx7") is None
    large = forecast(replace(model, cells=[rt.RNN(100)]), "cortex-m4")
    assert large is not None
    assert large.extrapolated == ("units",)


def test_a_plan_is_quick_and_says_its_assumption() -> None:
    model = rt.Model("net", 6, [rt.LSTM(16)], rt.Linear(6))
    plan(model, "nucleo_f446re")  # reads the table
    start = time.monotonic()
    found = replace(plan(model, "nucleo_f446re"), savings=savings(model, "nucleo_f446re"))
    assert time.monotonic() - start < 0.5
    assert found.forecast is not None
    assert found.rate_hz == pytest.approx(
        180e6 / (CYCLES_PER_INSTRUCTION * (found.forecast.predict + found.forecast.learn_most))
    )
    assert f"({CYCLES_PER_INSTRUCTION:g} cycles an instruction assumed)" in str(found)
    page = render(found, "a command")
    for text in ("RAM map", "f.recurrent", "influence matrix", f"{found.forecast.slice_most:,}"):
        assert text in page


def test_least_squares_that_are_not_negative() -> None:
    """No gradient is left that could go down: zero where a coefficient is free, upwards where it is zero."""
    rng = np.random.default_rng(0)
    for _ in range(20):
        A, b = rng.random((12, 8)), rng.normal(0.5, 1.0, 12)
        x = not_negative(A, b)
        gradient = A.T @ (A @ x - b)
        assert (x >= 0.0).all()
        assert np.abs(gradient[x > 0.0]).max(initial=0.0) < 1e-8
        assert gradient.min() > -1e-8


def test_every_line_can_be_played_again() -> None:
    """Each line's model is one that its own words make, and no two lines are the same model."""
    for core in BOARDS:
        found = lines(core)
        assert len({line.what for line in found}) == len(found)
        for line in found[::17]:
            d, rule = line.model.dims, line.model.rule
            again = measured_model(
                line.model.cell, rule, line.numbers, d.inputs, d.outputs, length(rule), bool(line.frozen)
            )
            assert again == line.model
            assert (line.model.cell.units, d.inputs, d.outputs) == (line.units, line.inputs, line.outputs)
