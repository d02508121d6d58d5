"""SnAp-n: RTRL whose influence is kept only where a weight reaches within n steps.

J (P, S), dense: the mask is multiplied into it. Source: Menick et al. 2021, section 3.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from ..model import Model, SnAp
from .rule_rtrl import gradient, initial
from .voices import Float, Memory, Step, voices

__all__ = ["advance", "gradient", "initial", "mask"]


@lru_cache(maxsize=16)
def mask(model: Model) -> Float:
    """(P, S): 1 for the states, all components, of the units that the weight's own reaches in ``order`` - 1 steps.

    Of order 1, and of the other local rules, the own unit. Which unit reaches which in a step is read off D at some
    weights, as a way that is open at any is open at almost all.
    """
    d = model.dims
    order = model.rule.order if isinstance(model.rule, SnAp) else 1
    reached = np.eye(d.units)
    if order > 1:
        rng, n = np.random.default_rng(0), d.units
        w, x, s = rng.normal(0, 0.5, d.weights), rng.normal(0, 0.5, d.inputs), rng.normal(0, 0.3, d.states)
        D = voices(model).cell.jacobians(d, w, x, s)[0]
        open_ways = (np.abs(D).reshape(d.components, n, d.components, n).max(axis=(0, 2)) > 0).astype(np.float64)
        for _ in range(order - 1):
            reached = ((reached + open_ways @ reached) > 0).astype(np.float64)
    unit_of_weight = d.places[1]
    return np.tile(reached.T[unit_of_weight], d.components)


def advance(model: Model, memory: Memory, step: Step) -> Memory:
    """J <- mask (D J + I), for every column."""
    return {"J": mask(model) * (memory["J"] @ step.D.T + step.I.T)}
