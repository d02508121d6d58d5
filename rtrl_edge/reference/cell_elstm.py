"""Element-wise LSTM in integers; C: ``cell_elstm.c``, ``cell_elstm_linear.c``."""

from __future__ import annotations

import numpy as np

from ..fixed import (
    ONE_Q15,
    WEIGHT_FRAC,
    block_shift,
    fits,
    round_shift,
    sigmoid_q27,
    sigmoid_slope,
    tanh_q27,
    tanh_slope,
)
from ..fixed.words import Int
from .mix_blocks import cell_mix
from .net import Net

__all__ = ["cell_credit", "cell_forward", "cell_learn", "cell_linearise", "cell_mix", "cell_reset"]

OWN_FRAC = 27  # fraction bits of a unit's dynamics before they are rounded
SPARE = 6  # bits that the sums of the credit have below its own


def cell_reset(net: Net) -> None:
    """Forget the past."""
    for member in ("z", "c_old", "gates", "cell", "h"):
        net[member] = 0


def cell_forward(net: Net, x: Int) -> None:
    """Gates Q0.15 from exact sums; c <- f c + (1 - f) z, Q0.15, which cannot leave [-1, 1); h <- o c."""
    n, m = net.dims.units, net.dims.presynaptic
    w = net["w_hi"]
    net["z"] = np.append(x, ONE_Q15)
    net["c_old"] = net["cell"]
    sums = w[: 2 * n * m].reshape(2, n, m) @ net["z"] + w[2 * n * m : net.dims.gated].reshape(2, n) * net["c_old"]
    f, z = sigmoid_q27(sums[0]), tanh_q27(sums[1])
    net["cell"] = fits(round_shift(f * net["c_old"] + (32768 - f) * z, 15), 16)
    o = sigmoid_q27(_output_rows(net) @ np.concatenate((net["z"], net["cell"])))
    net["gates"] = np.concatenate((f, z, o))
    net["h"] = round_shift(o * net["cell"], 15)


def cell_linearise(net: Net) -> None:
    """Coefficients Q0.15: kf = (c - z) f', kz = (1 - f) z', and times c; keep: f + kf w_f + kz w_z, one exponent."""
    n, d = net.dims.units, net.dims
    f, z, _ = net["gates"].reshape(3, n)
    c, (w_f, w_z) = net["c_old"], net["w_hi"][d.offsets[2] : d.gated].reshape(2, n)
    k_f = round_shift((c - z) * sigmoid_slope(f), 15)
    k_z = round_shift((32768 - f) * tanh_slope(z), 15)
    net["coef"] = np.array((k_f, k_z, round_shift(k_f * c, 15), round_shift(k_z * c, 15)))
    own = fits((f << (OWN_FRAC - 15)) + k_f * w_f + k_z * w_z)
    peak = int(np.abs(own).max())
    shift = block_shift(peak, peak, 1, 32767, 32767, OWN_FRAC - 15)
    net["keep"], net["k_exp"] = round_shift(own, shift), OWN_FRAC - shift


def cell_credit(net: Net) -> None:
    """From the credit c_h of h to that of c, o c_h + W_o^T q, with q = c o' c_h for the output gate's weights."""
    d, n, c, c_exp = net.dims, net.dims.units, net["c"], int(net["c_exp"])
    o = net["gates"][2 * n :]
    into = fits(c * round_shift(net["cell"] * sigmoid_slope(o), 13))  # c_exp + 17 fraction bits
    peak = int(np.abs(into).max())
    shift = block_shift(peak, peak, 1, 32767, 32767, 0)
    q = round_shift(into, shift)
    net["gate_credit"], net["gate_exp"] = q, c_exp + 17 - shift
    total = round_shift(q @ _output_rows(net)[:, -n:], 17 + WEIGHT_FRAC - SPARE - shift)
    total = fits(total + round_shift(c * o, 15 - SPARE))
    size = np.abs(total)
    shift = block_shift(int(size.sum()), int(size.max()), d.visible, net.formats.l1_max, 32767, 0)
    net["cell_sum"] = total
    net["c"], net["c_exp"] = round_shift(total, shift), c_exp + SPARE - shift


def cell_learn(net: Net) -> None:
    """[O W_o] after a step along q [x; 1; c]^T."""
    g = fits(net["gate_credit"][:, None] * np.concatenate((net["z"], net["cell"])), 31).ravel()
    net.learn_direct(g, int(net["gate_exp"]) + 15)


def _output_rows(net: Net) -> Int:
    return net["w_hi"][net.dims.gated :].reshape(net.dims.units, -1)
