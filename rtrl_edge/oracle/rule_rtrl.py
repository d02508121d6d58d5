"""Exact Real-Time Recurrent Learning.

Influence matrix J (P, n), stored column by column: J[p, k] = dh_k/dw_p, p = i * m + j for W[i, j].
Source: Williams & Zipser 1989: the recursion for p^k_ij, its start at zero, and the weight change
sum_k e_k p^k_ij; found before by Robinson & Fallside 1987.
"""

from __future__ import annotations

import numpy as np

from ..model import Dims
from .voices import Float, Memory


def initial(dims: Dims) -> Memory:
    """J = 0 (P, n): the first state depends on no weight."""
    return {"J": np.zeros((dims.columns, dims.units))}


def advance(memory: Memory, D: Float, slope: Float, z: Float) -> Memory:
    """J <- D J + I, for every column p = i * m + j: J[p, :] = D J[p, :], plus slope_i z_j in entry i.

    Shapes: J (P, n), D (n, n), slope (n,), z (m,).
    """
    n, m = len(slope), len(z)
    J = memory["J"] @ D.T
    unit = np.arange(n)
    J.reshape(n, m, n)[unit, :, unit] += np.outer(slope, z)
    return {"J": J}


def gradient(dims: Dims, memory: Memory, credit: Float) -> Float:
    """dL/dw_p (P,) = sum_k c_k J[p, k] for the credit c (n,)."""
    return memory["J"] @ credit
