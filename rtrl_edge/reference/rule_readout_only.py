"""The cell does not learn; C: ``rule_readout_only.c``."""

from __future__ import annotations

from .net import Net


def rule_init(net: Net) -> None:
    """Nothing is carried."""


def rule_reset(net: Net) -> None:
    """Nothing to forget."""


def rule_step(net: Net, learn: bool) -> None:
    """Nothing to do."""
