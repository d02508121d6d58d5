"""What most cells have in common: the readout sees their state as it is, and no weight acts on the readout alone.

A cell without functions of its own for these imports them from here.
"""

from __future__ import annotations

from .net import Net


def cell_credit(net: Net) -> None:
    """The credit of what the readout sees is that of the state."""


def cell_learn(net: Net) -> None:
    """No direct weights."""
