"""The step in integers; C: ``step.c``. Order: forward; influence with the weights that made it; gradient; update."""

from __future__ import annotations

import importlib
from types import ModuleType
from typing import Self

import numpy as np
import numpy.typing as npt

from ..errors import DataError
from ..fixed import Formats
from ..fixed.words import Int
from ..layout import layout
from ..model import RNN, RTRL, Linear, ReadoutOnly, SquaredError
from ..quantize import IntegerModel

IDLE, PREDICTED = 0, 1

Int16 = npt.NDArray[np.int16]
Part = RNN | Linear | SquaredError | RTRL | ReadoutOnly


def _voice(part: Part) -> ModuleType:
    return importlib.import_module(f".{part.voice}", __package__)


class Reference:
    """A model played in NumPy integers: the same interface as a device, and its specification.

    Args:
        integer_model: what :func:`rtrl_edge.quantize` made.
    """

    def __init__(self, integer_model: IntegerModel) -> None:
        self.integer_model = integer_model
        model = integer_model.model
        self._dims, self._formats = model.dims, Formats.of(model)
        self._cell, self._readout = _voice(model.cell), _voice(model.readout)
        self._loss, self._rule = _voice(model.loss), _voice(model.rule)
        self._layout = layout(model)
        self._state: dict[str, Int] = {
            m.field.name: np.zeros(m.field.shape, dtype=np.int64) for m in self._layout.members
        }
        for name, values in integer_model.factory().items():
            self._state[name][:] = values
        self._rule.rule_reset(self._state, self._formats)

    def predict(self, x: Int16) -> Int16:
        """Advance by one sample x (inputs,) Q0.15; y (outputs,). Completes a forgotten step first."""
        s = self._state
        if s["phase"] == PREDICTED:
            self.observe()
        words = _int16("predict: x", x, self._dims.inputs)
        s["h"][:], s["z"][:] = self._cell.cell_forward(s["h"], words, s["w_hi"], self._dims)
        s["y"][:] = self._readout.readout_predict(s["h"], s["v_hi"], self._dims, self._formats)
        s["phase"][()] = PREDICTED
        return s["y"].astype(np.int16)

    def learn(self, target: Int16) -> None:
        """Learn from target (outputs,) of the sample just predicted."""
        self._need_prediction("learn")
        s = self._state
        s["e"][:] = self._loss.loss_error(s["y"], _int16("learn: target", target, self._dims.outputs))
        self._rule.rule_step(s, self._dims, self._formats, True)  # before V moves: the credit needs the old one
        s["v_hi"][:], s["v_lo"][:] = self._readout.readout_learn(s["v_hi"], s["v_lo"], s["e"], s["h"], self._formats)
        s["steps"] += 1
        s["phase"][()] = IDLE

    def observe(self) -> None:
        """Move the influence along without a label."""
        self._need_prediction("observe")
        self._rule.rule_step(self._state, self._dims, self._formats, False)
        self._state["phase"][()] = IDLE

    def reset(self) -> None:
        """Forget the past, keep the weights."""
        s = self._state
        s["z"][:], s["h"][:], s["phase"][()] = 0, 0, IDLE
        self._rule.rule_reset(s, self._formats)

    def state(self) -> dict[str, npt.NDArray[np.generic]]:
        """A copy of every member of the state struct, in the struct's own word sizes."""
        found: dict[str, npt.NDArray[np.generic]] = {}
        for member in self._layout.members:
            value = self._state[member.field.name]
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
        if self._state["phase"] != PREDICTED:
            raise DataError(f"{call}: there is no prediction to work on; call predict(x) first, then {call} once")


def _int16(what: str, values: Int16, size: int) -> Int:
    array = np.asarray(values)
    if array.shape != (size,) or array.dtype != np.int16:
        raise DataError(f"{what} must be int16 of shape ({size},), found {array.dtype} of shape {array.shape}")
    return array.astype(np.int64)
