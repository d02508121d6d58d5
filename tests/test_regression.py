"""What a command reported is compared with what it reported before; a few models against the committed baseline."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import rtrl_edge as rt
from rtrl_edge.boards import load_board
from rtrl_edge.cli import main
from rtrl_edge.evaluate.bench import Outcome
from rtrl_edge.evaluate.learning import entries
from rtrl_edge.evaluate.learning_marks import Mark, Results
from rtrl_edge.evaluate.learning_page import figures as learning_figures
from rtrl_edge.evaluate.regression import Figure, compare, costs, text
from rtrl_edge.evaluate.targets import Target, figures
from rtrl_edge.evaluate.tasks import TASKS
from rtrl_edge.plan import plan

from . import measure_baseline
from .needs import needs_tools_of

#: percent; the counts of one compiler are exact, another version of it differs by some tenths
THRESHOLD = 0.5


@pytest.mark.parametrize("board", measure_baseline.BOARDS)
def test_nothing_is_slower_or_larger_than_the_baseline(board: str) -> None:
    """Counted anew. What became faster or smaller fails too: the next loss would hide behind it."""
    needs_tools_of(load_board(board))
    baseline = json.loads(measure_baseline.BASELINE.read_text(encoding="utf-8"))[board]
    found = measure_baseline.measure(board)
    differences = compare(dict(costs(baseline)), dict(costs(found)), THRESHOLD)
    moved = {d.judgement for d in differences} - {"equal", "within"}
    assert not moved, (
        f"{board}, by {found['compiler']}; the baseline, by {baseline['compiler']}, "
        f"{'is beaten' if moved == {'better'} else 'was better, or of other models'}:\n{text(differences, THRESHOLD)}\n"
        f"If this is meant, refresh it and commit it with the change: {measure_baseline.COMMAND}"
    )


def test_the_baseline_has_every_model_on_every_board() -> None:
    baseline = json.loads(measure_baseline.BASELINE.read_text(encoding="utf-8"))
    assert list(baseline) == ["command", *measure_baseline.BOARDS]
    for board in measure_baseline.BOARDS:
        assert list(baseline[board]) == ["compiler", *measure_baseline.MODELS]
        assert len(dict(costs(baseline[board]))) == 5 * len(measure_baseline.MODELS)


# ------------------------------------------------------------------------------------------- bench compare


def written(path: Path, found: dict[str, object], command: str = "rtrl-edge bench target") -> Path:
    path.write_text(json.dumps({"command": command} | found), encoding="utf-8")
    return path


def target(**changes: object) -> dict[str, object]:
    values = {"predict": 1000, "learn": 20000, "observe": 3000, "one_slice": 400}
    parts: dict[str, object] = {
        "board": "b", "core": "c", "emulation": "exact", "compiled": "yes", "bits": "equal", "flash_bytes": 5000,
        "ram_bytes": 700,
    }  # fmt: skip
    return figures([Target(**(parts | values | changes))])  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("changes", "options", "code", "line"),
    [
        ({}, [], 0, "8 figures: 8 equal"),
        ({"learn": 20100}, [], 0, "7 equal, 1 within 0.5 %"),
        ({"learn": 20101}, [], 1, "worse b: learn_instructions_mean 20,000 20,101 +101 +0.51"),
        ({"learn": 20101}, ["--threshold", "0.6"], 0, "1 within 0.6 %"),
        ({"learn": 20001}, ["--threshold", "0"], 1, "worse b: learn_instructions_mean 20,000 20,001 +1 +0.01"),
        ({"one_slice": 300}, [], 0, "better b: slice_instructions_most 400 300 -100 -25.00"),
        ({"ram_bytes": 701}, [], 1, "worse b: ram_bytes 700 701 +1 +0.14"),
        ({"flash_bytes": None}, [], 1, "lost b: flash_bytes 5,000 -"),
        ({"bits": "different"}, [], 1, "worse b: bits equal different"),
        ({"compiled": "no: too large"}, [], 1, "worse b: compiled yes no: too large"),
        ({"board": "c"}, [], 1, "new c: learn_instructions_mean - 20,000"),
    ],
)
def test_bench_compare(
    changes: dict[str, object], options: list[str], code: int, line: str, tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    """Figures of `bench target`: RAM may not grow at all, what is counted may by the threshold."""
    a, b = written(tmp_path / "a.json", target()), written(tmp_path / "b.json", target(**changes))
    assert main(["bench", "compare", str(a), str(b), *options]) == code
    assert line in " ".join(capsys.readouterr().out.split())


def test_bench_compare_of_plans(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """What is larger comes first, and the largest difference first of all; the board's own memory is no figure."""
    paths = []
    for units in (8, 9):
        found = plan(rt.Model("net", 2, [rt.RNN(units)], rt.Linear(1)), "qemu_microbit").figures()
        paths.append(str(written(tmp_path / f"{units}.json", found, "rtrl-edge plan")))
    assert main(["bench", "compare", *paths]) == 1
    out = capsys.readouterr().out
    percents = [float(line.split()[-1]) for line in out.splitlines()[2:-1]]
    larger = [percent for percent in percents if percent > 0]
    assert percents == sorted(larger, reverse=True) + sorted(percents[len(larger) :])
    assert "ram_by_group_bytes: influence" in out
    assert "predict_macs" in out
    assert "board_ram_bytes" not in out
    assert main(["bench", "compare", *reversed(paths)]) == 0


def learning(scores: list[float | None], state: str = "reached", rising: bool = False) -> dict[str, object]:
    entrant = {"name": "RTRL", "ram_bytes": 700, "macs_per_step": 90, "figures": [{"score": s} for s in scores]}
    return {
        "marks": [{"what": "as good as the paper", "found": "0.1", "state": state, "note": ""}],
        "tasks": [{"name": "henon", "samples": 50, "more_is_better": rising, "entrants": [entrant]}],
    }


@pytest.mark.parametrize(
    ("before", "after", "code", "line"),
    [
        (learning([0.3, 0.1, 0.2]), learning([0.2, 0.9, 0.2]), 0, "4 figures: 4 equal"),  # the median
        (learning([0.2]), learning([0.25]), 1, "worse tasks: henon, 50 samples, RTRL, 1 seeds: score 0.2 0.25"),
        (learning([0.2], rising=True), learning([0.25], rising=True), 0, "better tasks: henon"),
        (learning([0.2]), learning([None]), 1, "lost tasks: henon"),
        (learning([0.2]), learning([0.2], "missed"), 1, "worse marks: as good as the paper: state reached missed"),
        (learning([0.2]), learning([0.2, 0.2]), 1, "lost tasks: henon, 50 samples, RTRL, 1 seeds: ram_bytes 700 -"),
    ],
)
def test_bench_compare_of_learning(
    before: dict[str, object], after: dict[str, object], code: int, line: str, tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    a, b = (
        str(written(tmp_path / name, found, "rtrl-edge bench learning"))
        for name, found in (("a.json", before), ("b.json", after))
    )
    assert main(["bench", "compare", a, b]) == code
    assert line in " ".join(capsys.readouterr().out.split())


def test_the_benchmark_writes_what_is_compared() -> None:
    """The keys of `bench learning`, which the tests above made up."""
    entry = entries(quick=True)[0]
    outcome = Outcome(entry, [{"samples to 98 %": 5.0, "more": 1.0} for _ in entry.each_seed])
    found = dict(costs(learning_figures(Results([outcome]), [Mark("m", "1", "reached")])))
    name = f"tasks: {entry.task}, {entry.steps} samples, {entry.name}, {entry.seeds} seeds"
    assert found == {
        "marks: m: state": Figure("reached"),
        f"{name}: ram_bytes": Figure(entry.ram_bytes, exact=True),
        f"{name}: macs_per_step": Figure(entry.macs, exact=True),
        f"{name}: samples to 98 %": Figure(5.0, rising=TASKS[entry.task].rising),
    }


@pytest.mark.parametrize(
    ("a", "b", "words"),
    [
        (None, "{}", ("a.json: cannot be read (No such file",)),
        ("x,y\n1,2\n", "{}", ("a.json: wanted figures that a command wrote with --json, found no JSON",)),
        ('{"command": "c", "nrmse": NaN}', "{}", ("found no JSON (NaN is no number of JSON)",)),
        ("[1, 2]", "{}", ("found JSON of another kind",)),
        ('{"ram_bytes": 5}', "{}", ("found JSON of another kind",)),
        (
            '{"command": "rtrl-edge plan", "ram_bytes": 5}', '{"command": "rtrl-edge run", "ram_bytes": 5}',
            ("b.json: wanted figures with the command 'rtrl-edge plan', as in ", "a.json, found 'rtrl-edge run'"),
        ),
        (
            '{"command": "c", "board": "x", "ram_bytes": 5}', '{"command": "c", "board": "y", "ram_bytes": 5}',
            ("b.json: wanted figures with the board 'x'",),
        ),
        (
            '{"command": "rtrl-edge doctor", "gcc": {"found": "12"}}', '{"command": "rtrl-edge doctor"}',
            ("a.json: no figure in it that could be compared", "--json"),
        ),
        (
            '{"command": "c", "tasks": [{"name": "henon"}]}', '{"command": "c", "tasks": []}',
            ("a task without 'entrants' in it; write the file again",),
        ),
    ],
)  # fmt: skip
def test_files_of_another_kind(
    a: str | None, b: str, words: tuple[str, ...], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name, content in (("a.json", a), ("b.json", b)):
        if content is not None:
            (tmp_path / name).write_text(content, encoding="utf-8")
    assert main(["bench", "compare", str(tmp_path / "a.json"), str(tmp_path / "b.json")]) == 1
    err = capsys.readouterr().err
    assert all(word in err for word in words), err
    assert "Traceback" not in err
