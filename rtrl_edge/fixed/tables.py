"""The one table: tanh."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

#: tanh at i/32, i = 0..256 (that is, over [0, 8]) and one more, so that every entry has a next: Q0.15, rounded to
#: nearest and held below 1
TANH_TABLE: npt.NDArray[np.int64] = np.array(
    [min(32767, math.floor(math.tanh(i / 32) * 32768 + 0.5)) for i in range(258)], dtype=np.int64
)
