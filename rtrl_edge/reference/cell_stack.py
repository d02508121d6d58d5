"""Stack of Elman layers in integers; C: ``cell_stack.c``, ``cell_stack_linear.c``."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from ..fixed import ONE_Q15, round_shift, sat, tanh_q27, tanh_slope
from ..fixed.words import Int
from ..model import Block
from .net import Net
from .plain import cell_credit, cell_learn

__all__ = ["cell_credit", "cell_forward", "cell_learn", "cell_linearise", "cell_mix", "cell_reset"]


def cell_reset(net: Net) -> None:
    """Forget the past."""
    net["z"], net["h"] = 0, 0


def cell_forward(net: Net, x: Int) -> None:
    """Layer after layer: h <- tanh(W z) with z = [below; 1; h before], Q0.15."""
    below = x
    for block, W, units in _layers(net):
        z = np.concatenate([below, [ONE_Q15], net["h"][units]])
        net["z"][block.at : block.at + block.width] = z
        below = tanh_q27(W @ z)
        net["h"][units] = below


def cell_linearise(net: Net) -> None:
    """spread[i] = T[i], Q2.13: how far the pre-activation of unit i moves every unit; of the last layer as ``coef``.

    A layer l passes on what moves the layer below: ``T[i, k] = slope_k sum_j W_l[k, j] T[i, j]``, saturated at +-4.
    """
    d = net.dims
    slope = tanh_slope(net["h"])
    T = np.diag(round_shift(slope, 2))
    below = slice(0, 0)
    for block, W, units in _layers(net):
        if block.first:
            assert block.recurrent is not None
            through = T[: block.first, below] @ W[:, : block.recurrent - 1].T
            T[: block.first, units] = sat(round_shift(through * slope[units], 27), 16)
        below = units
    net["spread"] = T
    coef = np.zeros((len(d.structure.blocks), d.units), dtype=np.int64)
    coef[-1, below] = np.diagonal(T)[below]
    net["coef"] = coef


def cell_mix(net: Net) -> Int:
    """``mix[k, l] = sum_i T[i, k] W[i, l]`` over the units i of l's layer, 25 fraction bits, saturated at +-64."""
    d = net.dims
    mix = np.zeros((d.units, d.units), dtype=np.int64)
    T = net["spread"].reshape(d.units, d.units)
    for block, W, units in _layers(net):
        mix[:, units] = T[units].T @ W[:, block.recurrent :]
    saturated: Int = np.clip(mix, -(2**31 - 1), 2**31 - 2)
    return saturated


def _layers(net: Net) -> Iterator[tuple[Block, Int, slice]]:
    """Gate, weights (rows, width) and units of every layer."""
    d = net.dims
    for block, at in zip(d.structure.blocks, d.offsets, strict=True):
        rows = d.rows(block)
        W = net["w_hi"][at : at + rows * block.width].reshape(rows, block.width)
        yield block, W, slice(block.first, block.first + rows)
