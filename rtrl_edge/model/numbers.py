"""Number profiles: word sizes of one text of kernels."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from ..errors import ModelError
from .limits import log2

#: largest column exponent: with D's at most 15 too, an immediate term never needs a left shift past 2^30
EXPONENT_MAX = 15


def l1_max(word: str) -> int:
    """Bound on the L1 norm of a row that columns of ``word`` are multiplied with: their sum of products < 2^30."""
    return (1 << (31 - int(word.removeprefix("int")))) - 1


@dataclass(frozen=True)
class Numbers:
    """A number profile: word sizes of one text of kernels.

    Use :class:`R16`, :class:`R8` or :class:`Q14`. Forward weights are int16 Q3.12 in every profile, states int16 Q0.15,
    outputs int16 Q3.12.

    Args:
        cap: bound on |J| by saturation, a power of two from 1/8 to 2^15, or None for no cap.
    """

    cap: float | None = None
    name: ClassVar[str]
    influence: ClassVar[str]  # word of J
    dynamics: ClassVar[str]  # word of D
    residual: ClassVar[str]  # word of the low part of a weight
    output_frac: ClassVar[int] = 12  # fraction bits of y, target and e
    fixed_exponent: ClassVar[int | None] = None  # of every column of J, or None: each has its own
    #: shared kernels that store columns of J and know their exponents
    keeper: ClassVar[tuple[str, ...]] = ("influence_exact.c", "exact_store_c.c")

    def __post_init__(self) -> None:
        if self.cap is not None:
            log2(f"{self.name}(cap)", self.cap, -3, 15)

    @staticmethod
    def _bits(ctype: str) -> int:
        return int(ctype.removeprefix("int"))

    @property
    def dynamics_bits(self) -> int:
        """Bits of an entry of D."""
        return self._bits(self.dynamics)

    @property
    def residual_bits(self) -> int:
        """Bits of a weight below its int16 forward part."""
        return self._bits(self.residual)

    def exponent_min(self, influence_bits: int) -> int:
        """Smallest column exponent; it is what caps |J|: 2^(influence_bits - 1 - exponent) is the bound."""
        if self.cap is None:
            return -16
        return max(-16, influence_bits - 1 - log2("cap", self.cap, -3, 15))


@dataclass(frozen=True)
class R16(Numbers):
    """int16 influence and dynamics, 32-bit weights: the gradient within 1e-3 of float64."""

    name: ClassVar[str] = "R16"
    influence: ClassVar[str] = "int16"
    dynamics: ClassVar[str] = "int16"
    residual: ClassVar[str] = "int16"


@dataclass(frozen=True)
class R8(Numbers):
    """int8 influence and dynamics, 24-bit weights: 30 % of float32's state, no random numbers."""

    name: ClassVar[str] = "R8"
    influence: ClassVar[str] = "int8"
    dynamics: ClassVar[str] = "int8"
    residual: ClassVar[str] = "int8"


@dataclass(frozen=True)
class Q14(Numbers):
    """Plain fixed point for the smallest cores: J in Q1.14, saturated at +-2, without exponents; the rest as R16.

    For rules that keep J column by column. A byte a column less than R16, and no search for a column's highest bit.
    What it costs: where |J| would pass 2 the gradient is biased (``capped`` counts), and what is below 2^-15 is lost:
    of a unit that keeps a fraction k, an influence below 2^-15 / (1 - k) does not decay any more.
    """

    cap: float | None = 2.0
    name: ClassVar[str] = "Q14"
    influence: ClassVar[str] = "int16"
    dynamics: ClassVar[str] = "int16"
    residual: ClassVar[str] = "int16"
    fixed_exponent: ClassVar[int | None] = 14
    keeper: ClassVar[tuple[str, ...]] = ("influence_fixed.c",)

    def __post_init__(self) -> None:
        if self.cap != 2.0:
            raise ModelError(f"Q14(cap): wanted 2, where its words end, found {self.cap!r}; use R16(cap={self.cap!r})")
