"""The linear readout."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from .limits import MAX_WIDTH, whole
from .numbers import Numbers
from .parts import PRODUCT, Field, Readout, Sum
from .structure import Dims


@dataclass(frozen=True)
class Linear(Readout):
    """Linear readout ``y = V [h; 1]``, V (outputs, visible + 1), always trained, at every labelled step."""

    outputs: int
    voice: ClassVar[str] = "readout_linear"

    def __post_init__(self) -> None:
        whole("Linear(outputs)", self.outputs, 1, MAX_WIDTH)

    def fields(self, dims: Dims, numbers: Numbers) -> list[Field]:
        """The readout's weights, the last output and the last error."""
        rows, frac = dims.outputs * dims.readout_row, numbers.output_frac
        return [
            Field("v_hi", "int16", (rows,), "weights", "readout weights of the forward pass, Q3.12, [output][h; 1]"),
            Field("v_lo", numbers.residual, (rows,), "weights",
                  f"their residual: V = v_hi + v_lo * 2^-{numbers.residual_bits}"),
            Field("y", "int16", (dims.outputs,), "state", f"prediction, Q{15 - frac}.{frac}"),
            Field("e", "int16", (dims.outputs,), "state", "dL/dy of the last labelled step"),
        ]  # fmt: skip

    def sums(self, dims: Dims, numbers: Numbers) -> list[Sum]:
        """An output, an entry of the credit, and a gradient of one product."""
        return [
            Sum("V [h; 1]", dims.readout_row * PRODUCT, 64),
            Sum("V^T e", dims.outputs * PRODUCT, 64),
            Sum("e [h; 1]^T", PRODUCT),
        ]

    def macs(self, dims: Dims) -> int:
        """Multiply-accumulates of one prediction."""
        return dims.outputs * dims.readout_row
