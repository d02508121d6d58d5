"""The seven streams on which integers are compared with float, of 20,000 samples or more, made from a seed."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from ..stream import Float, Stream
from .lessons import HIGH, Lesson, one_hot


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
    return _masked(one_hot(word[:steps], 2, HIGH), word[1:, None].astype(np.float64))


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
    return _masked(np.clip(2 * x, -1, 1), one_hot(label, 4))
