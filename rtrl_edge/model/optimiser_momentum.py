"""Gradient descent along a running mean of the gradient."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from ..errors import ModelError
from .limits import log2
from .numbers import Numbers
from .optimiser import Optimiser
from .parts import Constants, Field
from .structure import Dims

MOMENTUM_BITS = 29  # |m| <= 2^29: the difference of two still fits 31 bits


@dataclass(frozen=True)
class Momentum(Optimiser):
    """``m <- momentum m + (1 - momentum) clip(g)``, ``w <- w - rate m``, at each call.

    m is a mean, so rates mean what they mean for SGD. It takes 4 bytes a weight (int32: in int16 the mean would not see
    gradients below 2^-13 of the clip). Most rules call once a labelled step, rules that work in blocks once a block;
    between calls m rests. ``reset`` keeps it, as it keeps the weights.

    Args:
        rate: learning rate of the cell, a power of two from 2^-15 to 1.
        readout_rate: the readout's; the same as ``rate`` if not given.
        clip: bound of each single gradient entry, a power of two from 2^-4 to 2^4.
        schedule: when both rates change, and to which part of themselves: see :class:`Optimiser`.
        momentum: 1 - 2^-k, k from 1 to 8.

    Source: Polyak 1964, as an exponential mean.
    """

    momentum: float = 1 - 2**-3
    voice: ClassVar[str] = "optimiser_momentum"
    needs: ClassVar[tuple[str, ...]] = ("momentum_mean.c",)

    def __post_init__(self) -> None:
        super().__post_init__()
        if isinstance(self.momentum, bool) or not isinstance(self.momentum, int | float) or not 0 < self.momentum < 1:
            raise ModelError(f"Momentum(momentum): wanted 1 - 2**-k with k from 1 to 8, found {self.momentum!r}")
        log2("Momentum: 1 - momentum", 1 - self.momentum, -8, -1)

    def fields(self, dims: Dims, numbers: Numbers) -> list[Field]:
        """The readout's means."""
        return [Field("m_v", "int32", (dims.outputs * dims.readout_row,), "optimiser", self._note("readout"))]

    def cell_fields(self, dims: Dims, numbers: Numbers) -> list[Field]:
        """The cell's means."""
        mean = Field("m_w", "int32", (dims.weights,), "optimiser", self._note("cell"))
        return [*super().cell_fields(dims, numbers), mean]

    def constants(self, dims: Dims, numbers: Numbers) -> Constants:
        """The weight of a new gradient, and the format of the mean."""
        return super().constants(dims, numbers) | {
            "MOMENTUM": (self.momentum_shift, f"a new gradient counts 2^-{self.momentum_shift}"),
            "M_TOP": (2**MOMENTUM_BITS, f"the clip in the format of the mean. check: {2**MOMENTUM_BITS} == 2**29"),
            "M_FRAC": (self.mean_frac, "fraction bits of the mean gradient"),
        }

    def _note(self, part: str) -> str:
        return f"mean gradient of the {part}'s weights, {self.mean_frac} fraction bits"

    @property
    def mean_frac(self) -> int:
        """Fraction bits of m: the clip is 2^29."""
        return MOMENTUM_BITS - self.clip_log2

    @property
    def momentum_shift(self) -> int:
        """K of momentum 1 - 2^-K."""
        return -log2("1 - momentum", 1 - self.momentum, -8, -1)
