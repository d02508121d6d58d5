"""Synthetic gradients: signal = credit + A seen, seen = [visible; clipped error; 1], A learned from D^T signal.

Source: Jaderberg et al. 2017; Marschall, Cho & Savin 2020.
"""

from __future__ import annotations

from typing import cast

import numpy as np

from ..model import Model
from ..model.rule_dni import DNI
from .voices import Float, Memory, Step, voices


def initial(model: Model) -> Memory:
    """A = 0 (S, H + o + 1), and nothing seen."""
    d = model.dims
    seen = d.visible + d.outputs + 1
    return {"A": np.zeros((d.states, seen)), "seen": np.zeros(seen), "signal": np.zeros(d.states)}


def forget(model: Model, memory: Memory) -> Memory:
    """Keep A."""
    return initial(model) | {"A": memory["A"]}


def advance(model: Model, memory: Memory, step: Step) -> Memory:
    """The signal of the step, and A after one step down ``1/2 |A seen - D^T signal|^2`` of the step before."""
    d, A, before = model.dims, memory["A"], memory["seen"]
    visible = voices(model).cell.visible(d, step.w, step.x, step.after)
    error = np.zeros(d.outputs) if step.e is None else np.clip(step.e, -1.0, 1.0)
    seen = np.concatenate((visible, error, [1.0]))
    signal = A @ seen + (0.0 if step.c is None else step.c)
    off = np.clip(A @ before - step.D.T @ signal, -1.0, 1.0)
    return {"A": A - cast(DNI, model.rule).rate * np.outer(off, before), "seen": seen, "signal": signal}


def gradient(model: Model, memory: Memory, step: Step) -> Float:
    """dL/dw (P,) = I^T signal."""
    g: Float = step.I.T @ memory["signal"]
    return g


def owed(model: Model, memory: Memory) -> list[Float]:
    """Nothing waits."""
    return []
