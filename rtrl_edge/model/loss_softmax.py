"""Cross-entropy of one class among several."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import numpy.typing as npt

from ..errors import DataError
from .loss_binary import LEAST
from .numbers import Numbers
from .parts import Loss, Table
from .structure import Dims

#: soft labels of a row may miss the sum of one by so much
SUM_TOLERANCE = 1e-3


@dataclass(frozen=True)
class SoftmaxCrossEntropy(Loss):
    """One output a class: ``p = exp(y) / sum exp(y)``, ``e = p - target``.

    y stays the logits, in Q3.12; a target is 1 at its class and 0 elsewhere, or a distribution over the classes (soft
    labels), in the format of y: 1.0 is the word 4096. e is Q0.15. On the chip exp is a power of two from a table of 17
    points, and each labelled step has one division a class: p within 5 units of Q0.15.
    """

    voice: ClassVar[str] = "loss_softmax"
    needs: ClassVar[tuple[str, ...]] = ("target_probability.c",)
    of_probabilities: ClassVar[bool] = True

    def refuses(self, outputs: int) -> str | None:
        """The probability of a single class is always one."""
        return None if outputs > 1 else "one class is always certain; use one output a class, or BinaryCrossEntropy()"

    def error_frac(self, numbers: Numbers) -> int:
        """Q0.15: an error is a difference of probabilities."""
        return 15

    def tables(self, dims: Dims, numbers: Numbers) -> list[Table]:
        """Powers of two over one octave."""
        values = tuple(min(32767, math.floor(32768 * 2 ** (-i / 16) + 0.5)) for i in range(17))
        return [Table("rtrl_exp2_table", "int16", values, "2^(-i / 16), Q0.15")]

    def prediction(self, y: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        """Probabilities (..., outputs) of the logits y; they sum to one."""
        logits = np.asarray(y)
        power = np.exp(logits - logits.max(axis=-1, keepdims=True))
        return np.asarray(power / power.sum(axis=-1, keepdims=True))

    def check_targets(self, what: str, target: npt.NDArray[np.float64]) -> None:
        """Every entry in [0, 1], every row with the sum of one."""
        super().check_targets(what, target)
        total = np.asarray(target.sum(axis=-1))
        wrong = total[np.abs(total - 1.0) > SUM_TOLERANCE]
        if wrong.size:
            raise DataError(
                f"{what}: SoftmaxCrossEntropy wants a distribution over the classes as target, 1 at the class and 0 "
                f"elsewhere, found a row with the sum {wrong.ravel()[0]:g}; "
                "use BinaryCrossEntropy() where several classes can be true"
            )

    def metrics(self, prediction: npt.NDArray[np.float64], target: npt.NDArray[np.float64]) -> dict[str, float]:
        """Share of samples whose likeliest class is the label's, and mean cross-entropy."""
        entropy = -(target * np.log(np.clip(prediction, LEAST, 1.0))).sum(axis=-1)
        return {
            "accuracy": float((prediction.argmax(axis=-1) == target.argmax(axis=-1)).mean()),
            "cross_entropy_nats": float(entropy.mean()),
        }

    def stimulus(self, noise: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        """The class of the largest noise."""
        return np.asarray(np.eye(noise.shape[-1])[noise.argmax(axis=-1)], np.float64)
