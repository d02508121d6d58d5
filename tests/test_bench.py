"""Rules against each other: on a user's stream, and on the tasks of the literature."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

import rtrl_edge as rt
from rtrl_edge.cli import main
from rtrl_edge.evaluate.compare import USUAL, compare, equal_ram_window, parse_rules, render, written
from rtrl_edge.evaluate.contest import Bar
from rtrl_edge.evaluate.recordings import delayed_xor
from rtrl_edge.plan import plan
from rtrl_edge.weights import initial

MODEL = """
import rtrl_edge as rt
from rtrl_edge.evaluate.recordings import delayed_xor
from rtrl_edge.weights import initial

model = rt.Model("xor", 2, [rt.RNN(4)], rt.Linear(1), optimiser=rt.SGD(2**-5))


def build():
    return rt.quantize(model, initial(model, 0), stream())


def stream():
    return delayed_xor(600, 1, 0)
"""


class Silent:
    """No progress shown."""

    def __init__(self, what: str, total: int) -> None:
        pass

    def __call__(self, count: int) -> None:
        pass

    def close(self) -> None:
        pass


def silent(what: str, total: int) -> Bar:
    return Silent(what, total)


# ------------------------------------------------------------------------------------------------- compare


def test_rules_are_read_and_never_run() -> None:
    assert parse_rules("RTRL, BPTT(16),BlockRTRL(block=8), RTRL()") == [rt.RTRL(), rt.BPTT(16), rt.BlockRTRL(8)]
    assert [written(rule) for rule in parse_rules(USUAL)] == USUAL.split(", ")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "at least one"),
        ("RTRL, BPTT(", "names with a comma between them"),
        ("Nonsense", "wanted some of BPTT, BlockRTRL"),
        ("rt.RTRL", "wanted some of"),
        ("BPTT(open('x'))", "plain numbers"),
        ("BPTT(windows=3)", "plain numbers"),
        ("BPTT(0)", "whole number from 2 to 256"),
        ("[RTRL]", "wanted some of"),
    ],
)
def test_wrong_rules_are_refused(text: str, message: str) -> None:
    with pytest.raises(rt.RtrlEdgeError, match=message):
        parse_rules(text)


def test_the_window_of_equal_ram() -> None:
    model = rt.Model("net", 2, [rt.RNN(8)], rt.Linear(1))
    ram = plan(model).struct_bytes
    window = equal_ram_window(model, ram)
    sizes = [plan(rt.Model("net", 2, [rt.RNN(8)], rt.Linear(1), rule=rt.BPTT(w))).struct_bytes for w in
             (window, window + 1)]  # fmt: skip
    assert sizes[0] <= ram < sizes[1]
    assert equal_ram_window(model, 10) == 0


def test_comparison_recommends_the_cheapest_that_learns() -> None:
    """Delayed XOR: without a gradient through time nothing is learned, so the control is never recommended."""
    stream = delayed_xor(9_000, 2, 0)
    model = rt.Model("xor", 2, [rt.RNN(8)], rt.Linear(1), optimiser=rt.SGD(2**-4, readout_rate=2**-5))
    integer = rt.quantize(model, initial(model, 100), stream)
    found = compare(integer, stream, "RTRL, BPTT(8), EProp", progress=silent)
    assert [e.name for e in found.rules] == ["RTRL", "BPTT(8)", "Trunc1", "ReadoutOnly"]
    assert found.refused[0].startswith("EProp: its units keep nothing")
    errors = {e.name: found.error(e) for e in found.rules}
    assert max(errors["RTRL"], errors["BPTT(8)"]) < 0.5 < 0.9 < min(errors["Trunc1"], errors["ReadoutOnly"])
    assert found.recommended.name == "BPTT(8)" or errors["BPTT(8)"] > errors["RTRL"]
    assert not any(warning for warning, _ in found.conclusions())
    cosine = {e.name: e.cosine for e in found.rules}
    assert cosine["RTRL"] == pytest.approx(1.0, abs=1e-3)
    assert cosine["Trunc1"] is not None
    assert cosine["Trunc1"] < 0.95
    assert cosine["ReadoutOnly"] is None
    page = render(found, "rtrl-edge compare xor.py")
    assert page.count("<svg") == 4
    assert "Recommended: " in page


def test_comparison_says_where_a_cheap_rule_does_as_well() -> None:
    """Labels that nothing tells: whatever learns is as good as whatever else does."""
    rng = np.random.default_rng(0)
    stream = rt.Stream(rng.normal(0.0, 0.3, (3_000, 1)), rng.normal(0.0, 0.3, (3_000, 1)))
    model = rt.Model("net", 1, [rt.RNN(4)], rt.Linear(1), optimiser=rt.SGD(2**-6))
    found = compare(rt.quantize(model, initial(model, 0), stream), stream, "RTRL", progress=silent)
    warnings = [text for warning, text in found.conclusions() if warning]
    assert found.recommended.name == "ReadoutOnly"
    assert any("needs no gradient through time" in text for text in warnings)
    assert any("the cell need not learn" in text for text in warnings)


def test_compare_on_the_command_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path, page, figures = tmp_path / "model.py", tmp_path / "page.html", tmp_path / "figures.json"
    path.write_text(MODEL, encoding="utf-8")
    arguments = [str(path), "--rules", "RTRL, BPTT(4)", "--report", str(page), "--json", str(figures)]
    assert main(["compare", *arguments]) == 0
    out = capsys.readouterr().out
    assert "Recommended: " in out
    found = json.loads(figures.read_text(encoding="utf-8"))
    assert [e["name"] for e in found["entrants"]][:4] == ["RTRL", "BPTT(4)", "Trunc1", "ReadoutOnly"]
    assert found["command"] == "rtrl-edge compare"
    assert page.read_text(encoding="utf-8").startswith("<!DOCTYPE html><!-- rtrl-edge: report -->")
    assert main(["compare", *arguments[:2], "RTRL, nothing"]) == 1
    assert "wanted some of" in capsys.readouterr().err
