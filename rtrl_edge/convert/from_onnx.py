"""ONNX in and out: a graph is walked node by node; what is not understood is refused by naming the node.

Understood: RNN, GRU and LSTM (forward), one readout (Gemm, or MatMul and Add), softmax or sigmoid behind it, and what
only moves numbers or axes about. A model file is input from outside: its size, its number of nodes and every shape are
checked before an array is made, external data is never opened, and weights are read here, not by the library.
Sources: onnx/docs/Operators.md (RNN, GRU, LSTM: gate orders i | z r h | i o f c; biases [Wb, Rb]; peepholes P i o f).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from ..errors import ConvertError
from ..model import GRU, LSTM, RNN, BinaryCrossEntropy, Cell, Direct, Linear, Loss, SoftmaxCrossEntropy, SquaredError
from ..stream import Float
from .network import Network, Tensor

BYTES_MAX = 64 * 2**20
NODES_MAX = 1000
ELEMENTS_MAX = 2**22
RANK_MAX = 8
OPSET_MIN = 7
#: of one run of the graph in its own sizes, so that a comparison takes no more than seconds
MACS_MAX = 2**30
STEPS_MAX = 10_000
#: TensorProto.DataType -> type of the numbers, member that holds them where raw_data does not
_TYPES = {1: ("<f4", "float_data"), 11: ("<f8", "double_data"), 7: ("<i8", "int64_data"), 6: ("<i4", "int32_data")}
_FLOATS = {1: "float32", 11: "float64"}
_GATES = {"RNN": ("W",), "GRU": ("z", "r", "n"), "LSTM": ("i", "o", "f", "g")}
_ACTIVATIONS = {"RNN": ["tanh"], "GRU": ["sigmoid", "tanh"], "LSTM": ["sigmoid", "tanh", "tanh"]}
_KNOWN = {
    "RNN": {"activations", "direction", "hidden_size", "layout"},
    "GRU": {"activations", "direction", "hidden_size", "layout", "linear_before_reset"},
    "LSTM": {"activations", "direction", "hidden_size", "layout", "input_forget"},
}
#: AttributeProto.AttributeType of what is read
_KINDS = {
    **dict.fromkeys(("hidden_size", "layout", "linear_before_reset", "input_forget", "axis", "allowzero"), 2),
    **dict.fromkeys(("to", "transA", "transB", "value_int"), 2),
    **dict.fromkeys(("axes", "perm", "starts", "ends", "split", "value_ints"), 7),
    "alpha": 1,
    "beta": 1,
    "direction": 3,
    "value": 4,
    "activations": 8,
}


@dataclass(frozen=True)
class _Signal:
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

    def moved(self, order: Sequence[int]) -> _Signal:
        return replace(self, axes=tuple(self.axes[i] for i in order), sizes=tuple(self.sizes[i] for i in order))

    def without(self, axis: int) -> _Signal:
        return self.moved([i for i in range(len(self.axes)) if i != axis])

    def with_one(self, axis: int) -> _Signal:
        cut = slice(0, axis), slice(axis, None)
        return replace(
            self,
            axes=(*self.axes[cut[0]], "1", *self.axes[cut[1]]),
            sizes=(*self.sizes[cut[0]], 1, *self.sizes[cut[1]]),
        )


@dataclass(frozen=True)
class _Shape:
    """Whole numbers made of a signal's sizes; ``most``: product of the constants among them."""

    most: int = 1


class _Zeros:
    """Zeros of a size that depends on the batch."""


_Value = Any  # Tensor, _Signal, _Shape or _Zeros


@dataclass
class _Walk:
    """What is known so far."""

    values: dict[str, _Value] = field(default_factory=dict)
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


def from_onnx(source: str | Path | bytes, check: str | Path | None = None) -> Network:
    """The network in an ONNX file (or its bytes), opset 7 or later.

    Args:
        source: the file.
        check: an .npz with ``x`` (T, inputs) and ``y`` (T, outputs), or the last rows of it, as the framework that
            trained the network gives them; compared within 1e-4.

    Raises:
        ConvertError: with the node or tensor that cannot be taken over, and why.
    """
    content = source if isinstance(source, bytes) else _read(Path(source))
    proto = _parse(content)
    walk = _Walk()
    walk.opset = _opset(proto)
    graph = proto.graph
    _bounds(graph)
    for tensor in graph.initializer:
        _define(walk, tensor.name, _constant(walk, tensor.name, tensor))
    for info in graph.input:
        if info.name not in walk.values:
            _define(walk, info.name, _input(walk, info))
    for node in graph.node:
        _step(walk, node)
    return _network(walk, proto, content, check)


def with_weights(content: bytes, arrays: dict[str, npt.NDArray[Any]]) -> bytes:
    """The same file with other weights: what :meth:`Network.back` gave."""
    proto = _parse(content)
    constants = [
        (node.output[0], a.t) for node in proto.graph.node if node.op_type == "Constant" for a in node.attribute
    ]
    for name, tensor in [*((t.name, t) for t in proto.graph.initializer), *constants]:
        if name in arrays:
            tensor.ClearField(_TYPES[tensor.data_type][1])
            tensor.raw_data = arrays[name].astype(_TYPES[tensor.data_type][0]).tobytes()
    return bytes(proto.SerializeToString(deterministic=True))


# ---------------------------------------------------------------------------------------------- the file


def _read(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            content = file.read(BYTES_MAX + 1)
    except OSError as error:
        raise ConvertError(f"{path}: cannot be read ({error.strerror})") from error
    return content


def _parse(content: bytes) -> Any:
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


def _opset(proto: Any) -> int:
    others = [entry.domain for entry in proto.opset_import if entry.domain not in ("", "ai.onnx")]
    versions = [entry.version for entry in proto.opset_import if entry.domain in ("", "ai.onnx")]
    if not versions or versions[0] < OPSET_MIN or len(versions) > 1:
        raise ConvertError(f"ONNX: wanted one opset, {OPSET_MIN} or later, found {versions or others or 'none'}")
    return int(versions[0])


def _bounds(graph: Any) -> None:
    if len(graph.node) > NODES_MAX or len(graph.initializer) > NODES_MAX or len(graph.input) > NODES_MAX:
        raise ConvertError(f"ONNX: wanted at most {NODES_MAX} nodes, tensors and inputs, found {len(graph.node)} nodes")
    if graph.sparse_initializer:
        raise ConvertError("ONNX: sparse initializers are not read; store them as dense tensors")


def _constant(walk: _Walk, name: str, tensor: Any) -> Tensor:
    """The numbers of a TensorProto, after all that it says of itself was checked."""
    if tensor.data_location or tensor.external_data:
        raise ConvertError(f"ONNX: tensor '{name}' lies in another file, which is never opened; save in one file")
    if tensor.data_type not in _TYPES:
        raise ConvertError(
            f"ONNX: tensor '{name}': wanted float, double, int32 or int64, found data type {tensor.data_type}"
        )
    if tensor.HasField("segment"):
        raise ConvertError(f"ONNX: tensor '{name}' is one of several segments; save it whole")
    shape = tuple(tensor.dims)
    count = _count(f"tensor '{name}'", shape)
    dtype, member = _TYPES[tensor.data_type]
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


def _count(what: str, shape: Sequence[int]) -> int:
    if len(shape) > RANK_MAX or any(not 0 <= n <= ELEMENTS_MAX for n in shape) or math.prod(shape) > ELEMENTS_MAX:
        raise ConvertError(
            f"ONNX: {what}: wanted at most {RANK_MAX} axes and {ELEMENTS_MAX:,} numbers, found {list(shape)[:12]}"
        )
    return math.prod(shape)


def _input(walk: _Walk, info: Any) -> _Signal:
    if not info.type.HasField("tensor_type") or not info.type.tensor_type.HasField("shape"):
        raise ConvertError(f"ONNX: input '{info.name}': wanted a tensor whose number of axes is known")
    kind = info.type.tensor_type.elem_type
    sizes = tuple(int(d.dim_value) if d.HasField("dim_value") else None for d in info.type.tensor_type.shape.dim)
    _count(f"input '{info.name}'", [1 if n is None else n for n in sizes])
    walk.inputs[info.name] = kind, sizes
    return _Signal(info.name, tuple(map(str, range(10, 10 + len(sizes)))), sizes)


def _define(walk: _Walk, name: str, value: _Value) -> None:
    if not name or name in walk.values:
        raise ConvertError(f"ONNX: wanted one value for each name, found {name!r} twice or without a name")
    walk.values[name] = value


# ---------------------------------------------------------------------------------------------- the nodes


class _RefusedError(Exception):
    """Why a node is not taken over."""


def _step(walk: _Walk, node: Any) -> None:
    name = node.name or next((output for output in node.output if output), "")
    title = f"node '{name}' ({node.op_type})"
    try:
        if node.domain not in ("", "ai.onnx"):
            raise _RefusedError(f"an operator of another domain, {node.domain!r}")
        attributes = {a.name: a for a in node.attribute}
        if any(a.type in (5, 10, 11, 12) or a.ref_attr_name for a in node.attribute):
            raise _RefusedError(
                "a loop or branch with a graph inside is not unrolled; export the cell as ONNX' RNN, GRU or LSTM"
            )
        wrong = [a.name for a in node.attribute if a.type != _KINDS.get(a.name, a.type)]
        if wrong or len(attributes) < len(node.attribute):
            raise _RefusedError(f"its attributes {wrong or [*attributes]} are not of their types, or given twice")
        missing = [name for name in node.input if name and name not in walk.values]
        if missing:
            raise _RefusedError(f"its input {missing[0]!r} is made nowhere above it")
        given = [walk.values[name] if name else None for name in node.input]
        if len(node.output) < 1:
            raise _RefusedError("it has no output")
        if node.op_type in _GATES:
            found = _layer(walk, node, attributes, given)
        elif node.op_type == "Constant":
            found = [_constant_node(walk, node, attributes)]
        elif node.op_type == "Split":
            found = _split(given, attributes, len(node.output))
        elif node.op_type in _OPERATORS:
            if not given or given[0] is None:
                raise _RefusedError("its first input is missing")
            found = [_OPERATORS[node.op_type](walk, attributes, given)]
        else:
            raise _RefusedError(
                "not an operator that can be taken over: wanted RNN, GRU or LSTM, a readout by Gemm or MatMul and Add, "
                "Softmax or Sigmoid behind it, and what only moves axes"
            )
        for name, value in zip(node.output, found, strict=False):
            if name:
                _define(walk, name, value)
        if len(node.output) > len(found):
            raise _RefusedError(f"{len(node.output)} outputs, of which only {len(found)} are understood")
    except _RefusedError as error:
        raise ConvertError(f"ONNX: {title}: {error}") from None


def _layer(walk: _Walk, node: Any, attributes: dict[str, Any], given: list[Any]) -> list[_Value]:
    """RNN, GRU or LSTM."""
    kind = node.op_type
    x, W, R, B, lengths, h0, c0, P = [*given, *[None] * 8][:8]
    if len(given) > (8 if kind == "LSTM" else 6):
        raise _RefusedError(f"{len(given)} inputs are too many")
    layout, reset = _attributes(kind, attributes)
    if not isinstance(x, _Signal) or len(x.axes) != 3 or x.cell_state or x.last or x.stage:
        raise _RefusedError("wanted the samples (time, batch, inputs), or all steps of the layer below, as its X")
    order = ("N", "T", "F") if layout else ("T", "N", "F")
    x = _bind(walk, x, order)
    for name, value, rank in (("W", W, 3), ("R", R, 3), ("B", B, 2), ("P", P, 2)):
        if value is None and name in "BP":
            continue
        if not isinstance(value, Tensor) or value.values.dtype.kind != "f":
            raise _RefusedError(f"wanted its {name} as a constant (an initializer), found none")
        if len(value.shape) != rank or value.shape[0] != 1:
            raise _RefusedError(f"wanted a {name} of one direction, {rank} axes, found the shape {value.shape}")
    count, n, inputs = len(_GATES[kind]), R.shape[2], W.shape[2]
    wanted = {"W": (1, count * n, inputs), "R": (1, count * n, n), "B": (1, 2 * count * n), "P": (1, 3 * n)}
    for name, value in (("W", W), ("R", R), ("B", B), ("P", P)):
        if value is not None and value.shape != wanted[name]:
            raise _RefusedError(f"wanted the shape {wanted[name]} for {name}, found {value.shape}")
    if "hidden_size" in attributes and attributes["hidden_size"].i != n:
        raise _RefusedError(f"hidden_size is {attributes['hidden_size'].i}, R is for {n}")
    features = x.sizes[x.axes.index("F")]
    if (isinstance(x.of, int) or features is not None) and features != inputs:
        raise _RefusedError(f"its W is for {inputs} inputs, its X has {features}")
    _initial(walk, "initial_h", h0)
    _initial(walk, "initial_c", c0)
    if isinstance(lengths, _Signal) and isinstance(lengths.of, str):
        walk.lengths.append(lengths.of)
    elif isinstance(lengths, Tensor) and (lengths.values == x.sizes[x.axes.index("T")]).all():
        pass  # all sequences are whole
    elif lengths is not None:
        raise _RefusedError("sequence_lens that are constant cut sequences off; make them an input, or leave them out")
    cell: Cell
    if kind == "RNN":
        cell = RNN(_units(n))
    elif kind == "GRU":
        cell = GRU(_units(n), reset="after" if reset else "before")
        walk.reset_before |= not reset
    else:
        cell = LSTM(_units(n), peepholes=P is not None)
    if not walk.cells:
        walk.width = inputs
    walk.cells.append(cell)
    layer = len(walk.cells)
    ties = []
    for k, gate in enumerate(_GATES[kind]):
        rows = slice(k * n, (k + 1) * n)
        ties += [(f"{gate}.x", W[0, rows]), (f"{gate}.h", R[0, rows])]
        if B is not None:
            after = gate == "n" and reset
            ties += [(f"{gate}.b", B[0, rows]), (f"{gate}.{'c' if after else 'b'}", B[0, count * n :][rows])]
    if P is not None:
        ties += [(f"p_{gate}", P[0, k * n : (k + 1) * n]) for k, gate in enumerate("iof")]
    walk.ties += [(f"{layer}|{name}", piece) for name, piece in ties]
    walk.mapped.append(
        f"{kind} '{node.name or node.output[0]}', {inputs} inputs -> {cell!r}: gates {' '.join(_GATES[kind])}"
        + (" (h = n)" if kind == "GRU" else " (c = g)" if kind == "LSTM" else "")
        + (", Wb + Rb = one bias" if B is not None else ", no bias")
        + (", Rb of h inside the product with r" if kind == "GRU" and reset and B is not None else "")
    )
    size_t, size_n = (x.sizes[x.axes.index(name)] for name in "TN")
    sizes = {"T": size_t, "D": 1, "N": size_n, "F": n}
    axes = ("N", "T", "D", "F") if layout else ("T", "D", "N", "F")
    y = _Signal(layer, axes, tuple(sizes[a] for a in axes))
    short = ("N", "D", "F") if layout else ("D", "N", "F")
    y_h = _Signal(layer, short, tuple(sizes[a] for a in short), last=True)
    return [y, y_h, replace(y_h, cell_state=True)][: 3 if kind == "LSTM" else 2]


def _units(n: int) -> int:
    if not 1 <= n <= 256:
        raise _RefusedError(f"wanted 1 to 256 units, found {n}")
    return n


def _attributes(kind: str, attributes: dict[str, Any]) -> tuple[int, int]:
    """layout and linear_before_reset, of attributes that ask for nothing that we do not have."""
    for name in attributes:
        if name == "clip":
            raise _RefusedError("clip limits its pre-activations; ours are not limited: train without")
        if name not in _KNOWN[kind]:
            raise _RefusedError(f"its attribute {name!r} is not taken over")
    if "direction" in attributes and attributes["direction"].s != b"forward":
        raise _RefusedError(
            f"direction {attributes['direction'].s.decode(errors='replace')!r}: on a stream the future is not known; "
            "only 'forward' can be taken over"
        )
    if "input_forget" in attributes and attributes["input_forget"].i:
        raise _RefusedError("input_forget couples the gates; ours are two")
    if "activations" in attributes:
        found = [name.decode(errors="replace").lower() for name in attributes["activations"].strings]
        if found != _ACTIVATIONS[kind]:
            raise _RefusedError(
                f"wanted the activations {', '.join(_ACTIVATIONS[kind])}, found {', '.join(found)[:80]}"
            )
    layout, reset = (attributes[a].i if a in attributes else 0 for a in ("layout", "linear_before_reset"))
    if layout not in (0, 1) or reset not in (0, 1):
        raise _RefusedError(f"wanted 0 or 1 for layout and linear_before_reset, found {layout} and {reset}")
    return int(layout), int(reset)


def _bind(walk: _Walk, x: _Signal, order: tuple[str, ...]) -> _Signal:
    """The axes of a layer's X, by their meaning; the first layer's tell those of the graph's input."""
    if isinstance(x.of, str):
        if walk.x is not None:
            raise _RefusedError("a second layer sees the samples; wanted one above the other")
        walk.x = x.of
        if walk.inputs[x.of][0] not in _FLOATS:
            raise _RefusedError(f"wanted samples of float or double, found data type {walk.inputs[x.of][0]}")
        walk.bound = {axis: name for axis, name in zip(x.axes, order, strict=True) if axis != "1"}
        if {"T", "F"} - set(walk.bound.values()) or len(walk.bound) != len(walk.inputs[x.of][1]):
            raise _RefusedError("time and inputs must be axes of the graph's input")
        return replace(x, axes=order)
    if x.of != len(walk.cells):
        raise _RefusedError("wanted all layers one above the other")
    free = ("1", "D")
    axes = tuple(want if have in free and want == "N" else have for have, want in zip(x.axes, order, strict=True))
    if axes != order:
        raise _RefusedError(f"wanted its X as {' '.join(order)}, found {' '.join(x.axes)}")
    return replace(x, axes=axes)


def _initial(walk: _Walk, name: str, value: Any) -> None:
    if value is None or isinstance(value, _Zeros):
        return
    if isinstance(value, Tensor) and not value.values.any():
        return
    if isinstance(value, _Signal) and isinstance(value.of, str):
        if value.of not in walk.states:
            walk.states.append(value.of)
            walk.mapped.append(f"input '{value.of}', {name}: the chip's own state, zero after a reset")
        return
    raise _RefusedError(f"{name}: the chip starts from zero; wanted zeros or an input of the graph")


def _constant_node(walk: _Walk, node: Any, attributes: dict[str, Any]) -> Tensor:
    if len(attributes) != 1:
        raise _RefusedError("wanted one value")
    ((name, a),) = attributes.items()
    if name == "value":
        return _constant(walk, node.output[0], a.t)
    if name in ("value_int", "value_ints"):
        values = np.array(a.i if name == "value_int" else list(a.ints)[:ELEMENTS_MAX], np.int64)
        return Tensor(values, np.full(values.shape, -1, np.intp))
    raise _RefusedError(f"wanted a tensor or whole numbers, found {name!r}")


# -------------------------------------------------------------------------------- what only moves numbers


def _ints(what: str, attributes: dict[str, Any], given: list[Any], at: int) -> list[int] | None:
    """Whole numbers that are an attribute in earlier opsets and an input in later ones."""
    value = given[at] if len(given) > at else None
    if value is not None:
        if not isinstance(value, Tensor) or value.values.dtype.kind != "i" or value.values.size > 64:
            raise _RefusedError(f"wanted its {what} as constant whole numbers")
        return [int(v) for v in value.values.ravel()]
    if what in attributes:
        return list(attributes[what].ints)[:64]
    return None


def _axis(axis: int, rank: int) -> int:
    if not -rank <= axis < rank:
        raise _RefusedError(f"axis {axis} of {rank}")
    return axis % rank


def _squeeze(walk: _Walk, attributes: dict[str, Any], given: list[Any]) -> _Value:
    value = given[0]
    if isinstance(value, _Shape | _Zeros):
        return value
    sizes = value.shape if isinstance(value, Tensor) else value.sizes
    axes = _ints("axes", attributes, given, 1)
    if axes is None:
        if None in sizes:
            raise _RefusedError("without axes it depends on sizes that are not known; name them")
        axes = [i for i, n in enumerate(sizes) if n == 1]
    gone = sorted({_axis(a, len(sizes)) for a in axes}, reverse=True)
    if isinstance(value, Tensor):
        if any(sizes[a] != 1 for a in gone):
            raise _RefusedError(f"axes {gone} of the shape {sizes} are not 1")
        return value.map(lambda a: np.squeeze(a, tuple(gone)))
    for a in gone:
        value = _drop(value, a)
    return value


def _drop(value: _Signal, axis: int) -> _Signal:
    name = value.axes[axis]
    if name in ("T", "F") or value.sizes[axis] not in (1, None) or (name.isdigit() and int(name) >= 10):
        raise _RefusedError(f"it drops the axis {name} of {' '.join(value.axes)}")
    return value.without(axis)


def _unsqueeze(walk: _Walk, attributes: dict[str, Any], given: list[Any]) -> _Value:
    value = given[0]
    if isinstance(value, _Shape | _Zeros):
        return value
    axes = _ints("axes", attributes, given, 1)
    rank = len(value.shape if isinstance(value, Tensor) else value.axes)
    if not axes or rank + len(axes) > RANK_MAX:
        raise _RefusedError(f"wanted axes, at most {RANK_MAX} in all")
    new = sorted({_axis(a, rank + len(axes)) for a in axes})
    if len(new) != len(axes):
        raise _RefusedError("an axis is named twice")
    if isinstance(value, Tensor):
        return value.map(lambda a: np.expand_dims(a, tuple(new)))
    for a in new:
        value = value.with_one(a)
    return value


def _transpose(walk: _Walk, attributes: dict[str, Any], given: list[Any]) -> _Value:
    value = given[0]
    if isinstance(value, _Shape | _Zeros):
        return value
    rank = len(value.shape if isinstance(value, Tensor) else value.axes)
    order = list(attributes["perm"].ints) if "perm" in attributes else list(range(rank))[::-1]
    if sorted(order) != list(range(rank)):
        raise _RefusedError(f"perm {order[:12]} is no order of {rank} axes")
    return value.map(lambda a: np.transpose(a, order)) if isinstance(value, Tensor) else value.moved(order)


def _reshape(walk: _Walk, attributes: dict[str, Any], given: list[Any]) -> _Value:
    value = given[0]
    if isinstance(value, _Zeros | _Shape):
        return value
    shape = _ints("shape", {}, given, 1)
    if shape is None or len(shape) > RANK_MAX or any(n < -1 or n > ELEMENTS_MAX for n in shape) or shape.count(-1) > 1:
        raise _RefusedError(f"wanted a constant shape, found {shape}")
    if "allowzero" in attributes and attributes["allowzero"].i and 0 in shape:
        raise _RefusedError("a shape with axes of no size")
    sizes = value.shape if isinstance(value, Tensor) else value.sizes
    if any(n == 0 and i >= len(sizes) for i, n in enumerate(shape)):
        raise _RefusedError(f"the shape {shape} copies an axis that is not there")
    if isinstance(value, Tensor):
        full = [value.shape[i] if n == 0 else n for i, n in enumerate(shape)]
        try:
            return value.map(lambda a: a.reshape(full))
        except ValueError:
            raise _RefusedError(f"{value.shape} does not fit into {shape}") from None
    found = _assign(value, list(range(len(value.axes))), shape, 0)
    if found is None:
        raise _RefusedError(f"{' '.join(value.axes)} into {shape}: it does more than adding or dropping axes of size 1")
    return replace(
        value,
        axes=tuple("1" if i is None else value.axes[i] for i in found),
        sizes=tuple(1 if i is None else value.sizes[i] for i in found),
    )


def _assign(value: _Signal, left: list[int], shape: list[int], at: int) -> list[int | None] | None:
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


def _slice(walk: _Walk, attributes: dict[str, Any], given: list[Any]) -> _Value:
    value = given[0]
    if isinstance(value, _Zeros | _Shape):
        return value
    starts, ends = _ints("starts", attributes, given, 1), _ints("ends", attributes, given, 2)
    sizes: Sequence[int | None] = value.shape if isinstance(value, Tensor) else value.sizes
    if not starts or not ends or len(starts) != len(ends):
        raise _RefusedError("wanted starts and ends")
    axes = _ints("axes", attributes, given, 3) or list(range(len(starts)))
    steps = _ints("steps", attributes, given, 4) or [1] * len(starts)
    if len(axes) != len(starts) or len(steps) != len(starts) or any(s != 1 for s in steps):
        raise _RefusedError("wanted a step of 1 for each axis")
    for start, end, axis in zip(starts, ends, (_axis(a, len(sizes)) for a in axes), strict=True):
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
        raise _RefusedError(f"{start} to {end} of the axis {value.axes[axis]}: wanted all of it, or the last step")
    return value


def _last(value: _Signal, axis: int, keep: bool) -> _Signal:
    found = replace(value.without(axis), last=True)
    return found.with_one(axis) if keep else found


def _gather(walk: _Walk, attributes: dict[str, Any], given: list[Any]) -> _Value:
    value, at = given[0], given[1] if len(given) > 1 else None
    if not isinstance(at, Tensor) or at.values.dtype.kind != "i" or at.values.size != 1 or at.values.ndim > 1:
        raise _RefusedError("wanted one constant index")
    if isinstance(value, _Zeros | _Shape):
        return value
    index, keep = int(at.values.ravel()[0]), at.values.ndim == 1
    sizes: Sequence[int | None] = value.shape if isinstance(value, Tensor) else value.sizes
    axis = _axis(attributes["axis"].i if "axis" in attributes else 0, len(sizes))
    if isinstance(value, Tensor):
        if not -value.shape[axis] <= index < value.shape[axis]:
            raise _RefusedError(f"index {index} of {value.shape[axis]}")
        picked = slice(index, index + 1 or None) if keep else index
        return value[(*[slice(None)] * axis, picked)]
    if value.axes[axis] == "T" and (index == -1 or sizes[axis] == index + 1):
        return _last(value, axis, keep)
    if value.axes[axis] in ("D", "1", "N") and index in (0, -1) and value.sizes[axis] == 1:
        return value if keep else value.without(axis)
    raise _RefusedError(f"index {index} of the axis {value.axes[axis]}: wanted the last step")


def _concat(walk: _Walk, attributes: dict[str, Any], given: list[Any]) -> _Value:
    if "axis" not in attributes or any(v is None for v in given):
        raise _RefusedError("wanted an axis and its inputs")
    if any(isinstance(v, _Shape) for v in given):
        if any(isinstance(v, _Signal | _Zeros) for v in given):
            raise _RefusedError("wanted whole numbers only")
        most = 1
        for v in given:
            if isinstance(v, Tensor) and v.values.dtype.kind != "i":
                raise _RefusedError("wanted whole numbers only")
            most *= v.most if isinstance(v, _Shape) else math.prod(max(1, abs(int(n))) for n in v.values.ravel()[:64])
        return _Shape(most)
    if not all(isinstance(v, Tensor) for v in given):
        raise _RefusedError("wanted constants: signals are not put together")
    if sum(v.values.size for v in given) > ELEMENTS_MAX:
        raise _RefusedError("too many numbers")
    axis = attributes["axis"].i
    try:
        joined = [np.concatenate([getattr(v, part) for v in given], axis) for part in ("values", "places")]
    except (ValueError, IndexError, OverflowError):
        raise _RefusedError(f"the shapes {[v.shape for v in given][:8]} do not go together") from None
    return Tensor(joined[0], joined[1])


def _split(given: list[Any], attributes: dict[str, Any], parts: int) -> list[_Value]:
    if not given or not isinstance(given[0], Tensor):
        raise _RefusedError(
            "wanted a constant: a signal that is split belongs to a cell written out; export it as one operator"
        )
    value = given[0]
    axis = _axis(attributes["axis"].i if "axis" in attributes else 0, len(value.shape))
    sizes = _ints("split", attributes, given, 1)
    if sizes is None:
        sizes = [value.shape[axis] // max(parts, 1)] * parts
    if len(sizes) != parts or sum(sizes) != value.shape[axis] or min(sizes, default=-1) < 0:
        raise _RefusedError(f"{sizes[:12]} does not cut {value.shape[axis]} into {parts}")
    ends = np.cumsum(sizes)
    return [value[(*[slice(None)] * axis, slice(int(e) - s, int(e)))] for e, s in zip(ends, sizes, strict=True)]


def _identity(walk: _Walk, attributes: dict[str, Any], given: list[Any]) -> _Value:
    found: _Value = given[0]
    return found


def _cast(walk: _Walk, attributes: dict[str, Any], given: list[Any]) -> _Value:
    to, value = attributes["to"].i if "to" in attributes else 0, given[0]
    whole = isinstance(value, _Shape) or (isinstance(value, Tensor) and value.values.dtype.kind == "i")
    if to not in (_TYPES if whole else _FLOATS) or (whole and to in _FLOATS):
        raise _RefusedError(f"wanted a cast among whole numbers or among float and double, found data type {to}")
    return _identity(walk, attributes, given)


def _shape(walk: _Walk, attributes: dict[str, Any], given: list[Any]) -> _Value:
    return _Shape()


def _zeros(walk: _Walk, attributes: dict[str, Any], given: list[Any]) -> _Value:
    _whole_shape(given[0])
    if "value" in attributes and _constant(_Walk(), "value", attributes["value"].t).values.any():
        raise _RefusedError("wanted zeros")
    return _Zeros()


def _expand(walk: _Walk, attributes: dict[str, Any], given: list[Any]) -> _Value:
    _whole_shape(given[1] if len(given) > 1 else None)
    if isinstance(given[0], _Zeros) or (isinstance(given[0], Tensor) and not given[0].values.any()):
        return _Zeros()
    raise _RefusedError("wanted zeros: weights are not repeated")


def _whole_shape(value: Any) -> None:
    if isinstance(value, Tensor) and value.values.dtype.kind == "i" and value.values.size <= RANK_MAX:
        _count("a shape", [int(n) for n in value.values.ravel()])
    elif not isinstance(value, _Shape) or value.most > ELEMENTS_MAX:
        raise _RefusedError("wanted a shape, constant or made of sizes, that is not huge")


def _flatten(walk: _Walk, attributes: dict[str, Any], given: list[Any]) -> _Value:
    value, axis = given[0], attributes["axis"].i if "axis" in attributes else 1
    if isinstance(value, _Signal) and len(value.axes) == 2 and axis == 1:
        return value
    raise _RefusedError("wanted (batch, units) as it is")


# ---------------------------------------------------------------------------------------------- readout


def _readout(walk: _Walk, value: Any, weights: Any) -> _Signal:
    """A product of the last layer's h with constants (outputs, units)."""
    if not isinstance(value, _Signal) or not isinstance(value.of, int) or value.cell_state or value.stage:
        raise _RefusedError(
            "wanted the last layer's h and constant weights, and one readout only; a cell that is written out step by "
            "step is not put together again: export it as ONNX' RNN, GRU or LSTM (PyTorch: dynamo=False)"
        )
    if not isinstance(weights, Tensor) or len(weights.shape) != 2 or weights.values.dtype.kind != "f":
        raise _RefusedError("wanted constant weights (units, outputs)")
    if value.of != len(walk.cells) or value.axes[-1] != "F" or weights.shape[1] != value.sizes[-1]:
        raise _RefusedError(f"wanted the units {value.sizes[-1]} of the last layer as the last axis")
    if walk.outputs:
        raise _RefusedError("a second readout")
    if not 1 <= weights.shape[0] <= 256:
        raise _RefusedError(f"wanted 1 to 256 outputs, found {weights.shape[0]}")
    walk.outputs = weights.shape[0]
    return replace(value, stage=1, sizes=(*value.sizes[:-1], walk.outputs), ties=(("V.h", weights),))


def _bias(walk: _Walk, value: _Signal, bias: Any) -> _Signal:
    if value.stage != 1 or not isinstance(bias, Tensor) or bias.values.dtype.kind != "f":
        raise _RefusedError("wanted the readout's constant bias, once")
    flat = bias.map(np.ravel)
    if any(n != 1 for n in bias.shape[:-1]) or flat.shape != (walk.outputs,) or len(bias.shape) > len(value.axes):
        raise _RefusedError(f"wanted a bias of the shape {(walk.outputs,)}, found {bias.shape}")
    return replace(value, stage=2, ties=(*value.ties, ("V.b", flat)))


def _gemm(walk: _Walk, attributes: dict[str, Any], given: list[Any]) -> _Value:
    if len(given) < 2 or not isinstance(given[0], _Signal) or len(given[0].axes) != 2:
        raise _RefusedError("wanted the last layer's h (rows, units) and constant weights")
    scale = [attributes[a].f for a in ("alpha", "beta") if a in attributes]
    if any(s != 1.0 for s in scale) or ("transA" in attributes and attributes["transA"].i):
        raise _RefusedError("wanted alpha = beta = 1 and transA = 0")
    B = given[1]
    if isinstance(B, Tensor) and not ("transB" in attributes and attributes["transB"].i):
        B = B.T
    found = _readout(walk, given[0], B)
    walk.mapped.append(f"Gemm -> {Linear(walk.outputs)!r}")
    return _bias(walk, found, given[2]) if len(given) > 2 and given[2] is not None else replace(found, stage=2)


def _matmul(walk: _Walk, attributes: dict[str, Any], given: list[Any]) -> _Value:
    if len(given) != 2 or not isinstance(given[1], Tensor):
        raise _RefusedError("wanted the last layer's h and constant weights")
    found = _readout(walk, given[0], given[1].T)
    walk.mapped.append(f"MatMul -> {Linear(walk.outputs)!r}")
    return found


def _add(walk: _Walk, attributes: dict[str, Any], given: list[Any]) -> _Value:
    signals = [v for v in given if isinstance(v, _Signal)]
    if len(given) != 2 or len(signals) != 1:
        raise _RefusedError("wanted the readout's product and a constant bias")
    return _bias(walk, signals[0], next(v for v in given if v is not signals[0]))


def _probabilities(loss: Loss) -> Callable[[_Walk, dict[str, Any], list[Any]], _Value]:
    def run(walk: _Walk, attributes: dict[str, Any], given: list[Any]) -> _Value:
        value = given[0]
        if not isinstance(value, _Signal) or value.stage not in (1, 2):
            raise _RefusedError("wanted it behind the readout, at the end of the graph")
        if isinstance(loss, SoftmaxCrossEntropy):
            rank = len(value.axes)
            axis = _axis(attributes["axis"].i if "axis" in attributes else (-1 if walk.opset >= 13 else 1), rank)
            if axis != rank - 1 or value.axes[-1] != "F":
                raise _RefusedError("wanted it along the outputs, the last axis")
            if walk.outputs < 2:
                raise _RefusedError("a softmax of one output is always 1")
        return replace(value, stage=3, loss=loss)

    return run


_OPERATORS: dict[str, Callable[[_Walk, dict[str, Any], list[Any]], _Value]] = {
    "Squeeze": _squeeze, "Unsqueeze": _unsqueeze, "Transpose": _transpose, "Reshape": _reshape, "Slice": _slice,
    "Gather": _gather, "Concat": _concat, "Identity": _identity, "Dropout": _identity, "Cast": _cast, "Shape": _shape,
    "ConstantOfShape": _zeros, "Expand": _expand, "Flatten": _flatten, "Gemm": _gemm, "MatMul": _matmul, "Add": _add,
    "Softmax": _probabilities(SoftmaxCrossEntropy()), "Sigmoid": _probabilities(BinaryCrossEntropy()),
}  # fmt: skip


# ---------------------------------------------------------------------------------------------- the whole


def _network(walk: _Walk, proto: Any, content: bytes, check: str | Path | None) -> Network:
    if not walk.cells:
        names = sorted({node.op_type for node in proto.graph.node})
        raise ConvertError(f"ONNX: wanted an RNN, GRU or LSTM, found only {', '.join(names)[:200]}")
    name, found = _output(walk, proto.graph)
    unused = set(walk.inputs) - {walk.x, *walk.states, *walk.lengths}
    if unused:
        raise ConvertError(f"ONNX: input '{min(unused)}' leads nowhere; leave it out")
    if walk.x in walk.states or walk.x in walk.lengths:
        raise ConvertError(f"ONNX: input '{walk.x}' is used as samples and as a state")
    layers = len(walk.cells)
    ties = list(found.ties)
    for tie, piece in walk.ties:
        layer, _, part = tie.rpartition("|")
        ties.append((part.replace("W.", f"W{layer}.") if layers > 1 and layer else part, piece))
    producer = " ".join(part for part in (proto.producer_name[:40], proto.producer_version[:20]) if part)
    source = f"ONNX, opset {walk.opset}" + (f", by {producer}" if producer else "")
    if found.loss is not None:
        walk.mapped.append(f"{found.loss!r}: probabilities are predicted; y on the chip is what goes into them")
    if not walk.outputs:
        walk.mapped.append("no readout in the graph -> Direct: the units are the outputs")
    fixed = dict(zip(*_x_axes(walk), strict=True))
    steps, macs = fixed["T"], (fixed["T"] or 50) * (fixed.get("N") or 1) * max(walk.total, 2**14)
    if macs > MACS_MAX or (steps or 1) > STEPS_MAX:
        raise ConvertError(
            f"ONNX: the sizes of input '{walk.x}' ask for {steps or 'any'} steps and {macs:,} multiply-accumulates, "
            f"wanted at most {STEPS_MAX:,} and {MACS_MAX:,}; export with a batch of 1 or with free sizes"
        )
    network = Network.of(
        source=source,
        inputs=walk.width,
        cells=walk.cells,
        readout=Linear(walk.outputs) if walk.outputs else Direct(walk.cells[-1].units),
        loss=found.loss or SquaredError(),
        arrays=walk.arrays,
        ties=ties,
        mapped=[*walk.mapped, f"output '{name}': {'the last step' if found.last else 'every step'}"],
        warnings=["the graph takes one step at a time: compared without its state"] if steps == 1 else [],
        evaluate=_evaluator(walk, content, name, found),
        steps=steps,
    )
    return _checked(walk, proto, network, check)


def _x_axes(walk: _Walk) -> tuple[list[str], Sequence[int | None]]:
    """Meaning and size of each axis of the graph's input x."""
    assert walk.x is not None
    sizes = walk.inputs[walk.x][1]
    return [walk.bound[str(10 + i)] for i in range(len(sizes))], sizes


def _output(walk: _Walk, graph: Any) -> tuple[str, _Signal]:
    """The output that is the prediction: the readout's, else all steps of h, else the last."""
    found = []
    for info in graph.output:
        value = walk.values.get(info.name)
        if not isinstance(value, _Signal) or not isinstance(value.of, int):
            raise ConvertError(f"ONNX: output '{info.name}' does not come from a layer")
        if value.of == len(walk.cells) and not value.cell_state and (value.stage > 0) == (walk.outputs > 0):
            found.append((value.stage, not value.last, info.name, value))
    if not found:
        raise ConvertError("ONNX: wanted an output of the graph that is the readout, or the last layer's h; found none")
    *_, name, value = max(found, key=lambda entry: entry[:2])
    rest = [axis for axis in value.axes if axis not in ("1", "D", "N")]
    if rest != ["F"] * value.last + ["T", "F"] * (not value.last):
        raise ConvertError(f"ONNX: output '{name}': wanted time, then units, found {' '.join(value.axes)}")
    return name, value


def _evaluator(walk: _Walk, content: bytes, name: str, found: _Signal) -> Callable[[Float], Float]:
    """x (T, inputs) -> what the reference evaluator says, (T, outputs) or (1, outputs)."""
    axes, sizes = _x_axes(walk)
    batch = next((size for axis, size in zip(axes, sizes, strict=True) if axis == "N"), None) or 1

    def evaluate(x: Float) -> Float:
        from onnx.reference import ReferenceEvaluator

        whole = np.repeat(x[:, None, :], batch, axis=1)  # T N F
        if "N" not in axes:
            whole = whole[:, 0]
        order = ["T", "N", "F"] if "N" in axes else ["T", "F"]
        assert walk.x is not None
        feeds = {walk.x: whole.transpose([order.index(a) for a in axes]).astype(_FLOATS[walk.inputs[walk.x][0]])}
        for state in walk.states:
            kind, shape = walk.inputs[state]
            feeds[state] = np.zeros([batch if n is None else n for n in shape], _FLOATS.get(kind, "float32"))
        for lengths in walk.lengths:
            feeds[lengths] = np.full(batch, len(x), np.int32)
        try:
            with np.errstate(all="ignore"):
                (y,) = ReferenceEvaluator(_parse(content)).run([name], feeds)
        except ConvertError:
            raise
        except Exception as error:  # the library's own: whatever it stumbles over is the file's
            text = str(error).splitlines()[:1]
            raise ConvertError(f"ONNX: the reference evaluator refuses the graph ({' '.join(text)[:200]})") from error
        y = np.asarray(y)
        if y.dtype.kind != "f" or y.ndim != len(found.axes) or not np.isfinite(y).all():
            raise ConvertError(f"ONNX: output '{name}': wanted {len(found.axes)} axes of finite numbers, found others")
        y = y[tuple(slice(None) if axis in ("T", "F") else 0 for axis in found.axes)]
        return y[None] if found.last else y

    return evaluate


def _checked(walk: _Walk, proto: Any, network: Network, check: str | Path | None) -> Network:
    """Against the user's vector; wanted where a known exporter forgets an attribute."""
    doubtful = walk.reset_before and proto.producer_name.lower().startswith("pytorch")
    if check is None:
        if doubtful:
            raise ConvertError(
                "ONNX: a GRU by PyTorch with linear_before_reset=0: PyTorch's GRU is the other form, and some exporters"
                " forget the attribute, which makes a wrong network. Give a check vector (x, y as torch computes them),"
                " or export again with onnxscript 0.7.2 or later, or import the state dict"
            )
        return network
    difference = network.difference_to(check)
    if difference > 1e-4:
        hint = "; its linear_before_reset=0 is then the exporter's error" if doubtful else ""
        raise ConvertError(
            f"ONNX: the graph differs from the check vector {check} by {difference:.3g} (at most 1e-4 may be){hint}"
        )
    line = f"check vector {Path(check).name}: largest difference {difference:.3g}"
    warned = "a GRU by PyTorch with linear_before_reset=0 is often an exporter's error; the check vector agrees with it"
    return replace(
        network,
        mapped=(*network.mapped, line),
        warnings=(*network.warnings, *[warned] * doubtful),
    )
