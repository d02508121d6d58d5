"""Fully recurrent network with teacher forcing, in integers; C: ``cell_fully_recurrent.c``, ``..._linear.c``."""

from __future__ import annotations

import numpy as np

from ..fixed import ONE_Q15, STATE_FRAC, sat, tanh_q27
from ..fixed.words import Int
from . import mix_blocks
from .cell_rnn import cell_linearise
from .net import Net
from .plain import cell_credit, cell_learn

__all__ = ["cell_credit", "cell_forward", "cell_learn", "cell_linearise", "cell_mix", "cell_reset", "cell_teach"]


def cell_reset(net: Net) -> None:
    """Forget the past, and the teacher."""
    for member in ("z", "h", "forced", "taught", "teacher"):
        net[member] = 0


def cell_forward(net: Net, x: Int) -> None:
    """h <- tanh(W z) with z = [x; 1; h before], Q0.15; after a label its targets for the h of the first units."""
    seen = net["h"].copy()
    if net["taught"]:
        seen[: net.dims.outputs] = net["teacher"]
    net["forced"], net["taught"] = net["taught"], 0
    net["z"] = np.concatenate([x, [ONE_Q15], seen])
    net["h"] = tanh_q27(net["w_hi"].reshape(net.dims.units, -1) @ net["z"])


def cell_teach(net: Net, target: Int) -> None:
    """Targets (outputs,) with ``output_frac`` fraction bits for the next z, saturated at +-1."""
    net["teacher"] = sat(target << (STATE_FRAC - net.formats.output_frac), 16)
    net["taught"] = 1


def cell_mix(net: Net) -> Int:
    """``coef W`` (units, units), but 0 from the units whose h a target stood for."""
    mix = mix_blocks.cell_mix(net)
    if net["forced"]:
        mix[:, : net.dims.outputs] = 0
    return mix
