"""A column of influence between steps: one word an entry and one exponent a column; C: ``column_store.c``."""

from __future__ import annotations

import numpy as np

from ..fixed import floor_log2, magnitude, sat, scale
from ..fixed.words import Int
from .net import Net


def store_columns(net: Net, acc: Int, frac: Int, columns: slice = slice(None)) -> None:
    """Round ``columns`` acc (P, .) with ``frac`` (P,) fraction bits into J and E."""
    words, exponent = rounded_columns(net, acc, frac)
    net["J"][columns], net["E"][columns] = words.reshape(net["J"][columns].shape), exponent


def rounded_columns(net: Net, acc: Int, frac: Int) -> tuple[Int, Int]:
    """Words and exponents of columns acc (p, .) with ``frac`` (p,) fraction bits.

    The new exponent uses all bits of a word, but never goes below ``exponent_min``: there the column
    saturates and ``capped`` counts it.
    """
    f = net.formats
    bits = np.bitwise_or.reduce(magnitude(acc), axis=1) | 1
    exponent = np.minimum(frac - (floor_log2(bits) - (f.influence_bits - 2)), f.exponent_max)
    net["capped"] = net["capped"] + int((exponent < f.exponent_min).sum())
    exponent = np.maximum(exponent, f.exponent_min)
    return sat(scale(acc, (frac - exponent)[:, None]), f.influence_bits), exponent
