"""A whole network in float64, with the calls of a device."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ..model import Model
from ..weights import Weights
from .voices import Float, Memory, vector, voices


@dataclass(frozen=True, eq=False)
class Gradients:
    """Loss gradient in the shapes of the weights: W (n, m), V (o, n + 1)."""

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
        h: the state (n,) before the first sample, zero if not given. The influence starts at zero.
    """

    def __init__(self, model: Model, weights: Weights, h: npt.ArrayLike | None = None) -> None:
        """Start without a past, or in the state h."""
        weights.check(model)
        self.model = model
        self._parts = voices(model)
        self._W = np.array(weights.W, dtype=np.float64)
        self._V = np.array(weights.V, dtype=np.float64)
        self._scaling = weights.scaling
        self._steps = 0
        self._memory: Memory = {}
        self._pending = False
        self.reset()
        if h is not None:
            self._h = vector("oracle: h", h, model.dims.units)

    @property
    def weights(self) -> Weights:
        """A copy of the weights as they are now."""
        return Weights(self._W.copy(), self._V.copy(), self._scaling)

    def predict(self, x: npt.ArrayLike) -> Float:
        """Advance the network by one sample x (inputs,); return y (outputs,)."""
        sample = vector("predict: x", x, self.model.dims.inputs)
        if self._pending:
            self.observe()
        self._h, self._z = self._parts.cell.forward(self._W, sample, self._h)
        self._y = self._parts.readout.forward(self._V, self._h)
        self._pending = True
        return self._y.copy()

    def gradients(self, target: npt.ArrayLike) -> Gradients:
        """Gradient of the loss of the sample just predicted, target (outputs,); changes nothing."""
        return self._gradients(self._error("gradients", target), self._advanced("gradients"))

    def learn(self, target: npt.ArrayLike) -> None:
        """Learn from target (outputs,) of the sample just predicted."""
        e, memory = self._error("learn", target), self._advanced("learn")
        g = self._gradients(e, memory)
        move, sgd = self._parts.optimiser.update, self.model.optimiser
        if self.model.rule.trains_cell:
            self._W = move(sgd, self._W, g.W, readout=False)
        self._V = move(sgd, self._V, g.V, readout=True)
        self._memory, self._e = memory, e
        self._steps += 1
        self._pending = False

    def observe(self) -> None:
        """Advance the influence of the sample just predicted without a label."""
        self._memory = self._advanced("observe")
        self._pending = False

    def reset(self) -> None:
        """Forget the past (state, influence and an unfinished step); keep the weights."""
        d = self.model.dims
        self._h, self._z = np.zeros(d.units), np.zeros(d.presynaptic)
        self._y, self._e = np.zeros(d.outputs), np.zeros(d.outputs)
        self._memory = self._parts.rule.initial(d)
        self._pending = False

    def state(self) -> dict[str, Float]:
        """Copies of W (n, m), V (o, n + 1), z (m,), h (n,), y and e (o,), the labelled ``steps`` (),
        and of what the rule carries, J (P, n) for RTRL."""
        own = {"W": self._W, "V": self._V, "z": self._z, "h": self._h, "y": self._y, "e": self._e}
        copies = {name: value.copy() for name, value in (own | self._memory).items()}
        return copies | {"steps": np.array(float(self._steps))}

    def _error(self, call: str, target: npt.ArrayLike) -> Float:
        wanted = vector(f"{call}: target", target, self.model.dims.outputs)
        return self._parts.loss.error(self._y, wanted)

    def _advanced(self, call: str) -> Memory:
        """The rule's memory after the pending step, made with the weights of its forward pass."""
        if not self._pending:
            raise RuntimeError(f"{call}: there is no sample to work on; call predict first, once for each {call}")
        cell = self._parts.cell
        D = cell.dynamics(self._W, self._h)
        return self._parts.rule.advance(self._memory, D, cell.slope(self._h), self._z)

    def _gradients(self, e: Float, memory: Memory) -> Gradients:
        parts = self._parts
        columns = parts.rule.gradient(self.model.dims, memory, parts.readout.credit(self._V, e))
        return Gradients(columns.reshape(self._W.shape), parts.readout.gradient(e, self._h))
