"""Stochastic gradient descent."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from ..errors import ModelError
from .numbers import Numbers
from .parts import Dims, Field, Optimiser, log2


@dataclass(frozen=True)
class SGD(Optimiser):
    """Plain stochastic gradient descent, one sample a step: ``w <- w - rate * clip(g)``.

    Args:
        rate: learning rate of the cell, a power of two from 2^-15 to 1 (a shift on the chip).
        readout_rate: the readout's; the same as ``rate`` if not given.
        clip: bound of each single gradient entry, a power of two from 2^-4 to 2^4.
    """

    rate: float = 2**-6
    readout_rate: float | None = None
    clip: float = 1.0
    voice: ClassVar[str] = "optimiser_sgd"

    def __post_init__(self) -> None:
        log2("SGD(rate)", self.rate, -15, 0)
        if self.readout_rate is not None:
            log2("SGD(readout_rate)", self.readout_rate, -15, 0)
        log2("SGD(clip)", self.clip, -4, 4)
        for name, shift in (("rate", self.rate_shift), ("readout_rate", self.readout_rate_shift)):
            if self.clip_log2 > shift:
                step = 2.0 ** (self.clip_log2 - shift)
                raise ModelError(f"SGD: clip * {name} is {step:g}; wanted at most 1 a step. Lower one of them")

    def cell_fields(self, dims: Dims, numbers: Numbers) -> list[Field]:
        """The low part of the cell's weights."""
        return [
            Field("w_lo", numbers.residual, (dims.weights,), "weights",
                  f"residual of w_hi: W = w_hi + w_lo * 2^-{numbers.residual_bits}"),
        ]  # fmt: skip

    @property
    def rate_shift(self) -> int:
        """K of the cell's rate 2^-K."""
        return -log2("SGD(rate)", self.rate, -15, 0)

    @property
    def readout_rate_shift(self) -> int:
        """K of the readout's rate 2^-K."""
        rate = self.rate if self.readout_rate is None else self.readout_rate
        return -log2("SGD(readout_rate)", rate, -15, 0)

    @property
    def clip_log2(self) -> int:
        """Exponent of the clip bound."""
        return log2("SGD(clip)", self.clip, -4, 4)
