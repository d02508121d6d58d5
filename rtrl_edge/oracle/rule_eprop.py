"""e-prop: J <- keep J + I over the states of the weight's own unit, keep what a unit passes on to itself by no weight.

J (P, S), dense. Source: Bellec et al. 2020, eq. 1-4, with the exact credit.
"""

from __future__ import annotations

from importlib import import_module

from ..model import Model
from .rule_rtrl import gradient, initial
from .rule_snap import mask
from .voices import Float, Memory, Step

__all__ = ["advance", "gradient", "initial", "kept"]


def kept(model: Model, step: Step) -> Float:
    """The part of D (S, S) that goes through no weight.

    Weights see no component but the last, so the columns of the others are all of it. A cell that also keeps of its
    last component says how much, in ``kept(d, w, x, s)`` (S, n).
    """
    d = model.dims
    keep = step.D.copy()
    keep[:, d.states - d.units :] = 0.0
    if d.private == d.components:
        cell = import_module(f".{model.cell.voice}", __package__)
        keep[:, d.states - d.units :] = cell.kept(d, step.w, step.x, step.before)
    return keep


def advance(model: Model, memory: Memory, step: Step) -> Memory:
    """J <- keep J + I, for every column, own unit."""
    return {"J": mask(model) * (memory["J"] @ kept(model, step).T + step.I.T)}
