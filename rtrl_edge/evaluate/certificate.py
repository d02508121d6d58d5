"""A gradient certificate: what the integer gradient of one model was compared with, and how far off it was."""

from __future__ import annotations

import numpy as np

from ..quantize import IntegerModel
from ..stream import Float, Stream
from .fidelity import fidelity

STEPS = 256
#: entries of J above which the dense float64 comparison would take minutes and gigabytes
LARGEST = 4_000_000


def stimulus(integer_model: IntegerModel, steps: int = STEPS) -> Stream:
    """Smooth noise over the network's own input range, in physical units; every tenth label is missing.

    It depends on nothing but the model, so that a certificate can be made again and compared.
    """
    d, scaling = integer_model.model.dims, integer_model.scaling
    rng = np.random.default_rng(0)

    def smooth(width: int) -> Float:
        white = rng.standard_normal((steps + 4, width))
        means: Float = np.mean([white[k : k + steps] for k in range(5)], axis=0)
        return 0.7 * means

    target = integer_model.model.loss.stimulus(smooth(d.outputs))
    target[9::10] = np.nan
    return Stream(
        smooth(d.inputs) / scaling.input_gain + scaling.input_offset,
        target / scaling.output_gain + scaling.output_offset,
    )


def certificate(integer_model: IntegerModel, steps: int = STEPS) -> dict[str, object]:
    """Compare the integer gradient with float64 on :func:`stimulus`, learning with the model's own optimiser.

    Returns:
        Plain data for ``manifest.json``: what was compared, on how many steps, and the errors; or the reason why
        nothing was.
    """
    model = integer_model.model
    if not model.rule.trains_cell:
        return {"compared": None, "reason": f"{type(model.rule).__name__} has no gradient of the cell"}
    size = model.dims.gated * model.dims.states
    if size > LARGEST:
        return {"compared": None, "reason": f"{size:,} entries of the influence; above {LARGEST:,} it is not computed"}
    found = fidelity(integer_model, stimulus(integer_model, steps))
    return {
        "compared": "gradient of the integer reference with the same rule's, and with the exact one, in float64, on "
        "the same states, weights and credits",
        "stimulus": f"{steps} samples of smooth noise in the network's range, seed 0, every tenth label missing",
        **{name: float(f"{value:.4g}") for name, value in found.figures().items()},
    }
