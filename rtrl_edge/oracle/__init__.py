"""The float64 voice: what the mathematics says, each part written plainly.

One file a part, found by the part's ``voice`` name. Nothing here knows of integers, caps or saturation;
the number profile of a model is ignored. Only :mod:`rtrl_edge.model` and the weight values are shared
with the rest of the package, because an oracle that shares arithmetic with what it judges is none.
"""

from .network import Oracle
from .shadow import Shadow
from .windows import bptt, finite_differences, window_loss

__all__ = ["Oracle", "Shadow", "bptt", "finite_differences", "window_loss"]
