"""Synthetic gradients in integers, all columns at once; C: ``rule_dni.c``, ``back*.c``."""

from __future__ import annotations

from typing import cast

import numpy as np

from ..fixed import ONE_Q15, STATE_FRAC, fits, round_shift, sat
from ..fixed.words import Int
from ..model.rule_dni import DNI
from .back import FRAC_MOST, back, block, errors
from .net import Net

SIGNAL_FRAC, SIGNAL_BITS = 20, 24  # +-8
GUESS_FRAC = 28  # of A, int32


def rule_init(net: Net) -> None:
    """A = 0."""
    net["A"] = 0
    rule_reset(net)


def rule_reset(net: Net) -> None:
    """Nothing seen; A stays."""
    net["seen"] = 0


def rule_step(net: Net, learn: bool) -> None:
    """The signal and its way back; one step of the synthesiser; gradient and update."""
    d = net.dims
    net.cell.cell_linearise(net)
    signal = np.zeros(d.states, dtype=np.int64)
    error = np.zeros(d.outputs, dtype=np.int64)
    if learn:
        net.readout.readout_credit(net)
        net.cell.cell_credit(net)
        signal[d.states - d.credits :] = _fixed(net["c"], int(net["c_exp"]))
        error = sat(net["e"] << (STATE_FRAC - net.formats.error_frac), 16)
    seen = np.concatenate((net["h"][d.credits - d.visible :], error, [ONE_Q15]))
    signal = sat(signal + _guess(net, seen), SIGNAL_BITS)
    net["delta"], net["delta_exp"] = block(signal, SIGNAL_FRAC)
    err, err_exp = errors(net)
    off = sat(_guess(net, net["seen"]), SIGNAL_BITS) - _fixed(*back(net, err, err_exp))
    one = 1 << SIGNAL_FRAC
    off = sat(round_shift(np.clip(off, -one, one), SIGNAL_FRAC - 15), 16)
    down = 30 - GUESS_FRAC + cast(DNI, net.model.rule).rate_shift
    net["A"] = sat(net["A"] - round_shift(fits(off[:, None] * net["seen"]), down), 32)
    net["seen"] = seen
    gate, unit, entry = d.places
    g = round_shift(fits(err[gate, unit] * net["z"][entry]), 1)
    net.learn_cell(fits(g, 31), min(err_exp + STATE_FRAC - 1, FRAC_MOST))


def _guess(net: Net, seen: Int) -> Int:
    """A seen (states,), SIGNAL_FRAC fraction bits, exact in 64 bits before it is rounded."""
    return round_shift(net["A"] @ seen, GUESS_FRAC + STATE_FRAC - SIGNAL_FRAC)


def _fixed(v: Int, frac: int) -> Int:
    """v * 2^-frac, |v| <= 2^30, with SIGNAL_FRAC fraction bits, saturated."""
    down = frac - SIGNAL_FRAC
    return sat(round_shift(v, min(down, 31)) if down >= 0 else v << min(-down, 32), SIGNAL_BITS)
