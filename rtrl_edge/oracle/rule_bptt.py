"""Truncated back-propagation through time, online: the newest loss, back over the last steps as they were made.

Source: Williams & Peng 1990, BPTT(h; 1).
"""

from __future__ import annotations

from typing import cast

import numpy as np

from ..model import BPTT, Model
from .voices import Float, Memory, Step


def initial(model: Model) -> Memory:
    """No steps yet: their D (0, S, S) and I (0, S, P), oldest first."""
    s, p = model.dims.states, model.dims.columns
    return {"D": np.zeros((0, s, s)), "I": np.zeros((0, s, p))}


def advance(model: Model, memory: Memory, step: Step) -> Memory:
    """Keep the last ``window`` steps."""
    window = cast(BPTT, model.rule).window
    return {
        "D": np.concatenate((memory["D"], step.D[None]))[-window:],
        "I": np.concatenate((memory["I"], step.I[None]))[-window:],
    }


def gradient(model: Model, memory: Memory, step: Step) -> Float:
    """dL/dw (P,) = sum_s I_s^T delta_s, delta_{s-1} = D_s^T delta_s, from the step's own credit."""
    assert step.c is not None
    g, delta = np.zeros(model.dims.columns), step.c
    for D, immediate in zip(memory["D"][::-1], memory["I"][::-1], strict=True):
        g = g + immediate.T @ delta
        delta = D.T @ delta
    return g
