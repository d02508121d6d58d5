"""Elman network with sparse recurrent weights, h_t = tanh(W z_t) with z_t = [x_t; 1; h_{t-1}], W zero off the pattern.

Shapes: x (inputs,), state h (n,), w flat: (n, inputs + 1), then the recurrent weights that there are, row by row.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from ..model import Dims
from . import cell_rnn
from .plain import direct, visible, visible_jacobian
from .voices import Float

__all__ = ["direct", "forward", "jacobians", "visible", "visible_jacobian"]


def forward(d: Dims, w: Float, x: Float, s: Float) -> Float:
    """That of the dense cell with zeros."""
    return cell_rnn.forward(d, _dense(d, w)[0], x, s)


def jacobians(d: Dims, w: Float, x: Float, s: Float) -> tuple[Float, Float]:
    """Those of the dense cell with zeros, without the columns of the absent weights."""
    dense, at = _dense(d, w)
    D, immediate = cell_rnn.jacobians(d, dense, x, s)
    return D, immediate[:, at]


def _dense(d: Dims, w: Float) -> tuple[Float, npt.NDArray[np.intp]]:
    """W (n, m), flat, with zeros; and which entry of it each weight is, (P,)."""
    n, m = d.units, d.inputs + 1 + d.units
    pattern = d.structure.pattern
    assert pattern is not None
    at = [i * m + j for i in range(n) for j in range(d.inputs + 1)]
    at += [i * m + d.inputs + 1 + k for i, row in enumerate(pattern) for k in row]
    dense = np.zeros(n * m)
    dense[at] = w
    return dense, np.array(at)
