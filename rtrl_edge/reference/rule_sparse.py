"""RTRL and SnAp-n on sparse weights in integers, all columns of a unit at once; C: ``rule_sparse.c``."""

from __future__ import annotations

import numpy as np

from ..fixed import WEIGHT_FRAC, block_shift, fits, round_shift
from ..fixed.words import Int
from .influence import clear_columns, column_exponents, keep_exponents, rounded_columns
from .net import Net


def rule_init(net: Net) -> None:
    """A network without a past."""
    rule_reset(net)


def rule_reset(net: Net) -> None:
    """J = 0."""
    clear_columns(net)


def rule_step(net: Net, learn: bool) -> None:
    """``J_p <- D J_p + immediate`` on the units in reach; then gradient and update where there is a label."""
    d, f = net.dims, net.formats
    net.cell.cell_linearise(net)
    if learn:
        net.readout.readout_credit(net)
        net.cell.cell_credit(net)
    D = dynamics(net)
    block, unit, entry = d.places
    starts, reached = net.tables["rtrl_reach_at"], net.tables["rtrl_reach"]
    ends = np.cumsum(np.diff(starts)[unit])  # of each column in J
    coef = net["coef"].reshape(-1, d.units)
    g, frac = np.zeros(d.columns, dtype=np.int64), net["d_exp"] + column_exponents(net)
    for i in range(d.units):
        rows, own = reached[starts[i] : starts[i + 1]], np.flatnonzero(unit == i)
        at = ends[own][:, None] - len(rows) + np.arange(len(rows))
        acc = fits(net["J"][at] @ D[np.ix_(rows, rows)].T, 31)
        down = np.minimum(f.coef_frac + 15 - frac[own], 31)
        acc[:, 0] += round_shift(fits(coef[block[own], i] * net["z"][entry[own]]), down)
        net["J"][at], exponent = rounded_columns(net, fits(acc), frac[own])
        keep_exponents(net, own, exponent)
        if learn:
            g[own] = fits(net["J"][at] @ net["c"][rows], 31)
    if learn:
        net.learn_cell(g, net["c_exp"] + column_exponents(net))
    net["column"], net["entry"] = d.columns, net["J"].size


def dynamics(net: Net) -> Int:
    """D (units, units), zero off the pattern, rounded with one exponent so that no row has a large L1 norm."""
    f, mix = net.formats, net.cell.cell_mix(net)
    size = np.abs(mix)
    shift = block_shift(
        int(size.sum(axis=1).max()), int(size.max()), net.dims.units, f.l1_max, f.dynamics_max, WEIGHT_FRAC
    )
    D = round_shift(mix, shift)
    assert np.abs(D).max() <= f.dynamics_max
    assert np.abs(D).sum(axis=1).max() <= f.l1_max
    pattern = net.dims.structure.pattern
    assert pattern is not None
    net["D"] = np.concatenate([D[i, list(row)] for i, row in enumerate(pattern)])
    net["d_exp"] = f.mix_frac - shift
    return D
