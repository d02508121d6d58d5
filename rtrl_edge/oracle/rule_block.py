"""Exact RTRL whose gradients are summed over a block of steps, in which no weight of the cell moves.

The definition, not the algorithm: J step by step, as in RTRL, and the sum of c^T J. Source of the method: Schmidhuber
1992.
"""

from __future__ import annotations

from typing import cast

import numpy as np

from ..model import Model
from ..model.rule_block import BlockRTRL
from .voices import Float, Memory, Step


def initial(model: Model) -> Memory:
    """J = 0 (P, S), no gradient (P,), no step stored, none labelled."""
    d = model.dims
    return {
        "J": np.zeros((d.columns, d.states)),
        "sum": np.zeros(d.columns),
        "stored": np.zeros(()),
        "labels": np.zeros(()),
    }


def advance(model: Model, memory: Memory, step: Step) -> Memory:
    """J <- D J + I; the sum starts anew with a block."""
    if _ended(model, memory):
        memory = initial(model) | {"J": memory["J"]}
    J = memory["J"] @ step.D.T + step.I.T
    total, labels = memory["sum"], memory["labels"]
    if step.c is not None:
        total, labels = total + J @ step.c, labels + 1.0
    return {"J": J, "sum": total, "stored": memory["stored"] + 1.0, "labels": labels}


def gradient(model: Model, memory: Memory, step: Step) -> Float | None:
    """The block's sum (P,) at its last step; None at any other, or if nothing was labelled."""
    return memory["sum"] if _ended(model, memory) and memory["labels"] > 0 else None


def owed(model: Model, memory: Memory) -> Float | None:
    """The sum so far (P,) of a block that has not ended; None if nothing was labelled."""
    return memory["sum"] if not _ended(model, memory) and memory["labels"] > 0 else None


def _ended(model: Model, memory: Memory) -> bool:
    return float(memory["stored"]) == cast(BlockRTRL, model.rule).block
