"""The copy curriculum: sequences that grow as they are learned, so that the lesson depends on the learner."""

from __future__ import annotations

import numpy as np

from ..device.host import HostTwin
from ..quantize import IntegerModel
from .lessons import Figures
from .tasks import HALF, copy_sequence

SOLVED, AGAIN, WEIGHT = (
    0.15,
    0.3,
    0.001,
)  # bits at which the longest length T grows, where the mean then starts; its weight


def curriculum(integer_model: IntegerModel, samples: int, seed: int, learns: bool) -> Figures:
    """The longest length T after all samples, and after half of them.

    The running mean of the cross-entropy, in bits a sample, starts at 2; where it falls below .15, T grows by 1 and the
    mean starts anew at .3. Batch 1, an update at each sample, the past is forgotten at each sequence.
    Source: the published code of Benzing et al. 2019 (Optimal Kronecker-sum approximation), which has batch 16.
    """
    rng, longest, mean, t, half = np.random.default_rng(seed), 1, 2.0, 0, 1
    with HostTwin(integer_model) as twin:
        while t < samples:
            x, target = copy_sequence(rng, longest)
            labels = integer_model.to_target(target) if learns else None
            y = integer_model.from_output(twin.play(integer_model.to_input(x), labels))
            twin.reset()
            for bits in -np.log2(np.clip(y[target > 0], 1e-6, 1.0)):
                mean += WEIGHT * (bits - mean)
                if mean < SOLVED:
                    longest, mean = longest + 1, AGAIN
            t += len(x)
            half = longest if t <= samples // 2 else half
    return {"T": float(longest), HALF: float(half)}
