"""Linear readout in integers; C: ``readout_linear.c``."""

from __future__ import annotations

import numpy as np

from ..fixed import ONE_Q15, STATE_FRAC, SUM_FRAC, WEIGHT_FRAC, Formats, block_shift, fits, round_shift, sat
from ..fixed.words import Int
from ..model import Dims
from .optimiser_sgd import optimiser_step


def readout_predict(h: Int, v_hi: Int, dims: Dims, formats: Formats) -> Int:
    """y (outputs,) = V [h; 1], saturated to int16 with ``output_frac`` fraction bits."""
    total = v_hi.reshape(dims.outputs, -1) @ np.append(h, ONE_Q15)
    return sat(round_shift(total, SUM_FRAC - formats.output_frac), 16)


def readout_credit(e: Int, v_hi: Int, dims: Dims, formats: Formats) -> tuple[Int, int]:
    """Credit c (units,) int16 = V^T e and its exponent, the sum of |c| bounded."""
    total = e @ v_hi.reshape(dims.outputs, -1)[:, : dims.units]
    size = np.abs(total)
    shift = block_shift(int(size.sum()), int(size.max()), dims.units, formats.l1_max, 32767, 0)
    c = round_shift(total, shift)
    assert np.abs(c).max() <= 32767
    assert np.abs(c).sum() <= formats.l1_max
    return c, formats.output_frac + WEIGHT_FRAC - shift


def readout_learn(v_hi: Int, v_lo: Int, e: Int, h: Int, formats: Formats) -> tuple[Int, Int]:
    """V after ``V <- V - rate clip(e [h; 1]^T)``."""
    g = fits(e[:, None] * np.append(h, ONE_Q15)).ravel()
    rate = formats.readout_rate_shift
    shift = formats.output_frac + STATE_FRAC - (formats.master_frac - rate)
    return optimiser_step(v_hi, v_lo, g, shift, formats.step_limit(rate), formats)
