"""Number formats of a model: what its profile and optimiser fix before any weight is known.

A value is ``word * 2^-frac``. Words: states z and h int16 Q0.15; forward weights int16 Q3.12; a product
of the two, and every sum of such products, has 27 fraction bits.
"""

from __future__ import annotations

from dataclasses import dataclass

from ..model import Model
from ..model.numbers import EXPONENT_MAX, l1_max

STATE_FRAC = 15
WEIGHT_FRAC = 12
SUM_FRAC = STATE_FRAC + WEIGHT_FRAC
ONE_Q15 = 32767  # the bias input: the largest word below 1


@dataclass(frozen=True)
class Formats:
    """Derived constants; the generated config header carries them under the names in brackets.

    The bound that everything rests on: a sum of products ``sum |a| |J|`` stays below 2^30 when the row
    ``a`` (of D, or the credit) has an L1 norm of at most ``l1_max``, since |J| <= 2^(influence_bits - 1).
    The immediate term is below 2^30 as well, so their int32 sum cannot overflow.
    """

    influence_bits: int  # [J_BITS]
    dynamics_max: int  # [D_MAX] largest |word| of D
    l1_max: int  # [L1_MAX] bound on a row's L1 norm
    exponent_min: int  # [E_MIN] smallest column exponent: the cap on |J|
    exponent_max: int  # [E_MAX]
    residual_bits: int  # [W_LO_BITS] bits of a weight below Q3.12
    output_frac: int  # [Y_FRAC]
    error_frac: int  # [ERR_FRAC]
    coef_frac: int  # [COEF_FRAC] of the immediate coefficients
    rate_shift: int  # [W_RATE] rate of the cell, 2^-K
    readout_rate_shift: int  # [V_RATE]
    clip_log2: int  # [CLIP_LOG2] gradient entries are clipped to 2^this

    @staticmethod
    def of(model: Model) -> Formats:
        """The formats of a model."""
        numbers, optimiser, dims = model.numbers, model.optimiser, model.dims
        words = {field.name: field.ctype for field in model.rule.fields(dims, numbers)}
        word = words.get(model.rule.carried, numbers.influence)
        influence_bits = int(word.removeprefix("int"))
        return Formats(
            influence_bits=influence_bits,
            dynamics_max=2 ** (numbers.dynamics_bits - 1) - 1,
            l1_max=l1_max(word),
            exponent_min=numbers.exponent_min(influence_bits),
            exponent_max=EXPONENT_MAX if numbers.fixed_exponent is None else numbers.fixed_exponent,
            residual_bits=numbers.residual_bits,
            output_frac=numbers.output_frac,
            error_frac=model.loss.error_frac(numbers),
            coef_frac=dims.structure.coef_frac,
            rate_shift=optimiser.rate_shift,
            readout_rate_shift=optimiser.readout_rate_shift,
            clip_log2=optimiser.clip_log2,
        )

    @property
    def mix_frac(self) -> int:
        """Fraction bits of coefficient x weight: an entry of D before it is rounded."""
        return self.coef_frac + WEIGHT_FRAC

    @property
    def master_frac(self) -> int:
        """Fraction bits of a whole weight: 28 in R16, 20 in R8."""
        return WEIGHT_FRAC + self.residual_bits

    def step_limit(self, rate_shift: int) -> int:
        """Largest weight step, in units of the whole weight: clip * rate."""
        return 1 << (self.master_frac - rate_shift + self.clip_log2)
