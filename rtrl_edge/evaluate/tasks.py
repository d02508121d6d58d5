"""The tasks of the literature on learning through time, as streams in the network's own units.

Sizes and constants are those of the papers named; where an input is coded differently (inputs have to lie within +-1),
the error is given in the paper's units.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np

from ..model import BinaryCrossEntropy, Loss, SoftmaxCrossEntropy, SquaredError
from ..stream import Float, Stream, next_sample
from ..weights import Scaling
from .lessons import (
    HIGH,
    Figures,
    Lesson,
    accuracy,
    changed_error,
    mean_loss,
    normalised_error,
    one_hot,
    squared_error,
    steps_to_learn,
)
from .recordings import ARMS, PEOPLE, columns, daphnet, delayed_xor, find_recording, watch
from .streams import stream_act, stream_add, stream_anbn, stream_copy, stream_mg, stream_sine2, stream_xor

SQUARE, CLASSES, BIT = SquaredError(), SoftmaxCrossEntropy(), BinaryCrossEntropy()
HALF = "T at half the samples"  # a figure of the copy curriculum
RESET = 200  # samples after which the chaotic tasks forget the past


@dataclass(frozen=True, eq=False)
class Task:
    """A stream by its seed, and what counts.

    Args:
        title: what has to be learned, for a page.
        steps: samples of a full run.
        make: (steps, seed) -> the lesson; (steps, seed, path) where there is a ``file``.
        judge: (predictions (T, outputs), lesson) -> figures; the first is the score. Predictions are probabilities
            where the loss is one of them.
        loss: what is learned with.
        rising: whether a larger score is better.
        source: where its constants come from.
        file: which file of the user's folder of recordings it reads, as a pattern; "" for none.
    """

    title: str
    steps: int
    make: Callable[..., Lesson]
    judge: Callable[[Float, Lesson], Figures]
    loss: Loss = SQUARE
    rising: bool = False
    source: str = ""
    file: str = ""

    def lesson(self, steps: int, seed: int, folder: Path | None = None) -> Lesson:
        """One run's data; DataError if the file is not in the folder."""
        return self.make(steps, seed, *([find_recording(folder, self.file)] if self.file else []))


# ------------------------------------------------------------------------------------- published tasks


def henon(steps: int, seed: int) -> Float:
    """x of ``x' = 1 - 1.4 x^2 + y, y' = .3 x``, (steps,)."""
    x, y, found = 0.1 + 0.01 * np.random.default_rng(seed).random(), 0.0, np.empty(steps)
    for t in range(steps):
        found[t] = x
        x, y = 1.0 - 1.4 * x * x + y, 0.3 * x
    return found


def mackey_glass_map(steps: int, seed: int) -> Float:
    """``x += .2 x(t - 17) / (1 + x(t - 17)^10) - .1 x``: Euler with a step of one unit of time, (steps,)."""
    lag = 17
    x = np.empty(lag + 1 + 100 + steps)
    x[: lag + 1] = 1.2 + 0.2 * np.random.default_rng(seed).random(lag + 1)
    for t in range(lag, len(x) - 1):
        late = x[t - lag]
        x[t + 1] = x[t] + 0.2 * late / (1.0 + late**10) - 0.1 * x[t]
    return x[-steps:]


def lorenz(steps: int, seed: int) -> Float:
    """x of the Lorenz system, sigma 10, rho 28, beta 8/3, Euler with .01, every second value, (steps,)."""
    x, y, z = (1.0 + 0.1 * np.random.default_rng(seed).standard_normal(3)).tolist()
    found = np.empty(steps)
    for t in range(-50, steps):
        for _ in range(2):
            x, y, z = (
                x + 0.01 * 10.0 * (y - x),
                y + 0.01 * (x * (28.0 - z) - y),
                z + 0.01 * (x * y - 8.0 / 3.0 * z),
            )
        if t >= 0:
            found[t] = x
    return found


def _xor(delay: int, steps: int, seed: int) -> Lesson:
    return Lesson(delayed_xor(steps, delay, seed, HIGH))


def _in_range(stream: Stream) -> Stream:
    """The stream in the network's units, all but the rarest samples within +-.8."""
    scaling = Scaling.fit(stream)
    return Stream(scaling.inputs(stream.x), scaling.outputs(stream.target))


def _chaotic(series: Callable[[int, int], Float], steps: int, seed: int) -> Lesson:
    stream = _in_range(next_sample(series(steps + 1, seed)[:, None]))
    return Lesson(stream, np.arange(0, steps, RESET))


def anbn(steps: int, seed: int, longest: int = 16) -> Lesson:
    """Next symbol of a^n b^n #, n uniform in 1 .. ``longest``; the past is forgotten after each #, whose label is #."""
    rng = np.random.default_rng(seed)
    symbols: list[int] = []
    labels: list[int] = []
    starts = []
    while len(symbols) < steps:
        n = int(rng.integers(1, longest + 1))
        starts.append(len(symbols))
        symbols += [0] * n + [1] * n + [2]
        labels += [0] * (n - 1) + [1] * n + [2, 2]
    x = one_hot(np.array(symbols[:steps]), 3, HIGH)
    return Lesson(Stream(x, one_hot(np.array(labels[:steps]), 3)), np.array(starts))


def copy(steps: int, seed: int, symbols: int = 5, delay: int = 40, alphabet: int = 8) -> Lesson:
    """``symbols`` random symbols, a delay of blanks, then a cue at each of as many steps: name them in their order."""
    rng, length = np.random.default_rng(seed), 2 * symbols + delay
    episodes = steps // length
    said = rng.integers(0, alphabet, (episodes, symbols))
    x = np.zeros((episodes, length, alphabet + 2))
    target = np.full((episodes, length, alphabet), np.nan)
    x[:, :symbols, :alphabet] = one_hot(said, alphabet, HIGH)
    x[:, symbols : symbols + delay, alphabet] = HIGH
    x[:, symbols + delay :, alphabet + 1] = HIGH
    target[:, symbols + delay :] = one_hot(said, alphabet)
    stream = Stream(x.reshape(-1, alphabet + 2), target.reshape(-1, alphabet))
    return Lesson(stream, length * np.arange(episodes))


def copy_sequence(rng: np.random.Generator, longest: int) -> tuple[Float, Float]:
    """x and target (2 n + 2, 4), n up to 4 below ``longest``: a start, n bits, n + 1 blanks; the label is blank until
    the bits are over, then the start and the bits again."""
    n = max(1, longest - int(rng.integers(0, 5)))
    bits, start, blanks = rng.integers(0, 2, n), np.array([2]), np.full(n + 1, 3)
    return one_hot(np.concatenate([start, bits, blanks]), 4, HIGH), one_hot(np.concatenate([blanks, start, bits]), 4)


def copy_sequences(steps: int, seed: int, longest: int = 8) -> Lesson:
    """Such sequences one after the other, without the growth of :func:`rtrl_edge.evaluate.curriculum.curriculum`."""
    rng = np.random.default_rng(seed)
    parts = [copy_sequence(rng, longest) for _ in range(steps // 4)]
    x, target = (np.concatenate(side)[:steps] for side in zip(*parts, strict=True))
    return Lesson(Stream(x, target), np.flatnonzero(x[:, 2] > 0))


def adding(steps: int, seed: int, length: int = 100) -> Lesson:
    """Values and two marks, one in each half; the label at the end is the marked values' sum.

    A value v of U(0, 1) is coded as .9 (2 v - 1) and the sum s as .9 (s - 1).
    """
    rng, episodes = np.random.default_rng(seed), steps // length
    x = np.zeros((episodes, length, 2))
    target = np.full((episodes, length, 1), np.nan)
    x[:, :, 0] = HIGH * (2.0 * rng.random((episodes, length)) - 1.0)
    each, total = np.arange(episodes), np.zeros(episodes)
    for low, high in ((0, length // 2), (length // 2, length)):
        at = rng.integers(low, high, episodes)
        x[each, at, 1] = HIGH
        total += x[each, at, 0] / 2.0
    target[:, -1, 0] = total
    return Lesson(Stream(x.reshape(-1, 2), target.reshape(-1, 1)), length * np.arange(episodes))


def conditioning(steps: int, seed: int) -> Lesson:
    """A signal for 4 steps, 7 to 13 steps after its onset a stimulus for 2, then 80 to 120 steps to the next signal.

    The label tells whether the next step has the stimulus: no more than what is seen then. (A discounted sum of later
    stimuli as a label tells the future: weights that move fast follow it to a hundredth of what can be known.)
    """
    rng = np.random.default_rng(seed)
    x, t = np.zeros((steps + 300, 2)), 0
    while t < steps + 100:
        onset = t + int(rng.integers(7, 14))
        x[t : t + 4, 0] = HIGH
        x[onset : onset + 2, 1] = HIGH
        t = onset + int(rng.integers(80, 121))
    return Lesson(Stream(x[:steps], x[1 : steps + 1, 1:] / HIGH))


# --------------------------------------------------------------------------------------------- recordings

KNOWN = 0.4  # share of a temperature or occupancy recording on which rates were chosen


def _daphnet(steps: int, seed: int) -> Lesson:
    return Lesson(_in_range(daphnet()[:steps]))


def _watch(steps: int, seed: int) -> Lesson:
    """Nine people with the watch on one arm, then the tenth on the other, from where on it counts.

    The seed says who is the tenth; seeds of the same last digit have the same one.
    """
    new = 1 + seed % PEOPLE
    others = [person for person in range(1, PEOPLE + 1) if person != new]
    found = watch(arm=ARMS[1], past_people=others, known_people=(), new_people=(new,))
    parts = (found.past, found.future)
    stream = Stream(np.concatenate([p.x for p in parts]), np.concatenate([p.target for p in parts]))
    return Lesson(_in_range(stream[-steps:]), change=max(0, steps - len(found.future)))


def _temperature(steps: int, seed: int, path: Path) -> Lesson:
    return _counted(_in_range(next_sample(columns(path, ("value",))[: steps + 1])))


def _occupancy(steps: int, seed: int, path: Path, every: int = 15) -> Lesson:
    """Whether somebody is in the room, from the climate; every 15th minute somebody tells."""
    climate, inside = columns(path, ("Temperature", "Humidity", "Light", "CO2"))[:steps], np.full((steps, 1), np.nan)
    inside[::every] = columns(path, ("Occupancy",))[:steps:every]
    return _counted(Stream(_in_range(next_sample(np.vstack([climate, climate[-1:]]))).x, inside))


def _counted(stream: Stream) -> Lesson:
    return Lesson(stream, change=round(KNOWN * len(stream)))


# --------------------------------------------------------------------------------------------------- all


def _stream(
    title: str, make: Callable[[int, int], Lesson], loss: Loss, floor: float = 0.0, steps: int = 20_000
) -> Task:
    return Task(title, steps, make, partial(mean_loss, loss=loss, floor=floor), loss)


_PREDICT = "Yi & Wang 2026: 15k steps, the past forgotten every 200"

#: by name; those whose names begin with "stream" are the seven on which integers are compared with float
TASKS: dict[str, Task] = {
    **{
        f"xor {delay}": Task(
            f"exclusive or of two random bits, {delay} steps ago", 20_000, partial(_xor, delay), steps_to_learn,
            source="Williams & Zipser 1989, pipelined XOR",
        )
        for delay in (1, 2, 3)
    },
    **{
        name: Task(
            f"{title}, next value", 15_000, partial(_chaotic, series), partial(normalised_error, last=1250),
            source=_PREDICT,
        )
        for name, title, series in (
            ("henon", "Hénon map", henon),
            ("mackey-glass", "Mackey-Glass series, tau 17", mackey_glass_map),
            ("lorenz", "Lorenz system, x alone", lorenz),
        )
    },
    "anbn": Task(
        "next symbol of a^n b^n #, n up to 16", 160_000, anbn, partial(accuracy, share=0.1), CLASSES, True,
        "Yi & Wang 2026: as many symbols as their 20k steps of batch 8; nothing can pass .948",
    ),
    "adding": Task(
        "sum of two marked values of 100", 3_200_000, adding, partial(squared_error, share=0.1, unit=HIGH),
        source="Hochreiter & Schmidhuber 1997; Yi & Wang 2026",
    ),
    "copy": Task(
        "5 symbols of 8, named 40 steps later", 400_000, copy, partial(accuracy, share=0.1), CLASSES, True,
        "Yi & Wang 2026",
    ),
    "copy curriculum": Task(
        "repeat n bits; the longest n, T, grows by 1 whenever the mean loss falls below .15 bits; the score is T",
        1_600_000, copy_sequences, partial(accuracy, share=0.1), CLASSES, True,
        "Benzing et al. 2019; as many samples as their 100k steps of batch 16; the set-up was chosen among "
        "eight on this seed",
    ),
    "conditioning": Task(
        "whether a stimulus is next, 7 to 13 steps after a signal", 200_000, conditioning,
        partial(mean_loss, loss=BIT, floor=np.log(7) / 110), BIT,
        source="Rafiee et al. 2023, trace conditioning, as prediction; nats a step above what nobody can know",
    ),
    "daphnet": Task(
        "next sample of nine accelerometer channels", 8_000, _daphnet, partial(normalised_error, last=4000),
        source="recording in the package",
    ),
    "watch": Task(
        "next sample of six channels of a smartwatch; nine people, then a tenth on the other arm, who counts", 40_000,
        _watch, changed_error, source="recording in the package",
    ),
    "machine temperature": Task(
        "next value of a machine's temperature, every 5 minutes; the last 60 % count", 22_000, _temperature,
        changed_error, source="Numenta Anomaly Benchmark, not in the package",
        file="*machine_temperature_system_failure.csv*",
    ),
    "ambient temperature": Task(
        "next value of an office's temperature, every hour; the last 60 % count", 7_200, _temperature, changed_error,
        source="Numenta Anomaly Benchmark, not in the package", file="*ambient_temperature_system_failure.csv*",
    ),
    "occupancy": Task(
        "whether somebody is in the room, told every 15 minutes; the last 60 % count", 20_000, _occupancy,
        changed_error, BIT, source="Candanedo & Feldheim 2016, not in the package", file="*occupancy*.csv*",
    ),
    "stream mg": _stream("Mackey-Glass, 10 units of time ahead", stream_mg, SQUARE),
    "stream sine2": _stream("two drifting sines, which change", stream_sine2, SQUARE),
    "stream xor": _stream("exclusive or of two bits, 2 and 3 steps ago", stream_xor, BIT),
    "stream copy": _stream("a bit, 10 steps ago", stream_copy, BIT),
    "stream anbn": _stream("a^n b^n, n up to 6", stream_anbn, BIT, np.log(6) / 7),
    "stream add": _stream("sum of two marked values of 8", stream_add, SQUARE, steps=80_000),
    "stream act": _stream("four activities, the sensor is turned", stream_act, CLASSES),
}  # fmt: skip
