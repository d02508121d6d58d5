"""The Elman cell."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import numpy.typing as npt

from .numbers import Numbers
from .parts import MAX_UNITS, Block, Cell, Dims, Field, Structure, gate_weights, whole


@dataclass(frozen=True)
class RNN(Cell):
    """Elman network: ``h_t = tanh(W [x_t; 1; h_{t-1}])``.

    Shapes: x (inputs,), h (units,), W (units, inputs + 1 + units).
    Dynamics, dense: ``D[k, l] = (1 - h_k^2) W[k, inputs + 1 + l]``. Immediate Jacobian, one entry a
    column: ``d h_i / d W[i, j] = (1 - h_i^2) z_j``.
    Source: Elman 1990; Williams & Zipser 1989, eq. 2-4.
    """

    units: int
    voice: ClassVar[str] = "cell_rnn"
    needs: ClassVar[tuple[str, ...]] = ("mix_blocks.c", "cell_plain.c")

    def __post_init__(self) -> None:
        whole("RNN(units)", self.units, 1, MAX_UNITS)

    def structure(self, inputs: int) -> Structure:
        """One component, one gate that sees all of z = [x; 1; h]."""
        m = inputs + 1 + self.units
        return Structure(self.units, m, (Block("W", 0, m, recurrent=inputs + 1),))

    def fields(self, dims: Dims, numbers: Numbers) -> list[Field]:
        """What the forward pass keeps."""
        return [
            Field("w_hi", "int16", (dims.gated,), "weights",
                  "cell weights of the forward pass, Q3.12, [unit][x; 1; h]"),
            Field("z", "int16", (dims.presynaptic,), "state", "[x; 32767; h before the step], Q0.15", trace=True),
            Field("h", "int16", (dims.units,), "state", "h after the step, Q0.15", trace=True),
        ]  # fmt: skip

    def macs(self, dims: Dims) -> int:
        """Multiply-accumulates of one forward pass."""
        return dims.gated

    def initial(self, dims: Dims, rng: np.random.Generator, radius: float) -> npt.NDArray[np.float64]:
        """Input U(-.5, .5), bias 0, recurrent ``radius`` x a random orthogonal matrix."""
        return gate_weights(dims, rng, radius, bias=0.0)
