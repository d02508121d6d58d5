"""Local dynamics of what a unit keeps; C: ``local_keep.c``.

All there is where units do not mix, the trace of e-prop where they do.
"""

from __future__ import annotations

import numpy as np

from ..fixed.words import Int
from .net import Net


def local_own(net: Net) -> tuple[Int, int]:
    """keep (components, components, units), zero from the private ones on, and its exponent."""
    d = net.dims
    own = np.zeros((d.components, d.components, d.units), dtype=np.int64)
    own[:, : d.private] = net["keep"].reshape(d.components, d.private, d.units)
    return own, int(net["k_exp"])
