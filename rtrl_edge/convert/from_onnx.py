"""ONNX in and out: a graph is walked node by node; what is not understood is refused by naming the node.

Understood: RNN, GRU and LSTM (forward), one readout (Gemm, or MatMul and Add), softmax or sigmoid behind it, and what
only moves numbers or axes about. A model file is input from outside: its size, its number of nodes and every shape are
checked before an array is made, external data is never opened, and weights are read here, not by the library.
The file is read in ``onnx_file``; what each node means stands in ``onnx_layers`` and ``onnx_moves``.
Sources: onnx/docs/Operators.md (RNN, GRU, LSTM: gate orders i | z r h | i o f c; biases [Wb, Rb]; peepholes P i o f).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from ..errors import ConvertError
from ..model import Direct, Linear, SquaredError
from ..stream import Float
from .network import Network
from .onnx_file import (
    FLOATS,
    TYPES,
    RefusedError,
    Signal,
    Walk,
    check_bounds,
    constant,
    define,
    graph_input,
    opset_of,
    parse,
    read_file,
)
from .onnx_layers import GATES, READOUTS, layer
from .onnx_moves import MOVES, constant_node, split

#: of one run of the graph in its own sizes, so that a comparison takes no more than seconds
MACS_MAX = 2**30
STEPS_MAX = 10_000
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
_OPERATORS = {**MOVES, **READOUTS}


def from_onnx(source: str | Path | bytes, check: str | Path | None = None) -> Network:
    """The network in an ONNX file (or its bytes), opset 7 or later.

    Args:
        source: the file.
        check: an .npz with ``x`` (T, inputs) and ``y`` (T, outputs), or the last rows of it, as the framework that
            trained the network gives them; compared within 1e-4.

    Raises:
        ConvertError: with the node or tensor that cannot be taken over, and why.
    """
    content = source if isinstance(source, bytes) else read_file(Path(source))
    proto = parse(content)
    walk = Walk()
    walk.opset = opset_of(proto)
    graph = proto.graph
    check_bounds(graph)
    for tensor in graph.initializer:
        define(walk, tensor.name, constant(walk, tensor.name, tensor))
    for info in graph.input:
        if info.name not in walk.values:
            define(walk, info.name, graph_input(walk, info))
    for node in graph.node:
        _step(walk, node)
    return _network(walk, proto, content, check)


def with_weights(content: bytes, arrays: dict[str, npt.NDArray[Any]]) -> bytes:
    """The same file with other weights: what :meth:`Network.back` gave."""
    proto = parse(content)
    constants = [
        (node.output[0], a.t) for node in proto.graph.node if node.op_type == "Constant" for a in node.attribute
    ]
    for name, tensor in [*((t.name, t) for t in proto.graph.initializer), *constants]:
        if name in arrays:
            tensor.ClearField(TYPES[tensor.data_type][1])
            tensor.raw_data = arrays[name].astype(TYPES[tensor.data_type][0]).tobytes()
    return bytes(proto.SerializeToString(deterministic=True))


def _step(walk: Walk, node: Any) -> None:
    name = node.name or next((output for output in node.output if output), "")
    title = f"node '{name}' ({node.op_type})"
    try:
        if node.domain not in ("", "ai.onnx"):
            raise RefusedError(f"an operator of another domain, {node.domain!r}")
        attributes = {a.name: a for a in node.attribute}
        if any(a.type in (5, 10, 11, 12) or a.ref_attr_name for a in node.attribute):
            raise RefusedError(
                "a loop or branch with a graph inside is not unrolled; export the cell as ONNX' RNN, GRU or LSTM"
            )
        wrong = [a.name for a in node.attribute if a.type != _KINDS.get(a.name, a.type)]
        if wrong or len(attributes) < len(node.attribute):
            raise RefusedError(f"its attributes {wrong or [*attributes]} are not of their types, or given twice")
        missing = [name for name in node.input if name and name not in walk.values]
        if missing:
            raise RefusedError(f"its input {missing[0]!r} is made nowhere above it")
        given = [walk.values[name] if name else None for name in node.input]
        if len(node.output) < 1:
            raise RefusedError("it has no output")
        if node.op_type in GATES:
            found = layer(walk, node, attributes, given)
        elif node.op_type == "Constant":
            found = [constant_node(walk, node, attributes)]
        elif node.op_type == "Split":
            found = split(given, attributes, len(node.output))
        elif node.op_type in _OPERATORS:
            if not given or given[0] is None:
                raise RefusedError("its first input is missing")
            found = [_OPERATORS[node.op_type](walk, attributes, given)]
        else:
            raise RefusedError(
                "not an operator that can be taken over: wanted RNN, GRU or LSTM, a readout by Gemm or MatMul and Add, "
                "Softmax or Sigmoid behind it, and what only moves axes"
            )
        for name, value in zip(node.output, found, strict=False):
            if name:
                define(walk, name, value)
        if len(node.output) > len(found):
            raise RefusedError(f"{len(node.output)} outputs, of which only {len(found)} are understood")
    except RefusedError as error:
        raise ConvertError(f"ONNX: {title}: {error}") from None


def _network(walk: Walk, proto: Any, content: bytes, check: str | Path | None) -> Network:
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


def _x_axes(walk: Walk) -> tuple[list[str], Sequence[int | None]]:
    """Meaning and size of each axis of the graph's input x."""
    assert walk.x is not None
    sizes = walk.inputs[walk.x][1]
    return [walk.bound[str(10 + i)] for i in range(len(sizes))], sizes


def _output(walk: Walk, graph: Any) -> tuple[str, Signal]:
    """The output that is the prediction: the readout's, else all steps of h, else the last."""
    found = []
    for info in graph.output:
        value = walk.values.get(info.name)
        if not isinstance(value, Signal) or not isinstance(value.of, int):
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


def _evaluator(walk: Walk, content: bytes, name: str, found: Signal) -> Callable[[Float], Float]:
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
        feeds = {walk.x: whole.transpose([order.index(a) for a in axes]).astype(FLOATS[walk.inputs[walk.x][0]])}
        for state in walk.states:
            kind, shape = walk.inputs[state]
            feeds[state] = np.zeros([batch if n is None else n for n in shape], FLOATS.get(kind, "float32"))
        for lengths in walk.lengths:
            feeds[lengths] = np.full(batch, len(x), np.int32)
        try:
            with np.errstate(all="ignore"):
                (y,) = ReferenceEvaluator(parse(content)).run([name], feeds)
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


def _checked(walk: Walk, proto: Any, network: Network, check: str | Path | None) -> Network:
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
