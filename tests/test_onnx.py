"""ONNX in: the backend suite's own recurrent tests, graphs with their surroundings, and what is refused."""

from __future__ import annotations

import importlib
import re
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

import rtrl_edge as rt
from rtrl_edge.convert import read
from rtrl_edge.convert.from_onnx import from_onnx, with_weights
from rtrl_edge.errors import ConvertError

from .fuzz_models import fuzz


def backend_tests() -> list[Any]:
    """The node tests of RNN, GRU and LSTM in ONNX' own backend suite."""
    node = importlib.import_module("onnx.backend.test.case.node")
    for name in ("rnn", "gru", "lstm"):  # warnings are errors here, and not the suite's business
        with np.errstate(all="ignore"):
            importlib.import_module(f"onnx.backend.test.case.node.{name}")
    return [case for case in node._NodeTestCases if re.search("rnn|gru|lstm", case.name)]


def bound(case: Any) -> tuple[bytes, np.ndarray, dict[str, np.ndarray]]:
    """A backend test with all inputs but X as initializers; X, and what it should give, by output."""
    ((inputs, outputs),) = case.data_sets
    model = onnx.ModelProto()
    model.CopyFrom(case.model)
    names = [info.name for info in model.graph.input]
    for name, array in list(zip(names, inputs, strict=True))[1:]:
        model.graph.initializer.append(numpy_helper.from_array(array, name))
    return model.SerializeToString(), inputs[0], dict(zip([o.name for o in model.graph.output], outputs, strict=True))


def test_the_backend_suite() -> None:
    passed, refused = [], []
    for case in backend_tests():
        content, X, wanted = bound(case)
        try:
            network = from_onnx(content)
        except ConvertError as error:
            refused.append(str(error))
            continue
        layout = any(a.name == "layout" and a.i for a in case.model.graph.node[0].attribute)
        samples = X.transpose(1, 0, 2) if layout else X  # T N F
        got = np.stack([network.play(samples[:, b]) for b in range(samples.shape[1])])  # N T F
        for name, y in wanted.items():
            if name == "Y_h":
                found = got[:, -1][:, None] if layout else got[:, -1][None]
            else:
                found = got[:, :, None] if layout else got.transpose(1, 0, 2)[:, None]
            assert np.abs(found - y).max() < 2e-6, case.name
        assert network.largest_difference() < 2e-6
        passed.append(case.name)
    assert (len(passed), len(refused)) == (12, 6)
    sentence = "direction '(reverse|bidirectional)': on a stream the future is not known"
    assert all(re.search(sentence, found) for found in refused), refused


# ---------------------------------------------------------------------------------------------- our own graphs

KINDS = {"RNN": 1, "GRU": 3, "LSTM": 4}


def graph(
    kind: str = "LSTM",
    *,
    n: int = 4,
    inputs: int = 3,
    outputs: int = 2,
    opset: int = 17,
    tail: str = "gemm",
    x_shape: tuple = ("T", "N", 3),
    seed: int = 0,
    change: Any = None,
    **attributes: Any,
) -> bytes:
    """A recurrent layer and a readout as exporters write them, with random weights."""
    rng, gates = np.random.default_rng(seed), KINDS[kind]

    def weights(*shape: int) -> np.ndarray:
        return rng.normal(0, 0.4, shape).astype(np.float32)

    constants = {
        "W": weights(1, gates * n, inputs), "R": weights(1, gates * n, n), "B": weights(1, 2 * gates * n),
        "P": weights(1, 3 * n), "V": weights(outputs, n), "b": weights(outputs), "axis": np.array([1]),
        "VT": weights(n, outputs), "shape": np.array([0, 0, -1]), "last": np.array(-1), "start": np.array([-1]),
        "end": np.array([2**63 - 1]), "time": np.array([0]), "zero": np.zeros((1, 1, n), np.float32),
    }  # fmt: skip
    names = ["x", "W", "R", "B"] + (["", "", "", "P"] if attributes.pop("peepholes", False) else [])
    nodes = [helper.make_node(kind, names, ["Y", "Y_h"], name="layer", hidden_size=n, **attributes)]
    squeeze = (
        helper.make_node("Squeeze", ["Y", "axis"], ["s"])
        if opset >= 13
        else helper.make_node("Squeeze", ["Y"], ["s"], axes=[1])
    )
    tails = {
        "matmul": [squeeze, helper.make_node("MatMul", ["s", "VT"], ["m"]), helper.make_node("Add", ["b", "m"], ["y"])],
        "reshape": [
            helper.make_node("Transpose", ["Y"], ["t"], perm=[0, 2, 1, 3]),
            helper.make_node("Reshape", ["t", "shape"], ["s"]),
            helper.make_node("MatMul", ["s", "VT"], ["y"]),
        ],
        "gemm": [
            squeeze, helper.make_node("Gather", ["s", "last"], ["g"], axis=0),
            helper.make_node("Gemm", ["g", "V", "b"], ["y"], transB=1),
        ],
        "slice": [
            squeeze, helper.make_node("Slice", ["s", "start", "end", "time"], ["g"]),
            helper.make_node("MatMul", ["g", "VT"], ["m"]), helper.make_node("Add", ["m", "b"], ["z"]),
            helper.make_node("Softmax", ["z"], ["y"], axis=-1),
        ],
        "sigmoid": [
            squeeze, helper.make_node("MatMul", ["s", "VT"], ["m"]), helper.make_node("Add", ["m", "b"], ["z"]),
            helper.make_node("Sigmoid", ["z"], ["y"]),
        ],
        "none": [helper.make_node("Identity", ["Y"], ["y"])],
        "relu": [helper.make_node("Relu", ["Y"], ["y"], name="r")],
    }  # fmt: skip
    nodes += tails[tail]
    used = {name for node in nodes for name in node.input}
    made = helper.make_model(
        helper.make_graph(
            nodes,
            "g",
            [helper.make_tensor_value_info("x", TensorProto.FLOAT, x_shape)],
            [helper.make_tensor_value_info("y", TensorProto.FLOAT, None)],
            [numpy_helper.from_array(array, name) for name, array in constants.items() if name in used],
        ),
        opset_imports=[helper.make_opsetid("", opset)],
    )
    if change:
        change(made)
    return bytes(made.SerializeToString())


SURROUNDINGS = [
    *[(kind, {"tail": tail}) for kind in KINDS for tail in ("matmul", "reshape", "gemm", "slice", "sigmoid", "none")],
    ("GRU", {"linear_before_reset": 1}), ("GRU", {"linear_before_reset": 1, "tail": "none", "opset": 7}),
    ("LSTM", {"peepholes": True, "tail": "matmul"}), ("LSTM", {"tail": "matmul", "opset": 11}),
    ("RNN", {"x_shape": (12, 1, 3), "tail": "reshape"}), ("RNN", {"x_shape": (12, 4, 3), "tail": "matmul"}),
]  # fmt: skip


@pytest.mark.parametrize(("kind", "options"), SURROUNDINGS, ids=str)
def test_the_oracle_is_what_the_reference_evaluator_says(kind: str, options: dict[str, Any]) -> None:
    content = graph(kind, **options)
    network = from_onnx(content)
    assert network.largest_difference() < 1e-6
    assert network.readout == (rt.Direct(4) if options.get("tail") == "none" else rt.Linear(2))
    same = from_onnx(with_weights(content, network.back(network.weights)))
    assert all(np.array_equal(same.arrays[name], array) for name, array in network.arrays.items())


def test_layers_on_top_of_each_other_and_weights_through_expressions() -> None:
    rng = np.random.default_rng(1)

    def weights(*shape: int) -> np.ndarray:
        return rng.normal(0, 0.4, shape).astype(np.float32)

    constants = {
        "w1": weights(4, 3), "r1": weights(4, 4), "bi": weights(4), "bh": weights(4), "w2": weights(5, 4),
        "r2": weights(5, 5), "b2": weights(1, 10), "V": weights(2, 5), "first": np.array([0]), "one": np.array([1]),
    }  # fmt: skip
    nodes = [
        helper.make_node("Shape", ["x"], ["size"]),
        helper.make_node("Gather", ["size", "one"], ["batch"]),
        helper.make_node("Constant", [], ["units"], value_ints=[4]),
        helper.make_node("Concat", ["one", "batch", "units"], ["full"], axis=0),
        helper.make_node("ConstantOfShape", ["full"], ["h0"]),
        *[helper.make_node("Unsqueeze", [name, "first"], [f"{name}_"]) for name in ("w1", "r1", "w2", "r2")],
        helper.make_node("Concat", ["bi", "bh"], ["b1"], axis=0),
        helper.make_node("Unsqueeze", ["b1", "first"], ["b1_"]),
        helper.make_node("RNN", ["x", "w1_", "r1_", "b1_", "", "h0"], ["Y1"], hidden_size=4, name="lower"),
        helper.make_node("Squeeze", ["Y1", "one"], ["s1"]),
        helper.make_node("RNN", ["s1", "w2_", "r2_", "b2", "", "state"], ["Y2", "new"], hidden_size=5, name="upper"),
        helper.make_node("Squeeze", ["Y2", "one"], ["s2"]),
        helper.make_node("Transpose", ["V"], ["VT"], perm=[1, 0]),
        helper.make_node("MatMul", ["s2", "VT"], ["y"]),
    ]
    state, outputs = [helper.make_tensor_value_info("state", 1, [1, "N", 5])], ("y", "new")
    made = helper.make_model(
        helper.make_graph(
            nodes,
            "g",
            [helper.make_tensor_value_info("x", 1, ["T", "N", 3]), *state],
            [helper.make_tensor_value_info(name, 1, None) for name in outputs],
            [numpy_helper.from_array(array, name) for name, array in constants.items()],
        ),
        opset_imports=[helper.make_opsetid("", 17)],
    )
    network = from_onnx(made.SerializeToString())
    assert network.cells == (rt.RNN(4), rt.RNN(5))
    assert network.largest_difference() < 1e-6
    assert any("input 'state', initial_h: the chip's own state" in line for line in network.mapped)
    moved = rt.Weights(network.weights.W * 1.25, network.weights.V * 1.5)
    again = from_onnx(with_weights(made.SerializeToString(), network.back(moved)))
    assert np.abs(again.weights.W - moved.W).max() < 1e-6  # through Concat, Unsqueeze and Transpose to the initializers
    assert np.abs(again.weights.V - moved.V).max() < 1e-6
    assert again.largest_difference() < 1e-6
    with pytest.raises(ConvertError, match=r"found none for V.b; add it to the source"):
        network.back(rt.Weights(moved.W, moved.V + 0.5))


def set_producer(model: Any) -> None:
    model.producer_name = "pytorch"


def external(model: Any) -> None:
    tensor = model.graph.initializer[0]
    tensor.ClearField("raw_data")
    tensor.data_location = TensorProto.EXTERNAL
    tensor.external_data.add(key="location", value="/etc/passwd")


def huge(model: Any) -> None:
    model.graph.initializer[0].dims[:] = [2**40, 2**40, 2**40]


def short(model: Any) -> None:
    model.graph.initializer[0].raw_data = b"1234"


def not_finite(model: Any) -> None:
    tensor = model.graph.initializer[0]
    tensor.raw_data = np.full(len(tensor.raw_data) // 4, np.inf, np.float32).tobytes()


def no_weights(model: Any) -> None:
    model.graph.input.append(helper.make_tensor_value_info("W", 1, [1, 16, 3]))
    del model.graph.initializer[0]


REFUSED = [
    ("RNN", {"activations": ["Relu"]}, r"node 'layer' \(RNN\): wanted the activations tanh, found relu"),
    ("GRU", {"activations": ["HardSigmoid", "Tanh"]}, "wanted the activations sigmoid, tanh, found hardsigmoid, tanh"),
    ("LSTM", {"clip": 3.0}, "clip limits its pre-activations"),
    ("LSTM", {"input_forget": 1}, "input_forget couples the gates"),
    ("LSTM", {"direction": "reverse"}, "on a stream the future is not known"),
    ("LSTM", {"tail": "relu"}, r"node 'r' \(Relu\): not an operator that can be taken over"),
    ("LSTM", {"opset": 6}, r"wanted one opset, 7 or later, found \[6\]"),
    ("LSTM", {"n": 300, "tail": "none"}, "wanted 1 to 256 units, found 300"),
    ("GRU", {"change": set_producer}, "a GRU by PyTorch with linear_before_reset=0"),
    ("LSTM", {"change": external}, "tensor 'W' lies in another file, which is never opened"),
    ("LSTM", {"change": huge}, "wanted at most 8 axes and 4,194,304 numbers"),
    ("LSTM", {"change": short}, "4 bytes do not fill the shape"),
    ("LSTM", {"change": not_finite}, "W: wanted finite weights within"),
    ("LSTM", {"x_shape": (4096, 1024, 1), "inputs": 1}, "ask for .* multiply-accumulates"),
    ("LSTM", {"change": no_weights}, "wanted its W as a constant"),
]


@pytest.mark.parametrize(("kind", "options", "sentence"), REFUSED, ids=[sentence[:40] for *_, sentence in REFUSED])
def test_what_cannot_be_taken_over_names_its_node(kind: str, options: dict[str, Any], sentence: str) -> None:
    with pytest.raises(ConvertError, match=sentence):
        from_onnx(graph(kind, **options))


def test_a_file_that_is_no_model(tmp_path: Path) -> None:
    for content in (b"", b"\xff" * 100, b"PK\x03\x04", np.random.default_rng(0).bytes(3000)):
        with pytest.raises(ConvertError, match="wanted"):
            from_onnx(content)
    with pytest.raises(ConvertError, match=r"none.onnx: cannot be read"):
        read(tmp_path / "none.onnx")
    with pytest.raises(ConvertError, match=r"wanted a file that ends in .*\.onnx"):
        read(tmp_path / "model.pb")


def test_a_doubtful_gru_wants_a_check_vector(tmp_path: Path) -> None:
    content = graph("GRU", tail="matmul", change=set_producer)
    network, path = from_onnx(graph("GRU", tail="matmul")), tmp_path / "check.npz"
    x = np.random.default_rng(3).normal(size=(9, 3))
    np.savez(path, x=x, y=network.play(x))
    assert "often an exporter's error" in from_onnx(content, path).warnings[0]
    np.savez(path, x=x, y=network.play(x) + 0.01)
    with pytest.raises(ConvertError, match=r"differs from the check vector .* by 0.01 .*exporter's error"):
        from_onnx(content, path)
    np.savez(path, x=x[:, :2], y=network.play(x))
    with pytest.raises(rt.RtrlEdgeError, match=r"wanted x \(T, 3\)"):
        from_onnx(content, path)


def test_mutated_files_are_taken_over_as_the_evaluator_says_or_refused() -> None:
    """The long one: python -m tests.fuzz_models --count 100000."""
    made = fuzz("onnx", 600, seed=1)
    assert made["accepted"] > 50
    assert made["refused"] > 300


FRAMEWORKS = Path(__file__).parent / "frameworks"


@pytest.mark.parametrize("name", ["script_rnn_stack", "script_gru", "script_lstm", "dynamo_gru", "dynamo_lstm"])
def test_what_pytorch_exports_is_what_pytorch_computes(name: str) -> None:
    """The files and PyTorch's own outputs are kept: frameworks/make_onnx.py."""
    network = read(FRAMEWORKS / f"torch_{name}.onnx", FRAMEWORKS / f"torch_{name}_onnx.npz")
    assert network.largest_difference() < 1e-6
    content = (FRAMEWORKS / f"torch_{name}.onnx").read_bytes()
    moved = rt.Weights(network.weights.W * 1.25, network.weights.V - 0.125)
    again = from_onnx(with_weights(content, network.back(moved)))
    assert np.abs(again.weights.W - moved.W).max() < 1e-6
    assert again.largest_difference() < 1e-5  # float32 there


def test_a_cell_that_an_exporter_wrote_out_is_named() -> None:
    with pytest.raises(ConvertError, match=r"node 'node_MatMul_\d+' \(MatMul\): .* written out step by step"):
        read(FRAMEWORKS / "torch_dynamo_rnn.onnx")
