"""Exact RTRL a block of steps at a time, in integers; C: ``rule_block.c``."""

from __future__ import annotations

import numpy as np

from ..fixed import block_shift, fits, floor_log2, round_shift, sat, step_size
from ..fixed.words import Int
from ..model.rule_block import sum_room
from .influence import store_columns
from .net import Net
from .rows import ROW_EXP_MAX, row_add, rows_dynamics, rows_immediate, rows_through

NO_LABEL = -128
EMPTY = 127  # exponent of a step to which a row owes nothing
#: bound of each of the two sums of a column's entry
SUM_MAX = 2**30 - 1
#: least fraction bits of a gradient
GRADIENT_MIN = -16


def rule_init(net: Net) -> None:
    """A network without a past."""
    rule_reset(net)


def rule_reset(net: Net) -> None:
    """Learn from what the block has so far, then J = 0."""
    if net["labels"]:
        _backward(net, int(net["stored"]), rows=False)
        _gradient(net)
    net["stored"], net["labels"] = 0, 0
    net["J"], net["E"] = 0, net.formats.exponent_max


def rule_step(net: Net, learn: bool) -> None:
    """Store the step; at the end of a block learn, if there was a label, and move the influence."""
    at, block = int(net["stored"]), len(net["past"])
    net["past"][at] = _trace(net)
    net["credits_exp"][at] = NO_LABEL
    if learn:
        net.cell.cell_linearise(net)
        net.readout.readout_credit(net)
        net.cell.cell_credit(net)
        net["credits"][at], net["credits_exp"][at] = net["c"], net["c_exp"]
        net["labels"] = net["labels"] + 1
    net["stored"] = at + 1
    if at + 1 < block:
        return
    _backward(net, block, rows=True)
    if net["labels"]:
        _gradient(net)  # with J of the block's start
    _advance(net)
    net["stored"], net["labels"] = 0, 0


def _backward(net: Net, steps: int, rows: bool) -> None:
    """lambda and delta after the ``steps`` steps, and Phi and A if ``rows``, ready to be multiplied."""
    d, bits, now = net.dims, net.formats.influence_bits, _trace(net)
    lam, lam_exp = np.zeros((1, d.states), dtype=np.int64), np.array([ROW_EXP_MAX])
    delta, delta_exp = _empty(net, 1)
    Phi, Phi_exp = np.eye(d.states, dtype=np.int64) << 14, np.full(d.states, 14)
    A, A_exp = _empty(net, d.states)
    for u in reversed(range(steps)):
        _set_trace(net, net["past"][u])
        net.cell.cell_linearise(net)
        D, d_exp = rows_dynamics(net)
        if net["credits_exp"][u] != NO_LABEL:
            lam, lam_exp = row_add(lam, lam_exp, net["credits"][u], int(net["credits_exp"][u]))
        delta[..., u], delta_exp[:, u] = _owed(net, lam, lam_exp, 16)
        lam, lam_exp = rows_through(net, lam, lam_exp, D, d_exp)
        if rows:
            A[..., u], A_exp[:, u] = _owed(net, Phi, Phi_exp, bits)
            Phi, Phi_exp = rows_through(net, Phi, Phi_exp, D, d_exp)
    _set_trace(net, now)
    net["lambda"], net["lambda_exp"] = _equal_rows(net, lam, lam_exp)
    net["delta"], net["delta_exp"] = _equal_steps(delta, delta_exp)
    if rows:
        net["Phi"], net["phi_exp"] = _equal_rows(net, Phi, Phi_exp)
        net["A"], net["a_exp"] = _equal_steps(A, A_exp)


def _empty(net: Net, rows: int) -> tuple[Int, Int]:
    """What ``rows`` owe to no step: (rows, gates, units, steps), and its exponents (rows, steps)."""
    d, block = net.dims, len(net["past"])
    return np.zeros((rows, len(d.structure.blocks), d.units, block), dtype=np.int64), np.full((rows, block), EMPTY)


def _owed(net: Net, rows: Int, exp: Int, bits: int) -> tuple[Int, Int]:
    """What rows owe to the pre-activations (rows, gates, units) of a step, in words of ``bits``, and its exponents."""
    acc = rows_immediate(net, rows)
    size = np.bitwise_or.reduce(np.abs(acc).reshape(len(rows), -1), axis=1)
    shift = np.maximum(floor_log2(size | 1) - (bits - 2), 0)
    frac = exp + net.formats.coef_frac - sum_room(net.dims.structure)
    return sat(round_shift(acc, shift[:, None, None]), bits), np.where(size == 0, EMPTY, frac - shift)


def _equal_rows(net: Net, rows: Int, exp: Int) -> tuple[Int, int]:
    """Rows (R, states) with one exponent, at which no sum of their products with a column of J can overflow."""
    size = np.abs(rows)
    bound = net.formats.l1_max
    shifts = [block_shift(int(s.sum()), int(s.max()), rows.shape[1], bound, 32767, 0) for s in size]
    least = int((exp - shifts).min())
    rows = round_shift(rows, np.minimum(exp - least, 31)[:, None])
    assert np.abs(rows).sum(axis=1).max() <= bound
    return rows, least


def _equal_steps(A: Int, exp: Int) -> tuple[Int, int]:
    """A (R, gates, units, steps) with one exponent, at which no sum of its products with words of z can overflow."""
    least = exp.min(axis=1)
    most = ((np.abs(A) >> np.minimum(exp - least[:, None], 31)[:, None, None]) + 1).sum(axis=3).max(axis=(1, 2))
    shifts = [block_shift(int(m), 0, exp.shape[1], 32767, 32767, 0) for m in most]
    all_least = int((least - shifts).min())
    A = round_shift(A, np.minimum(exp - all_least, 31)[:, None, None])
    assert np.abs(A).sum(axis=3).max() <= 32767
    return A, all_least


def _gradient(net: Net) -> None:
    """``lambda J + sum_u delta_u z_u``, the sum of the block's gradients, to the optimiser."""
    block, unit, _ = net.dims.places
    delta = net["delta"].reshape(len(net.dims.structure.blocks), net.dims.units, -1)[block, unit]
    outside, inside = net["J"] @ net["lambda"], (delta * _z(net)).sum(axis=1)
    acc, frac = _sum(outside, net["lambda_exp"] + net["E"], inside, int(net["delta_exp"]) + 15, GRADIENT_MIN)
    net.learn_cell(fits(round_shift(acc, 1), 31), frac - 1)


def _advance(net: Net) -> None:
    """``J_p <- Phi J_p + sum_u A_u z_u``: J of the block's end."""
    d = net.dims
    block, unit, _ = d.places
    A = net["A"].reshape(d.states, len(d.structure.blocks), d.units, -1)[:, block, unit]
    outside, inside = net["J"] @ net["Phi"].T, np.einsum("kpu,pu->kp", A, _z(net))
    outside_frac, inside_frac = net["phi_exp"] + net["E"], int(net["a_exp"]) + 15
    acc, frac = _sum(outside.T, outside_frac, inside, inside_frac, net.formats.exponent_min)
    store_columns(net, acc.T, frac)


def _sum(outside: Int, outside_frac: Int, inside: Int, inside_frac: int, least: int) -> tuple[Int, Int]:
    """The sum of (..., P) and (..., P), |.| < 2^30 each, and its fraction bits (P,), at least ``least``: saturated."""
    frac = np.maximum(np.minimum(outside_frac, inside_frac), least)
    acc = step_size(fits(outside, 31), outside_frac - frac, SUM_MAX)
    return fits(acc + step_size(fits(inside, 31), inside_frac - frac, SUM_MAX)), frac


def _z(net: Net) -> Int:
    """What each column's weight was multiplied with at each step of the block, (P, steps)."""
    at = 0
    for member in net.layout.trace:
        if member.field.name == "z":
            break
        at += member.count
    return net["past"][:, at + net.dims.places[2]].T


def _trace(net: Net) -> Int:
    return np.concatenate([net[m.field.name].ravel() for m in net.layout.trace])


def _set_trace(net: Net, words: Int) -> None:
    at = 0
    for member in net.layout.trace:
        net[member.field.name] = words[at : at + member.count]
        at += member.count
