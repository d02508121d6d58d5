"""RTU in integers; C: ``cell_rtu.c``, ``cell_rtu_linear.c``."""

from __future__ import annotations

import numpy as np

from ..fixed import ONE_Q15, fits, round_shift, sat, sigmoid_q27, tanh_q27, tanh_slope
from ..fixed.words import Int
from ..model import RTU
from .mix_blocks import cell_mix
from .net import Net
from .plain import cell_learn

__all__ = ["cell_credit", "cell_forward", "cell_learn", "cell_linearise", "cell_mix", "cell_reset"]

PI_Q13, PI_8_Q15 = 25736, 12868  # round(pi * 2**13), round(pi / 8 * 2**15)


def cell_reset(net: Net) -> None:
    """Forget the past."""
    for member in ("z", "old", "drive", "decay", "gamma", "lambda", "re", "im", "h"):
        net[member] = 0


def cell_forward(net: Net, x: Int) -> None:
    """lambda and gamma from the weights; c <- lambda c + gamma (W1 + i W2) x, Q3.12, saturated; h Q0.15."""
    n = net.dims.units
    nu, theta = net["w_hi"][:n], net["w_hi"][n : 2 * n]
    net["z"] = np.append(x, ONE_Q15)
    net["old"] = np.concatenate((net["re"], net["im"]))
    r, gamma = sigmoid_q27(nu << 15), _between(net.tables["rtrl_gamma_table"], nu + 32768, 9)
    cosine, sine = turn(net.tables["rtrl_sine_table"], theta)
    a, b = fits(round_shift(r * cosine, 15), 16), fits(round_shift(r * sine, 15), 16)
    u = sat(net["w_hi"][2 * n :].reshape(2, n, -1) @ x, 31)  # Q3.27
    net["drive"], net["decay"], net["gamma"], net["lambda"] = sat(round_shift(u, 15), 16), r, gamma, np.append(a, b)
    rotated = _times(a, b, net["old"])
    net["re"], net["im"] = sat(round_shift(fits(rotated + round_shift(gamma * u, 15)), 15), 16)
    c = np.append(net["re"], net["im"])
    net["h"] = tanh_q27(c << 15) if _squash(net) else sat(c << 3, 16)


def cell_linearise(net: Net) -> None:
    """Coefficients Q2.13, saturated; keep: the rotation, Q0.15."""
    n = net.dims.units
    r, gamma = net["decay"], net["gamma"]
    a, b = net["lambda"].reshape(2, n)
    p = round_shift(_times(a, b, net["old"]), 14)  # Q13
    ratio = round_shift(_between(net.tables["rtrl_ratio_table"], r, 10) * gamma, 15)
    by_nu = fits(fits(p * (32768 - r)) - 2 * ratio * net["drive"].reshape(2, n))  # Q28
    by_theta = fits(PI_8_Q15 * np.array((-p[1], p[0])))
    zero, g = np.zeros_like(gamma), round_shift(gamma, 2)
    net["coef"] = np.array((sat(round_shift(by_nu, 15), 16), sat(round_shift(by_theta, 15), 16), (g, zero), (zero, g)))
    net["keep"], net["k_exp"] = np.array(((a, -b), (b, a))), 15


def cell_credit(net: Net) -> None:
    """From the credit of h to that of c: times 1 - h^2."""
    if _squash(net):
        net["c"] = round_shift(net["c"] * tanh_slope(net["h"]), 15)


def turn(table: Int, angle: Int) -> tuple[Int, Int]:
    """Cosine and sine, Q1.15, of angles of which 2^16 are a turn: from the nearest of 128 nodes, to second order."""
    node, rest = (angle + 256) >> 9, ((angle + 256) & 511) - 256
    s, c = table[node & 31], table[32 - (node & 31)]
    d = round_shift(rest * PI_Q13, 8)  # radians, Q20, |.| <= pi / 128
    half = (d * d) >> 21
    sine, cosine = s + round_shift(fits(c * d - s * half), 20), c - round_shift(fits(s * d + c * half), 20)
    quarter = (node >> 5) & 3
    cosine, sine = np.where(quarter & 1, -sine, cosine), np.where(quarter & 1, cosine, sine)
    sign = np.where(quarter & 2, -1, 1)
    return sign * cosine, sign * sine


def _times(a: Int, b: Int, c: Int) -> Int:
    """(a + i b) c, (2, n), exact."""
    re, im = c.reshape(2, -1)
    return fits(np.array((a * re - b * im, b * re + a * im)))


def _between(table: Int, at: Int, bits: int) -> Int:
    """Linear interpolation, 2^bits words of ``at`` between two entries."""
    low, high = table[at >> bits], table[(at >> bits) + 1]
    value: Int = low + round_shift((high - low) * (at & ((1 << bits) - 1)), bits)
    return value


def _squash(net: Net) -> bool:
    cell = net.model.cell
    assert isinstance(cell, RTU)
    return cell.squash
