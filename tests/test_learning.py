"""Does the integer machine learn, and is its gradient the right one?"""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

import rtrl_edge as rt
from rtrl_edge.demo import MODEL as DEMO
from rtrl_edge.evaluate.fidelity import fidelity
from rtrl_edge.evaluate.recordings import daphnet, delayed_xor, mackey_glass, watch
from rtrl_edge.weights import initial

LIMITS = {"R16": (1e-3, 0.9999), "R8": (4e-2, 0.999)}  # median relative error, mean cosine


def untrained(stream: rt.Stream, units: int, numbers: rt.R16 | rt.R8) -> rt.IntegerModel:
    model = rt.Model(
        name="net",
        inputs=stream.x.shape[1],
        cells=[rt.RNN(units)],
        readout=rt.Linear(stream.target.shape[1]),
        optimiser=rt.SGD(2**-6),
        numbers=numbers,
    )
    start = initial(model, 0)
    return rt.quantize(model, rt.Weights(start.W, start.V, rt.Scaling.fit(stream)), stream)


@pytest.mark.parametrize("numbers", [rt.R16(), rt.R16(cap=2), rt.R8(cap=2)], ids=str)
@pytest.mark.parametrize("name", ["mackey-glass", "daphnet"])
def test_gradient_fidelity_from_random_weights(name: str, numbers: rt.R16 | rt.R8) -> None:
    stream = mackey_glass(1500, 0) if name == "mackey-glass" else daphnet()[:1500]
    found = fidelity(untrained(stream, 16, numbers), stream).figures()
    error, cosine = LIMITS[numbers.name]
    assert found["steps"] > 1400
    assert found["gradient_relative_error_median"] <= error
    assert found["gradient_cosine_mean"] >= cosine


@pytest.mark.parametrize("numbers", [rt.R16(cap=2), rt.R8(cap=2)], ids=str)
def test_gradient_fidelity_on_the_demonstration(numbers: rt.R16 | rt.R8) -> None:
    recording = watch()
    model = dataclasses.replace(DEMO, numbers=numbers)
    integer = rt.quantize(model, rt.train(model, recording.past, epochs=30), recording.past)
    change = recording.changes[0]
    found = fidelity(integer, recording.future[change - 500 : change + 1500]).figures()
    error, cosine = LIMITS[numbers.name]
    assert found["gradient_relative_error_median"] <= error
    assert found["gradient_cosine_mean"] >= cosine


def steps_to_98_percent(seed: int, numbers: rt.R16 | rt.R8 | rt.Q14, steps: int = 10_000) -> int | None:
    """Delayed XOR, delay 3, 8 units: labelled steps until the running accuracy (EMA .999, from .5) passes 98 %."""
    stream = delayed_xor(steps, 3, seed, high=0.9)
    model = rt.Model(
        name="xor",
        inputs=2,
        cells=[rt.RNN(8)],
        readout=rt.Linear(1),
        rule=rt.RTRL(),
        optimiser=rt.SGD(2**-5, readout_rate=2**-6),
        numbers=numbers,
    )
    integer = rt.quantize(model, initial(model, 100 + seed), stream)
    known = stream.labelled
    with rt.HostTwin(integer) as twin:
        y = twin.play(integer.to_input(stream.x), integer.to_target(np.nan_to_num(stream.target)), known)
    right = (y[:, 0] > 0) == (stream.target[:, 0] > 0)
    accuracy = 0.5
    for t, correct in enumerate(right[known]):
        accuracy = 0.999 * accuracy + 0.001 * correct
        if accuracy > 0.98:
            return t
    return None


@pytest.mark.parametrize("numbers", [rt.R16(), rt.R16(cap=2), rt.R8(cap=2)], ids=str)
def test_delayed_xor_is_solved_for_every_seed(numbers: rt.R16 | rt.R8) -> None:
    found = [steps_to_98_percent(seed, numbers) for seed in range(10)]
    assert None not in found
    assert float(np.median([step for step in found if step is not None])) <= 6_000


def test_the_readout_alone_does_not_solve_it() -> None:
    """The task needs a gradient through time: without one it stays near chance, so the test above can fail."""
    stream = delayed_xor(8_000, 3, 0)
    model = rt.Model(
        name="xor", inputs=2, cells=[rt.RNN(8)], readout=rt.Linear(1), rule=rt.ReadoutOnly(), optimiser=rt.SGD(2**-6)
    )
    integer = rt.quantize(model, initial(model, 100), stream)
    known = stream.labelled
    with rt.HostTwin(integer) as twin:
        y = twin.play(integer.to_input(stream.x), integer.to_target(np.nan_to_num(stream.target)), known)
    late = slice(6_000, None)
    assert ((y[late, 0] > 0) == (stream.target[late, 0] > 0)).mean() < 0.75


def test_the_cap_bounds_the_influence_and_counts() -> None:
    """A network that expands (radius 1.5) makes |J| grow; the cap holds it, and says how often."""
    stream = mackey_glass(400, 1)
    for cap in (1.0, 2.0, None):
        model = untrained(stream, 8, rt.R16(cap=cap)).model
        start = initial(model, 0, radius=1.5)
        integer = rt.quantize(model, rt.Weights(start.W, start.V, rt.Scaling.fit(stream)), stream)
        with rt.HostTwin(integer) as twin:
            x, target = integer.to_input(stream.x), integer.to_target(stream.target)
            twin.play(x, target)
            state = twin.state()
        J = state["J"].reshape(-1, 8) * 2.0 ** -state["E"][:, None].astype(float)
        if cap is not None:
            assert np.abs(J).max() <= cap
        if cap != 2.0:
            assert (int(state["capped"]) > 0) == (cap is not None)
