"""A float64 gradient beside another machine.

An integer network and a float64 one that learn from the same stream drift apart, and then their gradients
differ for a reason that is not the gradient's fault. The shadow never runs its own network: it follows the
states, weights and credits of the other machine and answers what a rule's gradient is *there*.
"""

from __future__ import annotations

from dataclasses import replace

import numpy.typing as npt

from ..model import RTRL, Model
from .voices import Float, Memory, Step, vector, voices, without_past


class Shadow:
    """A rule along a given trajectory, in float64.

    All values are in the network's own units: an integer machine's states times 2^-15, weights times 2^-12.

    Args:
        model: the other machine's model.
        exact: follow the exact gradient (RTRL), whatever the model's rule is; otherwise the model's own rule. Either
            way of all weights of the gates, whether they learn or not.
    """

    def __init__(self, model: Model, exact: bool = True) -> None:
        """Start without a past."""
        whole = replace(model, trainable=None)
        self.model = replace(whole, rule=RTRL()) if exact else whole
        self._parts = voices(self.model)
        self._memory: Memory = self._parts.rule.initial(self.model)

    @property
    def memory(self) -> Memory:
        """Copies of what the rule carries: J (P, S) of the exact gradient."""
        return {name: value.copy() for name, value in self._memory.items()}

    def step(
        self, w: npt.ArrayLike, x: npt.ArrayLike, before: npt.ArrayLike, after: npt.ArrayLike,
        credit: npt.ArrayLike | None = None, free: npt.ArrayLike | None = None,
        error: npt.ArrayLike | None = None,
    ) -> Float | None:  # fmt: skip
        """One step of the other machine, labelled or not.

        Args:
            w: (weights,) the cell's weights that its forward pass used.
            x: (inputs,) its input.
            before: (S,) its state before the step.
            after: (S,) and after it.
            credit: (H,) dL/d(what the readout sees), or None without a label.
            free: (S,) 0 where ``before`` was forced by a teacher and depends on no past, else 1; None: all 1.
            error: (o,) dL/dy, or None without a label; only a rule that sees it needs it.

        Returns:
            The gradient (P,) of a labelled step; of a ``late`` rule, of any step at which it moves the weights.
        """
        d, cell = self.model.dims, self._parts.cell
        weights, sample = vector("shadow: w", w, d.weights), vector("shadow: x", x, d.inputs)
        past, now = vector("shadow: before", before, d.states), vector("shadow: after", after, d.states)
        D, immediate = cell.jacobians(d, weights, sample, past)
        if free is not None:
            D = D * vector("shadow: free", free, d.states)
        c = None
        if credit is not None:
            C = cell.visible_jacobian(d, weights, sample, now)
            c = C.T @ vector("shadow: credit", credit, d.visible)
        e = None if error is None else vector("shadow: error", error, d.outputs)
        step = Step(weights, sample, past, now, D, immediate, c, e)
        self._memory = self._parts.rule.advance(self.model, self._memory, step)
        wanted = c is not None or self.model.rule.late
        return self._parts.rule.gradient(self.model, self._memory, step) if wanted else None

    def reset(self) -> None:
        """The other machine forgot its past."""
        self._memory = without_past(self.model, self._memory)
