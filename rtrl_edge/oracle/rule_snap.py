"""SnAp-n: RTRL whose influence is kept only where a weight reaches within n steps.

J (P, S), dense: the mask is multiplied into it. Source: Menick et al. 2021, section 3.
"""

from __future__ import annotations

import numpy as np

from ..model import Model
from .rule_rtrl import gradient, initial
from .voices import Float, Memory, Step

__all__ = ["advance", "gradient", "initial", "mask"]


def mask(model: Model) -> Float:
    """(P, S): 1 for the states, all components, of the unit that the weight belongs to."""
    d = model.dims
    unit_of_weight = d.places[1]
    return np.tile(np.eye(d.units)[unit_of_weight], d.components)


def advance(model: Model, memory: Memory, step: Step) -> Memory:
    """J <- mask (D J + I), for every column."""
    return {"J": mask(model) * (memory["J"] @ step.D.T + step.I.T)}
