"""Rules against each other: on a user's stream, and on the tasks of the literature."""

from __future__ import annotations

import gzip
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import rtrl_edge as rt
from rtrl_edge.cli import main
from rtrl_edge.errors import FolderError
from rtrl_edge.evaluate import learning, learning_marks, learning_page
from rtrl_edge.evaluate.bench import CURRICULUM, RUNS, Entry, Outcome, key, play, predictions, run_all, started
from rtrl_edge.evaluate.compare import USUAL, compare, equal_ram_window, parse_rules, render, written
from rtrl_edge.evaluate.contest import Bar
from rtrl_edge.evaluate.curriculum import curriculum
from rtrl_edge.evaluate.float_rnn import float_rnn
from rtrl_edge.evaluate.lessons import HIGH, Lesson, changed_error, steps_to_learn
from rtrl_edge.evaluate.recordings import delayed_xor
from rtrl_edge.evaluate.tasks import HALF, TASKS, adding, anbn, copy, copy_sequence
from rtrl_edge.oracle import Oracle
from rtrl_edge.plan import plan
from rtrl_edge.weights import initial

from .needs import needs

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
    assert parse_rules("rtrl, BPTT(16),BlockRTRL(block=8), RTRL()") == [rt.RTRL(), rt.BPTT(16), rt.BlockRTRL(8)]
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
    assert found["board"] is None
    assert main(["compare", *arguments[:2], "RTRL, nothing"]) == 1
    assert "wanted some of" in capsys.readouterr().err
    assert main(["compare", str(path), "--board", "native"]) == 1
    assert "counted by QEMU only" in capsys.readouterr().err


def test_compare_counts_instructions_on_a_board() -> None:
    """And says which rules do not fit it, without stopping."""
    needs("qemu-system-arm", "arm-none-eabi-gcc")
    stream = delayed_xor(400, 1, 0)
    model = rt.Model("xor", 2, [rt.RNN(12)], rt.Linear(1))
    found = compare(rt.quantize(model, initial(model, 0), stream), stream, "RTRL, BPTT(256)", "qemu_microbit",
                    progress=silent)  # fmt: skip
    work = {e.name: e.instructions for e in found.rules}
    assert work["BPTT(256)"] is None
    assert any("BPTT(256), its instructions: " in text for text in found.refused)
    assert work["RTRL"] is not None
    assert work["Trunc1"] is not None
    assert work["ReadoutOnly"] is not None
    assert work["RTRL"] > work["Trunc1"] > work["ReadoutOnly"] > found.rules[-1].macs  # type: ignore[operator]
    assert found.header()[4] == "instructions/step"
    assert [row[4] for row in found.rows()][:2] == [work["RTRL"], None]
    assert "counted on qemu_microbit in QEMU" in found.text()
    assert "instructions a step, qemu_microbit" in render(found, "rtrl-edge compare xor.py")


# --------------------------------------------------------------------------------------------------- tasks


def recorded(folder: Path) -> Path:
    """A folder with made-up recordings in the formats of the real ones."""
    rng = np.random.default_rng(0)
    rows = [f"2013-12-02 21:15:00,{70 + v:.3f},0\n" for v in np.cumsum(rng.normal(size=900))]
    for name in ("nab_machine", "ambient"):
        text = "timestamp,value,in_window\n" + "".join(rows)
        (folder / f"{name}_temperature_system_failure.csv").write_text(text, encoding="utf-8")
    inside = (np.arange(900) // 60 % 2).tolist()
    lines = [f"a,{20 + v},{40 - v},{400.5 * v},{500 + v},0.005,{v}\n" for v in inside]
    with gzip.open(folder / "occupancy_uci.csv.gz", "wt", encoding="utf-8") as file:
        file.write("part,Temperature,Humidity,Light,CO2,HumidityRatio,Occupancy\n" + "".join(lines))
    return folder


@pytest.mark.parametrize("name", TASKS)
def test_every_task_is_a_stream_in_the_networks_units(name: str, tmp_path: Path) -> None:
    task = TASKS[name]
    lesson, again, other = (task.lesson(800, seed, recorded(tmp_path)) for seed in (3, 3, 4))
    assert len(lesson.stream) == 800 or name in ("copy", "adding")
    assert np.abs(lesson.stream.x).max() <= 1.0
    task.loss.check_targets(name, lesson.stream.target[lesson.stream.labelled])
    assert np.abs(lesson.stream.target[lesson.stream.labelled]).max() < 8.0
    assert np.array_equal(lesson.stream.x, again.stream.x)
    assert name == "daphnet" or task.file or not np.array_equal(lesson.stream.x, other.stream.x)
    perfect = task.judge(np.nan_to_num(lesson.stream.target), lesson)
    score = next(iter(perfect.values()))
    assert score == 1.0 if task.rising else score < 0.01 or name.startswith("xor")


def test_recordings_of_a_folder(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert not any(e.recordings for e in learning.entries())
    found = learning.entries(recordings=recorded(tmp_path))
    assert {e.task for e in found if e.recordings} == {name for name, task in TASKS.items() if task.file}
    entry = next(e for e in found if e.task == "occupancy" and e.how == "stops")
    before = key(entry, 100)
    lesson = TASKS["occupancy"].lesson(800, 0, tmp_path)
    assert lesson.change == 320
    assert np.flatnonzero(lesson.stream.labelled).tolist() == list(range(0, 800, 15))
    stopped, learning_on = (predictions(replace(entry, how=how), lesson, 100) for how in ("stops", "learns"))  # type: ignore[arg-type]
    same = np.flatnonzero((stopped != learning_on).any(axis=1))[0]
    assert same == 331  # check: 330 is the first label behind the change
    (tmp_path / "occupancy_uci.csv.gz").unlink()
    (tmp_path / "my_occupancy.csv").write_text(
        "Temperature,Humidity,Light,CO2,Occupancy\n1,2,x,4,0\n", encoding="utf-8"
    )
    assert key(replace(entry, model=None), 100) != before
    with pytest.raises(rt.RtrlEdgeError, match="numbers in Temperature"):
        TASKS["occupancy"].lesson(800, 0, tmp_path)
    (tmp_path / "my_occupancy.csv").write_text("Temperature\n1\n", encoding="utf-8")
    with pytest.raises(rt.RtrlEdgeError, match="found no 'Humidity'"):
        TASKS["occupancy"].lesson(800, 0, tmp_path)
    (tmp_path / "empty").mkdir()
    assert main(["bench", "learning", "--recordings", str(tmp_path / "empty"), "--out", str(tmp_path / "out")]) == 1
    assert "found none of them" in capsys.readouterr().err


def test_the_watch_goes_to_a_person_and_an_arm_that_were_not_there_before() -> None:
    lesson = TASKS["watch"].lesson(40_000, 3)
    assert len(lesson.stream) == 40_000
    assert 4_000 < len(lesson.stream) - lesson.change < 8_000
    figures = changed_error(np.where(np.arange(40_000)[:, None] < lesson.change, 9.0, lesson.stream.target), lesson)
    assert figures["NMSE"] == 0.0 < figures["NMSE before"]


def test_the_curriculum_grows_with_what_is_learned() -> None:
    x, target = copy_sequence(np.random.default_rng(0), 3)
    n = len(x) // 2 - 1
    assert np.array_equal(x[1 : n + 1] / HIGH, target[n + 2 :])
    assert x[0, 2] == HIGH
    assert (target[: n + 1, 3] == 1.0).all()
    model = rt.Model("net", 4, [rt.LSTM(16)], rt.Linear(4), rt.SoftmaxCrossEntropy(), rt.BPTT(16), rt.SGD(2**-3))
    found = curriculum(started(model, 0), 12_000, 0, True)
    assert found["T"] >= 4 > found[HALF] >= 2
    assert curriculum(started(model, 0), 2_000, 0, False)["T"] == 1


def test_adding_labels_the_sum_of_the_marked_values() -> None:
    lesson = adding(1_000, 0)
    x = lesson.stream.x.reshape(10, 100, 2)
    assert (np.count_nonzero(x[:, :50, 1], axis=1) == 1).all()
    assert (np.count_nonzero(x[:, 50:, 1], axis=1) == 1).all()
    values = np.where(x[:, :, 1] > 0, x[:, :, 0] / HIGH / 2 + 0.5, 0.0).sum(axis=1)
    assert np.allclose(lesson.stream.target[99::100, 0], HIGH * (values - 1.0))
    zero = TASKS["adding"].judge(np.zeros((200_000, 1)), adding(200_000, 1))
    assert zero["MSE"] == pytest.approx(1 / 6, rel=0.1)


def test_copy_asks_for_what_was_said() -> None:
    lesson = copy(500, 0)
    x, target = lesson.stream.x.reshape(10, 50, 10), lesson.stream.target.reshape(10, 50, 8)
    assert np.array_equal(x[:, :5, :8] / HIGH, target[:, 45:])
    assert np.isnan(target[:, :45]).all()
    assert lesson.starts.tolist() == list(range(0, 500, 50))


def test_the_best_guess_of_anbn_is_what_the_page_says() -> None:
    """All is known but where b begins: right unless an a is followed by b before the longest n."""
    lesson = anbn(100_000, 0)
    symbols, labels = lesson.stream.x.argmax(axis=1), lesson.stream.target.argmax(axis=1)
    assert np.array_equal(symbols[1:][symbols[:-1] < 2], labels[:-1][symbols[:-1] < 2])
    surprises = (symbols == 0) & (labels == 1)
    assert 1.0 - surprises.mean() * 15 / 16 == pytest.approx(0.948, abs=0.001)


def test_steps_to_learn_counts_labels() -> None:
    target = np.where(np.arange(9_000) % 3 == 0, 0.9, -0.9)[:, None]
    target[:1_000] = np.nan
    lesson = Lesson(rt.Stream(np.zeros((9_000, 1)), target))
    found = steps_to_learn(np.nan_to_num(target), lesson)
    assert found["steps to 98 %"] == 3217  # check: .5 * .999^n = .02
    assert np.isnan(steps_to_learn(np.zeros((9_000, 1)), lesson)["steps to 98 %"])


# -------------------------------------------------------------------------------------------------- runner


@pytest.mark.parametrize("loss", [rt.SquaredError(), rt.BinaryCrossEntropy(), rt.SoftmaxCrossEntropy()], ids=str)
def test_fast_float_is_the_oracle(loss: rt.SquaredError | rt.BinaryCrossEntropy | rt.SoftmaxCrossEntropy) -> None:
    name = {"SquaredError": "stream add", "BinaryCrossEntropy": "stream anbn"}.get(type(loss).__name__, "stream act")
    stream = TASKS[name].make(300, 0).stream
    inputs, outputs = stream.x.shape[1], stream.target.shape[1]
    optimiser = rt.SGD(2**-3, readout_rate=2**-2, clip=2**-3)
    model = rt.Model("net", inputs, [rt.RNN(6)], rt.Linear(outputs), loss, optimiser=optimiser)
    start = initial(model, 0)
    oracle, expected = Oracle(model, start), []
    for x, target in stream:
        expected.append(oracle.predict(x))
        if target is None:
            oracle.observe()
        else:
            oracle.learn(target)
    assert np.allclose(float_rnn(model, start, stream), expected, rtol=0, atol=1e-12)


def tiny(rule: rt.RTRL | rt.BPTT | rt.ReadoutOnly) -> rt.Model:
    return rt.Model("net", 2, [rt.RNN(4)], rt.Linear(1), rule=rule, optimiser=rt.SGD(2**-4))


@pytest.mark.parametrize("rule", [rt.RTRL(), rt.BPTT(4), rt.ReadoutOnly()], ids=str)
def test_one_build_plays_the_weights_of_every_seed(rule: rt.RTRL | rt.BPTT | rt.ReadoutOnly) -> None:
    integer, lesson = started(tiny(rule), 5), adding(300, 0)
    target = integer.to_target(np.nan_to_num(lesson.stream.target))
    with rt.HostTwin(integer) as twin:
        parts = []
        for begin in (0, 100, 200):
            twin.reset()
            part = slice(begin, begin + 100)
            parts.append(twin.play(integer.to_input(lesson.stream.x[part]), target[part], lesson.stream.labelled[part]))
    assert np.array_equal(play(integer, lesson), integer.from_output(np.concatenate(parts)))


def test_controls_know_only_the_past() -> None:
    lesson = Lesson(rt.Stream(np.zeros((5, 1)), np.array([[1.0], [np.nan], [3.0], [8.0], [np.nan]])))
    last = predictions(Entry("xor 1", "", None, "last value", 1, 5), lesson, 0)
    mean = predictions(Entry("xor 1", "", None, "constant", 1, 5), lesson, 0)
    assert last[:, 0].tolist() == [0.0, 1.0, 1.0, 3.0, 8.0]
    assert mean[:, 0].tolist() == [0.0, 1.0, 1.0, 2.0, 4.0]


def test_finished_runs_are_kept(tmp_path: Path) -> None:
    entries = [
        Entry("xor 1", "RTRL", tiny(rt.RTRL()), "learns", 2, 300),
        Entry("xor 1", "frozen", tiny(rt.ReadoutOnly()), "frozen", 1, 300),
        Entry("xor 1", "float", tiny(rt.RTRL()), "float64", 1, 300),
        Entry("xor 1", "constant", None, "constant", 1, 300),
    ]
    first = run_all(entries, tmp_path, progress=silent)
    kept = (tmp_path / RUNS).read_text(encoding="utf-8")
    assert len(kept.splitlines()) == 1 + 5
    (tmp_path / RUNS).write_text(kept + '{"key": "cut o', encoding="utf-8")
    again = run_all(entries, tmp_path, progress=silent)
    assert str(again) == str(first)  # as text: NaN is not NaN
    assert (tmp_path / RUNS).read_text(encoding="utf-8") == kept + '{"key": "cut o'
    keys = {key(replace(entries[0], steps=steps), seed) for steps in (300, 301) for seed in (0, 1)}
    assert len(keys) == 4
    (tmp_path / RUNS).write_text("mine\n", encoding="utf-8")
    with pytest.raises(FolderError, match="found one that begins with 'mine'"):
        run_all([replace(entries[3], steps=200)], tmp_path, progress=silent)


# ---------------------------------------------------------------------------------------------------- page


def made_up(good: bool) -> learning_marks.Results:
    """Every entry as it would be at its best, or at its worst."""
    outcomes = []
    for entry in learning.entries():
        task = TASKS[entry.task]
        control = entry.how in ("constant", "last value")
        score = 0.99 if task.rising == (good and not control) else 0.001
        if entry.task.startswith("xor"):
            score = 4_000.0 if good and not control else float("nan")
        figures = {"score": score}
        if entry.task == CURRICULUM:
            figures = dict.fromkeys(("T", HALF), 18.0 if good and not control else 1.0)
        outcomes.append(Outcome(entry, [figures] * entry.seeds))
    return learning_marks.Results(outcomes)


def test_every_task_has_its_controls_and_every_mark_its_runs() -> None:
    found = learning.entries()
    here = {name for name, task in TASKS.items() if not task.file}
    assert {e.task for e in found} == here
    for task in here:
        names = [e.name for e in found if e.task == task]
        assert len(set(names)) == len(names)
        for control in (
            "BPTT(48)" if task == CURRICULUM else "BPTT(16)",
            "Trunc1, ",
            "ReadoutOnly, ",
            "last value",
            "constant",
        ):
            assert any(name.startswith(control) for name in names), (task, control)
        assert any(name.endswith("HalfRMSprop") for name in names)
        assert any(name.endswith(", frozen") for name in names)
    states = [{m.state for m in learning_marks.marks(made_up(good))} for good in (True, False)]
    assert states == [{"reached", "not run"}, {"reached", "missed", "not run"}]
    quick = learning.entries(quick=True)
    assert {e.task for e in quick} == here
    assert sum(e.seeds * e.steps for e in quick) < 250_000


def test_pages_say_the_same() -> None:
    found = made_up(True)
    judged = learning_marks.marks(found)
    page = learning_page.markdown(found, judged, "rtrl-edge bench learning")
    assert page.splitlines()[0] == learning_page.MARKDOWN_LINE
    assert page.count("**reached**") == len(judged) - len(learning_marks.NOT_RUN) - 1  # recordings
    figures = sum(len(f) for o in found.outcomes for f in o.figures)
    assert len(learning_page.csv_text(found).splitlines()) == 1 + figures
    assert "reached  delayed XOR, delay 3, RTRL, RNN(8), R16" in learning_page.text(found, judged)
    plain = learning_page.figures(found, judged)
    assert plain["marks"][0]["state"] == "reached"  # type: ignore[index]
    assert sum(len(t["entrants"]) for t in plain["tasks"]) == len(learning.entries())  # type: ignore[attr-defined]
    few = learning_marks.Results(found.of("xor 3"))
    assert "<svg" in learning_page.render(few, judged, "rtrl-edge bench learning")


def test_the_page_in_the_docs_is_of_this_benchmark() -> None:
    """The numbers are those of a long run; what ran must be what would run now."""
    page = Path(__file__).parent.parent / "docs" / "learning.md"
    lines = page.read_text(encoding="utf-8").splitlines()
    assert lines[0] == learning_page.MARKDOWN_LINE
    for entry in learning.entries():
        assert any(line.startswith(f"| {entry.name} | ") for line in lines), f"{entry.task}: {entry.name}"
