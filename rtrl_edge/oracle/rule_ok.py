"""Kronecker sums merged pair by pair: J = sum of ``rank`` products u_s x A_s on average.

u (rank, m), A (rank, R, S), shapes and the gradient before the merge as in KF-RTRL. Of the rank + 1 products of a step
the two whose sum has the least product of singular values become one. For any alpha the two are the same sum as
(u_a, A_a + alpha A_b) and (u_b - alpha u_a, A_b); the alpha of least variance makes the merge of those optimal.
alpha is rounded as on the chip, with u scaled by a power of two to a largest entry between 1/2 and 1: from the same
pairs both voices make the same merge. Over many steps they part all the same, because a choice between two pairs, and
alpha near a pole, turn on the last bit; both are then equally right.
Source: Benzing et al. 2019, section 3, for two pairs.
"""

from __future__ import annotations

import math
from itertools import combinations
from typing import cast

import numpy as np

from ..model import OK, Model
from .low_rank import eighths, first_word, immediate, merged, one_sign, square
from .voices import Float, Memory, Step


def initial(model: Model) -> Memory:
    """J = 0, and the generator at its seed. ``carried``: the pairs before the last merge, D A for A."""
    d, rule = model.dims, cast(OK, model.rule)
    width = d.structure.blocks[0].width
    zero = {"u": np.zeros((rule.rank, width)), "A": np.zeros((rule.rank, d.columns // width, d.states))}
    return zero | {
        "carried_u": zero["u"],
        "carried_A": zero["A"],
        "random": np.array(float(first_word(rule.seed))),
    }


def forget(model: Model, memory: Memory) -> Memory:
    """Keep the generator's state."""
    return initial(model) | {"random": memory["random"]}


def advance(model: Model, memory: Memory, step: Step) -> Memory:
    """The new product into a free place, or two of all into one."""
    sign, word = one_sign(int(memory["random"]))
    carried = memory["A"] @ step.D.T
    z, fresh = immediate(model.dims, step)
    u, A = np.vstack((memory["u"], z)), np.concatenate((carried, fresh[None]))
    rank = len(carried)
    free = [s for s in range(rank) if not u[s].any() or not A[s].any()]
    if free:
        b = free[0]
    else:
        a, b = _chosen(u, A)
        alpha = _alpha(u, A, a, b)
        u_a, A_a = merged(u[a], A[a] + alpha * A[b], u[b] - alpha * u[a], A[b], sign)
        scale = 2.0 ** math.frexp(np.abs(u_a).max())[1]
        u[a], A[a] = u_a / scale, A_a * scale
    u[b], A[b] = u[rank], A[rank]
    return {
        "u": u[:rank],
        "A": A[:rank],
        "carried_u": memory["u"],
        "carried_A": carried,
        "random": np.array(float(word)),
    }


def gradient(model: Model, memory: Memory, step: Step) -> Float:
    """sum of (A_s c) x u_s, and c^T I."""
    assert step.c is not None
    rows = memory["carried_A"] @ step.c
    return (rows.T @ memory["carried_u"]).ravel() + step.c @ step.I


def _area(v: Float, s: int, t: int) -> float:
    """Squared product of the singular values of two vectors: their Gram determinant."""
    return max(0.0, square(v[s]) * square(v[t]) - float(np.sum(v[s] * v[t])) ** 2)


def _chosen(u: Float, A: Float) -> tuple[int, int]:
    """The two products to merge, the one with the larger norm first."""
    pairs = list(combinations(range(len(u)), 2))
    s, t = min(pairs, key=lambda pair: eighths(_area(u, *pair)) + eighths(_area(A, *pair)))
    size = [eighths(square(u[i])) + eighths(square(A[i])) for i in (s, t)]
    return (t, s) if size[1] > size[0] else (s, t)


def _alpha(u: Float, A: Float, a: int, b: int) -> float:
    """The multiple of least variance, rounded towards zero to eight fraction bits, below 4."""
    area_u, area_A = math.sqrt(_area(u, a, b)), math.sqrt(_area(A, a, b))
    top = float(np.sum(u[a] * u[b])) * area_A + float(np.sum(A[a] * A[b])) * area_u
    bottom = square(u[a]) * area_A - square(A[b]) * area_u
    if bottom == 0.0:
        return 1023 / 256 if top else 0.0
    return max(-1023, min(1023, math.trunc(256 * top / bottom))) / 256
