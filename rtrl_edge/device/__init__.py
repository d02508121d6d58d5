"""One interface, several bodies: NumPy reference, host twin, emulated chip.

All speak the model's own integers; :class:`rtrl_edge.quantize.IntegerModel` converts physical units.
"""

from __future__ import annotations

from typing import Protocol, Self

import numpy as np
import numpy.typing as npt

Int16 = npt.NDArray[np.int16]
State = dict[str, npt.NDArray[np.generic]]


class Device(Protocol):
    """What plays a stream: a chip, its twin or its specification.

    Order of calls: ``predict``, then at most one of ``learn`` and ``observe``. A ``predict`` that finds an
    unfinished step completes it as ``observe`` does, so a missing label never corrupts the influence.
    """

    def predict(self, x: Int16) -> Int16:
        """Advance the network by one sample x (inputs,) Q0.15; return y (outputs,) Q3.12."""
        ...

    def learn(self, target: Int16) -> None:
        """Learn from target (outputs,) Q3.12 of the sample just predicted."""
        ...

    def observe(self) -> None:
        """Advance the influence of the sample just predicted without a label."""
        ...

    def reset(self) -> None:
        """Forget the past (state and influence); keep the weights."""
        ...

    def state(self) -> State:
        """A copy of every member of the state struct, by name."""
        ...

    def close(self) -> None:
        """Release what the device holds; further calls are errors."""
        ...

    def __enter__(self) -> Self: ...
    def __exit__(self, *exc: object) -> None: ...
