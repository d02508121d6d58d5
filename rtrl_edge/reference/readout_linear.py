"""Linear readout in integers; C: ``readout_linear.c``."""

from __future__ import annotations

import numpy as np

from ..fixed import ONE_Q15, STATE_FRAC, SUM_FRAC, WEIGHT_FRAC, block_shift, fits, round_shift, sat
from ..fixed.words import Int
from .net import Net


def readout_predict(net: Net) -> None:
    """y = V [h; 1], saturated to int16 with ``output_frac`` fraction bits."""
    total = net["v_hi"].reshape(net.dims.outputs, -1) @ _seen(net)
    net["y"] = sat(round_shift(total, SUM_FRAC - net.formats.output_frac), 16)


def readout_credit(net: Net) -> None:
    """Credit c (credits,) int16 = V^T e, zero before what the readout sees, its exponent; the sum of |c| is bounded."""
    d, f = net.dims, net.formats
    total = net["e"] @ net["v_hi"].reshape(d.outputs, -1)[:, : d.visible]
    size = np.abs(total)
    shift = block_shift(int(size.sum()), int(size.max()), d.visible, f.l1_max, 32767, 0)
    c = round_shift(total, shift)
    assert np.abs(c).max() <= 32767
    assert np.abs(c).sum() <= f.l1_max
    net["c"] = np.concatenate((np.zeros(d.credits - d.visible, dtype=np.int64), c))
    net["c_exp"] = f.error_frac + WEIGHT_FRAC - shift


def readout_learn(net: Net) -> None:
    """V after ``V <- V - rate clip(e [h; 1]^T)``."""
    g = fits(net["e"][:, None] * _seen(net)).ravel()
    net.optimiser.optimiser_readout(net, g, net.formats.error_frac + STATE_FRAC)


def _seen(net: Net) -> Int:
    """[h; 1] of what the readout sees."""
    return np.append(net["h"][net.dims.credits - net.dims.visible :], ONE_Q15)
