"""Stochastic gradient descent in integers; C: ``optimiser_sgd.c``, ``optimiser_sgd_decay.c``."""

from __future__ import annotations

from ..fixed import join_weight, round_shift
from ..fixed.words import Int
from ..model import SGD
from .net import Net
from .weight_step import Part, rated, weight_step


def optimiser_cell(net: Net, part: Part, g: Int, frac: Int | int) -> None:
    """The cell's weights ``part`` after ``w <- w - rate clip(g)``; g has ``frac`` fraction bits."""
    _step(net, "w", part, g, frac)


def optimiser_readout(net: Net, g: Int, frac: int) -> None:
    """All readout weights likewise."""
    _step(net, "v", slice(None), g, frac)


def _step(net: Net, name: str, part: Part, g: Int, frac: Int | int) -> None:
    assert isinstance(net.model.optimiser, SGD)
    if net.model.optimiser.decay is not None:
        bits = net.formats.residual_bits
        now, first = (
            join_weight(of[f"{name}_hi"][part], of[f"{name}_lo"][part], bits) for of in (net, net.factory)
        )  # fmt: skip
        weight_step(net, name, part, round_shift(now - first, net.model.optimiser.decay_shift))
    weight_step(net, name, part, rated(net, name, g, frac))
