"""Models of which only some weights learn: no influence for the others, the same gradient and bits for these."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

import rtrl_edge as rt
from rtrl_edge.errors import ModelError
from rtrl_edge.evaluate.certificate import certificate
from rtrl_edge.evaluate.matrix import INPUTS, integer_model, label
from rtrl_edge.layout import layout
from rtrl_edge.model import Cell, Model, Rule
from rtrl_edge.model.catalogue import cells, legal, readout, rules
from rtrl_edge.oracle import Oracle, bptt
from rtrl_edge.stream import Float
from rtrl_edge.weights import initial

from .models import words
from .needs import needs
from .test_bits_host import play_both
from .test_bits_targets import stream_is_equal

PAIRS = [
    (cell, rule)
    for cell in cells(4)
    for rule in rules()
    if legal(cell, rule, INPUTS) and rule.partial and rule.trains_cell
]
every_pair = pytest.mark.parametrize(("cell", "rule"), PAIRS, ids=[f"{label(c)}-{label(r)}" for c, r in PAIRS])


def some(model: Model) -> list[list[str]]:
    """A few choices that every cell has: a part of every gate, two parts, mostly with a gap, and one gate alone."""
    two = ["recurrent", "readout"] if model.readout.weighted else ["recurrent", "bias"]
    return [two, ["input", "recurrent"], [model.dims.structure.blocks[-1].name]]


def gradient_of_four_labels(model: rt.IntegerModel, x: np.ndarray, target: np.ndarray) -> Float:
    """The sum (weights,) of all that the rule hands to the optimiser, also later."""
    reference = rt.Reference(model)
    total = np.zeros(model.model.dims.weights)
    for t in range(40):
        reference.predict(x[t])
        if 28 <= t < 32:
            reference.learn(target[t])
        else:
            reference.observe()
        total += reference.net.gradient
        reference.net.gradient[:] = 0
    return total


@every_pair
def test_the_gradient_is_that_of_the_whole_model(cell: Cell, rule: Rule) -> None:
    """Column by column, of four labels between stretches without any; one exponent for all columns may round."""
    whole = integer_model(Model("net", 2, [cell], readout(cell, 2), rule=rule, optimiser=rt.SGD(2**-15)))
    x, target, _ = words(whole, 60)
    x, target = x[-40:], target[-40:]  # small words
    for trainable in some(whole.model):
        part = whole.with_(trainable=trainable)
        wanted, found = (gradient_of_four_labels(model, x, target) for model in (whole, part))
        learns = part.model.dims.column_weights
        assert wanted[learns].any()
        assert np.abs(found[learns] - wanted[learns]).max() <= 2e-4 * np.abs(wanted).max()
        rest = np.setdiff1d(np.arange(whole.model.dims.gated), learns)
        assert not found[rest].any()


@every_pair
def test_reference_and_c_are_equal_and_the_rest_stays(cell: Cell, rule: Rule) -> None:
    whole = integer_model(Model("net", 2, [cell], readout(cell, 2), rule=rule, optimiser=rt.SGD(2**-3)))
    for trainable in some(whole.model):
        model = whole.with_(trainable=trainable)
        with rt.HostTwin(model, checked=True) as twin:
            assert play_both(model, twin, 100, reset_at=61) == []
            state = twin.state()
        moved = (state["w_hi"] != model.w_hi) | (state["w_lo"] != model.w_lo)
        learns = np.zeros(len(moved), dtype=bool)
        learns[model.model.dims.column_weights] = True
        assert not moved[~learns].any()
        assert moved[learns].mean() > 0.3
        if model.model.readout.weighted:
            assert ((state["v_lo"] != model.v_lo).any()) == ("readout" in trainable)


@pytest.mark.parametrize("optimiser", [rt.SGD(2**-4, decay=2**-6), rt.Momentum(2**-4), rt.HalfRMSprop()], ids=label)
@pytest.mark.parametrize("numbers", [rt.R16(cap=2), rt.R8()], ids=lambda n: n.name)
def test_with_every_optimiser(optimiser: rt.SGD, numbers: rt.R16) -> None:
    for trainable in (["f.bias", "g", "readout"], ["recurrent"]):
        model = integer_model(
            Model("net", 3, [rt.LSTM(5)], rt.Linear(2), optimiser=optimiser, numbers=numbers, trainable=trainable)
        )
        with rt.HostTwin(model, checked=True) as twin:
            assert play_both(model, twin, 150) == []


@pytest.mark.parametrize("board", ["qemu_microbit", "qemu_mps2_an386"])
def test_emulated_cores_are_equal(board: str) -> None:
    needs("arm-none-eabi-gcc", "qemu-system-arm")
    model = integer_model(Model("net", 3, [rt.LSTM(4)], rt.Linear(2), trainable=["recurrent", "f.bias"]))
    with rt.Emulator(model, board) as chip:
        stream_is_equal(model, chip, 100, seed=3)


def test_slices_count_the_columns_that_learn() -> None:
    model = integer_model(Model("net", 3, [rt.RNN(5)], rt.Linear(2), trainable=["input", "recurrent"]))
    x, target, _ = words(model, 40)
    with rt.HostTwin(model) as whole, rt.HostTwin(model) as sliced:
        for t in range(40):
            assert np.array_equal(whole.predict(x[t]), sliced.predict(x[t]))
            whole.learn(target[t])
            sliced.learn_begin(target[t])
            left = model.model.dims.columns
            while left:
                now = sliced.learn_slice(3)
                assert now == max(0, left - 3)
                left = now


def test_influence_memory_and_work_are_of_the_columns_alone() -> None:
    whole = Model("net", 3, [rt.LSTM(8)], rt.Linear(2))
    bias = replace(whole, trainable=["bias"])
    assert bias.dims.columns == 4 * 8
    assert bias.dims.gated == whole.dims.columns == 4 * 8 * 12
    few, all_ = rt.plan(bias), rt.plan(whole)
    assert few.ram_groups["influence"] * 12 == all_.ram_groups["influence"]
    assert few.ram_groups["weights"] == all_.ram_groups["weights"]
    assert few.macs_learn < all_.macs_learn / 6
    assert few.macs_predict == all_.macs_predict


def test_a_readout_that_stays_needs_no_memory_of_an_optimiser() -> None:
    model = Model("net", 3, [rt.RNN(4)], rt.Linear(2), optimiser=rt.Momentum(), trainable=["W"])
    assert "m_v" not in [m.field.name for m in layout(model).members]
    assert model.dims.columns == model.dims.gated


def test_weights_that_act_on_the_readout_alone_are_a_group() -> None:
    for trainable, moves in ((["F"], False), (["F", "direct"], True)):
        model = integer_model(
            Model("net", 2, [rt.ELSTM(3)], rt.Linear(2), optimiser=rt.SGD(2**-3), trainable=trainable)
        )
        with rt.HostTwin(model, checked=True) as twin:
            assert play_both(model, twin, 80) == []
            moved = twin.state()["w_lo"] != model.w_lo
        assert moved[model.model.dims.gated :].any() == moves


@pytest.mark.parametrize("cell", [rt.RNN(4), rt.LSTM(3), rt.ELSTM(3)], ids=label)
def test_float64_moves_the_same_weights(cell: Cell) -> None:
    """Gradients are of all weights, whether they learn or not; steps are of those that learn."""
    model = Model("net", 2, [cell], rt.Linear(2), optimiser=rt.SGD(2**-2), trainable=["recurrent"])
    start, rng = initial(model, 0), np.random.default_rng(0)
    oracle = Oracle(model, start)
    x, target = rng.uniform(-1, 1, (5, 2)), rng.normal(0, 1, (5, 2))
    for sample in x[:-1]:
        oracle.predict(sample)
        oracle.observe()
    oracle.predict(x[-1])
    target[:-1] = np.nan
    g = oracle.gradients(target[-1])
    np.testing.assert_allclose(g.W, bptt(model, start, x, target).W, atol=1e-12)
    oracle.learn(target[-1])
    moved = (oracle.weights.W != start.W).ravel()
    learns = np.zeros(model.dims.weights, dtype=bool)
    learns[model.dims.column_weights] = True
    assert not moved[~learns].any()
    assert moved[learns].any()
    np.testing.assert_array_equal(oracle.weights.V, start.V)


def test_the_certificate_is_of_the_columns_that_learn() -> None:
    model = integer_model(Model("net", 2, [rt.LSTM(4)], rt.Linear(2), trainable=["recurrent", "readout"]))
    assert float(str(certificate(model)["gradient_relative_error_median"])) < 1e-3


@pytest.mark.parametrize(
    ("parts", "sentence"),
    [
        ({"trainable": ["weights"]}, "wanted some of W, W.bias, W.input, W.recurrent, bias, input, recurrent, readout"),
        ({"trainable": "bias"}, "wanted names such as"),
        ({"trainable": ["readout"]}, r"no weight of the cell's gates is among .*choose ReadoutOnly\(\)"),
        ({"trainable": []}, r"choose ReadoutOnly\(\)"),
    ],
)
def test_bad_names_are_refused(parts: dict[str, object], sentence: str) -> None:
    with pytest.raises(ModelError, match=sentence):
        Model("net", 3, [rt.RNN(4)], rt.Linear(2), **parts)  # type: ignore[arg-type]


def test_rules_with_one_factor_for_all_refuse_a_part() -> None:
    for rule in rules():
        if rule.trains_cell and not rule.partial:
            Model("net", 3, [rt.RNN(4)], rt.Linear(2), rule=rule, trainable=["W"])
            with pytest.raises(ModelError, match="cannot leave some out"):
                Model("net", 3, [rt.RNN(4)], rt.Linear(2), rule=rule, trainable=["bias"])


def test_the_digest_tells_what_learns() -> None:
    model = integer_model(Model("net", 3, [rt.RNN(4)], rt.Linear(2)))
    assert "trainable" not in model.description
    assert len({model.digest, *(model.with_(trainable=[name]).digest for name in ("bias", "input"))}) == 3
