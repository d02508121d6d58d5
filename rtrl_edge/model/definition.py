"""The model: all parts together, and which of them go together."""

from __future__ import annotations

import keyword
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from ..errors import ModelError
from .cell_stack import Stack
from .limits import MAX_COLUMNS, MAX_WIDTH, whole
from .loss_squared import SquaredError
from .numbers import EXPONENT_MAX, R16, Numbers
from .optimiser import Optimiser
from .optimiser_sgd import SGD
from .parts import Cell, Loss, Part, Readout, Rule
from .rule_rtrl import RTRL
from .structure import Dims

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
        *(
            "rtrl",
            "rtrl_block",
            "rtrl_run",
            "fx",
            "n",
            "step",
            "cell",
            "rule",
            "readout",
            "trains",
            "column",
            "merge",
            "factory",
        ),
        *(
            "cell_slopes",
            "dsp_four",
            "dsp_memory",
            "int16x2",
            "int16x8",
            "int16x8x2",
            "int32x4",
            "int8x16",
            "int8x4",
            "mve_pred16",
            "memory",
            "row",
            "uint32x4",
            "unit",
            "unit_part",
            "words",
        ),
        *("model", "call", "link", "sensor_loop", "port", "board", "halt", "startup", "firmware_model", "vector"),
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
        cells: the recurrent cell, in a list; several RNN are layers on top of each other (:class:`Stack`).
        readout: from the cell's state to the outputs.
        loss: what ``learn(target)`` descends.
        rule: how the gradient is carried through time.
        optimiser: how a gradient moves a weight.
        numbers: word sizes on the chip.
        trainable: which weights learn on the chip, as names of groups; all of them if not given. ``input``, ``bias``
            and ``recurrent`` (by what a weight is multiplied with), a gate such as ``f``, a gate's part such as
            ``f.bias``, ``direct`` (weights that act on the readout alone), ``readout``; :meth:`groups` lists those of
            a model. Weights of the cell that do not learn take no influence memory and no work.
    """

    name: str
    inputs: int
    cells: Sequence[Cell]
    readout: Readout
    loss: Loss = SquaredError()
    rule: Rule = RTRL()
    optimiser: Optimiser = SGD()
    numbers: Numbers = R16()
    trainable: Sequence[str] | None = None

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
        if not self.cells:
            raise ModelError("Model(cells): wanted a cell, or several RNN on top of each other, found none")
        for part, kind, example in (
            ("cells", Cell, "a cell such as RNN(16)"), ("readout", Readout, "a readout such as Linear(1)"),
            ("loss", Loss, "a loss such as SquaredError()"), ("rule", Rule, "a rule such as RTRL()"),
            ("optimiser", Optimiser, "an optimiser such as SGD()"), ("numbers", Numbers, "R16(), R8() or Q14()"),
        ):  # fmt: skip
            for value in self.cells if part == "cells" else (getattr(self, part),):
                if not isinstance(value, kind) or type(value) is kind:
                    raise ModelError(f"Model({part}): wanted {example}, found {value!r}")
        reason = self.rule.refuses(self.cell.structure(self.inputs), self.cell)
        if reason:
            raise ModelError(f"Model: {self.rule!r} does not go with {self.cell!r}: {reason}")
        reason = self.rule.refuses_numbers(self.numbers) or self._refuses_cap()
        if reason:
            raise ModelError(f"Model: {self.rule!r} does not go with {self.numbers!r}: {reason}")
        reason = self.readout.refuses(self.dims)
        if reason:
            raise ModelError(f"Model: {self.readout!r} does not go with {self.cell!r}: {reason}")
        reason = self.loss.refuses(self.readout.outputs)
        if reason:
            raise ModelError(f"Model: {self.loss!r} does not go with {self.readout!r}: {reason}")
        self._check_trainable()
        if self.dims.gated > MAX_COLUMNS:
            raise ModelError(
                f"Model: {self.dims.gated} cell weights; wanted at most {MAX_COLUMNS} (columns have 16-bit numbers). "
                "Use fewer units or inputs"
            )

    def _refuses_cap(self) -> str | None:
        """A column's exponent ends at EXPONENT_MAX, so 16-bit columns cannot be held below 1."""
        words = {field.name: field.ctype for field in self.rule.fields(self.dims, self.numbers)}
        bits = int(words.get("J", "int8").removeprefix("int"))
        if self.numbers.exponent_min(bits) <= EXPONENT_MAX:
            return None
        return f"its J is int{bits}; wanted a cap of 1 or more, found {self.numbers.cap:g}"

    def _check_trainable(self) -> None:
        if self.trainable is None:
            return
        if not isinstance(self.trainable, list | tuple):
            raise ModelError(f"Model(trainable): wanted names such as ['bias', 'readout'], found {self.trainable!r}")
        object.__setattr__(self, "trainable", tuple(self.trainable))
        for name in self.trainable:
            if name not in self.groups():
                raise ModelError(f"Model(trainable): wanted some of {', '.join(self.groups())}, found {name!r}")
        if not self.rule.trains_cell:
            return
        if not self.rule.partial and self.dims.columns < self.dims.gated:
            raise ModelError(
                f"Model(trainable): {type(self.rule).__name__} has one factor for all weights of a gate and cannot "
                "leave some out; name all of the cell's, or choose another rule"
            )
        if not self.dims.columns:
            raise ModelError(
                f"Model(trainable): no weight of the cell's gates is among {list(self.trainable)}, so {self.rule!r} "
                "has nothing to do; choose ReadoutOnly()"
            )

    def groups(self) -> list[str]:
        """Every name that ``trainable`` can hold."""
        d = self.dims
        found = [name for block in d.structure.blocks for j in range(block.width) for name in sorted(d.names(block, j))]
        return [*sorted(set(found)), *["direct"] * bool(d.structure.direct), *["readout"] * self.readout.weighted]

    @property
    def trains_readout(self) -> bool:
        """Whether the readout's weights learn."""
        return self.readout.weighted and (self.trainable is None or "readout" in self.trainable)

    @property
    def trains_direct(self) -> bool:
        """Whether weights of the cell that act on the readout alone learn."""
        return self.rule.trains_cell and (self.trainable is None or "direct" in self.trainable)

    @cached_property
    def cell(self) -> Cell:
        """The recurrent cell; of several, their stack."""
        return self.cells[0] if len(self.cells) == 1 else Stack(tuple(self.cells))  # type: ignore[arg-type]

    @cached_property
    def dims(self) -> Dims:
        """All sizes."""
        trainable = None if self.trainable is None else tuple(self.trainable)
        return Dims(self.inputs, self.cell, self.readout.outputs, self.readout.weighted, trainable)

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
