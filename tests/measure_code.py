"""Measure instructions, code and stack of every pair of cell and rule on every core: ``rtrl_edge/measured/CORE.csv``.

Run: .venv/bin/python -m tests.measure_code [--core cortex-m4] [--cell cell_rnn] [--rule RTRL] [--numbers R16]
     (8,300 models, some 0.4 s of one processor each, nearly all of it the compiler's; needs all of them, and QEMU)

Lines of models that were not asked for stay as they are, and each batch of models is written when it is done: stopped,
it goes on with ``--missing``, which leaves out what has a line. ``--check`` writes nothing: it counts models of other
sizes (``--share 0.2``: a fifth of them), and says how far the forecasts from the tables are off.
"""

from __future__ import annotations

import argparse
import csv
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import astuple, dataclass, fields, replace

import numpy as np
from tqdm import tqdm

from rtrl_edge.boards import Board, load_board
from rtrl_edge.device.counter import Counted, count, roomier
from rtrl_edge.errors import ModelError
from rtrl_edge.evaluate.work import noisy
from rtrl_edge.forecast import KIN, forecast
from rtrl_edge.measured import PROFILES, Line, cell_key, file_of, length, lines, measured_model
from rtrl_edge.model import Cell, Model, Rule, Stack, catalogue
from rtrl_edge.plan import plan

#: the emulated board of each core
BOARDS = {
    "cortex-m0": "qemu_microbit", "cortex-m3": "qemu_mps2_an385", "cortex-m4": "qemu_mps2_an386",
    "cortex-m7": "qemu_mps2_an500", "cortex-m33": "qemu_mps2_an505", "cortex-m55": "qemu_mps3_an547",
    "rv32imc": "qemu_riscv32_imc", "xtensa-lx106": "qemu_lx106", "xtensa-lx6": "qemu_esp32",
}  # fmt: skip
#: units, inputs, outputs: all rests of units by four, the powers of two by themselves, one output too
SHAPES = (
    (3, 1, 1), (4, 5, 2), (6, 3, 4), (8, 3, 3), (9, 6, 1), (12, 2, 4), (15, 3, 2), (16, 6, 6), (18, 1, 6), (24, 3, 2),
    (32, 2, 3),
)  # fmt: skip
#: enough where ``forecast`` knows kin: a core like another (but of what most models are), R8 where R16 is measured
FEW, FEW_R8 = ((4, 5, 2), (9, 6, 1), (16, 6, 6), (24, 3, 2)), ((9, 6, 1), (24, 3, 2))
#: what most models are: measured with every number of units up to 32, of which compilers make other loops each time,
#: and with rows of even and of odd width
USUAL_CELLS, USUAL_RULE = ("cell_rnn", "cell_gru_after", "cell_lstm"), "RTRL"
EVERY = tuple((n, 1 + n % 5, 1 + n % 4) for n in range(1, 33) if n not in {units for units, _, _ in SHAPES})
#: sizes on which forecasts are checked
HELD_OUT = ((5, 3, 2), (10, 2, 3), (13, 5, 2), (16, 2, 3), (20, 3, 4))
LENGTHS = {
    "BPTT": (4, 16, 8, 2),
    "BlockRTRL": (4, 8, 16),
    "BlockRTRL(lagged)": (4, 8, 16),
    "OK": (2, 1, 4),
    "SnAp": (2, 3),
}
STEPS = 4  # that are counted of each, at least
BATCH, BATCH_LX6 = 24, 8  # a jump of the ESP32 reaches over 128 KB


@dataclass(frozen=True)
class Job:
    """A model to measure, as a line without its figures."""

    core: str
    line: Line


def board_of(core: str) -> Board:
    """The emulated board that counts a core's instructions."""
    return roomier(load_board(BOARDS[core]))


def measure(models: Sequence[Model], board: Board) -> list[Counted]:
    """Count models of random weights; blocks are whole."""
    return count([noisy(model)[0] for model in models], board, STEPS)


def rules_of(cell: Cell, inputs: int) -> Iterator[tuple[Rule, tuple[int, ...]]]:
    """Every legal rule, and the lengths that it is measured with."""
    for rule in catalogue.rules():
        if catalogue.legal(cell, rule, inputs):
            sparse = rule.title == "SnAp" and length(rule) == 1
            yield rule, (1,) if sparse else LENGTHS.get(rule.title, (0,))


def few_r8(core: str, rule: Rule) -> tuple[tuple[int, int, int], ...]:
    """Sizes for R8; none where no int8 columns are kept, and R16's lines serve. The readout's rows are half the work of
    ReadoutOnly, and lie elsewhere in R8. With the DSP extension blocks of R8 go column by column, as those of R16 do
    not: most sizes."""
    if rule.title.startswith("BlockRTRL") and load_board(BOARDS[core]).simd in ("dsp", "mve"):
        return SHAPES[1:-1]
    return FEW_R8 if rule.keeps_columns or not rule.trains_cell else ()


def jobs(core: str, held_out: bool = False) -> Iterator[Job]:
    """Every model of a core; or those of other sizes, on which forecasts are checked."""
    kinds = [cell for cell in catalogue.cells(8) if not isinstance(cell, Stack)]
    for kind in kinds:
        for rule, lengths in rules_of(kind, 3):
            used = cell_key(kind) in USUAL_CELLS and rule.title == USUAL_RULE
            most = core not in KIN or used or (cell_key(kind) == "cell_rnn" and rule.title == "ReadoutOnly")
            for numbers in PROFILES:
                few = few_r8(core, rule) if numbers == "R8" else SHAPES + EVERY * used if most else FEW
                for units, inputs, outputs in HELD_OUT if held_out and few else few:
                    q = lengths[(SHAPES + HELD_OUT + EVERY).index((units, inputs, outputs)) % len(lengths)]
                    yield from _job(core, kind.resized(units), rule, numbers, inputs, outputs, q, "")
                    if (units, inputs, outputs) == (8, 3, 3) and rule.trains_cell:
                        yield from _job(core, kind.resized(units), rule, numbers, inputs, outputs, q, "readout")


def _job(core: str, cell: Cell, rule: Rule, numbers: str, i: int, o: int, q: int, frozen: str) -> Iterator[Job]:
    line = Line(cell_key(cell), rule.title, numbers, cell.units, i, o, q, frozen, 0, 0, 0, 0, 0, 0)
    try:
        measured_model(cell, rule, numbers, i, o, q, bool(frozen))
    except ModelError:
        return  # not in this size: an order of SnAp on a small pattern, say
    yield Job(core, line)


def measured(batch: list[Job]) -> list[Line]:
    """The lines of a batch, all of one core."""
    board = board_of(batch[0].core)
    found = measure([job.line.model for job in batch], board)
    return [
        replace(
            job.line, predict=m.predict, learn=m.learn, learn_most=m.learn_most, slice_most=m.slice_most,
            code_bytes=m.code_bytes, stack_bytes=m.stack_bytes or 0,
        )
        for job, m in zip(batch, found, strict=True)
    ]  # fmt: skip


@dataclass(frozen=True)
class Errors:
    """Relative errors of a forecast, (forecast - found) / found, by what it says; ``stack`` where it was measured."""

    line: Line
    predict: float
    learn: float
    step: float
    slice_most: float
    flash: float
    stack: float | None


#: what a forecast says
FORECAST = ("predict", "learn", "step", "slice_most", "flash", "stack")


def errors(core: str, line: Line) -> Errors:
    """What the tables forecast of a freshly measured model, against what was found."""
    seen, const = forecast(line.model, core), plan(line.model).const_bytes
    assert seen is not None, f"{core}: no lines of {line.what}"
    return Errors(
        line,
        seen.predict / line.predict - 1.0,
        seen.learn / line.learn - 1.0,
        (seen.predict + seen.learn_most) / (line.predict + line.learn_most) - 1.0,
        seen.slice_most / line.slice_most - 1.0,
        (seen.code_bytes + const) / (line.code_bytes + const) - 1.0,
        seen.stack_bytes / line.stack_bytes - 1.0 if seen.stack_bytes and line.stack_bytes else None,
    )


def summary(core: str, found: Sequence[Errors]) -> str:
    """Median and worst errors of a core, and the models of the worst; then the pairs, worst first."""
    lines = [f"{core}: {len(found)} models in sizes that were not measured"]
    for what in FORECAST:
        values = [(getattr(e, what), e.line.what) for e in found if getattr(e, what) is not None]
        if values:
            sizes = sorted(abs(value) for value, _ in values)
            worst, model = max(values, key=lambda value: abs(value[0]))
            within = sum(size <= 0.05 for size in sizes) / len(sizes)
            lines.append(
                f"  {what:10} median {sizes[len(sizes) // 2]:6.1%}, within 5 %: {within:4.0%}, "
                f"worst {worst:+.1%} {model}, lowest {min(values)[0]:+.1%}"
            )
    pairs: dict[tuple[str, str, str], list[Errors]] = {}
    for error in found:
        pairs.setdefault((error.line.cell, error.line.rule, error.line.numbers), []).append(error)
    worst = {pair: {what: _worst(these, what) for what in FORECAST} for pair, these in pairs.items()}
    for pair in sorted(pairs, key=lambda pair: -abs(worst[pair]["step"])):
        lines.append("  " + " ".join(pair) + ": " + ", ".join(f"{k} {v:+.1%}" for k, v in worst[pair].items()))
    return "\n".join(lines)


def _worst(found: Sequence[Errors], what: str) -> float:
    return max((getattr(error, what) or 0.0 for error in found), key=abs)


def write(core: str, new: list[Line]) -> None:
    """Put lines into the table of a core."""
    path = file_of(core)
    lines.cache_clear()
    wanted = {job.line.what for job in jobs(core)}  # lines of sizes that are not measured any more go
    table = {line.what: line for line in (*lines(core), *new) if line.what in wanted}
    path.parent.mkdir(exist_ok=True)
    with path.open("w", encoding="utf-8", newline="") as file:
        out = csv.writer(file, lineterminator="\n")
        out.writerow([field.name for field in fields(Line)][:-1])  # the core is the file
        out.writerows(astuple(line)[:-1] for line in sorted(table.values(), key=lambda line: line.what))
    lines.cache_clear()


def main() -> None:
    """Measure, and write the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--core", choices=BOARDS, nargs="+", default=list(BOARDS))
    parser.add_argument("--cell", nargs="+", help="only these, as the tables name them, e.g. cell_rnn")
    parser.add_argument("--rule", nargs="+", help="only these, as the tables name them, e.g. RTRL")
    parser.add_argument("--numbers", choices=PROFILES, nargs="+", default=list(PROFILES), help="only these profiles")
    parser.add_argument("--missing", action="store_true", help="only what has no line yet")
    parser.add_argument("--check", action="store_true", help="compare forecasts with counts of sizes without a line")
    parser.add_argument("--share", type=float, default=1.0, help="of what is asked for, chosen at random; default all")
    asked = parser.parse_args()
    batches: list[list[Job]] = []
    for core in asked.core:
        there = {line.what for line in lines(core)} if asked.missing else set()
        wanted = [
            job
            for job in jobs(core, asked.check)
            if (not asked.cell or job.line.cell in asked.cell)
            and (not asked.rule or job.line.rule in asked.rule)
            and job.line.numbers in asked.numbers
            and job.line.what not in there
            and not (asked.check and forecast(job.line.model, core) is None)
        ]
        chosen = np.random.default_rng(0).random(len(wanted)) < asked.share
        wanted = [job for job, take in zip(wanted, chosen, strict=True) if take]
        size = BATCH_LX6 if core == "xtensa-lx6" else BATCH
        batches += [wanted[at : at + size] for at in range(0, len(wanted), size)]
    failed: list[str] = []
    checked: dict[str, list[Errors]] = {}
    with ThreadPoolExecutor(2) as pool, tqdm(total=sum(map(len, batches)), unit="models") as bar:
        running = {pool.submit(measured, batch): batch for batch in batches}
        for done in as_completed(running):
            batch = running[done]
            bar.update(len(batch))
            if done.exception():  # the others go on; --missing tries these again
                failed.append(f"{batch[0].core}, {batch[0].line.what} and {len(batch) - 1} more: {done.exception()}")
                bar.write(failed[-1])
            elif asked.check:
                core = batch[0].core
                checked.setdefault(core, []).extend(errors(core, line) for line in done.result())
            else:
                write(batch[0].core, done.result())
    for core, found in checked.items():
        print(summary(core, found))
    if failed:
        raise SystemExit(f"{len(failed)} of {len(batches)} batches were not measured")


if __name__ == "__main__":
    main()
