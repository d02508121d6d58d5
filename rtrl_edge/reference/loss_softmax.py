"""Cross-entropy of a softmax in integers; C: ``loss_softmax.c``."""

from __future__ import annotations

from ..fixed import fits, round_shift, sat
from ..fixed.words import Int
from .net import Net
from .target_probability import target_probability

LOG2E_Q14 = 23637  # round(2**14 * log2(e))


def loss_error(net: Net, target: Int) -> None:
    """e = p - target, Q0.15, saturated."""
    net["e"] = sat(probabilities(net, net["y"]) - target_probability(net, target), 16)


def probabilities(net: Net, y: Int) -> Int:
    """Logits y (..., outputs) Q3.12 as probabilities Q0.15 (0..32768).

    With d the distance to the largest logit, 2^(-d log2 e) from a table over one octave, linear between its points.
    """
    table = net.tables["rtrl_exp2_table"]
    octaves = round_shift(fits((y.max(axis=-1, keepdims=True) - y) * LOG2E_Q14), 14)  # Q12
    at, part = (octaves & 4095) >> 8, octaves & 255
    power = round_shift(table[at] + round_shift((table[at + 1] - table[at]) * part, 8), octaves >> 12)
    total = power.sum(axis=-1, keepdims=True)
    p: Int = fits((power << 15) + (total >> 1)) // total
    return p
