"""Kronecker sums, merged pair by pair, in integers; C: ``rule_ok.c``."""

from __future__ import annotations

import numpy as np

from ..fixed import fits, log2_q3, round_shift, scale, sqrt64
from ..fixed.words import Int
from .kronecker import immediate_A, immediate_exponent, immediate_u, kronecker_step, rule_init, rule_reset
from .low_rank import dot, pair_down, pair_exponent, pair_join, pair_merge, pair_sign, pair_words
from .net import Net

__all__ = ["rule_init", "rule_reset", "rule_step"]

ALPHA_TOP = 1023  # 8 fraction bits


def rule_step(net: Net, learn: bool) -> None:
    """D A and the gradient; then the new pair into a free place, or two pairs into one."""
    kronecker_step(net, learn)
    sign = pair_sign(net)
    net["u"][-1], net["A"][-1], net["E"][-1] = immediate_u(net), immediate_A(net), immediate_exponent(net)
    net["gram_u"], net["gram_A"] = _gram(net["u"]), _gram(net["A"])
    new = len(net["E"]) - 1
    free = [s for s in range(new) if not net["u"][s].any() or not net["A"][s].any()]
    b = free[0] if free else _merge(net, *_choose(net), sign)
    if b != new:
        for member in (net["u"], net["A"], net["E"]):
            member[b] = member[new]


def _gram(vectors: Int) -> Int:
    """Scalar products of all pairs of vectors, all shifted alike so that they are below 2^28."""
    flat = vectors.reshape(len(vectors), -1)
    gram = flat @ flat.T
    down = 0
    while int(gram.diagonal().max()) >> down >= 2**28 - 1:
        down += 1
    return fits(round_shift(gram, down), 30)


def _area(gram: Int, s: int, t: int) -> int:
    """Squared product of the singular values of two vectors: their Gram determinant; rounding may turn it negative."""
    return max(0, int(gram[s, s]) * int(gram[t, t]) - int(gram[s, t]) ** 2)


def _choose(net: Net) -> tuple[int, int]:
    """The two pairs whose sum has the least product of singular values, the one with the larger norm first."""
    gram_u, gram_A, E = net["gram_u"], net["gram_A"], net["E"]
    scores = [
        (log2_q3(_area(gram_u, s, t)) + log2_q3(_area(gram_A, s, t)) - 16 * int(E[s] + E[t]), s, t)
        for s in range(len(E))
        for t in range(s + 1, len(E))
    ]
    _, s, t = min(scores)
    size = [log2_q3(int(gram_u[i, i])) + log2_q3(int(gram_A[i, i])) - 16 * int(E[i]) for i in (s, t)]
    return (t, s) if size[1] > size[0] else (s, t)


def _alpha(net: Net, a: int, b: int, down: int) -> int:
    """The multiple of least variance, 8 fraction bits; A_b has the unit of A_a times 2^-down."""
    if down < -4:
        return 0
    gram_u, gram_A = net["gram_u"], net["gram_A"]
    area_u, area_a = sqrt64(_area(gram_u, a, b)), sqrt64(_area(gram_A, a, b))
    num = int(gram_u[a, b]) * area_a + int(gram_A[a, b]) * area_u
    away = int(gram_A[b, b]) * area_u
    away = int(round_shift(np.array(away), down)) if down >= 0 else away << -down
    den = int(gram_u[a, a]) * area_a - away
    cut = 0
    while abs(num) >> cut >= 2**21 or abs(den) >> cut >= 2**21:
        cut += 1
    top, bottom = (num >> cut) * 256, den >> cut
    if bottom == 0:
        return ALPHA_TOP if top else 0
    alpha = abs(top) // abs(bottom) * (1 if (top < 0) == (bottom < 0) else -1)  # C's division: towards zero
    return max(-ALPHA_TOP, min(ALPHA_TOP, alpha))


def _add(v: Int, w: Int, factor: int, down: int) -> tuple[Int, int]:
    """v + factor 2^-8 w 2^-down with all the bits it can have, and what its exponent gains."""
    values = fits(v * 256 + scale(fits(factor * w), min(down, 31)))
    cut = pair_down(values)
    return pair_words(values, cut), 8 - cut


def _merge(net: Net, a: int, b: int, sign: int) -> int:
    """Pairs a and b into a; returns b, which is free then."""
    u, A, E = net["u"], net["A"], net["E"]
    down = int(E[b] - E[a])
    alpha = _alpha(net, a, b, down)
    u[b], gain_b = _add(u[b], u[a], -alpha, 0)
    A[a], gain_a = _add(A[a], A[b], alpha, max(down, -4))
    m = pair_merge(
        (dot(u[a], u[a]), dot(A[a], A[a]), int(E[a]) + gain_a),
        (dot(u[b], u[b]), dot(A[b], A[b]), int(E[b]) + gain_b),
        sign,
    )
    u[a], gain = pair_join(m, m.u_shift, u[a], u[b])
    A[a], more = pair_join(m, m.a_shift, A[a], A[b])
    E[a] = pair_exponent(net, u[a], m.exponent + gain + more)
    return b
