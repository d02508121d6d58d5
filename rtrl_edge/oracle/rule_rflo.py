"""RFLO: J <- decay J + I on the last component of the weight's own unit; the exact credit, not random feedback.

J (P, S), dense. Source: Murray 2019, eq. 7-9.
"""

from __future__ import annotations

import numpy as np

from ..model import RFLO, Model
from .rule_rtrl import gradient, initial
from .rule_snap import mask
from .voices import Memory, Step

__all__ = ["advance", "gradient", "initial"]


def advance(model: Model, memory: Memory, step: Step) -> Memory:
    """The decay stands in the place of D: on the diagonal, for the last n of the S states."""
    assert isinstance(model.rule, RFLO)
    d = model.dims
    decay = np.where(np.arange(d.states) < d.states - d.units, 0.0, model.rule.decay)
    return {"J": mask(model) * (decay * memory["J"] + step.I.T)}
