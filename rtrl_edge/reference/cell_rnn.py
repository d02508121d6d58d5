"""Elman cell in integers; C: ``cell_rnn.c``."""

from __future__ import annotations

import numpy as np

from ..fixed import ONE_Q15, tanh_q27, tanh_slope
from ..fixed.words import Int
from .mix_blocks import cell_mix
from .net import Net
from .plain import cell_credit, cell_learn

__all__ = ["cell_credit", "cell_forward", "cell_learn", "cell_linearise", "cell_mix", "cell_reset"]


def cell_reset(net: Net) -> None:
    """Forget the past."""
    net["z"], net["h"] = 0, 0


def cell_forward(net: Net, x: Int) -> None:
    """h <- tanh(W z) with z = [x; 1; h before], Q0.15."""
    net["z"] = np.concatenate([x, [ONE_Q15], net["h"]])
    net["h"] = tanh_q27(net["w_hi"].reshape(net.dims.units, -1) @ net["z"])


def cell_linearise(net: Net) -> None:
    """The one coefficient: 1 - h^2, Q0.15, of the h that the table gave."""
    net["coef"] = tanh_slope(net["h"])
