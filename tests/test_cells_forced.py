"""Some units are the outputs, and a teacher may force them: Williams & Zipser 1989."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

import rtrl_edge as rt
from rtrl_edge.evaluate.fidelity import fidelity
from rtrl_edge.evaluate.recordings import mackey_glass
from rtrl_edge.model import Rule, catalogue
from rtrl_edge.oracle import Oracle, bptt, finite_differences
from rtrl_edge.oracle.voices import voices
from rtrl_edge.reference import Reference
from rtrl_edge.stream import Float
from rtrl_edge.weights import initial

from .models import SIZES, random_stream
from .needs import needs
from .test_bits_host import FEW_BUILDS, play_both
from .test_bits_targets import stream_is_equal

RULES = [rule for rule in catalogue.rules() if catalogue.legal(rt.FullyRecurrent(8, teacher_forcing=True), rule, 3)]
every_rule = pytest.mark.parametrize("rule", RULES, ids=repr)


def make(units: int = 8, inputs: int = 3, outputs: int = 2, forced: bool = True, **parts: object) -> rt.Model:
    cell = rt.FullyRecurrent(units, teacher_forcing=forced)
    return rt.Model("net", inputs, [cell], rt.Direct(outputs), **({"optimiser": rt.SGD(2**-5)} | parts))


def case(model: rt.Model, steps: int = 12) -> tuple[rt.Weights, Float, Float, Float]:
    rng, d = np.random.default_rng(0), model.dims
    start = initial(model, 1)
    target = rng.normal(0, 0.5, (steps, d.outputs))
    target[[1, 4, 5]] = np.nan
    weights = rt.Weights(start.W + rng.normal(0, 0.3, start.W.shape), start.V)
    return weights, rng.uniform(-1, 1, (steps, d.inputs)), target, rng.uniform(-0.5, 0.5, d.states)


def quantized(model: rt.Model) -> rt.IntegerModel:
    return rt.quantize(model, initial(model, 1), random_stream(model.inputs, model.readout.outputs))


def zeroed_rows(model: rt.Model, weights: rt.Weights, x: Float, target: Float, s: Float) -> Float:
    """The paper's procedure, word by word: targets replace outputs, then the rows of p that belong to them become 0."""
    d, cell, w, o = model.dims, voices(model).cell, weights.W.ravel(), model.readout.outputs
    p, found = np.zeros((d.states, d.columns)), np.zeros(d.columns)
    for sample, wanted in zip(x, target, strict=True):
        D, immediate = cell.jacobians(d, w, sample, s)
        s, p = cell.forward(d, w, sample, s), D @ p + immediate
        if not np.isnan(wanted).any():
            found += (s[:o] - wanted) @ p[:o]
            s[:o], p[:o] = wanted, 0.0
    return found.reshape(d.weight_shape)


def test_the_gradient_is_the_derivative_of_the_forced_networks_loss() -> None:
    model = make()
    weights, x, target, s = case(model)
    truth = finite_differences(model, weights, x, target, s).W
    for found in (bptt(model, weights, x, target, s).W, zeroed_rows(model, weights, x, target, s)):
        assert np.linalg.norm(found - truth) < 1e-6 * np.linalg.norm(truth)
    free = finite_differences(make(forced=False), weights, x, target, s).W
    assert np.linalg.norm(free - truth) > 0.1 * np.linalg.norm(truth)


def test_the_online_gradient_is_the_papers() -> None:
    """Learning forces, so the weights have to move: by as little as they can."""
    model = make(optimiser=rt.SGD(2**-15, clip=2**-4))
    weights, x, target, s = case(model)
    oracle, found = Oracle(model, weights, s), np.zeros(model.dims.weight_shape)
    for sample, wanted in zip(x, target, strict=True):
        oracle.predict(sample)
        if np.isnan(wanted).any():
            oracle.observe()
        else:
            found += oracle.gradients(wanted).W
            oracle.learn(wanted)
    truth = zeroed_rows(model, weights, x, target, s)
    assert np.linalg.norm(found - truth) < 1e-4 * np.linalg.norm(truth)


@pytest.mark.parametrize(("numbers", "bound"), [(rt.R16(), 1e-3), (rt.R8(), 4e-2)], ids=["R16", "R8"])
@pytest.mark.parametrize("forced", [True, False])
def test_the_integer_gradient_is_float64s(numbers: rt.R16 | rt.R8, bound: float, forced: bool) -> None:
    model, stream = make(8, 1, 1, forced, numbers=numbers), mackey_glass(1000, 0)
    start = initial(model, 1)
    figures = fidelity(rt.quantize(model, rt.Weights(start.W, start.V), stream), stream).figures()
    assert figures["gradient_relative_error_median"] < bound
    assert figures["gradient_cosine_mean"] > 0.999


def test_targets_stand_in_z_after_a_label_only_and_the_mix_is_cut() -> None:
    reference = Reference(quantized(make(4)))
    net, x, target = reference.net, np.zeros(3, dtype=np.int16), np.array([1000, -5000], dtype=np.int16)
    reference.predict(x)
    reference.learn(target)
    h = net["h"].copy()
    reference.predict(x)
    assert net["z"][4:].tolist() == [8000, -32768, *h[2:]]  # -5000 / 4096 is beyond a unit's range
    assert np.all(net.cell.cell_mix(net)[:, :2] == 0)
    reference.observe()
    h = net["h"].copy()
    reference.predict(x)
    assert net["z"][4:].tolist() == h.tolist()
    assert np.all(net.cell.cell_mix(net)[:, :2] != 0)
    reference.learn(target)
    reference.reset()
    reference.predict(x)
    assert not net["z"][4:].any()


@pytest.mark.parametrize("units", SIZES)
@pytest.mark.parametrize("forced", [True, False])
def test_reference_and_c_have_the_same_bits(units: int, forced: bool) -> None:
    for numbers in (rt.R16(), rt.R8(cap=2)):
        model = quantized(make(units, 1 if units > 8 else 3, min(units, 2), forced, numbers=numbers))
        with rt.HostTwin(model, checked=True) as twin:
            assert play_both(model, twin, 200, reset_at=90) == []


@every_rule
def test_every_rule_has_the_same_bits(rule: Rule) -> None:
    for loss in (rt.SquaredError(), rt.Huber()):
        model = quantized(make(rule=rule, loss=loss))
        with rt.HostTwin(model, checked=True) as twin:
            assert play_both(model, twin, 200, reset_at=90) == []


@pytest.mark.parametrize("optimiser", catalogue.optimisers(), ids=repr)
def test_every_optimiser_leaves_a_readout_without_weights_alone(optimiser: rt.SGD) -> None:
    for cell in (rt.FullyRecurrent(8, teacher_forcing=True), rt.GRU(8), rt.LSTM(8)):
        model = quantized(rt.Model("net", 2, [cell], rt.Direct(2), optimiser=optimiser))
        with rt.HostTwin(model, checked=True) as twin:
            assert play_both(model, twin, 200, reset_at=90) == []
            assert not {"v_hi", "v_lo"} & twin.state().keys()


@pytest.mark.parametrize(("cc", "flag"), FEW_BUILDS)
def test_all_builds(cc: str, flag: str) -> None:
    needs(cc)
    model = quantized(make(9, 1, 3, numbers=rt.R8(), optimiser=rt.SGD(1.0)))
    with rt.HostTwin(model, cc=cc, flags=(flag,)) as twin:
        assert play_both(model, twin, 300) == []


@pytest.mark.parametrize("units", [3, 8])
@pytest.mark.parametrize("board", ["qemu_microbit", "qemu_mps2_an386"])
def test_cores(board: str, units: int) -> None:
    needs("arm-none-eabi-gcc", "qemu-system-arm")
    model = quantized(make(units))
    with rt.Emulator(model, board) as chip:
        stream_is_equal(model, chip, 60, seed=1)


def test_the_largest_weights_do_not_overflow() -> None:
    model = make(17, 4, optimiser=rt.SGD(1.0))
    d, rng = model.dims, np.random.default_rng(0)
    for W in (rng.choice([-8.0, 8.0], d.weight_shape), np.full(d.weight_shape, 8.0)):
        weights = rt.Weights(W, np.zeros((2, 0)), rt.Scaling.identity(model))
        integer = rt.quantize(model, weights, rt.Stream(rng.uniform(-1, 1, (50, 4)), rng.uniform(-1, 1, (50, 2))))
        with rt.HostTwin(integer, checked=True) as twin:
            assert play_both(integer, twin, 150) == []


def test_without_a_teacher_it_is_rnn() -> None:
    fully, rnn = make(forced=False), make(forced=False)
    rnn = replace(rnn, cells=[rt.RNN(8)])
    assert fully.voices == rnn.voices
    assert np.array_equal(initial(fully, 3).W, initial(rnn, 3).W)


@pytest.mark.parametrize(
    ("wrong", "text"),
    [
        (lambda: rt.FullyRecurrent(0), r"FullyRecurrent\(units\): wanted a whole number from 1 to 256, found 0"),
        (lambda: rt.FullyRecurrent(4, teacher_forcing=1), r"FullyRecurrent\(teacher_forcing\): wanted True or False"),
        (lambda: rt.Direct(0), r"Direct\(outputs\): wanted a whole number from 1 to 256, found 0"),
        (lambda: make(2, outputs=3), r"outputs are units, and there are only 2: use at least 3 units"),
        (
            lambda: rt.Model("net", 1, [rt.FullyRecurrent(4, teacher_forcing=True)], rt.Linear(1)),
            r"does not go with .* outputs have to be units: use Direct\(\.\.\.\)",
        ),
    ],
)
def test_wrong_arguments_get_a_sentence(wrong: object, text: str) -> None:
    with pytest.raises(rt.RtrlEdgeError, match=text):
        wrong()  # type: ignore[operator]
