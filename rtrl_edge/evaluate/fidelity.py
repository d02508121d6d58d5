"""How close the integer gradient is to float64's, on the same trajectory.

Losses are too noisy to judge a number format by: two float runs that differ by 1e-4 in the weights differ by
per cents. The gradient is not: beside the integer reference run two float64 gradients, on the reference's own
states, weights and credits: that of the same rule, which tells what the arithmetic costs, and the exact one, which
tells what the rule costs.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..errors import ModelError
from ..fixed import STATE_FRAC, WEIGHT_FRAC
from ..fixed.words import Int
from ..oracle import Shadow
from ..oracle.teacher import force
from ..oracle.voices import voices
from ..quantize import IntegerModel
from ..reference import Reference
from ..stream import Float, Stream


@dataclass(frozen=True, eq=False)
class Fidelity:
    """Per gradient, shapes (steps,): of each labelled step, or of a rule that waits, of each block.

    Args:
        relative_error: ``|g - g64| / |g64|``, g64 the same rule's gradient in float64.
        cosine: between the two.
        exact_cosine: between g and the exact gradient of the same labels.
        capped_columns: how often the cap on |J| saturated a column.
    """

    relative_error: Float
    cosine: Float
    exact_cosine: Float
    capped_columns: int

    def figures(self) -> dict[str, float]:
        """Summary as plain data."""
        return {
            "steps": len(self.cosine),
            "gradient_relative_error_median": float(np.median(self.relative_error)),
            "gradient_relative_error_mean": float(self.relative_error.mean()),
            "gradient_cosine_mean": float(self.cosine.mean()),
            "gradient_cosine_min": float(self.cosine.min()),
            "gradient_cosine_to_exact_mean": float(self.exact_cosine.mean()),
            "capped_columns_per_step": self.capped_columns / max(1, len(self.cosine)),
        }


def fidelity(integer_model: IntegerModel, stream: Stream) -> Fidelity:
    """Play a stream through the reference, learning, with two float64 gradients beside it.

    Args:
        integer_model: a model whose rule trains the cell.
        stream: physical units; steps without a label are observed. Gradients of zero (an error of exactly 0) are left
            out of the figures.
    """
    model = integer_model.model
    if not model.rule.trains_cell:
        raise ModelError(f"fidelity: wanted a model whose rule trains the cell, found {model.rule!r}")
    d, readout = model.dims, voices(model).readout
    reference, own, exact = (
        Reference(integer_model),
        Shadow(model, exact=False),
        Shadow(model, exact=not model.rule.exact),
    )
    errors, cosines, exact_cosines = [], [], []
    for x, target in stream:
        before, free = _before(reference)
        word = integer_model.to_input(x)
        reference.predict(word)
        sample, after = word * 2.0**-STATE_FRAC, _state(reference)
        w = reference.net["w_hi"] * 2.0**-WEIGHT_FRAC
        V: Float = np.zeros((d.outputs, 0))
        if d.weighted:
            V = _real(reference.net["v_hi"].reshape(d.outputs, -1), WEIGHT_FRAC)
        credit = e = None
        if target is None:
            reference.observe()
        else:
            reference.learn(integer_model.to_target(target))
            e = _real(reference.net["e"], reference.net.formats.error_frac)
            credit = readout.credit(V, e, after[d.states - d.visible :])
        g_own, g_exact = (shadow.step(w, sample, before, after, credit, free, e) for shadow in (own, exact))
        if g_own is None or g_exact is None:
            continue
        g, g_own, g_exact = (v[d.column_weights] for v in (reference.net.gradient, g_own, g_exact))
        reference.net.gradient[:] = 0  # a rule that waits may hand it over in parts
        sizes = [float(np.linalg.norm(v)) for v in (g, g_own, g_exact)]
        if sizes[1] > 0 and sizes[2] > 0:
            errors.append(np.linalg.norm(g - g_own) / sizes[1])
            cosines.append(g @ g_own / max(sizes[0] * sizes[1], 1e-300))
            exact_cosines.append(g @ g_exact / max(sizes[0] * sizes[2], 1e-300))
    capped = int(reference.net["capped"]) if "capped" in reference.net else 0
    return Fidelity(np.array(errors), np.array(cosines), np.array(exact_cosines), capped)


def _before(reference: Reference) -> tuple[Float, Float]:
    """The state (S,) that the next step goes on from, and which of it (S,) depends on the past: 1 or 0."""
    net, taught = reference.net, None
    if net.dims.structure.forced and net["taught"]:
        member, frac = ("teacher", STATE_FRAC) if "teacher" in net else net.dims.structure.state[-1]
        taught = _real(net[member][-net.dims.outputs :], frac)
    return force(net.dims, _state(reference), taught)


def _state(reference: Reference) -> Float:
    """The state (S,) in the network's own units."""
    return np.concatenate([_real(reference.net[name], frac) for name, frac in reference.net.dims.structure.state])


def _real(words: Int, frac: int) -> Float:
    """The values of words with ``frac`` fraction bits."""
    return np.ldexp(words.astype(np.float64), -frac)
