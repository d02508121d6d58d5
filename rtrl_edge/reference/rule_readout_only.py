"""The cell does not learn; C: ``rule_readout_only.c``."""

from __future__ import annotations

from ..fixed import Formats
from ..fixed.words import Int
from ..model import Dims

State = dict[str, Int]


def rule_reset(state: State, formats: Formats) -> None:
    """Nothing to forget."""


def rule_step(state: State, dims: Dims, formats: Formats, learn: bool) -> None:
    """Nothing to do."""
