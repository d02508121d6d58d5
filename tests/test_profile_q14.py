"""Q14: J in plain Q1.14, without exponents."""

from __future__ import annotations

import numpy as np
import pytest

import rtrl_edge as rt
from rtrl_edge.errors import ModelError
from rtrl_edge.evaluate.fidelity import fidelity
from rtrl_edge.evaluate.matrix import INPUTS, integer_model, label
from rtrl_edge.evaluate.recordings import mackey_glass
from rtrl_edge.layout import layout
from rtrl_edge.model import Cell, Rule
from rtrl_edge.model.catalogue import cells, legal, readout, rules
from rtrl_edge.weights import initial

from .needs import needs
from .test_bits_host import FEW_BUILDS, play_both
from .test_bits_targets import stream_is_equal
from .test_learning import steps_to_98_percent

KEEPERS = [rule for rule in rules() if rule.refuses_numbers(rt.Q14()) is None and rule.trains_cell]
PAIRS = [(cell, rule) for cell in cells(8) for rule in KEEPERS if legal(cell, rule, INPUTS)]


def model(cell: Cell, rule: Rule, rate: float = 2**-5) -> rt.Model:
    return rt.Model("net", INPUTS, [cell], readout(cell, 2), rule=rule, numbers=rt.Q14(), optimiser=rt.SGD(rate))


@pytest.mark.parametrize(("cell", "rule"), PAIRS, ids=[f"{label(c)}-{label(r)}" for c, r in PAIRS])
def test_numpy_and_c_are_equal(cell: Cell, rule: Rule) -> None:
    for rate in (1.0, 2**-6):
        integer = integer_model(model(cell, rule, rate))
        with rt.HostTwin(integer, checked=True) as twin:
            assert play_both(integer, twin, 200, reset_at=120) == []


@pytest.mark.parametrize("scale", [-1.0, 1.0])
@pytest.mark.parametrize("cell", cells(9), ids=label)
def test_the_largest_weights_do_not_overflow(cell: Cell, scale: float) -> None:
    full = model(cell, rt.RTRL(), 1.0)
    signs = scale * np.random.default_rng(0).choice([1.0, 1.0, -1.0], full.dims.weights).reshape(full.dims.weight_shape)
    rng = np.random.default_rng(1)
    stream = rt.Stream(rng.uniform(-1, 1, (50, INPUTS)), rng.uniform(-1, 1, (50, 2)))
    start = initial(full, 0)
    integer = rt.quantize(full, rt.Weights(8.0 * signs, np.full_like(start.V, 8.0), rt.Scaling.identity(full)), stream)
    with rt.HostTwin(integer, checked=True) as twin:
        assert play_both(integer, twin, 150) == []


SMALL = [(c, r) for c in (rt.RNN(7), rt.LSTM(5), rt.RTU(6)) for r in KEEPERS if legal(c, r, INPUTS)]


@pytest.mark.parametrize("board", ["qemu_microbit", "qemu_mps2_an386"])
@pytest.mark.parametrize(("cell", "rule"), SMALL, ids=[f"{label(c)}-{label(r)}" for c, r in SMALL])
def test_cores(cell: Cell, rule: Rule, board: str) -> None:
    needs("arm-none-eabi-gcc", "qemu-system-arm")
    integer = integer_model(model(cell, rule))
    with rt.Emulator(integer, board) as chip:
        stream_is_equal(integer, chip, 120, seed=4)


@pytest.mark.parametrize(("cc", "flag"), FEW_BUILDS)
@pytest.mark.parametrize("cell", [rt.RNN(9), rt.LSTM(5)], ids=label)
def test_all_builds_saturate_and_count_alike(cell: Cell, cc: str, flag: str) -> None:
    needs(cc)
    net = model(cell, rt.RTRL())
    rng = np.random.default_rng(1)
    stream = rt.Stream(rng.uniform(-1, 1, (50, INPUTS)), rng.uniform(-1, 1, (50, 2)))
    integer = rt.quantize(net, initial(net, 1, radius=1.5), stream)
    with rt.HostTwin(integer, cc=cc, flags=(flag,)) as twin:
        assert play_both(integer, twin, 200) == []
        assert twin.state()["capped"] > 0


def test_the_gradient_where_j_stays_within_two_and_where_it_does_not() -> None:
    stream = mackey_glass(600, 0)
    found = []
    for radius in (0.6, 1.2):
        net = rt.Model("net", 1, [rt.RNN(8)], rt.Linear(1), numbers=rt.Q14(), optimiser=rt.SGD(2**-8))
        start = initial(net, 1, radius)
        figures = fidelity(rt.quantize(net, rt.Weights(start.W, start.V), stream), stream).figures()
        assert (figures["capped_columns_per_step"] > 0) == (radius > 1)
        found.append((figures["gradient_relative_error_median"], figures["gradient_cosine_mean"]))
    (error, cosine), (_, biased) = found
    assert error < 1e-3
    assert cosine > 0.9999
    assert biased < 0.9  # a cap is for networks that do not expand


def test_delayed_xor_is_solved_for_every_seed() -> None:
    found = [steps_to_98_percent(seed, rt.Q14()) for seed in range(10)]
    assert None not in found
    assert float(np.median([step for step in found if step is not None])) <= 6_000


def test_it_has_no_exponents_and_refuses_what_would_gain_nothing() -> None:
    q14 = layout(model(rt.RNN(8), rt.RTRL()))
    assert "E" not in [m.field.name for m in q14.members]
    with pytest.raises(ModelError, match=r"keeps no columns of J.*use R16\(\)"):
        model(rt.RNN(8), rt.BPTT(4))
    with pytest.raises(ModelError, match=r"Q14\(cap\): wanted 2.*use R16\(cap=8\)"):
        rt.Q14(cap=8)
