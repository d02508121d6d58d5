"""Local dynamics of RFLO: the last component of the state fades by a constant; C: ``local_decay.c``."""

from __future__ import annotations

import numpy as np

from ..fixed.words import Int
from ..model import RFLO
from .net import Net


def local_own(net: Net) -> tuple[Int, int]:
    """(components, components, units), zero but the last component of itself, and the exponent 15."""
    rule, d = net.model.rule, net.dims
    assert isinstance(rule, RFLO)
    own = np.zeros((d.components, d.components, d.units), dtype=np.int64)
    own[-1, -1] = rule.word
    return own, 15
