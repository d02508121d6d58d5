"""The self-test that goes with the generated C: what the reference computed, for a chip to compute again."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from .emit import array_text, common_slots, fill, template
from .fixed import random_next
from .layout import COMPARED_GROUPS, layout
from .quantize import IntegerModel, words
from .reference import Reference

STEPS = 8
UNLABELLED = 4  # this sample is only observed
_FNV_START, _FNV_PRIME = 2166136261, 16777619
Int16 = npt.NDArray[np.int16]


def emit_self_test(integer_model: IntegerModel) -> dict[str, str]:
    """``NAME_self_test.h`` and ``NAME_self_test.c``, text by file name: `NAME_self_test` plays stored samples and
    compares FNV-1a digests of predictions and state with those of :class:`rtrl_edge.Reference`."""
    name = integer_model.model.name
    x, target = _samples(integer_model)
    hashes = _wrapped_hex(_digests(integer_model, x, target))
    compared = "\n".join(f"    {{ {at}, {count} }}," for at, count in _compared(integer_model))
    samples = array_text("sample_x", "int16", x, "format of x") + "\n\n"
    samples += array_text("sample_target", "int16", target, "format of target")
    slots = common_slots(integer_model) | {"steps": STEPS}
    own = {"unlabelled": UNLABELLED, "samples": samples, "compared": compared, "expected": hashes}
    return {
        f"{name}_self_test.h": fill(template("NAME_self_test.h"), slots),
        f"{name}_self_test.c": fill(template("NAME_self_test.c"), slots | own),
    }


def _samples(integer_model: IntegerModel) -> tuple[Int16, Int16]:
    """x (steps, inputs) and target (steps, outputs): random, over the whole range and an eighth of it in turn."""
    d, word = integer_model.model.dims, 1
    noise = np.empty((STEPS, d.inputs + d.outputs))
    for place in np.ndindex(noise.shape):
        word = random_next(word)
        noise[place] = (word - 2**31) / 2**31 / (1 if place[0] % 2 else 8)
    target = integer_model.model.loss.stimulus(noise[:, d.inputs :])
    return words(noise[:, : d.inputs], 15), words(target, integer_model.model.numbers.output_frac)


def _compared(integer_model: IntegerModel) -> list[tuple[int, int]]:
    """First byte and bytes of each stretch of compared members."""
    found: list[tuple[int, int]] = []
    for member in layout(integer_model.model).members:
        if member.field.group in COMPARED_GROUPS:
            at, count = found[-1] if found else (0, 0)
            if found and at + count == member.offset:
                found[-1] = (at, count + member.size)
            else:
                found.append((member.offset, member.size))
    return found


def _digests(integer_model: IntegerModel, x: Int16, target: Int16) -> Iterator[int]:
    """Of all before the first step, and of all up to the end of each step."""
    reference, hash_ = Reference(integer_model), _FNV_START
    for step in range(STEPS + 1):
        state = reference.state()
        for member in layout(integer_model.model).members:
            if member.field.group in COMPARED_GROUPS:
                hash_ = _fnv(hash_, state[member.field.name].tobytes())
        yield hash_
        if step < STEPS:
            hash_ = _fnv(hash_, reference.predict(x[step]).astype("<i2").tobytes())
            if step == UNLABELLED:
                reference.observe()
            else:
                reference.learn(target[step])


def _fnv(hash_: int, content: bytes) -> int:
    for byte in content:
        hash_ = (hash_ ^ byte) * _FNV_PRIME & 0xFFFFFFFF
    return hash_


def _wrapped_hex(values: Iterator[int]) -> str:
    return "\n".join(f"    0x{value:08x}U," for value in values)
