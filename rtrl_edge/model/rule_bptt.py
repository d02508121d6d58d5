"""Truncated back-propagation through time, online."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

from .back import back_constants, back_fields, back_macs, back_needs, back_sums, error_macs, room
from .limits import MAX_COLUMNS, whole
from .numbers import Numbers
from .parts import PRODUCT, Cell, Constants, Field, Rule, Sum
from .rule_rtrl import credit_fields
from .structure import Dims, Structure


@dataclass(frozen=True)
class BPTT(Rule):
    """Truncated back-propagation through time: at every labelled step the newest loss goes back ``window`` steps.

        delta_t = credit,  delta_{s-1} = D_s^T delta_s,  gradient = sum_{s > t - window} I_s^T delta_s

    A ring holds what the last ``window`` steps were linearised from: z, states and gates, as they were. No D is stored:
    going back, each step is linearised again from these, with the *present* weights. They have moved by a few updates
    since, and so far the gradient is not that of the path as it was: by 2e-4 to 4e-3 of its size for a window of 8 at
    a rate of 2^-6, vanishing with both. With frozen weights and a window as long as the past it is RTRL's; what lies
    further back than the window is invisible to it. A step without a label only enters the ring.

    For a window of k steps, T trace words a step, g gates, n units, P columns: memory k (2 T + 2 g n + 2) bytes,
    nothing that grows with P; work k (g n^2 + keep + errors + P) multiply-accumulates a labelled step (where weights
    move every unit, the mix instead of g n^2), none without a label. Words are the same in both number profiles.
    Source: Williams & Peng 1990, BPTT(h; 1); Werbos 1990.

    Args:
        window: steps that a loss sees, 2 to 256; one step is Trunc1.
    """

    window: int = 16
    voice: ClassVar[str] = "rule_bptt"

    def __post_init__(self) -> None:
        whole("BPTT(window)", self.window, 2, 256)

    @classmethod
    def variants(cls) -> list[Rule]:
        """One window: nothing but a size depends on it."""
        return [cls(4)]

    def needs_for(self, structure: Structure) -> tuple[str, ...]:
        """Columns and the way back."""
        return ("columns.c", "window_c.c", *back_needs(structure))

    def refuses(self, structure: Structure, cell: Cell) -> str | None:
        """Steps and columns are counted together in 16 bits."""
        columns = structure.dense_weights
        if columns + self.window > MAX_COLUMNS:
            return f"{columns} weights and a window of {self.window} are more than {MAX_COLUMNS} slices; use fewer"
        return None

    def fields(self, dims: Dims, numbers: Numbers) -> list[Field]:
        """The ring, the linear form, and the errors of all stored steps."""
        words = sum(math.prod(field.shape) for field in dims.cell.fields(dims, numbers) if field.trace)
        errors = len(dims.structure.blocks) * dims.neurons
        return [
            Field("ring", "int16", (self.window, words), "influence", "what the last steps were linearised from"),
            Field("newest", "uint16", (), "influence", "place of the newest step in the ring"),
            Field("filled", "uint16", (), "influence", "steps in the ring"),
            *dims.cell.linear_fields(dims),
            *credit_fields(dims),
            *back_fields(dims),
            Field("err", "int16", (self.window, errors), "scratch",
                  "dL/d(pre-activation) * 2^err_exp, [place in the ring][gate][neuron]"),
            Field("err_exp", "int16", (self.window,), "scratch", "exponents of err; then the shifts that align them"),
            Field("g_exp", "int16", (), "scratch", "fraction bits of the gradient"),
            Field("part", "uint16", (), "scratch", "steps and columns done of a step that is cut into slices"),
        ]  # fmt: skip

    def constants(self, dims: Dims, numbers: Numbers) -> Constants:
        """The window, and the room in the sums."""
        return {
            "WINDOW": (self.window, "steps in the ring"),
            "COLUMN_DOWN": (room(self.window) + 1, "room in the sum over the window: |g| < 2^30"),
            **back_constants(dims),
        }

    def sums(self, dims: Dims, numbers: Numbers) -> list[Sum]:
        """The way back, and a gradient of the window, each product rounded once."""
        down = self.constants(dims, numbers)["COLUMN_DOWN"][0]
        gradient = self.window * ((PRODUCT >> down) + 1)
        return [*back_sums(dims), Sum("err z over the window", gradient, 31, "use a shorter window")]

    def slices(self, dims: Dims) -> int:
        """Steps back, then columns."""
        return self.window + dims.columns

    def macs(self, dims: Dims) -> int:
        """Multiply-accumulates of a labelled step with a full ring, in the cell: steps back, gradient and credit."""
        steps = self.window * (error_macs(dims) + dims.columns) + (self.window - 1) * back_macs(dims)
        return steps + dims.outputs * dims.visible
