"""Stochastic gradient descent."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from .limits import log2
from .numbers import Numbers
from .optimiser import Optimiser
from .parts import Constants
from .structure import Dims


@dataclass(frozen=True)
class SGD(Optimiser):
    """Plain stochastic gradient descent, one sample a step: ``w <- w - rate * clip(g)``.

    Args:
        rate: learning rate of the cell, a power of two from 2^-15 to 1 (a shift on the chip).
        readout_rate: the readout's; the same as ``rate`` if not given.
        clip: bound of each single gradient entry, a power of two from 2^-4 to 2^4.
        schedule: when both rates change, and to which part of themselves: see :class:`Optimiser`.
        decay: how much of a weight's distance to its factory value is taken back at each call, ahead of the
            gradient's step: a power of two from 2^-15 to 1/2, or None. It costs no RAM. A distance below
            1 / (2 decay) units of the last place (2^-28 in R16, 2^-20 in R8) is not seen.
    """

    decay: float | None = None
    voice: ClassVar[str] = "optimiser_sgd"

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.decay is not None:
            log2("SGD(decay)", self.decay, -15, -1)

    @classmethod
    def variants(cls) -> list[Optimiser]:
        """Alone, pulled back, and with rates that fall."""
        return [cls(), cls(decay=2**-7), cls(schedule=((0, 1 / 4), (50, 1.0), (100, 1 / 8)))]

    def constants(self, dims: Dims, numbers: Numbers) -> Constants:
        """The shift of the decay."""
        own: Constants = {}
        if self.decay is not None:
            own["DECAY"] = (self.decay_shift, f"the distance to the factory weight shrinks by 2^-{self.decay_shift}")
        return super().constants(dims, numbers) | own

    @property
    def needs(self) -> tuple[str, ...]:  # type: ignore[override]
        """A row of steps, or what is taken back of a distance."""
        return ("weight_row.c",) if self.decay is None else ("decay_step.c",)

    @property
    def kernel(self) -> str:
        """Another file where weights decay."""
        return self.voice if self.decay is None else f"{self.voice}_decay"

    @property
    def row_kernel(self) -> str:
        """All weights of a row at once, but where they decay."""
        return f"{self.voice}_row" if self.decay is None else super().row_kernel

    @property
    def decay_shift(self) -> int:
        """K of the decay 2^-K."""
        assert self.decay is not None
        return -log2("SGD(decay)", self.decay, -15, -1)
