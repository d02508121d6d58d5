"""TFLite files written by hand with the schema, as converters write them: an LSTM over a sequence, and a readout."""

from __future__ import annotations

from typing import Any

import flatbuffers
import numpy as np
from ai_edge_litert import schema_py_generated as S  # noqa: N812 - it is long

Float = np.ndarray

GATES = "ifgo"  # input, forget, cell, output: the order of the operator's inputs, and ours
HIDDEN_SCALE, CELL_SCALE = 2.0**-7, 2.0**-11


class Writer:
    """One subgraph."""

    def __init__(self) -> None:
        self.model, self.graph = S.ModelT(), S.SubGraphT()
        self.model.version, self.model.buffers, self.model.operatorCodes = 3, [S.BufferT()], []
        self.model.subgraphs = [self.graph]
        self.graph.tensors, self.graph.operators, self.graph.name = [], [], "main"

    def tensor(self, name: str, shape: tuple[int, ...], dtype: int, data: Float | None = None,
               scale: float | Float | None = None, zero: int = 0, variable: bool = False) -> int:  # fmt: skip
        """Add a tensor, constant if it has data; its number."""
        t = S.TensorT()
        t.name, t.shape, t.type, t.isVariable, t.buffer = name, list(shape), dtype, variable, 0
        if scale is not None:
            t.quantization = S.QuantizationParametersT()
            t.quantization.scale = np.atleast_1d(np.asarray(scale, np.float32))
            t.quantization.zeroPoint = np.full(t.quantization.scale.shape, zero, np.int64)
        if data is not None:
            buffer = S.BufferT()
            buffer.data = np.frombuffer(np.ascontiguousarray(data).tobytes(), np.uint8)
            self.model.buffers.append(buffer)
            t.buffer = len(self.model.buffers) - 1
        self.graph.tensors.append(t)
        return len(self.graph.tensors) - 1

    def operator(self, name: str, version: int, inputs: list[int], outputs: list[int], options: Any = None,
                 intermediates: list[int] | None = None) -> None:  # fmt: skip
        """Add an operator; its options' class tells their kind."""
        code, op = S.OperatorCodeT(), S.OperatorT()
        code.builtinCode = getattr(S.BuiltinOperator, name)
        code.deprecatedBuiltinCode, code.version = min(code.builtinCode, 127), version
        self.model.operatorCodes.append(code)
        op.opcodeIndex, op.inputs, op.outputs = len(self.model.operatorCodes) - 1, inputs, outputs
        if options is not None:
            kind = type(options).__name__.removesuffix("T")
            op.builtinOptionsType, op.builtinOptions = getattr(S.BuiltinOptions, kind), options
        if intermediates is not None:
            op.intermediates = intermediates
        self.graph.operators.append(op)

    def file(self, inputs: list[int], outputs: list[int]) -> bytes:
        """The whole."""
        self.graph.inputs, self.graph.outputs = inputs, outputs
        builder = flatbuffers.Builder(1024)
        builder.Finish(self.model.Pack(builder), file_identifier=b"TFL3")
        return bytes(builder.Output())


def options_lstm(**values: Any) -> Any:
    """Options of the LSTM operator: tanh, batch first."""
    options = S.UnidirectionalSequenceLSTMOptionsT()
    options.fusedActivationFunction, options.timeMajor = S.ActivationFunctionType.TANH, False
    for name, value in values.items():
        assert hasattr(options, name)
        setattr(options, name, value)
    return options


def lstm(
    W: Float, V: Float | None, steps: int, *, int8: bool = False, hybrid: bool = False, input_scale: float = 0.02,
    input_zero: int = -5, output_scale: float = 0.03, peepholes: Float | None = None, **options: Any,
) -> bytes:  # fmt: skip
    """A file of an LSTM W (4 n, inputs + 1 + n) over ``steps`` samples, rows i, f, g, o, and of a readout V (o, n + 1).

    ``int8``: weights int8 by tensor, biases int32, c int16 with 11 fraction bits, h int8 with 7.
    ``hybrid``: weights int8, all else float.
    """
    n = len(W) // 4
    inputs = W.shape[1] - 1 - n
    w, x_type = Writer(), S.TensorType.INT8 if int8 else S.TensorType.FLOAT32

    def weights(name: str, values: Float) -> tuple[int, float]:
        if not (int8 or hybrid):
            return w.tensor(name, values.shape, S.TensorType.FLOAT32, values.astype(np.float32)), 1.0
        scale = float(np.float32(np.abs(values).max() / 127))
        return w.tensor(name, values.shape, S.TensorType.INT8, np.rint(values / scale).astype(np.int8), scale), scale

    def bias(name: str, values: Float, scale: float) -> int:
        if not int8:
            return w.tensor(name, values.shape, S.TensorType.FLOAT32, values.astype(np.float32))
        return w.tensor(name, values.shape, S.TensorType.INT32, np.rint(values / scale).astype(np.int32), scale)

    def activation(name: str, shape: tuple[int, ...], scale: float, zero: int = 0, **more: Any) -> int:
        return w.tensor(name, shape, x_type, None, scale if int8 else None, zero, **more)

    x = activation("x", (1, steps, inputs), input_scale, input_zero)
    gates = [np.split(row, [inputs, inputs + 1], axis=1) for row in np.split(W, 4)]
    into = [weights(f"w_{g}", gate[0]) for g, gate in zip(GATES, gates, strict=True)]
    back = [weights(f"r_{g}", gate[2]) for g, gate in zip(GATES, gates, strict=True)]
    peeps = [-1] * 3
    if peepholes is not None:
        peeps = [weights(f"p_{g}", p)[0] for g, p in zip("ifo", np.split(peepholes, 3), strict=True)]
    biases = [
        bias(f"b_{g}", gate[1][:, 0], input_scale * scale)
        for g, gate, (_, scale) in zip(GATES, gates, into, strict=True)
    ]
    h = activation("h", (1, n), HIDDEN_SCALE, variable=True)
    if int8:
        c = w.tensor("c", (1, n), S.TensorType.INT16, None, CELL_SCALE, variable=True)
        between = [w.tensor(f"between_{k}", (0,), S.TensorType.INT16, None, 2.0**-12) for k in range(4)]
        between.append(w.tensor("between_4", (0,), S.TensorType.INT8, None, HIDDEN_SCALE))
    else:
        c, between = w.tensor("c", (1, n), x_type, variable=True), None
    out = activation("hidden", (1, steps, n), HIDDEN_SCALE)
    ins = [x, *(t for t, _ in into), *(t for t, _ in back), *peeps, *biases, -1, -1, h, c, *[-1] * 4]
    w.operator("UNIDIRECTIONAL_SEQUENCE_LSTM", 3, ins, [out], options_lstm(**options), between)
    if V is None:
        return w.file([x], [out])
    v, scale = weights("v", V[:, :-1])
    y = activation("y", (steps, len(V)), output_scale)
    b = bias("v_bias", V[:, -1], HIDDEN_SCALE * scale)
    w.operator("FULLY_CONNECTED", 4, [out, v, b], [y], S.FullyConnectedOptionsT())
    return w.file([x], [y])
