"""A recording that is read a piece at a time gives what it gives as a whole, in memory that does not grow with it."""

from __future__ import annotations

import json
import tracemalloc
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

import rtrl_edge as rt
from rtrl_edge import stream_file
from rtrl_edge.cli import main
from rtrl_edge.errors import DataError
from rtrl_edge.evaluate import contest
from rtrl_edge.evaluate.prequential import Run
from rtrl_edge.evaluate.tally import Tally
from rtrl_edge.stream_file import load_stream, open_stream

from .models import integer_model, random_stream
from .needs import needs

MODEL = """
import rtrl_edge as rt
from tests.models import integer_model


def build():
    return integer_model(4, 2, 2)
"""


class SilentBar:
    def __init__(self, *_: object) -> None: ...

    def __call__(self, count: int) -> None: ...

    def close(self) -> None: ...


def written(path: Path, samples: int, labels: bool = True) -> Path:
    """Two inputs, two labels of which every tenth is missing, empty lines here and there."""
    stream = random_stream(2, 2, samples)
    if path.suffix == ".npy":
        np.save(path, stream.x)
        return path
    names = ["a", "b", *(["target_a", "target_b"] if labels else [])]
    rows = (np.concatenate([stream.x, stream.target], axis=1) if labels else stream.x).tolist()
    lines = [",".join("" if v != v else repr(v) for v in row) + "\n" * (1 + t % 7 // 6) for t, row in enumerate(rows)]
    path.write_text(",".join(names) + "\n" + "\n".join(lines), encoding="utf-8")
    return path


def same(a: rt.Stream, b: rt.Stream) -> bool:
    return np.array_equal(a.x, b.x) and np.array_equal(a.target, b.target, equal_nan=True)


@pytest.mark.parametrize("steps", [None, 1, 7, 49, 50, 1000])
@pytest.mark.parametrize("size", [1, 7, 49, 50, 51, 1000])
@pytest.mark.parametrize("name", ["labels.csv", "next.csv", "next.npy"])
def test_pieces_are_the_whole(
    name: str, size: int, steps: int | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Blocks that end before, at and after the file's end; the label of a block's last sample is in the next one."""
    monkeypatch.setattr(stream_file, "CHUNK", size)
    path = written(tmp_path / name, 50, labels=name == "labels.csv")
    whole, source = load_stream(path)[:steps], open_stream(path, steps)
    assert (len(source), source.widths, source.channels) == (len(whole), whole.widths, whole.channels)
    assert source.predicts_next_sample == whole.predicts_next_sample
    for again in (3, size):
        pieces = list(source.chunks(again))
        assert max(map(len, pieces)) <= again
        assert same(rt.Stream(np.concatenate([p.x for p in pieces]), np.concatenate([p.target for p in pieces])), whole)


@pytest.mark.parametrize("size", [2, 10, 100])
@pytest.mark.parametrize("wrong", [None, 10, 11])
def test_labels_that_are_the_next_sample(
    size: int, wrong: int | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also across two blocks; a label that is missing says nothing."""
    monkeypatch.setattr(stream_file, "CHUNK", size)
    x = np.random.default_rng(0).normal(size=(41, 1))
    target = x[1:].copy()
    target[5] = np.nan
    if wrong is not None:
        target[wrong - 1] = 9.0
    rows = [
        f"{a!r},{'' if b != b else repr(b)}" for a, b in zip(x[:-1, 0].tolist(), target[:, 0].tolist(), strict=True)
    ]
    path = tmp_path / "a.csv"
    path.write_text("a,target\n" + "\n".join(rows), encoding="utf-8")
    assert open_stream(path).predicts_next_sample == (wrong is None)
    assert load_stream(path).predicts_next_sample == (wrong is None)


def test_npz_is_played_as_a_whole(tmp_path: Path) -> None:
    stream = random_stream(2, 2, 30)
    np.savez(tmp_path / "a.npz", x=stream.x, target=stream.target, fs=50.0)
    source = open_stream(tmp_path / "a.npz", 20)
    assert isinstance(source, rt.Stream)
    assert same(source, stream[:20])
    assert source.rate_hz == 50.0


@pytest.mark.parametrize(
    ("write", "message"),
    [
        (lambda path: np.save(path, np.zeros(5)), r"wanted at least two samples of shape .* found \(5,\)"),
        (lambda path: np.save(path, np.zeros((1, 2))), r"wanted at least two samples .* found \(1, 2\)"),
        (lambda path: np.save(path, np.array([[1.0], [np.inf], [2.0]])), r"x\[1, 0\] is inf; every sample must be fin"),
        (lambda path: np.save(path, np.array([["a"], ["b"]])), r"x must be numbers .*could not convert"),
        (lambda path: np.save(path, np.array([[{}], [1]])), "not a readable .npy file .*; save an array of numbers"),
        (lambda path: path.write_bytes(b"\x93NUMPY nothing"), "not a readable .npy file"),
        (lambda path: path.write_bytes(b""), "not a readable .npy file"),
    ],
)
def test_npy_files(write: Callable[[Path], object], message: str, tmp_path: Path) -> None:
    write(tmp_path / "a.npy")
    for read in (load_stream, open_stream):
        with pytest.raises(DataError, match=f"a.npy: {message}"):
            read(tmp_path / "a.npy")


def test_a_late_mistake_is_told_before_anything_is_played(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """By its line, or by its sample."""
    path = written(tmp_path / "a.csv", 60)
    path.write_text(path.read_text(encoding="utf-8") + "\n1,2,3,\n", encoding="utf-8")
    line = len(path.read_text(encoding="utf-8").splitlines())
    with pytest.raises(DataError, match=rf"a.csv, line {line}: target row 60 is \[3.0, nan\]"):
        open_stream(path)
    x = np.zeros((70, 1))
    x[66] = np.nan
    np.save(tmp_path / "a.npy", x)
    with pytest.raises(DataError, match=r"a.npy: x\[66, 0\] is nan"):
        open_stream(tmp_path / "a.npy")
    monkeypatch.setattr(stream_file, "CHUNK", 50)
    assert len(open_stream(tmp_path / "a.npy", 45)) == 45  # the next block is not played, and not looked at


# --------------------------------------------------------------------------------------------------- simulate


@pytest.mark.parametrize("name", ["a.csv", "a.npy"])
def test_simulate_in_pieces(
    name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """What it says, every prediction, and all figures but for the last digits of float64, at any size of pieces."""
    needs("gcc")
    path, model = written(tmp_path / name, 230), tmp_path / "model.py"
    model.write_text(MODEL, encoding="utf-8")
    figures, predictions = tmp_path / "figures.json", tmp_path / "predictions.csv"
    command = ["simulate", str(model), str(path), "--json", str(figures), "--out", str(predictions)]
    found = []
    for size in (1000, 60, 17):
        monkeypatch.setattr(contest, "CHUNK", size)
        assert main(command) == 0
        texts = [path.read_text(encoding="utf-8") for path in (predictions, figures)]
        found.append((capsys.readouterr().out, texts[0], json.loads(texts[1])))
    (said, rows, numbers), *others = found
    for said_again, rows_again, numbers_again in others:
        assert said_again == said
        assert rows_again == rows
        for a, b in zip(numbers["contenders"], numbers_again["contenders"], strict=True):
            assert a["name"] == b["name"]
            for part in a["by_part"]:
                for key, value in a["by_part"][part].items():
                    assert b["by_part"][part][key] == pytest.approx(value, rel=1e-12), (a["name"], part, key)
    assert len(rows.splitlines()) == 2 + len(open_stream(path))


@pytest.mark.parametrize("labels", [True, False])
def test_a_tally_says_what_the_whole_run_says(labels: bool) -> None:
    """With missing labels, a constant channel, a large offset, and a part without labels."""
    rng = np.random.default_rng(3)
    target = rng.normal([1e6, 0.1, 5.0], [1.0, 0.0, 3.0], (500, 3))
    target[rng.random(500) < 0.3] = np.nan
    target[100:140] = np.nan
    if not labels:
        target[:] = np.nan
    run = Run(target + rng.normal(0.0, 0.2, target.shape), target)
    run.prediction[np.isnan(target)] = 7.0
    ranges = [(0, 500), (375, 500), (90, 130), (100, 140), (499, 500)]
    tally = Tally(3, 500, ranges)
    for start in range(0, 500, 37):
        piece = slice(start, start + 37)
        tally.add(Run(run.prediction[piece], run.target[piece]))
    if not labels:
        with pytest.raises(DataError, match="no sample of it has a label"):
            tally.nrmse()
        return
    assert len(tally) == 500
    for start, stop in ranges:
        for key, value in run.figures(start, stop).items():
            assert tally.figures(start, stop)[key] == pytest.approx(value, rel=1e-9, nan_ok=True), (start, stop, key)
        assert tally.nrmse(start, stop) == pytest.approx(run.nrmse(start, stop), rel=1e-9, nan_ok=True)


def test_plots_need_the_whole_run() -> None:
    needs("gcc")
    model, stream = integer_model(2, 1, 1), random_stream(1, 1, 40)
    report = contest.simulate(model, stream, progress=SilentBar, whole=False)
    with pytest.raises(DataError, match="only the errors were kept; play it whole to draw it"):
        assert report.contenders[0].whole


def test_memory_does_not_grow_with_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Four times the samples, the same peak: of reading, playing and judging; a run that is kept whole does grow."""
    needs("gcc")
    for module in (contest, stream_file):
        monkeypatch.setattr(module, "CHUNK", 80)
    model = integer_model(2, 2, 2)

    def peak(samples: int, whole: bool = False) -> int:
        path = written(tmp_path / f"{samples}.csv", samples)
        tracemalloc.start()
        try:
            with (tmp_path / "out.csv").open("w") as file:
                said = contest.Predictions(2, file.write)
                contest.simulate(model, open_stream(path), progress=SilentBar, whole=whole, said=said)
            return tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()

    peak(100)  # what is imported and cached at first use
    small, large = peak(400), peak(1600)
    assert large < 1.1 * small
    assert peak(1600, whole=True) > 1.5 * small
