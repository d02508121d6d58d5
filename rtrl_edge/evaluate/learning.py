"""The learning benchmark: which models run on which task.

Rates were chosen on other seeds (1000 and up) than those that count: for exact RTRL, and for Trunc1 with its normalised
optimiser; on the seven streams RTRL's are half its largest stable rate. Every other rule of a task has cell, rates and
start weights of RTRL.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import lru_cache, partial
from pathlib import Path

from ..errors import DataError
from ..model import (
    BPTT,
    ELSTM,
    GRU,
    LSTM,
    R8,
    R16,
    RNN,
    RTRL,
    RTU,
    SGD,
    UORO,
    BlockRTRL,
    Cell,
    HalfRMSprop,
    Linear,
    Model,
    Numbers,
    Optimiser,
    ReadoutOnly,
    Rule,
    SnAp,
    Trunc1,
)
from ..plan import plan
from .bench import CURRICULUM, Entry, How
from .compare import equal_ram_window, written
from .tasks import TASKS

#: of the seven streams: log2 of half the largest stable rate, of the cell and of the readout
STREAM_RATES = {
    "mg": (-7, -7),
    "sine2": (-7, -4),
    "xor": (-5, -5),
    "copy": (-9, -6),
    "anbn": (-6, -6),
    "add": (-6, -6),
    "act": (-2, -2),
}
#: log2 of the rates of Trunc1 with the normalised optimiser, by task: of the cell and of the readout
NORMALISED = {
    "xor 1": (-8, -8), "xor 2": (-9, -9), "xor 3": (-9, -9),
    "mackey-glass": (-7, -7), "lorenz": (-6, -8), "henon": (-6, -9), "anbn": (-8, -8),
    "adding": (-6, -6), "copy": (-6, -6), "conditioning": (-10, -10), "daphnet": (-8, -8),
    "copy curriculum": (-8, -8), "watch": (-7, -7),
    "machine temperature": (-7, -5), "ambient temperature": (-6, -4), "occupancy": (-5, -3),
    "stream mg": (-7, -7), "stream sine2": (-10, -7), "stream xor": (-9, -9), "stream copy": (-10, -7),
    "stream anbn": (-9, -9), "stream add": (-8, -8), "stream act": (-7, -7),
}  # fmt: skip
#: optimiser of RTRL on a recording; of those in a user's folder, chosen on their first 40 %, which do not count
RECORDED = {
    "watch": SGD(2**-5),
    "machine temperature": SGD(2**-4, readout_rate=2**-2),
    "ambient temperature": SGD(2**-5, readout_rate=2**-3),
    "occupancy": SGD(2**-4, readout_rate=2**-2),
}
#: of the seeds of delayed XOR, those that its mark counts
MARKED = 10
FALL = ((7_500, 1 / 4),)
LATE_FALL = ((7_500, 1 / 2), (11_000, 1 / 8), (13_000, 1 / 32))


@lru_cache(maxsize=64)
def _widths(task: str, recordings: Path | None) -> tuple[int, int]:
    stream = TASKS[task].lesson(400, 0, recordings).stream
    return stream.x.shape[1], stream.target.shape[1]


def _model(
    task: str, cell: Cell, rule: Rule, optimiser: Optimiser, numbers: Numbers, recordings: Path | None = None
) -> Model:
    inputs, outputs = _widths(task, recordings)
    return Model("net", inputs, [cell], Linear(outputs), TASKS[task].loss, rule, optimiser, numbers)


def _name(model: Model, note: str = "") -> str:
    cell = f"{type(model.cell).__name__}({model.cell.units})"
    return f"{written(model.rule)}, {cell}, {model.numbers.name}" + (f", {note}" if note else "")


def _entry(model: Model, task: str, seeds: int, how: How = "learns", note: str = "") -> Entry:
    return Entry(task, _name(model, note), model, how, seeds, TASKS[task].steps)


def _controls(
    task: str, cell: Cell, optimiser: Optimiser, numbers: Numbers, seeds: int, recordings: Path | None = None
) -> Iterator[Entry]:
    """What every table has beside the rules: truncated BPTT at 16 steps and in as much RAM as RTRL takes, Trunc1 with a
    normalised optimiser, the readout alone, the frozen network, the last label and the mean of all labels."""

    def model(rule: Rule, optimiser: Optimiser = optimiser) -> Model:
        return _model(task, cell, rule, optimiser, numbers, recordings)

    if task != CURRICULUM:  # which has a window of its own, as long as any sequence
        yield _entry(model(BPTT(16)), task, seeds)
        window = equal_ram_window(model(RTRL()), plan(model(RTRL())).struct_bytes)
        if window >= 2:
            yield _entry(model(BPTT(window)), task, seeds, note="RAM of RTRL")
    rate, readout_rate = NORMALISED[task]
    normalised = HalfRMSprop(2.0**rate, 2.0**readout_rate, schedule=optimiser.schedule)
    yield _entry(model(Trunc1(), normalised), task, seeds, note=type(normalised).__name__)
    yield _entry(model(ReadoutOnly()), task, seeds)
    yield _entry(model(ReadoutOnly()), task, seeds, "frozen", "frozen")
    for how in ("last value", "constant"):
        yield Entry(task, how, None, how, seeds, TASKS[task].steps)


def _xor() -> Iterator[Entry]:
    cell, optimiser = RNN(8), SGD(2**-5, readout_rate=2**-6)
    for task in ("xor 3", "xor 1", "xor 2"):
        seeds = 40 if task == "xor 3" else 3
        exact = [_model(task, cell, RTRL(), optimiser, numbers) for numbers in (R16(cap=2), R8(cap=2))]
        for model in (*exact, *(_model(task, cell, BlockRTRL(8), optimiser, numbers) for numbers in (R16(), R8()))):
            yield _entry(model, task, seeds)
        yield Entry(task, "RTRL, RNN(8), float64", exact[0], "float64", seeds, TASKS[task].steps)
        yield _entry(_model(task, cell, SnAp(1), optimiser, R16(cap=2)), task, 3)
        yield _entry(_model(task, cell, UORO(), optimiser, R16(cap=2)), task, 3)
        yield from _controls(task, cell, optimiser, R16(cap=2), 3)


def _chaotic() -> Iterator[Entry]:
    small = {
        "mackey-glass": HalfRMSprop(2**-8, schedule=FALL),
        "lorenz": HalfRMSprop(2**-8, readout_rate=2**-10, schedule=FALL),
        "henon": HalfRMSprop(2**-6, readout_rate=2**-9, schedule=LATE_FALL),
    }
    wide: dict[str, dict[Rule, Optimiser]] = {
        "mackey-glass": dict.fromkeys((SnAp(1), BlockRTRL(32)), HalfRMSprop(2**-8, 2**-9, schedule=FALL)),
        "lorenz": dict.fromkeys((SnAp(1), BlockRTRL(32)), HalfRMSprop(2**-8, 2**-9, schedule=FALL)),
        "henon": {
            BPTT(4): HalfRMSprop(2**-6, 2**-9, schedule=LATE_FALL),
            SnAp(1): HalfRMSprop(2**-6, 2**-9, schedule=LATE_FALL),
        },
    }
    for task, optimiser in small.items():
        for rule, numbers in ((RTRL(), R16(cap=2)), (RTRL(), R8(cap=2)), (BlockRTRL(16), R16()), (SnAp(1), R16(cap=2))):
            yield _entry(_model(task, RNN(16), rule, optimiser, numbers), task, 5)
        yield from _controls(task, RNN(16), optimiser, R16(cap=2), 5)
        for other, own in wide[task].items():
            numbers = R16() if isinstance(other, BlockRTRL) else R16(cap=2)
            yield _entry(_model(task, RNN(64), other, own, numbers), task, 3)


def _symbols() -> Iterator[Entry]:
    task, fall = "anbn", ((80_000, 1 / 4), (120_000, 1 / 16))
    for numbers in (R16(), R8()):
        yield _entry(_model(task, LSTM(8), RTRL(), SGD(2**-4, schedule=fall), numbers), task, 5)
    yield _entry(_model(task, GRU(8), RTRL(), SGD(2**-3, schedule=fall), R16()), task, 3)
    for numbers in (R16(cap=2), R8(cap=2)):
        yield _entry(_model(task, RNN(16), RTRL(), SGD(2**-5, schedule=fall), numbers), task, 3)
    yield _entry(_model(task, LSTM(8), SnAp(1), SGD(2**-4, schedule=fall), R16()), task, 3)
    yield from _controls(task, LSTM(8), SGD(2**-4, schedule=fall), R16(), 3)


def _long() -> Iterator[Entry]:
    for task, cell, optimiser in (
        ("adding", ELSTM(16), SGD(2**-2)),
        ("copy", RTU(32, r_min=0.9, r_max=0.999), SGD(2**-5)),
    ):
        for numbers in (R16(), R8()):
            yield _entry(_model(task, cell, RTRL(), optimiser, numbers), task, 5)
        yield from _controls(task, cell, optimiser, R16(), 3)


def _curriculum() -> Iterator[Entry]:
    """Windows as long as any sequence, so that truncated BPTT has the whole gradient."""
    cell, optimiser = LSTM(32), SGD(2**-3, schedule=((100_000, 1 / 2), (300_000, 1 / 4), (800_000, 1 / 8)))
    for rule in (BPTT(48), SnAp(1)):
        yield _entry(_model(CURRICULUM, cell, rule, optimiser, R16()), CURRICULUM, 1)
    yield from _controls(CURRICULUM, cell, optimiser, R16(), 1)


def _recordings(folder: Path | None) -> Iterator[Entry]:
    for task, optimiser in RECORDED.items():
        if not (pattern := TASKS[task].file) or (folder is not None and any(folder.glob(pattern))):
            model, seeds = _model(task, RNN(16), RTRL(), optimiser, R16(cap=2), folder), 5
            yield _entry(model, task, seeds)
            yield _entry(model, task, seeds, "stops", "then frozen")
            yield from _controls(task, RNN(16), optimiser, R16(cap=2), seeds, folder)


def _sensors() -> Iterator[Entry]:
    for task, cell, optimiser in (
        ("conditioning", RTU(16), SGD(2**-3)),
        ("daphnet", RNN(16), SGD(2**-5)),
    ):
        numbers = R16(cap=2) if isinstance(cell, RNN) else R16()
        yield _entry(_model(task, cell, RTRL(), optimiser, numbers), task, 3)
        yield from _controls(task, cell, optimiser, numbers, 3)


def _streams() -> Iterator[Entry]:
    cell = RNN(16)
    for name, (rate, readout_rate) in STREAM_RATES.items():
        task, optimiser = f"stream {name}", SGD(2.0**rate, readout_rate=2.0**readout_rate)
        model = _model(task, cell, RTRL(), optimiser, R16())
        yield Entry(task, "RTRL, RNN(16), float64", model, "float64", 10, TASKS[task].steps)
        for rule in (RTRL(), BlockRTRL(16)):
            for numbers in (R16(), R8()):
                yield _entry(_model(task, cell, rule, optimiser, numbers), task, 10)
        yield _entry(_model(task, cell, BlockRTRL(8), optimiser, R16()), task, 10)
        yield from _controls(task, cell, optimiser, R16(), 3)


def entries(quick: bool = False, recordings: Path | None = None) -> list[Entry]:
    """Everything that runs, also on what the folder of recordings has. Quick: all of delayed XOR and one line of each
    other task, cut short, one seed; exact RTRL on delayed XOR as long as its mark needs."""
    parts = (_xor, _chaotic, _symbols, _long, _curriculum, _sensors, partial(_recordings, recordings), _streams)
    full = [replace(e, recordings=recordings if TASKS[e.task].file else None) for part in parts for e in part()]
    if recordings is not None and not any(e.recordings for e in full):
        names = ", ".join(task.file for task in TASKS.values() if task.file)
        raise DataError(f"{recordings}: wanted a folder with some of {names}, found none of them")
    if not quick:
        return full
    found: list[Entry] = []
    for entry in full:
        if entry.task == "xor 3" and not found:
            found.append(replace(entry, seeds=MARKED, steps=10_000))
        elif entry.task in ("xor 3", "stream xor") or (
            entry.how == "learns" and entry.task not in {e.task for e in found}
        ):
            found.append(replace(entry, seeds=1, steps=2_000))
    return found
