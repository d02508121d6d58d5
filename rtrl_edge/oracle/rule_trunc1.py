"""Truncated BPTT over one step: the immediate Jacobian alone. Source: Williams & Peng 1990."""

from __future__ import annotations

from ..model import Model
from .voices import Float, Memory, Step


def initial(model: Model) -> Memory:
    """Nothing is carried."""
    return {}


def advance(model: Model, memory: Memory, step: Step) -> Memory:
    """Nothing to advance."""
    return memory


def gradient(model: Model, memory: Memory, step: Step) -> Float:
    """dL/dw_p (P,) = sum_k c_k I[k, p]."""
    assert step.c is not None
    return step.I.T @ step.c
