"""What each part's file has to define, and how it is found.

A new cell, rule, readout, loss or optimiser is one new file here, named after the ``voice`` of its
description in :mod:`rtrl_edge.model`, with the functions of the matching protocol at module level.
Symbols: n units, m = inputs + 1 + n, P = n * m columns, o outputs.
"""

from __future__ import annotations

from importlib import import_module
from typing import NamedTuple, Protocol, cast

import numpy as np
import numpy.typing as npt

from ..model import SGD, Dims, Model

Float = npt.NDArray[np.float64]
Memory = dict[str, Float]  # what a rule carries from step to step, by the name of the state struct's member


class CellVoice(Protocol):
    """A recurrent cell."""

    def forward(self, W: Float, x: Float, h: Float) -> tuple[Float, Float]:
        """W (n, m), x (inputs,), h (n,) before the step -> h (n,) after it, z (m,)."""
        ...

    def dynamics(self, W: Float, h: Float) -> Float:
        """D (n, n) = dh_t/dh_{t-1}, from h (n,) after the step."""
        ...

    def slope(self, h: Float) -> Float:
        """First factor (n,) of the immediate Jacobian: dh_i/dW[i, j] at fixed past = slope_i * z_j."""
        ...


class ReadoutVoice(Protocol):
    """From the state to the outputs."""

    def forward(self, V: Float, h: Float) -> Float:
        """V (o, n + 1), h (n,) -> y (o,)."""
        ...

    def credit(self, V: Float, e: Float) -> Float:
        """Output error e (o,) -> dL/dh (n,)."""
        ...

    def gradient(self, e: Float, h: Float) -> Float:
        """e (o,), h (n,) -> dL/dV (o, n + 1)."""
        ...


class LossVoice(Protocol):
    """What learning descends."""

    def value(self, y: Float, target: Float) -> float:
        """The loss of one step, y and target (o,)."""
        ...

    def error(self, y: Float, target: Float) -> Float:
        """dL/dy (o,)."""
        ...


class RuleVoice(Protocol):
    """How the gradient is carried through time."""

    def initial(self, dims: Dims) -> Memory:
        """The memory of a network without a past."""
        ...

    def advance(self, memory: Memory, D: Float, slope: Float, z: Float) -> Memory:
        """The memory after one more step: D (n, n), slope (n,), z (m,). ``memory`` itself stays as it is."""
        ...

    def gradient(self, dims: Dims, memory: Memory, credit: Float) -> Float:
        """Credit dL/dh (n,) -> dL/dW as columns (P,)."""
        ...


class OptimiserVoice(Protocol):
    """How a gradient moves the weights."""

    def update(self, optimiser: SGD, w: Float, g: Float, readout: bool) -> Float:
        """The weights after the step; w and g of one shape. ``w`` itself stays as it is."""
        ...


class Voices(NamedTuple):
    """The five parts of one model."""

    cell: CellVoice
    readout: ReadoutVoice
    loss: LossVoice
    rule: RuleVoice
    optimiser: OptimiserVoice


def voices(model: Model) -> Voices:
    """Find the file of every part of a model."""
    return Voices(
        cast(CellVoice, _module(model.cell.voice)),
        cast(ReadoutVoice, _module(model.readout.voice)),
        cast(LossVoice, _module(model.loss.voice)),
        cast(RuleVoice, _module(model.rule.voice)),
        cast(OptimiserVoice, _module(model.optimiser.voice)),
    )


def _module(voice: str) -> object:
    return import_module(f".{voice}", __package__)


def vector(where: str, values: npt.ArrayLike, length: int) -> Float:
    """A finite float64 vector (length,), or ValueError: NumPy would broadcast a wrong shape in silence."""
    array = np.array(values, dtype=np.float64)
    if array.shape != (length,) or not np.isfinite(array).all():
        raise ValueError(f"{where}: wanted {length} finite values, found shape {array.shape}: {array}")
    return array
