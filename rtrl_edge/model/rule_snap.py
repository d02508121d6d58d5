"""The sparse n-step approximation of RTRL."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from .limits import MAX_UNITS, whole
from .local import column_sums, hidden, local_fields, local_macs, local_needs, local_sums
from .numbers import Numbers
from .parts import Cell, Field, Rule, Sum, Table
from .rule_rtrl import credit_fields, influence_word
from .sparse import REACH_NOTE, SPARSE_NEEDS, reach, row_tables, sparse_fields, sparse_macs
from .structure import Dims, Pattern, Structure


@dataclass(frozen=True)
class SnAp(Rule):
    """SnAp-n: ``J <- mask (D J + I)``, the mask what a weight reaches within ``order`` steps.

    Order 1, of every cell: of each column the states of the weight's own unit, all components. So
    ``J_p <- own_i J_p + I_p`` with ``own_i = keep_i + mix_ii``, the self-connection included. Of a gate that moves all
    units at once, too, only what it does to its own unit is kept. Memory P K words + P bytes, work (K^2 + 2 K) P
    multiply-accumulates a step for K components: about a forward pass. Biased: what a weight does through another unit
    is left out.
    Where units do not mix it would be RTRL, and so would order 2 on dense weights: both are refused.

    Order n on sparse weights: the units that are at most n - 1 steps away along weights. For R of them, each listening
    to d: memory P R words + P bytes, work P R d multiply-accumulates. Past the diameter of the pattern it is RTRL.
    Source: Menick et al. 2021, section 3.

    Args:
        order: n.
    """

    order: int = 1
    voice: ClassVar[str] = "rule_snap"
    keeps_columns: ClassVar[bool] = True
    local: ClassVar[str] = "local_diagonal"

    @classmethod
    def variants(cls) -> list[Rule]:
        """Local columns, and a way through other units on sparse weights."""
        return [cls(), cls(2)]

    def __post_init__(self) -> None:
        whole("SnAp(order)", self.order, 1, MAX_UNITS)

    def voice_for(self, cell: Cell, inputs: int) -> str:
        """Order 1 has local columns."""
        return "rule_local" if self.order == 1 else "rule_sparse"

    def reached(self, structure: Structure) -> Pattern:
        """The units whose states a weight of each unit reaches."""
        assert structure.pattern is not None
        return reach(structure.pattern, self.order - 1)

    def needs_for(self, structure: Structure) -> tuple[str, ...]:
        """Local columns, with a unit's keep and its own entry of the mix."""
        if self.order > 1:
            return SPARSE_NEEDS
        kept = "local_kept.c" if structure.private else "local_kept_none.c"
        return local_needs(structure, kept, "local_diagonal.c")

    def refuses(self, structure: Structure, cell: Cell) -> str | None:
        """Where it would be RTRL."""
        if not structure.mixes:
            return "its units do not mix, so SnAp is RTRL: use RTRL(), which costs the same here"
        if self.order > 1 and structure.pattern is None:
            return f"on dense weights SnAp({self.order}) is RTRL: use RTRL() or SnAp(1)"
        return hidden(structure)

    def tables(self, dims: Dims, numbers: Numbers) -> list[Table]:
        """From order 2 on, the rows of a column."""
        return row_tables(self.reached(dims.structure), "reach", REACH_NOTE) if self.order > 1 else []

    def fields(self, dims: Dims, numbers: Numbers) -> list[Field]:
        """Influence, the linear form and the credit."""
        if self.order > 1:
            influence = sparse_fields(dims, numbers, self.reached(dims.structure))
            return [*dims.cell.linear_fields(dims), *influence, *credit_fields(dims)]
        return [*dims.cell.linear_fields(dims), *local_fields(dims, numbers, "own"), *credit_fields(dims)]

    def sums(self, dims: Dims, numbers: Numbers) -> list[Sum]:
        """Columns of a unit's own states, or of those in reach."""
        return column_sums(influence_word(dims.structure, numbers), "D") if self.order > 1 else local_sums(dims)

    def macs(self, dims: Dims) -> int:
        """Columns, the mix (its diagonal for order 1) and the credit."""
        if self.order > 1:
            return sparse_macs(dims, self.reached(dims.structure)) + dims.connections + dims.outputs * dims.visible
        return local_macs(dims) + dims.cell.mix_macs(dims) // dims.units + dims.outputs * dims.visible
