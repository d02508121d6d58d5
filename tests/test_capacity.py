"""rtrl-edge fit: the largest model that a board holds, and that learns between two samples."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import rtrl_edge as rt
from rtrl_edge.boards import load_board
from rtrl_edge.cli import main
from rtrl_edge.errors import PlanError
from rtrl_edge.evaluate import capacity, work

from .needs import needs


def question(board: str, rate: float | None = None) -> capacity.Question:
    return capacity.Question(load_board(board), 3, 2, rt.R16(), rate)


@pytest.mark.parametrize("rule", [rt.RTRL(), rt.SnAp(1)])
@pytest.mark.parametrize("cell", [rt.RNN(8), rt.LSTM(8)])
def test_ram_the_largest_fits_and_one_more_unit_does_not(cell: rt.RNN | rt.LSTM, rule: rt.RTRL | rt.SnAp) -> None:
    asked = question("qemu_microbit")
    found = asked.largest(cell, rule)
    assert found.binds == "RAM"
    assert rt.plan(asked.model(cell, rule, found.units), asked.board).struct_bytes == found.ram_bytes
    with pytest.raises(PlanError):
        rt.plan(asked.model(cell, rule, found.units + 1), asked.board)


def test_the_engines_own_limits_bind_where_ram_is_plenty() -> None:
    found = question("qemu_mps2_an386").largest(rt.RNN(8), rt.ReadoutOnly())
    assert found.binds == "limit"
    assert found.next_too_large.startswith(f"{found.units + 1} units: ")


def test_time_the_largest_is_in_time_and_one_more_unit_is_not() -> None:
    needs("arm-none-eabi-gcc", "qemu-system-arm")
    asked = question("qemu_microbit", 200.0)
    found = asked.largest(rt.RNN(8), rt.RTRL())
    assert found.binds == "time"
    for units, in_time in ((found.units, True), (found.units + 1, False)):
        (counted,) = work.work([asked.model(rt.RNN(8), rt.RTRL(), units)], asked.board)
        most = counted.predict_most + counted.learn_most
        assert (asked.seconds(most) <= 1 / 200) == in_time
        if in_time:
            assert most == found.instructions


def test_counts_are_repeatable_and_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    needs("arm-none-eabi-gcc", "qemu-system-arm")
    monkeypatch.setattr(work, "cache_dir", lambda: tmp_path)
    model = question("qemu_microbit").model(rt.RNN(4), rt.Trunc1(), 4)
    board = load_board("qemu_microbit")
    first = work.work([model], board)
    (kept,) = tmp_path.iterdir()
    assert work.work([model], board) == first  # from the file
    kept.unlink()
    assert work.work([model], board) == first  # counted again


def test_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "fit.json"
    arguments = ["fit", "--board", "qemu_microbit", "--cells", "rnn", "--rules", "RTRL", "--json", str(out)]
    assert main(arguments) == 0
    assert "first that does not fit" in capsys.readouterr().out
    found = json.loads(out.read_text())
    assert [fit["rule"] for fit in found["fits"]] == ["RTRL"]


def test_each_pair_once_and_what_is_left_out_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["fit", "--board", "qemu_microbit", "--cells", "rnn,RTU,RNN", "--rules", "RTRL,SnAp(1)"]) == 0
    said = capsys.readouterr().out
    assert [line.split()[:2] for line in said.splitlines()[3:-1]] == [
        ["RNN", "RTRL"],
        ["RNN", "SnAp(1)"],
        ["RTU", "RTRL"],
    ]
    assert said.splitlines()[-1].endswith(": RTU with SnAp(1)")
    assert "instructions" not in said  # nothing was counted


def test_a_cell_with_outputs_of_its_own_has_as_many_as_are_asked_for() -> None:
    asked = capacity.Question(load_board("qemu_microbit"), 1, 3, rt.R16())
    ((jordan, rule),), left_out = capacity.pairs(asked, ["Jordan"], [rt.RTRL()])
    assert not left_out
    assert asked.model(jordan, rule, 5).dims.outputs == 3
    assert asked.largest(jordan, rule).units > 0


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--cells", "GNU"], "wanted a cell of"),
        (["--cells", "RTU", "--rules", "KFRTRL"], "none of these rules"),
        (["--board", "native", "--rate", "100Hz"], "states no clock_hz"),
        (["--inputs", "300"], "Model(inputs): wanted a whole number from 1 to 256, found 300"),
    ],
)
def test_bad_questions(arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["fit", "--board", "qemu_microbit", *arguments]) == 1
    assert message in capsys.readouterr().err
