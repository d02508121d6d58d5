"""The state struct of a model: which members, in which order, at which byte.

One function decides; the C header, the RAM plan, the host twin's views, the emulator's memory reads and
the snapshots all follow it, and a static assert in the generated C holds the compiler to it.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from .model import Field, Model

#: groups that must be equal bit for bit between any two devices after the same calls
COMPARED_GROUPS = ("weights", "state", "influence", "optimiser", "counters")


@dataclass(frozen=True)
class Placed:
    """A member of the struct with its place: ``offset`` and ``size`` in bytes."""

    field: Field
    offset: int

    @property
    def dtype(self) -> np.dtype[np.generic]:
        """Little-endian NumPy type of one element."""
        return np.dtype(self.field.ctype).newbyteorder("<")

    @property
    def count(self) -> int:
        """Number of elements."""
        return math.prod(self.field.shape)

    @property
    def size(self) -> int:
        """Bytes."""
        return self.count * self.dtype.itemsize


@dataclass(frozen=True)
class Layout:
    """All members in their order; ``size`` is ``sizeof`` the struct, ``padding`` the bytes at its end."""

    members: tuple[Placed, ...]
    size: int
    padding: int

    def __getitem__(self, name: str) -> Placed:
        for member in self.members:
            if member.field.name == name:
                return member
        raise KeyError(name)

    def bytes_of(self, group: str) -> int:
        """Bytes of one group (padding belongs to none)."""
        return sum(m.size for m in self.members if m.field.group == group)

    @property
    def trace(self) -> tuple[Placed, ...]:
        """The members from which the linear form of a step follows."""
        return tuple(m for m in self.members if m.field.trace)

    def views(self, memory: npt.NDArray[np.uint8]) -> dict[str, npt.NDArray[np.generic]]:
        """The members of a struct in ``memory`` (uint8, at least ``size`` bytes), without copying."""
        return {
            m.field.name: memory[m.offset : m.offset + m.size].view(m.dtype).reshape(m.field.shape)
            for m in self.members
        }


def layout(model: Model) -> Layout:
    """Place every part's fields: those of whole 32-bit words first, which are aligned then, the others by width.

    So the struct has no holes, and wherever a row is a whole number of 32-bit words, every row begins at one.
    """
    fields = _fields(model)
    if not model.rule.trains_cell:
        fields = [field for field in fields if field.name != "w_hi"]  # the cell reads its weights in flash
    fields = [field for field in fields if math.prod(field.shape)]  # a readout without weights leaves some empty
    order = sorted(fields, key=_place)  # stable: parts keep their order
    members, offset = [], 0
    for field in order:
        members.append(Placed(field, offset))
        offset += members[-1].size
    _check_trace(members)
    size = -(-offset // 4) * 4  # the struct holds 32-bit words, so its size is a multiple of four
    return Layout(tuple(members), size, size - offset)


def factory_fields(model: Model) -> dict[str, Field]:
    """The weights whose first values are constants in flash, by name: the struct's, and those of a cell that does not
    learn, which are there alone."""
    return {field.name: field for field in _fields(model) if field.group == "weights"}


def _fields(model: Model) -> list[Field]:
    dims, numbers = model.dims, model.numbers
    fields: list[Field] = []
    for part in model.parts:
        if part is not model.optimiser or model.trains_readout:  # its fields are the readout's
            fields += part.fields(dims, numbers)
    if model.rule.trains_cell:
        fields += model.optimiser.cell_fields(dims, numbers)
    fields.append(Field("steps", "uint32", (), "counters", "labelled steps since init"))
    fields.append(Field("phase", "uint8", (), "state", "0 idle, 1 predicted, 2 observing, 3 learning"))
    return fields


def _place(field: Field) -> tuple[bool, int]:
    item = np.dtype(field.ctype).itemsize
    return field.trace or math.prod(field.shape) * item % 4 != 0, -item  # a trace stays in one piece


def _check_trace(members: Sequence[Placed]) -> None:
    """A rule copies the trace of a step as one run of int16 words."""
    trace = [i for i, member in enumerate(members) if member.field.trace]
    assert trace == list(range(trace[0], trace[0] + len(trace))), "the trace's members must stand side by side"
    assert all(members[i].field.ctype == "int16" for i in trace)


def differences(
    a: Mapping[str, npt.NDArray[np.generic]], b: Mapping[str, npt.NDArray[np.generic]], model: Model
) -> list[str]:
    """Names of the compared members that are not equal in two states, with the first place that differs."""
    found = []
    for member in layout(model).members:
        if member.field.group not in COMPARED_GROUPS:
            continue
        name = member.field.name
        left, right = np.asarray(a[name]), np.asarray(b[name])
        if left.shape != right.shape:
            found.append(f"{name}: shapes {left.shape} and {right.shape}")
        elif not np.array_equal(left, right):
            at = tuple(int(i) for i in np.argwhere(left != right)[0])
            found.append(
                f"{name}{list(at)}: {left[at]} and {right[at]} ({int((left != right).sum())} of {left.size} differ)"
            )
    return found
