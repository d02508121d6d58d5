"""The immediate derivative: no gradient through time."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from .numbers import Numbers
from .parts import PRODUCT, WORD, Field, Rule, Sum
from .rule_rtrl import credit_fields
from .structure import Dims, Structure


@dataclass(frozen=True)
class Trunc1(Rule):
    """Truncated backpropagation through one step: ``gradient = credit^T I``, as if the past did not depend on a weight.

    ``g[b, i, j] = delta[b, i] z_j`` with ``delta[b, i] = sum_k coef[b, k, i] credit[k, i]``, the error at the gate's
    pre-activation. No influence memory; for P weights P multiply-accumulates a labelled step, none without a label.
    It is the control that every rule with a memory has to beat.
    Source: Williams & Peng 1990, BPTT(1).
    """

    voice: ClassVar[str] = "rule_trunc1"

    def refuses_numbers(self, numbers: Numbers) -> str | None:
        """Nothing: a control goes with every profile."""
        return None

    def needs_for(self, structure: Structure) -> tuple[str, ...]:
        """Columns, and the sums of coefficient and credit."""
        return ("columns.c", "delta_spread.c" if structure.spreads else "delta.c")

    def fields(self, dims: Dims, numbers: Numbers) -> list[Field]:
        """The linear form, the credit and what they give."""
        return [
            *dims.cell.linear_fields(dims),
            *credit_fields(dims),
            Field("delta", "int16", (len(dims.structure.blocks) * dims.neurons,), "scratch",
                  "dL/d(pre-activation) * 2^delta_exp, [gate][neuron]"),
            Field("delta_exp", "int8", (), "scratch", "exponent of delta"),
            Field("column", "uint16", (), "scratch", "next weight of a step that is cut into slices"),
        ]  # fmt: skip

    def sums(self, dims: Dims, numbers: Numbers) -> list[Sum]:
        """Errors in 64 bits, and a gradient of one product."""
        errors = (dims.units if dims.structure.spreads else dims.components) * PRODUCT
        return [Sum("coef^T credit", errors, 64), Sum("delta z", (WORD - 1) * WORD, 31)]

    def macs(self, dims: Dims) -> int:
        """The gradient, delta and the credit."""
        s = dims.structure
        spread = sum(block.spread for block in s.blocks)
        delta = (len(s.blocks) - spread) * dims.visible + spread * dims.neurons * dims.units
        return dims.columns + delta + dims.outputs * dims.visible
