"""Long short-term memory."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import numpy.typing as npt

from ..errors import ModelError
from .limits import MAX_UNITS, real, whole
from .numbers import Numbers
from .parts import Cell, Field, gate_weights
from .structure import Block, Dims, Structure


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

    With ``peepholes`` the gates also see c, each unit its own: i and f the c before the step, o the one after it:
    ``i = sigmoid(W_i z + p_i c)``, f likewise, ``o = sigmoid(W_o z + p_o c')``. The weights are then flat: W by rows,
    then p_i, p_f and p_o, (units,) each, which start at 0. To the influence they are weights of width 1: 3 n columns.
    keep becomes (k, q k) with k = f + p_i g i' + p_f c f' and q = o (1 - tanh(c)^2) + p_o tanh(c) o'. Coefficients
    have 12 fraction bits instead of 14, since that of p_f, c^2 f', reaches 16; above 8 it saturates.
    Source: Hochreiter & Schmidhuber 1997; Gers et al. 2000 (forget gate); Gers et al. 2002 (peepholes).
    """

    units: int
    forget_bias: float = 1.0
    peepholes: bool = False
    needs: ClassVar[tuple[str, ...]] = ("mix_blocks.c", "cell_plain.c")

    def __post_init__(self) -> None:
        whole("LSTM(units)", self.units, 1, MAX_UNITS)
        real("LSTM(forget_bias)", self.forget_bias, -8, 8)
        if not isinstance(self.peepholes, bool):
            raise ModelError(f"LSTM(peepholes): wanted True or False, found {self.peepholes!r}")

    @classmethod
    def variants(cls, units: int) -> list[Cell]:
        """Without peepholes, and with."""
        return [cls(units), cls(units, peepholes=True)]

    @property
    def voice(self) -> str:  # type: ignore[override]
        """Peepholes are another file: without them there is nothing to pay."""
        return "cell_lstm_peephole" if self.peepholes else "cell_lstm"

    @property
    def by_four(self) -> int:  # type: ignore[override]
        """A unit's four sums are made together; those with peepholes are wider."""
        return 0 if self.peepholes else 4

    def structure(self, inputs: int) -> Structure:
        """Two components, four gates that all see z = [x; 1; h]; a unit keeps its c.

        Peepholes see the 1 of z, and their coefficients carry c.
        """
        m = inputs + 1 + self.units
        peeps = ("p_i", "p_f", "p_o") if self.peepholes else ()
        return Structure(
            self.units,
            m,
            (
                *(Block(gate, 0, m, recurrent=inputs + 1) for gate in ("i", "f", "g", "o")),
                *(Block(gate, inputs, 1) for gate in peeps),
            ),
            state=(("cell", 12), ("h", 15)),
            credited=1,
            private=1,
            coef_frac=12 if self.peepholes else 14,
        )

    def mix_most(self) -> int | None:
        """See ``cell_lstm_linear.c`` and ``cell_lstm_peephole_linear.c``."""
        return 80 if self.peepholes else 28

    def fields(self, dims: Dims, numbers: Numbers) -> list[Field]:
        """What the forward pass keeps."""
        n = dims.units
        return [
            Field("w_hi", "int16", (dims.weights,), "weights",
                  "cell weights of the forward pass, Q3.12, [i, f, g, o][unit][x; 1; h]"
                  + (", then p_i, p_f, p_o [unit]" if self.peepholes else "")),
            Field("z", "int16", (dims.presynaptic,), "state", "[x; 32767; h before the step], Q0.15", trace=True),
            Field("c_old", "int16", (n,), "state", "c before the step, Q3.12", trace=True),
            Field("gates", "int16", (4 * n,), "state", "i, f, g, o, Q0.15", trace=True),
            Field("cell", "int16", (n,), "state", "c after the step, Q3.12", trace=True),
            Field("h", "int16", (n,), "state", "h after the step, Q0.15", trace=True),
        ]  # fmt: skip

    def macs(self, dims: Dims) -> int:
        """Multiply-accumulates of one forward pass."""
        return dims.gated + 3 * dims.units

    def initial(self, dims: Dims, rng: np.random.Generator, radius: float) -> npt.NDArray[np.float64]:
        """Input U(-.5, .5), recurrent ``radius`` x random orthogonal matrices, bias 0, of the forget gate
        ``forget_bias``; peepholes 0."""
        bias = {"f": self.forget_bias}
        found = [gate_weights(dims, rng, radius, bias.get(gate, 0.0)) for gate in ("i", "f", "g", "o")]
        return np.concatenate((*found, np.zeros(3 * dims.units if self.peepholes else 0)))
