"""UORO in integers, all columns at once; C: ``rule_uoro.c``."""

from __future__ import annotations

import numpy as np

from ..fixed import fits, random_next, random_seed, round_shift
from .low_rank import (
    NO_TERM,
    PAIR_E_EMPTY,
    advance,
    advance_begin,
    constants,
    dot,
    gradient_align,
    immediate_credit,
    pair_down,
    pair_exponent,
    pair_gain,
    pair_join,
    pair_merge,
    pair_sum,
    pair_words,
    project,
)
from .net import Net

ONE = 2**14  # a sign in s


def rule_init(net: Net) -> None:
    """A network without a past, and the generator at its seed."""
    net["random"] = random_seed(constants(net)["SEED"])
    rule_reset(net)


def rule_reset(net: Net) -> None:
    """J = 0."""
    net["s"], net["theta"], net["E"], net["theta_square"], net["theta_top"] = 0, 0, PAIR_E_EMPTY, 0, 0


def rule_step(net: Net, learn: bool) -> None:
    """D s; then the gradient, where there is a label; then the merge."""
    net.cell.cell_linearise(net)
    advance_begin(net)
    _advance(net)
    if learn:
        net.readout.readout_credit(net)
        net.cell.cell_credit(net)
        _learn(net)
    _merge(net)
    net["column"] = net.dims.columns


def _advance(net: Net) -> None:
    """s <- D s with all its bits."""
    acc, frac = advance(net, net["s"][None])
    down = pair_down(acc)
    net["s"] = pair_words(acc, down)
    net["E"] = pair_exponent(net, net["s"], int(net["E"]) + frac - down)


def _learn(net: Net) -> None:
    """g = (c^T D s) theta + c^T I."""
    along = fits(net["s"][net.dims.states - net.dims.credits :] @ net["c"], 31)
    down = pair_down(along)
    net["along"] = pair_words(along, down)
    net["term_down"][0] = net["c_exp"] + net["E"] - down if along else NO_TERM
    immediate_credit(net)
    gradient_align(net)
    block, unit, seen = net.dims.places
    rows = net["credit_row"][block * net.dims.neurons + unit]
    carried = round_shift(fits(net["along"] * net["theta"]), net["term_down"][0])
    g = carried + round_shift(fits(rows * net["z"][seen]), net["term_down"][1])
    net.learn_cell(fits(g, 31), net["g_exp"])


def _merge(net: Net) -> None:
    """s <- rho s + nu, theta <- theta / rho + I^T nu."""
    d = net.dims
    down = _signs(net)
    rows, z = net["nu_row"], net["z"]
    square = sum(
        (dot(row, row) >> 15) * (dot(z[b.at : b.at + b.width], z[b.at : b.at + b.width]) >> 15)
        for b, row in zip(d.structure.blocks, rows.reshape(-1, d.neurons), strict=True)
    )
    old = dot(net["s"], net["s"]), int(net["theta_square"]) << 15, int(net["E"])
    m = pair_merge(old, (d.states * ONE * ONE, square, 14 + net.formats.coef_frac - down), 1)
    net["s"], gain = pair_join(m, m.u_shift, net["s"], net["nu"] * ONE)

    block, unit, seen = d.places
    fresh = round_shift(fits(rows[block * d.neurons + unit] * z[seen]), 15)
    top = round_shift(fits(np.abs(rows).max() * np.abs(z).max()), 15)
    cut = pair_down(pair_sum(m, m.a_shift, net["theta_top"], top))
    values = pair_sum(m, m.a_shift, net["theta"], fresh)
    net["theta"] = pair_words(values, cut)
    net["theta_top"] = np.abs(net["theta"]).max()
    net["theta_square"] = fits(round_shift(net["theta"] ** 2, 15).sum(), 32)
    net["E"] = pair_exponent(net, net["s"], m.exponent + gain + pair_gain(m.a_shift, cut))


def _signs(net: Net) -> int:
    """nu from the bits of the generator, 32 a draw, 1 for +1; nu^T I without z, and its right shift."""
    for k in range(net.dims.states):
        if k % 32 == 0:
            net["random"] = random_next(int(net["random"]))
        net["nu"][k] = 1 if int(net["random"]) >> (k % 32) & 1 else -1
    values = project(net, net["nu"])
    down = pair_down(values)
    net["nu_row"] = pair_words(values, down)
    return down
