"""Stochastic gradient descent in integers; C: ``optimiser_sgd.c``."""

from __future__ import annotations

from ..fixed import join_weight, split_weight, step_size
from ..fixed.words import Int
from .net import Net


def optimiser_cell(net: Net, part: slice, g: Int, frac: Int | int) -> None:
    """The cell's weights ``part`` after ``w <- w - rate clip(g)``; g has ``frac`` fraction bits."""
    _step(net, "w", part, g, frac, net.formats.rate_shift)


def optimiser_readout(net: Net, g: Int, frac: int) -> None:
    """All readout weights likewise."""
    _step(net, "v", slice(None), g, frac, net.formats.readout_rate_shift)


def _step(net: Net, name: str, part: slice, g: Int, frac: Int | int, rate: int) -> None:
    f = net.formats
    hi, lo = net[f"{name}_hi"], net[f"{name}_lo"]
    step = step_size(g, frac - (f.master_frac - rate), f.step_limit(rate))
    hi[part], lo[part] = split_weight(join_weight(hi[part], lo[part], f.residual_bits) - step, f.residual_bits)
