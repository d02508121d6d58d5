"""GRU, reset before the recurrent matrix, in integers; C: ``cell_gru_before.c``, ``cell_gru_before_linear.c``."""

from __future__ import annotations

import numpy as np

from ..fixed import ONE_Q15, fits, round_shift, sigmoid_q27, sigmoid_slope, tanh_q27, tanh_slope
from ..fixed.words import Int
from .net import Net
from .plain import cell_credit, cell_learn

__all__ = ["cell_credit", "cell_forward", "cell_learn", "cell_linearise", "cell_mix", "cell_reset"]


def cell_reset(net: Net) -> None:
    """Forget the past."""
    for member in ("z", "gates", "h"):
        net[member] = 0


def cell_forward(net: Net, x: Int) -> None:
    """Gates Q0.15 from exact sums, r h Q0.15; h a convex combination, Q0.15."""
    n, seen = net.dims.units, net.dims.inputs + 1
    old = net["h"].copy()
    v = np.concatenate([x, [ONE_Q15], old])
    wr, wz, wn, un = _matrices(net)
    r, z = sigmoid_q27(wr @ v), sigmoid_q27(wz @ v)
    rh = round_shift(r * old, 15)
    new = tanh_q27(wn @ v[:seen] + un @ rh)
    net["z"] = np.concatenate((v, rh))
    net["gates"] = np.concatenate((r, z, new))
    net["h"] = fits(round_shift((32768 - z) * new + z * old, 15).reshape(n), 16)


def cell_linearise(net: Net) -> None:
    """Coefficients Q1.14: 0 (reset gates spread), (h - n) z', cn, cn, with cn = (1 - z) n'; a unit keeps z.

    spread[j][k] = cn_k U_n[k][j] h_j r'_j, Q1.14.
    """
    d = net.dims
    r, z, n = net["gates"].reshape(3, d.units)
    old = _old(net)
    un = _matrices(net)[3]
    cn = round_shift((32768 - z) * tanh_slope(n), 16)
    net["coef"] = fits(np.array((np.zeros_like(z), round_shift((old - n) * sigmoid_slope(z), 16), cn, cn)), 16)
    by_r = fits(round_shift(old * sigmoid_slope(r), 14), 16)
    through = fits(round_shift(fits(un * by_r), 14), 16)
    net["spread"] = fits(round_shift(fits(through * cn[:, None]), 14), 16).T
    net["keep"], net["k_exp"] = z, 15


def cell_mix(net: Net) -> Int:
    """``cz_k W_z[k, l] + cn_k r_l U_n[k, l] + sum_j spread[j, k] W_r[j, l]``, 26 fraction bits, saturated at +-32."""
    d = net.dims
    wr, wz, _, un = _matrices(net)
    seen = d.inputs + 1
    coef, r = net["coef"].reshape(4, d.units), net["gates"][: d.units]
    mix = net["spread"].reshape(d.units, d.units).T @ wr[:, seen:]
    mix += coef[1][:, None] * wz[:, seen:] + round_shift(coef[3][:, None] * r, 15) * un
    saturated: Int = np.clip(mix, -(2**31 - 1), 2**31 - 2)
    return saturated


def _matrices(net: Net) -> list[Int]:
    """r, z, n_in, n_rec, each (units, width)."""
    return [part.reshape(net.dims.units, -1) for part in np.split(net["w_hi"], net.dims.offsets[1:])]


def _old(net: Net) -> Int:
    """h before the step."""
    seen = net.dims.inputs + 1
    return net["z"][seen : seen + net.dims.units]
