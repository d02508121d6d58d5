"""Kronecker sums of a fixed rank, merged pair by pair."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from .kronecker import (
    kronecker_constants,
    kronecker_fields,
    kronecker_macs,
    kronecker_needs,
    kronecker_refuses,
    kronecker_sums,
    width,
)
from .limits import whole
from .low_rank import check_seed, rows
from .numbers import Numbers
from .parts import Cell, Constants, Field, Rule, Sum
from .structure import Dims, Structure

MAX_RANK = 8


@dataclass(frozen=True)
class OK(Rule):
    """Optimal Kronecker Sum, in its cheaper form PK: J as ``rank`` products ``u_s x A_s`` whose mean is the exact J.

    At each step there are rank + 1 products: the old ones, with D A for A, and the new one ``z x diag(coef)``. **This
    is not the singular value decomposition of the paper.** Only two of them are merged, those with the least product of
    singular values as a sum of their own, with the merge of least variance for two:

        u_b <- u_b - alpha u_a,    A_a <- A_a + alpha A_b        (their sum is the same for any alpha)
        u <- rho u_a + c u_b,      A <- A_a / rho + c A_b,       c = -1 or 1 at random

    with one division and two square roots a step. For rank 1 it is as optimal as the paper's; on a network of 5 units
    over 14 steps it had four times the paper's noise for rank 2 and seven times for rank 4, a quarter and a
    twenty-fifth of :class:`KFRTRL`'s. alpha is rounded to eight fraction bits and rho to half powers of two: that costs
    variance, never bias. The gradient is taken before the merge, as in :class:`UORO`. Cells as for :class:`KFRTRL`.
    Noise of J relative to J after 60 steps with frozen weights, 8 units: rank 1, 2, 4: 2.0, 1.2, 0.68 (RNN), 1.1, 0.57,
    0.28 (LSTM). Cosine of one step's gradient to the exact one, Mackey-Glass: .68, .84, .96; .87, .93, .99.
    Shapes for m = len z, R = gates x units rows of weights, S states, r = rank: u (r + 1, m), A (r + 1, R, S), int16,
    and an exponent for each product; the last pair is where the new one waits. Memory 2 (r + 1) (m + R S) bytes,
    r R S n + (r + 1) P multiply-accumulates a step beside D and about r^2 R S / 2 for the norms. No task was found on
    which its loss is lower than that of truncated BPTT in as much memory: it is for comparison, and for long memories
    where no history can be stored.
    Source: Benzing et al. 2019, section 3; the merge of a pair is ours, by the same variance criterion.

    Args:
        rank: products kept, 1 to 8.
        seed: of the signs, 0 to 2^31 - 1. One generator, on every device the same.
    """

    rank: int = 2
    seed: int = 1
    voice: ClassVar[str] = "rule_ok"
    partial: ClassVar[bool] = False
    carried: ClassVar[str] = "A"

    def __post_init__(self) -> None:
        whole("OK(rank)", self.rank, 1, MAX_RANK)
        check_seed("OK", self.seed)

    def refuses(self, structure: Structure, cell: Cell) -> str | None:
        """Where the immediate Jacobian is not one product."""
        return kronecker_refuses(structure)

    def needs_for(self, structure: Structure) -> tuple[str, ...]:
        """Products with D, projections of I, and pairs."""
        return kronecker_needs(structure)

    def constants(self, dims: Dims, numbers: Numbers) -> Constants:
        """Seed, cap and sizes."""
        return kronecker_constants(dims, numbers, self.seed, self.rank, self.rank + 1)

    def fields(self, dims: Dims, numbers: Numbers) -> list[Field]:
        """The pairs, and the work area that a sliced step needs."""
        gram = (self.rank + 1, self.rank + 1)
        return [
            *kronecker_fields(dims, numbers, self.rank, self.rank + 1),
            Field("gram_u", "int32", gram, "scratch", "u_s . u_t, scaled by one power of two"),
            Field("gram_A", "int32", gram, "scratch", "A_s . A_t, likewise"),
        ]

    def sums(self, dims: Dims, numbers: Numbers) -> list[Sum]:
        """Those of all pairs."""
        return kronecker_sums(dims, self.rank)

    def macs(self, dims: Dims) -> int:
        """D A, the gradient, scalar products of all pairs, and the merge."""
        size = width(dims) + rows(dims) * dims.states
        pairs = self.rank + 1
        return kronecker_macs(dims, self.rank) + (pairs * (pairs + 1) // 2 + 7) * size
