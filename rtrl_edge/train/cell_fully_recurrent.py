"""Fully recurrent network, a batch at a time: that of ``cell_rnn.py``. What a teacher does, ``fit.py`` does."""

from .cell_rnn import backward, forward, visible, visible_backward

__all__ = ["backward", "forward", "visible", "visible_backward"]
