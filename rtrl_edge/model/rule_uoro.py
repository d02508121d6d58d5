"""Unbiased Online Recurrent Optimization."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from .low_rank import (
    advance_macs,
    check_seed,
    linear_macs,
    low_rank_constants,
    low_rank_fields,
    low_rank_needs,
    low_rank_sums,
    project_macs,
    rows,
)
from .numbers import Numbers
from .parts import WORD, Cell, Constants, Field, Rule, Sum
from .sparse import refuses_sparse
from .structure import Dims, Structure

_TERMS = 2


@dataclass(frozen=True)
class UORO(Rule):
    """UORO: J as one product ``s theta^T`` whose mean over the random signs nu is the exact J. Any cell.

        s <- rho D s + nu,    theta <- theta / rho + I^T nu,    nu in {-1, 1}^S
        gradient = (credit^T D s_old) theta_old + credit^T I

    The gradient is taken before the merge: its immediate part is exact, and it has less than half the noise of the
    merged pair's. rho is a half power of two, the nearest to what balances the norms: the mean is right for any rho.
    Shapes: s (S,), theta (P,), int16 words with one exponent E for the product: ``J[p, k] = s[k] theta[p] 2^-E``. D is
    in the profile's word. Where |J| would pass the cap (2^14 without one) the whole pair is scaled down, and ``capped``
    counts it: with a cap it is biased.
    For S states and P columns: memory about 2 (P + 3 S) bytes, work about 5 P multiply-accumulates a step beside D and
    D s, a few times a forward pass. It pays in noise, which grows with the number of states: relative to J it is 6.9
    (RNN), 5.7 (LSTM) after 60 steps with frozen weights and 8 units, 12 with 16 (RNN). The cosine of one step's
    gradient to the exact one is low (Mackey-Glass, 8 units: .18 and .38), and rates have to be small. No task was found
    on which its loss is lower than that of truncated BPTT in as much memory. It is for comparison, and for long sums
    where only the mean matters.
    Source: Tallec & Ollivier 2017, algorithm 1.

    Args:
        seed: of the signs, 0 to 2^31 - 1. One generator, on every device the same.
    """

    seed: int = 1
    voice: ClassVar[str] = "rule_uoro"
    partial: ClassVar[bool] = False
    carried: ClassVar[str] = "s"

    def __post_init__(self) -> None:
        check_seed("UORO", self.seed)

    def refuses(self, structure: Structure, cell: Cell) -> str | None:
        """Sparse weights: rho is made from the norms of whole rows."""
        return refuses_sparse(structure)

    def needs_for(self, structure: Structure) -> tuple[str, ...]:
        """Products with D, projections of I, and pairs."""
        return low_rank_needs(structure)

    def constants(self, dims: Dims, numbers: Numbers) -> Constants:
        """Seed, cap and the sum of a gradient."""
        return low_rank_constants(numbers, self.seed, _TERMS)

    def fields(self, dims: Dims, numbers: Numbers) -> list[Field]:
        """The pair, and the work area that a sliced step needs."""
        return [
            Field("s", "int16", (dims.states,), "influence", "J = s theta^T 2^-E: its factor over the states"),
            Field("theta", "int16", (dims.columns,), "influence", "its factor over the weights"),
            Field("E", "int8", (), "influence", "exponent of the product"),
            Field("theta_square", "uint32", (), "influence", "sum of theta^2, each / 2^15, rounded"),
            Field("theta_top", "int16", (), "influence", "largest |theta|"),
            *low_rank_fields(dims, numbers, _TERMS),
            Field("nu", "int16", (dims.states,), "scratch", "random signs"),
            Field("nu_row", "int16", (rows(dims),), "scratch", "nu^T I of each row of weights, without z"),
            Field("along", "int16", (), "scratch", "c^T D s"),
            Field("theta_shift", "int8", (), "scratch", "how theta merges with the new term: see merge_t"),
            Field("theta_odd", "int8", (), "scratch", "see merge_t"),
            Field("theta_sign", "int8", (), "scratch", "see merge_t"),
            Field("theta_down", "int8", (), "scratch", "right shift of the sum into theta"),
        ]  # fmt: skip

    def sums(self, dims: Dims, numbers: Numbers) -> list[Sum]:
        """Beside the shared ones, the norms of theta and of what is added to it."""
        widest = max(block.width for block in dims.structure.blocks)
        fresh = len(dims.structure.blocks) * (dims.neurons * WORD) * (widest * WORD)
        return [
            *low_rank_sums(dims, _TERMS),
            Sum("theta^2 / 2^15 of all columns", dims.columns * WORD, 33),  # unsigned
            Sum("(nu^T I)^2 of all columns", fresh, 64),
        ]

    def macs(self, dims: Dims) -> int:
        """D, D s, both projections, norms, and for a column gradient, new term, merge and norm."""
        small = advance_macs(dims) + 2 * project_macs(dims) + 2 * dims.states + rows(dims) + dims.presynaptic
        return linear_macs(dims) + small + dims.visible + 5 * dims.columns
