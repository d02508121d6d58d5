"""What quantization costs an imported network: layer by layer, against its own float64, on a recording."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..model import ReadoutOnly, Stack
from ..oracle.voices import voices
from ..quantize import IntegerModel
from ..reference import Reference
from ..stream import Float, Stream
from .network import Network

#: of the largest |y|: where integer and float differ by more than this, the step is told
BOUND = 0.01


@dataclass(frozen=True)
class Layer:
    """Differences of one layer's words, in its own units, and how many were at the end of their range."""

    name: str
    rms: float
    largest: float
    saturated: int


@dataclass(frozen=True)
class Accuracy:
    """``layers``: the states and the outputs. ``float_nrmse``, ``integer_nrmse``: against the recording's labels.
    ``first_step``: the first whose outputs differ by more than ``bound`` (in their units), None if none does."""

    steps: int
    layers: tuple[Layer, ...]
    float_nrmse: float
    integer_nrmse: float
    bound: float
    first_step: int | None

    def text(self) -> str:
        """For the terminal."""
        lines = [f"integers against float64 on {self.steps:,} steps (without learning):"]
        lines += [
            f"  {layer.name}: rms {layer.rms:.2g}, largest {layer.largest:.2g}"
            + (f", {layer.saturated:,} words saturated" if layer.saturated else "")
            for layer in self.layers
        ]
        where = "no step" if self.first_step is None else f"step {self.first_step:,} is the first that"
        lines += [
            f"  NRMSE against the labels: float {self.float_nrmse:.4f}, integers {self.integer_nrmse:.4f}",
            f"  {where} differs by more than {self.bound:.3g} ({BOUND:.0%} of the largest output)",
        ]
        return "\n".join(lines)


def accuracy(network: Network, integer_model: IntegerModel, stream: Stream) -> Accuracy:
    """Play a recording without learning, in float64 and in the chip's integers."""
    playing = integer_model.with_(rule=ReadoutOnly(), trainable=None)
    d, parts = network.plain.dims, voices(network.plain)
    weights = network.scaled(integer_model.scaling)
    w, s, members = weights.W.ravel(), np.zeros(d.states), [name for name, _ in d.structure.state]
    states, words, y, y_int = [], [], [], []
    with Reference(playing) as device:
        for x in stream.x:
            s = parts.cell.forward(d, w, (x - integer_model.scaling.input_offset) * integer_model.scaling.input_gain, s)
            states.append(s)
            y.append(parts.readout.forward(weights.V, parts.cell.visible(d, w, x, s)))
            y_int.append(integer_model.from_output(device.predict(integer_model.to_input(x))))
            words.append(np.concatenate([device.net[name] for name in members]))
    outputs = integer_model.scaling.physical(integer_model.model.loss.prediction(np.array(y)))
    frac = np.repeat([bits for _, bits in d.structure.state], d.units)
    gap = np.array(words) * 2.0**-frac - np.array(states)
    full = np.abs(np.array(words)) >= 32767
    layers = [_layer(name, gap[:, at], full[:, at]) for name, at in _parts(network)]
    error = np.array(y_int) - outputs
    layers.append(_layer("outputs", error, np.zeros(error.shape, np.bool_)))
    bound = BOUND * float(np.abs(outputs).max())
    beyond = np.flatnonzero((np.abs(error) > bound).any(axis=1))
    target = stream.target
    return Accuracy(
        len(stream), tuple(layers), _nrmse(outputs, target), _nrmse(np.array(y_int), target),
        bound, int(beyond[0]) if len(beyond) else None,
    )  # fmt: skip


def _parts(network: Network) -> list[tuple[str, slice]]:
    """Layers of a stack, or the components of one cell."""
    cell, d = network.plain.cell, network.plain.dims
    if isinstance(cell, Stack):
        ends = np.cumsum([0, *(layer.units for layer in cell.layers)])
        return [(f"layer {k + 1}, h", slice(int(ends[k]), int(ends[k + 1]))) for k in range(len(cell.layers))]
    names = ["c" if name == "cell" else name for name, _ in d.structure.state]
    return [(f"{type(cell).__name__}, {name}", slice(k * d.units, (k + 1) * d.units)) for k, name in enumerate(names)]


def _layer(name: str, gap: Float, full: np.typing.NDArray[np.bool_]) -> Layer:
    return Layer(name, float(np.sqrt(np.mean(gap**2))), float(np.abs(gap).max()), int(full.sum()))


def _nrmse(found: Float, target: Float) -> float:
    """Root of the mean squared error in units of each label's own deviation."""
    known = ~np.isnan(target).all(axis=1)
    spread = target[known].std(axis=0)
    return float(np.sqrt(np.mean(((found[known] - target[known]) / np.where(spread > 0, spread, 1.0)) ** 2)))
