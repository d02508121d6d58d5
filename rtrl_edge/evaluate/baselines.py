"""Online controls in float64: what a recurrent network on a chip has to beat to be worth its RAM.

Each predicts before it learns and keeps nothing but its own memory.
"""

from __future__ import annotations

from typing import Literal, Protocol, Self

import numpy as np

from ..errors import DataError
from ..oracle.teacher import force
from ..oracle.voices import voices
from ..quantize import IntegerModel
from ..stream import Float, Source, Stream

TRACE_LIMIT = 1e4  # mean diagonal of P, in units of its start, above which RLS stops to forget


class Control(Protocol):
    """A predictor in physical units. Each ``predict`` is followed by at most one ``learn``."""

    def predict(self, x: Float) -> Float:
        """The label (outputs,) expected for the sample x (inputs,)."""
        ...

    def learn(self, target: Float) -> None:
        """The label (outputs,) of the sample just predicted."""
        ...


class Persistence:
    """Last value: the next sample is this sample.

    Args:
        next_sample: True if labels are the inputs' next values; else the last label seen is repeated,
            0 at first.
        outputs: width of a label, needed when ``next_sample`` is False.
    """

    def __init__(self, next_sample: bool = True, outputs: int = 1) -> None:
        """See the class."""
        self._next_sample = next_sample
        self._last = np.zeros(outputs)

    def predict(self, x: Float) -> Float:
        """This sample, or the last label."""
        return np.array(x if self._next_sample else self._last)

    def learn(self, target: Float) -> None:
        """Remember the label."""
        self._last = np.array(target)


class Mean:
    """Mean of all labels seen so far, 0 at first."""

    def __init__(self, outputs: int) -> None:
        """See the class."""
        self._mean, self._seen = np.zeros(outputs), 0

    def predict(self, x: Float) -> Float:
        """The mean so far."""
        return self._mean.copy()

    def learn(self, target: Float) -> None:
        """Take a label into the mean."""
        self._seen += 1
        self._mean += (target - self._mean) / self._seen


class RecursiveLeastSquares:
    """Linear map ``y = A z``, A (outputs, features), fitted at every label with exponential forgetting.

    It stops to forget while features rest (mean of P's diagonal above 10^4 times its start), so P cannot blow up, and
    keeps P symmetric. Source: Haykin, Adaptive Filter Theory, ch. 10 (4th ed. ch. 9).

    Args:
        A: where it starts.
        forgetting: weight of a sample loses this factor each step; 0.999 remembers about 1000 samples.
        ridge: weight of the start value, in squared features.
    """

    def __init__(self, A: Float, forgetting: float, ridge: float) -> None:
        """See the class."""
        if not 0.0 < forgetting <= 1.0 or not ridge > 0.0:
            raise DataError(
                f"RLS: wanted 0 < forgetting <= 1 and ridge > 0, found forgetting {forgetting} and ridge {ridge}"
            )
        features = A.shape[1]
        self.A, self._forgetting = A, forgetting
        self._P = np.eye(features) / ridge
        self._P_limit = TRACE_LIMIT * features / ridge

    def learn(self, z: Float, error: Float) -> None:
        """Move A by the error (outputs,), label minus A z, of the features z (features,)."""
        forgetting = self._forgetting if np.trace(self._P) < self._P_limit else 1.0
        g = self._P @ z
        gain = g / (forgetting + max(float(z @ g), 0.0))
        self.A += np.outer(error, gain)
        self._P -= np.outer(gain, g)
        self._P = (self._P + self._P.T) * (0.5 / forgetting)


class RLSReadout:
    """The model's network in float64 with its cell as it was flashed, and a readout fitted by least squares.

    What the best linear readout, at (visible + 1)^2 words of float, gets out of the same states: SGD on the readout
    alone has to be near it, and a rule that trains the cell has to beat it. It starts as the factory readout; without
    weights in that (Direct), as the outputs themselves, and for losses of probabilities at 0, for it fits labels.

    Args:
        integer_model: cell, factory weights and scaling.
        forgetting, ridge: see :class:`RecursiveLeastSquares`.
    """

    def __init__(self, integer_model: IntegerModel, forgetting: float = 0.999, ridge: float = 1.0) -> None:
        """See the class."""
        model, weights = integer_model.model, integer_model.float_weights()
        self._dims, self._cell, self._w = model.dims, voices(model).cell, weights.W.ravel()
        self._scaling = integer_model.scaling
        A = weights.V.copy() if model.readout.weighted else np.eye(model.dims.outputs, model.dims.visible + 1)
        self._rls = RecursiveLeastSquares(A * (not model.loss.of_probabilities), forgetting, ridge)
        self._s: Float = np.zeros(model.dims.states)
        self._z: Float = np.ones(model.dims.visible + 1)
        self._taught: Float | None = None

    def predict(self, x: Float) -> Float:
        """Advance the cell by the sample and predict."""
        sample = self._scaling.inputs(np.asarray(x))
        before, self._taught = force(self._dims, self._s, self._taught)[0], None
        self._s = self._cell.forward(self._dims, self._w, sample, before)
        self._z[:-1] = self._cell.visible(self._dims, self._w, sample, self._s)
        return self._scaling.physical(self._rls.A @ self._z)

    def learn(self, target: Float) -> None:
        """Move the readout towards the label of the sample just predicted."""
        self._taught = self._scaling.outputs(np.asarray(target))
        self._rls.learn(self._z, self._taught - self._rls.A @ self._z)


class OnlineAR:
    """Linear autoregression over the last ``order`` samples of all channels, fitted at every label.

    ``y = A [x_t; ...; x_{t-order+1}; 1]``, A (outputs, order * inputs + 1). If inputs and outputs have the
    same width, A starts as the last value, else at 0. Features are divided by ``scale``.

    - ``rls``: :class:`RecursiveLeastSquares`.
    - ``nlms``: ``A += rate * e z^T / (1e-6 + z^T z)``. Same source, ch. 6.

    Args:
        inputs, outputs: widths.
        order: samples looked back at, the current one included.
        method: "rls" or "nlms".
        forgetting: RLS: weight of a sample loses this factor each step; 0.999 remembers about 1000 samples.
        ridge: RLS: weight of the start value, in squared scaled features.
        rate: NLMS: 0 to 2.
        scale: (inputs,) typical size of each channel; 1 if not given.
            :meth:`pretrained` takes the past's deviation.
    """

    def __init__(
        self,
        inputs: int,
        outputs: int,
        order: int = 4,
        method: Literal["rls", "nlms"] = "rls",
        *,
        forgetting: float = 0.999,
        ridge: float = 1.0,
        rate: float = 0.1,
        scale: Float | None = None,
    ) -> None:
        """See the class."""
        if order < 1:
            raise DataError(f"OnlineAR(order): wanted at least 1 sample, found {order}")
        if method not in ("rls", "nlms"):
            raise DataError(f"OnlineAR(method): wanted 'rls' or 'nlms', found {method!r}")
        self._inputs, self._order, self._method = inputs, order, method
        self._rate = rate
        self._scale = np.ones(inputs) if scale is None else np.asarray(scale, dtype=np.float64)
        features = order * inputs + 1
        self._z = np.zeros(features)
        self._z[-1] = 1.0
        self._first = True
        A = np.zeros((outputs, features))
        if inputs == outputs:
            A[:, :inputs] = np.diag(self._scale)
        self._rls = RecursiveLeastSquares(A, forgetting, ridge)
        self._y = np.zeros(outputs)

    @classmethod
    def pretrained(cls, past: Stream, order: int = 4, method: Literal["rls", "nlms"] = "rls", **options: float) -> Self:
        """One that has already lived through ``past``, from which it also takes the scale of each channel."""
        deviation = past.x.std(axis=0)
        scale = np.where(deviation > 0.0, deviation, 1.0)
        found = cls(past.x.shape[1], past.target.shape[1], order, method, scale=scale, **options)
        for x, target in past:
            found.predict(x)
            if target is not None:
                found.learn(target)
        return found

    def predict(self, x: Float) -> Float:
        """Take the sample into the memory (at the very first, fill the memory with it) and predict."""
        new, history = np.asarray(x) / self._scale, self._z[:-1]
        if self._first:
            history[:] = np.tile(new, self._order)
            self._first = False
        else:
            history[self._inputs :] = history[: -self._inputs].copy()
            history[: self._inputs] = new
        self._y = self._rls.A @ self._z
        return self._y.copy()

    def learn(self, target: Float) -> None:
        """Move A towards the label of the sample just predicted."""
        error = np.asarray(target) - self._y
        if self._method == "nlms":
            self._rls.A += np.outer(error, self._z) * (self._rate / (1e-6 + self._z @ self._z))
            return
        self._rls.learn(self._z, error)


def standard_controls(
    stream: Source, past: Stream | None = None, integer_model: IntegerModel | None = None
) -> dict[str, Control]:
    """The controls of a report, by the name they carry there.

    The autoregression has lived through ``past``, as the network's factory weights have, if it is given. Of a model,
    its frozen cell with a readout by least squares is one more.
    """
    inputs, outputs = stream.widths
    linear = OnlineAR(inputs, outputs) if past is None else OnlineAR.pretrained(past)
    found: dict[str, Control] = {
        "last value": Persistence(stream.predicts_next_sample, outputs),
        "online linear AR(4), RLS, float64": linear,
    }
    if integer_model is not None:
        found["RLS readout on the frozen cell, float64"] = RLSReadout(integer_model)
    return found
