"""Trained networks from other frameworks in, learned weights back.

A reader (one module a format) finds a :class:`Network` in a file or refuses it with a sentence; what follows knows no
framework: check against the source's own arithmetic, quantize, and write learned weights back into the source's arrays.
"""

from .network import Network, Tensor, gates, tensors

__all__ = ["Network", "Tensor", "gates", "tensors"]
