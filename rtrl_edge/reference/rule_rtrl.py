"""Exact RTRL in integers, all columns at once; C: ``rule_rtrl.c``."""

from __future__ import annotations

import numpy as np

from ..fixed import Formats, fits, floor_log2, magnitude, round_shift, sat, scale
from ..fixed.words import Int
from ..model import Dims
from .cell_rnn import cell_dynamics, cell_immediate, cell_slope
from .optimiser_sgd import optimiser_step
from .readout_linear import readout_credit

State = dict[str, Int]


def rule_reset(state: State, formats: Formats) -> None:
    """J = 0."""
    state["J"][:] = 0
    state["E"][:] = formats.exponent_max


def rule_begin(state: State, dims: Dims, formats: Formats, learn: bool) -> None:
    """D with the weights of the forward pass, and the credit."""
    state["slope"][:] = cell_slope(state["h"])
    D, d_exp = cell_dynamics(state["slope"], state["w_hi"], dims, formats)
    state["D"][:], state["d_exp"][()] = D.ravel(), d_exp
    if learn:
        c, c_exp = readout_credit(state["e"], state["v_hi"], dims, formats)
        state["c"][:], state["c_exp"][()] = c, c_exp


def rule_advance(state: State, dims: Dims, formats: Formats) -> None:
    """``J_p <- D J_p + immediate`` with a new exponent, for every column p.

    acc = D J_p has ``d_exp + E_p`` fraction bits; the new exponent uses all bits of a word, but never goes
    below ``exponent_min``: there the column saturates and ``capped`` counts it.
    """
    n = dims.units
    frac = state["d_exp"] + state["E"]
    acc = fits(state["J"] @ state["D"].reshape(n, n).T, 31)  # |D J| < 2^30: the L1 rule
    immediate = cell_immediate(state["slope"], state["z"]).ravel()
    row = np.repeat(np.arange(n), dims.presynaptic)
    acc[np.arange(dims.columns), row] += round_shift(immediate, np.minimum(30 - frac, 31))
    fits(acc)
    bits = np.bitwise_or.reduce(magnitude(acc), axis=1) | 1
    exponent = np.minimum(frac - (floor_log2(bits) - (formats.influence_bits - 2)), formats.exponent_max)
    state["capped"] += int((exponent < formats.exponent_min).sum())
    exponent = np.maximum(exponent, formats.exponent_min)
    state["J"][:] = sat(scale(acc, (frac - exponent)[:, None]), formats.influence_bits)
    state["E"][:] = exponent


def rule_gradient(state: State) -> tuple[Int, Int]:
    """g (columns,) = c^T J_p and its fraction bits."""
    g = fits(state["J"] @ state["c"], 31)
    return g, state["c_exp"] + state["E"]


def rule_step(state: State, dims: Dims, formats: Formats, learn: bool) -> None:
    """One step of the rule: influence, then gradient and update where there is a label."""
    rule_begin(state, dims, formats, learn)
    rule_advance(state, dims, formats)
    if learn:
        g, frac = rule_gradient(state)
        shift = frac - (formats.master_frac - formats.rate_shift)
        state["w_hi"][:], state["w_lo"][:] = optimiser_step(
            state["w_hi"], state["w_lo"], g, shift, formats.step_limit(formats.rate_shift), formats
        )
    state["column"][()] = dims.columns
