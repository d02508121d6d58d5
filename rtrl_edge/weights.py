"""Float weights and the scaling between physical units and the network's own."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from .errors import DataError, ModelError
from .model import Model
from .stream import Float, Stream
from .stream_file import load_arrays

#: the network sees +-HEADROOM for all but the rarest samples; beyond 1.0 inputs saturate
HEADROOM = 0.8
RARE = 0.001


@dataclass(frozen=True, eq=False)
class Scaling:
    """``network = (physical - offset) * gain``, per channel.

    Shapes: input_* (inputs,), output_* (outputs,). Inputs saturate at +-1 (Q0.15), outputs at +-8 (Q3.12).
    """

    input_offset: Float
    input_gain: Float
    output_offset: Float
    output_gain: Float

    @staticmethod
    def identity(model: Model) -> Scaling:
        """Physical units are the network's units."""
        d = model.dims
        return Scaling(np.zeros(d.inputs), np.ones(d.inputs), np.zeros(d.outputs), np.ones(d.outputs))

    @staticmethod
    def fit(stream: Stream, scale_targets: bool = True) -> Scaling:
        """Centre each channel and bring all but 0.1 % of its samples within +-0.8.

        ``scale_targets=False`` leaves targets as they are: those of a loss of probabilities.
        Where inputs and targets are the same channels (next-sample prediction) they get the same scaling.
        Raises DataError for a channel that never changes: it has no scale, and tells a network nothing.
        """
        labels = stream.target[stream.labelled]
        if len(labels) < 2:
            raise DataError(f"scaling: wanted at least 2 labelled samples, found {len(labels)}")
        names = stream.channels if len(stream.channels) == stream.x.shape[1] else ()
        input_offset, input_gain = _fit(stream.x, "input channel", names)
        if not scale_targets:
            return Scaling(input_offset, input_gain, np.zeros(labels.shape[1]), np.ones(labels.shape[1]))
        if stream.predicts_next_sample:
            return Scaling(input_offset, input_gain, input_offset, input_gain)
        return Scaling(input_offset, input_gain, *_fit(labels, "target channel", ()))

    def inputs(self, x: Float) -> Float:
        """Physical inputs in the network's units."""
        return np.clip((x - self.input_offset) * self.input_gain, -1.0, 1.0)

    def outputs(self, target: Float) -> Float:
        """Physical targets in the network's units."""
        return (target - self.output_offset) * self.output_gain

    def physical(self, y: Float) -> Float:
        """The network's outputs in physical units."""
        return y / self.output_gain + self.output_offset


def _fit(values: Float, what: str, names: tuple[str, ...]) -> tuple[Float, Float]:
    offset = values.mean(axis=0)
    spread = np.quantile(np.abs(values - offset), 1.0 - RARE, axis=0)
    for i in np.flatnonzero(~(np.ptp(values, axis=0) > 0) | ~(spread > 0)):
        name = f" ('{names[i]}')" if names else ""
        raise DataError(
            f"scaling: {what} {i}{name} is constant at {values[0, i]:g} in {len(values)} samples; "
            "leave it out of the model, or calibrate on data where it moves"
        )
    return offset, HEADROOM / spread


@dataclass(frozen=True, eq=False)
class Weights:
    """Float weights of a model, in the network's units.

    Args:
        W: cell weights, ``model.dims.weight_shape``: for RNN (units, inputs + 1 + units), for [x; 1; h]; the
            rows of all gates below each other; flat where gates see different things.
        V: (outputs, visible + 1) readout weights for [h; 1]; (outputs, 0) for a readout without weights.
        scaling: how physical units become the network's; None lets ``quantize`` fit it to the calibration.
    """

    W: Float
    V: Float
    scaling: Scaling | None = None

    def check(self, model: Model) -> None:
        """Raise ModelError unless the shapes are the model's and every weight is finite."""
        d = model.dims
        for name, shape in (("W", d.weight_shape), ("V", (d.outputs, d.readout_row))):
            try:
                array = np.asarray(getattr(self, name), dtype=np.float64)
            except (TypeError, ValueError) as error:
                raise ModelError(f"weights: {name} must be numbers of the shape {shape} ({error})") from error
            if array.shape != shape:
                raise ModelError(
                    f"weights: {name} must have the shape {shape} for model '{model.name}', found {array.shape}; "
                    "were these weights trained for another model?"
                )
            if not np.isfinite(array).all():
                at = tuple(int(i) for i in np.argwhere(~np.isfinite(array))[0])
                raise ModelError(
                    f"weights: {name}{list(at)} is {array[at]}; every weight must be finite. "
                    "Did the training diverge? Try a smaller learning rate"
                )

    def save(self, path: str | Path) -> None:
        """Write a .npz file that :meth:`load` reads."""
        parts = {"W": self.W, "V": self.V}
        if self.scaling is not None:
            parts |= vars(self.scaling)
        with Path(path).open("wb") as file:
            np.savez(file, allow_pickle=False, **parts)

    @staticmethod
    def load(path: str | Path) -> Weights:
        """Read what :meth:`save` wrote. No pickle is ever read."""
        try:
            arrays = {name: np.asarray(value, dtype=np.float64) for name, value in load_arrays(path).items()}
        except ValueError as error:
            raise DataError(f"{path}: wanted arrays of numbers ({error})") from error
        if not {"W", "V"} <= arrays.keys():
            raise DataError(
                f"{path}: wanted the arrays W and V as Weights.save writes them, found {sorted(arrays) or 'none'}"
            )
        names = Scaling.__dataclass_fields__.keys()
        scaling = Scaling(**{n: arrays[n] for n in names}) if names <= arrays.keys() else None
        return Weights(arrays["W"], arrays["V"], scaling)


def initial(model: Model, seed: int, radius: float = 0.9) -> Weights:
    """Random weights to start from: the cell's own choice with recurrent matrices of spectral ``radius``;
    readout U(-1, 1)/sqrt(visible), its bias 0."""
    rng, d = np.random.default_rng(seed), model.dims
    W = model.cell.initial(d, rng, radius).reshape(d.weight_shape)
    V = np.zeros((d.outputs, d.readout_row))
    if model.readout.weighted:
        V[:, : d.visible] = rng.uniform(-1, 1, (d.outputs, d.visible)) / np.sqrt(d.visible)
    return Weights(W, V, Scaling.identity(model))
