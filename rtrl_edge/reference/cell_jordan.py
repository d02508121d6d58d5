"""Jordan network in integers; C: ``cell_jordan.c``, ``cell_jordan_linear.c``, ``teach_state.c``."""

from __future__ import annotations

import numpy as np

from ..fixed import ONE_Q15, STATE_FRAC, fits, round_shift, sat, tanh_q27, tanh_slope
from ..fixed.words import Int
from ..model import Jordan
from .net import Net
from .plain import cell_credit, cell_learn

__all__ = ["cell_credit", "cell_forward", "cell_learn", "cell_linearise", "cell_mix", "cell_reset", "cell_teach"]

ONE = 1 << 12  # of s and y
MIX_FROM_DECAY = 24 - 15  # Q0.15 to the 24 fraction bits of the mix


def cell_reset(net: Net) -> None:
    """Forget the past, and the teacher."""
    for member in ("z", "fed", "h", "taught"):
        net[member] = 0


def cell_forward(net: Net, x: Int) -> None:
    """s <- decay s + (1 - decay) clip(y), Q3.12 within +-1; h <- tanh(W [x; 1; s]); y <- V [h; 1], Q3.12, saturated."""
    s, y = np.split(net["h"], 2)
    W, V = _weights(net)
    decay = _decay(net)
    net["fed"] = ((np.abs(y) < ONE) & (net["taught"] == 0)).astype(np.int64)
    net["taught"] = 0
    s = round_shift(fits(decay * s + (2**15 - decay) * np.clip(y, -ONE, ONE)), 15)
    z = np.concatenate([x, [ONE_Q15], sat(s << (STATE_FRAC - 12), 16)])
    hidden = np.append(tanh_q27(W @ z), ONE_Q15)
    net["z"] = np.concatenate([z, hidden])
    net["h"] = np.concatenate([s, sat(round_shift(V @ hidden, 15), 16)])


def cell_teach(net: Net, target: Int) -> None:
    """Targets (outputs,) with the fraction bits of y stand for it in the next step."""
    net["h"][-net.dims.outputs :] = target
    net["taught"] = 1


def cell_linearise(net: Net) -> None:
    """spread, Q3.12: a hidden neuron i moves y by V[:, i] (1 - h_i^2), an output's moves it alone, by 1."""
    d = net.dims
    _, V = _weights(net)
    spread = np.zeros((d.neurons, d.units), dtype=np.int64)
    n = d.cell.units
    slope = tanh_slope(net["z"][-n - 1 : -1])
    spread[:n, d.outputs :] = round_shift(fits(V[:, :-1].T * slope[:, None]), 15)
    spread[n : n + d.outputs, d.outputs :] = ONE * np.eye(d.outputs, dtype=np.int64)
    net["spread"] = spread


def cell_mix(net: Net) -> Int:
    """[[decay, (1 - decay) F], [decay A, (1 - decay) A F]], 24 fraction bits, A = spread^T W_s; saturated at +-128."""
    d, o = net.dims, net.dims.outputs
    W, _ = _weights(net)
    dy_da = net["spread"].reshape(d.neurons, d.units)[: len(W), o:]
    A = dy_da.T @ W[:, d.inputs + 1 :]
    shares = _decay(net), (2**15 - _decay(net)) * net["fed"]
    one = np.eye(o, dtype=np.int64)
    context = np.hstack([(one * share) << MIX_FROM_DECAY for share in shares])
    mix: Int = np.vstack((context, np.hstack([round_shift(A * share, 15) for share in shares])))
    saturated: Int = np.clip(mix, -(2**31 - 1), 2**31 - 2)
    return saturated


def _decay(net: Net) -> int:
    cell = net.dims.cell
    assert isinstance(cell, Jordan)
    return cell.decay_word


def _weights(net: Net) -> tuple[Int, Int]:
    """W (units, inputs + 1 + outputs) and V (outputs, units + 1)."""
    at = net.dims.offsets[1]
    return net["w_hi"][:at].reshape(net.dims.cell.units, -1), net["w_hi"][at:].reshape(net.dims.outputs, -1)
