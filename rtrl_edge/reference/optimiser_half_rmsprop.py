"""RMSprop with half the exponent in integers; C: ``optimiser_half_rmsprop.c``."""

from __future__ import annotations

import numpy as np

from ..fixed import fits, floor_log2, round_shift, sat
from ..fixed.words import Int
from .net import Net
from .weight_step import Part, rated, weight_step


def optimiser_cell(net: Net, part: Part, g: Int, frac: Int | int) -> None:
    """The cell's weights ``part`` after ``w <- w - rate clip(g / sqrt(typical))``; g has ``frac`` fraction bits."""
    _step(net, "w", part, g, frac)


def optimiser_readout(net: Net, g: Int, frac: int) -> None:
    """All readout weights likewise."""
    _step(net, "v", slice(None), g, frac)


def _step(net: Net, name: str, part: Part, g: Int, frac: Int | int) -> None:
    log = net[f"log_{name}"]
    size = np.maximum(np.abs(g), 1)
    high = floor_log2(size)
    level = sat(((high - frac) << 8) + (((size << (31 - high)) >> 23) & 255), 16)
    log[part] = fits(np.where(g == 0, log[part], log[part] + round_shift(level - log[part], 6)), 16)
    weight_step(net, name, part, rated(net, name, g, frac + round_shift(log[part], 9)))
