"""Exact RTRL in integers, all columns at once; C: ``rule_rtrl.c``."""

from __future__ import annotations

from ..fixed import fits
from .dynamics import dot_dynamics, dynamics, immediate_add, keep_times
from .influence import clear_columns, column_exponents, store_columns
from .net import Net


def rule_init(net: Net) -> None:
    """A network without a past."""
    rule_reset(net)


def rule_reset(net: Net) -> None:
    """J = 0."""
    clear_columns(net)


def rule_begin(net: Net, learn: bool) -> None:
    """The linear form with the weights of the forward pass, and the credit."""
    net.cell.cell_linearise(net)
    dynamics(net)
    if learn:
        net.readout.readout_credit(net)
        net.cell.cell_credit(net)


def rule_advance(net: Net) -> None:
    """``J_p <- (keep + D) J_p + immediate`` with a new exponent, for every column p."""
    frac = net["d_exp"] + column_exponents(net)
    acc = fits(dot_dynamics(net, net["J"]) + keep_times(net, net["J"]), 31)  # < 2^30: the L1 rule
    store_columns(net, immediate_add(net, acc, frac), frac)


def rule_step(net: Net, learn: bool) -> None:
    """One step of the rule: influence, then gradient and update where there is a label."""
    rule_begin(net, learn)
    rule_advance(net)
    if learn:
        seen = net.dims.states - net.dims.credits
        net.learn_cell(fits(net["J"][:, seen:] @ net["c"], 31), net["c_exp"] + column_exponents(net))
    net["column"] = net.dims.columns
