"""The immediate derivative in integers, all weights at once; C: ``rule_trunc1.c``, ``delta.c``."""

from __future__ import annotations

import numpy as np

from ..fixed import STATE_FRAC, block_shift, fits, round_shift
from ..fixed.words import Int
from .dynamics import by_neuron
from .net import Net


def rule_init(net: Net) -> None:
    """Nothing is carried."""


def rule_reset(net: Net) -> None:
    """Nothing to forget."""


def delta_sums(net: Net) -> Int:
    """dL/d(pre-activation) (gates, neurons), exact, c_exp + coef_frac fraction bits."""
    d = net.dims
    credit = net["c"].reshape(-1, d.units)
    coef = net["coef"].reshape(-1, d.components, d.units)[:, d.structure.credited :]
    return by_neuron(net, (coef * credit).sum(axis=1), credit[-1])


def rule_step(net: Net, learn: bool) -> None:
    """``g = delta z`` where there is a label, delta rounded to int16 with one exponent for all gates and neurons."""
    net["column"] = net.dims.columns
    if not learn:
        return
    net.cell.cell_linearise(net)
    net.readout.readout_credit(net)
    net.cell.cell_credit(net)
    total = delta_sums(net)
    peak = int(np.abs(total).max())
    shift = block_shift(peak, peak, 1, 32767, 32767, 0)
    net["delta"] = round_shift(total, shift)
    net["delta_exp"] = net["c_exp"] + net.formats.coef_frac - shift
    block, unit, seen = net.dims.places
    g = fits(net["delta"].reshape(-1, net.dims.neurons)[block, unit] * net["z"][seen], 31)
    net.learn_cell(g, int(net["delta_exp"]) + STATE_FRAC)
