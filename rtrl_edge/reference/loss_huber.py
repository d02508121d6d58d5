"""Huber's loss in integers; C: ``loss_huber.c``."""

from __future__ import annotations

import numpy as np

from ..fixed.words import Int
from ..model import Huber
from .net import Net


def loss_error(net: Net, target: Int) -> None:
    """e = y - target, held within +-delta, in the format of y."""
    assert isinstance(net.model.loss, Huber)
    delta = net.model.loss.delta_word
    net["e"] = np.clip(net["y"] - target, -delta, delta)
