"""The tasks of the literature on learning through time, as streams in the network's own units.

Sizes and constants are those of the papers named; where an input is coded differently (inputs have to lie within +-1),
the error is given in the paper's units.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import numpy as np
import numpy.typing as npt

from ..model import BinaryCrossEntropy, Loss, SoftmaxCrossEntropy, SquaredError
from ..stream import Float, Stream, next_sample
from ..weights import Scaling
from .recordings import ARMS, PEOPLE, columns, daphnet, delayed_xor, find_recording, watch

Starts = npt.NDArray[np.intp]
Figures = dict[str, float]

HIGH = 0.9  # a one of a binary input
ACCURATE = 0.98  # delayed XOR counts as learned from here on
SQUARE, CLASSES, BIT = SquaredError(), SoftmaxCrossEntropy(), BinaryCrossEntropy()
HALF = "T at half the samples"  # a figure of the copy curriculum
RESET = 200  # samples after which the chaotic tasks forget the past


def _none() -> Starts:
    return np.zeros(0, np.intp)


@dataclass(frozen=True, eq=False)
class Lesson:
    """One run's data.

    Args:
        stream: x (T, inputs) within +-1 and target (T, outputs), both in the network's units.
        starts: samples before which the past is forgotten.
        change: the sample from which a recording counts; what comes before is another situation, or what rates were
            chosen on.
    """

    stream: Stream
    starts: Starts = field(default_factory=_none)
    change: int = 0


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


# ------------------------------------------------------------------------------------------------- judges


def _labels(prediction: Float, lesson: Lesson, share: float) -> tuple[Float, Float]:
    """Predictions and targets of the last ``share`` of the labelled samples."""
    known = np.flatnonzero(lesson.stream.labelled)
    late = known[len(known) - max(1, round(share * len(known))) :]
    return prediction[late], lesson.stream.target[late]


def steps_to_learn(prediction: Float, lesson: Lesson) -> Figures:
    """Labelled steps until the running accuracy (weight .001, from 1/2) passes 98 %, NaN if never; its last value."""
    y, target = _labels(prediction, lesson, 1.0)
    right = (y[:, 0] > 0) == (target[:, 0] > 0)
    accuracy, found = 0.5, float("nan")
    for t, correct in enumerate(right.tolist()):
        accuracy += 0.001 * (correct - accuracy)
        if accuracy > ACCURATE and found != found:
            found = float(t)
    return {"steps to 98 %": found, "accuracy": accuracy}


def normalised_error(prediction: Float, lesson: Lesson, last: int) -> Figures:
    """Mean squared error over the last samples, in units of the target's variance over the whole stream."""
    y, target = _labels(prediction, lesson, last / len(lesson.stream))
    variance = np.nanvar(lesson.stream.target)
    return {"NMSE": float(((y - target) ** 2).mean() / variance)}


def accuracy(prediction: Float, lesson: Lesson, share: float) -> Figures:
    """Share of right classes, and the cross-entropy, over the last ``share`` of the labels."""
    y, target = _labels(prediction, lesson, share)
    entropy = -(target * np.log(np.clip(y, 1e-6, 1.0))).sum(axis=1)
    return {"accuracy": float((y.argmax(axis=1) == target.argmax(axis=1)).mean()), "nats": float(entropy.mean())}


def squared_error(prediction: Float, lesson: Lesson, share: float, unit: float = 1.0) -> Figures:
    """Mean squared error over the last ``share`` of the labels, in units of ``unit`` squared."""
    y, target = _labels(prediction, lesson, share)
    return {"MSE": float(((y - target) ** 2).mean() / unit**2)}


def changed_error(prediction: Float, lesson: Lesson) -> Figures:
    """Mean squared error from the lesson's change on, in units of the target's variance; the same of what is before."""
    target = lesson.stream.target
    square = (prediction - target) ** 2 / np.nanvar(target)
    parts = {"NMSE": square[lesson.change :], "NMSE before": square[: lesson.change]}
    return {name: float(np.nanmean(part)) for name, part in parts.items() if np.isfinite(part).any()}


def mean_loss(prediction: Float, lesson: Lesson, loss: Loss, floor: float) -> Figures:
    """Mean loss of the last quarter of the samples above what cannot be known; a square is counted whole."""
    stream = lesson.stream
    late = np.flatnonzero(stream.labelled & (np.arange(len(stream)) >= 3 * len(stream) // 4))
    y, target = prediction[late], stream.target[late]
    if isinstance(loss, SquaredError):
        each = ((y - target) ** 2).sum(axis=1)
    else:
        p = np.clip(y, 1e-6, 1.0 - 1e-6)
        each = -(target * np.log(p)).sum(axis=1)
        if isinstance(loss, BinaryCrossEntropy):
            each -= ((1.0 - target) * np.log(1.0 - p)).sum(axis=1)
    return {"loss": float(each.mean() - floor)}


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


def _one_hot(symbols: npt.NDArray[np.intp], width: int, one: float = 1.0) -> Float:
    """(len(symbols), width)."""
    return one * np.eye(width)[symbols]


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
    x = _one_hot(np.array(symbols[:steps]), 3, HIGH)
    return Lesson(Stream(x, _one_hot(np.array(labels[:steps]), 3)), np.array(starts))


def copy(steps: int, seed: int, symbols: int = 5, delay: int = 40, alphabet: int = 8) -> Lesson:
    """``symbols`` random symbols, a delay of blanks, then a cue at each of as many steps: name them in their order."""
    rng, length = np.random.default_rng(seed), 2 * symbols + delay
    episodes = steps // length
    said = rng.integers(0, alphabet, (episodes, symbols))
    x = np.zeros((episodes, length, alphabet + 2))
    target = np.full((episodes, length, alphabet), np.nan)
    x[:, :symbols, :alphabet] = _one_hot(said, alphabet, HIGH)
    x[:, symbols : symbols + delay, alphabet] = HIGH
    x[:, symbols + delay :, alphabet + 1] = HIGH
    target[:, symbols + delay :] = _one_hot(said, alphabet)
    stream = Stream(x.reshape(-1, alphabet + 2), target.reshape(-1, alphabet))
    return Lesson(stream, length * np.arange(episodes))


def copy_sequence(rng: np.random.Generator, longest: int) -> tuple[Float, Float]:
    """x and target (2 n + 2, 4), n up to 4 below ``longest``: a start, n bits, n + 1 blanks; the label is blank until
    the bits are over, then the start and the bits again."""
    n = max(1, longest - int(rng.integers(0, 5)))
    bits, start, blanks = rng.integers(0, 2, n), np.array([2]), np.full(n + 1, 3)
    return _one_hot(np.concatenate([start, bits, blanks]), 4, HIGH), _one_hot(np.concatenate([blanks, start, bits]), 4)


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


# ------------------------------------------------------------------------------------------ seven streams


def _binary(bits: npt.NDArray[np.int64]) -> Float:
    return np.where(bits, HIGH, -HIGH)[:, None]


def _masked(x: Float, target: Float, first: int = 0) -> Lesson:
    target[:first] = np.nan
    return Lesson(Stream(x, target))


def stream_mg(steps: int, seed: int) -> Lesson:
    """Mackey-Glass, tau 17, Euler with .1, sampled every 2 units of time: the value 5 samples ahead."""
    rng, lag, each = np.random.default_rng(1000 + seed), 170, 20
    length = (steps + 200) * each
    x = np.empty(length + lag)
    x[: lag + 1] = 1.2 + 0.2 * (rng.random(lag + 1) - 0.5)
    for t in range(lag, length + lag - 1):
        x[t + 1] = x[t] + 0.1 * (0.2 * x[t - lag] / (1 + x[t - lag] ** 10) - 0.1 * x[t])
    series = np.clip((x[lag::each][100 : 120 + steps] - 0.92) / 0.5, -1, 1)[:, None]
    return _masked(series[:steps], series[5 : steps + 5])


def stream_sine2(steps: int, seed: int) -> Lesson:
    """Two drifting sines in noise; half way both change."""
    rng = np.random.default_rng(2000 + seed)
    clean, phase = np.empty(steps + 1), rng.random(4) * 6.28
    for t in range(steps + 1):
        early = t < steps // 2
        slow = 4000 if early else 3000
        turn = np.array([0.05, 0.13] if early else [0.08, 0.21]) * (1 + 0.15 * np.sin(2 * np.pi * t / slow))
        size, k = ((0.5, 0.35), 0) if early else ((0.35, 0.5), 2)
        phase[k : k + 2] += 2 * np.pi * turn
        clean[t] = size[0] * np.sin(phase[k]) + size[1] * np.sin(phase[k + 1])
    noisy = np.clip(clean + 0.02 * rng.standard_normal(steps + 1), -1, 1)[:, None]
    return _masked(noisy[:-1].copy(), noisy[1:].copy())


def stream_xor(steps: int, seed: int) -> Lesson:
    """b(t - 2) xor b(t - 3) of one random bit a step."""
    bits = np.random.default_rng(3000 + seed).integers(0, 2, steps)
    target = np.zeros((steps, 1))
    target[3:, 0] = bits[1 : steps - 2] ^ bits[: steps - 3]
    return _masked(_binary(bits), target, 4)


def stream_copy(steps: int, seed: int) -> Lesson:
    """b(t - 10) of one random bit a step."""
    bits = np.random.default_rng(4000 + seed).integers(0, 2, steps)
    target = np.zeros((steps, 1))
    target[10:, 0] = bits[: steps - 10]
    return _masked(_binary(bits), target, 10)


def stream_anbn(steps: int, seed: int) -> Lesson:
    """Whether the next symbol of a^n b^n, n uniform in 1 .. 6, is b."""
    rng = np.random.default_rng(5000 + seed)
    symbols: list[int] = []
    while len(symbols) < steps + 1:
        n = int(rng.integers(1, 7))
        symbols += [0] * n + [1] * n
    word = np.array(symbols[: steps + 1])
    return _masked(_one_hot(word[:steps], 2, HIGH), word[1:, None].astype(np.float64))


def stream_add(steps: int, seed: int) -> Lesson:
    """Eight values, two of them marked, the end marked too: half the marked values' sum."""
    rng, length = np.random.default_rng(6000 + seed), 8
    x, target = np.zeros((steps, 2)), np.full((steps, 1), np.nan)
    for t in range(0, steps - length + 1, length):
        values, marked = rng.uniform(-HIGH, HIGH, length), rng.choice(length - 1, 2, replace=False)
        x[t : t + length, 0] = values
        x[t + marked, 1] = HIGH
        target[t + length - 1, 0] = values[marked].sum() / 2
        x[t + length - 1, 1] = -HIGH
    return Lesson(Stream(x, target))


def _turned(axis: Float, angle: float) -> Float:
    """(3, 3) rotation (Rodrigues)."""
    a, b, c = axis / np.linalg.norm(axis)
    K = np.array([[0, -c, b], [c, 0, -a], [-b, a, 0]])
    found: Float = np.eye(3) + np.sin(angle) * K + (1 - np.cos(angle)) * K @ K
    return found


#: rest, walk, run, stairs: steps a second, amplitude on each axis, second harmonic
ACTIVITIES = (
    (0.0, (0.0, 0.0, 0.0), 0.0),
    (1.8, (0.08, 0.05, 0.16), 0.5),
    (2.7, (0.12, 0.06, 0.28), 0.25),
    (1.3, (0.10, 0.10, 0.14), 0.9),
)


def stream_act(steps: int, seed: int) -> Lesson:
    """Four activities of a three-axis accelerometer; half way the sensor is turned, weaker and off its zero."""
    rng = np.random.default_rng(7000 + seed)
    x, label, t, phase = np.zeros((steps, 3)), np.zeros(steps, np.intp), 0, 0.0
    while t < steps:
        kind = int(rng.integers(0, 4))
        length = min(int(rng.integers(60, 121)), steps - t)
        gain = 1 + 0.25 * (2 * rng.random() - 1)
        rate, size, second = ACTIVITIES[kind]
        rate = rate / 25 * (1 + 0.1 * (2 * rng.random() - 1))
        for _ in range(length):
            phase += 2 * np.pi * rate
            wave = gain * np.array([
                size[0] * np.sin(phase),
                size[1] * np.sin(phase / 2),
                size[2] * (np.sin(phase + 0.7) + second * np.sin(2 * phase)),
            ])  # fmt: skip
            x[t], label[t] = np.array([0, 0, 0.35]) + wave + 0.04 * rng.standard_normal(3), kind
            t += 1
    half = steps // 2
    turn = _turned(rng.standard_normal(3), 1.2)
    x[half:] = 0.65 * (x[half:] @ turn.T) + 0.08 * rng.standard_normal(3)
    return _masked(np.clip(2 * x, -1, 1), _one_hot(label, 4))


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
