"""Kronecker-factored RTRL."""

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
from .low_rank import check_seed, rows
from .numbers import Numbers
from .parts import Cell, Constants, Field, Rule, Sum
from .structure import Dims, Structure


@dataclass(frozen=True)
class KFRTRL(Rule):
    """KF-RTRL: J as one product ``u x A``, u over z and A over rows of weights and states, whose mean is the exact J.

        u <- rho u + c z,    A <- D A / rho + c diag(coef),    c = -1 or 1 at random
        gradient = u_old x (credit^T D A_old) + z x (credit^T I)

    The gradient is taken before the merge, rho is the half power of two nearest to what balances the norms: see
    :class:`UORO`. It needs cells whose immediate Jacobian is one product: all gates see the same z and each weight
    moves its own unit alone (RNN, LSTM).
    Shapes for m = len z, R = gates x units rows of weights, S states: u (m,), A (R, S), int16, with one exponent E for
    the product: ``J[(r, j), k] = A[r, k] u[j] 2^-E``. Memory 2 (m + R S) bytes, R S n + 2 P multiply-accumulates a
    step beside D: n^3 for the Elman cell, where exact RTRL needs n^4.
    Noise of J relative to J after 60 steps with frozen weights, 8 units: 2.3 (RNN), 1.6 (LSTM), where UORO has 6.9 and
    5.7. Cosine of one step's gradient to the exact one, Mackey-Glass: .51 and .81. As the exact rule it has no
    horizon; but no task was found on which its loss is lower than that of truncated BPTT in as much memory. It is for
    comparison, and where no history can be stored.
    Source: Mujika, Meier & Steger 2018, algorithm 1.

    Args:
        seed: of the signs, 0 to 2^31 - 1. One generator, on every device the same.
    """

    seed: int = 1
    voice: ClassVar[str] = "rule_kf_rtrl"
    partial: ClassVar[bool] = False
    carried: ClassVar[str] = "A"

    def __post_init__(self) -> None:
        check_seed("KFRTRL", self.seed)

    def refuses(self, structure: Structure, cell: Cell) -> str | None:
        """Where the immediate Jacobian is not one product."""
        return kronecker_refuses(structure)

    def needs_for(self, structure: Structure) -> tuple[str, ...]:
        """Products with D, projections of I, and pairs."""
        return kronecker_needs(structure)

    def constants(self, dims: Dims, numbers: Numbers) -> Constants:
        """Seed, cap and sizes."""
        return kronecker_constants(dims, numbers, self.seed, 1, 1)

    def fields(self, dims: Dims, numbers: Numbers) -> list[Field]:
        """The pair, and the work area that a sliced step needs."""
        return [
            *kronecker_fields(dims, numbers, 1, 1),
            Field("fresh", "int16", (dims.states,), "scratch", "one row of the immediate Jacobian, without z"),
        ]

    def sums(self, dims: Dims, numbers: Numbers) -> list[Sum]:
        """Those of one pair."""
        return kronecker_sums(dims, 1)

    def macs(self, dims: Dims) -> int:
        """D A, the gradient, and the merge with its norms."""
        return kronecker_macs(dims, 1) + 2 * (width(dims) + rows(dims) * dims.states)
