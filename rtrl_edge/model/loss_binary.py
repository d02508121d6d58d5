"""Cross-entropy of independent yes-or-no outputs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import numpy.typing as npt

from .numbers import Numbers
from .parts import Loss

#: a probability below counts as this one: the cross-entropy of a certain error stays finite
LEAST = 1e-6


@dataclass(frozen=True)
class BinaryCrossEntropy(Loss):
    """Each output is the logit of its own yes-or-no question: ``p = 1 / (1 + exp(-y))``, ``e = p - target``.

    y stays the logit, in Q3.12 (p from 0.03 % to 99.97 %); targets are 0 or 1, or anything between (soft labels), in
    the format of y: 1.0 is the word 4096. e is Q0.15. On the chip p comes from the table of tanh: within 3 units
    of Q0.15.
    """

    voice: ClassVar[str] = "loss_binary"
    needs: ClassVar[tuple[str, ...]] = ("target_probability.c",)
    of_probabilities: ClassVar[bool] = True

    def error_frac(self, numbers: Numbers) -> int:
        """Q0.15: an error is a difference of probabilities."""
        return 15

    def prediction(self, y: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        """Probabilities (..., outputs) of the logits y, each by itself."""
        return np.asarray(0.5 * (1.0 + np.tanh(0.5 * np.asarray(y))))

    def metrics(self, prediction: npt.NDArray[np.float64], target: npt.NDArray[np.float64]) -> dict[str, float]:
        """Share of answers on the right side of 1/2, and mean cross-entropy of a sample, over all its outputs."""
        p = np.clip(prediction, LEAST, 1 - LEAST)
        entropy = -(target * np.log(p) + (1 - target) * np.log(1 - p))
        return {
            "accuracy": float(((prediction >= 0.5) == (target >= 0.5)).mean()),
            "cross_entropy_nats": float(entropy.sum(axis=-1).mean()),
        }

    def stimulus(self, noise: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        """Zeros and ones."""
        return np.asarray(noise > 0.0, np.float64)
