"""ONNX' nodes that become parts of ours: RNN, GRU and LSTM, a readout, and a softmax or sigmoid behind it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from ..model import GRU, LSTM, RNN, BinaryCrossEntropy, Cell, Linear, Loss, SoftmaxCrossEntropy
from .network import Tensor
from .onnx_file import FLOATS, Operator, RefusedError, Signal, Value, Walk, Zeros
from .onnx_moves import axis_of

GATES = {"RNN": ("W",), "GRU": ("z", "r", "n"), "LSTM": ("i", "o", "f", "g")}
_ACTIVATIONS = {"RNN": ["tanh"], "GRU": ["sigmoid", "tanh"], "LSTM": ["sigmoid", "tanh", "tanh"]}
_KNOWN = {
    "RNN": {"activations", "direction", "hidden_size", "layout"},
    "GRU": {"activations", "direction", "hidden_size", "layout", "linear_before_reset"},
    "LSTM": {"activations", "direction", "hidden_size", "layout", "input_forget"},
}


def layer(walk: Walk, node: Any, attributes: dict[str, Any], given: list[Any]) -> list[Value]:
    """RNN, GRU or LSTM."""
    kind = node.op_type
    x, W, R, B, lengths, h0, c0, P = [*given, *[None] * 8][:8]
    if len(given) > (8 if kind == "LSTM" else 6):
        raise RefusedError(f"{len(given)} inputs are too many")
    layout, reset = _attributes(kind, attributes)
    if not isinstance(x, Signal) or len(x.axes) != 3 or x.cell_state or x.last or x.stage:
        raise RefusedError("wanted the samples (time, batch, inputs), or all steps of the layer below, as its X")
    order = ("N", "T", "F") if layout else ("T", "N", "F")
    x = _bind(walk, x, order)
    n, inputs = _sizes(kind, W, R, B, P)
    if "hidden_size" in attributes and attributes["hidden_size"].i != n:
        raise RefusedError(f"hidden_size is {attributes['hidden_size'].i}, R is for {n}")
    features = x.sizes[x.axes.index("F")]
    if (isinstance(x.of, int) or features is not None) and features != inputs:
        raise RefusedError(f"its W is for {inputs} inputs, its X has {features}")
    _initial(walk, "initial_h", h0)
    _initial(walk, "initial_c", c0)
    if isinstance(lengths, Signal) and isinstance(lengths.of, str):
        walk.lengths.append(lengths.of)
    elif isinstance(lengths, Tensor) and (lengths.values == x.sizes[x.axes.index("T")]).all():
        pass  # all sequences are whole
    elif lengths is not None:
        raise RefusedError("sequence_lens that are constant cut sequences off; make them an input, or leave them out")
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
    walk.ties += [(f"{layer}|{name}", piece) for name, piece in _ties(GATES[kind], n, bool(reset), W, R, B, P)]
    walk.mapped.append(
        f"{kind} '{node.name or node.output[0]}', {inputs} inputs -> {cell!r}: gates {' '.join(GATES[kind])}"
        + (" (h = n)" if kind == "GRU" else " (c = g)" if kind == "LSTM" else "")
        + (", Wb + Rb = one bias" if B is not None else ", no bias")
        + (", Rb of h inside the product with r" if kind == "GRU" and reset and B is not None else "")
    )
    size_t, size_n = (x.sizes[x.axes.index(name)] for name in "TN")
    sizes = {"T": size_t, "D": 1, "N": size_n, "F": n}
    axes = ("N", "T", "D", "F") if layout else ("T", "D", "N", "F")
    y = Signal(layer, axes, tuple(sizes[a] for a in axes))
    short = ("N", "D", "F") if layout else ("D", "N", "F")
    y_h = Signal(layer, short, tuple(sizes[a] for a in short), last=True)
    return [y, y_h, replace(y_h, cell_state=True)][: 3 if kind == "LSTM" else 2]


def _sizes(kind: str, W: Any, R: Any, B: Any, P: Any) -> tuple[int, int]:
    """Units and inputs, of constants whose shapes fit each other."""
    for name, value, rank in (("W", W, 3), ("R", R, 3), ("B", B, 2), ("P", P, 2)):
        if value is None and name in "BP":
            continue
        if not isinstance(value, Tensor) or value.values.dtype.kind != "f":
            raise RefusedError(f"wanted its {name} as a constant (an initializer), found none")
        if len(value.shape) != rank or value.shape[0] != 1:
            raise RefusedError(f"wanted a {name} of one direction, {rank} axes, found the shape {value.shape}")
    count, n, inputs = len(GATES[kind]), R.shape[2], W.shape[2]
    wanted = {"W": (1, count * n, inputs), "R": (1, count * n, n), "B": (1, 2 * count * n), "P": (1, 3 * n)}
    for name, value in (("W", W), ("R", R), ("B", B), ("P", P)):
        if value is not None and value.shape != wanted[name]:
            raise RefusedError(f"wanted the shape {wanted[name]} for {name}, found {value.shape}")
    return n, inputs


def _ties(gates: Sequence[str], n: int, reset: bool, W: Any, R: Any, B: Any, P: Any) -> list[tuple[str, Tensor]]:
    """Which of our arrays each piece of the node's constants is: of gate g g.x, g.h, g.b, of the peepholes p_g.

    ``reset``: linear_before_reset, where Rb of n is a bias of its own, n.c, inside the product with r.
    """
    ties: list[tuple[str, Tensor]] = []
    for k, gate in enumerate(gates):
        rows = slice(k * n, (k + 1) * n)
        ties += [(f"{gate}.x", W[0, rows]), (f"{gate}.h", R[0, rows])]
        if B is not None:
            after = gate == "n" and reset
            ties += [(f"{gate}.b", B[0, rows]), (f"{gate}.{'c' if after else 'b'}", B[0, len(gates) * n :][rows])]
    if P is not None:
        ties += [(f"p_{gate}", P[0, k * n : (k + 1) * n]) for k, gate in enumerate("iof")]
    return ties


def _units(n: int) -> int:
    if not 1 <= n <= 256:
        raise RefusedError(f"wanted 1 to 256 units, found {n}")
    return n


def _attributes(kind: str, attributes: dict[str, Any]) -> tuple[int, int]:
    """layout and linear_before_reset, of attributes that ask for nothing that we do not have."""
    for name in attributes:
        if name == "clip":
            raise RefusedError("clip limits its pre-activations; ours are not limited: train without")
        if name not in _KNOWN[kind]:
            raise RefusedError(f"its attribute {name!r} is not taken over")
    if "direction" in attributes and attributes["direction"].s != b"forward":
        raise RefusedError(
            f"direction {attributes['direction'].s.decode(errors='replace')!r}: on a stream the future is not known; "
            "only 'forward' can be taken over"
        )
    if "input_forget" in attributes and attributes["input_forget"].i:
        raise RefusedError("input_forget couples the gates; ours are two")
    if "activations" in attributes:
        found = [name.decode(errors="replace").lower() for name in attributes["activations"].strings]
        if found != _ACTIVATIONS[kind]:
            raise RefusedError(f"wanted the activations {', '.join(_ACTIVATIONS[kind])}, found {', '.join(found)[:80]}")
    layout, reset = (attributes[a].i if a in attributes else 0 for a in ("layout", "linear_before_reset"))
    if layout not in (0, 1) or reset not in (0, 1):
        raise RefusedError(f"wanted 0 or 1 for layout and linear_before_reset, found {layout} and {reset}")
    return int(layout), int(reset)


def _bind(walk: Walk, x: Signal, order: tuple[str, ...]) -> Signal:
    """The axes of a layer's X, by their meaning; the first layer's tell those of the graph's input."""
    if isinstance(x.of, str):
        if walk.x is not None:
            raise RefusedError("a second layer sees the samples; wanted one above the other")
        walk.x = x.of
        if walk.inputs[x.of][0] not in FLOATS:
            raise RefusedError(f"wanted samples of float or double, found data type {walk.inputs[x.of][0]}")
        walk.bound = {axis: name for axis, name in zip(x.axes, order, strict=True) if axis != "1"}
        if {"T", "F"} - set(walk.bound.values()) or len(walk.bound) != len(walk.inputs[x.of][1]):
            raise RefusedError("time and inputs must be axes of the graph's input")
        return replace(x, axes=order)
    if x.of != len(walk.cells):
        raise RefusedError("wanted all layers one above the other")
    free = ("1", "D")
    axes = tuple(want if have in free and want == "N" else have for have, want in zip(x.axes, order, strict=True))
    if axes != order:
        raise RefusedError(f"wanted its X as {' '.join(order)}, found {' '.join(x.axes)}")
    return replace(x, axes=axes)


def _initial(walk: Walk, name: str, value: Any) -> None:
    if value is None or isinstance(value, Zeros):
        return
    if isinstance(value, Tensor) and not value.values.any():
        return
    if isinstance(value, Signal) and isinstance(value.of, str):
        if value.of not in walk.states:
            walk.states.append(value.of)
            walk.mapped.append(f"input '{value.of}', {name}: the chip's own state, zero after a reset")
        return
    raise RefusedError(f"{name}: the chip starts from zero; wanted zeros or an input of the graph")


def _readout(walk: Walk, value: Any, weights: Any) -> Signal:
    """A product of the last layer's h with constants (outputs, units)."""
    if not isinstance(value, Signal) or not isinstance(value.of, int) or value.cell_state or value.stage:
        raise RefusedError(
            "wanted the last layer's h and constant weights, and one readout only; a cell that is written out step by "
            "step is not put together again: export it as ONNX' RNN, GRU or LSTM (PyTorch: dynamo=False)"
        )
    if not isinstance(weights, Tensor) or len(weights.shape) != 2 or weights.values.dtype.kind != "f":
        raise RefusedError("wanted constant weights (units, outputs)")
    if value.of != len(walk.cells) or value.axes[-1] != "F" or weights.shape[1] != value.sizes[-1]:
        raise RefusedError(f"wanted the units {value.sizes[-1]} of the last layer as the last axis")
    if walk.outputs:
        raise RefusedError("a second readout")
    if not 1 <= weights.shape[0] <= 256:
        raise RefusedError(f"wanted 1 to 256 outputs, found {weights.shape[0]}")
    walk.outputs = weights.shape[0]
    return replace(value, stage=1, sizes=(*value.sizes[:-1], walk.outputs), ties=(("V.h", weights),))


def _bias(walk: Walk, value: Signal, bias: Any) -> Signal:
    if value.stage != 1 or not isinstance(bias, Tensor) or bias.values.dtype.kind != "f":
        raise RefusedError("wanted the readout's constant bias, once")
    flat = bias.map(np.ravel)
    if any(n != 1 for n in bias.shape[:-1]) or flat.shape != (walk.outputs,) or len(bias.shape) > len(value.axes):
        raise RefusedError(f"wanted a bias of the shape {(walk.outputs,)}, found {bias.shape}")
    return replace(value, stage=2, ties=(*value.ties, ("V.b", flat)))


def _gemm(walk: Walk, attributes: dict[str, Any], given: list[Any]) -> Value:
    if len(given) < 2 or not isinstance(given[0], Signal) or len(given[0].axes) != 2:
        raise RefusedError("wanted the last layer's h (rows, units) and constant weights")
    scale = [attributes[a].f for a in ("alpha", "beta") if a in attributes]
    if any(s != 1.0 for s in scale) or ("transA" in attributes and attributes["transA"].i):
        raise RefusedError("wanted alpha = beta = 1 and transA = 0")
    B = given[1]
    if isinstance(B, Tensor) and not ("transB" in attributes and attributes["transB"].i):
        B = B.T
    found = _readout(walk, given[0], B)
    walk.mapped.append(f"Gemm -> {Linear(walk.outputs)!r}")
    return _bias(walk, found, given[2]) if len(given) > 2 and given[2] is not None else replace(found, stage=2)


def _matmul(walk: Walk, attributes: dict[str, Any], given: list[Any]) -> Value:
    if len(given) != 2 or not isinstance(given[1], Tensor):
        raise RefusedError("wanted the last layer's h and constant weights")
    found = _readout(walk, given[0], given[1].T)
    walk.mapped.append(f"MatMul -> {Linear(walk.outputs)!r}")
    return found


def _add(walk: Walk, attributes: dict[str, Any], given: list[Any]) -> Value:
    signals = [v for v in given if isinstance(v, Signal)]
    if len(given) != 2 or len(signals) != 1:
        raise RefusedError("wanted the readout's product and a constant bias")
    return _bias(walk, signals[0], next(v for v in given if v is not signals[0]))


def _probabilities(loss: Loss) -> Operator:
    def run(walk: Walk, attributes: dict[str, Any], given: list[Any]) -> Value:
        value = given[0]
        if not isinstance(value, Signal) or value.stage not in (1, 2):
            raise RefusedError("wanted it behind the readout, at the end of the graph")
        if isinstance(loss, SoftmaxCrossEntropy):
            rank = len(value.axes)
            axis = axis_of(attributes["axis"].i if "axis" in attributes else (-1 if walk.opset >= 13 else 1), rank)
            if axis != rank - 1 or value.axes[-1] != "F":
                raise RefusedError("wanted it along the outputs, the last axis")
            if walk.outputs < 2:
                raise RefusedError("a softmax of one output is always 1")
        return replace(value, stage=3, loss=loss)

    return run


READOUTS: dict[str, Operator] = {
    "Gemm": _gemm,
    "MatMul": _matmul,
    "Add": _add,
    "Softmax": _probabilities(SoftmaxCrossEntropy()),
    "Sigmoid": _probabilities(BinaryCrossEntropy()),
}
