"""Huber's loss."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from ..errors import ModelError
from .numbers import Numbers
from .parts import Constants, Loss
from .structure import Dims


@dataclass(frozen=True)
class Huber(Loss):
    """Squared error up to ``delta``, absolute error beyond: ``e = clip(y - target, -delta, delta)``.

    An outlier among the labels moves the weights no further than an error of ``delta``. At 1/2 it costs next to nothing
    on clean data.

    Args:
        delta: where the square ends, in the network's units (scaled targets lie mostly within +-0.8): a multiple of
            2^-12, the format of y, from 2^-12 to 32767/4096.

    Source: Huber 1964.
    """

    delta: float = 0.5
    voice: ClassVar[str] = "loss_huber"

    def __post_init__(self) -> None:
        one = 2**Numbers.output_frac
        if isinstance(self.delta, bool) or not isinstance(self.delta, int | float) or not 0 < self.delta * one <= 32767:
            raise ModelError(f"Huber(delta): wanted a number from 2**-12 to 32767/4096, found {self.delta!r}")
        if self.delta * one != self.delta_word:
            raise ModelError(
                f"Huber(delta): wanted a multiple of 2**-12 (a word in the format of y), found {self.delta!r}; "
                f"try {max(1, self.delta_word) / one!r}"
            )

    @property
    def delta_word(self) -> int:
        """Delta in the format of y."""
        return round(self.delta * (1 << Numbers.output_frac))

    def constants(self, dims: Dims, numbers: Numbers) -> Constants:
        """The word of delta."""
        return {"HUBER_DELTA": (self.delta_word, f"{self.delta:g} in the format of y")}
