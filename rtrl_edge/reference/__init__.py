"""The specification of every bit, in NumPy integers: one function for each C kernel, same name and order.

It computes in int64 and asserts the bounds that the C relies on. It shares nothing with the generator or the
devices that it judges.
"""

from .step import Reference

__all__ = ["Reference"]
