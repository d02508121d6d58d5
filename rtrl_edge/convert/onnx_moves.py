"""ONNX' nodes that only move numbers or axes about, by which exporters lead samples and weights to a layer."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from .network import Tensor
from .onnx_file import (
    ELEMENTS_MAX,
    FLOATS,
    RANK_MAX,
    TYPES,
    Operator,
    RefusedError,
    Shape,
    Signal,
    Value,
    Walk,
    Zeros,
    constant,
    elements,
)


def constant_node(walk: Walk, node: Any, attributes: dict[str, Any]) -> Tensor:
    """Constant: a tensor, or whole numbers."""
    if len(attributes) != 1:
        raise RefusedError("wanted one value")
    ((name, a),) = attributes.items()
    if name == "value":
        return constant(walk, node.output[0], a.t)
    if name in ("value_int", "value_ints"):
        values = np.array(a.i if name == "value_int" else list(a.ints)[:ELEMENTS_MAX], np.int64)
        return Tensor(values, np.full(values.shape, -1, np.intp))
    raise RefusedError(f"wanted a tensor or whole numbers, found {name!r}")


def _ints(what: str, attributes: dict[str, Any], given: list[Any], at: int) -> list[int] | None:
    """Whole numbers that are an attribute in earlier opsets and an input in later ones."""
    value = given[at] if len(given) > at else None
    if value is not None:
        if not isinstance(value, Tensor) or value.values.dtype.kind != "i" or value.values.size > 64:
            raise RefusedError(f"wanted its {what} as constant whole numbers")
        return [int(v) for v in value.values.ravel()]
    if what in attributes:
        return list(attributes[what].ints)[:64]
    return None


def axis_of(axis: int, rank: int) -> int:
    """An axis from 0 up, of one that may count from the end."""
    if not -rank <= axis < rank:
        raise RefusedError(f"axis {axis} of {rank}")
    return axis % rank


def _squeeze(walk: Walk, attributes: dict[str, Any], given: list[Any]) -> Value:
    value = given[0]
    if isinstance(value, Shape | Zeros):
        return value
    sizes = value.shape if isinstance(value, Tensor) else value.sizes
    axes = _ints("axes", attributes, given, 1)
    if axes is None:
        if None in sizes:
            raise RefusedError("without axes it depends on sizes that are not known; name them")
        axes = [i for i, n in enumerate(sizes) if n == 1]
    gone = sorted({axis_of(a, len(sizes)) for a in axes}, reverse=True)
    if isinstance(value, Tensor):
        if any(sizes[a] != 1 for a in gone):
            raise RefusedError(f"axes {gone} of the shape {sizes} are not 1")
        return value.map(lambda a: np.squeeze(a, tuple(gone)))
    for a in gone:
        value = _drop(value, a)
    return value


def _drop(value: Signal, axis: int) -> Signal:
    name = value.axes[axis]
    if name in ("T", "F") or value.sizes[axis] not in (1, None) or (name.isdigit() and int(name) >= 10):
        raise RefusedError(f"it drops the axis {name} of {' '.join(value.axes)}")
    return value.without(axis)


def _unsqueeze(walk: Walk, attributes: dict[str, Any], given: list[Any]) -> Value:
    value = given[0]
    if isinstance(value, Shape | Zeros):
        return value
    axes = _ints("axes", attributes, given, 1)
    rank = len(value.shape if isinstance(value, Tensor) else value.axes)
    if not axes or rank + len(axes) > RANK_MAX:
        raise RefusedError(f"wanted axes, at most {RANK_MAX} in all")
    new = sorted({axis_of(a, rank + len(axes)) for a in axes})
    if len(new) != len(axes):
        raise RefusedError("an axis is named twice")
    if isinstance(value, Tensor):
        return value.map(lambda a: np.expand_dims(a, tuple(new)))
    for a in new:
        value = value.with_one(a)
    return value


def _transpose(walk: Walk, attributes: dict[str, Any], given: list[Any]) -> Value:
    value = given[0]
    if isinstance(value, Shape | Zeros):
        return value
    rank = len(value.shape if isinstance(value, Tensor) else value.axes)
    order = list(attributes["perm"].ints) if "perm" in attributes else list(range(rank))[::-1]
    if sorted(order) != list(range(rank)):
        raise RefusedError(f"perm {order[:12]} is no order of {rank} axes")
    return value.map(lambda a: np.transpose(a, order)) if isinstance(value, Tensor) else value.moved(order)


def _reshape(walk: Walk, attributes: dict[str, Any], given: list[Any]) -> Value:
    value = given[0]
    if isinstance(value, Zeros | Shape):
        return value
    shape = _ints("shape", {}, given, 1)
    if shape is None or len(shape) > RANK_MAX or any(n < -1 or n > ELEMENTS_MAX for n in shape) or shape.count(-1) > 1:
        raise RefusedError(f"wanted a constant shape, found {shape}")
    if "allowzero" in attributes and attributes["allowzero"].i and 0 in shape:
        raise RefusedError("a shape with axes of no size")
    sizes = value.shape if isinstance(value, Tensor) else value.sizes
    if any(n == 0 and i >= len(sizes) for i, n in enumerate(shape)):
        raise RefusedError(f"the shape {shape} copies an axis that is not there")
    if isinstance(value, Tensor):
        full = [value.shape[i] if n == 0 else n for i, n in enumerate(shape)]
        try:
            return value.map(lambda a: a.reshape(full))
        except ValueError:
            raise RefusedError(f"{value.shape} does not fit into {shape}") from None
    found = _assign(value, list(range(len(value.axes))), shape, 0)
    if found is None:
        raise RefusedError(f"{' '.join(value.axes)} into {shape}: it does more than adding or dropping axes of size 1")
    return replace(
        value,
        axes=tuple("1" if i is None else value.axes[i] for i in found),
        sizes=tuple(1 if i is None else value.sizes[i] for i in found),
    )


def _assign(value: Signal, left: list[int], shape: list[int], at: int) -> list[int | None] | None:
    """For each axis of a new shape the old one that it is, or None for a 1 of its own."""
    if at == len(shape):
        droppable = all(value.sizes[i] == 1 and value.axes[i] in ("1", "D", "N") for i in left)
        return [] if droppable else None
    for skip in range(len(left) + 1):
        if skip < len(left):
            axis = left[skip]
            fits = shape[at] in (-1, value.sizes[axis]) or (shape[at] == 0 and axis == at)
            rest = _assign(value, left[skip + 1 :], shape, at + 1) if fits else None
            if rest is not None:
                return [axis, *rest]
            if value.sizes[axis] != 1 or value.axes[axis] not in ("1", "D", "N"):
                break
    if shape[at] == 1:
        rest = _assign(value, left, shape, at + 1)
        if rest is not None:
            return [None, *rest]
    return None


def _slice(walk: Walk, attributes: dict[str, Any], given: list[Any]) -> Value:
    value = given[0]
    if isinstance(value, Zeros | Shape):
        return value
    starts, ends = _ints("starts", attributes, given, 1), _ints("ends", attributes, given, 2)
    sizes: Sequence[int | None] = value.shape if isinstance(value, Tensor) else value.sizes
    if not starts or not ends or len(starts) != len(ends):
        raise RefusedError("wanted starts and ends")
    axes = _ints("axes", attributes, given, 3) or list(range(len(starts)))
    steps = _ints("steps", attributes, given, 4) or [1] * len(starts)
    if len(axes) != len(starts) or len(steps) != len(starts) or any(s != 1 for s in steps):
        raise RefusedError("wanted a step of 1 for each axis")
    for start, end, axis in zip(starts, ends, (axis_of(a, len(sizes)) for a in axes), strict=True):
        if isinstance(value, Tensor):
            value = value[(*[slice(None)] * axis, slice(start, end))]
            continue
        size: int | None = value.sizes[axis]
        if start == 0 and end >= (2**31 - 1 if size is None else size):
            continue
        to_end, from_last = end >= (2**31 - 1 if size is None else size), start == -1 or size == start + 1
        if value.axes[axis] == "T" and from_last and to_end:
            value = _last(value, axis, keep=True)
            continue
        raise RefusedError(f"{start} to {end} of the axis {value.axes[axis]}: wanted all of it, or the last step")
    return value


def _last(value: Signal, axis: int, keep: bool) -> Signal:
    found = replace(value.without(axis), last=True)
    return found.with_one(axis) if keep else found


def _gather(walk: Walk, attributes: dict[str, Any], given: list[Any]) -> Value:
    value, at = given[0], given[1] if len(given) > 1 else None
    if not isinstance(at, Tensor) or at.values.dtype.kind != "i" or at.values.size != 1 or at.values.ndim > 1:
        raise RefusedError("wanted one constant index")
    if isinstance(value, Zeros | Shape):
        return value
    index, keep = int(at.values.ravel()[0]), at.values.ndim == 1
    sizes: Sequence[int | None] = value.shape if isinstance(value, Tensor) else value.sizes
    axis = axis_of(attributes["axis"].i if "axis" in attributes else 0, len(sizes))
    if isinstance(value, Tensor):
        if not -value.shape[axis] <= index < value.shape[axis]:
            raise RefusedError(f"index {index} of {value.shape[axis]}")
        picked = slice(index, index + 1 or None) if keep else index
        return value[(*[slice(None)] * axis, picked)]
    if value.axes[axis] == "T" and (index == -1 or sizes[axis] == index + 1):
        return _last(value, axis, keep)
    if value.axes[axis] in ("D", "1", "N") and index in (0, -1) and value.sizes[axis] == 1:
        return value if keep else value.without(axis)
    raise RefusedError(f"index {index} of the axis {value.axes[axis]}: wanted the last step")


def _concat(walk: Walk, attributes: dict[str, Any], given: list[Any]) -> Value:
    if "axis" not in attributes or any(v is None for v in given):
        raise RefusedError("wanted an axis and its inputs")
    if any(isinstance(v, Shape) for v in given):
        if any(isinstance(v, Signal | Zeros) for v in given):
            raise RefusedError("wanted whole numbers only")
        most = 1
        for v in given:
            if isinstance(v, Tensor) and v.values.dtype.kind != "i":
                raise RefusedError("wanted whole numbers only")
            most *= v.most if isinstance(v, Shape) else math.prod(max(1, abs(int(n))) for n in v.values.ravel()[:64])
        return Shape(most)
    if not all(isinstance(v, Tensor) for v in given):
        raise RefusedError("wanted constants: signals are not put together")
    if sum(v.values.size for v in given) > ELEMENTS_MAX:
        raise RefusedError("too many numbers")
    axis = attributes["axis"].i
    try:
        joined = [np.concatenate([getattr(v, part) for v in given], axis) for part in ("values", "places")]
    except (ValueError, IndexError, OverflowError):
        raise RefusedError(f"the shapes {[v.shape for v in given][:8]} do not go together") from None
    return Tensor(joined[0], joined[1])


def split(given: list[Any], attributes: dict[str, Any], parts: int) -> list[Value]:
    """Split of a constant; the only node here with several outputs."""
    if not given or not isinstance(given[0], Tensor):
        raise RefusedError(
            "wanted a constant: a signal that is split belongs to a cell written out; export it as one operator"
        )
    value = given[0]
    axis = axis_of(attributes["axis"].i if "axis" in attributes else 0, len(value.shape))
    sizes = _ints("split", attributes, given, 1)
    if sizes is None:
        sizes = [value.shape[axis] // max(parts, 1)] * parts
    if len(sizes) != parts or sum(sizes) != value.shape[axis] or min(sizes, default=-1) < 0:
        raise RefusedError(f"{sizes[:12]} does not cut {value.shape[axis]} into {parts}")
    ends = np.cumsum(sizes)
    return [value[(*[slice(None)] * axis, slice(int(e) - s, int(e)))] for e, s in zip(ends, sizes, strict=True)]


def _identity(walk: Walk, attributes: dict[str, Any], given: list[Any]) -> Value:
    found: Value = given[0]
    return found


def _cast(walk: Walk, attributes: dict[str, Any], given: list[Any]) -> Value:
    to, value = attributes["to"].i if "to" in attributes else 0, given[0]
    whole = isinstance(value, Shape) or (isinstance(value, Tensor) and value.values.dtype.kind == "i")
    if to not in (TYPES if whole else FLOATS) or (whole and to in FLOATS):
        raise RefusedError(f"wanted a cast among whole numbers or among float and double, found data type {to}")
    return _identity(walk, attributes, given)


def _shape(walk: Walk, attributes: dict[str, Any], given: list[Any]) -> Value:
    return Shape()


def _zeros(walk: Walk, attributes: dict[str, Any], given: list[Any]) -> Value:
    _whole_shape(given[0])
    if "value" in attributes and constant(Walk(), "value", attributes["value"].t).values.any():
        raise RefusedError("wanted zeros")
    return Zeros()


def _expand(walk: Walk, attributes: dict[str, Any], given: list[Any]) -> Value:
    _whole_shape(given[1] if len(given) > 1 else None)
    if isinstance(given[0], Zeros) or (isinstance(given[0], Tensor) and not given[0].values.any()):
        return Zeros()
    raise RefusedError("wanted zeros: weights are not repeated")


def _whole_shape(value: Any) -> None:
    if isinstance(value, Tensor) and value.values.dtype.kind == "i" and value.values.size <= RANK_MAX:
        elements("a shape", [int(n) for n in value.values.ravel()])
    elif not isinstance(value, Shape) or value.most > ELEMENTS_MAX:
        raise RefusedError("wanted a shape, constant or made of sizes, that is not huge")


def _flatten(walk: Walk, attributes: dict[str, Any], given: list[Any]) -> Value:
    value, axis = given[0], attributes["axis"].i if "axis" in attributes else 1
    if isinstance(value, Signal) and len(value.axes) == 2 and axis == 1:
        return value
    raise RefusedError("wanted (batch, units) as it is")


MOVES: dict[str, Operator] = {
    "Squeeze": _squeeze, "Unsqueeze": _unsqueeze, "Transpose": _transpose, "Reshape": _reshape, "Slice": _slice,
    "Gather": _gather, "Concat": _concat, "Identity": _identity, "Dropout": _identity, "Cast": _cast, "Shape": _shape,
    "ConstantOfShape": _zeros, "Expand": _expand, "Flatten": _flatten,
}  # fmt: skip
