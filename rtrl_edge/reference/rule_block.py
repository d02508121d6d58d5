"""Exact RTRL a block of steps at a time, in integers; C: ``rule_block.c``."""

from __future__ import annotations

import numpy as np

from ..fixed import block_shift, fits, floor_log2, round_shift, sat, step_size
from ..fixed.words import Int
from ..model.rule_block import BlockRTRL, sum_room
from .influence import clear_columns, column_exponents, store_columns
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
    net["part"] = _parts(net)
    if _rule(net).lagged:
        net["w_other"] = net["w_hi"]
    rule_reset(net)


def rule_reset(net: Net) -> None:
    """Learn from all that is stored, of a part of a block by its gradient alone; then J = 0."""
    _work(net, _parts(net))
    steps = int(net["stored"])
    _turn(net)
    if net["working"]:
        _backward(net, steps, rows=False)
        _gradient(net, slice(None))
    if _rule(net).lagged:
        if net["working"]:
            net["w_hi"] = net["w_other"]
        net["w_other"], net["half"] = net["w_hi"], 0
    net["part"] = _parts(net)
    clear_columns(net)


def rule_step(net: Net, learn: bool) -> None:
    """Store the step; work on a block that has ended, all of it or lagged a share."""
    rule = _rule(net)
    at = int(net["stored"]) + (rule.block * int(net["half"]) if rule.lagged else 0)
    net["past"][at] = _trace(net)
    net["credits_exp"][at] = NO_LABEL
    if learn:
        net.readout.readout_credit(net)
        net.cell.cell_credit(net)
        net["credits"][at], net["credits_exp"][at] = net["c"], net["c_exp"]
        net["labels"] = net["labels"] + 1
    net["stored"] = net["stored"] + 1
    full = net["stored"] == rule.block
    if rule.lagged:
        _work(net, rule.goal(net.dims, int(net["stored"])))
    if full:
        _turn(net)
    if not rule.lagged:
        _work(net, _parts(net))


def _turn(net: Net) -> None:
    """The stored steps are the next to be worked on."""
    if _rule(net).lagged:
        net["half"] = 1 - net["half"]
        _swap_weights(net)
    net["working"], net["stored"], net["labels"], net["part"] = net["labels"], 0, 0, 0


def _work(net: Net, goal: int) -> None:
    """Parts of the block in work, up to ``goal``: all rows before the first column, then columns."""
    before, parts = _parts(net) - net.dims.columns, slice(int(net["part"]), goal)
    if parts.start >= parts.stop:
        return
    columns = slice(max(parts.start - before, 0), max(parts.stop - before, 0))
    if columns.stop > 0:
        if columns.start == 0:
            _backward(net, _rule(net).block, rows=True)
        if net["working"]:
            _gradient(net, columns)  # with J of the block's start
        elif _rule(net).lagged:
            net["w_other"][net.dims.column_weights[columns]] = net["w_hi"][net.dims.column_weights[columns]]
        _advance(net, columns)
    net["part"] = goal


def _backward(net: Net, steps: int, rows: bool) -> None:
    """lambda and delta after the ``steps`` steps, and Phi and A if ``rows``, ready to be multiplied."""
    d, bits, now, first = net.dims, net.formats.influence_bits, _trace(net), _first(net)
    lam, lam_exp = np.zeros((1, d.states), dtype=np.int64), np.array([ROW_EXP_MAX])
    delta, delta_exp = _empty(net, 1)
    Phi, Phi_exp = np.eye(d.states, dtype=np.int64) << 14, np.full(d.states, 14)
    A, A_exp = _empty(net, d.states)
    _swap_weights(net)
    for u in reversed(range(steps)):
        _set_trace(net, net["past"][first + u])
        net.cell.cell_linearise(net)
        D, d_exp = rows_dynamics(net)
        if net["credits_exp"][first + u] != NO_LABEL:
            lam, lam_exp = row_add(lam, lam_exp, net["credits"][first + u], int(net["credits_exp"][first + u]))
        delta[..., u], delta_exp[:, u] = _owed(net, lam, lam_exp, 16)
        lam, lam_exp = rows_through(net, lam, lam_exp, D, d_exp)
        if rows:
            A[..., u], A_exp[:, u] = _owed(net, Phi, Phi_exp, bits)
            Phi, Phi_exp = rows_through(net, Phi, Phi_exp, D, d_exp)
    _swap_weights(net)
    _set_trace(net, now)
    net["lambda"], net["lambda_exp"] = _equal_rows(net, lam, lam_exp)
    net["delta"], net["delta_exp"] = _equal_steps(delta, delta_exp)
    if rows:
        net["Phi"], net["phi_exp"] = _equal_rows(net, Phi, Phi_exp)
        A, net["a_exp"] = _equal_steps(A, A_exp)
        net["A"] = A.transpose(1, 2, 0, 3)  # [gate][neuron][state][step]


def _empty(net: Net, rows: int) -> tuple[Int, Int]:
    """What ``rows`` owe to no step: (rows, gates, neurons, steps), and its exponents (rows, steps)."""
    d, block = net.dims, _rule(net).block
    return np.zeros((rows, len(d.structure.blocks), d.neurons, block), dtype=np.int64), np.full((rows, block), EMPTY)


def _owed(net: Net, rows: Int, exp: Int, bits: int) -> tuple[Int, Int]:
    """What rows owe to a step's pre-activations (rows, gates, neurons), in words of ``bits``, and its exponents."""
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
    """A (R, gates, neurons, steps) with one exponent, at which no sum of its products with words of z can overflow."""
    least = exp.min(axis=1)
    most = ((np.abs(A) >> np.minimum(exp - least[:, None], 31)[:, None, None]) + 1).sum(axis=3).max(axis=(1, 2))
    shifts = [block_shift(int(m), 0, exp.shape[1], 32767, 32767, 0) for m in most]
    all_least = int((least - shifts).min())
    A = round_shift(A, np.minimum(exp - all_least, 31)[:, None, None])
    assert np.abs(A).sum(axis=3).max() <= 32767
    return A, all_least


def _gradient(net: Net, columns: slice) -> None:
    """``lambda J + sum_u delta_u z_u``, the sum of the block's gradients, to the optimiser."""
    block, unit, seen = (place[columns] for place in net.dims.places)
    delta = net["delta"].reshape(len(net.dims.structure.blocks), net.dims.neurons, -1)[block, unit]
    outside, inside = net["J"][columns] @ net["lambda"], (delta * _z(net, seen)).sum(axis=1)
    outside_frac, inside_frac = net["lambda_exp"] + column_exponents(net, columns), int(net["delta_exp"]) + 15
    acc, frac = _sum(outside, outside_frac, inside, inside_frac, GRADIENT_MIN)
    forward = net["w_hi"].copy()
    net.learn_cell(fits(round_shift(acc, 1), 31), frac - 1, columns.start or 0)
    if _rule(net).lagged:
        net["w_other"][net.dims.column_weights[columns]] = net["w_hi"][net.dims.column_weights[columns]]
        net["w_hi"] = forward


def _advance(net: Net, columns: slice) -> None:
    """``J_p <- Phi J_p + sum_u A_u z_u``: J of the block's end."""
    d = net.dims
    block, unit, seen = (place[columns] for place in d.places)
    A = net["A"].reshape(len(d.structure.blocks), d.neurons, d.states, -1)[block, unit]
    outside, inside = net["J"][columns] @ net["Phi"].T, np.einsum("pku,pu->kp", A, _z(net, seen))
    outside_frac, inside_frac = net["phi_exp"] + column_exponents(net, columns), int(net["a_exp"]) + 15
    acc, frac = _sum(outside.T, outside_frac, inside, inside_frac, net.formats.exponent_min)
    store_columns(net, acc.T, frac, columns)


def _sum(outside: Int, outside_frac: Int, inside: Int, inside_frac: int, least: int) -> tuple[Int, Int]:
    """The sum of (..., P) and (..., P), |.| < 2^30 each, and its fraction bits (P,), at least ``least``: saturated."""
    frac = np.maximum(np.minimum(outside_frac, inside_frac), least)
    acc = step_size(fits(outside, 31), outside_frac - frac, SUM_MAX)
    return fits(acc + step_size(fits(inside, 31), inside_frac - frac, SUM_MAX)), frac


def _z(net: Net, seen: Int) -> Int:
    """Entries ``seen`` (P,) of z at each step of the block in work, (P, steps)."""
    at = 0
    for member in net.layout.trace:
        if member.field.name == "z":
            break
        at += member.count
    first = _first(net)
    return net["past"][first : first + _rule(net).block, at + seen].T


def _first(net: Net) -> int:
    """Place of the first step of the block in work."""
    return _rule(net).block * (1 - int(net["half"])) if _rule(net).lagged else 0


def _swap_weights(net: Net) -> None:
    """The forward weights and those of the block in work change places."""
    if _rule(net).lagged:
        net["w_hi"], net["w_other"] = net["w_other"].copy(), net["w_hi"].copy()


def _rule(net: Net) -> BlockRTRL:
    assert isinstance(net.model.rule, BlockRTRL)
    return net.model.rule


def _parts(net: Net) -> int:
    """Parts of a block's end."""
    return _rule(net).constants(net.dims, net.model.numbers)["BLOCK_PARTS"][0]


def _trace(net: Net) -> Int:
    return np.concatenate([net[m.field.name].ravel() for m in net.layout.trace])


def _set_trace(net: Net, words: Int) -> None:
    at = 0
    for member in net.layout.trace:
        net[member.field.name] = words[at : at + member.count]
        at += member.count
