"""GRU in both forms, LSTM without and with peepholes: gradients, integers, bits, bounds, long memory."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

import rtrl_edge as rt
from rtrl_edge.emit import kernel_files
from rtrl_edge.evaluate.fidelity import fidelity
from rtrl_edge.evaluate.recordings import mackey_glass
from rtrl_edge.model import Cell
from rtrl_edge.oracle import Oracle, Shadow, finite_differences
from rtrl_edge.oracle.voices import voices
from rtrl_edge.reference import Reference
from rtrl_edge.stream import Float
from rtrl_edge.weights import initial

from .models import SIZES, random_stream
from .needs import needs
from .test_bits_host import FEW_BUILDS, play_both
from .test_bits_targets import stream_is_equal

CELLS = {
    "after": rt.GRU(8),
    "before": rt.GRU(8, reset="before"),
    "lstm": rt.LSTM(8),
    "peepholes": rt.LSTM(8, peepholes=True),
}
every_cell = pytest.mark.parametrize("cell", CELLS.values(), ids=CELLS.keys())


def make(cell: Cell, inputs: int = 3, outputs: int = 2, units: int | None = None, **parts: object) -> rt.Model:
    sized: Cell = replace(cell, units=units or cell.units)  # type: ignore[call-arg]
    return rt.Model("net", inputs, [sized], rt.Linear(outputs), **({"optimiser": rt.SGD(2**-5)} | parts))


def lively(model: rt.Model, seed: int = 1, spread: float = 0.3) -> rt.Weights:
    """Initial weights and noise, so that no bias or peephole is zero."""
    rng, start = np.random.default_rng(seed), initial(model, seed)
    return rt.Weights(start.W + rng.normal(0, spread, start.W.shape), start.V + rng.normal(0, 0.1, start.V.shape))


def quantized(model: rt.Model, seed: int = 1) -> rt.IntegerModel:
    return rt.quantize(model, lively(model, seed), random_stream(model.inputs, model.readout.outputs))


@pytest.mark.parametrize("sizes", [(1, 1, 1), (2, 3, 5), (3, 2, 9)])
@every_cell
def test_the_online_gradient_is_the_derivative_of_the_summed_loss(cell: Cell, sizes: tuple[int, int, int]) -> None:
    model = make(cell, *sizes)
    weights, rng, d = lively(model), np.random.default_rng(0), model.dims
    x, target, s = rng.uniform(-1, 1, (9, d.inputs)), rng.normal(0, 0.5, (9, d.outputs)), rng.uniform(-1, 1, d.states)
    target[[1, 4]] = np.nan
    truth, oracle, found = finite_differences(model, weights, x, target, s), Oracle(model, weights, s), 0.0
    for sample, wanted in zip(x, target, strict=True):
        oracle.predict(sample)
        if not np.isnan(wanted).any():
            found = found + oracle.gradients(wanted).W
        oracle.observe()
    assert np.linalg.norm(found - truth.W) < 1e-6 * np.linalg.norm(truth.W)


@every_cell
def test_the_jacobians_are_the_slopes_of_the_forward_pass(cell: Cell) -> None:
    model = make(cell, units=6)
    d, voice, rng = model.dims, voices(model).cell, np.random.default_rng(3)
    w, x, s = lively(model).W.ravel(), rng.uniform(-1, 1, d.inputs), rng.uniform(-1, 1, d.states)

    def slopes(at: Float, of: int) -> Float:
        found = []
        for i in range(len(at)):
            moved = [at + step * np.eye(len(at))[i] for step in (1e-5, -1e-5)]
            up, down = (voice.forward(d, *((m, x, s) if of == 0 else (w, x, m))) for m in moved)
            found.append((up - down) / 2e-5)
        return np.array(found).T

    D, immediate = voice.jacobians(d, w, x, s)
    np.testing.assert_allclose(D, slopes(s, 1), atol=1e-9)
    np.testing.assert_allclose(immediate, slopes(w, 0), atol=1e-9)


@pytest.mark.parametrize(("numbers", "bound"), [(rt.R16(), 1e-3), (rt.R8(), 4e-2)], ids=["R16", "R8"])
@every_cell
def test_the_integer_gradient_is_float64s(cell: Cell, numbers: rt.R16 | rt.R8, bound: float) -> None:
    model = make(cell, 1, 1, numbers=numbers)
    figures = fidelity(
        rt.quantize(model, lively(model, spread=0.1), mackey_glass(1000, 0)), mackey_glass(1000, 0)
    ).figures()
    assert figures["gradient_relative_error_median"] < bound
    assert figures["gradient_cosine_mean"] > 0.999


@every_cell
def test_the_gradient_of_every_single_gate_is_float64s(cell: Cell) -> None:
    """A reset gate or a peephole is a small part of the whole gradient: look at each by itself."""
    model = make(cell, optimiser=rt.SGD(2**-9))
    integer = rt.quantize(model, lively(model), random_stream(3, 2))
    d, reference, shadow = model.dims, Reference(integer), Shadow(model)

    def state() -> Float:
        return np.concatenate([reference.net[name] * 2.0**-frac for name, frac in d.structure.state])

    sizes = []
    for x, target in random_stream(3, 2, 300, seed=2):
        before, word = state(), integer.to_input(x)
        reference.predict(word)
        w, V = reference.net["w_hi"] / 4096, reference.net["v_hi"].reshape(d.outputs, -1)[:, : d.visible] / 4096
        if target is None:
            reference.observe()
            shadow.step(w, word / 32768, before, state())
            continue
        reference.learn(integer.to_target(target))
        g = shadow.step(w, word / 32768, before, state(), (reference.net["e"] / 4096) @ V)
        assert g is not None
        sizes.append(np.add.reduceat([(reference.net.gradient - g) ** 2, g**2], d.offsets, axis=1))
    error, size = np.sqrt(np.sum(sizes, axis=0))
    found = dict(zip((block.name for block in d.structure.blocks), error / size, strict=True))
    assert max(found.values()) < 3e-3, found


@pytest.mark.parametrize("units", SIZES)
@pytest.mark.parametrize(
    "numbers", [rt.R16(), rt.R8(), rt.R16(cap=2), rt.R8(cap=2)], ids=["R16", "R8", "R16 2", "R8 2"]
)
@every_cell
def test_reference_and_c_have_the_same_bits(cell: Cell, numbers: rt.R16 | rt.R8, units: int) -> None:
    """In checked words for every size, too: they trap where a bound does not hold."""
    model = quantized(make(cell, 1 if units > 8 else 3, units=units, numbers=numbers))
    with rt.HostTwin(model, checked=True) as twin:
        assert play_both(model, twin, 150, reset_at=80) == []


@pytest.mark.parametrize("rate", [1.0, 2**-15])
@every_cell
def test_bounds_hold_at_any_rate(cell: Cell, rate: float) -> None:
    for checked in (True, False):
        model = quantized(make(cell, optimiser=rt.SGD(rate)))
        with rt.HostTwin(model, checked=checked) as twin:
            assert play_both(model, twin, 300) == []


@pytest.mark.parametrize(("cc", "flag"), FEW_BUILDS)
@every_cell
def test_all_builds(cell: Cell, cc: str, flag: str) -> None:
    needs(cc)
    model = quantized(make(cell, 1, 3, units=9, numbers=rt.R8(), optimiser=rt.SGD(1.0)))
    with rt.HostTwin(model, cc=cc, flags=(flag,)) as twin:
        assert play_both(model, twin, 200) == []


@pytest.mark.parametrize("numbers", [rt.R16(), rt.R8()], ids=["R16", "R8"])
@every_cell
def test_the_largest_weights_do_not_overflow(cell: Cell, numbers: rt.R16 | rt.R8) -> None:
    """All weights at +-8: saturated gates, q and c at their limits, keep far above 1, a mix beyond +-32."""
    model = make(cell, 4, units=17, numbers=numbers, optimiser=rt.SGD(1.0))
    d, rng = model.dims, np.random.default_rng(0)
    signs = [rng.choice([-8.0, 8.0], d.weights) for _ in range(2)]
    sparse = rng.choice([-8.0, 0.0, 0.0, 0.0, 0.0, 8.0], d.weights)  # gates that are open in between
    for W in (*signs, sparse, np.full(d.weights, 8.0), np.full(d.weights, -8.0)):
        weights = rt.Weights(W.reshape(d.weight_shape), np.full((2, d.readout_row), 8.0), rt.Scaling.identity(model))
        integer = rt.quantize(model, weights, rt.Stream(rng.uniform(-1, 1, (50, 4)), rng.uniform(-1, 1, (50, 2))))
        with rt.HostTwin(integer, checked=True) as twin:
            assert play_both(integer, twin, 150) == []


@pytest.mark.parametrize(
    ("board", "units"), [("qemu_microbit", 3), ("qemu_microbit", 8), ("qemu_mps2_an386", 8), ("qemu_mps2_an386", 17)]
)
@every_cell
def test_cores(cell: Cell, board: str, units: int) -> None:
    needs("arm-none-eabi-gcc", "qemu-system-arm")
    model = quantized(make(cell, 1, 1, units=units))
    with rt.Emulator(model, board) as chip:
        stream_is_equal(model, chip, 60, seed=units)


@pytest.mark.parametrize(
    "cell",
    [
        rt.GRU(8, update_bias=5.0),
        rt.GRU(8, reset="before", update_bias=5.0),
        rt.LSTM(8, forget_bias=5.0),
        rt.LSTM(8, forget_bias=5.0, peepholes=True),
    ],
    ids=CELLS.keys(),
)
@pytest.mark.parametrize("numbers", [rt.R16(), rt.R8()], ids=["R16", "R8"])
def test_long_memory_keeps_its_gradient(cell: Cell, numbers: rt.R16 | rt.R8) -> None:
    """A gate of .993: in seven bits what it keeps would never decay. It is kept in sixteen, outside D."""
    model, stream = make(cell, 1, 1, numbers=numbers, optimiser=rt.SGD(2**-9)), mackey_glass(1500, 0)
    start = initial(model, 1, radius=0.5)
    figures = fidelity(rt.quantize(model, rt.Weights(start.W, start.V), stream), stream).figures()
    assert figures["gradient_relative_error_median"] < 1.5e-2
    assert figures["gradient_cosine_mean"] > 0.999


def test_keep_of_a_peephole_can_exceed_one_and_its_exponent_follows() -> None:
    """p_f = 2, f = 1/2 and c = 4: k = f + p_f c f' = 2.5, so two fraction bits fewer than a forget gate alone has."""
    model = make(rt.LSTM(1, peepholes=True), 1, 1)
    integer = rt.quantize(model, rt.Weights(np.zeros(model.dims.weights), np.zeros((1, 2))), random_stream(1, 1))
    reference = Reference(integer)
    net = reference.net
    net["cell"] = 4 * 4096
    net["w_hi"][model.dims.offsets[1] + 1] = -32767  # the bias of f: -8, which the peephole's 2 * 4 takes away
    net["w_hi"][-2] = 2 * 4096
    reference.predict(np.zeros(1, dtype=np.int16))
    reference.observe()
    assert net["k_exp"] == 13
    assert net["keep"][0] * 2.0 ** -net["k_exp"] == pytest.approx(2.5, abs=2e-3)
    assert net["d_exp"] <= net["k_exp"]


def test_without_peepholes_there_is_nothing_of_them() -> None:
    files = kernel_files(make(rt.LSTM(4)))
    assert "cell_lstm.c" in files
    assert not any("peephole" in file for file in files)
    assert make(rt.LSTM(4)).dims.weight_shape == (16, 3 + 1 + 4)


def test_rows_of_the_flat_weights() -> None:
    """Each block by its documented place: one weight of 1 in it moves what it should."""
    d = make(rt.GRU(2), 1, 1).dims
    assert [(b.name, b.width) for b in d.structure.blocks] == [("r", 4), ("z", 4), ("n_in", 2), ("n_rec", 3)]
    d = make(rt.GRU(2, reset="before"), 1, 1).dims
    assert [(b.name, b.width) for b in d.structure.blocks] == [("r", 4), ("z", 4), ("n_in", 2), ("n_rec", 2)]
    d = make(rt.LSTM(2, peepholes=True), 1, 1).dims
    assert [b.name for b in d.structure.blocks] == ["i", "f", "g", "o", "p_i", "p_f", "p_o"]
    assert d.offsets[4:] == (32, 34, 36)
    for reset, n_rec in (("after", [0.5, -0.25, 0.125]), ("before", [-0.25, 0.125])):  # U of unit 0, by hand
        model = make(rt.GRU(2, reset=reset), 1, 1)  # type: ignore[arg-type]
        w, h = np.zeros(model.dims.weights), np.array([0.3, -0.6])
        at = model.dims.offsets
        w[at[0] : at[0] + 4] = [0.7, 0.1, 0.2, -0.4]  # r of unit 0: x, 1, h
        w[at[2] : at[2] + 2] = [0.9, -0.3]
        w[at[3] : at[3] + len(n_rec)] = n_rec
        r = 1 / (1 + np.exp(-(0.7 * 0.5 + 0.1 + 0.2 * 0.3 + 0.4 * 0.6)))
        q = r * (-0.25 * 0.3) + 0.125 * 0.5 * -0.6 if reset == "before" else r * (0.5 - 0.25 * 0.3 - 0.125 * 0.6)
        wanted = 0.5 * np.tanh(0.9 * 0.5 - 0.3 + q) + 0.5 * 0.3  # z = 1/2; r of unit 1 is 1/2
        found = voices(model).cell.forward(model.dims, w, np.array([0.5]), h)
        assert found[0] == pytest.approx(wanted, abs=1e-12)


@pytest.mark.parametrize(
    ("wrong", "text"),
    [
        (lambda: rt.GRU(0), r"GRU\(units\): wanted a whole number from 1 to 256, found 0"),
        (lambda: rt.GRU(4, reset="both"), r"GRU\(reset\): wanted 'after' .* or 'before' .*, found 'both'"),
        (lambda: rt.GRU(4, update_bias=9), r"GRU\(update_bias\): wanted a number from -8 to 8, found 9"),
        (lambda: rt.LSTM(4, forget_bias=float("nan")), r"LSTM\(forget_bias\): wanted a number from -8 to 8, found nan"),
        (lambda: rt.LSTM(4, peepholes=1), r"LSTM\(peepholes\): wanted True or False, found 1"),
    ],
)
def test_wrong_arguments_get_a_sentence(wrong: object, text: str) -> None:
    with pytest.raises(rt.RtrlEdgeError, match=text):
        wrong()  # type: ignore[operator]
