"""Online controls in float64: what a recurrent network on a chip has to beat to be worth its RAM.

Each predicts before it learns and keeps nothing but its own memory.
"""

from __future__ import annotations

from typing import Literal, Protocol, Self

import numpy as np

from ..errors import DataError
from ..stream import Float, Stream

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


class OnlineAR:
    """Linear autoregression over the last ``order`` samples of all channels, fitted at every label.

    ``y = A [x_t; ...; x_{t-order+1}; 1]``, A (outputs, order * inputs + 1). If inputs and outputs have the
    same width, A starts as the last value, else at 0. Features are divided by ``scale``.

    - ``rls``: recursive least squares with exponential forgetting and ridge term. It stops to forget while a
      channel rests (mean of P's diagonal above 10^4 times its start), so P cannot blow up, and keeps P
      symmetric. Source: Haykin, Adaptive Filter Theory, ch. 10 (4th ed. ch. 9).
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
        if not 0.0 < forgetting <= 1.0 or not ridge > 0.0:
            raise DataError(
                f"OnlineAR: wanted 0 < forgetting <= 1 and ridge > 0, found forgetting {forgetting} and ridge {ridge}"
            )
        self._inputs, self._order, self._method = inputs, order, method
        self._forgetting, self._rate = forgetting, rate
        self._scale = np.ones(inputs) if scale is None else np.asarray(scale, dtype=np.float64)
        features = order * inputs + 1
        self._z = np.zeros(features)
        self._z[-1] = 1.0
        self._first = True
        self._A = np.zeros((outputs, features))
        if inputs == outputs:
            self._A[:, :inputs] = np.diag(self._scale)
        self._P = np.eye(features) / ridge
        self._P_limit = TRACE_LIMIT * features / ridge
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
        self._y = self._A @ self._z
        return self._y.copy()

    def learn(self, target: Float) -> None:
        """Move A towards the label of the sample just predicted."""
        error = np.asarray(target) - self._y
        if self._method == "nlms":
            self._A += np.outer(error, self._z) * (self._rate / (1e-6 + self._z @ self._z))
            return
        forgetting = self._forgetting if np.trace(self._P) < self._P_limit else 1.0
        g = self._P @ self._z
        gain = g / (forgetting + max(float(self._z @ g), 0.0))
        self._A += np.outer(error, gain)
        self._P -= np.outer(gain, g)
        self._P = (self._P + self._P.T) * (0.5 / forgetting)


def standard_controls(stream: Stream, past: Stream | None = None) -> dict[str, Control]:
    """The controls of a report, by the name they carry there.

    The autoregression has lived through ``past``, as the network's factory weights have, if it is given.
    """
    inputs, outputs = stream.x.shape[1], stream.target.shape[1]
    linear = OnlineAR(inputs, outputs) if past is None else OnlineAR.pretrained(past)
    return {
        "last value": Persistence(stream.predicts_next_sample, outputs),
        "online linear AR(4), RLS, float64": linear,
    }
