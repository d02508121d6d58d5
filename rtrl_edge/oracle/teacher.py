"""Teacher forcing: after a labelled step the targets stand for the first visible states.

Source: Williams & Zipser 1989, eq. 14-16.
"""

from __future__ import annotations

import numpy as np

from ..model import Dims
from .voices import Float


def force(d: Dims, s: Float, target: Float | None) -> tuple[Float, Float]:
    """The state (S,) that the next step sees, and which of it (S,) depends on the past: 1, or 0 where it was forced.

    Args:
        d: sizes; a cell without teacher forcing is left alone.
        s: (S,) the state after the last step.
        target: (o,) its label, or None if it had none.
    """
    seen, free = s.copy(), np.ones(d.states)
    if d.structure.forced and target is not None:
        first = d.states - d.visible
        seen[first : first + d.outputs], free[first : first + d.outputs] = target, 0.0
    return seen, free
