"""UORO: J = theta s^T on average, s <- rho D s + nu, theta <- theta / rho + I^T nu, nu of random signs.

s (S,), theta (P,). The gradient is that of D J + I with the old pair in J, before it is merged with nu.
Source: Tallec & Ollivier 2017, algorithm 1.
"""

from __future__ import annotations

from typing import cast

import numpy as np

from ..model import UORO, Model
from .low_rank import first_word, merged, signs
from .voices import Float, Memory, Step


def initial(model: Model) -> Memory:
    """J = 0, and the generator at its seed. ``carried``: the pair before the last merge, D s for s."""
    zero = {"s": np.zeros(model.dims.states), "theta": np.zeros(model.dims.columns)}
    return zero | {
        "carried_s": zero["s"],
        "carried_theta": zero["theta"],
        "random": np.array(float(first_word(cast(UORO, model.rule).seed))),
    }


def forget(model: Model, memory: Memory) -> Memory:
    """Keep the generator's state."""
    return initial(model) | {"random": memory["random"]}


def advance(model: Model, memory: Memory, step: Step) -> Memory:
    """The merge of (D s, theta) with (nu, I^T nu)."""
    nu, word = signs(int(memory["random"]), model.dims.states)
    carried = step.D @ memory["s"]
    s, theta = merged(carried, memory["theta"], nu, nu @ step.I, 1.0)
    return {
        "s": s,
        "theta": theta,
        "carried_s": carried,
        "carried_theta": memory["theta"],
        "random": np.array(float(word)),
    }


def gradient(model: Model, memory: Memory, step: Step) -> Float:
    """(c^T D s) theta + c^T I."""
    assert step.c is not None
    return (step.c @ memory["carried_s"]) * memory["carried_theta"] + step.c @ step.I
