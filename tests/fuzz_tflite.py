"""Mutated TFLite files: only our error, quickly, in bounded memory. ``python -m tests.fuzz_tflite 10000 [SEED]``."""

from __future__ import annotations

import resource
import sys
import time
from dataclasses import dataclass
from typing import Any

import numpy as np

import rtrl_edge as rt
from rtrl_edge.convert.from_tflite import from_tflite, with_weights

from . import tflite_models

S = tflite_models.S
INTERESTING = (0, 1, 2, 3, 4, 8, 127, 128, 255, 2**15, 2**16, 2**31 - 1, 2**31, 2**32 - 4, 2**32 - 1)


@dataclass(frozen=True)
class Outcome:
    """How many files were read all the same (and written again), how many refused; the slowest; growth of memory."""

    read: int
    refused: int
    seconds: float
    megabytes: float


def seeds() -> list[bytes]:
    """Good files."""
    rng = np.random.default_rng(0)
    W, V, p = rng.normal(0, 0.5, (12, 6)), rng.normal(0, 0.5, (2, 4)), rng.normal(0, 0.5, 9)
    return [
        tflite_models.lstm(W, V, 4),
        tflite_models.lstm(W, V, 4, int8=True),
        tflite_models.lstm(W, None, 4, peepholes=p),
    ]


def mutate(content: bytes, rng: np.random.Generator) -> bytes:
    """In bytes, in whole words, in length, or in structure: another shape, type, buffer, index or scale."""
    kind = rng.integers(5)
    if kind == 4:
        return _restructured(content, rng)
    broken = bytearray(content)
    if kind == 0:
        for at in rng.integers(0, len(broken), rng.integers(1, 8)):
            broken[at] = rng.integers(256)
    elif kind == 1:  # offsets and lengths of vectors are words
        for at in rng.integers(0, len(broken) // 4, rng.integers(1, 4)):
            broken[4 * at : 4 * at + 4] = int(rng.choice(INTERESTING)).to_bytes(4, "little")
    elif kind == 2:
        del broken[rng.integers(len(broken)) :]
    else:
        at, size = rng.integers(len(broken)), rng.integers(1, 64)
        broken[at:at] = broken[(start := rng.integers(len(broken))) : start + size]
    return bytes(broken)


def _restructured(content: bytes, rng: np.random.Generator) -> bytes:
    model = S.ModelT.InitFromObj(S.Model.GetRootAs(content))
    graph = model.subgraphs[0]
    number = int(rng.choice([-1, 0, 1, 2, 3, 7, 100, 2**20, 2**31 - 1]))
    tensor: Any = graph.tensors[rng.integers(len(graph.tensors))]
    operator = graph.operators[rng.integers(len(graph.operators))]
    what = rng.integers(8)
    if what == 0:
        tensor.shape = [int(n) for n in rng.choice([0, 1, 3, 4, 2**16, 2**31 - 1, -1], rng.integers(0, 12))]
    elif what == 1:
        tensor.type = int(rng.integers(0, 20))
    elif what == 2:
        tensor.buffer = max(number, 0)
    elif what == 3:
        ins = list(operator.inputs)
        ins[rng.integers(len(ins))] = number
        operator.inputs = ins
    elif what == 4:
        operator.outputs = [number] * int(rng.integers(0, 3))
    elif what == 5:
        model.operatorCodes[0].builtinCode = int(rng.integers(0, 250))
    elif what == 6:
        tensor.quantization = S.QuantizationParametersT()
        tensor.quantization.scale = np.array([rng.choice([0, -1, np.nan, np.inf, 1e30, 0.1])], np.float32)
        tensor.quantization.zeroPoint = np.array([rng.choice([0, 5, 2**40])], np.int64)
    else:
        graph.inputs = [max(number, 0)] * int(rng.integers(0, 3))
    builder = tflite_models.flatbuffers.Builder(1024)
    builder.Finish(model.Pack(builder), file_identifier=b"TFL3")
    return bytes(builder.Output())


def fuzz(files: int, seed: int) -> Outcome:
    """Read so many mutated files; whatever is not our error ends it."""
    rng, good, read, slowest = np.random.default_rng(seed), seeds(), 0, 0.0
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    for _ in range(files):
        content = mutate(good[rng.integers(len(good))], rng)
        start = time.perf_counter()
        try:
            network = from_tflite(content)
            read += 1
            with_weights(content, network.arrays)
        except rt.RtrlEdgeError:
            pass
        slowest = max(slowest, time.perf_counter() - start)
    grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
    return Outcome(read, files - read, slowest, grown)


if __name__ == "__main__":
    print(fuzz(int(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 0))
