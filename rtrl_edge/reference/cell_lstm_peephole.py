"""LSTM with peepholes in integers; C: ``cell_lstm_peephole.c``, ``cell_lstm_peephole_linear.c``."""

from __future__ import annotations

import numpy as np

from ..fixed import ONE_Q15, block_shift, fits, round_shift, sat, sigmoid_q27, sigmoid_slope, tanh_q27, tanh_slope
from ..fixed.words import Int
from .cell_lstm import cell_reset
from .mix_blocks import cell_mix
from .net import Net
from .plain import cell_credit, cell_learn

__all__ = ["cell_credit", "cell_forward", "cell_learn", "cell_linearise", "cell_mix", "cell_reset"]


def cell_forward(net: Net, x: Int) -> None:
    """As the LSTM without, but i and f also see the old c, and o the new one."""
    n = net.dims.units
    net["z"] = np.concatenate([x, [ONE_Q15], net["h"]])
    net["c_old"] = net["cell"]
    p_i, p_f, p_o = _peepholes(net)
    a = (net["w_hi"][: -3 * n].reshape(4 * n, -1) @ net["z"]).reshape(4, n)
    i = sigmoid_q27(a[0] + fits(p_i * net["c_old"]) * 8)
    f = sigmoid_q27(a[1] + fits(p_f * net["c_old"]) * 8)
    g = tanh_q27(a[2])
    net["cell"] = sat(round_shift(f * net["c_old"] + ((i * g) >> 3), 15), 16)
    o = sigmoid_q27(a[3] + fits(p_o * net["cell"]) * 8)
    net["gates"] = np.concatenate((i, f, g, o))
    net["h"] = round_shift(o * _tanh_c(net), 15)


def cell_linearise(net: Net) -> None:
    """Coefficients as without peepholes, q being o (1 - tanh(c)^2) + p_o tanh(c) o'; of a peephole times the c it sees.

    keep: f + p_i g i' + p_f c f' on c, times q on h; 25 fraction bits, then one exponent.
    """
    n, frac = net.dims.units, net.formats.coef_frac
    i, f, g, o = net["gates"].reshape(4, n)
    old, new = net["c_old"], net["cell"]
    p_i, p_f, p_o = _peepholes(net)
    t = _tanh_c(net)
    by_o = round_shift(t * sigmoid_slope(o), 16)  # Q1.14
    q = fits(round_shift(o * tanh_slope(t), 17) + round_shift(p_o * by_o, 13), 16)  # Q2.13
    by_i = round_shift(g * sigmoid_slope(i), 16)
    by_f = sat(round_shift(old * sigmoid_slope(f), 13), 16)
    by_g = round_shift(i * tanh_slope(g), 16)
    zero = np.zeros(n, dtype=np.int64)
    coef = [(round_shift(by, 14 - frac), sat(round_shift(fits(q * by), 27 - frac), 16)) for by in (by_i, by_f, by_g)]
    coef.append((zero, round_shift(by_o, 14 - frac)))
    for by in (by_i, by_f):
        seen = sat(round_shift(fits(by * old), 26 - frac), 16)
        coef.append((seen, sat(round_shift(fits(q * seen), 13), 16)))
    coef.append((zero, round_shift(new * by_o, 26 - frac)))
    net["coef"] = fits(np.array(coef), 16)
    kept = fits(f * 2048 + p_i * by_i + p_f * by_f)
    keep = np.array((round_shift(kept, 1), fits(round_shift(kept * q, 14))))
    peak = int(np.abs(keep).max())
    shift = block_shift(peak, peak, 1, 32767, 32767, 10)
    net["keep"], net["k_exp"] = fits(round_shift(keep, shift), 16), 25 - shift


def _peepholes(net: Net) -> Int:
    """p_i, p_f, p_o (3, units) Q3.12."""
    return net["w_hi"][-3 * net.dims.units :].reshape(3, -1)


def _tanh_c(net: Net) -> Int:
    return tanh_q27(net["cell"] << 15)
