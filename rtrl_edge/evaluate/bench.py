"""Runs of many models on many tasks and seeds, in parallel, kept as they finish, so that a second call goes on."""

from __future__ import annotations

import hashlib
import json
import os
import time
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import pairwise
from pathlib import Path
from typing import Literal

import numpy as np

from ..device import Int16
from ..device.host import HostTwin
from ..emit import emit
from ..model import Model
from ..plan import plan
from ..project import append_line
from ..quantize import IntegerModel
from ..stream import Float, Stream
from ..weights import initial
from . import curriculum as grown
from . import lessons, streams, tasks
from .contest import Progress
from .curriculum import curriculum
from .float_rnn import float_rnn
from .lessons import Figures, Lesson
from .matrix import integer_model
from .recordings import find_recording
from .tasks import HALF, TASKS

#: first line of the file of finished runs, by which it is known
RUNS_LINE = '{"rtrl-edge": "finished runs of a benchmark, one a line"}'
RUNS = "runs.jsonl"
#: start weights are drawn with the lesson's seed and so much more
WEIGHTS_SEED = 9000
WORKERS = 2
CURRICULUM = "copy curriculum"  # the task whose lesson depends on the learner
#: seeds below this one were looked at while rates and sizes were chosen
FIRST_SEED = 100

How = Literal["learns", "stops", "frozen", "float64", "constant", "last value"]


@dataclass(frozen=True)
class Entry:
    """One line of a table: something that predicts on a task.

    Args:
        task: its name in :data:`rtrl_edge.evaluate.tasks.TASKS`.
        name: as shown.
        model: what learns; None for "constant" (mean of the labels so far) and "last value" (of the labels).
        how: "learns", "stops" (learning, at the lesson's change) and "frozen" on the host twin, "float64" by
            :func:`float_rnn`.
        seeds: number of runs, from :data:`FIRST_SEED` on.
        steps: samples of a run.
        recordings: the user's folder, for a task that reads a file.
    """

    task: str
    name: str
    model: Model | None
    how: How
    seeds: int
    steps: int
    recordings: Path | None = None

    @property
    def each_seed(self) -> range:
        """The seeds themselves."""
        return range(FIRST_SEED, FIRST_SEED + self.seeds)

    @property
    def ram_bytes(self) -> int | None:
        """Of the whole state struct."""
        if self.model is None or self.how == "float64":
            return None
        return plan(self.model).inference_bytes if self.how == "frozen" else plan(self.model).struct_bytes

    @property
    def macs(self) -> int | None:
        """Of a step with its learning."""
        if self.model is None:
            return None
        return plan(self.model).macs_predict + (0 if self.how == "frozen" else plan(self.model).macs_learn)


@dataclass(frozen=True)
class Outcome:
    """All runs of an entry: the figures of each seed, by name."""

    entry: Entry
    figures: Sequence[Figures]

    @property
    def scores(self) -> Float:
        """(seeds,) the first figure; NaN (never learned) as the worst."""
        worst = -np.inf if TASKS[self.entry.task].rising else np.inf
        found = np.array([next(iter(figures.values())) for figures in self.figures])
        return np.where(np.isnan(found), worst, found)

    @property
    def median(self) -> float:
        """Of the scores."""
        return float(np.median(self.scores))

    @property
    def spread(self) -> tuple[float, float]:
        """Smallest and largest score."""
        return float(self.scores.min()), float(self.scores.max())


def run_all(entries: Sequence[Entry], folder: Path, *, progress: Progress) -> list[Outcome]:
    """Run what is not yet kept in ``folder``, and return everything, in the order of the entries.

    Args:
        entries: what to run.
        folder: gets ``runs.jsonl``.
        progress: makes the bar, which counts runs.
    """
    kept = finished(folder / RUNS)
    jobs = {key(entry, seed): (entry, seed) for entry in entries for seed in entry.each_seed}
    missing = [(name, *job) for name, job in jobs.items() if name not in kept]
    bar = progress("runs", len(jobs))
    bar(len(jobs) - len(missing))
    with ProcessPoolExecutor(WORKERS, initializer=os.nice, initargs=(5,)) as pool:
        futures = {pool.submit(timed, entry, seed): (name, entry, seed) for name, entry, seed in missing}
        try:
            for future in as_completed(futures):
                name, entry, seed = futures[future]
                figures, seconds = future.result()
                line = {"key": name, "task": entry.task, "name": entry.name, "seed": seed, "steps": entry.steps,
                        "seconds": round(seconds, 2), "figures": figures}  # fmt: skip
                append_line(folder / RUNS, RUNS_LINE, json.dumps(line))
                kept[name] = figures
                bar(1)
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise
    bar.close()
    return [Outcome(entry, [kept[key(entry, seed)] for seed in entry.each_seed]) for entry in entries]


def finished(path: Path) -> dict[str, Figures]:
    """Figures of finished runs by key. A line that was cut off when a run was stopped is left out."""
    found: dict[str, Figures] = {}
    if path.is_file():
        for line in path.read_text(encoding="utf-8").splitlines()[1:]:
            try:
                run = json.loads(line)
                found[run["key"]] = run["figures"]
            except (ValueError, KeyError):
                continue
    return found


def key(entry: Entry, seed: int) -> str:
    """Hash of all that a run depends on: task, steps and seed, factory weights, generated C, this package's tasks, and
    the file that a task reads."""
    parts = [entry.task, entry.how, str(entry.steps), str(seed), _hash_of_tasks()]
    if pattern := TASKS[entry.task].file:
        parts.append(_hash_of_file(find_recording(entry.recordings, pattern)))
    if entry.model is not None:
        parts += [started(entry.model, seed).digest, _hash_of_code(entry.model)]
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:24]


def timed(entry: Entry, seed: int) -> tuple[Figures, float]:
    """The figures of one run, and how long it took."""
    begin = time.monotonic()
    task = TASKS[entry.task]
    if entry.task == CURRICULUM:
        return _grown(entry, seed), time.monotonic() - begin
    lesson = task.lesson(entry.steps, seed, entry.recordings)
    return task.judge(predictions(entry, lesson, seed), lesson), time.monotonic() - begin


def _grown(entry: Entry, seed: int) -> Figures:
    """The curriculum; without a network no loss is small and T stays 1."""
    if entry.model is None:
        return {"T": 1.0, HALF: 1.0}
    return curriculum(started(entry.model, seed), entry.steps, seed, entry.how == "learns")


def predictions(entry: Entry, lesson: Lesson, seed: int) -> Float:
    """(T, outputs) each before its label was seen, as the task's loss has them."""
    if entry.model is None:
        return _without_model(entry.how, lesson)
    if entry.how == "float64":
        weights = initial(entry.model, WEIGHTS_SEED + seed)
        return entry.model.loss.prediction(float_rnn(entry.model, weights, lesson.stream))
    if entry.how == "stops":
        early = np.arange(len(lesson.stream)) < lesson.change
        target = np.where(early[:, None], lesson.stream.target, np.nan)
        lesson = replace(lesson, stream=Stream(lesson.stream.x, target))
    return play(started(entry.model, seed), lesson, entry.how != "frozen")


@lru_cache(maxsize=256)
def started(model: Model, seed: int) -> IntegerModel:
    """The model with the start weights of a seed and an identity scaling."""
    return integer_model(model, WEIGHTS_SEED + seed)


def play(integer: IntegerModel, lesson: Lesson, learns: bool = True) -> Float:
    """Play a lesson through the host twin; predictions (T, outputs).

    All seeds of a model share one build: the factory weights are written into the state struct, where the cell learns.
    """
    stream, labelled = lesson.stream, lesson.stream.labelled
    x = integer.to_input(stream.x)
    target: Int16 = np.zeros(stream.target.shape, np.int16)
    target[labelled] = integer.to_target(stream.target[labelled])
    y = np.empty_like(target)
    cuts = [0, *lesson.starts[lesson.starts > 0].tolist(), len(x)]
    with HostTwin(started(integer.model, 0) if integer.model.rule.trains_cell else integer) as twin:
        for name, words in integer.factory().items():
            if name in twin.views:
                twin.views[name].reshape(-1)[:] = words
        for begin, end in pairwise(cuts):
            part = slice(begin, end)
            if begin:
                twin.reset()
            y[part] = twin.play(x[part], target[part] if learns else None, labelled[part] if learns else None)
    return integer.from_output(y)


def _without_model(how: How, lesson: Lesson) -> Float:
    """The mean of the labels so far, or the last of them; 0 before the first."""
    target = lesson.stream.target
    known = np.flatnonzero(lesson.stream.labelled)
    values = target[known]
    if how == "constant":
        values = np.cumsum(values, axis=0) / np.arange(1, len(values) + 1)[:, None]
    before = np.searchsorted(known, np.arange(len(target)))  # labels seen before each sample
    return np.concatenate([np.zeros((1, target.shape[1])), values])[before]


@lru_cache(maxsize=1)
def _hash_of_tasks() -> str:
    return "".join(_hash_of_file(Path(str(module.__file__))) for module in (tasks, lessons, streams, grown))


@lru_cache
def _hash_of_file(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


@lru_cache(maxsize=256)
def _hash_of_code(model: Model) -> str:
    files = emit(started(model, 0))
    return hashlib.sha256("\0".join(files[name] for name in sorted(files)).encode()).hexdigest()
