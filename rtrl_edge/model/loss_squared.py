"""Squared error."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from .parts import Loss


@dataclass(frozen=True)
class SquaredError(Loss):
    """Loss ``1/2 sum_o (y_o - target_o)^2``; the error passed back is ``e = y - target``, in the format of y."""

    voice: ClassVar[str] = "loss_squared"
