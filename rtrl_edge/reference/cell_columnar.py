"""Columnar LSTM in integers; C: ``cell_columnar.c``, ``cell_columnar_linear.c``."""

from __future__ import annotations

import numpy as np

from ..fixed import ONE_Q15, block_shift, fits, round_shift, sat, sigmoid_q27, sigmoid_slope, tanh_q27, tanh_slope
from ..fixed.words import Int
from .mix_blocks import cell_mix
from .net import Net
from .plain import cell_credit, cell_learn

__all__ = ["cell_credit", "cell_forward", "cell_learn", "cell_linearise", "cell_mix", "cell_reset"]


def cell_reset(net: Net) -> None:
    """Forget the past."""
    for member in ("z", "c_old", "h_old", "gates", "cell", "h"):
        net[member] = 0


def cell_forward(net: Net, x: Int) -> None:
    """Gates Q0.15 from exact sums; c <- f c + i g, Q3.12, saturated; h <- o tanh(c), Q0.15."""
    n = net.dims.units
    net["z"] = np.append(x, ONE_Q15)
    net["c_old"], net["h_old"] = net["cell"], net["h"]
    a = net["w_hi"][: -4 * n].reshape(4, n, -1) @ net["z"] + _own(net) * net["h_old"]
    i, f, g, o = sigmoid_q27(a[0]), sigmoid_q27(a[1]), tanh_q27(a[2]), sigmoid_q27(a[3])
    net["gates"] = np.concatenate((i, f, g, o))
    net["cell"] = sat(round_shift(f * net["c_old"] + ((i * g) >> 3), 15), 16)
    net["h"] = round_shift(o * tanh_q27(net["cell"] << 15), 15)


def cell_linearise(net: Net) -> None:
    """Coefficients Q1.14 as of LSTM, and times h for the recurrent weights; keep with one exponent k_exp <= 14."""
    n, frac = net.dims.units, net.formats.mix_frac
    i, f, g, o = net["gates"].reshape(4, n)
    t = tanh_q27(net["cell"] << 15)
    q = round_shift(o * tanh_slope(t), 15)
    into_c = np.array((
        round_shift(g * sigmoid_slope(i), 16),
        sat(round_shift(net["c_old"] * sigmoid_slope(f), 13), 16),
        round_shift(i * tanh_slope(g), 16),
        np.zeros_like(t),
    ))  # fmt: skip
    into_h = round_shift(q * into_c, 15)
    into_h[3] = round_shift(t * sigmoid_slope(o), 16)
    coef = np.stack((into_c, into_h), axis=1)
    net["coef"] = np.concatenate((coef, round_shift(coef * net["h_old"], 15)))
    from_h = fits((coef * _own(net)[:, None]).sum(axis=0))
    from_c = np.array((f, round_shift(q * f, 15))) << (frac - 15)
    total = np.stack((from_c, from_h), axis=1)
    size = np.abs(total)
    shift = block_shift(int(size.sum(axis=1).max()), int(size.max()), 2, 32767, 32767, frac - 15)
    net["keep"], net["k_exp"] = round_shift(total, shift), frac - shift
    assert np.abs(net["keep"].reshape(2, 2, n)).sum(axis=1).max() <= 32767


def _own(net: Net) -> Int:
    """Recurrent weights u (4, n)."""
    n = net.dims.units
    return net["w_hi"][-4 * n :].reshape(4, n)
