"""Gated recurrent unit, with the reset gate on either side of the recurrent matrix."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np
import numpy.typing as npt

from ..errors import ModelError
from .limits import MAX_UNITS, real, whole
from .numbers import Numbers
from .parts import Cell, Field, gate_weights
from .structure import Block, Dims, Structure


@dataclass(frozen=True)
class GRU(Cell):
    """GRU: ``r, z = sigmoid(W_r [x; 1; h]), sigmoid(W_z [x; 1; h])``, ``h = (1 - z) n + z h``, the candidate n by form.

    * ``reset="after"``: ``n = tanh(W_n [x; 1] + r (U_n [1; h]))``: PyTorch, cuDNN, Keras' ``reset_after=True``, ONNX'
      ``linear_before_reset=1``. U_n has a bias of its own inside the product with r (PyTorch's b_hn). U_n [1; h] is
      Q3.12 and saturates at +-8.
    * ``reset="before"``: ``n = tanh(W_n [x; 1] + U_n (r h))``: the paper, Keras' ``reset_after=False``, ONNX'
      ``linear_before_reset=0``. A weight of the reset gate moves every unit at once, so each of the
      n (inputs + 1 + n) columns of W_r has n immediate terms instead of one, and D costs n^3 more a step.

    Shapes: x (inputs,), h (units,). The flat weights, row-major, one block after the other:

        =====  =======================  ===========================================================
        block  shape                    a row multiplies
        =====  =======================  ===========================================================
        r      (n, inputs + 1 + n)      [x; 1; h], reset gate
        z      (n, inputs + 1 + n)      [x; 1; h], update gate: 1 keeps the old h (PyTorch, ONNX, Keras)
        n_in   (n, inputs + 1)          [x; 1]
        n_rec  (n, 1 + n) or (n, n)     [1; h] for ``after``, r h for ``before``
        =====  =======================  ===========================================================

    Dynamics, with cn = (1 - z) (1 - n^2), cz = (h - n) z', and z kept outside D in sixteen bits (``keep``):

        after:   D = diag(z) + diag(cz) W_z + diag(cn q r') W_r + diag(cn r) U_n,   q = U_n [1; h]
        before:  D = diag(z) + diag(cz) W_z + diag(cn) U_n (diag(r) + diag(h r') W_r)

    (recurrent parts of W). h is a convex combination of words, so it cannot saturate. Update gates start with a bias
    of ``update_bias``: a positive one remembers.
    Source: Cho et al. 2014 (before); Chung et al. 2014; cuDNN's and PyTorch's documentation (after).
    """

    units: int
    reset: Literal["after", "before"] = "after"
    update_bias: float = 1.0
    by_four: ClassVar[int] = 2

    def __post_init__(self) -> None:
        whole("GRU(units)", self.units, 1, MAX_UNITS)
        if self.reset not in ("after", "before"):
            raise ModelError(
                f"GRU(reset): wanted 'after' (PyTorch, cuDNN) or 'before' (the recurrent matrix), found {self.reset!r}"
            )
        real("GRU(update_bias)", self.update_bias, -8, 8)

    @classmethod
    def variants(cls, units: int) -> list[Cell]:
        """Both forms."""
        return [cls(units), cls(units, reset="before")]

    @property
    def voice(self) -> str:  # type: ignore[override]
        """A file for each form."""
        return f"cell_gru_{self.reset}"

    @property
    def needs(self) -> tuple[str, ...]:  # type: ignore[override]
        """``before`` has a mix of its own: its units also meet through the reset gates."""
        return ("mix_blocks.c", "cell_plain.c") if self.reset == "after" else ("cell_plain.c",)

    def structure(self, inputs: int) -> Structure:
        """One component, of which a unit keeps z. z-vector: [x; 1; h], and r h behind it for ``before``."""
        n = self.units
        m = inputs + 1 + n
        after = self.reset == "after"
        return Structure(
            n,
            m if after else m + n,
            (
                Block("r", 0, m, recurrent=inputs + 1, spread=not after),
                Block("z", 0, m, recurrent=inputs + 1),
                Block("n_in", 0, inputs + 1),
                Block("n_rec", inputs, 1 + n, recurrent=1) if after else Block("n_rec", m, n),
            ),
            private=1,
            coef_frac=14,
        )

    def mix_most(self) -> int | None:
        """See ``cell_gru_after_linear.c``; reset before saturates."""
        return 28 if self.reset == "after" else None

    def fields(self, dims: Dims, numbers: Numbers) -> list[Field]:
        """What the forward pass keeps."""
        n = dims.units
        after = self.reset == "after"
        seen, rec = ("", "[1; h]") if after else ("; r h", "r h")
        found = [
            Field("w_hi", "int16", (dims.weights,), "weights",
                  f"cell weights, Q3.12: r, z [unit][x; 1; h], n_in [unit][x; 1], n_rec [unit][{rec}]"),
            Field("z", "int16", (dims.presynaptic,), "state", f"[x; 32767; h before{seen}], Q0.15", trace=True),
            Field("gates", "int16", (3 * n,), "state", "r, z, n, Q0.15", trace=True),
        ]  # fmt: skip
        if after:
            found.append(Field("q", "int16", (n,), "state", "what r multiplies: n_rec [1; h], Q3.12", trace=True))
        return [*found, Field("h", "int16", (n,), "state", "h after the step, Q0.15")]

    def macs(self, dims: Dims) -> int:
        """Multiply-accumulates of one forward pass."""
        return dims.gated + 3 * dims.units

    def mix_macs(self, dims: Dims) -> int:
        """``before``: also n for each entry, through the reset gates."""
        n = dims.units
        return 3 * n * n if self.reset == "after" else (n + 2) * n * n

    def initial(self, dims: Dims, rng: np.random.Generator, radius: float) -> npt.NDArray[np.float64]:
        """Input U(-.5, .5), recurrent ``radius`` x random orthogonal matrices, bias 0, of the update gate
        ``update_bias``."""
        n, split = dims.units, dims.inputs + 1
        r, z = gate_weights(dims, rng, radius, 0.0), gate_weights(dims, rng, radius, self.update_bias)
        candidate = gate_weights(dims, rng, radius, 0.0).reshape(n, -1)
        n_rec = candidate[:, split:]
        if self.reset == "after":
            n_rec = np.hstack((np.zeros((n, 1)), n_rec))
        return np.concatenate((r, z, candidate[:, :split].ravel(), n_rec.ravel()))
