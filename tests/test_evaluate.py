"""Recordings, the prequential protocol, the float controls and the report."""

from __future__ import annotations

import html
import json
import re
import sys

import numpy as np
import numpy.typing as npt
import pytest

import rtrl_edge as rt
from rtrl_edge.assets import examples_dir
from rtrl_edge.errors import DataError, RtrlEdgeError
from rtrl_edge.evaluate import (
    Contender,
    Mean,
    OnlineAR,
    Part,
    Persistence,
    Report,
    Resource,
    RLSReadout,
    Run,
    Verdict,
    conclusions,
    daphnet,
    delayed_xor,
    error_table,
    figures,
    mackey_glass,
    play,
    prequential,
    render,
    standard_controls,
    text_table,
    watch,
)
from rtrl_edge.model import Cell, catalogue
from rtrl_edge.oracle import Oracle
from rtrl_edge.stream import Float, Stream, next_sample
from rtrl_edge.weights import initial


class ToyConverter:
    """One unit is 1/100."""

    def to_input(self, x: npt.ArrayLike) -> npt.NDArray[np.int16]:
        return np.round(np.asarray(x) * 100).astype(np.int16)

    to_target = to_input

    def from_output(self, y: npt.ArrayLike) -> Float:
        return np.asarray(y, dtype=np.float64) / 100


class ToyDevice:
    """Predicts state + bias; the state follows the input when a step is completed, the bias the label."""

    def __init__(self, width: int) -> None:
        self.seen = np.zeros(width, dtype=np.int64)
        self.bias = np.zeros(width, dtype=np.int64)
        self.influence = 0  # every sample must be completed exactly once
        self.pending = False
        self.calls: list[str] = []

    def _predict(self, x: npt.NDArray[np.int16]) -> npt.NDArray[np.int16]:
        if self.pending:
            self._complete()
        self.seen = (self.seen + x) // 2
        self.pending = True
        return (self.seen + self.bias).astype(np.int16)

    def _complete(self) -> None:
        assert self.pending
        self.pending = False
        self.influence += 1

    def _learn(self, target: npt.NDArray[np.int16]) -> None:
        self._complete()
        self.bias += np.sign(target - self.seen - self.bias)

    def predict(self, x: npt.NDArray[np.int16]) -> npt.NDArray[np.int16]:
        self.calls.append("predict")
        return self._predict(x)

    def learn(self, target: npt.NDArray[np.int16]) -> None:
        self.calls.append("learn")
        self._learn(target)

    def observe(self) -> None:
        self.calls.append("observe")
        self._complete()

    def reset(self) -> None:
        self.seen[:] = 0

    def state(self) -> dict[str, npt.NDArray[np.generic]]:
        return {
            "seen": self.seen,
            "bias": self.bias,
            "influence": np.array(self.influence),
            "pending": np.array(self.pending),
        }

    def close(self) -> None:
        pass

    def __enter__(self) -> ToyDevice:
        return self

    def __exit__(self, *exc: object) -> None:
        pass


class PipelinedToy(ToyDevice):
    def step(self, target: npt.NDArray[np.int16], x: npt.NDArray[np.int16]) -> npt.NDArray[np.int16]:
        self.calls.append("step")
        self._learn(target)
        return self._predict(x)


def walk(samples: int, seed: int = 0, missing: tuple[int, ...] = ()) -> Stream:
    x = np.cumsum(np.random.default_rng(seed).normal(0, 0.1, (samples + 1, 2)), axis=0)
    target = x[1:].copy()
    target[list(missing)] = np.nan
    return Stream(x[:-1], target, 25.0, ("left", "right"))


# ------------------------------------------------------------------------------------- recordings


def test_watch_parts_and_change():
    recording = watch()
    known, new = recording.parts
    assert recording.changes == (known.stop,) == (new.start,)
    assert (known.start, new.stop) == (0, len(recording.future))
    assert 20_000 < len(recording.past) < 30_000
    assert len(recording.future) > 6_000
    assert recording.past.rate_hz == recording.future.rate_hz == 25.0
    assert recording.past.channels == recording.future.channels == ("ax", "ay", "az", "wx", "wy", "wz")

    with np.load(examples_dir() / "data" / "watch_har_25hz.npz") as data:
        x, lengths = data["x"] / data["scale"], data["seg_len"]
        own = np.repeat((data["subject"] == 7) & (data["side"] == 0), lengths)
        first = next(
            np.split(x, np.cumsum(lengths)[:-1])[i]
            for i in range(len(lengths))
            if (data["subject"][i], data["side"][i], data["label"][i]) == (7, 0, 0)
        )
    assert np.array_equal(recording.future.x[new.start : new.start + len(first)], first)  # the change is where it says
    assert int(own.sum()) == new.stop - new.start
    rows = {tuple(row) for row in recording.past.x}
    assert np.mean([tuple(row) in rows for row in recording.future.x]) < 0.01  # nothing of the future is in the past


def test_watch_labels_stop_at_borders():
    recording = watch()
    for stream, segments in ((recording.past, 6 * 7), (recording.future, 2 * 7 + 7)):
        assert int((~stream.labelled).sum()) == segments
        assert not stream.labelled[-1]
        inside = np.flatnonzero(stream.labelled)
        assert np.array_equal(stream.target[inside], stream.x[inside + 1])
    assert not recording.future.labelled[recording.changes[0] - 1]


def test_watch_refuses_what_is_not_there():
    with pytest.raises(DataError, match="'left' or 'right'"):
        watch(arm="up")
    with pytest.raises(DataError, match="no person 11"):
        watch(new_people=(11,))
    with pytest.raises(DataError, match="new_people must not"):
        watch(new_people=(1,))
    with pytest.raises(DataError, match="between 0 and 1"):
        watch(held_out=1.0)


def test_daphnet():
    stream = daphnet()
    assert stream.x.shape == stream.target.shape == (7039, 9)
    assert stream.rate_hz == 64.0
    assert stream.channels[0] == "ankle_horiz_fwd"


def test_mackey_glass():
    stream = mackey_glass(2000, seed=1)
    assert stream.x.shape == stream.target.shape == (2000, 1)
    assert np.array_equal(stream.x[1:], stream.target[:-1])
    assert np.array_equal(stream.x, mackey_glass(2000, seed=1).x)
    assert not np.array_equal(stream.x, mackey_glass(2000, seed=2).x)
    assert 0.2 < stream.x.min() < 0.6 < 1.2 < stream.x.max() < 1.5  # the attractor's well-known range
    slope = np.diff(stream.x[:, 0])[17:]  # the delay equation itself, up to the coarse step
    late, now = stream.x[:-18, 0], stream.x[17:-1, 0]
    assert np.corrcoef(slope, 0.2 * late / (1 + late**10) - 0.1 * now)[0, 1] > 0.97


def test_delayed_xor():
    stream = delayed_xor(500, delay=3, seed=0)
    assert set(np.unique(stream.x)) == {-0.9, 0.9}
    assert not stream.labelled[:3].any()
    assert stream.labelled[3:].all()
    odd = stream.x[:-3, 0] != stream.x[:-3, 1]
    assert np.array_equal(stream.target[3:, 0], np.where(odd, 0.9, -0.9))
    assert len(delayed_xor(2, delay=5, seed=0)) == 2
    with pytest.raises(DataError, match="0 or more"):
        delayed_xor(5, delay=-1, seed=0)


# ---------------------------------------------------------------------------------------- controls


def test_autoregression_finds_the_sinusoid():
    t = np.arange(2001)
    stream = next_sample(np.sin(0.3 * t)[:, None] + 0.5)  # order 2 and a bias are exact
    for method in ("rls", "nlms"):
        run = play(OnlineAR(1, 1, order=2, method=method, rate=1.0, forgetting=0.99), stream)
        assert run.nrmse(0, 20) > run.nrmse(1000), method
        assert run.nrmse(1000) < 1e-3, method
    assert play(OnlineAR(1, 1, order=2, forgetting=0.99), stream).nrmse(1900) < 1e-5


def test_persistence_has_its_analytic_error():
    t = np.arange(20_000)
    run = play(Persistence(), next_sample(np.sin(0.3 * t)[:, None]))
    assert run.nrmse() == pytest.approx(2 * np.sin(0.15), rel=1e-3)  # rms of sin(w(t+1)) - sin(wt), over that of sin
    assert run.rmse_by_channel()[0] == pytest.approx(2 * np.sin(0.15) / np.sqrt(2), rel=1e-3)


def test_persistence_of_labels_and_mean():
    stream = Stream(np.zeros((4, 1)), np.array([[1.0, 2.0], [3.0, 4.0], [np.nan, np.nan], [5.0, 6.0]]))
    assert play(Persistence(False, 2), stream).prediction.tolist() == [[0, 0], [1, 2], [3, 4], [3, 4]]
    assert play(Mean(2), stream).prediction.tolist() == [[0, 0], [1, 2], [2, 3], [2, 3]]
    assert "last value" in standard_controls(stream)


def test_autoregression_stays_finite_at_rest_and_after():
    x = np.zeros((6000, 2))
    x[:500] = np.random.default_rng(0).normal(size=(500, 2))
    x[5500:] = 50.0 * np.random.default_rng(1).normal(size=(500, 2))
    x += np.array([1e3, -1e-6])
    run = play(OnlineAR(2, 2, forgetting=0.99), next_sample(x))
    assert np.isfinite(run.prediction).all()
    assert np.abs(run.prediction[:5500] - x[:5500]).max() < 1e3
    assert run.nrmse(5600) < 3 * play(Persistence(), next_sample(x)).nrmse(5600)


def test_autoregression_follows_a_change():
    rng = np.random.default_rng(0)
    x = np.zeros((6000, 1))
    for t in range(2, len(x)):
        a = 1.6 if t < 3000 else -1.6
        x[t] = a * x[t - 1] - 0.9 * x[t - 2] + rng.normal()
    stream = next_sample(x)
    online = play(OnlineAR.pretrained(stream[:3000], forgetting=0.99), stream[3000:])
    frozen = play(OnlineAR.pretrained(stream[:3000]), stream[3000:], learn=False)
    noise = online.rmse_by_channel(1000)[0]  # nothing can do better than 1, the noise itself
    assert noise == pytest.approx(1.0, rel=0.08)
    assert frozen.nrmse() > 3 * online.nrmse()


@pytest.mark.parametrize("options", [{"order": 0}, {"method": "magic"}, {"forgetting": 0.0}, {"ridge": -1.0}])
def test_autoregression_refuses(options):
    with pytest.raises(DataError, match=r"OnlineAR|RLS"):
        OnlineAR(1, 1, **options)


@pytest.mark.parametrize("cell", [rt.RNN(6), rt.LSTM(4), rt.Jordan(6)], ids=repr)
def test_the_readout_by_least_squares(cell: Cell) -> None:
    """It starts as the frozen network, ends at the least squares of its states, and beats the frozen one by far."""
    stream = mackey_glass(600, 0)
    model = rt.Model("net", 1, [cell], catalogue.readout(cell, 1))
    start = initial(model, 1)
    integer = rt.quantize(model, rt.Weights(start.W, start.V), stream)
    frozen = play(RLSReadout(integer), stream, learn=False)
    oracle = Oracle(model, integer.float_weights())
    wanted = [integer.scaling.physical(oracle.predict(integer.scaling.inputs(x))) for x in stream.x]
    np.testing.assert_allclose(frozen.prediction, wanted, atol=1e-12)
    run = play(RLSReadout(integer), stream)
    assert run.nrmse(300) < 0.5 * frozen.nrmse(300)
    fitted, states = RLSReadout(integer, forgetting=1.0, ridge=1e-9), []
    for x, target in stream:
        fitted.predict(x)
        states.append(fitted._z.copy())
        if target is not None:
            fitted.learn(target)
    known = stream.labelled
    best = np.linalg.lstsq(np.array(states)[known], integer.scaling.outputs(stream.target[known]), rcond=None)[0]
    found = np.array(states)[known] @ fitted._rls.A.T
    np.testing.assert_allclose(found, np.array(states)[known] @ best, atol=2e-3)


def test_nobody_looks_ahead():
    stream, past = walk(300, missing=(50, 51)), walk(200, seed=1)
    later = (np.arange(300) >= 200)[:, None] * 7.0
    other = Stream(stream.x + later, stream.target + np.vstack([later[1:], later[-1:]]))
    network = rt.Model("net", 2, [rt.RNN(4)], rt.Linear(2))
    start = initial(network, 1)
    model = rt.quantize(network, rt.Weights(start.W, start.V), stream[:150])
    for name, control in standard_controls(stream, past, model).items():
        twin = standard_controls(other, past, model)[name]
        assert np.array_equal(play(control, stream).prediction[:200], play(twin, other).prediction[:200]), name
    for device in (ToyDevice, PipelinedToy):
        runs = [prequential(device(2), ToyConverter(), s) for s in (stream, other)]
        assert np.array_equal(runs[0].prediction[:200], runs[1].prediction[:200])


# ------------------------------------------------------------------------------------- prequential


@pytest.mark.parametrize("missing", [(), (0,), (99,), (0, 1, 50, 98, 99), tuple(range(1, 100))])
@pytest.mark.parametrize("learn", [True, False])
def test_step_path_equals_predict_and_learn(missing, learn):
    stream = walk(100, missing=missing)
    plain, pipelined, ticks = ToyDevice(2), PipelinedToy(2), []
    a = prequential(plain, ToyConverter(), stream, learn=learn, progress=ticks.append)
    b = prequential(pipelined, ToyConverter(), stream, learn=learn)
    assert np.array_equal(a.outputs, b.outputs)
    assert {k: v.tolist() for k, v in plain.state().items()} == {k: v.tolist() for k, v in pipelined.state().items()}
    assert plain.influence == 100
    assert sum(ticks) == 100
    labelled = 100 - len(missing) if learn else 0
    assert plain.calls.count("learn") == labelled
    assert plain.calls.count("observe") == 100 - labelled
    assert pipelined.calls.count("step") + pipelined.calls.count("learn") == labelled
    assert plain.bias.any() == learn


def test_unlabelled_samples_have_no_error():
    stream = walk(50, missing=(3, 4, 49))
    run = prequential(ToyDevice(2), ToyConverter(), stream)
    assert np.isnan(run.squared_error[[3, 4, 49]]).all()
    assert np.isfinite(run.prediction).all()
    assert np.isnan(run.nrmse(3, 5))
    assert run.figures()["labelled_samples"] == 47
    assert run.nrmse() == pytest.approx(float(np.sqrt(np.nanmean(run.squared_error))))


def test_errors_are_in_units_of_each_channel():
    target = np.column_stack([np.tile([-1.0, 1.0], 50), np.tile([-100.0, 100.0], 50)])
    run = Run(target + np.array([0.1, 20.0]), target)
    assert run.nrmse_by_channel() == pytest.approx([0.1, 0.2])
    assert run.rmse_by_channel() == pytest.approx([0.1, 20.0])
    assert run.nrmse() == pytest.approx(np.sqrt((0.01 + 0.04) / 2))
    assert Run(np.full_like(target, target.mean(axis=0)), target).nrmse() == pytest.approx(1.0)


def test_running_error():
    run = Run(np.zeros((6, 1)), np.array([[1.0], [-1.0], [np.nan], [np.nan], [3.0], [-3.0]]))
    window = run.running_nrmse(2) * run.deviation[0]
    assert window[:3] == pytest.approx([1.0, 1.0, 1.0])
    assert np.isnan(window[3])
    assert window[4:] == pytest.approx([3.0, 3.0])


def test_run_without_any_label():
    with pytest.raises(DataError, match="no sample of it has a label"):
        Run(np.zeros((3, 1)), np.full((3, 1), np.nan)).nrmse()


# ------------------------------------------------------------------------------------------ report


def report(learning_error: float = 0.1) -> Report:
    rng = np.random.default_rng(0)
    target = np.sin(np.arange(1200) * 0.2)[:, None] * np.array([1.0, 2.0])
    target[599] = np.nan

    def run(before: float, after: float) -> Run:
        size = np.where(np.arange(1200) < 600, before, after)[:, None]
        return Run(target + size * rng.normal(size=target.shape), target)

    return Report(
        "Gait <b>& more",
        [
            Contender("RTRL", "learning", run(0.1, learning_error), "learns <everything>"),
            Contender("frozen", "frozen", run(0.1, 0.6)),
            Contender("readout only", "readout", run(0.1, 0.4)),
            Contender("linear <AR>", "control", run(0.3, 0.2)),
        ],
        [Part("known", 0, 600), Part("new & other", 600, 1200)],
        lead="An <i>italic</i> lead.",
        facts={"command": "rtrl-edge demo --name '<x>'"},
        rate_hz=25.0,
        channels=("a<", "b>"),
        ram_bytes={"weights": 1000, "influence": 9000, "none": 0},
        board_ram_bytes=65536,
        resources=[
            Resource("RAM", 10000, 10000, "B"),
            Resource("instructions per learn", None, 123456, "", "in <qemu>"),
        ],
        verdicts=[Verdict(True, "NumPy = chip"), Verdict(False, "J[3] <differs>")],
    )


@pytest.fixture(scope="module")
def page() -> str:
    pytest.importorskip("matplotlib")
    return render(report())


def test_page_says_everything(page):
    text = html.unescape(re.sub(r"<[^>]*>", " ", page))
    for wanted in (
        "Gait <b>& more", "An <i>italic</i> lead.", "rtrl-edge demo --name '<x>'", "new & other",
        "linear <AR>", "learns <everything>", "NumPy = chip", "J[3] <differs>",
        "influence", "10,000 B", "65,536 B", "123,456", "in <qemu>",
    ):  # fmt: skip
        assert wanted in text, wanted
    assert page.count('class="best"') == 2
    assert page.count("<svg") == 4  # two plots, each for wide and narrow screens


def test_page_is_self_contained_escaped_and_reproducible(page):
    assert "http" not in page
    assert not re.search(r"<(script|link|img|iframe|object)\b|@import|url\((?!#)", page)
    assert "<b>&" not in page
    assert "<everything>" not in page
    assert not re.search(r"#0a00", page)  # every stand-in colour has become the page's
    assert "prefers-color-scheme: dark" in page
    assert "width=device-width" in page
    assert page == render(report())


def test_page_with_the_bare_minimum():
    pytest.importorskip("matplotlib")
    run = play(Persistence(), walk(40))
    text = render(Report("Bare", [Contender("last value", "control", run)], [Part("all", 0, 40)]))
    assert "Bare" in text
    assert "RAM map" not in text
    assert "before and after" not in text


def test_missing_matplotlib_names_the_extra(monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    with pytest.raises(RtrlEdgeError, match=r"rtrl-edge\[report\]"):
        render(report())


def test_conclusions_are_honest():
    won = conclusions(report(0.1))
    assert not any("linear <AR>" in s for s in won)
    assert any("New & other" in s and "less error than “frozen”" in s for s in won)
    lost = conclusions(report(0.5))
    assert any("New & other" in s and "“linear <AR>” beats the learning device" in s for s in lost)
    assert any("New & other" in s and "more error than “readout only”" in s for s in lost)


def test_tables_for_the_terminal():
    table = text_table(["name", "B"], [["long name", 12345], ["x", None], ["y", 0.5]], indent=2)
    assert table.splitlines() == [
        "  name            B",
        "  ---------  ------",
        "  long name  12,345",
        "  x               -",
        "  y           0.500",
    ]
    lines = error_table(report()).splitlines()
    assert len({line.rstrip()[-1] for line in lines[2:]} - set("0123456789")) == 0
    assert sum(line.count("*") for line in lines) == 2


def test_figures_are_plain_data():
    data = json.loads(json.dumps(figures(report())))
    assert data["contenders"][0]["by_part"]["known"]["labelled_samples"] == 599
    assert data["contenders"][0]["all"]["nrmse_per_channel_std"] > 0
    assert data["ram_bytes"]["influence"] == 9000
    assert data["verdicts"][1]["passed"] is False
