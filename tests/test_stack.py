"""Layers on top of each other: exact across them, and what cutting the gradient at the layers would cost."""

from __future__ import annotations

import numpy as np
import pytest

import rtrl_edge as rt
from rtrl_edge.evaluate.fidelity import fidelity
from rtrl_edge.evaluate.matrix import integer_model
from rtrl_edge.evaluate.recordings import mackey_glass
from rtrl_edge.model import Stack
from rtrl_edge.oracle.voices import voices
from rtrl_edge.weights import initial

from .needs import needs
from .test_bits_host import play_both
from .test_bits_targets import stream_is_equal

LAYERS = [(8, 8), (6, 6, 6), (5, 3, 4, 2), (1, 1)]


def model(sizes: tuple[int, ...], inputs: int = 3, **parts: object) -> rt.Model:
    return rt.Model("net", inputs, [rt.RNN(n) for n in sizes], rt.Linear(2), **parts)  # type: ignore[arg-type]


@pytest.mark.parametrize("sizes", LAYERS)
@pytest.mark.parametrize("numbers", [rt.R16(), rt.R8(cap=2)], ids=lambda numbers: numbers.name)
def test_numpy_and_c_are_equal(sizes: tuple[int, ...], numbers: rt.R16 | rt.R8) -> None:
    integer = integer_model(model(sizes, numbers=numbers, optimiser=rt.SGD(2**-3)))
    for checked in (True, False):
        with rt.HostTwin(integer, checked=checked) as twin:
            assert play_both(integer, twin, 300, reset_at=170) == []


def test_weights_at_the_end_of_their_range() -> None:
    """Every weight at +-8: paths through four layers are far beyond what T can hold, and saturate."""
    stack = model((5, 3, 4, 2), optimiser=rt.SGD(1.0))
    for W in (np.full(stack.dims.weights, 8.0), np.random.default_rng(0).choice([-8.0, 8.0], stack.dims.weights)):
        rng = np.random.default_rng(1)
        weights = rt.Weights(W, np.full((2, 3), 8.0), rt.Scaling.identity(stack))
        integer = rt.quantize(stack, weights, rt.Stream(rng.uniform(-1, 1, (50, 3)), rng.uniform(-1, 1, (50, 2))))
        with rt.HostTwin(integer, checked=True) as twin:
            assert play_both(integer, twin, 150) == []


@pytest.mark.parametrize("board", ["qemu_microbit", "qemu_mps2_an386"])
def test_cores(board: str) -> None:
    needs("arm-none-eabi-gcc", "qemu-system-arm")
    integer = integer_model(model((6, 5, 4)))
    with rt.Emulator(integer, board) as chip:
        stream_is_equal(integer, chip, 150, seed=2)


@pytest.mark.parametrize(
    ("sizes", "numbers", "mark"),
    [((8, 8), rt.R16(), 1e-3), ((8, 8), rt.R8(), 4e-2), ((6, 6, 6), rt.R16(), 2e-3), ((6, 6, 6), rt.R8(), 1e-1)],
)
def test_the_integer_gradient_follows_the_exact_one(sizes: tuple[int, ...], numbers: rt.R16, mark: float) -> None:
    stream = mackey_glass(800, 0)
    stack = rt.Model("net", 1, [rt.RNN(n) for n in sizes], rt.Linear(1), numbers=numbers, optimiser=rt.SGD(2**-6))
    start = initial(stack, 1)
    figures = fidelity(rt.quantize(stack, rt.Weights(start.W, start.V), stream), stream).figures()
    assert figures["gradient_relative_error_median"] <= mark
    assert figures["gradient_cosine_to_exact_mean"] >= 0.994


@pytest.mark.parametrize(("sizes", "low", "high"), [((8, 8), 0.82, 0.86), ((6, 6, 6), 0.69, 0.73)])
def test_what_cutting_at_the_layers_would_cost(sizes: tuple[int, ...], low: float, high: float) -> None:
    """Each layer with an influence of its own, credit passed down within the step: the figures in the docstring."""
    assert low < np.mean([_cosine_of_the_cut(sizes, seed) for seed in range(5)]) < high


def _cosine_of_the_cut(sizes: tuple[int, ...], seed: int) -> float:
    stack = model(sizes)
    d, parts, start = stack.dims, voices(stack), initial(stack, seed)
    w, top = start.W.ravel(), sizes[-1]
    white = np.random.default_rng(seed).standard_normal((204, 5))
    x = 0.7 * np.mean([white[k : k + 200] for k in range(5)], axis=0)
    layer = np.repeat(np.arange(len(sizes)), sizes)
    own = layer[d.places[1]][:, None] == layer
    inside = layer[:, None] == layer
    s, exact, cut, found = np.zeros(d.states), np.zeros((d.columns, d.states)), np.zeros((d.columns, d.states)), []
    for t, sample in enumerate(x):
        D, immediate = parts.cell.jacobians(d, w, sample[:3], s)
        s = parts.cell.forward(d, w, sample[:3], s)
        exact, cut = exact @ D.T + immediate.T, cut @ (D * inside).T + immediate.T * own
        credit = np.zeros(d.states)
        credit[-top:] = start.V[:, :-1].T @ (start.V @ np.append(s[-top:], 1.0) - sample[3:])
        passed = credit.copy()
        for block, at in reversed(list(zip(d.structure.blocks[1:], d.offsets[1:], strict=True))):
            rows = d.rows(block)
            W = w[at : at + rows * block.width].reshape(rows, block.width)
            units, under = slice(block.first, block.first + rows), block.width - 1 - rows
            passed[block.first - under : block.first] += W[:, :under].T @ ((1 - s[units] ** 2) * passed[units])
        g, h = exact @ credit, cut @ passed
        if t > 20:
            found.append(g @ h / np.linalg.norm(g) / np.linalg.norm(h))
    return float(np.mean(found))


def test_a_stack_of_gated_cells_is_refused_with_the_reason() -> None:
    with pytest.raises(rt.RtrlEdgeError, match=r"wanted RNN layers in a stack, found LSTM.*use one gated cell"):
        rt.Model("net", 2, [rt.RNN(4), rt.LSTM(4)], rt.Linear(1))
    with pytest.raises(rt.RtrlEdgeError, match="found none"):
        rt.Model("net", 2, [], rt.Linear(1))


def test_the_readout_sees_the_last_layer() -> None:
    stack = model((6, 5, 4))
    assert isinstance(stack.cell, Stack)
    assert (stack.dims.units, stack.dims.visible, stack.dims.readout_row) == (15, 4, 5)
    assert stack.dims.weights == 6 * (3 + 1 + 6) + 5 * (6 + 1 + 5) + 4 * (5 + 1 + 4)
