"""The same bits on every emulated core and under sanitizers; the plan against fresh builds."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import numpy as np
import pytest

import rtrl_edge as rt
from rtrl_edge.boards import load_board
from rtrl_edge.demo import MODEL as DEMO_MODEL
from rtrl_edge.device.host import best_simd
from rtrl_edge.errors import BuildError
from rtrl_edge.evaluate.board_run import run_on_board
from rtrl_edge.evaluate.targets import markdown, targets
from rtrl_edge.evaluate.verify import verify
from rtrl_edge.evaluate.verify_all import MODELS, verify_all
from rtrl_edge.layout import differences
from rtrl_edge.model import Cell, Rule
from rtrl_edge.plan import FIRMWARE_BYTES, plan

from .models import CELLS_BY_FOUR, SIZES, integer_model, large_model, random_stream, words
from .needs import needs, needs_tools_of

BOARDS = (
    "qemu_microbit",
    "qemu_mps2_an385",
    "qemu_mps2_an386",
    "qemu_mps2_an500",
    "qemu_mps2_an505",
    "qemu_mps3_an547",
)
STEPS = 400


class SilentBar:
    """A progress bar that shows nothing."""

    def __init__(self, what: str, total: int) -> None:
        assert what
        assert total > 0

    def __call__(self, count: int) -> None:
        assert count > 0

    def close(self) -> None:
        """Nothing to close."""


def stream_is_equal(model: rt.IntegerModel, chip: rt.Emulator, samples: int, seed: int) -> None:
    """Random and extreme words through a firmware and the host twin: every prediction, then the whole state."""
    x, target, labelled = words(model, samples, seed)
    with rt.HostTwin(model) as twin:
        for t in range(samples):
            assert np.array_equal(chip.predict(x[t]), twin.predict(x[t])), f"prediction {t}"
            if labelled[t]:
                chip.learn(target[t])
                twin.learn(target[t])
            elif t % 2:  # every other missing label is forgotten altogether
                chip.observe()
                twin.observe()
            if t == samples // 2:
                chip.reset()
                twin.reset()
        assert differences(twin.state(), chip.state(), model.model) == []


@pytest.mark.parametrize("units", SIZES)
@pytest.mark.parametrize("board", BOARDS)
def test_every_core_and_size(board: str, units: int) -> None:
    needs("arm-none-eabi-gcc", "qemu-system-arm")
    profile = rt.R8(cap=2) if units in (2, 15) else rt.R16(cap=2)
    model = integer_model(units, inputs=1 if units > 8 else 3, numbers=profile)
    with rt.Emulator(model, board) as chip:
        stream_is_equal(model, chip, STEPS, seed=units)


MVE_BOARD = "qemu_mps3_an547"
MVE_MODELS: dict[str, dict[str, object]] = {
    "R8, whole registers": {"cells": [rt.RNN(16)], "numbers": rt.R8()},
    "R8, eight bytes widened": {"cells": [rt.RNN(8)], "numbers": rt.R8()},
    "R8, two parts of D": {"cells": [rt.RNN(33)], "numbers": rt.R8(cap=2)},
    "R16, three parts of D": {"cells": [rt.RNN(33)]},
    "LSTM R16": {"cells": [rt.LSTM(9)]},
    "LSTM R8": {"cells": [rt.LSTM(16)], "numbers": rt.R8()},
    "GRU R16": {"cells": [rt.GRU(9, reset="before")]},
    "GRU R8": {"cells": [rt.GRU(16, reset="before")], "numbers": rt.R8()},
    "Q14": {"cells": [rt.RNN(9)], "numbers": rt.Q14()},
    "largest steps R16": {"cells": [rt.RNN(15)], "optimiser": rt.SGD(1.0, clip=1.0)},
    "largest steps R8": {"cells": [rt.RNN(15)], "numbers": rt.R8(), "optimiser": rt.SGD(1.0, clip=1.0)},
    "Momentum": {"cells": [rt.RNN(17)], "optimiser": rt.Momentum(2**-5)},
    "BlockRTRL R8": {"cells": [rt.RNN(17)], "rule": rt.BlockRTRL(5), "numbers": rt.R8()},
    "UORO": {"cells": [rt.LSTM(9)], "rule": rt.UORO()},
}


@pytest.mark.parametrize("kind", MVE_MODELS)
def test_kernels_of_the_vector_extension(kind: str) -> None:
    """What has no twin in C: every path of mve.h and of the files made of it."""
    needs("arm-none-eabi-gcc", "qemu-system-arm")
    model = integer_model(1, 2, **MVE_MODELS[kind])  # type: ignore[arg-type]
    with rt.Emulator(model, MVE_BOARD) as chip:
        stream_is_equal(model, chip, 60, seed=5)


@pytest.mark.parametrize("board", ["qemu_microbit", "qemu_mps2_an385", MVE_BOARD])
@pytest.mark.parametrize("units", [3, 8])
def test_one_column_at_a_time(units: int, board: str) -> None:
    """A step cut into slices of one column has the bits of a whole one."""
    needs("arm-none-eabi-gcc", "qemu-system-arm")
    model = integer_model(units, 2)
    x, target, _ = words(model, 25, seed=units)
    with rt.Emulator(model, board, sliced=True) as chip, rt.HostTwin(model) as twin:
        for t in range(25):
            assert np.array_equal(chip.predict(x[t]), twin.predict(x[t])), f"prediction {t}"
            chip.learn(target[t])
            twin.learn(target[t])
            for _ in range(model.model.rule.slices(model.model.dims)):
                chip.observe()
        assert differences(twin.state(), chip.state(), model.model) == []


def test_the_vector_extension_is_refused_elsewhere() -> None:
    needs("gcc")
    with pytest.raises(BuildError, match="these kernels need the Arm M-profile vector extension"):
        rt.HostTwin(integer_model(4), cc="gcc", simd="mve")


@pytest.mark.parametrize("rule", [rt.ReadoutOnly(), rt.Trunc1()], ids=str)
@pytest.mark.parametrize(("cell", "inputs"), CELLS_BY_FOUR, ids=str)
def test_rows_by_four_with_large_weights(cell: Cell, inputs: int, rule: Rule) -> None:
    """Rows that are woven, since their cell does not learn, and rows as they are."""
    """SMLAD in 32 bits, and again in 64 where the core's Q flag says so."""
    needs("arm-none-eabi-gcc", "qemu-system-arm")
    model = large_model(cell, inputs, rule)
    with rt.Emulator(model, "qemu_mps2_an386") as chip:
        stream_is_equal(model, chip, 100, seed=4)


@pytest.mark.parametrize("rule", [rt.ReadoutOnly(), rt.Trunc1()], ids=str)
@pytest.mark.parametrize("flag", ["-O0", "-Os", "-O3"])
def test_instructions_by_hand_at_other_levels(flag: str, rule: Rule) -> None:
    needs("arm-none-eabi-gcc", "qemu-system-arm")
    model = large_model(rt.LSTM(6), 2, rule)
    with rt.Emulator(model, "qemu_mps2_an386", extra_flags=(flag,)) as chip:
        stream_is_equal(model, chip, 50, seed=5)


@pytest.mark.parametrize("board", ["qemu_microbit", "qemu_mps2_an385", "qemu_mps2_an386"])
@pytest.mark.parametrize("flag", ["-O0", "-Os", "-O3"])
def test_columns_by_hand_at_other_levels(flag: str, board: str) -> None:
    needs("arm-none-eabi-gcc", "qemu-system-arm")
    for model in (integer_model(16), *(make() for make in FEW_MODELS.values())):
        with rt.Emulator(model, board, extra_flags=(flag,)) as chip:
            stream_is_equal(model, chip, 50, seed=5)


OTHER_BOARDS = ("qemu_netduinoplus2", "qemu_riscv32_imc", "qemu_riscv32_imac", "qemu_lx106", "qemu_esp32")
FEW_MODELS = {
    "RNN R16": lambda: integer_model(9, inputs=3, numbers=rt.R16(cap=2)),
    "RNN R8": lambda: integer_model(16, inputs=1, numbers=rt.R8(cap=2)),
    "LSTM": lambda: integer_model(5, inputs=2, cells=[rt.LSTM(5)]),
    "RTU": lambda: integer_model(6, inputs=3, cells=[rt.RTU(6)]),
}


@pytest.mark.parametrize("kind", FEW_MODELS)
@pytest.mark.parametrize("board", OTHER_BOARDS)
def test_the_other_cores(board: str, kind: str) -> None:
    """RISC-V, Xtensa (both conventions) and a real Cortex-M4 board: other compilers, our own helpers for 64 bits."""
    needs_tools_of(load_board(board))
    model = FEW_MODELS[kind]()
    with rt.Emulator(model, board) as chip:
        stream_is_equal(model, chip, STEPS, seed=len(kind))


@pytest.mark.parametrize("board", BOARDS)
def test_the_readout_alone_on_every_core(board: str) -> None:
    needs("arm-none-eabi-gcc", "qemu-system-arm")
    model = integer_model(16, rule=rt.ReadoutOnly())
    with rt.Emulator(model, board) as chip:
        stream_is_equal(model, chip, STEPS, seed=1)


@pytest.mark.parametrize("units", SIZES)
def test_under_sanitizers(units: int) -> None:
    """The whole firmware as a program of this computer, any undefined behaviour or stray access ends it."""
    needs("gcc")
    flags = ("-fsanitize=address,undefined", "-fno-sanitize-recover=all")
    for numbers in (rt.R16(), rt.R8(cap=2)):
        model = integer_model(units, numbers=numbers, optimiser=rt.SGD(1.0))
        with rt.Emulator(model, "native", extra_flags=flags) as program:
            stream_is_equal(model, program, 300, seed=units)


@pytest.mark.usefixtures("this_cpu")
def test_verify_finds_all_targets_equal_and_a_wrong_one_different() -> None:
    needs("gcc", "clang", "arm-none-eabi-gcc", "qemu-system-arm")
    model, stream = integer_model(4), random_stream(3, 2, 60)
    found = verify(model, stream, ["native", "qemu_mps2_an386"], progress=SilentBar)
    assert found.equal
    assert len({row.digest for row in found.rows}) == 1
    hosts = 7 + (best_simd() != "none")  # the reference, six builds of plain C, and one of this CPU's instructions
    assert [row.steps for row in found.rows] == [60] * (hosts + 2)

    class Tampered(rt.Reference):
        """One bit of one weight is off."""

        def __init__(self, integer_model: rt.IntegerModel) -> None:
            super().__init__(integer_model)
            self.net["w_lo"][0] ^= 1

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("rtrl_edge.evaluate.verify.Reference", Tampered)
        wrong = verify(model, stream, ["native"], progress=SilentBar)
    assert not wrong.equal
    assert "w_lo[0]" in wrong.text() or "prediction" in wrong.text()


@pytest.mark.parametrize("rule", [rt.RTRL(), rt.ReadoutOnly()], ids=lambda rule: type(rule).__name__)
@pytest.mark.parametrize("board", BOARDS)
def test_plan_against_build(board: str, rule: rt.RTRL | rt.ReadoutOnly) -> None:
    """RAM to the byte; stack never above the plan; flash within 5 %; a step's instructions within 10 %, and see
    test_forecast.py."""
    needs("arm-none-eabi-gcc", "qemu-system-arm")
    model = integer_model(12, inputs=3, outputs=3, rule=rule, numbers=rt.R16(cap=2))
    run = run_on_board(model, random_stream(3, 3, 25), load_board(board), progress=SilentBar)
    planned = run.plan
    assert planned.code_bytes is not None
    assert planned.stack_bytes is not None
    assert run.stack_bytes <= planned.stack_bytes
    assert abs(run.built.model_flash_bytes / (planned.const_bytes + planned.code_bytes) - 1) < 0.05
    beside_the_model = run.built.ram_bytes - planned.struct_bytes - load_board(board).stack_bytes
    assert 0 < beside_the_model <= FIRMWARE_BYTES
    assert run.instructions["predict"].calls == 25
    assert planned.forecast is not None
    counted = sum(count.most for call, count in run.instructions.items() if call in ("predict", "learn"))
    assert planned.forecast.predict + planned.forecast.learn_most == pytest.approx(counted, rel=0.10)
    assert 0 < run.stack_high_water_bytes <= load_board(board).stack_bytes
    assert "not cycles" in run.text()


class OtherSGD(rt.SGD):
    """An optimiser that nobody measured."""

    voice = "optimiser_other"


@pytest.mark.parametrize("parts", [{"loss": rt.Huber()}, {"optimiser": OtherSGD(2**-5)}])
def test_a_plan_says_what_was_not_measured(parts: dict[str, object]) -> None:
    usual: dict[str, object] = {"name": "net", "inputs": 2, "cells": [rt.RNN(4)], "readout": rt.Linear(1)}
    assert plan(rt.Model(**usual), "qemu_microbit").code_bytes is not None  # type: ignore[arg-type]
    found = plan(rt.Model(**(usual | parts)), "qemu_microbit")  # type: ignore[arg-type]
    assert found.code_bytes is None
    assert found.stack_bytes is None
    assert str(found).count("not measured for these parts on this core") == 4


def test_plan_of_prediction_alone() -> None:
    """Forward weights, the state, what a step leaves behind, and the output: int16 each."""
    rnn = rt.Model("net", 3, [rt.RNN(4)], rt.Linear(2))
    assert plan(rnn).inference_bytes == 2 * (4 * 8 + 8 + 4 + 2 * 5 + 2)  # W, z, h, V, y
    lstm = rt.Model("net", 3, [rt.LSTM(4)], rt.Linear(2))
    assert plan(lstm).inference_bytes == 2 * (4 * 4 * 8 + 8 + 4 + 16 + 4 + 4 + 2 * 5 + 2)  # W, z, c, gates, c, h, V, y


def test_verify_all_shows_what_is_equal_what_differs_and_what_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    needs_tools_of(load_board("qemu_riscv32_imc"))
    monkeypatch.setattr("rtrl_edge.evaluate.verify_all.MODELS", {name: MODELS[name] for name in ("RNN R8", "GRU")})
    found = verify_all(["native", "qemu_riscv32_imc"], 30, progress=SilentBar)
    assert found.equal
    assert found.ran == 4
    assert "4 of 4 pairs ran, 30 steps each: all the same bits" in found.text()

    class Tampered(rt.HostTwin):
        """One bit of one weight is off."""

        def __init__(self, integer_model: rt.IntegerModel) -> None:
            super().__init__(integer_model)
            self.views["w_hi"][0] ^= 1

    monkeypatch.setattr("rtrl_edge.evaluate.verify_all.HostTwin", Tampered)
    wrong = verify_all(["native"], 30, progress=SilentBar)
    assert not wrong.equal
    assert "the bits DIFFER" in wrong.text()
    assert "different: prediction" in wrong.text()
    monkeypatch.setattr("shutil.which", lambda command: None if "qemu" in command else f"/usr/bin/{command}")
    missing = verify_all(["qemu_lx106"], 30, progress=SilentBar)
    assert missing.ran == 0
    assert "not run: emulator: no 'qemu-system-xtensa' on this computer" in missing.text()


@pytest.mark.parametrize("name", ["host", "qemu_mps2_an386"])
@pytest.mark.parametrize("rule", [rt.RTRL(), rt.BPTT(4)], ids=str)
def test_predictions_come_between_the_slices_of_a_step(rule: rt.model.Rule, name: str) -> None:
    """A loop that has time for some slices before the next sample is due, now for none, now for all, now for a few:
    every prediction and the state at the end are those of whole steps."""
    model, rng = integer_model(4, 2, 2, rule=rule), np.random.default_rng(1)
    x, target, _ = words(model, 60)
    parts = model.model.rule.slices(model.model.dims)
    if name != "host":
        needs_tools_of(load_board(name))
    with (
        rt.HostTwin(model) as whole,
        rt.HostTwin(model) if name == "host" else rt.Emulator(model, name, sliced=True) as sliced,
    ):
        begin, go_on = (
            (sliced.learn_begin, partial(sliced.learn_slice, 1))
            if name == "host"
            else (
                sliced.learn,
                sliced.observe,  # of the firmware that cuts steps into slices
            )
        )
        for t in range(60):
            assert np.array_equal(sliced.predict(x[t]), whole.predict(x[t])), f"prediction {t}"
            begin(target[t])
            whole.learn(target[t])
            for _ in range(int(rng.choice([0, 1, parts // 3, parts - 1, parts]))):
                go_on()
        for _ in range(parts):
            go_on()
        assert differences(whole.state(), sliced.state(), model.model) == []


def test_the_page_of_targets_is_what_its_command_writes(monkeypatch: pytest.MonkeyPatch) -> None:
    """A few boards of each kind counted again, within 5 %; the README has the page's first table."""
    boards = ("qemu_riscv32_imc", "qemu_microbit", "qemu_esp32", "nucleo_g071rb", "esp32c3", "native")
    for name in boards:
        if not load_board(name).idf:
            needs_tools_of(load_board(name))
    page = (Path(__file__).parents[1] / "docs" / "targets.md").read_text(encoding="utf-8")
    readme = (Path(__file__).parents[1] / "README.md").read_text(encoding="utf-8")
    monkeypatch.setattr("rtrl_edge.evaluate.targets.board_names", lambda: boards)
    found = targets(DEMO_MODEL, progress=SilentBar)
    assert [target.board for target in found if target.bits == "equal"] == list(boards[:3])
    written = markdown(DEMO_MODEL, found, "rtrl-edge bench target --page docs/targets.md").splitlines()
    rows = {
        line.split(" | ")[0]: line.strip("|").split(" | ") for line in page[page.index("Each board:") :].splitlines()
    }
    for line in written[written.index("Each board:") + 4 :]:
        for now, then in zip(line.strip("|").split(" | "), rows[line.split(" | ")[0]], strict=True):
            number, kept = (word.strip().replace(",", "") for word in (now, then))
            if number.isdigit():  # a kernel that changes a little does not make the page wrong
                assert int(number) == pytest.approx(int(kept), rel=0.05), line
            else:
                assert number == kept
    table = page[page.index("| emulated |") : page.index("Each board:")].strip()
    assert table in readme
