"""KF-RTRL: J = u x A on average, u <- rho u + c z, A <- D A / rho + c A_z, where I = z x A_z and c is a random sign.

u (m,) over what every gate sees, A (R, S) over rows of weights and states: J[(r, j), k] = A[r, k] u[j].
The gradient is that of D J + I with the old pair in J, before the merge.
Source: Mujika, Meier & Steger 2018, algorithm 1.
"""

from __future__ import annotations

from typing import cast

import numpy as np

from ..model import KFRTRL, Model
from .low_rank import first_word, immediate, merged, one_sign
from .voices import Float, Memory, Step


def initial(model: Model) -> Memory:
    """J = 0, and the generator at its seed. ``carried``: the pair before the last merge, D A for A."""
    d = model.dims
    width = d.structure.blocks[0].width
    zero = {"u": np.zeros(width), "A": np.zeros((d.columns // width, d.states))}
    return zero | {
        "carried_u": zero["u"],
        "carried_A": zero["A"],
        "random": np.array(float(first_word(cast(KFRTRL, model.rule).seed))),
    }


def forget(model: Model, memory: Memory) -> Memory:
    """Keep the generator's state."""
    return initial(model) | {"random": memory["random"]}


def advance(model: Model, memory: Memory, step: Step) -> Memory:
    """The merge of (u, D A) with (z, A_z)."""
    sign, word = one_sign(int(memory["random"]))
    carried = memory["A"] @ step.D.T
    u, A = merged(memory["u"], carried, *immediate(model.dims, step), sign)
    return {"u": u, "A": A, "carried_u": memory["u"], "carried_A": carried, "random": np.array(float(word))}


def gradient(model: Model, memory: Memory, step: Step) -> Float:
    """(A c) x u + c^T I."""
    assert step.c is not None
    return np.outer(memory["carried_A"] @ step.c, memory["carried_u"]).ravel() + step.c @ step.I
