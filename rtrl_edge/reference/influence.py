"""Columns of influence between steps; C: ``influence_exact.c``, ``exact_store_c.c``, ``influence_fixed.c``.

Words, and one exponent a column, or in a profile with a fixed exponent that one for all.
"""

from __future__ import annotations

import numpy as np

from ..fixed import floor_log2, magnitude, round_shift, sat, scale
from ..fixed.words import Int
from .net import Net


def clear_columns(net: Net) -> None:
    """J = 0."""
    net["J"] = 0
    if not _fixed(net):
        net["E"] = net.formats.exponent_max


def column_exponents(net: Net, columns: slice = slice(None)) -> Int:
    """Exponent of each of ``columns``, (P,)."""
    if _fixed(net):
        return np.full(net.dims.columns, net.formats.exponent_max)[columns]
    return net["E"][columns]


def store_columns(net: Net, acc: Int, frac: Int, columns: slice = slice(None)) -> None:
    """Round ``columns`` acc (P, .) with ``frac`` (P,) fraction bits into J, and their exponents into E."""
    words, exponent = rounded_columns(net, acc, frac)
    net["J"][columns] = words.reshape(net["J"][columns].shape)
    keep_exponents(net, columns, exponent)


def keep_exponents(net: Net, columns: slice | Int, exponent: Int) -> None:
    """Write the exponents of ``columns``, where each has its own."""
    if not _fixed(net):
        net["E"][columns] = exponent


def rounded_columns(net: Net, acc: Int, frac: Int) -> tuple[Int, Int]:
    """Words and exponents of columns acc (p, .) with ``frac`` (p,) fraction bits.

    The new exponent uses all bits of a word, but never goes below ``exponent_min``: there the column saturates and
    ``capped`` counts it. A fixed exponent: ``capped`` counts the columns of which any word saturates.
    """
    f = net.formats
    if _fixed(net):
        down = frac - f.exponent_max
        assert down.size == 0 or down.max() <= 31
        rounded = round_shift(acc, down[:, None])
        words, exponent = sat(rounded, f.influence_bits), np.full(len(acc), f.exponent_max)
        capped = (words != rounded).any(axis=1)
    else:
        bits = np.bitwise_or.reduce(magnitude(acc), axis=1) | 1
        exponent = np.minimum(frac - (floor_log2(bits) - (f.influence_bits - 2)), f.exponent_max)
        capped = exponent < f.exponent_min
        exponent = np.maximum(exponent, f.exponent_min)
        words = sat(scale(acc, (frac - exponent)[:, None]), f.influence_bits)
    net["capped"] = net["capped"] + int(capped.sum())
    return words, exponent


def _fixed(net: Net) -> bool:
    return net.model.numbers.fixed_exponent is not None
