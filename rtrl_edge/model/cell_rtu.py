"""Recurrent trace units."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import numpy.typing as npt

from ..errors import ModelError
from .limits import MAX_UNITS, real, whole
from .numbers import Numbers
from .parts import Cell, Constants, Field, Table
from .structure import Block, Dims, Structure

#: the logistic function of nu = 8, the largest weight on the chip, is a decay of 0.99966
SLOWEST = 0.9996


def _words(values: npt.NDArray[np.float64], top: int) -> tuple[int, ...]:
    return tuple(min(top, math.floor(v * 32768 + 0.5)) for v in values.tolist())


def _gamma(nu: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    return np.sqrt(1.0 - (1.0 / (1.0 + np.exp(-nu))) ** 2)


@dataclass(frozen=True)
class RTU(Cell):
    """Recurrent trace units: a complex linear recurrence a unit, ``c = lambda c + gamma (W1 + i W2) x``, h = tanh(c).

    ``lambda = r e^(i theta)``, ``gamma = sqrt(1 - r^2)``: c keeps the variance of its input, however slow it is. The
    readout sees tanh of both parts: h = tanh([Re c; Im c]). Units never mix, so exact RTRL is O(P).
    Shapes: x (inputs,), Re c and Im c (units,), h (2 units,); weights nu, theta (units,), W1, W2 (units, inputs), in
    this order, 2 (inputs + 1) units in all. No bias, as in the paper: the readout has one.
    The state (Re c, Im c) is kept by the rotation ((a, -b), (b, a)), a + i b = lambda. With p = lambda c_{t-1}:

        dc/dW1 = gamma x,  dc/dW2 = i gamma x,  dc/dtheta = (pi / 8) i p,
        dc/dnu = (1 - r) p - gamma r^2 / (1 + r) (W1 + i W2) x     (the second term is gamma's own derivative)

    c is Q3.12 and saturates at +-8.

    Differences from the paper. Decay: r = sigmoid(nu) instead of exp(-exp(nu)); 1 - r is exponential in nu where memory
    is long, too, and the table is there already. Angle: pi / 8 times its weight instead of the weight's exponential:
    the 2^16 words of a weight are one turn, without a multiplication, equally fine everywhere. Its derivative is
    complete (the published code leaves out the factor that belongs to its exponential). Nonlinearity: after the
    recurrence, the paper's linear variant.

    Args:
        units: complex units n.
        r_min: smallest decay to start from; |lambda|^2 is uniform.
        r_max: largest; a memory of about 1 / (1 - r) steps.
        max_phase: angles start uniform in [0, max_phase], at most pi.
        squash: False lets the readout see c itself, saturated at +-1: the linear recurrent unit (LRU).

    Source: Elelimy et al. 2024, eq. 4-7 (traces); Orvieto et al. 2023, section 3 (LRU, initialisation).
    """

    units: int
    r_min: float = 0.5
    r_max: float = 0.99
    max_phase: float = math.pi
    squash: bool = True
    voice: ClassVar[str] = "cell_rtu"

    def __post_init__(self) -> None:
        whole("RTU(units)", self.units, 1, MAX_UNITS)
        real("RTU(r_min)", self.r_min, 0.001, SLOWEST)
        real("RTU(r_max)", self.r_max, 0.001, SLOWEST)
        real("RTU(max_phase)", self.max_phase, 0.0, math.pi)
        if self.r_min > self.r_max:
            raise ModelError(f"RTU: wanted r_min <= r_max, found {self.r_min:g} and {self.r_max:g}; swap them")
        if not isinstance(self.squash, bool):
            raise ModelError(f"RTU(squash): wanted True (tanh) or False (LRU), found {self.squash!r}")

    @classmethod
    def variants(cls, units: int) -> list[Cell]:
        """With tanh, and the linear recurrent unit."""
        return [cls(units), cls(units, squash=False)]

    def structure(self, inputs: int) -> Structure:
        """Two components, each unit keeps both; nu and theta see the constant entry of z = [x; 1]."""
        return Structure(
            self.units,
            inputs + 1,
            (Block("nu", inputs, 1), Block("theta", inputs, 1), Block("W1", 0, inputs), Block("W2", 0, inputs)),
            state=(("re", 12), ("im", 12)),
            private=2,
            mixes=False,
            coef_frac=13,
        )

    def fields(self, dims: Dims, numbers: Numbers) -> list[Field]:
        """What the forward pass keeps."""
        n = dims.units
        return [
            Field("w_hi", "int16", (dims.weights,), "weights",
                  "cell weights of the forward pass, Q3.12, nu, theta [unit], W1, W2 [unit][x]"),
            Field("z", "int16", (dims.presynaptic,), "state", "[x; 32767], Q0.15", trace=True),
            Field("old", "int16", (2 * n,), "state", "Re c, Im c before the step, Q3.12", trace=True),
            Field("drive", "int16", (2 * n,), "state", "W1 x, W2 x, Q3.12", trace=True),
            Field("decay", "int16", (n,), "state", "r, Q0.15", trace=True),
            Field("gamma", "int16", (n,), "state", "sqrt(1 - r^2), Q0.15", trace=True),
            Field("lambda", "int16", (2 * n,), "state", "Re lambda, Im lambda, Q0.15", trace=True),
            Field("re", "int16", (n,), "state", "Re c after the step, Q3.12", trace=True),
            Field("im", "int16", (n,), "state", "Im c after the step, Q3.12", trace=True),
            Field("h", "int16", (2 * n,), "state", "what the readout sees of Re c, Im c, Q0.15", trace=True),
        ]  # fmt: skip

    def constants(self, dims: Dims, numbers: Numbers) -> Constants:
        """The variant."""
        return {"SQUASHED": (int(self.squash), "the readout sees tanh(c), not c")}

    def tables(self, dims: Dims, numbers: Numbers) -> list[Table]:
        """The sine of a quarter turn, gamma by nu, and the factor of gamma's derivative by r."""
        r = np.arange(33) / 32
        return [
            Table("rtrl_sine_table", "uint16", _words(np.sin(np.pi / 64 * np.arange(33)), 32768),
                  "sin(pi / 64 i), Q1.15"),
            Table("rtrl_gamma_table", "int16", _words(_gamma(np.arange(129) / 8 - 8), 32767),
                  "sqrt(1 - r^2), r = sigmoid(i / 8 - 8), Q0.15"),
            Table("rtrl_ratio_table", "int16", _words(r**2 / (1 + r), 32767), "r^2 / (1 + r), r = i / 32, Q0.15"),
        ]  # fmt: skip

    def macs(self, dims: Dims) -> int:
        """Multiply-accumulates of one forward pass: the inputs; gamma, lambda and the rotation of each unit."""
        return 2 * dims.units * dims.inputs + 15 * dims.units

    def initial(self, dims: Dims, rng: np.random.Generator, radius: float) -> npt.NDArray[np.float64]:
        """|lambda|^2 uniform in [r_min^2, r_max^2], angle uniform in [0, max_phase], W1 and W2 uniform with the
        variance 1 / (3 inputs). ``radius`` is not used: the decays are the spectrum."""
        n = dims.units
        r = np.sqrt(rng.uniform(self.r_min**2, self.r_max**2, n))
        theta = rng.uniform(0.0, self.max_phase, n)
        W = rng.uniform(-1.0, 1.0, 2 * n * dims.inputs) / np.sqrt(dims.inputs)
        return np.concatenate((np.log(r / (1.0 - r)), np.minimum(theta * 8 / np.pi, 7.999), W))
