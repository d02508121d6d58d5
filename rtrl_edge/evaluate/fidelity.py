"""How close the integer gradient is to the exact one, on the same trajectory.

Losses are too noisy to judge a number format by: two float runs that differ by 1e-4 in the weights differ by
per cents. The gradient is not: beside the integer reference runs an exact float64 influence matrix, on the
reference's own states and weights, and both multiply the same credit.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..errors import ModelError
from ..fixed import STATE_FRAC, WEIGHT_FRAC
from ..fixed.words import Int
from ..model import RTRL
from ..oracle import Shadow
from ..quantize import IntegerModel
from ..reference import Reference
from ..reference.rule_rtrl import rule_gradient
from ..stream import Float, Stream


@dataclass(frozen=True, eq=False)
class Fidelity:
    """Per labelled step: relative error |g - g64| / |g64| and cosine, shapes (steps,)."""

    relative_error: Float
    cosine: Float
    capped_columns: int

    def figures(self) -> dict[str, float]:
        """Summary as plain data."""
        return {
            "steps": len(self.cosine),
            "gradient_relative_error_median": float(np.median(self.relative_error)),
            "gradient_relative_error_mean": float(self.relative_error.mean()),
            "gradient_cosine_mean": float(self.cosine.mean()),
            "gradient_cosine_min": float(self.cosine.min()),
            "capped_columns_per_step": self.capped_columns / max(1, len(self.cosine)),
        }


def fidelity(integer_model: IntegerModel, stream: Stream) -> Fidelity:
    """Play a stream through the reference, learning, with an exact float64 influence matrix beside it.

    Args:
        integer_model: a model whose rule is RTRL.
        stream: physical units; steps without a label are observed. Steps whose exact gradient is zero (an
            error of exactly 0) are left out of the figures.
    """
    model = integer_model.model
    if not isinstance(model.rule, RTRL):
        raise ModelError(f"fidelity: wanted a model with the rule RTRL, found {model.rule!r}")
    d = model.dims
    reference, shadow = Reference(integer_model), Shadow(model)
    errors, cosines = [], []
    for x, target in stream:
        reference.predict(integer_model.to_input(x))
        before = _integers(reference)
        W = before["w_hi"].reshape(d.units, -1) * 2.0**-WEIGHT_FRAC
        shadow.step(before["z"] * 2.0**-STATE_FRAC, before["h"] * 2.0**-STATE_FRAC, W[:, d.inputs + 1 :])
        if target is None:
            reference.observe()
            continue
        reference.learn(integer_model.to_target(target))
        after = _integers(reference)
        V = before["v_hi"].reshape(d.outputs, -1)[:, : d.units] * 2.0**-WEIGHT_FRAC
        exact = shadow.gradient((after["e"] * 2.0**-model.numbers.output_frac) @ V)
        g, frac = rule_gradient(after)
        integer = np.ldexp(g.astype(np.float64), -frac)
        size = float(np.linalg.norm(exact))
        if size > 0:
            errors.append(np.linalg.norm(integer - exact) / size)
            cosines.append(integer @ exact / max(size * float(np.linalg.norm(integer)), 1e-300))
    return Fidelity(np.array(errors), np.array(cosines), int(reference.state()["capped"]))


def _integers(reference: Reference) -> dict[str, Int]:
    return {name: np.asarray(value).astype(np.int64) for name, value in reference.state().items()}
