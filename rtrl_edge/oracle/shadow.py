"""An exact influence matrix beside another machine.

An integer network and a float64 one that learn from the same stream drift apart, and then their gradients
differ for a reason that is not the gradient's fault. The shadow never runs its own network: it follows the
states, weights and credits of the other machine and answers what the exact gradient is *there*.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from ..model import Model
from . import rule_rtrl
from .voices import Float, Memory, vector, voices


class Shadow:
    """Exact J (P, n) along a given trajectory, in float64.

    After :meth:`step`, :meth:`gradient` gives c^T J. All values are in the network's own units: an
    integer machine's states times 2^-15, weights times 2^-12. J is exact whatever the model's rule is.

    Args:
        model: the other machine's model; its cell and its sizes count.
    """

    def __init__(self, model: Model) -> None:
        """Start without a past."""
        self.model = model
        self._cell = voices(model).cell
        self._memory: Memory = rule_rtrl.initial(model.dims)

    @property
    def J(self) -> Float:
        """A copy of the influence matrix (P, n)."""
        return self._memory["J"].copy()

    def step(self, z: npt.ArrayLike, h: npt.ArrayLike, W_rec: npt.ArrayLike) -> None:
        """One step of the other machine, labelled or not.

        Args:
            z: (m,) what its units saw, [x; 1; h before the step].
            h: (n,) its state after the step; the slope is 1 - h^2 of this state.
            W_rec: (n, n) the recurrent weights that its forward pass used.
        """
        d = self.model.dims
        block = np.asarray(W_rec, dtype=np.float64)
        if block.shape != (d.units, d.units):
            raise ValueError(f"shadow: wanted W_rec ({d.units}, {d.units}), found {block.shape}")
        state, seen = vector("shadow: h", h, d.units), vector("shadow: z", z, d.presynaptic)
        D, slope = self._cell.dynamics(block, state), self._cell.slope(state)
        self._memory = rule_rtrl.advance(self._memory, D, slope, seen)

    def gradient(self, c: npt.ArrayLike) -> Float:
        """The exact dL/dW (P,) for the other machine's credit c = dL/dh (n,) at its last step."""
        credit = vector("shadow: c", c, self.model.dims.units)
        return rule_rtrl.gradient(self.model.dims, self._memory, credit)

    def reset(self) -> None:
        """The other machine forgot its past."""
        self._memory = rule_rtrl.initial(self.model.dims)
