"""Momentum in integers; C: ``optimiser_momentum.c``."""

from __future__ import annotations

from ..fixed import fits, round_shift, step_size
from ..fixed.words import Int
from ..model import Momentum
from ..model.optimiser_momentum import MOMENTUM_BITS
from .net import Net
from .weight_step import Part, rated, weight_step


def optimiser_cell(net: Net, part: Part, g: Int, frac: Int | int) -> None:
    """The cell's weights ``part`` after ``m <- m + (clip(g) - m) 2^-k``, ``w <- w - rate m``."""
    _step(net, "w", part, g, frac)


def optimiser_readout(net: Net, g: Int, frac: int) -> None:
    """All readout weights likewise."""
    _step(net, "v", slice(None), g, frac)


def _step(net: Net, name: str, part: Part, g: Int, frac: Int | int) -> None:
    optimiser = net.model.optimiser
    assert isinstance(optimiser, Momentum)
    m = net[f"m_{name}"]
    clipped = step_size(g, frac - optimiser.mean_frac, 1 << MOMENTUM_BITS)
    m[part] = fits(m[part] + round_shift(fits(clipped - m[part]), optimiser.momentum_shift))
    weight_step(net, name, part, rated(net, name, m[part], optimiser.mean_frac))
