"""The mix of cells whose units meet only in W z; C: ``mix_blocks.c``."""

from __future__ import annotations

import numpy as np

from ..fixed import fits
from ..fixed.words import Int
from .net import Net


def cell_mix(net: Net) -> Int:
    """``mix[(k, i), l] = sum_b coef[b, k, i] W_b[i, l]``, (states, units), coef_frac + 12 fraction bits."""
    d = net.dims
    coef = net["coef"].reshape(-1, d.components, d.units)
    mix = np.zeros((d.components, d.units, d.units), dtype=np.int64)
    for b, (block, at) in enumerate(zip(d.structure.blocks, d.offsets, strict=True)):
        if block.recurrent is not None:
            rows = net["w_hi"][at : at + d.units * block.width].reshape(d.units, block.width)
            mix += coef[b][:, :, None] * rows[None, :, block.recurrent : block.recurrent + d.units]
    return fits(mix.reshape(d.states, d.units))
