"""Exact RTRL a block of steps at a time."""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import pairwise
from typing import ClassVar

from ..errors import ModelError
from .limits import whole
from .local import column_fields
from .numbers import Numbers, l1_max
from .parts import PRODUCT, WORD, Cell, Constants, Field, Rule, Sum
from .rule_rtrl import credit_fields, influence_word
from .structure import Dims, Structure

MAX_PARTS = 65535


def sum_room(structure: Structure) -> int:
    """Shift after which a row's products with a weight's immediate terms, each at most 2^30, fit one int32."""
    terms = structure.units if structure.spreads else structure.components
    return (terms - 1).bit_length()


@dataclass(frozen=True)
class BlockRTRL(Rule):
    """Exact RTRL in blocks of ``block`` steps: the influence moves, and the cell learns, once a block.

    A step stores its trace and its credit. At the end of a block of h steps the rows of the unit matrix and, as one
    more row, the credits are sent back through it, lambda <- lambda D, and leave at each stored step u

        A[row][u][b, i] = sum_k lambda[k, i] coef_u[b, k, i],

    what the row depends on the pre-activation of gate b of unit i. What arrives at the block's start is the product
    Phi = D_h ... D_1, and lambda_0. Then, for each column p = (b, i, j), in place,

        gradient_p = lambda_0 J_p + sum_u A[credit][u][b, i] z_u[j]
        J_p       <- Phi J_p      + sum_u A[.][u][b, i] z_u[j].

    The gradient is the sum of RTRL's over the block's labelled steps, exact, without staleness inside the block: no
    weight of the cell moves there. The readout learns at every label. The optimiser clips the sum, so a rate near the
    edge of stability has to be lower than RTRL's.

    * Steps without a label belong to the block; it ends, and the cell learns, after ``block`` steps of any kind.
    * A reset closes a part of a block: its gradient is computed from the credit's row alone and applied, so short
      recordings learn too. Only then is the past forgotten.
    * A block's end may be cut into slices; those of the other steps have nothing to do. ``lagged`` spreads it over the
      steps of the next block: no step is much longer than another, and the weights move one block later, by the
      gradient at the weights that made the block: still exact, and applied h to 2 h steps after its losses.

    For n units, S = K n states, G gates, P weights, m = inputs + 1 + n: memory P S words + P bytes as RTRL, and
    h G n (S + 1) words, h (S + 1) bytes and h stored steps more; lagged, h more steps and P words. Work of a block

        h (S + 1) (S n + K G n) + h (mix) + P (S + 1) (S + h):

    for the Elman cell 2 n^3 + n^2 m (1 + n / h) and lower terms a step instead of n^3 m. A slice's smallest part is a
    column, (S + 1) (S + h), or a stored step's D. h between n / 2 and n is a good choice.
    A row of Phi saturates at 2^31, as a column of J does.
    Source: Schmidhuber 1992, "A fixed size storage O(n^3) time complexity learning algorithm for fully recurrent
    continually running networks"; the hybrid of Williams & Zipser 1995, sec. 4.

    Args:
        block: steps h of a block, 1 to 128.
        lagged: work on a block during the next one.
    """

    block: int
    lagged: bool = False
    voice: ClassVar[str] = "rule_block"
    keeps_columns: ClassVar[bool] = True
    late: ClassVar[bool] = True
    exact: ClassVar[bool] = True

    def __post_init__(self) -> None:
        whole("BlockRTRL(block)", self.block, 1, 128)
        if not isinstance(self.lagged, bool):
            raise ModelError(f"BlockRTRL(lagged): wanted True or False, found {self.lagged!r}")

    @property
    def title(self) -> str:
        """Lagged, it is other code."""
        return "BlockRTRL(lagged)" if self.lagged else "BlockRTRL"

    @classmethod
    def variants(cls) -> list[Rule]:
        """Short blocks: tests play few steps."""
        return [cls(4), cls(4, lagged=True)]

    def refuses(self, structure: Structure, cell: Cell) -> str | None:
        """Diagonal cells, where RTRL itself is cheap; direct weights; more parts than 16 bits number."""
        if not structure.mixes:
            return "its units do not mix, so RTRL costs no more than a forward pass: use RTRL()"
        if structure.direct:
            return "its direct weights would learn at every step, the others once a block: use RTRL()"
        columns = structure.dense_weights
        parts = self._parts(structure.units * structure.components, columns)
        if parts > MAX_PARTS:
            return f"{parts} parts of a block's end; wanted at most {MAX_PARTS}. Use fewer units or a shorter block"
        return None

    def needs_for(self, structure: Structure) -> tuple[str, ...]:
        """The linear form backwards, and the products of a block's end."""
        return (
            "columns.c",
            "rows_dot_c.c",
            "rows_store_c.c",
            "rows_keep.c" if structure.private else "rows_keep_none.c",
            "mix_two.c" if structure.own_mix else "mix_blocks_two_c.c",
            "rows_mix_c.c",
            "rows_dynamics.c",
            "rows_immediate_spread.c" if structure.spreads else "rows_immediate.c",
            "block_lagged.c" if self.lagged else "block_now.c",
            "block_column.c",
            "block_two_none.c",
        )

    def constants(self, dims: Dims, numbers: Numbers) -> Constants:
        """The block, and the head-room of its sums."""
        return {
            "BLOCK": (self.block, "steps of a block"),
            "BLOCK_PARTS": (self._parts(dims.states, dims.columns), "parts of its end"),
            "BLOCK_QUOTA": (self._quota(dims), "work of one step, if it is lagged, in quarters of a row's"),
            "SUM_ROOM": (sum_room(dims.structure), "after this shift the products of a row with I fit their sum"),
        }

    def fields(self, dims: Dims, numbers: Numbers) -> list[Field]:
        """Influence, the block's steps, and the work area of its end."""
        n, s, p, h = dims.units, dims.states, dims.columns, self.block
        gates, halves = len(dims.structure.blocks) * dims.neurons, 1 + self.lagged
        word = influence_word(dims.structure, numbers)
        trace = sum(math.prod(f.shape) for f in dims.cell.fields(dims, numbers) if f.trace)
        return [
            *column_fields(numbers, word, (p, s), "influence matrix ds/dW at the block's start, by columns", p),
            Field("past", "int16", (halves * h, trace), "state", "traces of the block's steps"),
            Field("credits", "int16", (halves * h, dims.credits), "state", "their credits * 2^credits_exp"),
            Field("credits_exp", "int8", (halves * h,), "state", "-128: no label"),
            Field("stored", "uint16", (), "state", "steps of the block so far"),
            Field("labels", "uint16", (), "state", "how many of them have a label"),
            Field("part", "uint16", (), "state", "parts done of the end of the block in work"),
            Field("working", "uint16", (), "state", "its labels"),
            *self._lagged_fields(dims),
            *dims.cell.linear_fields(dims),
            Field("D", "int16", (n * s,), "scratch",
                  "ds_t/dh_{t-1} * 2^d_exp, without keep, transposed: [unit of h][state]"),
            Field("d_exp", "int8", (), "scratch", "exponent of D"),
            *credit_fields(dims),
            Field("Phi", "int16", (s, s), "scratch", "ds_end/ds_start * 2^phi_exp"),
            Field("Phi_exp", "int8", (s,), "scratch", "exponents of its rows on their way back"),
            Field("phi_exp", "int8", (), "scratch", "exponent of Phi"),
            Field("A", word, (gates, s, h), "scratch",
                  "ds_end/d(pre-activation) at each step * 2^a_exp, [gate][neuron][state][step]"),
            Field("A_exp", "int8", (s, h), "scratch", "exponents of its rows and steps on the way back"),
            Field("a_exp", "int8", (), "scratch", "exponent of A"),
            Field("lambda", "int16", (s,), "scratch", "dL/ds_start * 2^lambda_exp, L the sum of the block's losses"),
            Field("lambda_exp", "int8", (), "scratch", "exponent of lambda"),
            Field("delta", "int16", (gates, h), "scratch",
                  "dL/d(pre-activation) at each step * 2^delta_exp, [gate][neuron][step]"),
            Field("delta_exps", "int8", (h,), "scratch", "exponents of its steps on the way back"),
            Field("delta_exp", "int8", (), "scratch", "exponent of delta"),
            Field("acc", "int32", (max(gates, 2 * s),), "scratch", "sums before they are rounded"),
            Field("old", "int16", (2, s), "scratch", "columns of J, one or two"),
            Field("seen", "int16", (2, h), "scratch", "one or two entries of z at every step of the block"),
            Field("capped", "uint32", (), "counters", "column updates that the cap on |J| saturated"),
        ]  # fmt: skip

    def sums(self, dims: Dims, numbers: Numbers) -> list[Sum]:
        """Rows on their way back, and a column's two halves, of which each is held below 2^30."""
        s = dims.structure
        terms = s.units if s.spreads else s.components
        word = influence_word(s, numbers)
        by_rule = l1_max(word) << (int(word.removeprefix("int")) - 1)
        return [
            Sum("row (keep + D)", (WORD - 1) * WORD),
            Sum("row I", terms * ((PRODUCT >> sum_room(s)) + 1)),
            Sum("Phi J or lambda J", by_rule, 31),
            Sum("A z over the block", (WORD - 1) * WORD, 31),
            Sum("both", 2 * (PRODUCT - 1)),
        ]

    def slices(self, dims: Dims) -> int:
        """Most parts that one step does of a block's end: all, or lagged its share."""
        if not self.lagged:
            return self._parts(dims.states, dims.columns)
        goals = [self.goal(dims, step) for step in range(self.block + 1)]
        return max(after - before for before, after in pairwise(goals))

    def goal(self, dims: Dims, stored: int) -> int:
        """Parts that are done, lagged, after ``stored`` steps of the next block, by their work in quarters of a row's.

        A stored step's D counts as six rows, the credit as three, what brings the credit to one exponent as ten, what
        does so with a row as ten quarters, a column as five. Columns go in pairs where they can.
        """
        equal, work = 2 * dims.states + 1, stored * self._quota(dims)
        steps, begun = divmod(work, 4 * (dims.states + 9))
        if steps < self.block:
            return steps * (dims.states + 2) + max(begun // 4 - 7, 0)
        after = work - 4 * self.block * (dims.states + 9) - 30
        columns = max(after - 10 * equal, 0) // 5
        done = min(max(after, 0) // 10, equal) + columns + columns % 2
        return min(self.block * (dims.states + 2) + done, self._parts(dims.states, dims.columns))

    def _quota(self, dims: Dims) -> int:
        """Work of one step of the next block, as ``goal`` counts it."""
        work = 4 * self.block * (dims.states + 9) + 30 + 10 * (2 * dims.states + 1) + 5 * dims.columns
        return -(-work // self.block)

    def _lagged_fields(self, dims: Dims) -> list[Field]:
        if not self.lagged:
            return []
        return [
            Field("half", "uint16", (), "state", "half of past and credits that the next step goes to"),
            Field("w_other", "int16", (dims.gated,), "state", "weights of the block in work, then those it learned"),
        ]

    def _parts(self, states: int, columns: int) -> int:
        """Of a block's end: each stored step's D, rows through it; rows of one exponent; columns."""
        return self.block * (states + 2) + 2 * states + 1 + columns

    def macs(self, dims: Dims) -> int:
        """Multiply-accumulates of one step, averaged over a block, rounded up."""
        n, s, k = dims.units, dims.states, dims.structure
        spread = sum(block.spread for block in k.blocks)
        immediate = (len(k.blocks) - spread) * s + spread * dims.neurons * n
        row = s * n + dims.private * s + immediate
        end = self.block * ((s + 1) * row + dims.cell.mix_macs(dims)) + dims.columns * (s + 1) * (s + self.block)
        return -(-end // self.block) + dims.outputs * dims.visible
