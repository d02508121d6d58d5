"""The Jordan network: what comes back is its own output, clipped, or its label."""

from __future__ import annotations

import numpy as np
import pytest

import rtrl_edge as rt
from rtrl_edge.evaluate.fidelity import fidelity
from rtrl_edge.evaluate.recordings import mackey_glass
from rtrl_edge.model import Rule, catalogue
from rtrl_edge.oracle import Oracle, bptt, finite_differences
from rtrl_edge.oracle.voices import voices
from rtrl_edge.plan import plan
from rtrl_edge.reference import Reference
from rtrl_edge.stream import Float
from rtrl_edge.weights import initial

from .models import SIZES, random_stream
from .needs import needs
from .test_bits_host import FEW_BUILDS, play_both
from .test_bits_targets import stream_is_equal

RULES = [rule for rule in catalogue.rules() if catalogue.legal(rt.Jordan(8), rule, 3)]
taught = pytest.mark.parametrize("teacher", [False, True], ids=["free", "taught"])


def make(
    units: int = 8, inputs: int = 3, outputs: int = 2, teacher: bool = False, decay: float = 0.5, **parts: object
) -> rt.Model:
    cell = rt.Jordan(units, outputs, decay, teacher)
    return rt.Model("net", inputs, [cell], rt.Direct(outputs), **({"optimiser": rt.SGD(2**-5)} | parts))


def case(model: rt.Model, steps: int = 12) -> tuple[rt.Weights, Float, Float, Float]:
    """Outputs of about +-1, so that some of what is fed back is clipped."""
    rng, d = np.random.default_rng(0), model.dims
    start = initial(model, 1)
    target = rng.normal(0, 0.8, (steps, d.outputs))
    target[[1, 4, 5]] = np.nan
    weights = rt.Weights(1.5 * start.W + rng.normal(0, 0.3, start.W.shape), start.V)
    return weights, rng.uniform(-1, 1, (steps, d.inputs)), target, rng.uniform(-0.5, 0.5, d.states)


def quantized(model: rt.Model) -> rt.IntegerModel:
    return rt.quantize(model, initial(model, 1), random_stream(model.inputs, model.readout.outputs))


def outputs_of(model: rt.Model, weights: rt.Weights, x: Float, s: Float) -> Float:
    w, found = weights.W.ravel(), []
    for sample in x:
        s = voices(model).cell.forward(model.dims, w, sample, s)
        found.append(s[model.dims.outputs :])
    return np.array(found)


def test_the_network_is_jordans() -> None:
    """Against his own context, decay s + y, with weights 1 / (1 - decay) times as large; nothing is clipped here."""
    model = make(decay=0.75)
    rng, start = np.random.default_rng(1), initial(model, 1)
    x, (W, V) = rng.uniform(-0.3, 0.3, (30, 3)), (start.W[: 8 * 6].reshape(8, 6), start.W[8 * 6 :].reshape(2, 9))
    context, y, found = np.zeros(2), np.zeros(2), []
    for sample in x:
        context = 0.75 * context + y
        h = np.tanh(W[:, :4] @ [*sample, 1.0] + 0.25 * W[:, 4:] @ context)
        y = V @ [*h, 1.0]
        found.append(y)
    assert np.abs(found).max() < 1
    np.testing.assert_allclose(outputs_of(model, start, x, np.zeros(4)), found, atol=1e-14)


@taught
@pytest.mark.parametrize("sizes", [(1, 1, 1), (8, 3, 2), (5, 1, 4)])
@pytest.mark.parametrize("decay", [0.0, 0.5, 0.9])
def test_the_gradient_is_the_derivative_of_the_loss(teacher: bool, sizes: tuple[int, int, int], decay: float) -> None:
    model = make(*sizes, teacher, decay)
    weights, x, target, s = case(model)
    truth = finite_differences(model, weights, x, target, s).W
    found = bptt(model, weights, x, target, s).W
    assert np.linalg.norm(found - truth) < 1e-6 * np.linalg.norm(truth)


def test_outputs_were_clipped_in_that_case() -> None:
    weights, x, _, s = case(make())
    assert 0.1 < (np.abs(outputs_of(make(), weights, x, s)) > 1).mean() < 0.7


def test_rtrl_is_the_sum_over_the_past() -> None:
    model = make()
    weights, x, target, s = case(model, 40)
    oracle, found = Oracle(model, weights, s), np.zeros(model.dims.weights)
    for sample, wanted in zip(x, target, strict=True):
        oracle.predict(sample)
        if not np.isnan(wanted).any():
            found += oracle.gradients(wanted).W
        oracle.observe()
    np.testing.assert_allclose(found, bptt(model, weights, x, target, s).W, rtol=0, atol=1e-10)


def test_the_readouts_weights_move_later_outputs_too() -> None:
    """The part of V's gradient that a readout outside the loop would miss."""
    model = make()
    weights, x, target, s = case(model)
    target[:-1] = np.nan
    v = slice(model.dims.offsets[1], None)
    whole = bptt(model, weights, x, target, s).W[v]
    now = np.outer(outputs_of(model, weights, x, s)[-1] - target[-1], np.ones(9))
    assert np.linalg.matrix_rank(whole.reshape(2, 9)) == 2 > np.linalg.matrix_rank(now)


@taught
@pytest.mark.parametrize(("numbers", "bound"), [(rt.R16(), 1e-3), (rt.R8(), 4e-2)], ids=["R16", "R8"])
@pytest.mark.parametrize("rule", [rt.RTRL(), rt.BlockRTRL(5), rt.BPTT(6), rt.Trunc1()], ids=repr)
def test_the_integer_gradient_is_float64s(rule: Rule, teacher: bool, numbers: rt.R16 | rt.R8, bound: float) -> None:
    model, stream = make(8, 1, 1, teacher, numbers=numbers, rule=rule), mackey_glass(800, 0)
    start = initial(model, 1)
    figures = fidelity(rt.quantize(model, rt.Weights(start.W, start.V), stream), stream).figures()
    assert figures["gradient_relative_error_median"] < bound
    assert figures["gradient_cosine_mean"] > 0.999


def test_the_context_takes_the_label_and_the_mix_is_cut() -> None:
    reference = Reference(quantized(make(4, teacher=True)))
    net, x, target = reference.net, np.zeros(3, dtype=np.int16), np.array([1000, -5000], dtype=np.int16)
    reference.predict(x)
    reference.learn(target)
    reference.predict(x)
    assert net["h"][:2].tolist() == [500, -2048]  # half of the label, which is clipped at 4096
    assert net["z"][4:6].tolist() == [4000, -16384]
    net.cell.cell_linearise(net)
    mix = net.cell.cell_mix(net)
    assert not mix[:, 2:].any()
    assert np.all(mix[2:, :2] != 0)  # the older context still counts
    reference.observe()
    reference.predict(x)
    net.cell.cell_linearise(net)
    assert np.all(net.cell.cell_mix(net)[2:, 2:] != 0)
    reference.learn(target)
    reference.reset()
    reference.predict(x)
    assert not net["h"][:2].any()


@taught
@pytest.mark.parametrize("units", SIZES)
def test_reference_and_c_have_the_same_bits(units: int, teacher: bool) -> None:
    for numbers in (rt.R16(), rt.R8(cap=2)):
        model = quantized(make(units, 1 if units > 8 else 3, 1 + units % 3, teacher, 0.9, numbers=numbers))
        for checked in (True, False):
            with rt.HostTwin(model, checked=checked) as twin:
                assert play_both(model, twin, 150, reset_at=90) == []


@taught
@pytest.mark.parametrize("rule", RULES, ids=repr)
def test_every_rule_has_the_same_bits(rule: Rule, teacher: bool) -> None:
    model = quantized(make(teacher=teacher, rule=rule, loss=rt.Huber()))
    with rt.HostTwin(model, checked=True) as twin:
        assert play_both(model, twin, 200, reset_at=90) == []


@pytest.mark.parametrize("optimiser", catalogue.optimisers(), ids=repr)
def test_every_optimiser_has_the_same_bits(optimiser: rt.SGD) -> None:
    model = quantized(make(optimiser=optimiser))
    with rt.HostTwin(model, checked=True) as twin:
        assert play_both(model, twin, 150, reset_at=90) == []


@pytest.mark.parametrize("trainable", [["V"], ["W.recurrent", "V.bias"], ["input"]])
def test_parts_that_learn(trainable: list[str]) -> None:
    model = quantized(make(trainable=trainable))
    with rt.HostTwin(model, checked=True) as twin:
        assert play_both(model, twin, 150, reset_at=90) == []


@pytest.mark.parametrize(("cc", "flag"), FEW_BUILDS)
def test_all_builds(cc: str, flag: str) -> None:
    needs(cc)
    model = quantized(make(9, 1, 3, teacher=True, numbers=rt.R8(), optimiser=rt.SGD(1.0)))
    with rt.HostTwin(model, cc=cc, flags=(flag,)) as twin:
        assert play_both(model, twin, 200) == []


@taught
@pytest.mark.parametrize("board", ["qemu_microbit", "qemu_mps2_an386"])
def test_cores(board: str, teacher: bool) -> None:
    needs("arm-none-eabi-gcc", "qemu-system-arm")
    model = quantized(make(7, teacher=teacher))
    with rt.Emulator(model, board) as chip:
        stream_is_equal(model, chip, 60, seed=1)


@pytest.mark.parametrize("rule", [rt.RTRL(), rt.BPTT(6), rt.BlockRTRL(4), rt.UORO(), rt.Trunc1()], ids=repr)
def test_the_largest_weights_do_not_overflow(rule: Rule) -> None:
    model = make(17, 4, 3, optimiser=rt.SGD(1.0), rule=rule)
    d, rng = model.dims, np.random.default_rng(0)
    for W in (rng.choice([-8.0, 8.0], d.weight_shape), np.full(d.weight_shape, 8.0)):
        weights = rt.Weights(W, np.zeros((3, 0)), rt.Scaling.identity(model))
        integer = rt.quantize(model, weights, rt.Stream(rng.uniform(-1, 1, (50, 4)), rng.uniform(-1, 1, (50, 3))))
        with rt.HostTwin(integer, checked=True) as twin:
            assert play_both(integer, twin, 150) == []


def test_the_influence_does_not_grow_with_the_hidden_layer() -> None:
    for units in (4, 32):
        d = make(units, 3, 2).dims
        assert (d.states, d.columns) == (4, units * (3 + 1 + 2) + 2 * (units + 1))
    small, large = (plan(make(units, 1, 1)) for units in (16, 64))
    assert large.macs_learn < 4.1 * small.macs_learn


@pytest.mark.parametrize(
    ("wrong", "text"),
    [
        (lambda: rt.Jordan(0), r"Jordan\(units\): wanted a whole number from 1 to 255, found 0"),
        (lambda: rt.Jordan(200, 57), r"Jordan\(outputs\): wanted a whole number from 1 to 56, found 57"),
        (lambda: rt.Jordan(8, decay=1.0), r"Jordan\(decay\): wanted a number from 0 to 0.99, found 1.0"),
        (lambda: rt.Jordan(4, teacher_forcing=1), r"Jordan\(teacher_forcing\): wanted True or False, found 1"),
        (
            lambda: rt.Model("net", 1, [rt.Jordan(4, 2)], rt.Linear(2)),
            r"Linear\(outputs=2\) does not go with Jordan.*neurons of its own, 2 of them: use Direct\(2\)",
        ),
        (lambda: rt.Model("net", 1, [rt.Jordan(4, 2)], rt.Direct(1)), r"use Direct\(2\)"),
        (lambda: make(rule=rt.SnAp(1)), "a local influence has no way up: use RTRL"),
        (lambda: make(rule=rt.RFLO()), "a local influence has no way up: use RTRL"),
        (lambda: make(rule=rt.KFRTRL()), "weights of its gate W move every unit"),
        (lambda: make(rule=rt.DNI()), "the synthesiser sees ends at"),
    ],
)
def test_wrong_arguments_get_a_sentence(wrong: object, text: str) -> None:
    with pytest.raises(rt.RtrlEdgeError, match=text):
        wrong()  # type: ignore[operator]
