"""Eligibility propagation."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from .local import local_fields, local_macs, local_needs, local_sums
from .numbers import Numbers
from .parts import Cell, Field, Rule, Sum
from .rule_rtrl import credit_fields
from .structure import Dims, Structure


@dataclass(frozen=True)
class EProp(Rule):
    """e-prop: an eligibility trace follows what a unit keeps by itself, and nothing of what units tell each other.

    ``J_p <- keep_i J_p + I_p`` over the states of the weight's own unit i, ``gradient = credit^T J``: of an LSTM the
    trace of c fades with the forget gate. No recurrent weight enters, not even a unit's own: that is what sets it
    apart from SnAp(1). The learning signal is the exact credit V^T e (the paper's symmetric e-prop), not a random
    projection of e. Memory P K words + P bytes, work (K^2 + 2 K) P multiply-accumulates a step for K components.
    On a leaky cell it is RFLO with the cell's own leak.
    Source: Bellec et al. 2020, eq. 1-4.
    """

    voice: ClassVar[str] = "rule_eprop"
    keeps_columns: ClassVar[bool] = True

    def voice_for(self, cell: Cell, inputs: int) -> str:
        """Local columns."""
        return "rule_local"

    def needs_for(self, structure: Structure) -> tuple[str, ...]:
        """Local columns, with a unit's keep."""
        return local_needs(structure, "local_keep.c")

    def refuses(self, structure: Structure, cell: Cell) -> str | None:
        """Where there is nothing to follow, or nothing else."""
        if not structure.mixes:
            return "its units do not mix, so e-prop is RTRL: use RTRL(), which costs the same here"
        if not structure.private and structure.spreads:
            return "its units keep nothing by themselves: use RTRL()"
        if not structure.private:
            return "its units keep nothing by themselves: use RFLO(), which assumes that they do, or SnAp(1)"
        return None

    def fields(self, dims: Dims, numbers: Numbers) -> list[Field]:
        """Local influence, the linear form and the credit."""
        return [*dims.cell.linear_fields(dims), *local_fields(dims, numbers, "keep"), *credit_fields(dims)]

    def sums(self, dims: Dims, numbers: Numbers) -> list[Sum]:
        """Columns of a unit's own states."""
        return local_sums(dims)

    def macs(self, dims: Dims) -> int:
        """Columns and the credit."""
        return local_macs(dims) + dims.outputs * dims.visible
