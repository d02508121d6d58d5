"""Elman layers on top of each other."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import pairwise
from typing import ClassVar

import numpy as np
import numpy.typing as npt

from ..errors import ModelError
from .cell_rnn import RNN
from .limits import MAX_UNITS
from .numbers import Numbers
from .parts import Cell, Field
from .structure import Block, Dims, Structure


@dataclass(frozen=True)
class Stack(Cell):
    """Layers of Elman units: ``h_1 = tanh(W_1 [x; 1; h_1])``, ``h_2 = tanh(W_2 [h_1; 1; h_2])`` and so on.

    Each layer sees the new h of the layer below; the readout sees the last. Write it as
    ``Model(cells=[RNN(12), RNN(8)])``.
    Shapes: n = n_1 + n_2 + ... units in all, h (n,); flat weights, layer after layer, W_l (n_l, n_{l-1} + 1 + n_l).

    **What is exact.** The stack is one cell of n units, so RTRL and BlockRTRL are exact across layers *and* through
    time: the influence of a lower layer's weight on every layer above it is carried from step to step. Cutting it at
    the layers (each layer its own RTRL, credit passed down within the step) would save the entries of J between
    layers; in float64 its gradient has a mean cosine of .84 to the exact one for two layers of 8, .71 for three of 6
    (random weights, 200 steps, ``tests/test_stack.py``), so it is not offered. What exactness costs: every column has
    n entries, those of upper layers' weights too, although their entries for the layers below stay zero.

    With T[i, k] = dh_k / d(pre-activation of unit i) at a fixed past (1 - h_i^2 for k = i, paths upwards otherwise),
    ``D[k, l] = sum_i T[i, k] W[i, l]`` over the units i of l's own layer. T is Q2.13 and saturates at +-4. Its rounding
    and the one exponent of D make the integers coarser with each layer: the tests hold two layers to the marks of one
    cell (1e-3 in R16, 4e-2 in R8) and three to 2e-3 and 1e-1.
    Source: El Hihi & Bengio 1995; Pascanu et al. 2014 (stacked RNN).
    """

    layers: tuple[RNN, ...]
    voice: ClassVar[str] = "cell_stack"
    needs: ClassVar[tuple[str, ...]] = ("cell_plain.c",)

    def __post_init__(self) -> None:
        for layer in self.layers:
            if isinstance(layer, RNN) and layer.sparse:
                raise ModelError(f"Model(cells): wanted dense layers in a stack, found {layer!r}; leave out its mask")
            if not isinstance(layer, RNN):
                raise ModelError(
                    f"Model(cells): wanted RNN layers in a stack, found {layer!r}; gated cells keep a past of their "
                    "own, whose way into the layer above is not written yet: use one gated cell, or a stack of RNN"
                )
        if len(self.layers) < 2 or self.units > MAX_UNITS:
            raise ModelError(
                f"Model(cells): wanted 2 layers or more with at most {MAX_UNITS} units in all, found "
                f"{len(self.layers)} with {self.units}"
            )

    @classmethod
    def variants(cls, units: int) -> list[Cell]:
        """Two layers that share the units."""
        return [cls((RNN(max(1, units - units // 2)), RNN(max(1, units // 2))))]

    @property
    def units(self) -> int:  # type: ignore[override]
        """Of all layers."""
        return sum(layer.units for layer in self.layers)

    def resized(self, units: int) -> Cell:
        """The layers in proportion."""
        scale = units / self.units
        return replace(self, layers=tuple(RNN(max(1, int(layer.units * scale))) for layer in self.layers))

    def structure(self, inputs: int) -> Structure:
        """One component; a gate a layer, all but the last spread; z = [x; 1; h_1 | h_1 new; 1; h_2 | ...]."""
        blocks, at, first, below = [], 0, 0, inputs
        for number, layer in enumerate(self.layers, start=1):
            n, width, last = layer.units, below + 1 + layer.units, number == len(self.layers)
            blocks.append(Block(f"W{number}", at, width, below + 1, spread=not last, first=first, rows=n))
            at, first, below = at + width, first + n, n
        return Structure(self.units, at, tuple(blocks), coef_frac=13, shown=self.layers[-1].units)

    def fields(self, dims: Dims, numbers: Numbers) -> list[Field]:
        """What the forward pass keeps."""
        return [
            Field("w_hi", "int16", (dims.weights,), "weights",
                  "cell weights of the forward pass, Q3.12, [layer][unit][below; 1; h]"),
            Field("z", "int16", (dims.presynaptic,), "state", "[below; 32767; h before the step] a layer, Q0.15",
                  trace=True),
            Field("h", "int16", (dims.units,), "state", "h after the step, layer after layer, Q0.15", trace=True),
        ]  # fmt: skip

    def macs(self, dims: Dims) -> int:
        """Multiply-accumulates of one forward pass."""
        return dims.weights

    def mix_macs(self, dims: Dims) -> int:
        """T through the layers, and D from it."""
        n = dims.units
        sizes = [layer.units for layer in self.layers]
        through = sum(a * b * sum(sizes[: i + 1]) for i, (a, b) in enumerate(pairwise(sizes)))
        return through + n * sum(size * size for size in sizes)

    def initial(self, dims: Dims, rng: np.random.Generator, radius: float) -> npt.NDArray[np.float64]:
        """Each layer's input U(-.5, .5), bias 0, recurrent ``radius`` x a random orthogonal matrix."""
        found, below = [], dims.inputs
        for layer in self.layers:
            n = layer.units
            W = np.zeros((n, below + 1 + n))
            W[:, :below] = rng.uniform(-0.5, 0.5, (n, below))
            W[:, below + 1 :] = radius * np.linalg.qr(rng.standard_normal((n, n)))[0]
            found.append(W.ravel())
            below = n
        return np.concatenate(found)
