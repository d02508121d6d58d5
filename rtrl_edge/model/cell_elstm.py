"""The element-wise LSTM."""

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
class ELSTM(Cell):
    """Element-wise LSTM: each unit is recurrent to its own c alone, and only the output gate sees all of them.

        f = sigmoid(F [x; 1] + w_f c),   z = tanh(Z [x; 1] + w_z c),   c' = f c + (1 - f) z
        o = sigmoid(O [x; 1] + W_o c'),  h = o c'

    Shapes: x (inputs,), c and h (units,); weights F, Z (units, inputs + 1), w_f, w_z (units,), and, acting on what the
    readout sees and on no later state, [O W_o] (units, inputs + 1 + units): in this order.
    The state is c, with kf = (c - z) f', kz = (1 - f) z':

        dc' = (f + kf w_f + kz w_z) dc,   dc'/dF = kf [x; 1],  dc'/dw_f = kf c,   dc'/dZ = kz [x; 1],  dc'/dw_z = kz c

    so exact RTRL costs one word and one exponent for each of the 2 (inputs + 2) units columns. O and W_o learn from the
    credit alone; that of c passes through o: o c_h + W_o^T (o' c' c_h). c is Q0.15: it is a convex combination.
    It wants a large rate (2^-2) and forget gates of many speeds to begin with.
    Source: Irie et al. 2023, eq. 17-20 and section 3.2.

    Args:
        units: n.
        forget_bias: biases of the forget gates start evenly spread from 0 to this.
    """

    units: int
    forget_bias: float = 4.0
    voice: ClassVar[str] = "cell_elstm"

    def __post_init__(self) -> None:
        whole("ELSTM(units)", self.units, 1, MAX_UNITS)
        real("ELSTM(forget_bias)", self.forget_bias, -8.0, 7.99)

    def structure(self, inputs: int) -> Structure:
        """One component that a unit keeps; w_f and w_z see the constant entry of [x; 1]."""
        m = inputs + 1
        return Structure(
            self.units,
            m,
            (Block("F", 0, m), Block("Z", 0, m), Block("w_f", inputs, 1), Block("w_z", inputs, 1)),
            state=(("cell", 15),),
            private=1,
            mixes=False,
            direct=self.units * (m + self.units),
        )

    def fields(self, dims: Dims, numbers: Numbers) -> list[Field]:
        """What the forward pass keeps, and the credit of the output gate."""
        n = dims.units
        return [
            Field("w_hi", "int16", (dims.weights,), "weights",
                  "weights of the forward pass, Q3.12, F, Z [unit][x; 1], w_f, w_z [unit], O, W_o [unit][x; 1; c]"),
            Field("z", "int16", (dims.presynaptic,), "state", "[x; 32767], Q0.15", trace=True),
            Field("c_old", "int16", (n,), "state", "c before the step, Q0.15", trace=True),
            Field("gates", "int16", (3 * n,), "state", "f, z, o, Q0.15", trace=True),
            Field("cell", "int16", (n,), "state", "c after the step, Q0.15", trace=True),
            Field("h", "int16", (n,), "state", "h = o c, Q0.15", trace=True),
            Field("gate_credit", "int16", (n,), "scratch", "dL/d(pre-activation of o) * 2^gate_exp"),
            Field("gate_exp", "int8", (), "scratch", "exponent of gate_credit"),
            Field("cell_sum", "int32", (n,), "scratch", "credit of c before it is rounded"),
        ]  # fmt: skip

    def macs(self, dims: Dims) -> int:
        """Multiply-accumulates of one forward pass."""
        return dims.weights + 3 * dims.units

    def initial(self, dims: Dims, rng: np.random.Generator, radius: float) -> npt.NDArray[np.float64]:
        """U(-.5, .5), W_o over sqrt(units); biases 0, of the forget gates spread from 0 to ``forget_bias``. ``radius``
        is not used: there is no recurrent matrix."""
        n, i = dims.units, dims.inputs
        F, Z = rng.uniform(-0.5, 0.5, (2, n, i + 1))
        F[:, i], Z[:, i] = np.linspace(0.0, self.forget_bias, n), 0.0
        gate = rng.uniform(-0.5, 0.5, (n, i + 1 + n))
        gate[:, i] = 0.0
        gate[:, i + 1 :] /= np.sqrt(n)
        return np.concatenate((F.ravel(), Z.ravel(), rng.uniform(-0.5, 0.5, 2 * n), gate.ravel()))
