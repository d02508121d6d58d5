"""Columnar LSTM: every unit an LSTM of its own."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import numpy.typing as npt

from .limits import MAX_UNITS, real, whole
from .numbers import Numbers
from .parts import Cell, Field
from .structure import Block, Dims, Structure


@dataclass(frozen=True)
class ColumnarLSTM(Cell):
    """Columnar network: n LSTMs of one unit, side by side, whose gates see ``W [x; 1] + u h`` with the own h alone.

    Shapes: x (inputs,), c and h (units,); weights W (4 units, inputs + 1), rows in the order i, f, g, o, then u (4,
    units).
    With the symbols of :class:`LSTM`, A = g i' u_i + c f' u_f + i g' u_g and B = tanh(c) o' u_o, a unit keeps

        ((f, A), (q f, q A + B))  of its (c, h)

    so exact RTRL costs two words and an exponent for each of the 4 (inputs + 2) units weights.
    c is Q3.12 and saturates at +-8.
    The paper's normalisation of the features by running means is left out: h is within +-1.
    Source: Javed et al. 2023, section 3 and appendix A.

    Args:
        units: columns n.
        forget_bias: bias of the forget gates to start from.
    """

    units: int
    forget_bias: float = 1.0
    voice: ClassVar[str] = "cell_columnar"
    needs: ClassVar[tuple[str, ...]] = ("cell_plain.c",)

    def __post_init__(self) -> None:
        whole("ColumnarLSTM(units)", self.units, 1, MAX_UNITS)
        real("ColumnarLSTM(forget_bias)", self.forget_bias, -8.0, 7.99)

    def structure(self, inputs: int) -> Structure:
        """Two components, both kept; four gates that see z = [x; 1], four recurrent weights a unit."""
        m, gates = inputs + 1, ("i", "f", "g", "o")
        return Structure(
            self.units,
            m,
            (*(Block(gate, 0, m) for gate in gates), *(Block(f"u_{gate}", inputs, 1) for gate in gates)),
            state=(("cell", 12), ("h", 15)),
            credited=1,
            private=2,
            mixes=False,
            coef_frac=14,
        )

    def fields(self, dims: Dims, numbers: Numbers) -> list[Field]:
        """What the forward pass keeps."""
        n = dims.units
        return [
            Field("w_hi", "int16", (dims.weights,), "weights",
                  "cell weights of the forward pass, Q3.12, [i, f, g, o][unit][x; 1], their u [i, f, g, o][unit]"),
            Field("z", "int16", (dims.presynaptic,), "state", "[x; 32767], Q0.15", trace=True),
            Field("c_old", "int16", (n,), "state", "c before the step, Q3.12", trace=True),
            Field("h_old", "int16", (n,), "state", "h before the step, Q0.15", trace=True),
            Field("gates", "int16", (4 * n,), "state", "i, f, g, o, Q0.15", trace=True),
            Field("cell", "int16", (n,), "state", "c after the step, Q3.12", trace=True),
            Field("h", "int16", (n,), "state", "h after the step, Q0.15", trace=True),
        ]  # fmt: skip

    def macs(self, dims: Dims) -> int:
        """Multiply-accumulates of one forward pass."""
        return dims.gated + 3 * dims.units

    def initial(self, dims: Dims, rng: np.random.Generator, radius: float) -> npt.NDArray[np.float64]:
        """Input weights U(-1, 1), so that columns differ; u U(-``radius``, ``radius``); biases 0, of the forget gate
        ``forget_bias``."""
        W = rng.uniform(-1.0, 1.0, (4, dims.units, dims.inputs + 1))
        W[:, :, dims.inputs] = 0.0
        W[1, :, dims.inputs] = self.forget_bias
        return np.concatenate((W.ravel(), rng.uniform(-radius, radius, 4 * dims.units)))
