"""The fixed-point words against Python's unbounded integers and against their own definitions."""

from __future__ import annotations

import ast
import ctypes
import math
import re
from decimal import Decimal, getcontext
from pathlib import Path
from subprocess import run

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import rtrl_edge as rt
from rtrl_edge import assets
from rtrl_edge.emit import emit
from rtrl_edge.fixed import TANH_TABLE, words

from .models import integer_model
from .needs import needs

int32 = st.integers(-(2**31), 2**31 - 1)


def nearest(v: int, s: int) -> int:
    """v / 2^s to nearest, halves up, by definition."""
    return math.floor(v / 2**s + 0.5) if abs(v) < 2**52 else (2 * v + 2**s) // 2 ** (s + 1)


@given(int32, st.integers(0, 31))
def test_round_shift_is_nearest_with_halves_up(v: int, s: int) -> None:
    assert int(words.round_shift(np.int64(v), s)) == (2 * v + 2**s) // 2 ** (s + 1)


@given(st.integers(-(2**16), 2**16), st.integers(-14, 31))
def test_scale_shifts_both_ways(v: int, s: int) -> None:
    wanted = v << -s if s < 0 else (2 * v + 2**s) // 2 ** (s + 1)
    if -(2**31) <= wanted < 2**31:
        assert int(words.scale(np.int64(v), s)) == wanted
    else:
        with pytest.raises(AssertionError, match="impossible"):
            words.scale(np.int64(v), s)


@given(st.integers(1, 2**31 - 1))
def test_floor_log2(v: int) -> None:
    assert int(words.floor_log2(np.int64(v))) == v.bit_length() - 1


@given(int32)
def test_magnitude_has_the_bits_of_the_value(v: int) -> None:
    assert int(words.magnitude(np.int64(v))) == (v if v >= 0 else ~v)


@given(
    st.integers(-(2**30) + 1, 2**30 - 1),
    st.integers(-60, 60),
    st.sampled_from([1, 2, 1000, 2**14, 2**22, 2**28]),
)
def test_step_size_clips_and_never_drops(g: int, s: int, limit: int) -> None:
    exact = g * 2**-s if s <= 0 else (2 * g + 2**s) // 2 ** (s + 1)
    assert int(words.step_size(np.int64(g), s, limit)) == max(-limit, min(limit, exact))


@given(st.integers(-(2**31), 2**31), st.sampled_from([8, 16]))
def test_weights_split_and_join(w: int, bits: int) -> None:
    hi, lo = words.split_weight(np.int64(w), bits)
    top = 32767 * 2**bits + 2 ** (bits - 1) - 1
    assert -32768 <= hi <= 32767
    assert -(2 ** (bits - 1)) <= lo < 2 ** (bits - 1)
    assert int(words.join_weight(hi, lo, bits)) == max(-top, min(top, w))


@given(
    st.lists(st.integers(-(2**40), 2**40), min_size=1, max_size=40),
    st.sampled_from([(32767, 32767), (2**23 - 1, 127)]),
)
def test_block_shift_bounds_the_rounded_block(values: list[int], limits: tuple[int, int]) -> None:
    l1_max, peak_max = limits
    block = np.array(values, dtype=np.int64)
    size = np.abs(block)
    s = words.block_shift(int(size.sum()), int(size.max()), len(values), l1_max, peak_max, 0)
    rounded = np.abs(words.round_shift(block, s))
    assert rounded.max() <= peak_max
    assert rounded.sum() <= l1_max
    if s > 2:  # and wastes at most two bits
        finer = np.abs(words.round_shift(block, s - 2))
        assert finer.max() > peak_max // 2 or finer.sum() + len(values) > l1_max // 2


def test_tanh_table_is_rounded_correctly() -> None:
    getcontext().prec = 40
    for i, entry in enumerate(TANH_TABLE):
        grown = (Decimal(2) * Decimal(i) / Decimal(32)).exp()
        exact = (grown - 1) / (grown + 1) * 32768
        assert abs(exact - int(entry)) <= Decimal("0.5") or (entry == 32767 and exact > 32767)


def test_tanh_is_close_odd_monotonic_and_below_one() -> None:
    a = np.concatenate([np.arange(-(2**31), 2**31, 104729), [-(2**40), 2**40, 0, 1, -1]]).astype(np.int64)
    h = words.tanh_q27(a)
    assert np.array_equal(words.tanh_q27(-a), -h)
    assert np.abs(h).max() <= 32767
    assert np.abs(h / 32768 - np.tanh(a / 2**27)).max() < 1.2e-4
    assert (np.diff(words.tanh_q27(np.sort(a))) >= 0).all()


def test_reference_words_refuse_what_the_plan_calls_impossible() -> None:
    with pytest.raises(AssertionError, match="impossible"):
        words.fits(np.array([2**31]))


def _checks() -> list[tuple[str, str]]:
    texts = {p.name: p.read_text(encoding="utf-8") for p in sorted((assets.codegen_dir() / "kernels").iterdir())}
    for numbers in (rt.R16(), rt.R8(cap=2)):
        texts |= {f"{numbers.name} {name}": text for name, text in emit(integer_model(numbers=numbers)).items()}
    return [
        (name, check.strip())
        for name, text in texts.items()
        for check in re.findall(r"check: ([^*]+(?:\*\*?[^*/]+)*)", text)
    ]


@pytest.mark.parametrize(("where", "check"), _checks())
def test_every_derivation_in_the_c_holds(where: str, check: str) -> None:
    expression = re.split("[,;]", check)[0]
    allowed = (ast.Expression, ast.BoolOp, ast.And, ast.Compare, ast.BinOp, ast.Constant, ast.Call, ast.Name, ast.Load,
               ast.operator, ast.cmpop, ast.UnaryOp, ast.unaryop)  # fmt: skip
    tree = ast.parse(expression, mode="eval")
    assert all(isinstance(node, allowed) for node in ast.walk(tree)), f"{where}: {expression}"
    claims = tree.body.values if isinstance(tree.body, ast.BoolOp) else [tree.body]
    assert all(isinstance(claim, ast.Compare) for claim in claims), f"{where}: {expression} compares nothing"
    known = {"__builtins__": {}, "round": round, "pi": math.pi}
    assert eval(compile(tree, where, "eval"), known), f"{where}: {expression}"


def test_checks_are_found() -> None:
    found = [check for _, check in _checks()]
    assert len(found) >= 10
    assert Path(assets.codegen_dir() / "kernels" / "fx.h").is_file()


#: what the squashing words lean on, as in a generated file
SQUASH_HEAD = """#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#define RTRL_INLINE static inline __attribute__((unused))
enum { J_BITS = 16, J_MAX = 32767 };
static const int16_t rtrl_tanh_table[] = { %s };
"""
SQUASH_CALLS = """
#define OVER_ALL(name, word) \\
    void name(int16_t *y, const int64_t *a, int n) { for (int i = 0; i < n; i++) y[i] = (int16_t)word; }
OVER_ALL(tanhs, fx_tanh_q27(fx_sat32(a[i])))
OVER_ALL(sigmoids, fx_sigmoid_q27(fx_sat32(a[i])))
OVER_ALL(products, fx_round_product((int32_t)a[i]))
"""


@pytest.mark.parametrize(
    "files",
    [("fx.h", "fx_bounded_checked.h", "squash_c.c"), ("fx.h", "fx_bounded.h", "dsp.h", "squash_dsp.c")],
    ids=["c, checked", "dsp"],
)
def test_squashing_in_c_is_the_specification(files: tuple[str, ...], tmp_path: Path) -> None:
    """All neighbours of the table's points, saturated and larger sums, and half a million words between."""
    needs("gcc")
    kernels = [(assets.codegen_dir() / "kernels" / name).read_text(encoding="utf-8") for name in files]
    source = tmp_path / "squash.c"
    source.write_text(SQUASH_HEAD % ", ".join(map(str, TANH_TABLE)) + "".join(kernels) + SQUASH_CALLS, encoding="utf-8")
    trap = ("-fsanitize=undefined", "-fsanitize-undefined-trap-on-error")
    run(["gcc", "-O1", *trap, "-shared", "-fPIC", "-o", str(tmp_path / "squash.so"), str(source)], check=True)
    library = ctypes.CDLL(str(tmp_path / "squash.so"))
    points = np.arange(-520, 521, dtype=np.int64)[:, None] * 2**22 + np.arange(-300, 301)
    far = np.array([s * 2**k + d for s in (-1, 1) for k in (30, 31, 32, 40, 49) for d in (-1, 0, 1)])
    a = np.concatenate([points.ravel(), far, np.arange(-(2**31), 2**31, 16381)]).astype(np.int64)
    product = np.arange(-(2**30), 2**30 - 2**14, 8191)

    def of(name: str, arguments: np.ndarray) -> np.ndarray:
        found = np.empty(arguments.size, np.int16)
        getattr(library, name)(
            found.ctypes.data_as(ctypes.c_void_p), arguments.ctypes.data_as(ctypes.c_void_p), arguments.size
        )
        return found

    assert np.array_equal(of("tanhs", a), words.tanh_q27(a))
    assert np.array_equal(of("sigmoids", a), words.sigmoid_q27(a))
    assert np.array_equal(of("products", product), words.round_shift(product, 15))
