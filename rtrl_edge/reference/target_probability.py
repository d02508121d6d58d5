"""A target that is a probability; C: ``target_probability.c``."""

from __future__ import annotations

import numpy as np

from ..fixed.words import Int
from .net import Net


def target_probability(net: Net, target: Int) -> Int:
    """The target, held in [0, 1], from the format of y to Q0.15 (0..32768)."""
    frac = net.formats.output_frac
    return np.clip(target, 0, 1 << frac) << (15 - frac)
