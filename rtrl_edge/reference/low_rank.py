"""Products of two vectors, and how two of them become one; C: ``pairs.c``, ``advance_*.c``, ``project*.c``.

A pair is two vectors of int16 words and one exponent for their product. Two pairs are merged as

    u_a x A_a + u_b x A_b  ~  (rho u_a + sign u_b) x (A_a / rho + sign A_b)

whose mean over the signs is the sum, for any rho. rho is a half power of two: two shifts that cancel exactly.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..fixed import fits, floor_log2, log2_q3, random_next, round_shift, scale
from ..fixed.words import Int
from .dynamics import by_neuron, dot_dynamics, dynamics, keep_times
from .net import Net

PAIR_E_MAX, PAIR_E_EMPTY, PAIR_TOP, ROOT_HALF, NO_TERM = 60, 30, 32767, 23170, 127


@dataclass(frozen=True)
class Merge:
    """How u and A of pair a are shifted against those of b; ``sign`` 0: there is no b."""

    u_shift: int
    a_shift: int
    odd: int
    sign: int
    exponent: int


def constants(net: Net) -> dict[str, int]:
    """The rule's enumerators of the config header."""
    return {name: value for name, (value, _) in net.model.rule.constants(net.dims, net.model.numbers).items()}


def dot(a: Int, b: Int) -> int:
    """Scalar product in 64 bits."""
    return int(fits(a.ravel() @ b.ravel(), 64))


def pair_down(values: Int) -> int:
    """Right shift that leaves 15 bits of the largest value."""
    return int(floor_log2(np.bitwise_or.reduce(np.abs(values), axis=None) | 1)) - 14


def pair_words(values: Int, down: Int | int) -> Int:
    """Values / 2^down as words of -32767 to 32767."""
    return np.clip(scale(fits(values), down), -PAIR_TOP, PAIR_TOP)


def pair_exponent(net: Net, factor: Int, exponent: int) -> int:
    """The exponent inside its window; a pair too small becomes zero (``factor``, in place), too large scaled down."""
    if exponent > PAIR_E_MAX:
        factor[...] = 0
        return PAIR_E_EMPTY
    least = constants(net)["PAIR_E_MIN"]
    if exponent < least:
        net["capped"] = net["capped"] + 1
        return least
    return exponent


def pair_merge(a: tuple[int, int, int], b: tuple[int, int, int], sign: int) -> Merge:
    """rho from (|u|^2, |A|^2, exponent) of both pairs; where one pair is zero, the other alone."""
    (u_a, a_a, e_a), (u_b, a_b, e_b) = a, b
    if u_a == 0 or a_a == 0:
        return Merge(31, 31, 0, 1, e_b)
    if u_b == 0 or a_b == 0:
        return Merge(0, 0, 0, 0, e_a)
    sixteenths = log2_q3(u_a) + log2_q3(a_b) - log2_q3(a_a) - log2_q3(u_b)
    halves = (16 * (e_a - e_b) + sixteenths + 8) >> 4
    shift, odd = halves >> 1, halves & 1
    return Merge(shift, e_a - e_b - shift - odd, odd, sign, e_b)


def pair_sum(m: Merge, shift: int, a: Int, b: Int) -> Int:
    """Entries of a sum, with 8 fraction bits more than the words."""
    left = round_shift(fits(a * ROOT_HALF), 7) if m.odd else a * 256
    right = b * 256
    if shift >= 0:
        left = round_shift(left, min(shift, 31))
    else:
        right = round_shift(right, min(-shift, 31))
    return fits(left + m.sign * right, 26)


def pair_gain(shift: int, down: int) -> int:
    """What the exponent gains by a sum that is rounded by ``down``."""
    return 8 + min(shift, 0) - down


def pair_join(m: Merge, shift: int, a: Int, b: Int) -> tuple[Int, int]:
    """The sum's words and what the exponent gains."""
    values = pair_sum(m, shift, a, b)
    down = pair_down(values)
    return pair_words(values, down), pair_gain(shift, down)


def pair_sign(net: Net) -> int:
    """A random sign from the highest bit of the generator."""
    net["random"] = random_next(int(net["random"]))
    return 1 if int(net["random"]) >> 31 else -1


def advance_begin(net: Net) -> None:
    """D, where units mix."""
    if net.dims.structure.mixes:
        dynamics(net)


def advance(net: Net, vectors: Int) -> tuple[Int, int]:
    """(keep + D) times vectors (., states), and how many fraction bits more that has."""
    d = net.dims
    if d.structure.mixes:
        acc = fits(dot_dynamics(net, vectors) + keep_times(net, vectors), 31)  # < 2^30: the L1 rule
        return acc, int(net["d_exp"])
    keep = net["keep"].reshape(d.components, d.private, d.units)
    acc = np.einsum("kqi,vqi->vki", keep, vectors.reshape(-1, d.components, d.units)[:, : d.private])
    return fits(acc.reshape(-1, d.states)), int(net["k_exp"])  # a unit's own row may reach an L1 norm of 2^16


def project(net: Net, vector: Int) -> Int:
    """vector^T I for every row of weights (gates * neurons,), without z; the vector: the last of the states."""
    d = net.dims
    coef = net["coef"].reshape(-1, d.components, d.units)
    first = d.components - len(vector) // d.units
    own = (coef[:, first:] * vector.reshape(-1, d.units)).sum(axis=1)
    found = by_neuron(net, own, vector[-d.units :])
    return fits(found.ravel(), 31)


def immediate_credit(net: Net) -> None:
    """c^T I without z, and the fraction bits of its products with z."""
    values = project(net, net["c"])
    down = pair_down(values)
    net["credit_row"] = pair_words(values, down)
    net["term_down"][-1] = net["c_exp"] + net.formats.coef_frac + 15 - down if values.any() else NO_TERM


def gradient_align(net: Net) -> None:
    """From each term's fraction bits to the shifts that give all of them the smallest, less the headroom."""
    net["g_exp"] = net["term_down"].min() - constants(net)["HEADROOM"]
    net["term_down"] = np.minimum(net["term_down"] - net["g_exp"], 31)
