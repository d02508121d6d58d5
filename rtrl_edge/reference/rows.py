"""Rows lambda = dL/ds of one step sent back through it, all rows at once.

C: ``rows_dynamics.c``, ``rows_keep.c``, ``rows_immediate.c``. A row is (states,) int16 with one exponent.
``back.py`` sends a single credit through the weights themselves; here D is made once for states + 1 rows.
"""

from __future__ import annotations

import numpy as np

from ..fixed import WEIGHT_FRAC, block_shift, fits, floor_log2, round_shift, step_size
from ..fixed.words import Int
from ..model.rule_block import sum_room
from .net import Net

ROW_EXP_MIN, ROW_EXP_MAX = -16, 31


def rows_dynamics(net: Net) -> tuple[Int, int]:
    """D (states, units) int16 and its exponent, so that no column of D and keep together has a large L1 norm."""
    d, f = net.dims, net.formats
    mix = net.cell.cell_mix(net)
    size = np.abs(mix).sum(axis=0)
    if d.private:
        keep = net["keep"].reshape(d.components, d.private, d.units)
        kept = np.abs(keep).sum(axis=0) << int(f.mix_frac - net["k_exp"])
        size = np.concatenate((kept.ravel(), size + (kept[-1] if d.private == d.components else 0)))
    shift = block_shift(
        l1=int(size.max()),
        peak=int(np.abs(mix).max()),
        terms=d.states + d.components,
        l1_max=32767,
        peak_max=32767,
        least=WEIGHT_FRAC,
    )
    D = fits(round_shift(mix, shift), 16)
    return D, f.mix_frac - shift


def rows_through(net: Net, rows: Int, exp: Int, D: Int, d_exp: int) -> tuple[Int, Int]:
    """rows (R, states) with exponents (R,) times the step's dynamics."""
    d = net.dims
    acc = np.zeros((len(rows), d.components, d.units), dtype=np.int64)
    acc[:, -1] = rows @ D
    if d.private:
        keep = net["keep"].reshape(d.components, d.private, d.units)
        parts = fits(rows.reshape(-1, d.components, 1, d.units) * keep)
        acc[:, : d.private] += round_shift(parts, int(net["k_exp"] - d_exp)).sum(axis=1)
    return row_store(fits(acc.reshape(len(rows), d.states)), exp + d_exp)


def row_store(acc: Int, frac: Int) -> tuple[Int, Int]:
    """Rows acc (R, states) with ``frac`` (R,) fraction bits as int16 with exponents; few bits stay as they are."""
    bits = np.bitwise_or.reduce(np.abs(acc), axis=1)
    exp = np.minimum(frac - np.maximum(floor_log2(bits | 1) - 14, 0), ROW_EXP_MAX)
    exp = np.where(bits == 0, ROW_EXP_MAX, np.maximum(exp, ROW_EXP_MIN))
    return step_size(acc, np.where(bits == 0, 0, frac - exp)[:, None], 32767), exp


def row_add(row: Int, exp: Int, c: Int, c_exp: int) -> tuple[Int, Int]:
    """One row (1, states) with exponent (1,), plus a credit c of its last entries."""
    of = int(exp[0])
    frac = min(of, c_exp) + min(abs(of - c_exp), 14)
    acc = _moved(row, of - frac)
    acc[:, row.shape[1] - len(c) :] += _moved(c, c_exp - frac)
    return row_store(fits(acc, 31), np.array([frac]))


def _moved(v: Int, s: int) -> Int:
    """v / 2^s; s >= -14."""
    return round_shift(v, min(s, 31)) if s >= 0 else v << -s


def rows_immediate(net: Net, rows: Int) -> Int:
    """rows (R, states) times ds/d(pre-activation): (R, gates, neurons), COEF_FRAC - room more fraction bits."""
    d, room = net.dims, sum_room(net.dims.structure)
    coef = net["coef"].reshape(-1, d.components, d.units)
    acc = np.zeros((len(rows), len(coef), d.neurons), dtype=np.int64)
    for b, block in enumerate(d.structure.blocks):
        if block.spread:
            parts = rows[:, None, -d.units :] * net["spread"].reshape(d.neurons, d.units)
        else:
            parts = np.swapaxes(rows.reshape(-1, d.components, d.units) * coef[b], 1, 2)
        acc[:, b, : parts.shape[1]] = round_shift(fits(parts), room).sum(axis=2)
    return fits(acc)
