"""TFLite in and out: one UNIDIRECTIONAL_SEQUENCE_LSTM, float or int8, and at most one FULLY_CONNECTED readout.

Read with the schema that ``ai-edge-litert`` ships (extra ``tflite``); compared with its interpreter or, where that is
installed, with ``tflite-runtime``'s. A file is input from outside and there is no verifier in Python: nothing is read
but what is wanted, every length is held against the file before an array is made of it, whatever the reader stumbles
over is told as damage, and the interpreter, which is C++, runs in a process of its own.
Source: tensorflow/lite/kernels/unidirectional_sequence_lstm.cc (inputs of the operator), schema.fbs.
"""

from __future__ import annotations

import io
import math
import struct
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from ..errors import ConvertError
from ..model import LSTM, Direct, Linear
from ..stream import Float
from .network import Network, Tensor, tensors
from .weight_files import BYTES_MAX, DIFFERENCE_MAX, checked, read_file

COUNT_MAX = 1000  # operators, tensors, buffers
ELEMENTS_MAX = 2**22
RANK_MAX = 8
WIDTH_MAX = 256
#: the chip's c saturates at 8: a clip of 8 or more changes nothing that it can hold
CLIP_MIN = 8.0
PLAY_SECONDS = 60.0
#: how far, in steps of its output, an int8 file may be from its own weights in float64
STEPS_MAX = 8
_GATES = {"input": "i", "forget": "f", "cell": "g", "output": "o"}
#: inputs of the LSTM operator: its weights, by name
_LSTM = {
    **{1 + k: f"input_to_{gate}_weights" for k, gate in enumerate(_GATES)},
    **{5 + k: f"recurrent_to_{gate}_weights" for k, gate in enumerate(_GATES)},
    **{9 + k: f"cell_to_{gate}_weights" for k, gate in enumerate(("input", "forget", "output"))},
    **{12 + k: f"{gate}_gate_bias" for k, gate in enumerate(_GATES)},
}
_REFUSED = {16: "a projection", 17: "a projection", **dict.fromkeys(range(20, 24), "layer normalisation")}
_DAMAGE = (struct.error, ValueError, IndexError, TypeError, AttributeError, OverflowError, KeyError)


@dataclass(frozen=True, eq=False)
class _Found:
    """A graph that can be taken over: the weights' tensors and numbers by name; scale and zero point of x and y, None
    in float."""

    indices: dict[str, int]
    arrays: dict[str, Float]
    x: tuple[float, int] | None
    y: tuple[float, int] | None
    time_major: bool
    steps: int


def from_tflite(source: str | Path | bytes, check: str | Path | None = None) -> Network:
    """The network in a TFLite file (or its bytes). Weights of int8 are taken by their scales; ``evaluate`` plays the
    file itself, in its own number of steps.

    Args:
        source: the file.
        check: as in :func:`rtrl_edge.convert.read`.

    Raises:
        ConvertError: with the operator or tensor that cannot be taken over, and why.
    """
    content = source if isinstance(source, bytes) else read_file(Path(source))
    found = _read(content)
    t = tensors(found.arrays)
    ties: list[tuple[str, Tensor]] = []
    for name, gate in _GATES.items():
        ties += [(f"{gate}.x", t[f"input_to_{name}_weights"]), (f"{gate}.h", t[f"recurrent_to_{name}_weights"])]
        ties.append((f"{gate}.b", t[f"{name}_gate_bias"]))
        if f"cell_to_{name}_weights" in t:
            ties.append((f"p_{gate}", t[f"cell_to_{name}_weights"]))
    n, inputs = found.arrays["input_to_forget_weights"].shape
    cell = LSTM(n, peepholes="cell_to_forget_weights" in t)
    mapped = [f"UNIDIRECTIONAL_SEQUENCE_LSTM, {inputs} inputs, {n} units -> {cell!r}"]
    outputs = 0
    if "readout_weights" in t:
        outputs = t["readout_weights"].shape[0]
        mapped.append(f"FULLY_CONNECTED, {outputs} outputs -> Linear({outputs})")
        readout = (("V.h", "readout_weights"), ("V.b", "readout_bias"))
        ties += [(tie, t[name]) for tie, name in readout if name in t]
    else:
        mapped.append("no FULLY_CONNECTED -> Direct: the units are the outputs")
    int8 = found.x is not None
    scale, zero = found.x or (1.0, 0)
    network = Network.of(
        source=f"TFLite, {'int8' if int8 else 'float'}",
        inputs=inputs,
        cells=[cell],
        readout=Linear(outputs) if outputs else Direct(n),
        arrays=found.arrays,
        ties=ties,
        mapped=mapped,
        evaluate=lambda x: _play(content, found, x),
        steps=found.steps,
        x_range=(scale * (-128 - zero), scale * (127 - zero)) if int8 else (-math.inf, math.inf),
    )
    return checked(network, check, DIFFERENCE_MAX if found.y is None else STEPS_MAX * found.y[0])


def with_weights(content: bytes, arrays: Mapping[str, npt.NDArray[Any]]) -> bytes:
    """The same file with other weights: what :meth:`Network.back` gave. Weights of int8 keep their scale where they
    fit in it, so that without learning not a word changes; otherwise the scale grows, that of their bias with it."""
    found = _read(content)
    try:
        return _rewritten(_schema(), content, found, arrays)
    except _DAMAGE as error:
        raise ConvertError(f"TFLite: the file is damaged ({type(error).__name__}: {error})") from error


def _rewritten(S: Any, content: bytes, found: _Found, arrays: Mapping[str, npt.NDArray[Any]]) -> bytes:
    import flatbuffers

    model = S.ModelT.InitFromObj(S.Model.GetRootAs(content))
    graph = model.subgraphs[0]
    grown: dict[str, Any] = {}
    for name, index in found.indices.items():  # a bias comes after the weights that it belongs to
        tensor, values = graph.tensors[index], np.asarray(arrays[name], np.float64)
        dtype = _types(S)[tensor.type]
        if dtype.kind == "i":
            top = np.iinfo(dtype).max
            scale = np.asarray(tensor.quantization.scale, np.float64)
            owner = name.removeprefix("input_to_").removesuffix("_weights").removesuffix("_bias").removesuffix("_gate")
            if name.endswith("_bias"):
                scale = scale * grown.get(owner, 1.0)
            else:
                most = np.abs(values).max(axis=1) if len(scale) > 1 else np.abs(values).max()
                grown[owner] = np.maximum(1.0, most / ((top + 0.49) * scale))
                scale = scale * grown[owner]
            tensor.quantization.scale = scale.astype(np.float32)
            stored = tensor.quantization.scale.astype(np.float64)
            stored = stored[:, None] if len(stored) > 1 and values.ndim > 1 else stored
            values = np.clip(np.rint(values / stored), -top, top)
        buffer = S.BufferT()  # of its own: a converter lets equal tensors share one
        buffer.data = np.frombuffer(np.ascontiguousarray(values.astype(dtype)).tobytes(), np.uint8)
        model.buffers.append(buffer)
        tensor.buffer = len(model.buffers) - 1
    builder = flatbuffers.Builder(len(content))
    builder.Finish(model.Pack(builder), file_identifier=b"TFL3")
    return bytes(builder.Output())


# ---------------------------------------------------------------------------------------------- the file


def _schema() -> Any:
    try:
        from ai_edge_litert import schema_py_generated
    except ImportError as error:
        raise ConvertError(
            f"TFLite: wanted the package ai-edge-litert ({error}); pip install 'rtrl-edge[tflite]'"
        ) from error
    return schema_py_generated


def _types(S: Any) -> dict[int, np.dtype[Any]]:
    kinds = {"FLOAT32": "<f4", "INT8": "i1", "INT16": "<i2", "INT32": "<i4"}
    return {getattr(S.TensorType, name): np.dtype(kind) for name, kind in kinds.items()}


def _read(content: bytes) -> _Found:
    S = _schema()
    if len(content) > BYTES_MAX:
        raise ConvertError(f"TFLite: wanted a file of at most {BYTES_MAX // 2**20} MiB, found a larger one")
    if content[4:8] != b"TFL3":
        raise ConvertError(f"TFLite: wanted a .tflite file (TFL3), found one with {content[4:8]!r} there")
    try:
        return _walk(S, S.Model.GetRootAs(content))
    except _DAMAGE as error:
        raise ConvertError(f"TFLite: the file is damaged ({type(error).__name__}: {error})") from error


def _walk(S: Any, model: Any) -> _Found:
    if model.SubgraphsLength() != 1:
        raise ConvertError(f"TFLite: wanted one graph, found {model.SubgraphsLength()}: its loops are not unrolled")
    graph = model.Subgraphs(0)
    _bounds(model, graph)
    names = {value: name for name, value in vars(S.BuiltinOperator).items() if isinstance(value, int)}
    operators = [graph.Operators(k) for k in range(graph.OperatorsLength())]
    kinds = []
    for operator in operators:
        code = model.OperatorCodes(_within("operator code", operator.OpcodeIndex(), model.OperatorCodesLength()))
        kinds.append(names.get(max(code.BuiltinCode(), code.DeprecatedBuiltinCode()), "unknown"))
    wanted = ("UNIDIRECTIONAL_SEQUENCE_LSTM", "FULLY_CONNECTED")
    for number, kind in enumerate(kinds):
        if number >= len(wanted) or kind != wanted[number]:
            raise ConvertError(
                f"TFLite: operator {number} ({kind}) cannot be taken over: wanted {wanted[0]} and then at most one "
                f"{wanted[1]}"
            )
    if not operators or (graph.InputsLength(), graph.OutputsLength()) != (1, 1):
        raise ConvertError(
            f"TFLite: wanted one LSTM, one input and one output, found {len(operators)} operators, "
            f"{graph.InputsLength()} and {graph.OutputsLength()}"
        )
    lstm, ins = operators[0], _inputs(graph, operators[0], 24)
    if len(ins) not in (20, 24) or ins[0] != graph.Inputs(0) or lstm.OutputsLength() != 1:
        raise ConvertError(
            "TFLite: UNIDIRECTIONAL_SEQUENCE_LSTM: wanted 20 or 24 inputs, the graph's first, one output"
        )
    time_major = _check_lstm(S, graph, lstm, ins)
    indices = {name: ins[k] for k, name in _LSTM.items() if ins[k] >= 0}
    last = lstm.Outputs(0)
    if len(operators) == 2:
        head, fed = operators[1], _inputs(graph, operators[1], 3)
        options = _options(S, head, "FullyConnectedOptions")
        if len(fed) < 2 or fed[0] != last or head.OutputsLength() != 1:
            raise ConvertError("TFLite: FULLY_CONNECTED: wanted the LSTM's output, weights and a bias")
        if options is not None and (options.FusedActivationFunction() or options.WeightsFormat()):
            raise ConvertError("TFLite: FULLY_CONNECTED: wanted no activation behind it and the plain order of weights")
        indices |= {name: k for name, k in zip(("readout_weights", "readout_bias"), fed[1:], strict=False) if k >= 0}
        last = head.Outputs(0)
    if last != graph.Outputs(0):
        raise ConvertError("TFLite: wanted the last operator's output as that of the graph, found another")
    if len({*indices.values()}) < len(indices):
        raise ConvertError("TFLite: wanted a tensor of its own for each weight, found one that is used twice")
    arrays = {name: _numbers(S, model, name, graph.Tensors(index)) for name, index in indices.items()}
    x, y = graph.Tensors(graph.Inputs(0)), graph.Tensors(last)
    steps = _check_shapes(S, arrays, x, y, time_major)
    return _Found(indices, arrays, _format(x), _format(y), time_major, steps)


def _bounds(model: Any, graph: Any) -> None:
    """Of everything that anybody walks over, also the interpreter and :func:`with_weights`."""
    counts = {
        "operators": graph.OperatorsLength(), "tensors": graph.TensorsLength(), "buffers": model.BuffersLength(),
        "operator codes": model.OperatorCodesLength(), "metadata": model.MetadataLength(),
        "signatures": model.SignatureDefsLength(),
    }  # fmt: skip
    for what, count in counts.items():
        if count > COUNT_MAX:
            raise ConvertError(f"TFLite: wanted at most {COUNT_MAX} {what}, found {count}")
    total = 0
    for k in range(model.BuffersLength()):
        buffer = model.Buffers(k)
        total += buffer.DataLength()
        if buffer.Offset() or buffer.Size():
            raise ConvertError(f"TFLite: buffer {k} lies behind the model; save it inside")
    if total > BYTES_MAX:
        raise ConvertError(f"TFLite: wanted at most {BYTES_MAX // 2**20} MiB of numbers, found {total} B")
    for k in range(graph.TensorsLength()):
        _shape(f"tensor {k}", graph.Tensors(k))


def _shape(what: str, tensor: Any) -> tuple[int, ...]:
    if tensor.ShapeLength() > RANK_MAX:
        raise ConvertError(f"TFLite: {what}: wanted at most {RANK_MAX} axes, found {tensor.ShapeLength()}")
    shape = tuple(int(tensor.Shape(k)) for k in range(tensor.ShapeLength()))
    if any(not 0 <= n <= ELEMENTS_MAX for n in shape) or math.prod(shape) > ELEMENTS_MAX:
        raise ConvertError(f"TFLite: {what}: wanted known sizes, {ELEMENTS_MAX:,} numbers at most, found {shape}")
    quantization = tensor.Quantization()
    if quantization is not None and max(quantization.ScaleLength(), quantization.ZeroPointLength()) > ELEMENTS_MAX:
        raise ConvertError(f"TFLite: {what}: found more scales than numbers")
    if tensor.Sparsity() is not None or tensor.ExternalBuffer():
        raise ConvertError(f"TFLite: {what}: wanted it dense and in this file")
    return shape


def _within(what: str, index: int, count: int) -> int:
    if not 0 <= index < count:
        raise ConvertError(f"TFLite: {what} {index} of {count} is not there")
    return index


def _inputs(graph: Any, operator: Any, most: int) -> list[int]:
    if operator.InputsLength() > most:
        raise ConvertError(f"TFLite: wanted at most {most} inputs of an operator, found {operator.InputsLength()}")
    found = [int(operator.Inputs(k)) for k in range(operator.InputsLength())]
    for index in [*found, *(int(operator.Outputs(k)) for k in range(min(operator.OutputsLength(), 2)))]:
        if index != -1:
            _within("tensor", index, graph.TensorsLength())
    return found


def _options(S: Any, operator: Any, kind: str) -> Any:
    """The options of an operator, None where all are the default."""
    table = operator.BuiltinOptions()
    if table is None:
        return None
    if operator.BuiltinOptionsType() != getattr(S.BuiltinOptions, kind):
        raise ConvertError(f"TFLite: wanted options of the kind {kind}, found another kind")
    options = getattr(S, kind)()
    options.Init(table.Bytes, table.Pos)
    return options


def _check_lstm(S: Any, graph: Any, operator: Any, ins: list[int]) -> bool:
    """Whether time is the first axis; ConvertError for what we do not have."""
    title = "TFLite: UNIDIRECTIONAL_SEQUENCE_LSTM"
    for k, what in _REFUSED.items():
        if k < len(ins) and ins[k] != -1:
            raise ConvertError(f"{title}: {what} cannot be taken over")
    missing = [name for k, name in _LSTM.items() if ins[k] == -1 and not name.startswith("cell_to_")]
    if missing:
        raise ConvertError(f"{title}: wanted all four gates with a bias, found no {missing[0]}")
    if len({ins[k] == -1 for k in (9, 10, 11)}) > 1:
        raise ConvertError(f"{title}: wanted all three peepholes, or none")
    for k in (18, 19):
        if ins[k] == -1 or not graph.Tensors(ins[k]).IsVariable() or graph.Tensors(ins[k]).Buffer():
            raise ConvertError(f"{title}: wanted states that begin at zero")
    options = _options(S, operator, "UnidirectionalSequenceLSTMOptions")
    if options is None or options.FusedActivationFunction() != S.ActivationFunctionType.TANH:
        raise ConvertError(f"{title}: wanted tanh")
    clip = options.CellClip()
    if not (clip == 0 or clip >= CLIP_MIN) or options.ProjClip() or options.DiagonalRecurrentTensors():
        raise ConvertError(f"{title}: wanted no clip of the cell below {CLIP_MIN:g}, none behind it, whole matrices")
    return bool(options.TimeMajor())


def _numbers(S: Any, model: Any, name: str, tensor: Any) -> Float:
    """The numbers of a constant tensor, in float64."""
    shape, kinds = _shape(name, tensor), _types(S)
    if tensor.Type() not in kinds or (kinds[tensor.Type()].kind == "f") != (_scale(tensor) is None):
        raise ConvertError(f"TFLite: {name}: wanted float32, or int8 to int32 with a scale, found type {tensor.Type()}")
    dtype = kinds[tensor.Type()]
    data = model.Buffers(_within("buffer", tensor.Buffer(), model.BuffersLength())).DataAsNumpy()
    size = data.nbytes if isinstance(data, np.ndarray) else 0
    if not size or size != math.prod(shape) * dtype.itemsize:
        raise ConvertError(f"TFLite: {name}: {size} B do not fill the shape {shape}")
    values = np.frombuffer(data.tobytes(), dtype).reshape(shape).astype(np.float64)
    scale = _scale(tensor)
    if scale is None:
        return values
    quantization = tensor.Quantization()
    zeros = [quantization.ZeroPoint(k) for k in range(min(quantization.ZeroPointLength(), WIDTH_MAX + 1))]
    if any(zeros) or len(scale) not in (1, shape[0] if shape else 0) or quantization.QuantizedDimension():
        raise ConvertError(f"TFLite: {name}: wanted one scale, or one a row, and no zero point")
    return values * (scale[:, None] if len(scale) > 1 and len(shape) > 1 else scale)


def _scale(tensor: Any) -> Float | None:
    """The scales (k,), or None of a tensor that has none."""
    quantization = tensor.Quantization()
    if quantization is None or not quantization.ScaleLength():
        return None
    found: Float = np.array(quantization.ScaleAsNumpy(), np.float64)
    if not (np.isfinite(found).all() and (found > 0).all()):
        raise ConvertError(f"TFLite: wanted scales above zero, found {found[:4]}")
    return found


def _format(tensor: Any) -> tuple[float, int] | None:
    """Scale and zero point of an activation, or None of one in float."""
    scale = _scale(tensor)
    return None if scale is None else (float(scale[0]), int(tensor.Quantization().ZeroPoint(0)))


def _check_shapes(S: Any, arrays: dict[str, Float], x: Any, y: Any, time_major: bool) -> int:
    """The number of steps; ConvertError unless all sizes fit together."""
    into = arrays["input_to_forget_weights"].shape
    if len(into) != 2 or not 1 <= min(into) <= max(into) <= WIDTH_MAX:
        raise ConvertError(f"TFLite: wanted weights (units, inputs), 1 to {WIDTH_MAX}, found {into}")
    n, inputs = into
    for name, array in arrays.items():
        wanted = (n, inputs) if name.startswith("input_to") else (n, n) if name.startswith("recurrent") else (n,)
        if not name.startswith("readout") and array.shape != wanted:
            raise ConvertError(f"TFLite: {name}: wanted the shape {wanted}, found {array.shape}")
    outputs = n
    if "readout_weights" in arrays:
        outputs = len(arrays["readout_weights"]) if arrays["readout_weights"].ndim else 0
        if arrays["readout_weights"].shape != (outputs, n) or not 1 <= outputs <= WIDTH_MAX:
            raise ConvertError(
                f"TFLite: readout_weights: wanted (outputs, {n}), found {arrays['readout_weights'].shape}"
            )
        if "readout_bias" in arrays and arrays["readout_bias"].shape != (outputs,):
            raise ConvertError(f"TFLite: readout_bias: wanted ({outputs},), found {arrays['readout_bias'].shape}")
    shape, axis = _shape("x", x), 0 if time_major else 1
    if len(shape) != 3 or shape[2] != inputs or shape[1 - axis] != 1 or not shape[axis]:
        raise ConvertError(f"TFLite: x: wanted a batch of one sequence with {inputs} inputs, found {shape}")
    if math.prod(_shape("y", y)) != shape[axis] * outputs:
        raise ConvertError(f"TFLite: y: wanted {shape[axis]} steps of {outputs} outputs, found {_shape('y', y)}")
    for name, tensor in (("x", x), ("y", y)):
        int8 = tensor.Type() == S.TensorType.INT8
        if tensor.Type() not in (S.TensorType.FLOAT32, S.TensorType.INT8) or int8 != (_scale(tensor) is not None):
            raise ConvertError(f"TFLite: {name}: wanted float32, or int8 with a scale, found type {tensor.Type()}")
    return int(shape[axis])


# ---------------------------------------------------------------------------------------- the interpreter

_PLAYER = """
import io, sys
import numpy as np
try:
    from ai_edge_litert.interpreter import Interpreter
except ImportError:
    from tflite_runtime.interpreter import Interpreter
with np.load(io.BytesIO(sys.stdin.buffer.read())) as given:
    player, x = Interpreter(model_content=given["content"].tobytes()), given["x"]
player.allocate_tensors()
player.set_tensor(player.get_input_details()[0]["index"], x)
player.invoke()
out = io.BytesIO()
np.save(out, player.get_tensor(player.get_output_details()[0]["index"]))
sys.stdout.buffer.write(out.getvalue())
"""


def _play(content: bytes, found: _Found, x: Float) -> Float:
    """What the interpreter makes of x (steps, inputs), in real numbers: (steps, outputs)."""
    fed = x[:, None] if found.time_major else x[None]
    words: npt.NDArray[Any]
    if found.x is None:
        words = fed.astype(np.float32)
    else:
        words = np.clip(np.rint(fed / found.x[0]) + found.x[1], -128, 127).astype(np.int8)
    given = io.BytesIO()
    np.savez(given, content=np.frombuffer(content, np.uint8), x=words)
    try:
        done = subprocess.run(
            [sys.executable, "-c", _PLAYER],
            input=given.getvalue(),
            capture_output=True,
            timeout=PLAY_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise ConvertError(f"TFLite: the interpreter did not come to an end in {PLAY_SECONDS:g} s") from error
    if done.returncode:
        said = done.stderr.decode(errors="replace").strip().splitlines()[-1:]
        raise ConvertError(f"TFLite: the interpreter refuses the file: {''.join(said)[:200]}")
    try:
        y = np.load(io.BytesIO(done.stdout), allow_pickle=False).astype(np.float64).reshape(found.steps, -1)
    except (ValueError, EOFError) as error:
        raise ConvertError(f"TFLite: the interpreter gives something else than the file says ({error})") from error
    y = y if found.y is None else (y - found.y[1]) * found.y[0]
    return np.asarray(y, np.float64)
