"""The fixed-point words, on int64 arrays: the specification of ``codegen/kernels/fx.h``, word by word.

Each name tells its rounding and overflow. The C works in int32 where these work in int64; every word here
asserts that its result fits the C word, so a reference that runs is also a proof for that run.
"""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from .tables import TANH_TABLE

Int = npt.NDArray[np.int64]
_INT32_MAX = 2**31 - 1


def fits(v: Int, bits: int = 32) -> Int:
    """v itself; AssertionError unless every entry fits a signed word of ``bits``."""
    assert v.size == 0 or (-(2 ** (bits - 1)) <= v.min() and v.max() < 2 ** (bits - 1)), (
        f"a value that the plan calls impossible: {int(np.abs(v).max())} does not fit int{bits}"
    )
    return v


def sat(v: Int, bits: int) -> Int:
    """Clamp to a signed word of ``bits``, [-2^(bits-1), 2^(bits-1) - 1]."""
    return clip(v, -(2 ** (bits - 1)), 2 ** (bits - 1) - 1)


def clip(v: Int, low: Int | int, high: Int | int) -> Int:
    """``np.clip``, which takes four times as long for a few words."""
    result: Int = np.minimum(np.maximum(v, low), high)
    return result


def round_shift(v: Int, s: Int | int) -> Int:
    """v / 2^s rounded to nearest, halves up, for s in 0..63 (0..31 in C for int32)."""
    if isinstance(s, int):  # without an array of one shift: half the time
        assert 0 <= s <= 63
        last: Int | int = min(s, 1)
    else:
        assert not (s & ~63).any()
        last = np.minimum(s, 1)
    # the half's bit goes last, so that no sum overflows
    result: Int = ((v >> (s - last)) + last) >> last
    return result


def scale(v: Int, s: Int | int) -> Int:
    """``round_shift`` for s >= 0; exact left shift by -s, at most 14, for s < 0 (the caller's bound: it fits)."""
    s = np.asarray(s, dtype=np.int64)
    assert s.size == 0 or (s.min() >= -14 and s.max() <= 31)
    up = np.maximum(-s, 0)  # one of the two shifts is by 0
    return fits(round_shift(v, s + up) << up)


def magnitude(v: Int) -> Int:
    """v for v >= 0, -v - 1 below: one instruction, and the same number of bits as |v| for our purpose."""
    result: Int = v ^ (v >> 63)
    return result


def floor_log2(v: Int) -> Int:
    """Position of the highest set bit of 0 < v < 2^53."""
    exponent = np.frexp(v.astype(np.float64))[1]
    return exponent.astype(np.int64) - 1


def log2_q3(v: int) -> int:
    """Eight times log2 of v >= 0: exact at powers of two, between them the next three bits of v; -4096 for 0."""
    if v == 0:
        return -4096
    position = v.bit_length() - 1
    return 8 * position + ((v << 3 >> position) & 7)


def sqrt64(v: int) -> int:
    """Square root of 0 <= v < 2^62, rounded down."""
    assert 0 <= v < 2**62
    return math.isqrt(v)


def random_next(x: int) -> int:
    """Next word of a random generator: xorshift32 (13, 17, 5), never 0. Source: Marsaglia 2003."""
    x ^= (x << 13) & 0xFFFFFFFF
    x ^= x >> 17
    return x ^ ((x << 5) & 0xFFFFFFFF)


def random_seed(x: int) -> int:
    """Its first word: the seed through the finaliser of MurmurHash3, so that near seeds give unlike streams."""
    x = ((x ^ (x >> 16)) * 0x85EBCA6B) & 0xFFFFFFFF
    x = ((x ^ (x >> 13)) * 0xC2B2AE35) & 0xFFFFFFFF
    x ^= x >> 16
    return x or 1


def block_shift(l1: int, peak: int, terms: int, l1_max: int, peak_max: int, least: int) -> int:
    """Smallest right shift s >= least after which a block of ``terms`` words is safe to multiply.

    After ``round_shift(., s)``: every |word| <= peak_max, and their sum of magnitudes <= l1_max. Rounding
    adds at most 1/2 a word, hence the ``(terms + 1) / 2``.
    """
    s = least
    while (peak >> s) + 1 > peak_max or (l1 >> s) + 1 + (terms + 1) // 2 > l1_max:
        s += 1
    return s


def step_size(g: Int, s: Int | int, limit: int) -> Int:
    """The weight step of a gradient: g / 2^s rounded to nearest, clipped to +-limit.

    s < 0 (a gradient whose unit is larger than the weight's) clips first, so that a huge gradient becomes
    the largest step instead of vanishing or wrapping; s > 31 is zero, as |g| < 2^30.
    """
    s = np.asarray(s, dtype=np.int64)
    right = np.where(s > 31, 0, round_shift(g, clip(s, 0, 31)))
    if s.size and s.min() >= 0:  # nearly always
        return clip(right, -limit, limit)
    left = clip(-s, 0, 31)
    bound = limit >> left
    shifted = np.where(g > bound, limit, np.where(g < -bound, -limit, clip(g, -bound, bound) << left))
    return clip(np.where(s >= 0, right, shifted), -limit, limit)


def join_weight(hi: Int, lo: Int, residual_bits: int) -> Int:
    """The whole weight: hi * 2^residual_bits + lo."""
    return (hi << residual_bits) + lo


def split_weight(w: Int, residual_bits: int) -> tuple[Int, Int]:
    """Saturate a whole weight and split it: hi is w rounded to Q3.12, lo the signed rest.

    The bound is symmetric: hi = 32767 with the largest lo.
    """
    top = (32767 << residual_bits) + (1 << (residual_bits - 1)) - 1
    w = clip(w, -top, top)
    hi = (w + (1 << (residual_bits - 1))) >> residual_bits
    return hi, w - (hi << residual_bits)


def tanh_q27(a: Int) -> Int:
    """tanh of a sum with 27 fraction bits (int64 in C too), Q0.15, odd, linear between 257 points over [0, 8]."""
    size = np.minimum(np.abs(a), 1 << 30)
    at, part = size >> 22, (size >> 7) & 0x7FFF
    low = TANH_TABLE[at]
    high = TANH_TABLE[at + 1]
    v = low + round_shift((high - low) * part, 15)
    signed: Int = np.where(a < 0, -v, v)
    return signed


def sigmoid_q27(a: Int) -> Int:
    """Logistic function of a sum with 27 fraction bits, Q0.15: (1 + tanh(a / 2)) / 2 from the table of tanh."""
    s: Int = np.minimum((32768 + tanh_q27(a >> 1) + 1) >> 1, 32767)
    return s


def sigmoid_slope(s: Int) -> Int:
    """s (1 - s), Q0.15, of the implemented logistic value s."""
    return round_shift(s * (32768 - s), 15)


def tanh_slope(t: Int) -> Int:
    """1 - t^2, Q0.15, of the implemented tanh value t."""
    return sat(32768 - round_shift(t * t, 15), 16)
