"""Mutated model files: `python -m tests.fuzz_models --count 100000`.

Each file is a good one with some bytes or some of its structure changed. Whatever it is then, reading it and comparing
it with its own evaluator raises a RtrlEdgeError or nothing, in 2 s, without opening a file, in bounded memory; and what
is accepted computes what the evaluator says.
"""

from __future__ import annotations

import argparse
import contextlib
import copy
import random
import sys
import time
import warnings
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from rtrl_edge.errors import RtrlEdgeError

SECONDS_MAX = 2.0
BYTES_MAX = 2 * 2**30  # of the whole process, of which libraries take some hundred megabytes

Bytes = Callable[[], list[bytes]]


@dataclass(frozen=True)
class Format:
    """Good files, how to change one's structure, and all that an import does with it."""

    seeds: Bytes
    mutate: Callable[[bytes, random.Random], bytes]
    use: Callable[[bytes], None]


def mutate_bytes(content: bytes, rng: random.Random) -> bytes:
    """Flipped, replaced, inserted, removed and repeated bytes."""
    data = bytearray(content)
    for _ in range(rng.choice((1, 1, 2, 4, 16))):
        at, kind = rng.randrange(len(data)), rng.randrange(6)
        if kind == 0:
            data[at] ^= 1 << rng.randrange(8)
        elif kind == 1:
            data[at] = rng.choice((0, 1, 0x7F, 0x80, 0xFF, rng.randrange(256)))
        elif kind == 2:
            data[at:at] = rng.randbytes(rng.choice((1, 2, 8)))
        elif kind == 3:
            del data[at : at + rng.choice((1, 2, 8, 64))]
        elif kind == 4:
            data[at:at] = data[at : at + rng.randrange(64)]
        else:
            del data[at:]
        data = data or bytearray(b"\0")
    return bytes(data)


# ------------------------------------------------------------------------------------------------- ONNX

INTS = (-(2**63), -(2**31), -2, -1, 0, 1, 2, 3, 4, 7, 16, 255, 2**20, 2**31 - 1, 2**40, 2**62, 2**63 - 1)
OPERATORS = (
    *("RNN", "GRU", "LSTM", "Squeeze", "Unsqueeze", "Transpose", "Reshape", "Slice", "Gather", "Concat", "Identity"),
    *("Cast", "Shape", "ConstantOfShape", "Expand", "Flatten", "Gemm", "MatMul", "Add", "Softmax", "Sigmoid", "Split"),
    *("Constant", "Loop", "If", "Scan", "Relu", "Tile", "StringNormalizer", ""),
)


def onnx_seeds() -> list[bytes]:
    """One of each kind of graph in the tests."""
    from .test_onnx import SURROUNDINGS, graph

    return [graph(kind, **options) for kind, options in SURROUNDINGS]


def onnx_mutate(content: bytes, rng: random.Random) -> bytes:
    """Any fields of any messages: other numbers, other names, other operators, pieces dropped, repeated or swapped."""
    import onnx

    model = onnx.ModelProto.FromString(content)
    for _ in range(rng.choice((1, 1, 2, 3, 6))):
        messages = list(_messages(model))
        message, known = rng.choice(messages), {}
        known = {f.name: f for f in message.DESCRIPTOR.fields}
        names = [f.name for f, _ in message.ListFields()] or list(known)
        name = rng.choice(names if rng.random() < 0.8 else list(known))
        _change(message, known[name], rng, messages)
    return bytes(model.SerializeToString())


def _messages(message: Any) -> Iterator[Any]:
    yield message
    for field, value in message.ListFields():
        if field.message_type is not None:
            for part in value if field.is_repeated else (value,):
                yield from _messages(part)


def _change(message: Any, field: Any, rng: random.Random, messages: list[Any]) -> None:
    value = getattr(message, field.name)
    if field.is_repeated and (not len(value) or rng.random() < 0.4):
        kind = rng.randrange(3)
        if kind == 0 and len(value):
            del value[rng.randrange(len(value))]
        elif kind == 1 and len(value):
            value.extend([copy.deepcopy(rng.choice(list(value))) for _ in range(rng.choice((1, 2, 50)))])
        elif field.message_type is not None:
            value.add()
        else:
            value.append(_scalar(field, rng, messages))
    elif field.is_repeated and field.message_type is None:
        value[rng.randrange(len(value))] = _scalar(field, rng, messages)
    elif field.is_repeated:
        a, b = rng.choice(list(value)), rng.choice(list(value))
        a.CopyFrom(copy.deepcopy(b))
    elif field.message_type is not None:
        same = [m for m in messages if m.DESCRIPTOR is field.message_type]
        if same and rng.random() < 0.7:
            value.CopyFrom(copy.deepcopy(rng.choice(same)))
        else:
            message.ClearField(field.name)
    elif rng.random() < 0.2:
        message.ClearField(field.name)
    else:
        setattr(message, field.name, _scalar(field, rng, messages))


def _scalar(field: Any, rng: random.Random, messages: list[Any]) -> Any:
    kind = field.cpp_type
    if kind == field.CPPTYPE_STRING and field.type == field.TYPE_BYTES:
        return rng.randbytes(rng.choice((0, 1, 4, 48)))
    if kind == field.CPPTYPE_STRING:
        texts = [text for m in messages for f, text in m.ListFields() if f.type == f.TYPE_STRING and not f.is_repeated]
        names = [
            name for m in messages for f, v in m.ListFields() if f.type == f.TYPE_STRING and f.is_repeated for name in v
        ]
        return rng.choice([*texts, *names, *OPERATORS, "/etc/passwd", "../x", "x" * 1000])
    if kind in (field.CPPTYPE_FLOAT, field.CPPTYPE_DOUBLE):
        return rng.choice((0.0, 1.0, -1.0, 1e30, float("inf"), float("nan"), rng.gauss(0, 10)))
    if kind == field.CPPTYPE_ENUM:
        return rng.choice([v.number for v in field.enum_type.values])
    if kind == field.CPPTYPE_BOOL:
        return rng.random() < 0.5
    number = rng.choice(INTS)
    return (
        number if kind in (field.CPPTYPE_INT64, field.CPPTYPE_UINT64) and number >= 0 else max(-(2**31), number % 2**31)
    )


def onnx_use(content: bytes) -> None:
    """Read it, compare it with the evaluator, and write other weights into it."""
    from rtrl_edge.convert.from_onnx import from_onnx, with_weights

    network = from_onnx(content)
    difference = network.largest_difference(1, 5)
    tame = max(np.abs(network.weights.W).max(), np.abs(network.weights.V).max(initial=0)) < 8
    assert not tame or difference < 1e-3, f"accepted, but it differs from its evaluator by {difference:g}"
    with_weights(content, network.back(network.weights))


FORMATS = {"onnx": Format(onnx_seeds, onnx_mutate, onnx_use)}


# ---------------------------------------------------------------------------------------------- the loop


class _Watch:
    """Files opened while ``on``: none may be, beside modules of Python itself that are loaded late."""

    def __init__(self) -> None:
        self.on, self.opened = False, list[str]()
        sys.addaudithook(self._hook)

    def _hook(self, event: str, arguments: tuple[Any, ...]) -> None:
        if self.on and event in ("open", "os.listdir", "socket.connect", "subprocess.Popen", "os.system"):
            text = str(arguments[0])
            if not text.endswith((".py", ".pyc", ".so")):
                self.opened.append(f"{event} {text}")


def fuzz(name: str, count: int, seed: int, say: Callable[[str], None] = print) -> Counter[str]:
    """Play ``count`` mutants of a format; how many were accepted and refused.

    Raises:
        AssertionError: one did something else; it is written to fuzz_failure.NAME.
    """
    found, watch, made = FORMATS[name], _Watch(), Counter[str]()
    seeds = found.seeds()
    for content in seeds:
        found.use(content)  # also loads what is loaded late
    for number in range(count):
        rng = random.Random(seed * 1_000_003 + number)
        content = rng.choice(seeds)
        content = mutate_bytes(content, rng) if rng.random() < 0.4 else found.mutate(content, rng)
        began, problem = time.perf_counter(), ""
        watch.on = True
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                found.use(content)
            made["accepted"] += 1
        except RtrlEdgeError as error:
            made["refused"] += 1
            problem = "" if str(error) else "an error without a sentence"
        except Exception as error:  # what the fuzzer is for
            problem = f"{type(error).__name__}: {error}"
        finally:
            watch.on = False
        seconds = time.perf_counter() - began
        problem = problem or (f"opened {watch.opened}" if watch.opened else "")
        problem = problem or (f"took {seconds:.1f} s" if seconds > SECONDS_MAX else "")
        if problem:
            with open(f"fuzz_failure.{name}", "wb") as file:  # noqa: PTH123
                file.write(content)
            raise AssertionError(f"{name}, seed {seed}, mutant {number}: {problem}; written to fuzz_failure.{name}")
        if (number + 1) % 10_000 == 0:
            say(f"{name}: {number + 1:,} mutants, {made['accepted']:,} accepted, {made['refused']:,} refused")
    return made


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=1000, metavar="N", help="mutants of each format")
    parser.add_argument("--format", choices=FORMATS, help="only this one")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    with contextlib.suppress(ImportError):  # not everywhere
        import resource

        resource.setrlimit(resource.RLIMIT_AS, (BYTES_MAX, BYTES_MAX))
    for name in [options.format] if options.format else FORMATS:
        began = time.perf_counter()
        made = fuzz(name, options.count, options.seed)
        print(
            f"{name}: {options.count:,} mutants: {dict(made)} in {time.perf_counter() - began:.0f} s, no other outcome"
        )


if __name__ == "__main__":
    main()
