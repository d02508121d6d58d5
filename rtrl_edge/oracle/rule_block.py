"""Exact RTRL whose gradients are summed over a block of steps, in which no weight of the cell moves.

The definition, not the algorithm: J step by step, as in RTRL, and the sum of c^T J. Lagged, the sum moves the weights
when the next block ends. Source of the method: Schmidhuber 1992.
"""

from __future__ import annotations

from typing import cast

import numpy as np

from ..model import Model
from ..model.rule_block import BlockRTRL
from .voices import Float, Memory, Step


def initial(model: Model) -> Memory:
    """J = 0 (P, S); of this block and of the last one: no gradient (P,), no label; no step stored."""
    d = model.dims
    return {
        "J": np.zeros((d.columns, d.states)),
        "stored": np.zeros(()),
        "sum": np.zeros(d.columns),
        "labels": np.zeros(()),
        "last_sum": np.zeros(d.columns),
        "last_labels": np.zeros(()),
    }


def advance(model: Model, memory: Memory, step: Step) -> Memory:
    """J <- D J + I; the sum starts anew with a block."""
    if _ended(model, memory):
        last = {"last_sum": memory["sum"], "last_labels": memory["labels"]}
        memory = initial(model) | {"J": memory["J"]} | last
    J = memory["J"] @ step.D.T + step.I.T
    new = {"J": J, "stored": memory["stored"] + 1.0}
    if step.c is not None:
        new |= {"sum": memory["sum"] + J @ step.c, "labels": memory["labels"] + 1.0}
    return memory | new


def gradient(model: Model, memory: Memory, step: Step) -> Float | None:
    """The sum (P,) of the block at its last step, lagged of the one before; None if nothing was labelled there."""
    name = "last_" if _rule(model).lagged else ""
    return memory[f"{name}sum"] if _ended(model, memory) and memory[f"{name}labels"] > 0 else None


def owed(model: Model, memory: Memory) -> list[Float]:
    """Lagged, the sum of the block in work; then that of the labels after it."""
    found = []
    if _rule(model).lagged and not _ended(model, memory) and memory["last_labels"] > 0:
        found.append(memory["last_sum"])
    if memory["labels"] > 0 and (_rule(model).lagged or not _ended(model, memory)):
        found.append(memory["sum"])
    return found


def _ended(model: Model, memory: Memory) -> bool:
    return float(memory["stored"]) == _rule(model).block


def _rule(model: Model) -> BlockRTRL:
    return cast(BlockRTRL, model.rule)
