"""Elman cell with sparse recurrent weights, in integers; C: ``cell_rnn_sparse.c``."""

from __future__ import annotations

import numpy as np

from ..fixed import ONE_Q15, fits, tanh_q27, tanh_slope
from ..fixed.words import Int
from .net import Net
from .plain import cell_credit, cell_learn

__all__ = ["cell_credit", "cell_forward", "cell_learn", "cell_linearise", "cell_mix", "cell_reset"]


def cell_reset(net: Net) -> None:
    """Forget the past."""
    net["z"], net["h"] = 0, 0


def cell_forward(net: Net, x: Int) -> None:
    """z = [x; 1; h], then h from the new z; the sum is exact."""
    net["z"] = np.concatenate([x, [ONE_Q15], net["h"]])
    net["h"] = tanh_q27(weights(net) @ net["z"])


def cell_linearise(net: Net) -> None:
    """1 - h^2, Q0.15, of both blocks."""
    net["coef"] = np.tile(tanh_slope(net["h"]), 2)


def cell_mix(net: Net) -> Int:
    """(1 - h_i^2) W[i, l], 27 fraction bits, zero off the pattern."""
    slope = net["coef"][: net.dims.units]
    return fits(slope[:, None] * weights(net)[:, net.dims.inputs + 1 :])


def weights(net: Net) -> Int:
    """W (units, inputs + 1 + units), zero off the pattern."""
    _, unit, entry = net.dims.weight_places
    W = np.zeros((net.dims.units, net.dims.presynaptic), dtype=np.int64)
    W[unit, entry] = net["w_hi"]
    return W
