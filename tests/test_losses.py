"""Losses: float64 against finite differences, integers against float64, C against integers; classification."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

import rtrl_edge as rt
from rtrl_edge.emit import emit
from rtrl_edge.errors import DataError, ModelError
from rtrl_edge.evaluate.certificate import certificate
from rtrl_edge.evaluate.matrix import integer_model, label
from rtrl_edge.model import Cell, Loss, catalogue
from rtrl_edge.oracle import Oracle, bptt, finite_differences
from rtrl_edge.oracle.voices import voices
from rtrl_edge.reference.loss_softmax import probabilities
from rtrl_edge.stream import Float
from rtrl_edge.weights import initial

from .needs import needs
from .test_bits_host import FEW_BUILDS, play_both
from .test_bits_targets import stream_is_equal
from .test_oracle import case, frozen_sum, off

LOSSES = catalogue.losses()
of_classes = [loss for loss in LOSSES if loss.of_probabilities]
every_loss = pytest.mark.parametrize("loss", LOSSES, ids=label)
every_cell = pytest.mark.parametrize("cell", [rt.RNN(6), rt.LSTM(4)], ids=label)


def model_of(loss: Loss, cell: Cell | None = None, outputs: int = 3, **parts: object) -> rt.Model:
    return rt.Model("net", 2, [cell or rt.RNN(6)], rt.Linear(outputs), loss=loss, **parts)  # type: ignore[arg-type]


def reference_error(loss: Loss, y: np.ndarray, target: np.ndarray) -> Float:
    """The integer error (T, outputs) of words y and target, as numbers."""
    reference = rt.Reference(integer_model(model_of(loss, outputs=y.shape[1])))
    found = np.empty(y.shape)
    for t in range(len(y)):
        reference.net["y"] = y[t]
        reference.net.loss.loss_error(reference.net, target[t])
        found[t] = reference.net["e"] * 2.0**-reference.net.formats.error_frac
    return found


# ------------------------------------------------------------------------------------------------------- float64


@every_loss
def test_the_error_is_the_slope_of_the_loss(loss: Loss) -> None:
    rng, voice = np.random.default_rng(0), voices(model_of(loss)).loss
    y, eps = rng.normal(0, 2, (200, 3)), 1e-6
    targets = [loss.stimulus(rng.normal(0, 1, y.shape))]
    if loss.of_probabilities:
        targets.append(rng.dirichlet(np.ones(3), 200))  # soft labels
    for target in targets:
        found = voice.error(loss, y, target)
        for o in range(3):
            step = eps * np.eye(3)[o]
            slope = (voice.value(loss, y + step, target) - voice.value(loss, y - step, target)) / (2 * eps)
            np.testing.assert_allclose(found[:, o], slope, atol=1e-8)


@every_cell
@every_loss
def test_window_gradients_equal_central_differences(loss: Loss, cell: Cell) -> None:
    model = model_of(loss, cell)
    weights, x, target, s = case(model, steps=9)
    target = loss.stimulus(2 * target)
    target[[1, 4]] = np.nan
    truth = finite_differences(model, weights, x, target, s)
    for found in (bptt(model, weights, x, target, s), frozen_sum(Oracle(model, weights, s), x, target)):
        assert off(found.W, truth.W) < 1e-6
        assert off(found.V, truth.V) < 1e-6


@pytest.mark.parametrize("loss", of_classes, ids=label)
def test_large_logits_stay_finite_in_float(loss: Loss) -> None:
    voice = voices(model_of(loss)).loss
    y, target = np.array([[800.0, -800.0, 0.0]]), np.array([[0.0, 1.0, 0.0]])
    assert np.isfinite(voice.value(loss, y, target)).all()
    assert np.isfinite(voice.error(loss, y, target)).all()
    assert np.isfinite(loss.prediction(y)).all()


# ------------------------------------------------------------------------------------------------------ integers


@every_loss
def test_the_integer_error_is_that_of_float64(loss: Loss) -> None:
    """Over all words: a few units of the error's last place; targets beyond [0, 1] are held there."""
    rng = np.random.default_rng(0)
    y = np.concatenate([rng.integers(-32768, 32768, (400, 3)), rng.normal(0, 4096, (400, 3)).astype(np.int64)])
    y[:3] = [[-32768, 32767, 0], [32767] * 3, [-32768] * 3]
    target = rng.integers(-8192, 12288, y.shape) if loss.of_probabilities else rng.integers(-32768, 32768, y.shape)
    model = model_of(loss)
    wanted = voices(model).loss.error(loss, y / 4096, target / 4096)
    unit = 2.0 ** -loss.error_frac(model.numbers)
    top = 32767 * unit
    assert np.abs(reference_error(loss, y, target) - np.clip(wanted, -top - unit, top)).max() <= 5 * unit


#: classes, spread of the logits -> largest error of a probability in units of Q0.15, rounded up
STATIC = {(2, 1): 4, (2, 3): 4, (4, 1): 4, (4, 3): 4, (10, 1): 4, (10, 3): 4, (100, 3): 5, (256, 3): 5}


@pytest.mark.parametrize(("classes", "spread"), STATIC)
def test_static_error_of_the_softmax(classes: int, spread: int) -> None:
    net = rt.Reference(integer_model(model_of(rt.SoftmaxCrossEntropy(), rt.RNN(1), classes))).net
    logits = np.random.default_rng(classes).normal(0, spread * 4096, (100_000 // classes, classes))
    y = np.clip(np.round(logits), -32768, 32767).astype(np.int64)
    p = probabilities(net, y)
    off_by = p - 32768 * rt.SoftmaxCrossEntropy().prediction(y / 4096)
    assert np.abs(off_by).max() <= STATIC[classes, spread]
    assert np.sqrt((off_by**2).mean()) < 1.5
    assert abs(off_by.mean()) < 0.05  # no drift of the readout's bias
    assert (p >= 0).all()
    assert (p <= 32768).all()


def test_the_error_of_a_certain_class_is_a_whole_one_at_most() -> None:
    """One logit at the top, the others at the bottom, labelled right and wrong."""
    y = np.array([[32767, -32768, -32768]])
    right = reference_error(rt.SoftmaxCrossEntropy(), y, np.array([[4096, 0, 0]]))
    wrong = reference_error(rt.SoftmaxCrossEntropy(), y, np.array([[0, 4096, 0]]))
    np.testing.assert_array_equal(right, [[0, 0, 0]])
    np.testing.assert_array_equal(wrong, [[32767 / 32768, -1, 0]])


def test_huber_is_the_squared_error_up_to_delta() -> None:
    y, target = np.array([[0, 1024, 5000, -32768]]), np.array([[100, 0, 0, 32767]])
    found = reference_error(rt.Huber(0.25), y, target) * 4096
    np.testing.assert_array_equal(found, [[-100, 1024, 1024, -1024]])


@every_cell
@every_loss
def test_gradients_are_as_close_to_float64_as_with_any_loss(loss: Loss, cell: Cell) -> None:
    for numbers, bound in ((rt.R16(), 1e-3), (rt.R8(), 4e-2)):
        found = certificate(integer_model(model_of(loss, cell, numbers=numbers)))
        assert float(str(found["gradient_relative_error_median"])) < bound
        assert float(str(found["gradient_cosine_mean"])) > 0.999


# ------------------------------------------------------------------------------------------------------------- C


@pytest.mark.parametrize("case_", [(1, rt.R16(), 1.0), (8, rt.R8(cap=2), 2**-5), (17, rt.R16(cap=2), 2**-15)], ids=str)
@every_cell
@every_loss
def test_reference_and_c_are_equal(loss: Loss, cell: Cell, case_: tuple[int, rt.R16 | rt.R8, float]) -> None:
    """With the words that trap where a bound is broken: random and extreme words, label gaps, a reset."""
    units, numbers, rate = case_
    sized: Cell = replace(cell, units=units)  # type: ignore[type-var]
    model = integer_model(model_of(loss, sized, numbers=numbers, optimiser=rt.SGD(rate)))
    with rt.HostTwin(model, checked=True) as twin:
        assert play_both(model, twin, 150, reset_at=71) == []


@pytest.mark.parametrize("outputs", [2, 9, 256])
@every_loss
def test_many_outputs(loss: Loss, outputs: int) -> None:
    model = integer_model(model_of(loss, rt.RNN(2), outputs, optimiser=rt.SGD(1.0)))
    with rt.HostTwin(model, checked=True) as twin:
        assert play_both(model, twin, 60) == []


@pytest.mark.parametrize(("cc", "flag"), FEW_BUILDS)
@every_loss
def test_all_builds(loss: Loss, cc: str, flag: str) -> None:
    needs(cc)
    model = integer_model(model_of(loss, rt.LSTM(5), numbers=rt.R8()))
    with rt.HostTwin(model, cc=cc, flags=(flag,)) as twin:
        assert play_both(model, twin, 250) == []


@pytest.mark.parametrize("board", ["qemu_microbit", "qemu_mps2_an386"])
@every_loss
def test_emulated_cores_are_equal(loss: Loss, board: str) -> None:
    needs("arm-none-eabi-gcc", "qemu-system-arm")
    cell, numbers = (rt.LSTM(3), rt.R16()) if board == "qemu_mps2_an386" else (rt.RNN(5), rt.R8())
    model = integer_model(model_of(loss, cell, numbers=numbers, optimiser=rt.SGD(2**-3)))
    with rt.Emulator(model, board) as chip:
        stream_is_equal(model, chip, 100, seed=3)


def test_only_the_softmax_brings_its_table_and_the_plan_counts_it() -> None:
    plain, soft = (integer_model(model_of(loss)) for loss in (rt.SquaredError(), rt.SoftmaxCrossEntropy()))
    assert "exp2_table" not in emit(plain)["net.c"]
    assert "logits" not in emit(plain)["net.h"]
    assert "y: logits" in emit(soft)["net.h"]
    assert emit(soft)["net.c"].count("static const int16_t rtrl_exp2_table[17]") == 1
    assert rt.plan(soft).const_bytes - rt.plan(plain).const_bytes == 34


# ------------------------------------------------------------------------------------------------ classification


def turns(samples: int = 1500, seed: int = 0) -> rt.Stream:
    """Which of three channels was up two steps ago: nothing to tell from the present sample."""
    classes = np.random.default_rng(seed).integers(0, 3, samples)
    x = np.eye(3)[classes] + 4.0  # physical units
    return rt.Stream(x, np.eye(3)[np.roll(classes, 2)])


def accuracy(prediction: Float, target: Float) -> float:
    return float((prediction.argmax(axis=1) == target.argmax(axis=1)).mean())


def test_a_classifier_is_trained_quantized_and_keeps_its_units() -> None:
    """Host training descends the cross-entropy; labels stay 0 and 1; predictions are probabilities."""
    stream, told = turns(), []
    model = rt.Model("net", 3, [rt.RNN(12)], rt.Linear(3), loss=rt.SoftmaxCrossEntropy())
    weights = rt.train(model, stream, epochs=60, progress=lambda *args: told.append(args[2]))
    assert weights.scaling is not None
    np.testing.assert_array_equal(weights.scaling.output_offset, 0)
    np.testing.assert_array_equal(weights.scaling.output_gain, 1)
    assert min(told) < 0.05  # nats; chance is log 3
    integer = rt.quantize(model, weights, stream)
    np.testing.assert_array_equal(integer.to_target([0.0, 0.25, 0.75]), [0, 1024, 3072])
    test = turns(500, seed=1)
    run = rt.prequential(rt.Reference(integer), integer, test, learn=False)
    np.testing.assert_allclose(run.prediction.sum(axis=1), 1.0)
    assert accuracy(run.prediction[5:], test.target[5:]) > 0.97
    found = run.metrics(model.loss, 5)
    assert found["accuracy"] == accuracy(run.prediction[5:], test.target[5:])
    assert found["cross_entropy_nats"] < 0.1
    np.testing.assert_allclose(rt.SoftmaxCrossEntropy().prediction(run.outputs / 4096), run.prediction)


def test_metrics_of_known_predictions() -> None:
    p, t = np.array([[0.75, 0.25], [0.5, 0.5], [0.0, 1.0]]), np.array([[1.0, 0.0], [0.0, 1.0], [1.0, 0.0]])
    soft, binary = rt.SoftmaxCrossEntropy().metrics(p, t), rt.BinaryCrossEntropy().metrics(p, t)
    assert soft["accuracy"] == pytest.approx(1 / 3)
    assert binary["accuracy"] == pytest.approx(3 / 6)
    nats = -np.log([0.75, 0.5, 1e-6]).mean()
    assert soft["cross_entropy_nats"] == pytest.approx(nats)
    assert binary["cross_entropy_nats"] == pytest.approx(2 * nats)
    assert rt.SquaredError().metrics(p, t) == {}


@pytest.mark.parametrize("loss", of_classes, ids=label)
def test_classes_are_learned_online_in_integers(loss: Loss) -> None:
    stream = turns(3000)
    model = rt.Model("net", 3, [rt.RNN(12)], rt.Linear(3), loss=loss, optimiser=rt.SGD(2**-3))
    start = initial(model, 3)
    integer = rt.quantize(model, rt.Weights(start.W, start.V), stream)
    with rt.HostTwin(integer) as twin:
        run = rt.prequential(twin, integer, stream)
    assert accuracy(run.prediction[:30], stream.target[:30]) < 0.75
    assert accuracy(run.prediction[-1000:], stream.target[-1000:]) > 0.95


def test_a_class_that_the_calibration_never_shows_is_no_error() -> None:
    stream = turns(200)
    model = rt.Model("net", 3, [rt.RNN(4)], rt.Linear(4), loss=rt.SoftmaxCrossEntropy())
    start = initial(model, 0)
    rare = rt.Stream(stream.x, np.concatenate((stream.target, np.zeros((200, 1))), axis=1))
    rt.quantize(model, rt.Weights(start.W, start.V), rare)


@pytest.mark.parametrize(
    ("loss", "change", "sentence"),
    [
        (rt.SoftmaxCrossEntropy(), lambda t: 2 * t, "wants probabilities or labels from 0 to 1 as targets, found 2"),
        (rt.BinaryCrossEntropy(), lambda t: t - 0.5, "from 0 to 1 as targets, found -0.5"),
        (rt.SoftmaxCrossEntropy(), lambda t: 0.5 * t, "a row with the sum 0.5"),
    ],
)
def test_targets_of_another_kind_are_refused_wherever_they_enter(loss: Loss, change: object, sentence: str) -> None:
    stream = turns(300)
    wrong = rt.Stream(stream.x, change(stream.target))  # type: ignore[operator]
    model = rt.Model("net", 3, [rt.RNN(4)], rt.Linear(3), loss=loss)
    start = initial(model, 0)
    integer = rt.quantize(model, rt.Weights(start.W, start.V), stream)
    with pytest.raises(DataError, match=f"calibration: .*{sentence}"):
        rt.quantize(model, rt.Weights(start.W, start.V), wrong)
    with pytest.raises(DataError, match=f"train: .*{sentence}"):
        rt.train(model, wrong, epochs=1)
    with pytest.raises(DataError, match=f"target: .*{sentence}"):
        integer.to_target(wrong.target[0])
    with pytest.raises(DataError, match=f"target: .*{sentence}"):
        rt.prequential(rt.Reference(integer), integer, wrong)


def test_a_scaling_of_labels_is_refused() -> None:
    stream = turns(300)
    model = rt.Model("net", 3, [rt.RNN(4)], rt.Linear(3), loss=rt.BinaryCrossEntropy())
    start = initial(model, 0)
    with pytest.raises(ModelError, match="wants its targets as they are"):
        rt.quantize(model, rt.Weights(start.W, start.V, rt.Scaling.fit(stream)), stream)


@pytest.mark.parametrize(
    ("make", "sentence"),
    [
        (lambda: rt.Huber(0.0), "wanted a number from 2\\*\\*-12 to 32767/4096, found 0.0"),
        (lambda: rt.Huber(8.0), "found 8.0"),
        (lambda: rt.Huber(float("nan")), "found nan"),
        (lambda: rt.Huber(True), "found True"),
        (lambda: rt.Huber(0.3), "multiple of 2\\*\\*-12 .* try 0.300048828125"),
        (lambda: model_of(rt.SoftmaxCrossEntropy(), outputs=1), "one class is always certain"),
    ],
)
def test_bad_arguments_are_refused(make: object, sentence: str) -> None:
    with pytest.raises(ModelError, match=sentence):
        make()  # type: ignore[operator]
