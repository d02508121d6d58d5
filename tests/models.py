"""Small models and streams that several tests share."""

from __future__ import annotations

import numpy as np

import rtrl_edge as rt
from rtrl_edge.model import Cell, Rule
from rtrl_edge.weights import initial

SIZES = (1, 2, 8, 15, 16, 17)


def random_stream(inputs: int, outputs: int, samples: int = 200, seed: int = 0) -> rt.Stream:
    """Gaussian noise; every tenth label is missing."""
    rng = np.random.default_rng(seed)
    target = rng.normal(0.0, 0.3, (samples, outputs))
    target[9::10] = np.nan
    return rt.Stream(rng.normal(0.0, 0.3, (samples, inputs)), target)


def integer_model(
    units: int = 8, inputs: int = 3, outputs: int = 2, *, name: str = "net", seed: int = 1, **parts: object
) -> rt.IntegerModel:
    """An untrained model of random weights; ``parts`` are Model's arguments."""
    model = rt.Model(
        name=name, inputs=inputs, readout=rt.Linear(outputs),
        **({"cells": [rt.RNN(units)], "optimiser": rt.SGD(2**-5)} | parts),
    )  # fmt: skip
    return rt.quantize(model, initial(model, seed), random_stream(inputs, outputs))


def large_model(cell: Cell, inputs: int, rule: Rule) -> rt.IntegerModel:
    """Weights of up to +-8 at random: sums that leave 32 bits, on the way or at the end, and sums that do not."""
    model = rt.Model("net", inputs, [cell], rt.Linear(5), rule=rule, optimiser=rt.SGD(2**-5))
    found, rng = initial(model, 1), np.random.default_rng(2)
    large = [
        rng.uniform(-8, 8, w.shape) * rng.choice([0.1, 1.0], w.shape[:1] + (1,) * (w.ndim - 1))
        for w in (found.W, found.V)
    ]
    return rt.quantize(model, rt.Weights(*large), random_stream(inputs, 5))


#: cells whose rows are taken by four: even and odd rows, an odd number of them, some left over
CELLS_BY_FOUR = (
    (rt.RNN(16), 1), (rt.RNN(19), 3), (rt.LSTM(4), 2), (rt.LSTM(3), 1), (rt.LSTM(12), 6), (rt.GRU(9), 2),
    (rt.GRU(6, reset="before"), 5), (rt.FullyRecurrent(10), 2), (rt.RNN(33), 3), (rt.LSTM(1), 1),
)  # fmt: skip


def words(integer_model: rt.IntegerModel, samples: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Inputs, targets and which of them are labelled: random over the whole range, then every extreme.

    A fifth each: all of int16 at random; all -32768; all 32767; alternating extremes; small values.
    """
    d, rng = integer_model.model.dims, np.random.default_rng(seed)
    fifth = samples // 5

    def column(width: int) -> np.ndarray:
        values = rng.integers(-32768, 32768, (samples, width)).astype(np.int16)
        values[fifth : 2 * fifth] = -32768
        values[2 * fifth : 3 * fifth] = 32767
        values[3 * fifth : 4 * fifth] = np.where(np.arange(fifth) % 2, 32767, -32768)[:, None]
        values[4 * fifth :] //= 32
        return values

    labelled = rng.random(samples) < 0.85
    labelled[fifth + 5] = False
    return column(d.inputs), column(d.outputs), labelled
