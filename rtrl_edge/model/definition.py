"""The model: all parts together, and which of them go together."""

from __future__ import annotations

import keyword
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from ..errors import ModelError
from .loss_squared import SquaredError
from .numbers import R16, Numbers
from .optimiser import Optimiser
from .optimiser_sgd import SGD
from .parts import MAX_COLUMNS, MAX_WIDTH, Cell, Dims, Loss, Part, Readout, Rule, whole
from .rule_rtrl import RTRL

# C keywords, and prefixes under which the generated names, files or macros would meet those of C, the kernels
# or the firmware: `step` has its own step_init, `size` would be size_t, `n` N_UNITS, `link` the file link.h
_C_RESERVED = frozenset(
    [
        "auto",
        "break",
        "case",
        "char",
        "const",
        "continue",
        "default",
        "do",
        "double",
        "else",
        "enum",
        "extern",
        "float",
        "for",
        "goto",
        "if",
        "inline",
        "int",
        "long",
        "register",
        "restrict",
        "return",
        "short",
        "signed",
        "sizeof",
        "static",
        "struct",
        "switch",
        "typedef",
        "union",
        "unsigned",
        "void",
        "volatile",
        "while",
        "main",
        *("rtrl", "rtrl_block", "fx", "n", "step", "cell", "rule", "readout", "trains", "column", "merge", "factory"),
        "cell_slopes",
        *("model", "call", "link", "port", "board", "halt", "startup", "firmware_model", "vector"),
        *(f"{sign}int{bits}" for sign in ("", "u") for bits in (8, 16, 32, 64)),
        *("intptr", "uintptr", "intmax", "uintmax", "ptrdiff", "size", "ssize", "wchar", "wint", "max_align"),
        *("assert", "ctype", "errno", "limits", "math", "signal", "time"),
        *("stdarg", "stdbool", "stddef", "stdint", "stdio", "stdlib", "string", "inttypes"),
    ]
)


@dataclass(frozen=True)
class Model:
    """A recurrent network and the way it learns: all that fixes the generated C but the weights.

    Args:
        name: prefix of every generated name: a lower-case C identifier.
        inputs: sensor channels a sample, 1 to 256.
        cells: the recurrent cell, in a list (one cell for now).
        readout: from the cell's state to the outputs.
        loss: what ``learn(target)`` descends.
        rule: how the gradient is carried through time.
        optimiser: how a gradient moves a weight.
        numbers: word sizes on the chip.
    """

    name: str
    inputs: int
    cells: Sequence[Cell]
    readout: Readout
    loss: Loss = SquaredError()
    rule: Rule = RTRL()
    optimiser: Optimiser = SGD()
    numbers: Numbers = R16()

    def __post_init__(self) -> None:
        if not isinstance(self.name, str) or not re.fullmatch(r"[a-z][a-z0-9_]{0,31}", self.name):
            raise ModelError(
                "Model(name): wanted a lower-case C identifier of at most 32 letters, digits and underscores, "
                f"found {self.name!r}"
            )
        if self.name in _C_RESERVED or keyword.iskeyword(self.name):
            raise ModelError(
                f"Model(name): {self.name!r} is taken in C or in our own; choose another, e.g. 'my_{self.name}'"
            )
        whole("Model(inputs)", self.inputs, 1, MAX_WIDTH)
        if not isinstance(self.cells, list | tuple):
            raise ModelError(f"Model(cells): wanted a list of cells, e.g. [RNN(16)], found {self.cells!r}")
        object.__setattr__(self, "cells", tuple(self.cells))
        if len(self.cells) != 1:
            raise ModelError(
                f"Model(cells): wanted exactly one cell, found {len(self.cells)}; "
                "this version does not stack cells, widen the one instead"
            )
        for part, kind, example in (
            ("cells", Cell, "a cell such as RNN(16)"), ("readout", Readout, "a readout such as Linear(1)"),
            ("loss", Loss, "a loss such as SquaredError()"), ("rule", Rule, "a rule such as RTRL()"),
            ("optimiser", Optimiser, "an optimiser such as SGD()"), ("numbers", Numbers, "R16() or R8()"),
        ):  # fmt: skip
            value = self.cells[0] if part == "cells" else getattr(self, part)
            if not isinstance(value, kind) or type(value) is kind:
                raise ModelError(f"Model({part}): wanted {example}, found {value!r}")
        reason = self.rule.refuses(self.cell.structure(self.inputs), self.cell)
        if reason:
            raise ModelError(f"Model: {self.rule!r} does not go with {self.cell!r}: {reason}")
        reason = self.readout.refuses(self.dims)
        if reason:
            raise ModelError(f"Model: {self.readout!r} does not go with {self.cell!r}: {reason}")
        reason = self.loss.refuses(self.readout.outputs)
        if reason:
            raise ModelError(f"Model: {self.loss!r} does not go with {self.readout!r}: {reason}")
        if self.dims.columns > MAX_COLUMNS:
            raise ModelError(
                f"Model: {self.dims.columns} cell weights; wanted at most {MAX_COLUMNS} (columns have 16-bit numbers). "
                "Use fewer units or inputs"
            )

    @property
    def cell(self) -> Cell:
        """The recurrent cell."""
        return self.cells[0]

    @cached_property
    def dims(self) -> Dims:
        """All sizes."""
        return Dims(self.inputs, self.cell, self.readout.outputs, self.readout.weighted)

    @property
    def voices(self) -> dict[str, str]:
        """The file that implements each part, under the same name in every voice."""
        return {
            "cell": self.cell.voice,
            "readout": self.readout.voice,
            "loss": self.loss.voice,
            "rule": self.rule.voice_for(self.cell, self.inputs),
            "optimiser": self.optimiser.voice,
        }

    @property
    def parts(self) -> tuple[Part, ...]:
        """Cell, readout, loss, rule and optimiser."""
        return self.cell, self.readout, self.loss, self.rule, self.optimiser
