"""The report of a run: one HTML file that opens offline, and the same figures as text and as plain data.

Pure functions from values to text; the command line fills in a :class:`Report` and writes the file.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from html import escape
from typing import Literal

import numpy as np

from ..errors import DataError
from ..stream import Float
from . import plots
from .page import legend, page, ram_section, section, table
from .prequential import Run
from .recordings import Part
from .tables import text_table
from .tally import Errors

Role = Literal["learning", "frozen", "readout", "control"]

WINDOW_S = 10.0  # of the running error
STRETCH_S = 4.0  # of signal that is shown
BACK_TO_FRONT: list[Role] = ["control", "readout", "frozen", "learning"]
LEGEND = """\
NRMSE: root mean squared error of predictions made before the label was seen, each channel in units of its
standard deviation: 0 is perfect, 1 the best constant. * the best of its column."""
EQUAL = 0.005  # relative difference that is not called one
WINDOW_SAMPLES, STRETCH_SAMPLES = 250, 100  # the same if the rate is not known


@dataclass(frozen=True, eq=False)
class Contender:
    """One line of the table.

    Args:
        name: as shown.
        role: "learning" is the device the report is about, "frozen" its copy that does not learn, "readout"
            the copy whose readout alone learns; all else is a "control".
        run: how wrong it was, on the same stream as all others; a Run has its predictions too, for plots.
        detail: small print below the name.
    """

    name: str
    role: Role
    run: Errors
    detail: str = ""

    @property
    def whole(self) -> Run:
        """Its run with every prediction, which plots need."""
        if not isinstance(self.run, Run):
            raise DataError(f"report: of '{self.name}' only the errors were kept; play it whole to draw it")
        return self.run


@dataclass(frozen=True)
class Resource:
    """What was planned and what was measured; None is not known."""

    what: str
    planned: float | None
    measured: float | None
    unit: str
    note: str = ""


@dataclass(frozen=True)
class Verdict:
    """A comparison that was made, in a sentence."""

    passed: bool
    text: str


@dataclass(frozen=True, eq=False)
class Report:
    """All that a report shows.

    Args:
        title, lead: heading and the sentence below it.
        facts: what was run, by name: command, model, digest, board ...
        contenders: in the order of the table; all runs on the same stream. At most one "learning".
        parts: situations of the stream; the columns of the table.
        rate_hz, channels: of the stream, if known.
        ram_bytes: group of the state struct -> bytes.
        board_ram_bytes: RAM of the board.
        resources: planned against measured.
        verdicts: bit-for-bit comparisons.
    """

    title: str
    contenders: Sequence[Contender]
    parts: Sequence[Part]
    lead: str = ""
    facts: Mapping[str, str] = field(default_factory=dict)
    rate_hz: float | None = None
    channels: Sequence[str] = ()
    ram_bytes: Mapping[str, int] = field(default_factory=dict)
    board_ram_bytes: int | None = None
    resources: Sequence[Resource] = ()
    verdicts: Sequence[Verdict] = ()

    def errors(self) -> list[list[float]]:
        """NRMSE of each contender (rows) in each part (columns)."""
        return [[c.run.nrmse(p.start, p.stop) for p in self.parts] for c in self.contenders]

    def best(self) -> list[int | None]:
        """For each part, the row of the contender with the lowest error; None without a label there."""
        columns = np.array(self.errors()).T
        return [None if np.isnan(column).all() else int(np.nanargmin(column)) for column in columns]

    def one(self, role: Role) -> Contender | None:
        """The first contender in a role."""
        return next((c for c in self.contenders if c.role == role), None)


# ------------------------------------------------------------------------------------------- as text


def error_table(report: Report) -> str:
    """The prequential errors for a terminal; the best of each column carries a star."""
    best = report.best()
    rows = [
        [contender.name, *(("* " if best[j] == i else "") + _error(e) for j, e in enumerate(errors))]
        for i, (contender, errors) in enumerate(zip(report.contenders, report.errors(), strict=True))
    ]
    return text_table(["prequential NRMSE", *(part.label for part in report.parts)], rows)


def conclusions(report: Report) -> list[str]:
    """What the table says, in sentences: learning against not learning, and who beats the learning device."""
    return [text for _, text in _conclusions(report)]


def figures(report: Report) -> dict[str, object]:
    """The report's numbers as plain data, units in the names."""
    return {
        "title": report.title,
        "facts": dict(report.facts),
        "parts": [{"label": p.label, "start_sample": p.start, "stop_sample": p.stop} for p in report.parts],
        "contenders": [
            {
                "name": c.name,
                "role": c.role,
                "all": c.run.figures(),
                "by_part": {p.label: c.run.figures(p.start, p.stop) for p in report.parts},
            }
            for c in report.contenders
        ],
        "ram_bytes": dict(report.ram_bytes),
        "board_ram_bytes": report.board_ram_bytes,
        "resources": [
            {"what": r.what, "planned": r.planned, "measured": r.measured, "unit": r.unit} for r in report.resources
        ],
        "verdicts": [{"passed": v.passed, "text": v.text} for v in report.verdicts],
        "conclusions": conclusions(report),
    }


def _conclusions(report: Report) -> list[tuple[bool, str]]:
    """(lost, sentence): lost marks what speaks against the learning device."""
    learner = report.one("learning")
    if learner is None:
        return []
    found = []
    for part in report.parts:
        mine = learner.run.nrmse(part.start, part.stop)
        if math.isnan(mine):
            continue
        where = part.label[:1].upper() + part.label[1:]
        for other in report.contenders:
            error = other.run.nrmse(part.start, part.stop)
            if other.role in ("frozen", "readout"):
                found.append(_against(where, mine, other.name, error))
            elif other.role == "control" and error < mine:
                digits = next((d for d in (3, 4, 5) if f"{error:.{d}f}" != f"{mine:.{d}f}"), 6)
                numbers = f"{error:.{digits}f} against {mine:.{digits}f}"
                found.append((True, f"{where}: the control “{other.name}” beats the learning device, {numbers}."))
    if not any(lost for lost, _ in found) and any(c.role == "control" for c in report.contenders):
        found.append((False, "No contender beats the learning device in any part."))
    return found


def _against(where: str, mine: float, other_name: str, other: float) -> tuple[bool, str]:
    """Learning against a copy that does not learn, or not everywhere."""
    change = (mine - other) / other if other > 0 else 0.0
    numbers = f"{mine:.3f} against {other:.3f}"
    if abs(change) < EQUAL:
        return False, f"{where}: the learning device does as well as “{other_name}”, {numbers}."
    how = "less" if change < 0 else "more"
    return (
        change > 0,
        f"{where}: the learning device makes {abs(change):.0%} {how} error than “{other_name}”, {numbers}.",
    )


def _error(value: float) -> str:
    return "–" if math.isnan(value) else f"{value:.3f}"


# ------------------------------------------------------------------------------------------- as HTML


def render(report: Report) -> str:
    """The report as one HTML page without scripts, links or files beside it.

    Raises RtrlEdgeError if matplotlib is not installed.
    """
    sections = [
        _errors_section(report),
        _time_section(report),
        _signal_section(report),
        _verdicts_section(report),
        _resources_section(report),
        ram_section(report.ram_bytes, report.board_ram_bytes),
        _facts_section(report),
    ]
    return page(report.title, report.lead, sections)


def _errors_section(report: Report) -> str:
    best, rows = report.best(), []
    for i, (contender, errors) in enumerate(zip(report.contenders, report.errors(), strict=True)):
        detail = f"<small>{escape(contender.detail)}</small>" if contender.detail else ""
        cells = "".join(
            f'<td class="best">{_error(error)}</td>' if best[j] == i else f"<td>{_error(error)}</td>"
            for j, error in enumerate(errors)
        )
        rows.append(f'<tr class="{contender.role}"><td>{escape(contender.name)}{detail}</td>{cells}</tr>')
    sentences = "".join(
        f'<li class="lost">{escape(text)}</li>' if lost else f"<li>{escape(text)}</li>"
        for lost, text in _conclusions(report)
    )
    return section(
        "Prediction error, before and after the change" if len(report.parts) > 1 else "Prediction error",
        table(["", *(p.label for p in report.parts)], rows) + f'\n<ul class="plain">{sentences}</ul>',
        "Every sample is predicted before it is seen (test, then train). Root mean squared error over all "
        "channels, each in units of its own standard deviation: 0 is perfect, 1 is the best constant. "
        "★ marks the best of a column.",
    )


def _colour(report: Report, contender: Contender) -> str:
    if contender.role != "control":
        return contender.role
    controls = [c for c in report.contenders if c.role == "control"]
    return f"control-{controls.index(contender) % 3}"


def _time_axis(report: Report, samples: int) -> tuple[Float, str]:
    if report.rate_hz is None:
        return np.arange(samples, dtype=np.float64), "sample"
    return np.arange(samples) / (60.0 * report.rate_hz), "minutes"


def _time_section(report: Report) -> str:
    window = round(WINDOW_S * report.rate_hz) if report.rate_hz else WINDOW_SAMPLES
    back_to_front = sorted(report.contenders, key=lambda c: BACK_TO_FRONT.index(c.role))
    curves, tops = [], []
    for contender in back_to_front:
        time, unit = _time_axis(report, len(contender.run))
        error = contender.whole.running_nrmse(window)
        error[: min(window, len(error) // 2)] = np.nan  # a window that is not full yet is only noise
        x, y = plots.thinned(time, error)
        role = contender.role
        curves.append(plots.Curve(x, y, _colour(report, contender), role == "control", role == "learning"))
        if len(y):
            tops.append(float(np.quantile(y, 0.995)))
    marks = [(float(time[part.start]), part.label) for part in report.parts[1:]]
    top = 1.12 * max(tops) if tops else None
    panel = plots.Panel(curves, unit, "running NRMSE", marks=marks, bottom=0.0, top=top)
    drawing = plots.figure("time", [panel], "Prediction error over time for each contender")
    names = legend([(_colour(report, c), "dashed" if c.role == "control" else "", c.name) for c in report.contenders])
    span = f"{WINDOW_S:g} s" if report.rate_hz else f"{window} samples"
    return section(
        "Error over time",
        f"{names}\n<figure>\n{drawing}\n</figure>",
        f"The same error over the last {span}. {'The dotted vertical line is the change. ' if marks else ''}"
        "Where all curves rise together the signal itself is harder to predict.",
    )


def _signal_section(report: Report) -> str:
    learner, frozen = report.one("learning"), report.one("frozen")
    if learner is None:
        return ""
    last = report.parts[-1]
    errors = np.array(learner.whole.nrmse_by_channel(last.start, last.stop))
    rival = np.array(frozen.whole.nrmse_by_channel(last.start, last.stop)) if frozen else np.zeros_like(errors)
    channel = int(np.argmax(np.nan_to_num(rival / errors))) if frozen else 0
    name = report.channels[channel] if channel < len(report.channels) else f"channel {channel}"
    length = round(STRETCH_S * report.rate_hz) if report.rate_hz else STRETCH_SAMPLES
    panels = [_stretch(report, part, channel, name, length, learner, frozen) for part in report.parts]
    entries = [("ink", "dot", "measured"), ("learning", "", learner.name)]
    if frozen:
        entries.insert(1, ("frozen", "", frozen.name))
    drawing = plots.figure("signal", panels, f"Measured signal {name} and its predictions, a panel for each part")
    chosen = "the channel on which learning gained most over the frozen copy" if frozen else "the first channel"
    return section(
        "The signal and its predictions",
        f"{legend(entries)}\n<figure>\n{drawing}\n</figure>",
        f"“{name}”, {chosen}: the stretch of the second half of each part where the signal varies most. "
        "Each prediction was made before the measurement it is drawn with.",
    )


def _liveliest(signal: Float, length: int) -> int:
    """Start of the stretch of a signal with the largest deviation; one with a missing label comes last."""
    if len(signal) <= length:
        return 0
    windows = np.lib.stride_tricks.sliding_window_view(signal, length)
    return int(np.argmax(np.nan_to_num(windows.std(axis=1))))


def _stretch(
    report: Report,
    part: Part,
    channel: int,
    name: str,
    length: int,
    learner: Contender,
    frozen: Contender | None,
) -> plots.Panel:
    signal = learner.whole.target[:, channel]
    middle = (part.start + part.stop) // 2
    start = middle + _liveliest(signal[middle : part.stop], length)
    shown = slice(start, min(start + length, part.stop))
    rate = report.rate_hz or 1.0
    time = np.arange(shown.stop - shown.start) / rate
    curves = [plots.Curve(time, signal[shown], "ink", dots=True)]
    for contender in (frozen, learner):
        if contender is not None:
            y = np.where(np.isnan(signal[shown]), np.nan, contender.whole.prediction[shown, channel])
            curves.append(plots.Curve(time, y, contender.role, strong=contender.role == "learning"))
    unit = "seconds" if report.rate_hz else "samples"
    return plots.Panel(curves, unit, name, title=part.label)


def _verdicts_section(report: Report) -> str:
    if not report.verdicts:
        return ""
    lines = "".join(
        f'<li class="{"yes" if verdict.passed else "no"}">{escape(verdict.text)}</li>' for verdict in report.verdicts
    )
    return section("Bit for bit", f'<ul class="plain verdicts">{lines}</ul>')


def _resources_section(report: Report) -> str:
    if not report.resources:
        return ""
    rows = []
    for r in report.resources:
        note = f"<small>{escape(r.note)}</small>" if r.note else ""
        share = f"{r.measured / r.planned:.0%}" if r.planned and r.measured is not None else "–"
        cells = "".join(f"<td>{_amount(v, r.unit)}</td>" for v in (r.planned, r.measured))
        rows.append(f"<tr><td>{escape(r.what)}{note}</td>{cells}<td>{share}</td></tr>")
    return section("Planned and measured", table(["", "planned", "measured", "share"], rows))


def _amount(value: float | None, unit: str) -> str:
    if value is None:
        return "–"
    number = f"{value:,.0f}" if float(value).is_integer() or abs(value) >= 100 else f"{value:.3g}"
    return f"{number} {escape(unit)}".strip()


def _facts_section(report: Report) -> str:
    if not report.facts:
        return ""
    facts = "".join(f"<dt>{escape(k)}</dt><dd><code>{escape(v)}</code></dd>" for k, v in report.facts.items())
    return section("What was run", f'<dl class="facts">{facts}</dl>')
