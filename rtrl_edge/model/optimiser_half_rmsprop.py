"""RMSprop with half the exponent."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from .numbers import Numbers
from .optimiser import Optimiser
from .parts import Field
from .structure import Dims


@dataclass(frozen=True)
class HalfRMSprop(Optimiser):
    """Each gradient entry is divided by the square root of its typical size: ``w <- w - rate clip(g / sqrt(typical))``.

    ``log2 typical`` is the running mean of ``log2 |g|`` with the weight 2^-6, over calls with g not 0, from 0 on (so it
    starts as SGD with the same rate); the square root is rounded to a power of two, a shift on the chip. Where RMSprop
    takes all the difference in size between weights away, this takes half of it: the whole of it costs the memory of
    long tasks. It takes 2 bytes a weight.

    Args:
        rate: learning rate of the cell, a power of two from 2^-15 to 1.
        readout_rate: the readout's; the same as ``rate`` if not given.
        clip: bound of each single divided entry, a power of two from 2^-4 to 2^4.
        schedule: when both rates change, and to which part of themselves: see :class:`Optimiser`.

    Source: Tieleman & Hinton 2012 (RMSprop); Chen et al. 2020 (the exponent between 0 and 1/2, "Padam").
    """

    rate: float = 2**-8
    clip: float = 4.0
    voice: ClassVar[str] = "optimiser_half_rmsprop"
    needs: ClassVar[tuple[str, ...]] = ("half_size.c",)

    def fields(self, dims: Dims, numbers: Numbers) -> list[Field]:
        """The readout's sizes."""
        return [Field("log_v", "int16", (dims.outputs * dims.readout_row,), "optimiser",
                      "log2 of the typical gradient of the readout's weights, Q7.8")]  # fmt: skip

    def cell_fields(self, dims: Dims, numbers: Numbers) -> list[Field]:
        """The cell's sizes."""
        size = Field("log_w", "int16", (dims.weights,), "optimiser",
                     "log2 of the typical gradient of the cell's weights, Q7.8")  # fmt: skip
        return [*super().cell_fields(dims, numbers), size]
