"""The fully recurrent network of Williams & Zipser, with their teacher forcing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import numpy.typing as npt

from ..errors import ModelError
from .limits import MAX_UNITS, whole
from .numbers import Numbers
from .parts import Cell, Field, gate_weights
from .structure import Block, Dims, Structure


@dataclass(frozen=True)
class FullyRecurrent(Cell):
    """Fully recurrent network, ``h_t = tanh(W [x_t; 1; h_{t-1}])``: with the readout Direct some units *are* outputs.

    Shapes: x (inputs,), h (units,), W (units, inputs + 1 + units). Without teacher forcing it is RNN, to the last bit.

    With ``teacher_forcing`` the targets d of a labelled step stand in the next z for the h of the first units, which
    ``Direct`` reads: z_{t+1} = [x; 1; d_t; rest of h_t]. A target is no function of the weights, so the influence is
    cut there: the rows of J that belong to these units count as zero in the next step,

        J_{t+1} = D_{t+1} F J_t + I_{t+1},  F = diag(0 for forced units, else 1)

    after the gradient of step t was taken from all of J_t. It does not matter where F is applied: here the columns of
    D that belong to forced units are zero (``cell_mix``). So every rule that is exact is exact for the forced network,
    and no rule knows of it. The step after one without a label is not forced. Targets saturate at +-1, the range of a
    unit.
    Source: Williams & Zipser 1989, eq. 2-4 (network), 14-16 (teacher forcing); with tanh for the logistic function.
    """

    units: int
    teacher_forcing: bool = False
    by_four: ClassVar[int] = 1

    def __post_init__(self) -> None:
        whole("FullyRecurrent(units)", self.units, 1, MAX_UNITS)
        if not isinstance(self.teacher_forcing, bool):
            raise ModelError(f"FullyRecurrent(teacher_forcing): wanted True or False, found {self.teacher_forcing!r}")

    @classmethod
    def variants(cls, units: int) -> list[Cell]:
        """None: without a teacher its code is RNN's, and with one it wants the readout Direct."""
        return []

    @property
    def voice(self) -> str:  # type: ignore[override]
        """Without a teacher there is nothing that RNN's files do not do."""
        return "cell_fully_recurrent" if self.teacher_forcing else "cell_rnn"

    @property
    def teach(self) -> str:  # type: ignore[override]
        """Targets wait in a member of their own."""
        return "teach_units.c" if self.teacher_forcing else "teach_none.c"

    @property
    def needs(self) -> tuple[str, ...]:  # type: ignore[override]
        """With a teacher the mix has holes."""
        return ("cell_plain.c",) if self.teacher_forcing else ("mix_blocks.c", "cell_plain.c")

    def structure(self, inputs: int) -> Structure:
        """One component, one gate that sees all of z = [x; 1; h]."""
        m = inputs + 1 + self.units
        return Structure(self.units, m, (Block("W", 0, m, recurrent=inputs + 1),), forced=self.teacher_forcing)

    def mix_most(self) -> int | None:
        """1 - h^2 <= 1 times a weight below 8."""
        return 8

    def fields(self, dims: Dims, numbers: Numbers) -> list[Field]:
        """What the forward pass keeps."""
        found = [
            Field("w_hi", "int16", (dims.gated,), "weights",
                  "cell weights of the forward pass, Q3.12, [unit][x; 1; h]"),
            Field("z", "int16", (dims.presynaptic,), "state", "[x; 32767; h before the step], Q0.15", trace=True),
            Field("h", "int16", (dims.units,), "state", "h after the step, Q0.15", trace=True),
        ]  # fmt: skip
        if self.teacher_forcing:
            found += [
                Field("forced", "int16", (1,), "state", "1: z has targets for the h of the first units", trace=True),
                Field("taught", "int16", (), "state", "1: the last step had a label: the next z is forced"),
                Field("teacher", "int16", (dims.outputs,), "state", "targets of the last label, Q0.15"),
            ]
        return found

    def macs(self, dims: Dims) -> int:
        """Multiply-accumulates of one forward pass."""
        return dims.gated

    def initial(self, dims: Dims, rng: np.random.Generator, radius: float) -> npt.NDArray[np.float64]:
        """Input U(-.5, .5), bias 0, recurrent ``radius`` x a random orthogonal matrix."""
        return gate_weights(dims, rng, radius, bias=0.0)
