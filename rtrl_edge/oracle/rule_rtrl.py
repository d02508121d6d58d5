"""Exact Real-Time Recurrent Learning.

Influence matrix J (P, S), stored column by column: J[p, k] = ds_k/dw_p.
Source: Williams & Zipser 1989: the recursion for p^k_ij, its start at zero, and the weight change
sum_k e_k p^k_ij; found before by Robinson & Fallside 1987.
"""

from __future__ import annotations

import numpy as np

from ..model import Model
from .voices import Float, Memory, Step


def initial(model: Model) -> Memory:
    """J = 0 (P, S): the first state depends on no weight."""
    return {"J": np.zeros((model.dims.columns, model.dims.states))}


def advance(model: Model, memory: Memory, step: Step) -> Memory:
    """J <- D J + I, for every column."""
    return {"J": memory["J"] @ step.D.T + step.I.T}


def gradient(model: Model, memory: Memory, step: Step) -> Float:
    """dL/dw_p (P,) = sum_k c_k J[p, k]."""
    assert step.c is not None
    return memory["J"] @ step.c
