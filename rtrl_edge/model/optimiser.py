"""What all optimisers share: learning rates and their schedule, the clip, the whole weight."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ..errors import ModelError
from .limits import log2, whole
from .numbers import Numbers
from .parts import Constants, Field, Part, Table
from .structure import Dims

MOST_CHANGES = 16
LAST_STEP = 2**32 - 2  # the counter of labelled steps is a uint32


@dataclass(frozen=True)
class Optimiser(Part):
    """How a gradient moves a weight: ``w <- w - rate * clip(direction)``, at each call of a rule.

    ``fields`` is what it keeps of the readout, ``cell_fields`` of the cell.

    Args:
        rate: learning rate of the cell, a power of two from 2^-15 to 1 (a shift on the chip).
        readout_rate: the readout's; the same as ``rate`` if not given.
        clip: bound of each single entry of the direction, a power of two from 2^-4 to 2^4.
        schedule: pairs (steps, factor): once so many labelled steps are done, both rates are multiplied by the factor,
            a power of two up to 1, until the next pair. ``[(10_000, 1/2), (50_000, 1/8)]`` falls twice,
            ``[(0, 1/16), (500, 1)]`` warms up. It needs no memory: it follows the struct's counter of labelled steps,
            which wraps after 2^32.
    """

    rate: float = 2**-6
    readout_rate: float | None = None
    clip: float = 1.0
    schedule: Sequence[tuple[int, float]] = ()

    def __post_init__(self) -> None:
        name = type(self).__name__
        log2(f"{name}(rate)", self.rate, -15, 0)
        if self.readout_rate is not None:
            log2(f"{name}(readout_rate)", self.readout_rate, -15, 0)
        log2(f"{name}(clip)", self.clip, -4, 4)
        for what, shift in (("rate", self.rate_shift), ("readout_rate", self.readout_rate_shift)):
            if self.clip_log2 > shift:
                step = 2.0 ** (self.clip_log2 - shift)
                raise ModelError(f"{name}: clip * {what} is {step:g}; wanted at most 1 a step. Lower one of them")
        self._check_schedule(f"{name}(schedule)")

    def _check_schedule(self, where: str) -> None:
        found = self.schedule
        if not isinstance(found, list | tuple) or not all(isinstance(p, list | tuple) and len(p) == 2 for p in found):
            raise ModelError(f"{where}: wanted pairs (steps, factor) such as [(10_000, 1/4)], found {found!r}")
        object.__setattr__(self, "schedule", tuple((steps, factor) for steps, factor in found))
        whole(f"{where}: number of pairs", len(found), 0, MOST_CHANGES)
        last = -1
        for steps, factor in self.schedule:
            last = whole(f"{where}: steps", steps, last + 1, LAST_STEP)
            drop = -log2(f"{where}: factor", factor, -15, 0)
            if max(self.rate_shift, self.readout_rate_shift) + drop > 15:
                raise ModelError(f"{where}: factor {factor:g} makes a rate smaller than 2**-15; raise one of them")

    @classmethod
    def variants(cls) -> list[Optimiser]:
        """One of each kind worth a test."""
        return [cls()]

    def cell_fields(self, dims: Dims, numbers: Numbers) -> list[Field]:
        """Members for the cell's weights, their low part first; left out where the rule does not train the cell."""
        return [
            Field("w_lo", numbers.residual, (dims.weights,), "weights",
                  f"residual of w_hi: W = w_hi + w_lo * 2^-{numbers.residual_bits}"),
        ]  # fmt: skip

    def constants(self, dims: Dims, numbers: Numbers) -> Constants:
        """How often the rates change."""
        return {"N_RATES": (len(self.schedule), "changes of the learning rates")} if self.schedule else {}

    def tables(self, dims: Dims, numbers: Numbers) -> list[Table]:
        """The schedule: labelled steps, and shifts of the rates from there on."""
        if not self.schedule:
            return []
        return [
            Table("rtrl_rate_steps", "uint32", tuple(s for s, _ in self.schedule), "rates change after so many labels"),
            Table("rtrl_rate_drops", "uint8", self.drops, "and from there on are shifted by so much"),
        ]

    def kernels(self, trains_readout: bool, trains_cell: bool) -> list[str]:
        """The rates, the step of a weight, and the optimiser's own files: of the readout and of the cell."""
        own = [f"{self.kernel}.c", f"{self.row_kernel}.c"] * trains_readout
        own += [f"{self.kernel}_cell.c", f"{self.row_kernel}_cell.c"] * trains_cell
        return ["rate_schedule.c" if self.schedule else "rate_fixed.c", "weight_step.c", *self.needs, *own]

    @property
    def kernel(self) -> str:
        """The name of its C files."""
        return self.voice

    @property
    def row_kernel(self) -> str:
        """The name of the C files that move a row of weights whose gradients are one number times a vector."""
        return "optimiser_row"

    @property
    def rate_shift(self) -> int:
        """K of the cell's rate 2^-K."""
        return -log2("rate", self.rate, -15, 0)

    @property
    def readout_rate_shift(self) -> int:
        """K of the readout's rate 2^-K."""
        return -log2("readout_rate", self.rate if self.readout_rate is None else self.readout_rate, -15, 0)

    @property
    def clip_log2(self) -> int:
        """Exponent of the clip bound."""
        return log2("clip", self.clip, -4, 4)

    @property
    def drops(self) -> tuple[int, ...]:
        """Shifts of the rates from each step of the schedule on."""
        return tuple(-log2("factor", factor, -15, 0) for _, factor in self.schedule)
