"""Rules whose columns have only the states of their own unit, all columns at once; C: ``rule_local.c``."""

from __future__ import annotations

import importlib

import numpy as np

from ..fixed import fits, round_shift
from .influence import clear_columns, column_exponents, store_columns
from .net import Net


def rule_init(net: Net) -> None:
    """A network without a past."""
    rule_reset(net)


def rule_reset(net: Net) -> None:
    """J = 0."""
    clear_columns(net)


def rule_step(net: Net, learn: bool) -> None:
    """One step of all columns."""
    advance(net, learn)
    net["column"] = net.dims.columns


def advance(net: Net, learn: bool) -> None:
    """``J_p <- own_i J_p + immediate`` for the unit i of column p; then gradient and update where there is a label.

    own: (components, of component, units), the rows' L1 norms at most 2^15, or sqrt(2) 2^15 where own is finer
    than the coefficients: so |own J| <= 2^30 after the shift.
    """
    d = net.dims
    local = importlib.import_module(f".{net.model.rule.local}", __package__)
    net.cell.cell_linearise(net)
    if learn:
        net.readout.readout_credit(net)
        net.cell.cell_credit(net)
    own, own_exp = local.local_own(net)
    block, unit, seen = d.places
    finer = max(own_exp - net.formats.coef_frac, 0)  # so that the immediate term is shifted right
    frac = own_exp - finer + column_exponents(net)
    acc = round_shift(fits(np.einsum("kqp,pq->pk", own[:, :, unit], net["J"])), finer)
    down = np.minimum(net.formats.coef_frac + 15 - frac, 31)
    coef = net["coef"].reshape(-1, d.components, d.units)[block, :, unit]
    spread = np.array([b.spread for b in d.structure.blocks])[block]
    if spread.any():
        coef[spread, -1] = np.diagonal(net["spread"].reshape(d.units, d.units))[unit[spread]]
    acc += round_shift(fits(coef * net["z"][seen][:, None]), down[:, None])
    store_columns(net, fits(acc), frac)
    if learn:
        credit = net["c"].reshape(-1, d.units)[:, unit].T
        g = fits((net["J"][:, d.structure.credited :] * credit).sum(axis=1), 31)
        net.learn_cell(g, net["c_exp"] + column_exponents(net))
