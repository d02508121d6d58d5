"""Random-feedback local online learning, with the exact feedback."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

from ..errors import ModelError
from .local import hidden, local_fields, local_macs, local_needs, local_sums
from .numbers import Numbers
from .parts import Cell, Constants, Field, Rule, Sum
from .rule_rtrl import credit_fields
from .structure import Dims, Structure

FASTEST, SLOWEST = 1, 12


@dataclass(frozen=True)
class RFLO(Rule):
    """RFLO: a trace of each weight's immediate effect that fades at a rate of its own.

    ``J_p <- decay J_p + I_p`` on h of the weight's own unit (other components of the state carry I_p alone),
    ``gradient = credit^T J``. No recurrent term. The paper's cells leak with the rate 1 - decay; here the decay is a
    guess at how long a unit remembers, whatever the cell does.
    Its random feedback is not used: the credit is the exact V^T e, which costs no more.
    Memory P K words + P bytes, work (K^2 + 2 K) P multiply-accumulates a step for K components.
    Source: Murray 2019, eq. 7-9.

    Args:
        decay: 1 - 2^-k with k from 1 to 12: 0.5, 0.75, 0.875, ...
    """

    decay: float = 0.5
    voice: ClassVar[str] = "rule_rflo"
    keeps_columns: ClassVar[bool] = True
    local: ClassVar[str] = "local_decay"

    def __post_init__(self) -> None:
        ks = range(FASTEST, SLOWEST + 1)
        if isinstance(self.decay, bool) or self.decay not in [1 - 2.0**-k for k in ks]:
            near = 0.5
            if isinstance(self.decay, int | float) and 0 < self.decay < 1:
                near = 1 - 2.0 ** -min(max(round(-math.log2(1 - self.decay)), FASTEST), SLOWEST)
            raise ModelError(
                f"RFLO(decay): wanted 1 - 2**-k with k from {FASTEST} to {SLOWEST}, found {self.decay!r}; try {near!r}"
            )

    @property
    def word(self) -> int:
        """The decay in Q0.15."""
        return int(self.decay * 2**15)

    def voice_for(self, cell: Cell, inputs: int) -> str:
        """Local columns."""
        return "rule_local"

    def needs_for(self, structure: Structure) -> tuple[str, ...]:
        """Local columns, with a constant."""
        return local_needs(structure, "local_decay.c")

    def refuses(self, structure: Structure, cell: Cell) -> str | None:
        """Where the exact trace costs the same."""
        if not structure.mixes:
            return "its units do not mix, so RTRL has the true decay for the same cost: use RTRL()"
        return hidden(structure)

    def constants(self, dims: Dims, numbers: Numbers) -> Constants:
        """The decay."""
        return {"DECAY": (self.word, f"{self.decay:g} of a trace is left after a step, Q0.15")}

    def fields(self, dims: Dims, numbers: Numbers) -> list[Field]:
        """Local influence, the linear form and the credit."""
        return [*dims.cell.linear_fields(dims), *local_fields(dims, numbers, "decay"), *credit_fields(dims)]

    def sums(self, dims: Dims, numbers: Numbers) -> list[Sum]:
        """Columns of a unit's own states."""
        return local_sums(dims)

    def macs(self, dims: Dims) -> int:
        """Columns and the credit."""
        return local_macs(dims) + dims.outputs * dims.visible
