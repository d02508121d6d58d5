"""The step in integers; C: ``step.c``. Order: forward; influence with the weights that made it; gradient; update."""

from __future__ import annotations

from typing import Self

import numpy as np
import numpy.typing as npt

from ..errors import DataError
from ..fixed.words import Int
from ..quantize import IntegerModel
from .net import Net

IDLE, PREDICTED = 0, 1

Int16 = npt.NDArray[np.int16]


class Reference:
    """A model played in NumPy integers: the same interface as a device, and its specification.

    Args:
        integer_model: what :func:`rtrl_edge.quantize` made.
    """

    def __init__(self, integer_model: IntegerModel) -> None:
        self.integer_model = integer_model
        self.net = Net(integer_model)
        for name, values in self.net.factory.items():
            self.net[name] = values
        self.net.rule.rule_init(self.net)

    def predict(self, x: Int16) -> Int16:
        """Advance by one sample x (inputs,) Q0.15; y (outputs,). Completes a forgotten step first."""
        net = self.net
        if net["phase"] == PREDICTED:
            self.observe()
        net.cell.cell_forward(net, _int16("predict: x", x, net.dims.inputs))
        net.readout.readout_predict(net)
        net["phase"] = PREDICTED
        return net["y"].astype(np.int16)

    def learn(self, target: Int16) -> None:
        """Learn from target (outputs,) of the sample just predicted."""
        self._need_prediction("learn")
        net = self.net
        net["steps"] = net["steps"] + 1  # first: the rates can depend on it
        net.loss.loss_error(net, _int16("learn: target", target, net.dims.outputs))
        net.rule.rule_step(net, True)  # before V moves: the credit needs the old one
        if net.model.trains_direct:
            net.cell.cell_learn(net)
        if net.model.trains_readout:
            net.readout.readout_learn(net)
        if net.dims.structure.forced:
            net.cell.cell_teach(net, _int16("learn: target", target, net.dims.outputs))
        net["phase"] = IDLE

    def observe(self) -> None:
        """Move the influence along without a label."""
        self._need_prediction("observe")
        self.net.rule.rule_step(self.net, False)
        self.net["phase"] = IDLE

    def reset(self) -> None:
        """Forget the past, keep the weights."""
        net = self.net
        net["phase"] = IDLE
        net.cell.cell_reset(net)
        net.rule.rule_reset(net)

    def state(self) -> dict[str, npt.NDArray[np.generic]]:
        """A copy of every member of the state struct, in the struct's own word sizes."""
        found: dict[str, npt.NDArray[np.generic]] = {}
        for member in self.net.layout.members:
            value = self.net[member.field.name]
            found[member.field.name] = value.astype(member.dtype)
            assert np.array_equal(found[member.field.name].astype(np.int64), value), member.field.name
        return found

    def close(self) -> None:
        """Nothing to release."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    def _need_prediction(self, call: str) -> None:
        if self.net["phase"] != PREDICTED:
            raise DataError(f"{call}: there is no prediction to work on; call predict(x) first, then {call} once")


def _int16(what: str, values: Int16, size: int) -> Int:
    array = np.asarray(values)
    if array.shape != (size,) or array.dtype != np.int16:
        raise DataError(f"{what} must be int16 of shape ({size},), found {array.dtype} of shape {array.shape}")
    return array.astype(np.int64)
