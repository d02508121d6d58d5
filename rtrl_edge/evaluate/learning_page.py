"""The learning benchmark's results as Markdown, as one HTML page, as CSV and for a terminal."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from html import escape

import numpy as np

from . import plots
from .bench import Outcome
from .compare import COLOURS
from .learning_marks import Mark, Results, verdict
from .page import page, section, table
from .tables import text_table
from .tasks import TASKS

#: first line of the CSV file, by which it is known
CSV_LINE = "task,name,seed,steps,ram_bytes,macs_per_step,figure,value"
#: first line of the Markdown page
MARKDOWN_LINE = "# Learning benchmark"

LEAD = (
    "Everything below learns in the integers of the chip (generated C on the host, the same bits as on the device), "
    "batch 1, from random weights, an update at every label; “float64” lines excepted."
)
READING = (
    "Score: median over the seeds, with the smallest and the largest. RAM: the whole state struct, weights included. "
    "MACs: multiply-accumulates of one step with its learning; of rules that work in blocks, the average."
)


def score(value: float) -> str:
    """Four digits, or what a score that was never reached is called."""
    if not np.isfinite(value):
        return "never"
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.4f}"


def row(outcome: Outcome) -> list[str]:
    """Name, score, spread, RAM, MACs, seeds."""
    entry = outcome.entry
    low, high = outcome.spread
    numbers = ["–" if n is None else f"{n:,}" for n in (entry.ram_bytes, entry.macs)]
    return [entry.name, score(outcome.median), f"{score(low)} – {score(high)}", *numbers, str(entry.seeds)]


def header(outcomes: Sequence[Outcome]) -> list[str]:
    """The columns of :func:`row`; the second is the score's name."""
    return ["", next(iter(outcomes[0].figures[0])), "spread", "RAM B", "MACs/step", "seeds"]


def introduction(outcomes: Sequence[Outcome]) -> str:
    """What a task is, in a line."""
    task, steps = TASKS[outcomes[0].entry.task], outcomes[0].entry.steps
    source = f" Source: {task.source}." if task.source else ""
    return f"{task.title[:1].upper()}{task.title[1:]}; {steps:,} samples a run.{source}"


def csv_text(r: Results) -> str:
    """A row a figure of a run."""
    file = io.StringIO()
    write = csv.writer(file, lineterminator="\n")
    write.writerow(CSV_LINE.split(","))
    for outcome in r.outcomes:
        e = outcome.entry
        for seed, figures in zip(e.each_seed, outcome.figures, strict=True):
            for name, value in figures.items():
                write.writerow([e.task, e.name, seed, e.steps, e.ram_bytes, e.macs, name, f"{value:.6g}"])
    return file.getvalue()


def figures(r: Results, marks: Sequence[Mark]) -> dict[str, object]:
    """As plain data, units in the names; a score that was never reached is not finite."""
    return {
        "marks": [{"what": m.what, "found": m.found, "state": m.state, "note": m.note} for m in marks],
        "tasks": [
            {
                "name": task,
                "samples": r.of(task)[0].entry.steps,
                "more_is_better": TASKS[task].rising,
                "verdict": verdict(r, task),
                "entrants": [
                    {
                        "name": o.entry.name,
                        "ram_bytes": o.entry.ram_bytes,
                        "macs_per_step": o.entry.macs,
                        "seeds": list(o.entry.each_seed),
                        "figures": list(o.figures),
                    }
                    for o in r.of(task)
                ],
            }
            for task in r.tasks
        ],
    }


def text(r: Results, marks: Sequence[Mark]) -> str:
    """For a terminal."""
    blocks = []
    for task in r.tasks:
        outcomes = r.of(task)
        names = header(outcomes)
        blocks.append(f"{task}: {introduction(outcomes)}\n" + text_table(names, [row(o) for o in outcomes], 2)
                      + f"\n  {verdict(r, task)}")  # fmt: skip
    lines = [f"{m.state:8} {m.what}" + (f": {m.found}" if m.found else "") + (f" ({m.note})" if m.note else "")
             for m in marks]  # fmt: skip
    return "\n\n".join([*blocks, "\n".join(lines)])


def markdown(r: Results, marks: Sequence[Mark], command: str) -> str:
    """The page for the docs."""
    lines = [
        MARKDOWN_LINE,
        "",
        f"<!-- written by `{command}`; do not edit -->",
        "",
        LEAD,
        "",
        READING,
        "",
        f"Made by `{command}`. Rates of exact "
        "RTRL and of Trunc1 with its normalised optimiser were chosen for each "
        "task, on other seeds than these, which begin at 100; the other rules have those of RTRL, which may not be "
        "their best. On the seven streams "
        "RTRL's are half its largest stable rate. Where labels come at every step, rates can be high and the label is "
        "about more than the next sample (stream mg, stream act), part of the score is following the last labels: see "
        "“last value”. A recording is one: its seeds differ in the start weights (watch: also in who is new); rates of "
        "those in a folder were chosen on their first 40 %, which do not count. “Then frozen” stops to learn where "
        "counting begins.",
        "",
        "## Marks",
        "",
        "| mark | found | |",
        "|---|---|---|",
        *(f"| {m.what} | {m.found or '–'} | **{m.state}**{': ' + m.note if m.note else ''} |" for m in marks),
        "",
    ]
    for task in r.tasks:
        outcomes = r.of(task)
        lines += [f"## {task}", "", introduction(outcomes), "",
                  "| " + " | ".join(header(outcomes)) + " |", "|---|" + "---:|" * 5,
                  *("| " + " | ".join(row(o)) + " |" for o in outcomes), "", verdict(r, task), ""]  # fmt: skip
    return "\n".join(lines)


# ------------------------------------------------------------------------------------------- as HTML


def render(r: Results, marks: Sequence[Mark], command: str) -> str:
    """One page that opens offline."""
    items = "".join(
        f'<li class="{"yes" if m.state == "reached" else "no"}">{escape(m.what)}: '
        f"{escape(m.found or m.state)}{escape(f' ({m.note})' if m.note else '')}</li>"
        for m in marks
    )
    sections = [section("Marks", f'<ul class="plain verdicts">{items}</ul>', f"Made by {command}.")]
    sections += [_task_section(r, task) for task in r.tasks]
    return page("Learning benchmark", f"{LEAD} {READING}", sections)


def _task_section(r: Results, task: str) -> str:
    outcomes = r.of(task)
    rows = ["<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in row(o)) + "</tr>" for o in outcomes]
    sentence = f'<ul class="plain"><li>{escape(verdict(r, task))}</li></ul>'
    body = f"{table(header(outcomes), rows)}\n{sentence}\n{_pareto(task, outcomes)}"
    return section(task, body, introduction(outcomes))


def _pareto(task: str, outcomes: Sequence[Outcome]) -> str:
    """Score against RAM, a point a learner with its spread; nothing where nobody learned."""
    shown = [o for o in outcomes if o.entry.how == "learns" and np.isfinite(o.median)]
    if not shown:
        return ""
    curves, labels = [], []
    for i, o in enumerate(shown):
        colour, ram = COLOURS[i % len(COLOURS)], float(o.entry.ram_bytes or 0)
        low, high = o.spread
        if np.isfinite([low, high]).all():
            curves.append(plots.Curve(np.array([ram, ram]), np.array([low, high]), colour))
        curves.append(plots.Curve(np.array([ram]), np.array([o.median]), colour, dots=True, strong=True))
        labels.append((ram, o.median, o.entry.name))
    what = header(outcomes)[1]
    falling = not TASKS[task].rising and min(o.median for o in shown) > 0
    panel = plots.Panel(curves, "RAM, bytes", what, labels=labels, log_x=True, log_y=falling)
    name = task.replace(" ", "-")
    return f"<figure>\n{plots.figure(name, [panel], f'{what} against RAM on {task}')}\n</figure>"
