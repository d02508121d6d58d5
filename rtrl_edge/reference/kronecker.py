"""J as a sum of A_s u_s^T 2^-E_s: what KF-RTRL and the Kronecker sums share; C: ``kronecker.c``."""

from __future__ import annotations

import numpy as np

from ..fixed import fits, floor_log2, random_seed, round_shift
from ..fixed.words import Int
from .low_rank import (
    NO_TERM,
    PAIR_E_EMPTY,
    advance,
    advance_begin,
    constants,
    gradient_align,
    immediate_credit,
    pair_down,
    pair_exponent,
    pair_words,
)
from .net import Net


def rule_init(net: Net) -> None:
    """A network without a past, and the generator at its seed."""
    net["random"] = random_seed(constants(net)["SEED"])
    rule_reset(net)


def rule_reset(net: Net) -> None:
    """J = 0."""
    net["u"], net["A"], net["E"] = 0, 0, PAIR_E_EMPTY


def kronecker_step(net: Net, learn: bool) -> None:
    """D A of all pairs; then the gradient, where there is a label."""
    net.cell.cell_linearise(net)
    advance_begin(net)
    pairs = constants(net)["N_PAIRS"]
    for pair in range(pairs):
        _advance(net, pair)
    if learn:
        net.readout.readout_credit(net)
        net.cell.cell_credit(net)
        _learn(net, pairs)
    net["column"] = net.dims.columns


def _advance(net: Net, pair: int) -> None:
    """A <- D A: each row with all its bits, then all with one exponent."""
    acc, frac = advance(net, net["A"][pair])
    bits = np.bitwise_or.reduce(np.abs(acc), axis=1) | 1
    down = floor_log2(bits) - 14
    most = int(down.max())
    net["A"][pair] = round_shift(pair_words(acc, down[:, None]), (most - down)[:, None])
    net["E"][pair] = pair_exponent(net, net["u"][pair], int(net["E"][pair]) + frac - most)


def _learn(net: Net, pairs: int) -> None:
    """g[r, j] = sum over the pairs of (c^T A)[r] u[j], and (c^T I)[r] z[j]."""
    for pair in range(pairs):
        values = fits(net["A"][pair][:, net.dims.states - net.dims.credits :] @ net["c"], 31)
        down = pair_down(values)
        net["pair_row"][pair] = pair_words(values, down)
        net["term_down"][pair] = net["c_exp"] + net["E"][pair] - down if values.any() else NO_TERM
    immediate_credit(net)
    gradient_align(net)
    terms = [np.outer(net["pair_row"][pair], net["u"][pair]) for pair in range(pairs)]
    terms.append(np.outer(net["credit_row"], immediate_u(net)))
    g = sum(round_shift(fits(term), int(down)) for term, down in zip(terms, net["term_down"], strict=True))
    net.learn_cell(fits(np.asarray(g).ravel(), 31), net["g_exp"])


def immediate_u(net: Net) -> Int:
    """What every gate sees of z (m,)."""
    block = net.dims.structure.blocks[0]
    return net["z"][block.at : block.at + block.width]


def immediate_A(net: Net) -> Int:
    """The immediate Jacobian without z (rows, states): a row has the coefficients of its own unit."""
    d = net.dims
    coef = net["coef"].reshape(-1, d.components, d.units)
    found = np.zeros((len(coef), d.units, d.components, d.units), dtype=np.int64)
    own = np.arange(d.units)
    found[:, own, :, own] = coef.transpose(2, 0, 1)
    return found.reshape(-1, d.states)


def immediate_exponent(net: Net) -> int:
    """Exponent of their product."""
    return 15 + net.formats.coef_frac
