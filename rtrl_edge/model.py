"""What a user writes: a model of cells, readout, loss, rule, optimiser and number profile.

Everything is a frozen value. A part says three things about itself: which file of each voice implements
it (``voice``: the same file name under ``oracle/``, ``reference/`` and ``codegen/kernels/``), what it
keeps in the state struct (``fields``) and what a step costs (``macs``). Nothing is registered anywhere.
A combination that makes no sense raises :class:`~rtrl_edge.errors.ModelError` when the model is made.
"""

from __future__ import annotations

import keyword
import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from .errors import ModelError

MAX_UNITS = 256  # the D and credit bounds (fixed/words.py: block_shift) are proven up to here
MAX_WIDTH = 256  # inputs and outputs
MAX_COLUMNS = 65535

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
        *("rtrl", "fx", "n", "step", "rule", "readout", "factory"),
        *("model", "call", "link", "port", "board", "halt", "startup", "firmware_model", "vector"),
        *(f"{sign}int{bits}" for sign in ("", "u") for bits in (8, 16, 32, 64)),
        *("intptr", "uintptr", "intmax", "uintmax", "ptrdiff", "size", "ssize", "wchar", "wint", "max_align"),
        *("assert", "ctype", "errno", "limits", "math", "signal", "time"),
        *("stdarg", "stdbool", "stddef", "stdint", "stdio", "stdlib", "string", "inttypes"),
    ]
)


def _whole(where: str, value: object, low: int, high: int) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
        raise ModelError(f"{where}: wanted a whole number from {low} to {high}, found {value!r}")
    return value


def _log2(where: str, value: float, low: int, high: int) -> int:
    """The exponent of a power of two between 2**low and 2**high."""
    if not isinstance(value, int | float) or isinstance(value, bool) or not value > 0 or math.isinf(value):
        raise ModelError(f"{where}: wanted a power of two, found {value!r}")
    mantissa, exponent = math.frexp(value)
    if mantissa != 0.5:
        near = 2.0 ** min(max(round(math.log2(value)), low), high)
        raise ModelError(f"{where}: wanted a power of two (a shift on the chip), found {value!r}; try {near!r}")
    if not low <= exponent - 1 <= high:
        raise ModelError(f"{where}: wanted a power of two from 2**{low} to 2**{high}, found {value!r}")
    return exponent - 1


@dataclass(frozen=True)
class Dims:
    """Sizes of a model. A *column* is one trainable weight of the cell: one column of the influence matrix."""

    inputs: int
    units: int
    outputs: int

    @property
    def presynaptic(self) -> int:
        """Length m of z = [x; 1; h]: what each unit sees."""
        return self.inputs + 1 + self.units

    @property
    def columns(self) -> int:
        """P, the number of cell weights, row-major: column p = i * m + j belongs to unit i and z[j]."""
        return self.units * self.presynaptic

    @property
    def readout_row(self) -> int:
        """Length of one readout row: the units and a bias, in this order."""
        return self.units + 1


@dataclass(frozen=True)
class Field:
    """One member of the state struct.

    ``group`` is one of ``weights``, ``state``, ``influence``, ``counters`` and ``scratch``; all but
    ``scratch`` must be equal, bit for bit, on every device. ``note`` becomes the comment in the C header.
    """

    name: str
    ctype: str
    shape: tuple[int, ...]
    group: str
    note: str


# ---------------------------------------------------------------------------------------------- cells


@dataclass(frozen=True)
class RNN:
    """Elman network: ``h_t = tanh(W [x_t; 1; h_{t-1}])``.

    Shapes: x (inputs,), h (units,), W (units, inputs + 1 + units).
    Dynamics, dense: ``D[k, l] = (1 - h_k^2) W[k, inputs + 1 + l]``. Immediate Jacobian, one entry a
    column: ``d h_i / d W[i, j] = (1 - h_i^2) z_j``.
    Source: Elman 1990; Williams & Zipser 1989, eq. 2-4.
    """

    units: int
    voice: ClassVar[str] = "cell_rnn"

    def __post_init__(self) -> None:
        _whole("RNN(units)", self.units, 1, MAX_UNITS)

    def fields(self, dims: Dims, numbers: Numbers) -> list[Field]:
        """What the forward pass keeps."""
        return [
            Field(
                "w_hi",
                "int16",
                (dims.columns,),
                "weights",
                "cell weights of the forward pass, Q3.12, [unit][x; 1; h]",
            ),
            Field("z", "int16", (dims.presynaptic,), "state", "[x; 32767; h before the step], Q0.15"),
            Field("h", "int16", (dims.units,), "state", "h after the step, Q0.15"),
        ]

    def macs(self, dims: Dims) -> int:
        """Multiply-accumulates of one forward pass."""
        return dims.columns


Cell = RNN

# ------------------------------------------------------------------------------------------- readouts


@dataclass(frozen=True)
class Linear:
    """Linear readout ``y = V [h; 1]``, V (outputs, units + 1), always trained, at every labelled step."""

    outputs: int
    voice: ClassVar[str] = "readout_linear"

    def __post_init__(self) -> None:
        _whole("Linear(outputs)", self.outputs, 1, MAX_WIDTH)

    def fields(self, dims: Dims, numbers: Numbers) -> list[Field]:
        """The readout's weights, the last output and the last error."""
        rows = dims.outputs * dims.readout_row
        return [
            Field(
                "v_hi",
                "int16",
                (rows,),
                "weights",
                "readout weights of the forward pass, Q3.12, [output][h; 1]",
            ),
            Field(
                "v_lo",
                numbers.residual,
                (rows,),
                "weights",
                f"their residual: V = v_hi + v_lo * 2^-{numbers.residual_bits}",
            ),
            Field(
                "y",
                "int16",
                (dims.outputs,),
                "state",
                f"prediction, Q{15 - numbers.output_frac}.{numbers.output_frac}",
            ),
            Field("e", "int16", (dims.outputs,), "state", "output error of the last labelled step, format of y"),
        ]

    def macs(self, dims: Dims) -> int:
        """Multiply-accumulates of one prediction."""
        return dims.outputs * dims.readout_row


@dataclass(frozen=True)
class SquaredError:
    """Loss ``1/2 sum_o (y_o - target_o)^2``; the error passed back is ``e = y - target``."""

    voice: ClassVar[str] = "loss_squared"


# ---------------------------------------------------------------------------------------------- rules


@dataclass(frozen=True)
class RTRL:
    """Exact Real-Time Recurrent Learning: ``J <- D J + I``, ``gradient = credit^T J``, at every step.

    J is the influence matrix ``dh/dW``, stored column by column: (P, units) words with one exponent a
    column. Memory: P * units words + P bytes; work: units^2 * P multiply-accumulates a step, no history.
    Exact for frozen weights; with weights that move, J holds the sensitivities along the actual path
    ("staleness", vanishing with the rate).
    Source: Williams & Zipser 1989, eq. 9-12; Robinson & Fallside 1987.
    """

    voice: ClassVar[str] = "rule_rtrl"
    trains_cell: ClassVar[bool] = True

    def fields(self, dims: Dims, numbers: Numbers) -> list[Field]:
        """Influence matrix, residual weights and the work area that a sliced step needs."""
        n, p = dims.units, dims.columns
        return [
            Field(
                "w_lo",
                numbers.residual,
                (p,),
                "weights",
                f"residual of w_hi: W = w_hi + w_lo * 2^-{numbers.residual_bits}",
            ),
            Field(
                "J",
                numbers.influence,
                (p, n),
                "influence",
                "influence matrix dh/dW, one column after the other",
            ),
            Field("E", "int8", (p,), "influence", "exponent of each column: dh/dw_p = J[p] * 2^-E[p]"),
            Field("D", numbers.dynamics, (n * n,), "scratch", "dh_t/dh_{t-1} * 2^d_exp, rows of units"),
            Field("slope", "int16", (n,), "scratch", "1 - h^2, Q0.15"),
            Field("c", "int16", (n,), "scratch", "credit dL/dh * 2^c_exp"),
            Field("acc", "int32", (n,), "scratch", "one column before it is rounded"),
            Field("capped", "uint32", (), "counters", "column updates that the cap on |J| saturated"),
            Field("column", "uint16", (), "scratch", "next column of a step that is cut into slices"),
            Field("d_exp", "int8", (), "scratch", "exponent of D"),
            Field("c_exp", "int8", (), "scratch", "exponent of the credit"),
        ]

    def macs(self, dims: Dims) -> int:
        """Multiply-accumulates of one learning step in the cell: J, gradient, D and credit."""
        n, p = dims.units, dims.columns
        return n * n * p + n * p + n * n + dims.outputs * n


@dataclass(frozen=True)
class ReadoutOnly:
    """The cell stays as it was flashed; only the readout learns (a trained echo state network).

    No influence memory. The control that every claim about a recurrent gradient has to beat.
    """

    voice: ClassVar[str] = "rule_readout_only"
    trains_cell: ClassVar[bool] = False

    def fields(self, dims: Dims, numbers: Numbers) -> list[Field]:
        """Nothing: the readout's own fields are all it needs."""
        return []

    def macs(self, dims: Dims) -> int:
        """Nothing beyond the readout's own update."""
        return 0


Rule = RTRL | ReadoutOnly

# ----------------------------------------------------------------------------------------- optimisers


@dataclass(frozen=True)
class SGD:
    """Plain stochastic gradient descent, one sample a step: ``w <- w - rate * clip(g)``.

    Args:
        rate: learning rate of the cell, a power of two from 2^-15 to 1 (a shift on the chip).
        readout_rate: the readout's; the same as ``rate`` if not given.
        clip: bound of each single gradient entry, a power of two from 2^-4 to 2^4.
    """

    rate: float = 2**-6
    readout_rate: float | None = None
    clip: float = 1.0
    voice: ClassVar[str] = "optimiser_sgd"

    def __post_init__(self) -> None:
        _log2("SGD(rate)", self.rate, -15, 0)
        if self.readout_rate is not None:
            _log2("SGD(readout_rate)", self.readout_rate, -15, 0)
        _log2("SGD(clip)", self.clip, -4, 4)
        for name, shift in (("rate", self.rate_shift), ("readout_rate", self.readout_rate_shift)):
            if self.clip_log2 > shift:
                step = 2.0 ** (self.clip_log2 - shift)
                raise ModelError(f"SGD: clip * {name} is {step:g}; wanted at most 1 a step. Lower one of them")

    @property
    def rate_shift(self) -> int:
        """K of the cell's rate 2^-K."""
        return -_log2("SGD(rate)", self.rate, -15, 0)

    @property
    def readout_rate_shift(self) -> int:
        """K of the readout's rate 2^-K."""
        rate = self.rate if self.readout_rate is None else self.readout_rate
        return -_log2("SGD(readout_rate)", rate, -15, 0)

    @property
    def clip_log2(self) -> int:
        """Exponent of the clip bound."""
        return _log2("SGD(clip)", self.clip, -4, 4)


# ------------------------------------------------------------------------------------ number profiles


@dataclass(frozen=True)
class Numbers:
    """A number profile: word sizes of one text of kernels.

    Use :class:`R16` or :class:`R8`. Forward weights are int16 Q3.12 in every profile, states int16 Q0.15,
    outputs int16 Q3.12.

    Args:
        cap: bound on |J| by saturation, a power of two from 1/8 to 2^15, or None for no cap.
    """

    cap: float | None = None
    name: ClassVar[str]
    influence: ClassVar[str]  # word of J
    dynamics: ClassVar[str]  # word of D
    residual: ClassVar[str]  # word of the low part of a weight
    output_frac: ClassVar[int] = 12  # fraction bits of y, target and e

    def __post_init__(self) -> None:
        if self.cap is not None:
            _log2(f"{self.name}(cap)", self.cap, -3, 15)

    @staticmethod
    def _bits(ctype: str) -> int:
        return int(ctype.removeprefix("int"))

    @property
    def influence_bits(self) -> int:
        """Bits of an entry of J."""
        return self._bits(self.influence)

    @property
    def dynamics_bits(self) -> int:
        """Bits of an entry of D."""
        return self._bits(self.dynamics)

    @property
    def residual_bits(self) -> int:
        """Bits of a weight below its int16 forward part."""
        return self._bits(self.residual)

    @property
    def exponent_min(self) -> int:
        """Smallest column exponent; it is what caps |J|: 2^(bits - 1 - exponent) is the bound."""
        if self.cap is None:
            return -16
        return max(-16, self.influence_bits - 1 - _log2("cap", self.cap, -3, 15))


@dataclass(frozen=True)
class R16(Numbers):
    """int16 influence and dynamics, 32-bit weights: the gradient within 1e-3 of float64."""

    name: ClassVar[str] = "R16"
    influence: ClassVar[str] = "int16"
    dynamics: ClassVar[str] = "int16"
    residual: ClassVar[str] = "int16"


@dataclass(frozen=True)
class R8(Numbers):
    """int8 influence and dynamics, 24-bit weights: 30 % of float32's state, no random numbers."""

    name: ClassVar[str] = "R8"
    influence: ClassVar[str] = "int8"
    dynamics: ClassVar[str] = "int8"
    residual: ClassVar[str] = "int8"


# ---------------------------------------------------------------------------------------------- model


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
    readout: Linear
    loss: SquaredError = SquaredError()
    rule: Rule = RTRL()
    optimiser: SGD = SGD()
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
        _whole("Model(inputs)", self.inputs, 1, MAX_WIDTH)
        if not isinstance(self.cells, list | tuple):
            raise ModelError(f"Model(cells): wanted a list of cells, e.g. [RNN(16)], found {self.cells!r}")
        object.__setattr__(self, "cells", tuple(self.cells))
        if len(self.cells) != 1:
            raise ModelError(
                f"Model(cells): wanted exactly one cell, found {len(self.cells)}; "
                "this version does not stack cells, widen the one instead"
            )
        for part, kinds in (
            ("cells", Cell), ("readout", Linear), ("loss", SquaredError), ("rule", Rule),
            ("optimiser", SGD), ("numbers", Numbers),
        ):  # fmt: skip
            value = self.cells[0] if part == "cells" else getattr(self, part)
            if not isinstance(value, kinds):
                raise ModelError(f"Model({part}): wanted {_names(kinds)}, found {value!r}")
        if self.dims.columns > MAX_COLUMNS:
            raise ModelError(
                f"Model: {self.dims.columns} cell weights; wanted at most {MAX_COLUMNS} (columns have 16-bit numbers). "
                "Use fewer units or inputs"
            )
        if type(self.numbers) is Numbers:
            raise ModelError("Model(numbers): wanted a profile, R16() or R8(), found the bare Numbers")

    @property
    def cell(self) -> Cell:
        """The recurrent cell."""
        return self.cells[0]

    @property
    def dims(self) -> Dims:
        """All sizes."""
        return Dims(self.inputs, self.cell.units, self.readout.outputs)


def _names(kinds: object) -> str:
    parts = getattr(kinds, "__args__", (kinds,))
    return " or ".join(f"{getattr(part, '__name__', part)}(...)" for part in parts)
