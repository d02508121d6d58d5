"""A weight's step, and the rates' schedule; C: ``weight_step.c``, ``rate_fixed.c``, ``rate_schedule.c``."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from ..fixed import fits, join_weight, split_weight, step_size
from ..fixed.words import Int
from .net import Net

Part = slice | npt.NDArray[np.intp]  # which weights


def rate_drop(net: Net) -> int:
    """How far both rates are shifted down: ``steps`` counts the present labelled step too."""
    drop = 0
    if net.model.optimiser.schedule:
        starts, drops = net.tables["rtrl_rate_steps"], net.tables["rtrl_rate_drops"]
        for start, wanted in zip(starts, drops, strict=True):
            drop = int(wanted) if net["steps"] > start else drop
    return drop


def rated(net: Net, name: str, direction: Int, frac: Int | int) -> Int:
    """The step of weights ``w`` (cell) or ``v`` (readout): rate * clip(direction), in units of a whole weight."""
    f = net.formats
    rate = (f.rate_shift if name == "w" else f.readout_rate_shift) + rate_drop(net)
    return step_size(direction, frac - (f.master_frac - rate), f.step_limit(rate))


def weight_step(net: Net, name: str, part: Part, step: Int) -> None:
    """The weights ``part`` after ``w <- w - step``, saturated."""
    hi, lo, bits = net[f"{name}_hi"], net[f"{name}_lo"], net.formats.residual_bits
    hi[part], lo[part] = split_weight(join_weight(hi[part], lo[part], bits) - fits(step), bits)
