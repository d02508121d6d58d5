"""Fully recurrent network: that of ``cell_rnn.py``. What a teacher does to its state, ``teacher.py`` does.

Source: Williams & Zipser 1989.
"""

from .cell_rnn import direct, forward, jacobians, visible, visible_jacobian

__all__ = ["direct", "forward", "jacobians", "visible", "visible_jacobian"]
