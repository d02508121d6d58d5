"""Local dynamics of a cell whose units do not mix: what a unit keeps. C: ``local_keep.c``."""

from __future__ import annotations

from ..fixed.words import Int
from .net import Net


def local_own(net: Net) -> tuple[Int, int]:
    """keep (components, components, units) and its exponent."""
    d = net.dims
    return net["keep"].reshape(d.components, d.private, d.units), int(net["k_exp"])
