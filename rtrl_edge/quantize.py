"""From a model, float weights and recorded data to an integer model: all that a chip needs to know."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass, replace
from functools import cached_property

import numpy as np
import numpy.typing as npt

from .errors import DataError, ModelError, check_kind
from .fixed import STATE_FRAC, WEIGHT_FRAC, split_weight
from .fixed.words import Int
from .model import Model
from .stream import Float, Source, Stream
from .weights import Scaling, Weights

#: more clipped inputs than this in the calibration is an error: the network would not see its signal
CLIPPED_MAX = 0.05
#: Q3.12; exactly 8 becomes the largest word below it
WEIGHT_MAX = 8.0


@dataclass(frozen=True, eq=False)
class IntegerModel:
    """A model with integer factory weights. Made by :func:`quantize`.

    Arrays: w_hi, w_lo (dims.weights,), v_hi, v_lo (outputs * dims.readout_row,): a weight is
    ``(hi * 2^residual_bits + lo) * 2^-(12 + residual_bits)``.
    """

    model: Model
    scaling: Scaling
    w_hi: npt.NDArray[np.int16]
    w_lo: npt.NDArray[np.integer]
    v_hi: npt.NDArray[np.int16]
    v_lo: npt.NDArray[np.integer]

    def factory(self) -> dict[str, npt.NDArray[np.integer]]:
        """Initial values of the state struct's weights, by member name."""
        names = ["w_hi", "v_hi", "v_lo"] + (["w_lo"] if self.model.rule.trains_cell else [])
        return {name: getattr(self, name) for name in names if getattr(self, name).size}

    @cached_property
    def description(self) -> dict[str, object]:
        """The model as plain data: what the manifest shows, and what the digest is of (with the weights)."""
        model = self.model
        parts = {
            part: {"kind": type(value).__name__, **asdict(value)}
            for part, value in (
                ("cell", model.cell), ("readout", model.readout), ("loss", model.loss),
                ("rule", model.rule), ("optimiser", model.optimiser), ("numbers", model.numbers),
            )
        }  # fmt: skip
        scaling = {name: [float(v) for v in values] for name, values in vars(self.scaling).items()}
        found = {"name": model.name, "inputs": model.inputs, **parts, "scaling": scaling}
        return found if model.trainable is None else found | {"trainable": list(model.trainable)}

    @cached_property
    def digest(self) -> str:
        """sha256, hex, of the description and the factory weights."""
        sha = hashlib.sha256(json.dumps(self.description, sort_keys=True).encode())
        for name in ("w_hi", "w_lo", "v_hi", "v_lo"):
            array = getattr(self, name)
            sha.update(array.astype(array.dtype.newbyteorder("<")).tobytes())
        return sha.hexdigest()

    def with_(self, **parts: object) -> IntegerModel:
        """The same weights under another rule or optimiser: ``with_(rule=ReadoutOnly())``."""
        return replace(self, model=replace(self.model, **parts))  # type: ignore[arg-type]

    def to_input(self, x: npt.ArrayLike) -> npt.NDArray[np.int16]:
        """Physical inputs (..., inputs) as Q0.15 words, saturated."""
        values = self._finite("x", x, self.model.dims.inputs)
        return words((values - self.scaling.input_offset) * self.scaling.input_gain, STATE_FRAC)

    def to_target(self, target: npt.ArrayLike) -> npt.NDArray[np.int16]:
        """Physical labels (..., outputs) as words in the format of y, saturated.

        DataError for labels that the model's loss is not made for.
        """
        values = self._finite("target", target, self.model.dims.outputs)
        self.model.loss.check_targets("target", values)
        return words(self.scaling.outputs(values), self.model.numbers.output_frac)

    def from_output(self, y: npt.ArrayLike) -> Float:
        """Predictions (..., outputs) in the units of the labels, from words y: physical, or probabilities where
        the loss is one of them (the words themselves are logits then, Q3.12)."""
        values = np.asarray(y, dtype=np.float64) * 2.0**-self.model.numbers.output_frac
        return self.scaling.physical(self.model.loss.prediction(values))

    def float_weights(self) -> Weights:
        """The factory weights as the chip sees them, in float."""
        d, bits = self.model.dims, self.model.numbers.residual_bits
        unit = 2.0 ** -(WEIGHT_FRAC + bits)
        W = (self.w_hi.astype(np.int64) * 2**bits + self.w_lo) * unit
        V = (self.v_hi.astype(np.int64) * 2**bits + self.v_lo) * unit
        return Weights(W.reshape(d.weight_shape), V.reshape(d.outputs, -1), self.scaling)

    @staticmethod
    def _finite(what: str, values: npt.ArrayLike, width: int) -> Float:
        try:
            array = np.asarray(values, dtype=np.float64)
        except (TypeError, ValueError) as error:
            raise DataError(f"{what}: wanted numbers, {width} in the last axis ({error})") from error
        if array.ndim == 0 or array.shape[-1] != width:
            raise DataError(f"{what}: wanted {width} channels in the last axis, found shape {array.shape}")
        if not np.isfinite(array).all():
            raise DataError(f"{what}: wanted finite values, found {array[~np.isfinite(array)][0]}")
        return array


def words(values: Float, frac: int) -> npt.NDArray[np.int16]:
    """Round to nearest and saturate to [-32767, 32767] * 2^-frac."""
    return np.clip(np.floor(values * 2.0**frac + 0.5), -32767, 32767).astype(np.int16)


def quantize(model: Model, weights: Weights, calibration: Stream) -> IntegerModel:
    """Round the weights to the model's profile and check them, and the data, against its ranges.

    Args:
        model: the definition.
        weights: float weights, in the units of ``weights.scaling``; without a scaling, the calibration's is fitted.
        calibration: a stretch of the data the chip will see, in physical units.

    Raises:
        ModelError: weights of the wrong shape, not finite, or beyond +-8, which the chip cannot hold.
        DataError: calibration with the wrong channels, a constant channel, labels that the loss is not made for, or
            more than 5 % of inputs clipped.
    """
    check_kind("quantize: model", model, Model)
    check_kind("quantize: weights", weights, Weights)
    check_kind("quantize: calibration", calibration, Stream)
    weights.check(model)
    check_channels(model, calibration, "calibration")
    fitted = Scaling.fit(calibration, not model.loss.of_probabilities)  # also refuses constant channels
    model.loss.check_targets("calibration", calibration.target[calibration.labelled])
    scaling = weights.scaling if weights.scaling is not None else fitted
    _check_scaling(model, scaling)
    bits = model.numbers.residual_bits
    word = np.dtype(model.numbers.residual)
    w_hi, w_lo = _round_weights("W", weights.W, bits)
    v_hi, v_lo = _round_weights("V", weights.V, bits)
    _check_ranges(model, scaling, calibration)
    return IntegerModel(
        model,
        scaling,
        w_hi.astype(np.int16),
        w_lo.astype(word),
        v_hi.astype(np.int16),
        v_lo.astype(word),
    )


def _round_weights(name: str, weights: Float, residual_bits: int) -> tuple[Int, Int]:
    beyond = np.argwhere(np.abs(weights) > WEIGHT_MAX)
    if len(beyond):
        at = tuple(int(i) for i in beyond[0])
        raise ModelError(
            f"weights: {name}{list(at)} is {weights[at]:g}, and {len(beyond)} in all are beyond +-{WEIGHT_MAX:g}, "
            "the range of a weight on the chip (Q3.12); scale the data so that smaller weights do, or train here"
        )
    scaled = np.ravel(weights) * 2.0 ** (WEIGHT_FRAC + residual_bits)
    return split_weight(np.floor(scaled + 0.5).astype(np.int64), residual_bits)


def _check_ranges(model: Model, scaling: Scaling, calibration: Stream) -> None:
    inputs = (calibration.x - scaling.input_offset) * scaling.input_gain
    targets = scaling.outputs(calibration.target[calibration.labelled])
    top = 2.0 ** (15 - model.numbers.output_frac)
    clipped_inputs, clipped_targets = float((np.abs(inputs) > 1.0).mean()), float((np.abs(targets) > top).mean())
    if max(clipped_inputs, clipped_targets) > CLIPPED_MAX:
        raise DataError(
            f"calibration: {clipped_inputs:.1%} of the inputs and {clipped_targets:.1%} of the targets "
            f"are outside the ranges +-1 and +-{top:g} of the weights' scaling (at most {CLIPPED_MAX:.0%} may be); "
            "calibrate on data like the training data, or train with a wider scaling"
        )


def check_quantized(what: str, found: object) -> IntegerModel:
    """What :func:`quantize` made, or a ModelError, which begins with ``what``."""
    if not isinstance(found, IntegerModel):
        raise ModelError(
            f"{what}: wanted what rt.quantize(model, weights, calibration) makes, found {type(found).__name__}"
        )
    return found


def check_channels(model: Model, stream: Source, what: str) -> None:
    """Raise DataError unless the stream has the model's inputs and outputs; ``what`` begins the message."""
    found = stream.widths
    if found != (model.inputs, model.readout.outputs):
        raise DataError(
            f"{what}: model '{model.name}' wants {model.inputs} inputs and {model.readout.outputs} outputs, "
            f"the stream has {found[0]} and {found[1]}; choose the stream's columns or change the model's size"
        )


def _check_scaling(model: Model, scaling: Scaling) -> None:
    d = model.dims
    for name, size in (("input", d.inputs), ("output", d.outputs)):
        offset, gain = getattr(scaling, f"{name}_offset"), getattr(scaling, f"{name}_gain")
        if np.shape(offset) != (size,) or np.shape(gain) != (size,):
            raise ModelError(
                f"scaling: {name}_offset and {name}_gain must have shape ({size},), "
                f"found {np.shape(offset)} and {np.shape(gain)}"
            )
        if not (np.isfinite(offset).all() and np.isfinite(gain).all() and (gain != 0).all()):
            raise ModelError(f"scaling: {name}_offset must be finite and {name}_gain finite and not 0")
    if model.loss.of_probabilities and ((scaling.output_offset != 0).any() or (scaling.output_gain != 1).any()):
        raise ModelError(
            f"scaling: {type(model.loss).__name__} wants its targets as they are (output_offset 0, output_gain 1), "
            f"found {scaling.output_offset.tolist()} and {scaling.output_gain.tolist()}; "
            "fit with Scaling.fit(stream, scale_targets=False)"
        )
