"""Long short-term memory."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import numpy.typing as npt

from .numbers import Numbers
from .parts import MAX_UNITS, Block, Cell, Dims, Field, Structure, gate_weights, whole


@dataclass(frozen=True)
class LSTM(Cell):
    """LSTM with forget gate: ``i, f, o = sigmoid(W z), g = tanh(W z), c = f c + i g, h = o tanh(c)``, z = [x; 1; h].

    Shapes: x (inputs,), c and h (units,), W (4 units, inputs + 1 + units), rows in the order i, f, g, o (PyTorch's).
    The state is (c, h), and with ``q = o (1 - tanh(c)^2)``

        dc' = f dc + A dh + I_c,    A = diag(g i') W_i + diag(c f') W_f + diag(i g') W_g  (recurrent parts)
        dh' = q dc' + B dh + I_o,   B = diag(tanh(c) o') W_o

    which is stored in one stage: keep = (f, q f) on c, mix = (A, q A + B) on h. So a column costs
    2 n^2 + 2 n multiply-accumulates for the influence, n for the gradient; not (2 n)^2.
    c is Q3.12 and saturates at +-8; forget gates start with a bias of ``forget_bias``.
    Source: Hochreiter & Schmidhuber 1997; Gers et al. 2000 (forget gate).
    """

    units: int
    forget_bias: float = 1.0
    voice: ClassVar[str] = "cell_lstm"
    needs: ClassVar[tuple[str, ...]] = ("mix_blocks.c", "cell_plain.c")

    def __post_init__(self) -> None:
        whole("LSTM(units)", self.units, 1, MAX_UNITS)

    def structure(self, inputs: int) -> Structure:
        """Two components, four gates that all see z = [x; 1; h]; a unit keeps its c."""
        m = inputs + 1 + self.units
        return Structure(
            self.units,
            m,
            tuple(Block(gate, 0, m, recurrent=inputs + 1) for gate in ("i", "f", "g", "o")),
            state=(("cell", 12), ("h", 15)),
            credited=1,
            private=1,
            coef_frac=14,
        )

    def fields(self, dims: Dims, numbers: Numbers) -> list[Field]:
        """What the forward pass keeps."""
        n = dims.units
        return [
            Field("w_hi", "int16", (dims.weights,), "weights",
                  "cell weights of the forward pass, Q3.12, [i, f, g, o][unit][x; 1; h]"),
            Field("z", "int16", (dims.presynaptic,), "state", "[x; 32767; h before the step], Q0.15", trace=True),
            Field("c_old", "int16", (n,), "state", "c before the step, Q3.12", trace=True),
            Field("gates", "int16", (4 * n,), "state", "i, f, g, o, Q0.15", trace=True),
            Field("cell", "int16", (n,), "state", "c after the step, Q3.12", trace=True),
            Field("h", "int16", (n,), "state", "h after the step, Q0.15", trace=True),
        ]  # fmt: skip

    def macs(self, dims: Dims) -> int:
        """Multiply-accumulates of one forward pass."""
        return dims.columns + 3 * dims.units

    def initial(self, dims: Dims, rng: np.random.Generator, radius: float) -> npt.NDArray[np.float64]:
        """Input U(-.5, .5), recurrent ``radius`` x random orthogonal matrices, bias 0, of the forget gate
        ``forget_bias``."""
        bias = {"f": self.forget_bias}
        return np.concatenate([gate_weights(dims, rng, radius, bias.get(b.name, 0.0)) for b in dims.structure.blocks])
