"""Truncated back-propagation through time in integers, all columns at once; C: ``rule_bptt.c``, ``back*.c``."""

from __future__ import annotations

import numpy as np

from ..fixed import STATE_FRAC, fits, round_shift
from ..fixed.words import Int
from .back import FRAC_LEAST, FRAC_MOST, back, block, errors, room
from .net import Net


def rule_init(net: Net) -> None:
    """A network without a past."""
    rule_reset(net)


def rule_reset(net: Net) -> None:
    """Empty the ring."""
    net["newest"], net["filled"] = len(net["ring"]) - 1, 0


def rule_step(net: Net, learn: bool) -> None:
    """Store the step; where there is a label, go back over the ring and update."""
    window = len(net["ring"])
    net["newest"] = (net["newest"] + 1) % window
    net["filled"] = min(int(net["filled"]) + 1, window)
    net["ring"][net["newest"]] = np.concatenate([net[name] for name in _trace(net)])
    if not learn:
        return
    net.cell.cell_linearise(net)
    net.readout.readout_credit(net)
    net.cell.cell_credit(net)
    d = net.dims
    net["delta"] = np.concatenate((np.zeros(d.states - d.credits, dtype=np.int64), net["c"]))
    net["delta_exp"] = net["c_exp"]
    steps = [_step_back(net, ago) for ago in range(int(net["filled"]))]
    _swap_in(net, 0)
    net.learn_cell(*_gradient(net, steps))


def _step_back(net: Net, ago: int) -> tuple[Int, int]:
    """The errors of a stored step, and delta one step further back."""
    if ago > 0:  # the newest step is linearised already
        _swap_in(net, ago)
        net.cell.cell_linearise(net)
    err, err_exp = errors(net)
    if ago + 1 < net["filled"]:
        net["delta"], net["delta_exp"] = block(*back(net, err, err_exp))
    return err, err_exp


def _gradient(net: Net, steps: list[tuple[Int, int]]) -> tuple[Int, int]:
    """``g_p = sum_s err_s z_s`` (P,), |g| < 2^30, aligned to the coarsest exponent; and its fraction bits."""
    gate, unit, seen = net.dims.places
    down, least = room(net, "COLUMN_DOWN"), min(e for _, e in steps)
    z_at = sum(net[name].size for name in _trace(net)[: _trace(net).index("z")])
    g = np.zeros(net.dims.columns, dtype=np.int64)
    for ago, (err, err_exp) in enumerate(steps):
        z = net["ring"][(net["newest"] - ago) % len(net["ring"])][z_at:]
        g += round_shift(fits(err[gate, unit] * z[seen]), min(err_exp - least + down, 31))
    return fits(g, 31), min(max(least + STATE_FRAC - down, FRAC_LEAST), FRAC_MOST)


def _trace(net: Net) -> list[str]:
    return [member.field.name for member in net.layout.trace]


def _swap_in(net: Net, ago: int) -> None:
    """The trace of a stored step becomes the network's."""
    words, at = net["ring"][(net["newest"] - ago) % len(net["ring"])], 0
    for name in _trace(net):
        net[name] = words[at : at + net[name].size]
        at += net[name].size
