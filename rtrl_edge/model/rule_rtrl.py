"""Exact Real-Time Recurrent Learning."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from .local import column_fields, column_sums, diagonal_fields, local_macs, local_sums
from .numbers import Numbers
from .parts import Cell, Constants, Field, Rule, Sum, Table
from .sparse import REACH_NOTE, SPARSE_NEEDS, reach, row_tables, sparse_fields, sparse_macs
from .structure import Dims, Pattern, Structure


def influence_word(structure: Structure, numbers: Numbers) -> str:
    """Word of J: the profile's, but int16 where units keep their own past.

    In seven bits a kept fraction above 1 - 1/254 cannot decay any more: int8 would hold on for ever.
    """
    return "int16" if structure.private else numbers.influence


def _fours(count: int) -> int:
    return -(-count // 4) * 4


def mix_fields(dims: Dims) -> list[Field]:
    """D and its exponent: scratch of every rule that multiplies with the units' mix.

    Room for whole fours of rows and columns, in which the DSP extension takes it. int16 in every profile: bytes would
    be unpacked again for every column of J.
    """
    size = _fours(dims.states) * _fours(dims.units)
    return [
        Field("D", "int16", (size,), "scratch", "ds_t/dh_{t-1} * 2^d_exp, without keep: dot_c.c, dot_dsp.c"),
        Field("d_exp", "int8", (), "scratch", "exponent of D"),
    ]  # fmt: skip


def credit_fields(dims: Dims) -> list[Field]:
    """The credit and its exponent: scratch of every rule."""
    return [
        Field("c", "int16", (dims.credits,), "scratch", "credit dL/ds * 2^c_exp of the last of the states"),
        Field("c_exp", "int8", (), "scratch", "exponent of the credit"),
    ]


@dataclass(frozen=True)
class RTRL(Rule):
    """Exact Real-Time Recurrent Learning: ``J <- D J + I``, ``gradient = credit^T J``, at every step.

    J is the influence matrix ds/dW, stored column by column: (P, states) words with one exponent a column.
    For P columns, n units and S = states: memory P S words + P bytes; work S n P + (keep) private S P
    multiply-accumulates a step, no history. Where units do not mix (diagonal cells) each column has only the
    states of its own unit, and both are O(P). On sparse weights there are columns for those that exist alone, with the
    units that they reach, and D costs what it has entries.
    Exact for frozen weights; with weights that move, J holds the sensitivities along the actual path
    ("staleness", vanishing with the rate).
    Source: Williams & Zipser 1989, eq. 9-12; Robinson & Fallside 1987.
    """

    voice: ClassVar[str] = "rule_rtrl"
    keeps_columns: ClassVar[bool] = True

    def voice_for(self, cell: Cell, inputs: int) -> str:
        """Dense columns where units mix, each unit's own states where they do not, those in reach on sparse weights."""
        structure = cell.structure(inputs)
        if structure.pattern is not None:
            return "rule_sparse"
        return self.voice if structure.mixes else "rule_diagonal"

    def reached(self, structure: Structure) -> Pattern:
        """On sparse weights, the units whose states a weight of each unit reaches: all of them, where a way leads."""
        assert structure.pattern is not None
        return reach(structure.pattern, None)

    def needs_for(self, structure: Structure) -> tuple[str, ...]:
        """The mix and its products, or the columns of one unit."""
        if not structure.mixes:
            return ("unit_column_c.c",)
        if structure.pattern is not None:
            return SPARSE_NEEDS
        return (
            "columns.c",
            *(("keep.c", "keep_add_c.c") if structure.private else ("keep_none.c",)),
            "dot_c.c",
            "dynamics.c",
            "pair_dot_c.c",
            "immediate_spread.c" if structure.spreads else "immediate.c",
            "rtrl_columns_c.c",
        )

    def tables(self, dims: Dims, numbers: Numbers) -> list[Table]:
        """On sparse weights, the rows of a column."""
        if dims.structure.pattern is None:
            return []
        return row_tables(self.reached(dims.structure), "reach", REACH_NOTE)

    def constants(self, dims: Dims, numbers: Numbers) -> Constants:
        """Where units mix, the distance of two columns' sums."""
        if not dims.structure.mixes or dims.structure.pattern is not None:
            return {}
        return {"ACC_APART": (_fours(dims.states), "sums of each of two columns in acc, N_STATES of them used")}

    def fields(self, dims: Dims, numbers: Numbers) -> list[Field]:
        """Influence matrix, the linear form and the work area that a sliced step needs."""
        if not dims.structure.mixes:
            return [*diagonal_fields(dims, numbers), *credit_fields(dims)]
        if dims.structure.pattern is not None:
            return [
                *dims.cell.linear_fields(dims),
                *sparse_fields(dims, numbers, self.reached(dims.structure)),
                *credit_fields(dims),
            ]
        s, p = dims.states, dims.columns
        return [
            *column_fields(numbers, influence_word(dims.structure, numbers), (p, s),
                           "influence matrix ds/dW, one column after the other", p),
            *dims.cell.linear_fields(dims),
            *mix_fields(dims),
            *credit_fields(dims),
            Field("acc", "int32", (2, _fours(s)), "scratch", "two columns before they are rounded"),
            Field("words", "int16", (2, _fours(dims.units)), "scratch", "the last components of two columns, woven"),
            Field("capped", "uint32", (), "counters", "column updates that the cap on |J| saturated"),
            Field("column", "uint16", (), "scratch", "next column of a step that is cut into slices"),
        ]  # fmt: skip

    def sums(self, dims: Dims, numbers: Numbers) -> list[Sum]:
        """Columns: D with what a unit keeps, by the L1 rule."""
        if not dims.structure.mixes:
            return local_sums(dims)
        return column_sums(influence_word(dims.structure, numbers), "(keep + D)")

    def unit_by_unit(self, structure: Structure) -> bool:
        """Where units do not mix."""
        return not structure.mixes

    def slices(self, dims: Dims) -> int:
        """Columns, or units where they do not mix."""
        return dims.columns if dims.structure.mixes else dims.units

    def macs(self, dims: Dims) -> int:
        """Multiply-accumulates of one learning step in the cell: J, gradient, D and credit."""
        if not dims.structure.mixes:
            return local_macs(dims) + dims.outputs * dims.visible
        if dims.structure.pattern is not None:
            return sparse_macs(dims, self.reached(dims.structure)) + dims.connections + dims.outputs * dims.visible
        n, s, p = dims.units, dims.states, dims.columns
        spread = sum(dims.rows(b) * b.width for b in dims.structure.blocks if b.spread)
        columns = (s * n + dims.private * s + dims.visible) * p + n * spread
        return columns + dims.cell.mix_macs(dims) + dims.outputs * dims.visible
