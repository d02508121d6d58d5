"""What any reader finds: a recurrent network in the source's own arrays, and where each of their numbers lies in ours.

A reader names the source's arrays (:func:`tensors`), cuts them as the source's gate order says (:class:`Tensor` follows
every number through slices, transposes and reshapes) and ties the pieces to our gates (:func:`gates`). The ties are all
that is needed both ways: ours = the sum of what is tied to it, and back.

    arrays = {"weight_ih_l0": ..., "weight_hh_l0": ..., "bias_ih_l0": ..., "bias_hh_l0": ..., "1.weight": ..., ...}
    t = tensors(arrays)
    ties = []
    for k, gate in enumerate("ifgo"):                              # PyTorch's order
        rows = slice(k * n, (k + 1) * n)
        ties += [(f"{gate}.x", t["weight_ih_l0"][rows]), (f"{gate}.h", t["weight_hh_l0"][rows])]
        ties += [(f"{gate}.b", t["bias_ih_l0"][rows]), (f"{gate}.b", t["bias_hh_l0"][rows])]  # their sum
    ties += [("V.h", t["1.weight"]), ("V.b", t["1.bias"])]
    Network.of(source="PyTorch", arrays=arrays, ties=ties, inputs=3, cells=(LSTM(n),), readout=Linear(1), ...)
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from ..errors import ConvertError, DataError
from ..model import GRU, Cell, Loss, Model, Readout, SquaredError
from ..oracle.voices import voices
from ..quantize import IntegerModel, check_channels, quantize
from ..stream import Float, Stream
from ..stream_file import load_arrays
from ..weights import Scaling, Weights

Index = npt.NDArray[np.intp]
_SQUARED = SquaredError()
#: far beyond what any scaling brings into the range of the chip's weights
WEIGHT_MAX = 2.0**20
#: just within the chip's +-8
WEIGHT_TOP = 7.99


@dataclass(frozen=True, eq=False)
class Tensor:
    """Numbers of a source, each with the place where it comes from: ``places`` counts through all arrays in order.

    Shapes: both the same. What only moves numbers is applied to both: ``t[2:4]``, ``t.T``, ``t.map(f)``.
    """

    values: npt.NDArray[Any]
    places: Index

    def map(self, f: Callable[[npt.NDArray[Any]], npt.NDArray[Any]]) -> Tensor:
        """f moves numbers and changes none."""
        return Tensor(f(self.values), f(self.places))

    def __getitem__(self, key: Any) -> Tensor:
        return self.map(lambda a: a[key])

    @property
    def T(self) -> Tensor:
        """Transposed."""
        return self.map(np.transpose)

    @property
    def shape(self) -> tuple[int, ...]:
        """That of the numbers."""
        return self.values.shape


def tensors(arrays: Mapping[str, npt.NDArray[Any]]) -> dict[str, Tensor]:
    """The arrays of a source, by name, with their places."""
    found, at = {}, 0
    for name, array in arrays.items():
        found[name] = Tensor(array, np.arange(at, at + array.size).reshape(array.shape))
        at += array.size
    return found


def gates(model: Model) -> dict[str, Index]:
    """Where each part of our weights lies in [W, V], both flat.

    ``G.x`` (n, inputs), ``G.b`` (n,) and ``G.h`` (n, n) of each gate G: ``W`` of RNN; ``i f g o`` of LSTM; ``r z n`` of
    GRU, whose candidate n has ``n.c`` (n,) too for ``reset="after"``, the bias inside the product with r. Peepholes
    ``p_i p_f p_o`` (n,). The readout: ``V.h`` (outputs, visible), ``V.b`` (outputs,). Layers of a stack: ``W1.x``,
    ``W2.x`` and so on. RNN is h = tanh(W [x; 1; h]); in GRU z = 1 keeps the old h.
    """
    d = model.dims
    found: dict[str, Index] = {}
    for block, at in zip(d.structure.blocks, d.offsets, strict=True):
        rows = at + np.arange(d.rows(block) * block.width).reshape(-1, block.width)
        name, gru = block.name, isinstance(model.cell, GRU)
        if gru and name == "n_in":
            found |= {"n.x": rows[:, :-1], "n.b": rows[:, -1]}
        elif gru and name == "n_rec":
            n = model.cell.units
            found |= {"n.h": rows[:, -n:]} | ({"n.c": rows[:, 0]} if block.width > n else {})
        elif block.recurrent is None:
            found[name] = rows[:, 0]
        else:
            split = block.recurrent
            found |= {f"{name}.x": rows[:, : split - 1], f"{name}.b": rows[:, split - 1], f"{name}.h": rows[:, split:]}
    if model.readout.weighted:
        V = d.weights + np.arange(d.outputs * d.readout_row).reshape(d.outputs, -1)
        found |= {"V.h": V[:, :-1], "V.b": V[:, -1]}
    return found


@dataclass(frozen=True, eq=False)
class Network:
    """A trained network as a reader found it. Make it with :meth:`of`.

    Args:
        source: what it was read from, e.g. "ONNX, opset 17, by pytorch 2.5".
        inputs: channels of a sample.
        cells: recurrent layers.
        readout: Linear, or Direct where the source ends with the state.
        loss: what learning on the chip descends: one of probabilities where the source ends with softmax or sigmoid.
        arrays: the source's own weights, by its names, in its order.
        ours, theirs: the ties: number ``theirs`` of all arrays is a summand of our weight ``ours`` in [W, V].
        mapped: lines for the user: what was mapped to what.
        warnings: lines for the user.
        evaluate: the source's own arithmetic: x (T, inputs) -> predictions (T, outputs), or only the last ones
            (k, outputs), k < T, where the source gives no more (a readout on the last step alone). None if there is
            nothing to ask (bare weights).
        steps: length T of every sequence that ``evaluate`` takes, None for any.
        x_range: what its inputs can hold.
    """

    source: str
    inputs: int
    cells: tuple[Cell, ...]
    readout: Readout
    loss: Loss
    arrays: Mapping[str, npt.NDArray[Any]]
    ours: Index
    theirs: Index
    mapped: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    evaluate: Callable[[Float], Float] | None = None
    steps: int | None = None
    x_range: tuple[float, float] = (-np.inf, np.inf)

    @staticmethod
    def of(
        *,
        source: str,
        inputs: int,
        cells: Sequence[Cell],
        readout: Readout,
        arrays: Mapping[str, npt.NDArray[Any]],
        ties: Sequence[tuple[str, Tensor]],
        loss: Loss = _SQUARED,
        mapped: Sequence[str] = (),
        warnings: Sequence[str] = (),
        evaluate: Callable[[Float], Float] | None = None,
        steps: int | None = None,
        x_range: tuple[float, float] = (-np.inf, np.inf),
    ) -> Network:
        """``ties``: pairs of a name of :func:`gates` and the piece that belongs there, of the same shape. Our weights
        without a tie are zero (a source without biases); several with the same name are summed.

        Raises:
            ModelError: sizes or a combination of parts that we do not have.
            ConvertError: pieces of the wrong shape, numbers that are not finite, or one number at two places: they
                would learn apart, and the source cannot take two values back.
        """
        for name, array in arrays.items():
            if array.dtype.kind != "f":
                raise ConvertError(f"{source}: {name}: wanted floating-point weights, found the type {array.dtype}")
            if not (np.abs(array) <= WEIGHT_MAX).all():
                raise ConvertError(f"{source}: {name}: wanted finite weights within +-{WEIGHT_MAX:,.0f}, found others")
        at = gates(Model("imported", inputs, list(cells), readout, loss))
        ours, theirs = [np.zeros(0, np.intp)], [np.zeros(0, np.intp)]
        for name, piece in ties:
            if piece.shape != at[name].shape:
                raise ConvertError(
                    f"{source}: {name}: wanted weights of the shape {at[name].shape}, found {piece.shape}"
                )
            ours.append(at[name].ravel())
            theirs.append(piece.places.ravel())
        network = Network(
            source, inputs, tuple(cells), readout, loss, arrays, np.concatenate(ours), np.concatenate(theirs),
            tuple(mapped), tuple(warnings), evaluate, steps, x_range,
        )  # fmt: skip
        if len(np.unique(network.theirs)) < len(network.theirs):
            raise ConvertError(
                f"{source}: wanted weights of their own for each place, found one that is used twice; "
                "give each use its own array"
            )
        return network

    def model(self, name: str = "imported", **parts: Any) -> Model:
        """The definition; ``parts`` are those of :class:`Model` beside inputs, cells and readout: ``rule=``,
        ``trainable=`` and so on."""
        return Model(name, self.inputs, list(self.cells), self.readout, **{"loss": self.loss} | parts)

    @cached_property
    def plain(self) -> Model:
        """The definition alone: its sizes and what its parts compute."""
        return self.model()

    @cached_property
    def weights(self) -> Weights:
        """The source's weights in our order, float64, for inputs and outputs in the source's units."""
        model = self.plain
        flat = np.zeros(model.dims.weights + model.dims.outputs * model.dims.readout_row)
        np.add.at(flat, self.ours, self._flat()[self.theirs])
        return _shaped(model, flat, Scaling.identity(model))

    def scaling(self, stream: Stream) -> Scaling:
        """Each channel of a calibration within +-1, the outputs (labels and predictions) too.

        Gains are powers of two without an offset, so that folding them into the weights is exact, where the weights
        stay within +-8. Where they do not, the channel is centred and fills +-1; where that is not enough, samples are
        cut off, and :meth:`quantize` refuses if many are.
        """
        W, V, d = self.weights.W.ravel(), self.weights.V, self.plain.dims
        seen = np.max([np.abs(W[x]).max(axis=0) for x, _ in self._first_layer()], axis=0)
        tiny, low, high = 2.0**-15, stream.x.min(axis=0), stream.x.max(axis=0)
        gain = _power(1.0 / np.maximum(np.abs(stream.x).max(axis=0), tiny))
        large = seen > WEIGHT_TOP * gain
        offset = np.where(large, (low + high) / 2, 0.0)
        gain = np.where(large, np.maximum(2.0 / np.maximum(high - low, tiny), seen / WEIGHT_TOP), gain)
        out = np.ones(d.outputs)
        if not self.loss.of_probabilities and self.readout.weighted:
            y = np.vstack([self.play(stream.x[:1000]), stream.target[stream.labelled]])
            out = _power(1.0 / np.maximum(np.abs(y).max(axis=0), tiny))
            out = np.minimum(out, _power(WEIGHT_TOP / np.maximum(np.abs(V).max(axis=1), tiny)))
        return Scaling(offset, gain, np.zeros(d.outputs), out)

    def scaled(self, scaling: Scaling) -> Weights:
        """The weights in the network's units of a scaling: offsets and gains are folded into the first layer and the
        readout."""
        return self._fold(self.weights, scaling, inverse=False)

    def quantize(self, model: Model, calibration: Stream, scaling: Scaling | None = None) -> IntegerModel:
        """The integer model: ``model`` is one that :meth:`model` made, the scaling :meth:`scaling` if not given.

        Raises:
            ConvertError: a model with other cells.
            ModelError, DataError: see :func:`rtrl_edge.quantize`.
        """
        if (model.cells, model.readout, model.inputs) != (self.cells, self.readout, self.inputs):
            raise ConvertError(f"quantize: wanted a model that this network's model() made, found {model!r}")
        check_channels(model, calibration, "calibration")
        found = self.scaling(calibration) if scaling is None else scaling
        return quantize(model, self.scaled(found), calibration)

    def back(self, weights: Weights) -> dict[str, npt.NDArray[Any]]:
        """Our weights in the source's arrays, names, types and order. Where the source has several summands for one of
        ours (two biases), the first takes the change. A weight that did not move gives the source's own number, or
        within a rounding of it.

        Raises:
            ConvertError: a weight has learned for which the source has no place, such as a bias that was not there.
        """
        new = self._fold(weights, weights.scaling, inverse=True) if weights.scaling is not None else weights
        ours = np.concatenate((np.ravel(new.W), np.ravel(new.V)))
        old = np.concatenate((np.ravel(self.weights.W), np.ravel(self.weights.V)))
        lost = np.setdiff1d(np.flatnonzero(np.abs(ours - old) > 1e-9), self.ours)
        if len(lost):
            names = [name for name, at in gates(self.plain).items() if np.isin(at, lost).any()]
            raise ConvertError(
                f"{self.source}: wanted a place for each weight that has moved, found none for {', '.join(names)}; "
                "add it to the source (a bias of zeros) before the import"
            )
        flat = self._flat().copy()
        order, first = np.unique(self.ours, return_index=True)
        flat[self.theirs[first]] += ours[order] - old[order]
        parts = np.split(flat, np.cumsum([array.size for array in self.arrays.values()])[:-1])
        pairs = zip(self.arrays.items(), parts, strict=True)
        return {name: part.reshape(array.shape).astype(array.dtype) for (name, array), part in pairs}

    def returned(self, weights: Weights, arrays: Mapping[str, npt.NDArray[Any]]) -> Weights:
        """After :meth:`back` gave ``weights`` to the source and it gives ``arrays``: what it left as it was keeps our
        exact value (its float32 is coarser than our weights), what it changed is taken over."""
        sent, given = self.back(weights), {name: np.asarray(arrays[name]) for name in self.arrays}
        wrong = [name for name, array in given.items() if array.shape != self.arrays[name].shape]
        if wrong:
            raise ConvertError(f"{self.source}: {wrong[0]}: found the shape {given[wrong[0]].shape}")
        changed = np.concatenate([(given[name] != sent[name]).ravel() for name in self.arrays])
        moved = np.zeros(weights.W.size + weights.V.size, np.bool_)
        moved[self.ours[changed[self.theirs]]] = True
        scaling = weights.scaling if weights.scaling is not None else Scaling.identity(self.plain)
        new = self.replaced(given).scaled(scaling)
        flat = [np.concatenate((np.ravel(part.W), np.ravel(part.V))) for part in (weights, new)]
        return _shaped(self.plain, np.where(moved, flat[1], flat[0]), scaling)

    def replaced(self, arrays: Mapping[str, npt.NDArray[Any]]) -> Network:
        """The same network with other numbers in the source's arrays, e.g. after training there; without evaluate."""
        return replace(self, arrays={name: np.asarray(arrays[name]) for name in self.arrays}, evaluate=None)

    def play(self, x: Float) -> Float:
        """Our float64 oracle on x (T, inputs), in the source's units: predictions (T, outputs)."""
        d, parts, w, V = self.plain.dims, voices(self.plain), self.weights.W.ravel(), self.weights.V
        s, y = np.zeros(d.states), np.zeros((len(x), d.outputs))
        for t, row in enumerate(x):
            s = parts.cell.forward(d, w, row, s)
            y[t] = parts.readout.forward(V, parts.cell.visible(d, w, row, s))
        return np.asarray(self.loss.prediction(y), np.float64)

    def largest_difference(self, sequences: int = 3, steps: int = 50, seed: int = 0) -> float:
        """Largest |our oracle - the source's own arithmetic| on random sequences from N(0, 1).

        Raises:
            ConvertError: there is nothing to compare with, or it does not give what it should.
        """
        if self.evaluate is None:
            raise ConvertError(f"{self.source}: bare weights, nothing to compare with")
        rng, worst = np.random.default_rng(seed), 0.0
        for _ in range(sequences):
            x = np.clip(rng.standard_normal((self.steps or steps, self.inputs)), *self.x_range)
            found, wanted = np.asarray(self.evaluate(x), np.float64), self.play(x)
            if found.ndim != 2 or found.shape[1] != wanted.shape[1] or not 1 <= len(found) <= len(x):
                raise ConvertError(f"{self.source}: wanted {wanted.shape} predictions of it, found {found.shape}")
            worst = max(worst, float(np.abs(found - wanted[-len(found) :]).max()))
        return worst

    def difference_to(self, check: str | Path) -> float:
        """Largest |our oracle - y| for the arrays x (T, inputs) and y (k, outputs), the last k steps, of an .npz file.

        Raises:
            DataError: not such a file.
        """
        found = load_arrays(check, ("x", "y"))
        if set(found) != {"x", "y"}:
            raise DataError(f"{check}: wanted the arrays x (T, inputs) and y (T, outputs), found {sorted(found)}")
        x, y = (np.asarray(found[name], np.float64) for name in ("x", "y"))
        if x.ndim != 2 or x.shape[1] != self.inputs or y.ndim != 2 or y.shape[1] != self.readout.outputs:
            raise DataError(
                f"{check}: wanted x (T, {self.inputs}), y (T, {self.readout.outputs}), found {x.shape}, {y.shape}"
            )
        if not 1 <= len(y) <= len(x) or not (np.isfinite(x).all() and np.isfinite(y).all()):
            raise DataError(f"{check}: wanted finite numbers, and at most one row of y for each of x")
        return float(np.abs(self.play(x)[-len(y) :] - y).max())

    def _flat(self) -> Float:
        return np.concatenate([np.zeros(0), *(np.ravel(array).astype(np.float64) for array in self.arrays.values())])

    def _first_layer(self) -> list[tuple[Index, Index]]:
        """Of each gate that sees the inputs, where its weights for them and its bias lie."""
        at = gates(self.plain)
        names = [
            name[:-2] for name in at if name.endswith(".x") and (name == "W1.x" or name[0] != "W" or name == "W.x")
        ]
        return [(at[f"{name}.x"], at[f"{name}.b"]) for name in names]

    def _fold(self, weights: Weights, scaling: Scaling, inverse: bool) -> Weights:
        """Into the network's units, or back: the sum of W x + b stays the same for x = net / gain + offset."""
        model = self.plain
        W, V = np.array(weights.W, np.float64).ravel(), np.array(weights.V, np.float64)
        gain, offset = scaling.input_gain, scaling.input_offset
        for x, bias in self._first_layer():
            if inverse:
                W[x] = W[x] * gain
                W[bias] -= W[x] @ offset
            else:
                W[bias] += W[x] @ offset
                W[x] = W[x] / gain
        gain, offset = scaling.output_gain, scaling.output_offset
        if V.size and inverse:
            V = V / gain[:, None]
            V[:, -1] += offset
        elif V.size:
            V[:, -1] -= offset
            V = V * gain[:, None]
        elif not ((gain == 1).all() and (offset == 0).all()):
            raise ConvertError(
                f"{self.source}: without a readout its outputs cannot be scaled; wanted gain 1, offset 0"
            )
        return Weights(W.reshape(model.dims.weight_shape), V, Scaling.identity(model) if inverse else scaling)


def _power(values: npt.ArrayLike) -> Float:
    """The largest power of two that is not above, within 2^-15 and 2^15."""
    return np.asarray(np.exp2(np.clip(np.floor(np.log2(np.asarray(values, np.float64))), -15, 15)))


def _shaped(model: Model, flat: Float, scaling: Scaling) -> Weights:
    d = model.dims
    return Weights(flat[: d.weights].reshape(d.weight_shape), flat[d.weights :].reshape(d.outputs, -1), scaling)
