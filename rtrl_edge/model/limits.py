"""Numbers that a user gives to a part: how large they may be, and the sentence for one that is not."""

from __future__ import annotations

import math

from ..errors import ModelError

MAX_UNITS = 256  # the D and credit bounds (fixed/words.py: block_shift) are proven up to here
MAX_WIDTH = 256  # inputs and outputs
MAX_COLUMNS = 65535


def whole(where: str, value: object, low: int, high: int) -> int:
    """The value, or ModelError unless it is a whole number in [low, high]."""
    if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
        raise ModelError(f"{where}: wanted a whole number from {low} to {high}, found {value!r}")
    return value


def real(where: str, value: object, low: float, high: float) -> float:
    """The value, or ModelError unless it is a number in [low, high]."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not low <= value <= high:
        raise ModelError(f"{where}: wanted a number from {low:g} to {high:g}, found {value!r}")
    return value


def log2(where: str, value: float, low: int, high: int) -> int:
    """The exponent of a power of two between 2**low and 2**high, or ModelError."""
    if not isinstance(value, int | float) or isinstance(value, bool) or not value > 0 or math.isinf(value):
        raise ModelError(f"{where}: wanted a power of two, found {value!r}")
    mantissa, exponent = math.frexp(value)
    if mantissa != 0.5:
        near = 2.0 ** min(max(round(math.log2(value)), low), high)
        raise ModelError(f"{where}: wanted a power of two (a shift on the chip), found {value!r}; try {near!r}")
    if not low <= exponent - 1 <= high:
        raise ModelError(f"{where}: wanted a power of two from 2**{low} to 2**{high}, found {value!r}")
    return exponent - 1
