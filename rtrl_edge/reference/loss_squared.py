"""Squared error in integers; C: ``loss_squared.c``."""

from __future__ import annotations

from ..fixed import sat
from ..fixed.words import Int
from .net import Net


def loss_error(net: Net, target: Int) -> None:
    """e = y - target, saturated, in the format of y."""
    net["e"] = sat(net["y"] - target, 16)
