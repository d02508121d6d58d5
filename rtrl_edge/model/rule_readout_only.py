"""The control: only the readout learns."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from .numbers import Numbers
from .parts import Rule
from .structure import Dims


@dataclass(frozen=True)
class ReadoutOnly(Rule):
    """The cell stays as it was flashed; only the readout learns (a trained echo state network).

    No influence memory, and the cell's weights stay in flash. The control that every claim about a recurrent gradient
    has to beat.
    """

    voice: ClassVar[str] = "rule_readout_only"
    trains_cell: ClassVar[bool] = False

    def refuses_numbers(self, numbers: Numbers) -> str | None:
        """Nothing: a control goes with every profile."""
        return None

    def slices(self, dims: Dims) -> int:
        """Nothing to cut."""
        return 0
