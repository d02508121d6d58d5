"""Stochastic gradient descent in integers; C: ``optimiser_sgd.c``."""

from __future__ import annotations

from ..fixed import Formats, join_weight, split_weight, step_size
from ..fixed.words import Int


def optimiser_step(hi: Int, lo: Int, g: Int, shift: Int | int, limit: int, formats: Formats) -> tuple[Int, Int]:
    """Weights after ``w <- w - clip(g / 2^shift, limit)``, saturated, as (hi, lo)."""
    w = join_weight(hi, lo, formats.residual_bits) - step_size(g, shift, limit)
    return split_weight(w, formats.residual_bits)
