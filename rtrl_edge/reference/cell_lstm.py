"""LSTM in integers; C: ``cell_lstm.c``, ``cell_lstm_linear.c``."""

from __future__ import annotations

import numpy as np

from ..fixed import ONE_Q15, round_shift, sat, sigmoid_q27, sigmoid_slope, tanh_q27, tanh_slope
from ..fixed.words import Int
from .mix_blocks import cell_mix
from .net import Net
from .plain import cell_credit, cell_learn

__all__ = ["cell_credit", "cell_forward", "cell_learn", "cell_linearise", "cell_mix", "cell_reset"]


def cell_reset(net: Net) -> None:
    """Forget the past."""
    for member in ("z", "c_old", "gates", "cell", "h"):
        net[member] = 0


def cell_forward(net: Net, x: Int) -> None:
    """Gates Q0.15 from exact sums; c <- f c + i g, Q3.12, saturated; h <- o tanh(c), Q0.15."""
    n = net.dims.units
    net["z"] = np.concatenate([x, [ONE_Q15], net["h"]])
    net["c_old"] = net["cell"]
    a = (net["w_hi"].reshape(4 * n, -1) @ net["z"]).reshape(4, n)
    i, f, g, o = sigmoid_q27(a[0]), sigmoid_q27(a[1]), tanh_q27(a[2]), sigmoid_q27(a[3])
    net["gates"] = np.concatenate((i, f, g, o))
    net["cell"] = sat(round_shift(f * net["c_old"] + ((i * g) >> 3), 15), 16)
    net["h"] = round_shift(o * _tanh_c(net), 15)


def cell_linearise(net: Net) -> None:
    """Coefficients Q1.14: g i', c f', i g' into c, and times q = o (1 - tanh(c)^2) into h; tanh(c) o' into h."""
    i, f, g, o = net["gates"].reshape(4, net.dims.units)
    t = _tanh_c(net)
    q = round_shift(o * tanh_slope(t), 15)
    into_c = [
        round_shift(g * sigmoid_slope(i), 16),
        sat(round_shift(net["c_old"] * sigmoid_slope(f), 13), 16),
        round_shift(i * tanh_slope(g), 16),
    ]
    coef = [(into, round_shift(q * into, 15)) for into in into_c]
    coef.append((np.zeros_like(t), round_shift(t * sigmoid_slope(o), 16)))
    net["coef"] = np.array(coef)
    net["keep"] = np.array((f, round_shift(q * f, 15)))
    net["k_exp"] = 15


def _tanh_c(net: Net) -> Int:
    return tanh_q27(net["cell"] << 15)
