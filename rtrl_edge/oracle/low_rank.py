"""What the unbiased low-rank rules share: random signs, and how two products become one that is right on average.

The signs are those of the chip, and rho is rounded to half powers of two as there, from norms rounded to eighths of
their exponent. The mean is the exact J for any rho and any fair signs, so this costs the oracle nothing; but along
the same trajectory both voices then make the same merges, and a gradient of one step, not only the mean of thousands,
tells whether the integers are right. With rho = the exact square root only means could be compared.
"""

from __future__ import annotations

import math

import numpy as np

from ..model import Dims
from .voices import Float, Step

_WORD = 2**32


def first_word(seed: int) -> int:
    """The generator's state for a seed: the finaliser of MurmurHash3; never 0."""
    word = seed
    word = (word ^ word // 2**16) * 2246822507 % _WORD
    word = (word ^ word // 2**13) * 3266489909 % _WORD
    word = word ^ word // 2**16
    return word if word else 1


def next_word(word: int) -> int:
    """Xorshift32 with the shifts 13, 17, 5. Source: Marsaglia 2003."""
    word = word ^ word * 2**13 % _WORD
    word = word ^ word // 2**17
    return word ^ word * 2**5 % _WORD


def signs(word: int, count: int) -> tuple[Float, int]:
    """``count`` signs (count,), 32 from each word, a 1 from the lowest bit on is +1; and the generator's state."""
    found: list[float] = []
    while len(found) < count:
        word = next_word(word)
        found += [1.0 if word // 2**bit % 2 else -1.0 for bit in range(32)]
    return np.array(found[:count]), word


def one_sign(word: int) -> tuple[float, int]:
    """A sign, the highest bit of the next word; and the generator's state."""
    word = next_word(word)
    return (1.0 if word >= 2**31 else -1.0), word


def eighths(v: float) -> int:
    """Eight times log2 of v, rounded down between powers of two as if it were linear there; -4096 for 0."""
    if v <= 0.0:
        return -4096
    mantissa, exponent = math.frexp(v)
    return 8 * (exponent - 1) + math.floor(8 * (2 * mantissa - 1))


def square(v: Float) -> float:
    """|v|^2."""
    return float(np.sum(v * v))


def merged(u_a: Float, A_a: Float, u_b: Float, A_b: Float, sign: float) -> tuple[Float, Float]:
    """One product whose mean over the sign is ``u_a x A_a + u_b x A_b``."""
    norms = [square(v) for v in (u_a, A_a, u_b, A_b)]
    if norms[0] == 0.0 or norms[1] == 0.0:
        return u_b, A_b
    if norms[2] == 0.0 or norms[3] == 0.0:
        return u_a, A_a
    sixteenths = eighths(norms[0]) - eighths(norms[1]) - eighths(norms[2]) + eighths(norms[3])
    rho = 2.0 ** (-((sixteenths + 8) // 16) / 2)
    return rho * u_a + sign * u_b, A_a / rho + sign * A_b


def immediate(d: Dims, step: Step) -> tuple[Float, Float]:
    """I as one product: z (m,) = what every gate sees, and A (R, S) for R rows of weights."""
    block = d.structure.blocks[0]
    z = np.concatenate((step.x, [1.0], step.before[d.states - d.units :]))[block.at : block.at + block.width]
    dense = step.I.reshape(d.states, -1, block.width)
    A = (dense @ z / (z @ z)).T
    assert np.allclose(np.einsum("rs,m->srm", A, z), dense), "the immediate Jacobian is not one product"
    return z, A
