"""A credit one step back in time; C: ``back.c``, ``back_errors.c``, ``back_blocks.c``, ``back_mix.c``,
``back_keep.c``."""

from __future__ import annotations

import numpy as np

from ..fixed import WEIGHT_FRAC, fits, floor_log2, magnitude, round_shift, sat, scale
from ..fixed.words import Int
from .dynamics import by_neuron
from .net import Net

#: fraction bits within which a gradient reaches the optimiser: beyond them it is all clipped, or no step at all
FRAC_LEAST, FRAC_MOST = -32, 63


def room(net: Net, name: str) -> int:
    """A shift of the rule, as in the config header."""
    return net.model.rule.constants(net.dims, net.model.numbers)[name][0]


def block(acc: Int, frac: int) -> tuple[Int, int]:
    """acc * 2^-frac (int32) as int16 words with one exponent, which uses all their bits."""
    bits = int(np.bitwise_or.reduce(magnitude(fits(acc)).ravel())) | 1
    down = int(floor_log2(np.array(bits))) - 14
    return sat(scale(acc, down), 16), fits(np.array(frac - down), 16).item()


def errors(net: Net) -> tuple[Int, int]:
    """Error at every gate's pre-activation, (gates, neurons) and its exponent: ``coef^T delta``, ``spread^T delta``."""
    d, down = net.dims, room(net, "ERRORS_DOWN")
    delta = net["delta"].reshape(d.components, d.units)
    own = (net["coef"].reshape(-1, d.components, d.units) * delta).sum(axis=1)
    total = by_neuron(net, own, delta[-1])
    return block(round_shift(total, down), int(net["delta_exp"]) + net.formats.coef_frac - down)


def back(net: Net, err: Int, err_exp: int) -> tuple[Int, int]:
    """``D^T delta`` of the step that is linearised, (states,), |.| <= 2^30, and its fraction bits."""
    d, parts = net.dims, []
    if d.structure.mixes:
        parts.append(_mixed(net, err, err_exp))
    if d.private:
        parts.append(_kept(net))
    frac = min(f for _, f in parts)
    acc = np.zeros((d.components, d.units), dtype=np.int64)
    for value, f in parts:
        acc += round_shift(value, min(f - frac, 31))
    assert np.abs(acc).max() <= 2**30
    return acc.ravel(), frac


def _kept(net: Net) -> tuple[Int, int]:
    """``keep^T delta`` (components, units), |.| <= 2^29."""
    d, down = net.dims, room(net, "KEEP_DOWN")
    keep = net["keep"].reshape(d.components, d.private, d.units)
    total = np.zeros((d.components, d.units), dtype=np.int64)
    total[: d.private] = np.einsum("koi,ki->oi", keep, net["delta"].reshape(d.components, d.units))
    value = round_shift(total, down)
    assert np.abs(value).max() <= 2**29
    return value, int(net["delta_exp"] + net["k_exp"]) - down


def _mixed(net: Net, err: Int, err_exp: int) -> tuple[Int, int]:
    """``mix^T delta`` (components, units), of which only the last component is not zero, |.| <= 2^29."""
    d, down = net.dims, room(net, "MIX_DOWN")
    total = np.zeros((d.components, d.units), dtype=np.int64)
    if d.structure.own_mix:
        total[-1] = net["delta"] @ net.cell.cell_mix(net)
        frac = int(net["delta_exp"]) + net.formats.mix_frac
    else:
        for b, (gate, at) in enumerate(zip(d.structure.blocks, d.offsets, strict=True)):
            if gate.recurrent is not None:
                rows = net["w_hi"][at : at + d.units * gate.width].reshape(d.units, gate.width)
                total[-1] += err[b, : d.units] @ rows[:, gate.recurrent : gate.recurrent + d.units]
        frac = err_exp + WEIGHT_FRAC
    value = round_shift(total, down)
    assert np.abs(value).max() <= 2**29
    return value, frac - down
