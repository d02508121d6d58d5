"""The readout that has no weights: some units are the outputs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from .limits import MAX_WIDTH, whole
from .numbers import Numbers
from .parts import Constants, Field, Readout
from .structure import Dims


@dataclass(frozen=True)
class Direct(Readout):
    """The first units are the outputs: ``y = h[:outputs]``, in the format of y. V is (outputs, 0): nothing to learn.

    The credit is e for these units and 0 for the others. y is as large as a unit gets: of tanh units within +-1, so
    scale targets accordingly.
    Source: Williams & Zipser 1989, whose outputs are units; Jordan 1986.
    """

    outputs: int
    voice: ClassVar[str] = "readout_direct"
    weighted: ClassVar[bool] = False

    def __post_init__(self) -> None:
        whole("Direct(outputs)", self.outputs, 1, MAX_WIDTH)

    def refuses(self, dims: Dims) -> str | None:
        """It needs a unit for each output, and one visible word of each unit."""
        if dims.credits != dims.units:
            return "it shows more than one word of a unit, so there is no h to read: use Linear(...)"
        if self.outputs > dims.visible:
            return f"outputs are units, and there are only {dims.visible}: use at least {self.outputs} units"
        return super().refuses(dims)

    def constants(self, dims: Dims, numbers: Numbers) -> Constants:
        """From a state's format to that of y."""
        frac = dims.structure.state[-1][1]
        return {"Y_DOWN": (frac - numbers.output_frac, f"from h, Q{15 - frac}.{frac}, to y")}

    def fields(self, dims: Dims, numbers: Numbers) -> list[Field]:
        """The last output and the last error."""
        frac = numbers.output_frac
        return [
            Field("y", "int16", (dims.outputs,), "state", f"prediction, Q{15 - frac}.{frac}"),
            Field("e", "int16", (dims.outputs,), "state", "dL/dy of the last labelled step"),
        ]
