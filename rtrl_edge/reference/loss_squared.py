"""Squared error in integers; C: ``loss_squared.c``."""

from __future__ import annotations

from ..fixed import sat
from ..fixed.words import Int


def loss_error(y: Int, target: Int) -> Int:
    """e (outputs,) = y - target, saturated, in the format of y."""
    return sat(y - target, 16)
