"""The integer vocabulary: words, formats and tables, with the names they have in ``codegen/kernels/fx.h``."""

from ..model.numbers import EXPONENT_MAX
from .formats import ONE_Q15, STATE_FRAC, SUM_FRAC, WEIGHT_FRAC, Formats
from .tables import TANH_TABLE
from .words import (
    block_shift,
    fits,
    floor_log2,
    join_weight,
    log2_q3,
    magnitude,
    random_next,
    random_seed,
    round_shift,
    sat,
    scale,
    sigmoid_q27,
    sigmoid_slope,
    split_weight,
    sqrt64,
    step_size,
    tanh_q27,
    tanh_slope,
)

__all__ = [
    "EXPONENT_MAX", "ONE_Q15", "STATE_FRAC", "SUM_FRAC", "TANH_TABLE", "WEIGHT_FRAC", "Formats",
    "block_shift", "fits", "floor_log2", "join_weight", "log2_q3", "magnitude", "random_next", "random_seed",
    "round_shift", "sat", "scale", "sigmoid_q27", "sigmoid_slope", "split_weight", "sqrt64", "step_size", "tanh_q27",
    "tanh_slope",
]  # fmt: skip
