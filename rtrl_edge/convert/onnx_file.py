"""What an ONNX file holds, read within bounds, and what is known of its values on the walk through its nodes."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from ..errors import ConvertError
from ..model import Cell, Loss
from .network import Tensor

BYTES_MAX = 64 * 2**20
NODES_MAX = 1000
ELEMENTS_MAX = 2**22
RANK_MAX = 8
OPSET_MIN = 7
#: TensorProto.DataType -> type of the numbers, member that holds them where raw_data does not
TYPES = {1: ("<f4", "float_data"), 11: ("<f8", "double_data"), 7: ("<i8", "int64_data"), 6: ("<i4", "int32_data")}
FLOATS = {1: "float32", 11: "float64"}


@dataclass(frozen=True)
class Signal:
    """What depends on the sample. ``axes``: of each axis its meaning, ``T``, ``N`` (batch), ``D`` (one direction),
    ``F``, ``1``, or, before the first layer, its number in the graph's input; ``sizes``: known sizes.
    ``of``: the graph's input, or the number of layers gone through."""

    of: str | int
    axes: tuple[str, ...]
    sizes: tuple[int | None, ...]
    last: bool = False  # of all steps only the last
    stage: int = 0  # 1 after the readout's product, 2 after its bias, 3 after softmax or sigmoid
    cell_state: bool = False
    ties: tuple[tuple[str, Tensor], ...] = ()  # of the readout that it went through
    loss: Loss | None = None  # what its softmax or sigmoid means

    def moved(self, order: Sequence[int]) -> Signal:
        """The axes in another order, or only some of them."""
        return replace(self, axes=tuple(self.axes[i] for i in order), sizes=tuple(self.sizes[i] for i in order))

    def without(self, axis: int) -> Signal:
        """One axis less."""
        return self.moved([i for i in range(len(self.axes)) if i != axis])

    def with_one(self, axis: int) -> Signal:
        """A new axis of size 1."""
        cut = slice(0, axis), slice(axis, None)
        return replace(
            self,
            axes=(*self.axes[cut[0]], "1", *self.axes[cut[1]]),
            sizes=(*self.sizes[cut[0]], 1, *self.sizes[cut[1]]),
        )


@dataclass(frozen=True)
class Shape:
    """Whole numbers made of a signal's sizes; ``most``: product of the constants among them."""

    most: int = 1


class Zeros:
    """Zeros of a size that depends on the batch."""


Value = Any  # Tensor, Signal, Shape or Zeros


@dataclass
class Walk:
    """What is known so far."""

    values: dict[str, Value] = field(default_factory=dict)
    arrays: dict[str, npt.NDArray[Any]] = field(default_factory=dict)
    total: int = 0
    opset: int = 0
    inputs: dict[str, Any] = field(default_factory=dict)  # graph inputs: (type, sizes)
    bound: dict[str, str] = field(default_factory=dict)  # meaning of each axis of the graph's input x
    x: str | None = None
    states: list[str] = field(default_factory=list)
    lengths: list[str] = field(default_factory=list)
    cells: list[Cell] = field(default_factory=list)
    width: int = 0  # inputs of the first layer
    ties: list[tuple[str, Tensor]] = field(default_factory=list)
    mapped: list[str] = field(default_factory=list)
    outputs: int = 0
    reset_before: bool = False


#: (walk, attributes by name, values of the inputs) -> value of the output
Operator = Callable[[Walk, dict[str, Any], list[Any]], Value]


class RefusedError(Exception):
    """Why a node is not taken over."""


def read_file(path: Path) -> bytes:
    """At most one byte more than is taken, so that a larger file is known as such."""
    try:
        with path.open("rb") as file:
            content = file.read(BYTES_MAX + 1)
    except OSError as error:
        raise ConvertError(f"{path}: cannot be read ({error.strerror})") from error
    return content


def parse(content: bytes) -> Any:
    """The ModelProto, which has a graph with nodes."""
    try:
        import onnx
        from google.protobuf.message import DecodeError
    except ImportError as error:
        raise ConvertError(f"ONNX: wanted the package onnx ({error}); pip install 'rtrl-edge[onnx]'") from error
    if len(content) > BYTES_MAX:
        raise ConvertError(f"ONNX: wanted a file of at most {BYTES_MAX // 2**20} MiB, found a larger one")
    proto = onnx.ModelProto()
    try:
        proto.ParseFromString(content)
    except (DecodeError, RuntimeError) as error:
        raise ConvertError(f"ONNX: wanted an ONNX model, found something else ({error})") from error
    if not proto.HasField("graph") or not proto.graph.node:
        raise ConvertError("ONNX: wanted a model with a graph, found none")
    return proto


def opset_of(proto: Any) -> int:
    """Version of ONNX' own operators, the only ones that are read."""
    others = [entry.domain for entry in proto.opset_import if entry.domain not in ("", "ai.onnx")]
    versions = [entry.version for entry in proto.opset_import if entry.domain in ("", "ai.onnx")]
    if not versions or versions[0] < OPSET_MIN or len(versions) > 1:
        raise ConvertError(f"ONNX: wanted one opset, {OPSET_MIN} or later, found {versions or others or 'none'}")
    return int(versions[0])


def check_bounds(graph: Any) -> None:
    """Refuse a graph of more entries than any network here has."""
    if len(graph.node) > NODES_MAX or len(graph.initializer) > NODES_MAX or len(graph.input) > NODES_MAX:
        raise ConvertError(f"ONNX: wanted at most {NODES_MAX} nodes, tensors and inputs, found {len(graph.node)} nodes")
    if graph.sparse_initializer:
        raise ConvertError("ONNX: sparse initializers are not read; store them as dense tensors")


def constant(walk: Walk, name: str, tensor: Any) -> Tensor:
    """The numbers of a TensorProto, after all that it says of itself was checked."""
    if tensor.data_location or tensor.external_data:
        raise ConvertError(f"ONNX: tensor '{name}' lies in another file, which is never opened; save in one file")
    if tensor.data_type not in TYPES:
        raise ConvertError(
            f"ONNX: tensor '{name}': wanted float, double, int32 or int64, found data type {tensor.data_type}"
        )
    if tensor.HasField("segment"):
        raise ConvertError(f"ONNX: tensor '{name}' is one of several segments; save it whole")
    shape = tuple(tensor.dims)
    count = elements(f"tensor '{name}'", shape)
    dtype, member = TYPES[tensor.data_type]
    given = getattr(tensor, member)
    if tensor.HasField("raw_data"):
        if given or len(tensor.raw_data) != count * np.dtype(dtype).itemsize:
            raise ConvertError(f"ONNX: tensor '{name}': {len(tensor.raw_data)} bytes do not fill the shape {shape}")
        values = np.frombuffer(tensor.raw_data, dtype).reshape(shape)
    else:
        if len(given) != count:
            raise ConvertError(f"ONNX: tensor '{name}': {len(given)} numbers do not fill the shape {shape}")
        values = np.array(given, dtype).reshape(shape)
    if values.dtype.kind != "f":
        return Tensor(values, np.full(shape, -1, np.intp))
    walk.arrays[name] = values
    walk.total += count
    if walk.total > ELEMENTS_MAX:
        raise ConvertError(f"ONNX: wanted at most {ELEMENTS_MAX:,} weights, found more")
    return Tensor(values, np.arange(walk.total - count, walk.total).reshape(shape))


def elements(what: str, shape: Sequence[int]) -> int:
    """Numbers in a tensor of this shape, which is refused if they are too many for an array."""
    if len(shape) > RANK_MAX or any(not 0 <= n <= ELEMENTS_MAX for n in shape) or math.prod(shape) > ELEMENTS_MAX:
        raise ConvertError(
            f"ONNX: {what}: wanted at most {RANK_MAX} axes and {ELEMENTS_MAX:,} numbers, found {list(shape)[:12]}"
        )
    return math.prod(shape)


def graph_input(walk: Walk, info: Any) -> Signal:
    """A signal whose axes have no meaning yet: the first layer gives them theirs."""
    if not info.type.HasField("tensor_type") or not info.type.tensor_type.HasField("shape"):
        raise ConvertError(f"ONNX: input '{info.name}': wanted a tensor whose number of axes is known")
    kind = info.type.tensor_type.elem_type
    sizes = tuple(int(d.dim_value) if d.HasField("dim_value") else None for d in info.type.tensor_type.shape.dim)
    elements(f"input '{info.name}'", [1 if n is None else n for n in sizes])
    walk.inputs[info.name] = kind, sizes
    return Signal(info.name, tuple(map(str, range(10, 10 + len(sizes)))), sizes)


def define(walk: Walk, name: str, value: Value) -> None:
    """One value for each name."""
    if not name or name in walk.values:
        raise ConvertError(f"ONNX: wanted one value for each name, found {name!r} twice or without a name")
    walk.values[name] = value
