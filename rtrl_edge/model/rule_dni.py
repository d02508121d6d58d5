"""Synthetic gradients: a learned guess of what later losses will ask of the present state."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from .back import back_constants, back_fields, back_macs, back_needs, back_sums, error_macs
from .limits import log2
from .numbers import Numbers
from .parts import PRODUCT, WORD, Cell, Constants, Field, Rule, Sum
from .rule_rtrl import credit_fields
from .structure import Dims, Structure


@dataclass(frozen=True)
class DNI(Rule):
    """Decoupled neural interface: ``gradient = I^T signal``, with ``signal = credit + A [h; e; 1]``.

    The signal stands for dL/ds of the present and of all later losses. Its first part is known; the second, the
    future's, is guessed by a linear *synthesiser* A, which learns at every step from what the next signal sends back:

        off = A seen_{t-1} - D_t^T signal_t,   A <- A - rate clip(off) seen_{t-1}^T,   seen = [h; e; 1]

    A starts at zero, where the rule is Trunc1. Its target contains its own guess, so it learns no more than is linear
    in seen, and diverges where D expands (the chip saturates the signal at +-8). It serves credit over a step or two:
    of delayed XOR with 8 units it learns a delay of 1, which Trunc1 does not, and not one of 3.
    The papers give the synthesiser the target; here it is the output error e, clipped to +-1: with a linear readout and
    the squared error both have the same span, e exists for every loss, and it is 0 where there is no label. There is
    no slow copy of A for the target. The cell moves at every step, also without a label: the signal of such a step is
    what later losses ask of it.

    For n units, S states, m = visible + outputs + 1 entries of seen, g gates, P columns: memory 4 S m + 2 m bytes, no
    influence; work 3 S m (guess, error, update) + g n^2 + P multiply-accumulates a step. Words are the same in both
    number profiles.
    Source: Jaderberg et al. 2017; online, for recurrent networks: Marschall, Cho & Savin 2020.

    Args:
        rate: the synthesiser's, a power of two from 2^-15 to 1; below 2 / (units + 2), or it oscillates.
    """

    rate: float = 2**-6
    voice: ClassVar[str] = "rule_dni"
    late: ClassVar[bool] = True

    def __post_init__(self) -> None:
        log2("DNI(rate)", self.rate, -15, 0)

    def needs_for(self, structure: Structure) -> tuple[str, ...]:
        """Columns and the way back."""
        return ("columns.c", *back_needs(structure))

    def refuses(self, structure: Structure, cell: Cell) -> str | None:
        """Diagonal cells, where the guessed quantity is known exactly for as little; direct weights."""
        if not structure.mixes:
            return "its units do not mix, so RTRL is exact and costs no more than this guess: use RTRL()"
        if structure.direct:
            return "its direct weights learn at labels only, the others at every step: use RTRL()"
        if structure.state[-1][1] != 15:
            return "its outputs reach +-8, and what the synthesiser sees ends at +-1: use RTRL()"
        return None

    def fields(self, dims: Dims, numbers: Numbers) -> list[Field]:
        """The synthesiser and what it saw, the linear form, and the errors."""
        seen = dims.visible + dims.outputs + 1
        return [
            Field("A", "int32", (dims.states, seen), "influence", "synthesiser, Q3.28, [state][h; e; 1]"),
            Field("seen", "int16", (seen,), "influence", "[h; e; 1] of the step before, Q0.15; 0 after a reset"),
            *dims.cell.linear_fields(dims),
            *credit_fields(dims),
            *back_fields(dims),
            Field("err", "int16", (len(dims.structure.blocks) * dims.neurons,), "scratch",
                  "signal at the pre-activations * 2^err_exp, [gate][neuron]"),
            Field("err_exp", "int16", (), "scratch", "exponent of err"),
            Field("part", "uint16", (), "scratch", "rows of A and columns done of a step that is cut into slices"),
        ]  # fmt: skip

    def constants(self, dims: Dims, numbers: Numbers) -> Constants:
        """Sizes and rate of the synthesiser, and the room in the sums."""
        return {
            "N_GUESS": (dims.visible + dims.outputs + 1, "what the synthesiser sees: h, e, 1"),
            "GUESS_RATE": (self.rate_shift, f"its learning rate, 2^-{self.rate_shift}"),
            **back_constants(dims),
        }

    def sums(self, dims: Dims, numbers: Numbers) -> list[Sum]:
        """The synthesiser, whose words are int32, one step back, and a gradient."""
        seen = dims.visible + dims.outputs + 1
        return [
            Sum("A [h; e; 1]", seen * 2**31 * WORD, 64),
            Sum("its error times [h; e; 1]", PRODUCT),
            *back_sums(dims),
            Sum("err z / 2", PRODUCT // 2 + 1, 31),
        ]

    def slices(self, dims: Dims) -> int:
        """Rows of A, then columns."""
        return dims.states + dims.columns

    def macs(self, dims: Dims) -> int:
        """Multiply-accumulates of a step: synthesiser, one step back, gradient and credit."""
        seen = dims.visible + dims.outputs + 1
        synthesiser = 3 * dims.states * seen
        return synthesiser + error_macs(dims) + back_macs(dims) + dims.columns + dims.outputs * dims.visible

    @property
    def rate_shift(self) -> int:
        """K of the synthesiser's rate 2^-K."""
        return -log2("DNI(rate)", self.rate, -15, 0)
