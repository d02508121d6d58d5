"""The sparse n-step approximation of RTRL."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from .local import hidden, local_fields, local_macs, local_needs
from .numbers import Numbers
from .parts import MAX_UNITS, Cell, Dims, Field, Rule, Structure, whole
from .rule_rtrl import credit_fields


@dataclass(frozen=True)
class SnAp(Rule):
    """SnAp-n: ``J <- mask (D J + I)``, the mask what a weight reaches within ``order`` steps.

    Order 1: of each column the states of the weight's own unit, all components. So ``J_p <- own_i J_p + I_p`` with
    ``own_i = keep_i + mix_ii``, the self-connection included. Of a gate that moves all units at once, too, only what
    it does to its own unit is kept. Memory P K words + P bytes, work (K^2 + 2 K) P multiply-accumulates a step for K
    components: about a forward pass. Biased: what a weight does through another unit is left out.
    Where units do not mix it would be RTRL, and so would order 2 on dense weights: both are refused.
    Source: Menick et al. 2021, section 3.

    Args:
        order: n.
    """

    order: int = 1
    voice: ClassVar[str] = "rule_snap"
    keeps_columns: ClassVar[bool] = True
    local: ClassVar[str] = "local_diagonal"

    def __post_init__(self) -> None:
        whole("SnAp(order)", self.order, 1, MAX_UNITS)

    def voice_for(self, cell: Cell, inputs: int) -> str:
        """Order 1 has local columns."""
        return "rule_local"

    def needs_for(self, structure: Structure) -> tuple[str, ...]:
        """Local columns, with a unit's keep and its own entry of the mix."""
        kept = "local_kept.c" if structure.private else "local_kept_none.c"
        return local_needs(structure, kept, "local_diagonal.c")

    def refuses(self, structure: Structure, cell: Cell) -> str | None:
        """Where it would be RTRL."""
        if not structure.mixes:
            return "its units do not mix, so SnAp is RTRL: use RTRL(), which costs the same here"
        if self.order > 1:
            return f"on dense weights SnAp({self.order}) is RTRL: use RTRL() or SnAp(1)"
        return hidden(structure)

    def fields(self, dims: Dims, numbers: Numbers) -> list[Field]:
        """Local influence, the linear form and the credit."""
        return [*dims.cell.linear_fields(dims), *local_fields(dims, numbers, "own"), *credit_fields(dims)]

    def macs(self, dims: Dims) -> int:
        """Columns, the diagonal of the mix and the credit."""
        return local_macs(dims) + dims.cell.mix_macs(dims) // dims.units + dims.outputs * dims.visible
