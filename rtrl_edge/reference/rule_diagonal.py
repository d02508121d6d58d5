"""Exact RTRL where units do not mix, all columns at once; C: ``rule_diagonal.c``, unit by unit."""

from __future__ import annotations

from .net import Net
from .rule_local import advance, rule_init, rule_reset

__all__ = ["rule_init", "rule_reset", "rule_step"]


def rule_step(net: Net, learn: bool) -> None:
    """``J_p <- keep_i J_p + immediate`` for the unit i of column p; then gradient and update where there is a label."""
    advance(net, learn)
    net["unit"] = net.dims.units
