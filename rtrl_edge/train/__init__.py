"""Host pre-training in float32: truncated back-propagation with Adam, in plain NumPy, for every cell.

``fit.py`` is the loop; a cell is one file, named as its ``voice``: a batch of steps forward, and their linear form,
from which ``form.py`` goes back.
"""

from .fit import train

__all__ = ["train"]
