"""Elman cell in integers; C: ``cell_rnn.c``."""

from __future__ import annotations

import numpy as np

from ..fixed import ONE_Q15, STATE_FRAC, SUM_FRAC, Formats, block_shift, fits, round_shift, sat, tanh_q27
from ..fixed.words import Int
from ..model import Dims


def cell_forward(h: Int, x: Int, w_hi: Int, dims: Dims) -> tuple[Int, Int]:
    """New state h (units,) Q0.15 and z = [x; 1; h before] (presynaptic,) Q0.15; w_hi (columns,) Q3.12."""
    z = np.concatenate([x, [ONE_Q15], h])
    return tanh_q27(w_hi.reshape(dims.units, -1) @ z), z


def cell_slope(h: Int) -> Int:
    """1 - h^2, Q0.15, of the h that the table gave."""
    return sat(32768 - round_shift(h * h, STATE_FRAC), 16)


def cell_dynamics(slope: Int, w_hi: Int, dims: Dims, formats: Formats) -> tuple[Int, int]:
    """D (units, units) and its exponent: D * 2^-exponent = diag(slope) W_recurrent, each row's L1 norm bounded."""
    recurrent = w_hi.reshape(dims.units, -1)[:, dims.inputs + 1 :]
    product = slope[:, None] * recurrent
    shift = block_shift(
        l1=int(np.abs(product).sum(axis=1).max()),
        peak=int(np.abs(product).max()),
        terms=dims.units,
        l1_max=formats.l1_max,
        peak_max=formats.dynamics_max,
        least=SUM_FRAC - formats.exponent_max,
    )
    D = round_shift(product, shift)
    assert np.abs(D).max() <= formats.dynamics_max
    assert np.abs(D).sum(axis=1).max() <= formats.l1_max
    return D, SUM_FRAC - shift


def cell_immediate(slope: Int, z: Int) -> Int:
    """d h_i / d W[i, j] = slope[i] z[j] for all columns, (units, presynaptic), 30 fraction bits."""
    return fits(slope[:, None] * z[None, :])
