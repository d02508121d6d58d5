"""The Elman cell."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import cast

import numpy as np
import numpy.typing as npt

from ..errors import ModelError
from .limits import MAX_UNITS, real, whole
from .numbers import Numbers
from .parts import Cell, Field, Table, gate_weights
from .sparse import mask_rows, random_pattern, row_tables
from .structure import Block, Dims, Pattern, Structure


@dataclass(frozen=True)
class RNN(Cell):
    """Elman network: ``h_t = tanh(W [x_t; 1; h_{t-1}])``.

    Shapes: x (inputs,), h (units,), W (units, inputs + 1 + units).
    Dynamics, dense: ``D[k, l] = (1 - h_k^2) W[k, inputs + 1 + l]``. Immediate Jacobian, one entry a
    column: ``d h_i / d W[i, j] = (1 - h_i^2) z_j``.
    Source: Elman 1990; Williams & Zipser 1989, eq. 2-4.

    With a ``density`` below 1 only so many of the units^2 recurrent weights exist, at random places fixed by
    ``mask_seed``, each unit's weight to itself among them. A ``mask`` (units, units) of 0 and 1 says itself which do:
    row i has the units that unit i listens to, one at least; rows of text such as "0110" do as well as an array. Absent
    weights cost nothing: no flash, no RAM, no column of influence. The weights are then flat: (units, inputs + 1), and
    the recurrent ones row by row; a table of one byte each in flash says which.
    """

    units: int
    density: float = 1.0
    mask_seed: int = 0
    mask: Sequence[str] | npt.ArrayLike | None = field(default=None, repr=False)  # kept as rows of "0110"

    def __post_init__(self) -> None:
        whole("RNN(units)", self.units, 1, MAX_UNITS)
        real("RNN(density)", self.density, 0, 1)
        whole("RNN(mask_seed)", self.mask_seed, 0, 2**31 - 1)
        if self.mask is not None:
            if self.density < 1.0:
                raise ModelError(
                    f"RNN(mask): the mask says which weights there are; leave out density={self.density:g}"
                )
            object.__setattr__(self, "mask", mask_rows("RNN(mask)", self.mask, self.units))

    @classmethod
    def variants(cls, units: int) -> list[Cell]:
        """Dense and sparse."""
        return [cls(units), cls(units, density=0.25)]

    @property
    def sparse(self) -> bool:
        """Whether weights are absent."""
        return self.density < 1.0 or self.mask is not None

    def resized(self, units: int) -> Cell:
        """A mask has one size: of any other, as many weights in proportion, at random."""
        if self.mask is None or units == self.units:
            return replace(self, units=units)
        present = sum(row.count("1") for row in cast(tuple[str, ...], self.mask))
        return replace(self, units=units, mask=None, density=present / self.units**2)

    def _pattern(self) -> Pattern:
        """The units that each unit listens to, of sparse weights."""
        if self.mask is None:
            return random_pattern(self.units, self.density, self.mask_seed)
        rows = cast(tuple[str, ...], self.mask)
        return tuple(tuple(k for k, present in enumerate(row) if present == "1") for row in rows)

    @property
    def voice(self) -> str:  # type: ignore[override]
        """A file for each."""
        return "cell_rnn_sparse" if self.sparse else "cell_rnn"

    @property
    def needs(self) -> tuple[str, ...]:  # type: ignore[override]
        """The mix of sparse weights is the cell's own."""
        return ("cell_plain.c",) if self.sparse else ("mix_blocks.c", "cell_plain.c")

    @property
    def by_four(self) -> int:  # type: ignore[override]
        """Sparse rows differ in length."""
        return 0 if self.sparse else 1

    def structure(self, inputs: int) -> Structure:
        """One component; one gate that sees all of z = [x; 1; h], in two blocks where the recurrent one is sparse."""
        n = self.units
        m = inputs + 1 + n
        if not self.sparse:
            return Structure(n, m, (Block("W", 0, m, recurrent=inputs + 1),))
        blocks = Block("W_in", 0, inputs + 1), Block("W_rec", inputs + 1, n, recurrent=0, sparse=True)
        return Structure(n, m, blocks, pattern=self._pattern())

    def tables(self, dims: Dims, numbers: Numbers) -> list[Table]:
        """Which recurrent weights there are."""
        pattern = dims.structure.pattern
        return [] if pattern is None else row_tables(pattern, "pattern", "units that each unit listens to")

    def mix_most(self) -> int | None:
        """1 - h^2 <= 1 times a weight below 8."""
        return 8

    def fields(self, dims: Dims, numbers: Numbers) -> list[Field]:
        """What the forward pass keeps."""
        form = "[unit][x; 1], then the recurrent ones of rtrl_pattern" if self.sparse else "[unit][x; 1; h]"
        return [
            Field("w_hi", "int16", (dims.gated,), "weights", f"cell weights of the forward pass, Q3.12, {form}"),
            Field("z", "int16", (dims.presynaptic,), "state", "[x; 32767; h before the step], Q0.15", trace=True),
            Field("h", "int16", (dims.units,), "state", "h after the step, Q0.15", trace=True),
        ]  # fmt: skip

    def macs(self, dims: Dims) -> int:
        """Multiply-accumulates of one forward pass."""
        return dims.gated

    def mix_macs(self, dims: Dims) -> int:
        """One for each recurrent weight."""
        return dims.connections

    def initial(self, dims: Dims, rng: np.random.Generator, radius: float) -> npt.NDArray[np.float64]:
        """Input U(-.5, .5), bias 0, recurrent ``radius`` x a random orthogonal matrix, or a normal one if sparse."""
        pattern = dims.structure.pattern
        if pattern is None:
            return gate_weights(dims, rng, radius, bias=0.0)
        W = np.zeros((dims.units, dims.inputs + 1))
        W[:, :-1] = rng.uniform(-0.5, 0.5, (dims.units, dims.inputs))
        at = np.array([(i, k) for i, row in enumerate(pattern) for k in row]).T
        recurrent = np.zeros((dims.units, dims.units))
        recurrent[at[0], at[1]] = rng.standard_normal(at.shape[1])
        largest = np.abs(np.linalg.eigvals(recurrent)).max()  # a mask with one weak loop would ask for huge weights
        recurrent *= min(radius / max(largest, 1e-9), 4.0 / np.abs(recurrent).max())
        return np.concatenate((W.ravel(), recurrent[at[0], at[1]]))
