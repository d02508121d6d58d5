"""Local dynamics of SnAp-1: what a unit keeps, and its own entry of the mix; C: ``local_diagonal.c``."""

from __future__ import annotations

import numpy as np

from ..fixed import block_shift, round_shift
from ..fixed.words import Int
from .net import Net


def local_own(net: Net) -> tuple[Int, int]:
    """own (components, components, units) with one exponent, no row's L1 norm above 2^15 - 1."""
    d, f = net.dims, net.formats
    total = np.zeros((d.components, d.components, d.units), dtype=np.int64)
    if d.private:
        keep = net["keep"].reshape(d.components, d.private, d.units)
        total[:, : d.private] = keep << int(f.mix_frac - net["k_exp"])
    every = np.arange(d.units)
    total[:, -1] += net.cell.cell_mix(net).reshape(d.components, d.units, d.units)[:, every, every]
    size = np.abs(total)
    shift = block_shift(int(size.sum(axis=1).max()), int(size.max()), d.components, 32767, 32767, f.mix_frac - 15)
    own = round_shift(total, shift)
    assert np.abs(own).sum(axis=1).max() <= 32767
    net["own"], net["own_exp"] = own, f.mix_frac - shift
    return own, f.mix_frac - shift
