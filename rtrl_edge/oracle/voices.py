"""What each part's file has to define, and how it is found.

A new cell, rule, readout, loss or optimiser is one new file here, named after the ``voice`` of its
description in :mod:`rtrl_edge.model`, with the functions of the matching protocol at module level.
Symbols: S states, P columns, H entries that the readout sees, o outputs. All arrays are float64; Jacobians are
plain dense matrices: here nothing is clever, because everything else is judged by it.
"""

from __future__ import annotations

from dataclasses import dataclass
from importlib import import_module
from typing import NamedTuple, Protocol, cast

import numpy as np
import numpy.typing as npt

from ..model import Dims, Loss, Model, Optimiser

Float = npt.NDArray[np.float64]
Memory = dict[str, Float]  # what a rule or an optimiser carries from step to step


@dataclass(frozen=True, eq=False)
class Step:
    """One step of a network, as a rule sees it, made with the weights of its forward pass.

    Args:
        w: (weights,) the cell's weights, flat.
        x: (inputs,).
        before: (S,) the state before the step.
        after: (S,) the state after it.
        D: (S, S) ds_t/ds_{t-1} at fixed weights.
        I: (S, P) ds_t/dw at a fixed past.
        c: (S,) dL/ds_t of the step's own loss, or None where the label is missing.
        e: (o,) dL/dy of it, likewise.
    """

    w: Float
    x: Float
    before: Float
    after: Float
    D: Float
    I: Float  # noqa: E741 - the immediate Jacobian's own name
    c: Float | None = None
    e: Float | None = None


class CellVoice(Protocol):
    """A recurrent cell with flat weights w (weights,)."""

    def forward(self, d: Dims, w: Float, x: Float, s: Float) -> Float:
        """x (inputs,), state s (S,) before the step -> state (S,) after it."""
        ...

    def jacobians(self, d: Dims, w: Float, x: Float, s: Float) -> tuple[Float, Float]:
        """The step from s: D (S, S) and I (S, P)."""
        ...

    def visible(self, d: Dims, w: Float, x: Float, s: Float) -> Float:
        """State s (S,) after the step -> what the readout sees (H,)."""
        ...

    def visible_jacobian(self, d: Dims, w: Float, x: Float, s: Float) -> Float:
        """d visible / d state, (H, S)."""
        ...

    def direct(self, d: Dims, w: Float, x: Float, s: Float, c: Float) -> Float:
        """Gradient (weights - P,) of the weights that act on what the readout sees alone, for dL/dvisible c (H,)."""
        ...

    def kept(self, d: Dims, w: Float, x: Float, s: Float) -> Float:
        """What of D's last n columns (S, n) goes through no weight; only where a unit keeps of its last component."""
        ...


class ReadoutVoice(Protocol):
    """From what the cell shows to the outputs. V (o, H + 1), or (o, 0) where it has no weights."""

    def forward(self, V: Float, h: Float) -> Float:
        """V, h (H,) -> y (o,)."""
        ...

    def credit(self, V: Float, e: Float, h: Float) -> Float:
        """Output error e (o,), h (H,) -> dL/dh (H,)."""
        ...

    def gradient(self, e: Float, h: Float) -> Float:
        """e (o,), h (H,) -> dL/dV, V's shape."""
        ...


class LossVoice(Protocol):
    """What learning descends."""

    def value(self, loss: Loss, y: Float, target: Float) -> Float:
        """The loss (...) of each step, y and target (..., o)."""
        ...

    def error(self, loss: Loss, y: Float, target: Float) -> Float:
        """dL/dy (..., o)."""
        ...


class RuleVoice(Protocol):
    """How the gradient is carried through time."""

    def initial(self, model: Model) -> Memory:
        """The memory of a network without a past."""
        ...

    def advance(self, model: Model, memory: Memory, step: Step) -> Memory:
        """The memory after one more step. ``memory`` itself stays as it is."""
        ...

    def gradient(self, model: Model, memory: Memory, step: Step) -> Float | None:
        """dL/dw (P,) of the labelled ``step`` that ``memory`` was just advanced by; of a ``late`` rule, of any step,
        and None where it moves no weight."""
        ...


class ForgettingRuleVoice(RuleVoice, Protocol):
    """A rule with something that a reset keeps: what it has learned, the state of a random generator."""

    def forget(self, model: Model, memory: Memory) -> Memory:
        """The memory of a network without a past, and what is kept."""
        ...


class LateRuleVoice(RuleVoice, Protocol):
    """A rule whose gradients wait for later steps."""

    def owed(self, model: Model, memory: Memory) -> list[Float]:
        """dL/dw (P,) that are still to come, in their order, for a reset."""
        ...


class OptimiserVoice(Protocol):
    """How a gradient moves the weights."""

    def initial(self, optimiser: Optimiser, w: Float) -> Memory:
        """What it carries for weights w."""
        ...

    def update(
        self, optimiser: Optimiser, memory: Memory, w: Float, g: Float, readout: bool, labels: int
    ) -> tuple[Float, Memory]:
        """The weights after the step and the new memory; w and g of one shape. The arguments stay as they are.
        ``labels``: labelled steps so far, the present one included."""
        ...


class Voices(NamedTuple):
    """The five parts of one model."""

    cell: CellVoice
    readout: ReadoutVoice
    loss: LossVoice
    rule: RuleVoice
    optimiser: OptimiserVoice


def voices(model: Model) -> Voices:
    """Find the file of every part of a model.

    A rule's file is that of its own ``voice``, whatever its integer form for a structure: mathematically it is one.
    """
    return Voices(
        cast(CellVoice, _module(model.cell.voice)),
        cast(ReadoutVoice, _module(model.readout.voice)),
        cast(LossVoice, _module(model.loss.voice)),
        cast(RuleVoice, _module(model.rule.voice)),
        cast(OptimiserVoice, _module(model.optimiser.voice)),
    )


def without_past(model: Model, memory: Memory) -> Memory:
    """The memory of the model's rule after a reset."""
    rule = voices(model).rule
    return cast(ForgettingRuleVoice, rule).forget(model, memory) if hasattr(rule, "forget") else rule.initial(model)


def _module(voice: str) -> object:
    return import_module(f".{voice}", __package__)


def vector(where: str, values: npt.ArrayLike, length: int) -> Float:
    """A finite float64 vector (length,), or ValueError: NumPy would broadcast a wrong shape in silence."""
    array = np.array(values, dtype=np.float64)
    if array.shape != (length,) or not np.isfinite(array).all():
        raise ValueError(f"{where}: wanted {length} finite values, found shape {array.shape}: {array}")
    return array
