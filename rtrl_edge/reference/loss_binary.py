"""Cross-entropy of independent logits in integers; C: ``loss_binary.c``."""

from __future__ import annotations

from ..fixed import SUM_FRAC, fits, sigmoid_q27
from ..fixed.words import Int
from .net import Net
from .target_probability import target_probability


def loss_error(net: Net, target: Int) -> None:
    """e = logistic(y) - target, Q0.15; at most 32767, since the logistic function is."""
    p = sigmoid_q27(net["y"] << (SUM_FRAC - net.formats.output_frac))
    net["e"] = fits(p - target_probability(net, target), 16)
