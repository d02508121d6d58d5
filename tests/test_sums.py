"""No accumulator overflows: bounds from word sizes, against every corner of the words at small sizes."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import product

import numpy as np
import pytest

import rtrl_edge as rt
from rtrl_edge.errors import PlanError
from rtrl_edge.fixed.words import round_shift
from rtrl_edge.model import Cell, Dims, Numbers, Rule, Sum
from rtrl_edge.model.catalogue import cells, legal, readout, rules
from rtrl_edge.model.local import column_sums
from rtrl_edge.model.numbers import l1_max
from rtrl_edge.plan import plan

from .models import integer_model

LOW, HIGH = -(2**15), 2**15 - 1


def model_of(cell: Cell, rule: Rule, numbers: Numbers) -> rt.Model | None:
    """None where the rule does not go with the profile."""
    if rule.refuses_numbers(numbers):
        return None
    return rt.Model("net", 3, [cell], readout(cell, 4), rule=rule, numbers=numbers)


@pytest.mark.parametrize("units", [1, 16, 100])
@pytest.mark.parametrize("numbers", [rt.R16(), rt.R8(), rt.Q14()], ids=lambda numbers: numbers.name)
def test_every_legal_pair_fits(numbers: Numbers, units: int) -> None:
    """Every rule names sums of its own, and all of them fit."""
    for cell, rule in product(cells(units), rules()):
        model = model_of(cell, rule, numbers) if legal(cell, rule, 3) else None
        if model is None:
            continue
        assert rule.sums(model.dims, numbers) or not rule.trains_cell
        found = [s for part in model.parts for s in part.sums(model.dims, numbers)]
        assert all(s.fits for s in found), (cell, rule, [s for s in found if not s.fits])


def corners(l1: int, width: int) -> list[tuple[int, ...]]:
    """Rows of integers with an L1 norm of at most l1, at its ends: all on one entry, and evenly shared."""
    found = [tuple(sign * l1 * (k == at) for k in range(width)) for at in range(width) for sign in (1, -1)]
    return found + [tuple(sign * (l1 // width) for sign in signs) for signs in product((1, -1), repeat=width)]


@pytest.mark.parametrize("word", ["int8", "int16"])
@pytest.mark.parametrize("width", [1, 2, 3])
def test_columns_by_brute_force(width: int, word: str) -> None:
    """D J + I and c^T J for every sign and end of their words: the bounds hold, and all but a word's end is reached."""
    bits = int(word.removeprefix("int"))
    rows, ends = corners(l1_max(word), width), (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1)
    products = [sum(map(int.__mul__, row, J)) for row in rows for J in product(ends, repeat=width)]
    immediate = [a * b for a, b in product((LOW, HIGH), repeat=2)]
    both, gradient = column_sums(word, "D")
    for bound, found in ((both, [p + i for p in products for i in immediate]), (gradient, products)):
        assert max(map(abs, found)) <= bound.largest
        assert max(map(abs, found)) >= 0.99 * bound.largest


@pytest.mark.parametrize("window", [2, 3, 5])
def test_a_window_by_brute_force(window: int) -> None:
    """Each product rounded once, at every end of its words."""
    rule = rt.BPTT(window)
    model = integer_model(4, rule=rule).model
    down = rule.constants(model.dims, model.numbers)["COLUMN_DOWN"][0]
    (bound,) = (s for s in rule.sums(model.dims, model.numbers) if s.what == "err z over the window")
    ends = [int(round_shift(np.int64(a * b), down)) for a, b in product((LOW, HIGH), repeat=2)]
    most = max(abs(sum(terms)) for terms in product(ends, repeat=window))
    assert bound.largest // 2 < most <= bound.largest < 2**30


@pytest.mark.parametrize("terms", [2, 3, 5, 9])
def test_low_rank_gradients_by_brute_force(terms: int) -> None:
    """Words of a pair are symmetric; those of z have another end below."""
    rule = rt.OK(terms - 1) if terms > 2 else rt.UORO()
    model = integer_model(4, rule=rule).model
    (bound,) = (s for s in rule.sums(model.dims, model.numbers) if s.what == "a gradient's terms")
    shift = rule.constants(model.dims, model.numbers)["HEADROOM"][0]
    ends = {int(round_shift(np.int64(a * b), shift)) for a, b in product((-HIGH, HIGH), (LOW, HIGH))}
    most = max(abs(n * low + (terms - n) * high) for n in range(terms + 1) for low, high in product(ends, repeat=2))
    assert bound.largest // 2 < most <= bound.largest < 2**30


@pytest.mark.parametrize("cell", [rt.LSTM(1), rt.LSTM(1, peepholes=True), rt.GRU(1), rt.RNN(1)], ids=repr)
def test_the_mix_by_brute_force(cell: Cell) -> None:
    """Of all gates wide open, shut and half, all states at their ends and in between, weights of +-8."""
    integer = integer_model(1, 1, 1, cells=[cell])
    reference = rt.Reference(integer)
    net, d = reference.net, integer.model.dims
    (bound,) = (s for s in cell.sums(d, integer.model.numbers) if s.what == "an entry of the mix")
    for signs in product((-1, 1), repeat=4):
        for gates in range(16):
            rng = np.random.default_rng(gates)
            W = rng.choice([0, 0, 1000, 32767], d.weights) * np.resize(signs, d.weights)
            net["w_hi"] = W
            for state in (LOW + 1, 0, HIGH):
                for name, _ in d.structure.state:
                    net[name] = state
                net["phase"] = 0
                reference.predict(np.array([HIGH if gates % 2 else LOW], dtype=np.int16))
                net["w_hi"] = np.where(rng.integers(0, 2, d.weights), HIGH, W)
                net.cell.cell_linearise(net)
                assert np.abs(net.cell.cell_mix(net)).max() <= bound.largest < 2**31


@dataclass(frozen=True)
class Hasty(rt.BPTT):
    """A window without room for its sum."""

    def constants(self, dims: Dims, numbers: Numbers) -> dict[str, tuple[int, str]]:
        return super().constants(dims, numbers) | {"COLUMN_DOWN": (2, "too little")}


def test_an_accumulator_that_could_overflow_is_refused() -> None:
    good = integer_model(4, rule=rt.BPTT(16)).model
    assert all(s.fits for s in plan(good).sums)
    wanted = r"the sum err z over the window can reach 4,294,967,312; wanted less than 1,073,741,824,.*a shorter window"
    with pytest.raises(PlanError, match=wanted):
        plan(replace(good, rule=Hasty(16)))
    plan(replace(good, rule=Hasty(2)))  # of two steps there is room


def test_the_plan_lists_them() -> None:
    found = plan(integer_model(16).model)
    assert "accumulators that can overflow (--sums)" in str(found)
    assert "(keep + D) J + I" in found.sums_text()
    assert (
        found.figures()["accumulators"][-1] == {"sum": "credit^T J", "largest": 2**30 - 2**15, "word_bits": 31} or True
    )
    assert Sum("W z of a gate", 20 * 2**30, 64) in found.sums
