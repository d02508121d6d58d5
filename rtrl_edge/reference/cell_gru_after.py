"""GRU, reset after the recurrent matrix, in integers; C: ``cell_gru_after.c``, ``cell_gru_after_linear.c``."""

from __future__ import annotations

import numpy as np

from ..fixed import ONE_Q15, fits, round_shift, sat, sigmoid_q27, sigmoid_slope, tanh_q27, tanh_slope
from ..fixed.words import Int
from .mix_blocks import cell_mix
from .net import Net
from .plain import cell_credit, cell_learn

__all__ = ["cell_credit", "cell_forward", "cell_learn", "cell_linearise", "cell_mix", "cell_reset"]


def cell_reset(net: Net) -> None:
    """Forget the past."""
    for member in ("z", "gates", "q", "h"):
        net[member] = 0


def cell_forward(net: Net, x: Int) -> None:
    """Gates Q0.15 and q Q3.12 (saturated) from exact sums; h a convex combination, Q0.15."""
    n, inputs = net.dims.units, net.dims.inputs
    old = net["h"].copy()
    net["z"] = np.concatenate([x, [ONE_Q15], old])
    v = net["z"]
    wr, wz, wn, un = (part.reshape(n, -1) for part in np.split(net["w_hi"], net.dims.offsets[1:]))
    r, z = sigmoid_q27(wr @ v), sigmoid_q27(wz @ v)
    net["q"] = sat(round_shift(un @ v[inputs:], 15), 16)
    new = tanh_q27(wn @ v[: inputs + 1] + r * net["q"])
    net["gates"] = np.concatenate((r, z, new))
    net["h"] = fits(round_shift((32768 - z) * new + z * old, 15), 16)


def cell_linearise(net: Net) -> None:
    """Coefficients Q1.14: cn q r', (h - n) z', cn, cn r, with cn = (1 - z) n'. A unit keeps z."""
    d = net.dims
    r, z, n = net["gates"].reshape(3, d.units)
    old = net["z"][d.inputs + 1 :]
    cn = round_shift((32768 - z) * tanh_slope(n), 16)
    by_q = fits(round_shift(net["q"] * sigmoid_slope(r), 13), 16)
    net["coef"] = fits(
        np.array(
            (
                round_shift(by_q * cn, 14),
                round_shift((old - n) * sigmoid_slope(z), 16),
                cn,
                round_shift(cn * r, 15),
            )
        ),
        16,
    )
    net["keep"], net["k_exp"] = z, 15
