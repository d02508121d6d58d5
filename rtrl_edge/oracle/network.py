"""A whole network in float64, with the calls of a device."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import cast

import numpy as np
import numpy.typing as npt

from ..model import Model
from ..weights import Weights
from .teacher import force
from .voices import Float, LateRuleVoice, Memory, Step, vector, voices, without_past


@dataclass(frozen=True, eq=False)
class Gradients:
    """Loss gradient in the shapes of the weights: W ``dims.weight_shape``, V (o, H + 1)."""

    W: Float
    V: Float


class Oracle:
    """The model in float64 and in the network's own units: no saturation, no cap, no rounding.

    Order of calls as for a device: ``predict``, then at most one of ``learn`` and ``observe``; a
    ``predict`` that finds an unfinished step completes it as ``observe`` does. Inside a step: forward,
    influence with the weights that made the forward pass, gradient, update.

    Args:
        model: what to play; its number profile is ignored.
        weights: where to start; copied.
        s: the state (S,) before the first sample, zero if not given. The influence starts at zero.
    """

    def __init__(self, model: Model, weights: Weights, s: npt.ArrayLike | None = None) -> None:
        """Start without a past, or in the state s."""
        weights.check(model)
        self.model = replace(model, trainable=None)  # gradients are of all weights; those that do not learn stay
        self._learns = _learns(model)
        self._parts = voices(model)
        self._w = np.array(weights.W, dtype=np.float64).ravel()
        self._V = np.array(weights.V, dtype=np.float64)
        self._scaling = weights.scaling
        self._steps = 0
        self._optimiser = {
            readout: self._parts.optimiser.initial(model.optimiser, w)
            for readout, w in ((False, self._w), (True, self._V))
        }
        self._pending = False
        self._taught: Float | None = None  # the label of the last step, for teacher forcing
        self._memory: Memory = self._parts.rule.initial(self.model)
        self.reset()
        if s is not None:
            self._s = vector("oracle: s", s, model.dims.states)

    @property
    def weights(self) -> Weights:
        """A copy of the weights as they are now."""
        return Weights(self._w.reshape(self.model.dims.weight_shape).copy(), self._V.copy(), self._scaling)

    def predict(self, x: npt.ArrayLike) -> Float:
        """Advance the network by one sample x (inputs,); return y (outputs,)."""
        sample = vector("predict: x", x, self.model.dims.inputs)
        if self._pending:
            self.observe()
        d, cell = self.model.dims, self._parts.cell
        self._x, (self._before, self._free) = sample, force(d, self._s, self._taught)
        self._taught = None
        self._s = cell.forward(d, self._w, sample, self._before)
        self._h = cell.visible(d, self._w, sample, self._s)
        self._y = self._parts.readout.forward(self._V, self._h)
        self._pending = True
        return self._y.copy()

    def gradients(self, target: npt.ArrayLike) -> Gradients:
        """Gradient of the loss of the sample just predicted, target (outputs,); changes nothing."""
        return self._labelled("gradients", target)[0]

    def learn(self, target: npt.ArrayLike) -> None:
        """Learn from target (outputs,) of the sample just predicted."""
        g, self._e, self._memory, moves = self._labelled("learn", target)
        self._steps += 1
        if moves:
            self._w = self._moved(self._w, g.W.ravel(), readout=False)
        self._V = self._moved(self._V, g.V, readout=True)
        self._taught = vector("learn: target", target, self.model.dims.outputs)
        self._pending = False

    def observe(self) -> None:
        """Advance the influence of the sample just predicted without a label."""
        step = self._step("observe")
        self._memory = self._parts.rule.advance(self.model, self._memory, step)
        if self.model.rule.late:
            self._move_late(self._parts.rule.gradient(self.model, self._memory, step))
        self._pending = False

    def reset(self) -> None:
        """Forget the past (state, influence and an unfinished step); keep what is learned."""
        d = self.model.dims
        if self.model.rule.late:
            for g in cast(LateRuleVoice, self._parts.rule).owed(self.model, self._memory):
                self._move_late(g)
        self._s, self._before = np.zeros(d.states), np.zeros(d.states)
        self._taught, self._free = None, np.ones(d.states)
        self._x, self._h = np.zeros(d.inputs), np.zeros(d.visible)
        self._y, self._e = np.zeros(d.outputs), np.zeros(d.outputs)
        self._memory = without_past(self.model, self._memory)
        self._pending = False

    def state(self) -> dict[str, Float]:
        """Copies of W, V (o, H + 1), s (S,), h (H,), y and e (o,), the labelled ``steps`` (), and of what the
        rule carries: J (P, S) for RTRL."""
        own = {"W": self.weights.W, "V": self._V, "s": self._s, "h": self._h, "y": self._y, "e": self._e}
        copies = {name: value.copy() for name, value in (own | self._memory).items()}
        return copies | {"steps": np.array(float(self._steps))}

    def _step(self, call: str) -> Step:
        """The pending step, without a label."""
        if not self._pending:
            raise RuntimeError(f"{call}: there is no sample to work on; call predict first, once for each {call}")
        D, immediate = self._parts.cell.jacobians(self.model.dims, self._w, self._x, self._before)
        return Step(self._w, self._x, self._before, self._s, D * self._free, immediate)

    def _labelled(self, call: str, target: npt.ArrayLike) -> tuple[Gradients, Float, Memory, bool]:
        """Gradients and output error of the pending step, the rule's memory after it, and whether the cell moves."""
        model, parts, d = self.model, self._parts, self.model.dims
        e = parts.loss.error(model.loss, self._y, vector(f"{call}: target", target, d.outputs))
        c = parts.readout.credit(self._V, e, self._h)
        C = parts.cell.visible_jacobian(d, self._w, self._x, self._s)
        step = replace(self._step(call), c=C.T @ c, e=e)
        memory = parts.rule.advance(model, self._memory, step)
        columns = parts.rule.gradient(model, memory, step)
        direct = parts.cell.direct(d, self._w, self._x, self._s, c)
        moves = model.rule.trains_cell and columns is not None
        W = np.concatenate((np.zeros(d.columns) if columns is None else columns, direct)).reshape(d.weight_shape)
        return Gradients(W, parts.readout.gradient(e, self._h)), e, memory, moves

    def _move_late(self, g: Float | None) -> None:
        """The cell's weights after a gradient (P,) that comes without a label, if there is one."""
        if g is not None:
            self._w = self._moved(self._w, g, readout=False)

    def _moved(self, w: Float, g: Float, readout: bool) -> Float:
        moved, self._optimiser[readout] = self._parts.optimiser.update(
            self.model.optimiser, self._optimiser[readout], w, g, readout, self._steps
        )
        return np.where(self._learns[readout], moved, w)


def _learns(model: Model) -> dict[bool, npt.NDArray[np.bool_]]:
    """Which weights of the cell (False) and of the readout (True) learn."""
    d = model.dims
    cell = np.zeros(d.weights, np.bool_)
    cell[d.column_weights] = True
    cell[d.gated :] = model.trains_direct
    return {False: cell, True: np.array(model.trains_readout)}
