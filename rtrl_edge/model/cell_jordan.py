"""The Jordan network."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import numpy.typing as npt

from ..errors import ModelError
from .limits import MAX_UNITS, real, whole
from .numbers import Numbers
from .parts import Cell, Constants, Field
from .structure import Block, Dims, Structure


@dataclass(frozen=True)
class Jordan(Cell):
    """Jordan network: what comes back is its own output, in a context that decays. Its readout is ``Direct(outputs)``.

        s_t = decay s_{t-1} + (1 - decay) clip(y_{t-1}, -1, 1)
        h_t = tanh(W [x_t; 1; s_t]),   y_t = V [h_t; 1]

    Shapes: x (inputs,), s and y (outputs,), h (units,); W (units, inputs + 1 + outputs), V (outputs, units + 1), flat,
    in this order. V is inside the loop, so both are weights of the cell: RTRL follows what V does to later outputs too.

    Only s and y go through time, so the influence has 2 outputs words a column, however many hidden units there are.
    With A = V diag(1 - h^2) W_s, W_s the columns of W that see s, and F = diag(1 where the last y was fed back as it
    was, 0 where it was clipped or a target stood for it):

        D = [[decay I, (1 - decay) F], [decay A, (1 - decay) A F]],   dy/dW_i = V[:, i] (1 - h_i^2) [x; 1; s],
        dy_k/dV_k = [h; 1]

    Jordan's sum ``decay s + y`` would outgrow every fixed-point word as decay nears 1; the mean that stands here is the
    same network, W_s being 1 / (1 - decay) times as large. y is Q3.12 and saturates at +-8; what is fed back is clipped
    to +-1, because s is an input like x (Q0.15 in z; scaled targets rarely pass +-.8), and because a bounded context
    cannot run away. A context slower than .99 would stall on its own rounding.

    With ``teacher_forcing`` the targets of a labelled step stand for its y in the next context; the dependence on the
    weights is cut there (F = 0), that on the older context stays. The step after one without a label is not forced.
    Source: Jordan 1986, "Serial order: a parallel distributed processing approach".

    Args:
        units: hidden units.
        outputs: as many as the readout has; units + outputs at most 256.
        decay: of the context, 0 to .99.
        teacher_forcing: feed back labels.
    """

    units: int
    outputs: int = 1
    decay: float = 0.5
    teacher_forcing: bool = False
    voice: ClassVar[str] = "cell_jordan"
    by_four: ClassVar[int] = 1
    needs: ClassVar[tuple[str, ...]] = ("cell_plain.c",)

    def __post_init__(self) -> None:
        whole("Jordan(units)", self.units, 1, MAX_UNITS - 1)
        whole("Jordan(outputs)", self.outputs, 1, min(MAX_UNITS - self.units, MAX_UNITS // 2))
        real("Jordan(decay)", self.decay, 0.0, 0.99)
        if not isinstance(self.teacher_forcing, bool):
            raise ModelError(f"Jordan(teacher_forcing): wanted True or False, found {self.teacher_forcing!r}")

    @classmethod
    def variants(cls, units: int) -> list[Cell]:
        """Without and with a teacher."""
        return [cls(units, outputs=2), cls(units, outputs=2, teacher_forcing=True)]

    @property
    def teach(self) -> str:  # type: ignore[override]
        """Targets stand in the state for y."""
        return "teach_state.c" if self.teacher_forcing else "teach_none.c"

    def structure(self, inputs: int) -> Structure:
        """States [s; y], of which the readout sees y; neurons [h; y], all spread; z = [x; 1; s | h; 1]."""
        n, o = self.units, self.outputs
        m = inputs + 1 + o
        W = Block("W", 0, m, recurrent=inputs + 1, spread=True, first=0, rows=n)
        V = Block("V", m, n + 1, recurrent=n + 1, spread=True, first=n, rows=o)  # it sees h and 1, no state
        return Structure(
            2 * o,
            m + n + 1,
            (W, V),
            state=(("h", 12),),
            coef_frac=12,
            shown=o,
            forced=self.teacher_forcing,
            outputs=o,
        )

    def fields(self, dims: Dims, numbers: Numbers) -> list[Field]:
        """What the forward pass keeps."""
        return [
            Field("w_hi", "int16", (dims.weights,), "weights",
                  "weights of the forward pass, Q3.12, W [unit][x; 1; s], V [output][h; 1]"),
            Field("z", "int16", (dims.presynaptic,), "state", "[x; 32767; s | h; 32767], Q0.15", trace=True),
            Field("fed", "int16", (dims.outputs,), "state", "F: 1 where s took y, 0 where it was clipped or a target",
                  trace=True),
            Field("h", "int16", (dims.units,), "state", "[s; y] after the step, y or its target, Q3.12"),
            Field("taught", "int16", (), "state", "1: the last step had a label, and its target stands for y"),
        ]  # fmt: skip

    def constants(self, dims: Dims, numbers: Numbers) -> Constants:
        """The context's decay, and the size of the hidden layer."""
        return {
            "N_HIDDEN": (self.units, "hidden units"),
            "CONTEXT_DECAY": (self.decay_word, "of the context, Q0.15"),
            "Z_HIDDEN": (dims.inputs + 1 + dims.outputs, "h in z"),
        }

    @property
    def decay_word(self) -> int:
        """Decay, Q0.15."""
        return math.floor(self.decay * 2**15 + 0.5)

    def macs(self, dims: Dims) -> int:
        """Multiply-accumulates of one forward pass."""
        return dims.weights + 2 * self.outputs

    def mix_macs(self, dims: Dims) -> int:
        """V diag(1 - h^2), and A for both halves of D."""
        return self.outputs * self.units * (1 + 2 * self.outputs)

    def initial(self, dims: Dims, rng: np.random.Generator, radius: float) -> npt.NDArray[np.float64]:
        """W: input U(-.5, .5), bias 0, context U(-``radius``, ``radius``); V: U(-1, 1) / sqrt(units), bias 0."""
        W = np.zeros((self.units, dims.inputs + 1 + self.outputs))
        W[:, : dims.inputs] = rng.uniform(-0.5, 0.5, (self.units, dims.inputs))
        W[:, dims.inputs + 1 :] = rng.uniform(-radius, radius, (self.units, self.outputs))
        V = np.zeros((self.outputs, self.units + 1))
        V[:, :-1] = rng.uniform(-1.0, 1.0, (self.outputs, self.units)) / np.sqrt(self.units)
        return np.concatenate((W.ravel(), V.ravel()))
