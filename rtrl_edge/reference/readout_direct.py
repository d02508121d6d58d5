"""The first units are the outputs, in integers; C: ``readout_direct.c``."""

from __future__ import annotations

import numpy as np

from ..fixed import block_shift, round_shift
from .net import Net


def readout_predict(net: Net) -> None:
    """y = h of the first units with ``output_frac`` fraction bits."""
    d = net.dims
    first = d.credits - d.visible
    net["y"] = round_shift(net["h"][first : first + d.outputs], d.structure.state[-1][1] - net.formats.output_frac)


def readout_credit(net: Net) -> None:
    """Credit c (credits,) int16: e for the first units, 0 for the others, the sum of |c| bounded."""
    d, f, e = net.dims, net.formats, net["e"]
    size = np.abs(e)
    shift = block_shift(int(size.sum()), int(size.max()), d.outputs, f.l1_max, 32767, 0)
    c, first = np.zeros(d.credits, dtype=np.int64), d.credits - d.visible
    c[first : first + d.outputs] = round_shift(e, shift)
    assert np.abs(c).max() <= 32767
    assert np.abs(c).sum() <= f.l1_max
    net["c"], net["c_exp"] = c, f.error_frac - shift
