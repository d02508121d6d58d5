"""What every part of a model says about itself, and the sizes that follow.

A part is a frozen value that tells three things: which file of each voice implements it (``voice``: the same
file name here and under ``oracle/``, ``reference/`` and ``codegen/kernels/``), what it keeps in the state
struct (``fields``) and what a step costs (``macs``). Nothing is registered anywhere.

Cells and rules meet in a :class:`Structure`. A cell of ``n = units`` units has a state of ``components * n``
words, one component after the other, and its forward pass is linear, at each step, in

    s_t = D s_{t-1} + I w,        D = keep + mix,

* ``keep``: what a unit keeps of its own past: ``components x private`` words a unit; a forget gate, a decay.
* ``mix``: what the units tell each other: all states x the n words of the *last* component, h.
* ``I``: the immediate Jacobian. A weight of block b, unit i and input j moves unit i by ``coef[b, k, i] z_j`` in each
  component k (a *spread* block moves every unit). The mix follows from the same coefficients:
  ``mix[(k, i), l] = sum_b coef[b, k, i] W_b[i, l]``.

A cell that states these works with every rule that asks for nothing else. Source of the form: Williams &
Zipser 1989, eq. 4-10, written per gate.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, ClassVar

import numpy as np
import numpy.typing as npt

from ..errors import DataError, ModelError

if TYPE_CHECKING:
    from .numbers import Numbers

MAX_UNITS = 256  # the D and credit bounds (fixed/words.py: block_shift) are proven up to here
MAX_WIDTH = 256  # inputs and outputs
MAX_COLUMNS = 65535

#: of each unit, the units that it listens to, in order
Pattern = tuple[tuple[int, ...], ...]
Constants = dict[str, tuple[int, str]]  # enumerators of the config header: value and comment, by name


def whole(where: str, value: object, low: int, high: int) -> int:
    """The value, or ModelError unless it is a whole number in [low, high]."""
    if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
        raise ModelError(f"{where}: wanted a whole number from {low} to {high}, found {value!r}")
    return value


def real(where: str, value: object, low: float, high: float) -> float:
    """The value, or ModelError unless it is a number in [low, high]."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not low <= value <= high:
        raise ModelError(f"{where}: wanted a number from {low:g} to {high:g}, found {value!r}")
    return value


def log2(where: str, value: float, low: int, high: int) -> int:
    """The exponent of a power of two between 2**low and 2**high, or ModelError."""
    if not isinstance(value, int | float) or isinstance(value, bool) or not value > 0 or math.isinf(value):
        raise ModelError(f"{where}: wanted a power of two, found {value!r}")
    mantissa, exponent = math.frexp(value)
    if mantissa != 0.5:
        near = 2.0 ** min(max(round(math.log2(value)), low), high)
        raise ModelError(f"{where}: wanted a power of two (a shift on the chip), found {value!r}; try {near!r}")
    if not low <= exponent - 1 <= high:
        raise ModelError(f"{where}: wanted a power of two from 2**{low} to 2**{high}, found {value!r}")
    return exponent - 1


def gate_weights(dims: Dims, rng: np.random.Generator, radius: float, bias: float) -> npt.NDArray[np.float64]:
    """Random weights, flat, of one gate that sees [x; 1; h]: input U(-.5, .5), ``bias``, recurrent ``radius`` x a
    random orthogonal matrix."""
    W = np.full((dims.units, dims.inputs + 1 + dims.units), bias)
    W[:, : dims.inputs] = rng.uniform(-0.5, 0.5, (dims.units, dims.inputs))
    W[:, dims.inputs + 1 :] = radius * np.linalg.qr(rng.standard_normal((dims.units, dims.units)))[0]
    return W.ravel()


@dataclass(frozen=True)
class Block:
    """Weights of one gate, (units, width): unit i sees ``z[at : at + width]``; of a layer of a stack, (rows, width).

    Args:
        name: the gate's name in the literature.
        at: first entry of z that it sees.
        width: how many.
        recurrent: where in that row the n words of h begin, or None if it sees none of them.
        spread: its weights move every unit at once (``spread[i]`` instead of ``coef``).
        first: first unit that it belongs to; of a spread gate, first neuron.
        rows: how many; all of the cell's units if not given.
        sparse: of its row unit i sees only the entries ``pattern[i]`` of the structure.
    """

    name: str
    at: int
    width: int
    recurrent: int | None = None
    spread: bool = False
    first: int = 0
    rows: int | None = None
    sparse: bool = False


@dataclass(frozen=True)
class Structure:
    """The linear form of a cell: see the module's text.

    Args:
        units: n.
        sees: length of z, everything that some weight is multiplied with.
        blocks: gates whose weights need an influence, in the order of the weights.
        state: members of the struct that hold the components, with their fraction bits.
        credited: first component that the readout sees; the readout sees all from there on.
        private: how many components, from the first, a unit keeps of its own past (columns of ``keep``).
        mixes: whether units see each other's h.
        coef_frac: fraction bits of the coefficients.
        direct: weights that act on what the readout sees and on no later state: they need no influence.
        shown: how many of the credited states, the last, the readout sees; all if not given.
        forced: teacher forcing: in the z that follows a labelled step, the targets stand for the first units' h.
        outputs: how many of the units shown are outputs by the cell's own definition, to be read by Direct; else None.
        pattern: of each unit, the units that it listens to; None for all. D is zero elsewhere.
    """

    units: int
    sees: int
    blocks: tuple[Block, ...]
    state: tuple[tuple[str, int], ...] = (("h", 15),)
    credited: int = 0
    private: int = 0
    mixes: bool = True
    coef_frac: int = 15
    direct: int = 0
    shown: int | None = None
    forced: bool = False
    outputs: int | None = None
    pattern: Pattern | None = None

    @property
    def neurons(self) -> int:
        """Pre-activations, rows of ``spread``: n, or more where some neurons are no states."""
        return max(self.units, *(block.first + (block.rows or 0) for block in self.blocks))

    @property
    def dense_weights(self) -> int:
        """Weights of all gates if none is absent."""
        return sum((self.units if block.rows is None else block.rows) * block.width for block in self.blocks)

    @property
    def components(self) -> int:
        """State words of one unit."""
        return len(self.state)

    @property
    def spreads(self) -> bool:
        """Whether some block's weights move every unit at once."""
        return any(block.spread for block in self.blocks)

    @property
    def own_mix(self) -> bool:
        """Whether the mix is the cell's own, not what its coefficients and weights make (``mix_blocks``)."""
        return self.spreads or self.forced or self.pattern is not None

    def entries(self, block: Block) -> list[tuple[int, tuple[int, ...]]]:
        """Each unit that a block belongs to, and the entries of z that its weights see."""
        units = range(block.first, block.first + (self.units if block.rows is None else block.rows))
        if block.sparse:
            assert self.pattern is not None
            return [(unit, tuple(block.at + j for j in self.pattern[unit])) for unit in units]
        return [(unit, tuple(range(block.at, block.at + block.width))) for unit in units]


@dataclass(frozen=True)
class Run:
    """Columns side by side: in each unit's row of gate ``block``, ``width`` weights from its entry ``start`` on."""

    block: int
    start: int
    width: int


@dataclass(frozen=True)
class Dims:
    """Sizes of a model. A *column* is one weight of the cell that learns and needs an influence: one column of J."""

    inputs: int
    cell: Cell
    outputs: int
    weighted: bool = True  # whether the readout has weights
    trainable: tuple[str, ...] | None = None  # names of the groups that learn, see Model

    @cached_property
    def structure(self) -> Structure:
        """The linear form of the cell."""
        return self.cell.structure(self.inputs)

    @property
    def units(self) -> int:
        """Units n of the cell."""
        return self.structure.units

    @property
    def neurons(self) -> int:
        """Pre-activations that a gate can have."""
        return self.structure.neurons

    @property
    def components(self) -> int:
        """State words of a unit, K."""
        return self.structure.components

    @property
    def private(self) -> int:
        """Components that a unit keeps of its own past."""
        return self.structure.private

    @property
    def states(self) -> int:
        """Length S of the state: what goes through time."""
        return self.components * self.units

    @property
    def credits(self) -> int:
        """Length of the credit: the last of the states, of which the readout sees all or the end."""
        return (self.components - self.structure.credited) * self.units

    @property
    def visible(self) -> int:
        """Length of what the readout sees."""
        return self.credits if self.structure.shown is None else self.structure.shown

    @property
    def presynaptic(self) -> int:
        """Length of z: everything that some weight of the cell is multiplied with."""
        return self.structure.sees

    @cached_property
    def runs(self) -> tuple[Run, ...]:
        """Where the columns are: a run a gate where all its weights learn."""
        found, wanted = [], {*(self.trainable or ())}
        for number, block in enumerate(self.structure.blocks):
            learns = [self.trainable is None or bool(self.names(block, j) & wanted) for j in range(block.width)]
            edges = np.flatnonzero(np.diff([False, *learns, False])).tolist()
            found += [Run(number, a, b - a) for a, b in zip(edges[::2], edges[1::2], strict=True)]
        return tuple(found)

    def names(self, block: Block, j: int) -> set[str]:
        """The groups that entry j of a gate's row belongs to: its part, its gate, and both."""
        seen = block.at + j
        if block.recurrent is None:
            part = "input" if seen < self.inputs else "bias" if seen == self.inputs and block.width > 1 else "recurrent"
        else:
            part = "recurrent" if j >= block.recurrent else "bias" if j == block.recurrent - 1 else "input"
        return {part, block.name, f"{block.name}.{part}"}

    @cached_property
    def columns(self) -> int:
        """P, the number of columns, run after run, each row-major."""
        return len(self.column_weights)

    def rows(self, block: Block) -> int:
        """Units that a gate belongs to."""
        return self.units if block.rows is None else block.rows

    @cached_property
    def gated(self) -> int:
        """Weights of all gates, block after block, each row-major, whether they learn or not."""
        return len(self.weight_places[0])

    @property
    def connections(self) -> int:
        """From how many h to how many units weights lead."""
        pattern = self.structure.pattern
        return self.units**2 if pattern is None else sum(map(len, pattern))

    @property
    def weights(self) -> int:
        """All weights of the cell: those of the gates, then the direct ones."""
        return self.gated + self.structure.direct

    @property
    def readout_row(self) -> int:
        """Length of one readout row: what it sees, and a bias, in this order; 0 for a readout without weights."""
        return self.visible + 1 if self.weighted else 0

    @cached_property
    def weight_shape(self) -> tuple[int, ...]:
        """Shape of the cell's float weights: all gates' rows stacked, or flat if their rows differ in length."""
        widths = {block.width for block in self.structure.blocks}
        if len(widths) == 1 and not self.structure.direct and self.structure.pattern is None:
            width = widths.pop()
            return (self.gated // width, width)
        return (self.weights,)

    @cached_property
    def offsets(self) -> tuple[int, ...]:
        """First weight of each block."""
        found, at = [], 0
        for block in self.structure.blocks:
            found.append(at)
            at += sum(len(row) for _, row in self.structure.entries(block))
        return tuple(found)

    @cached_property
    def places(self) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.intp], npt.NDArray[np.intp]]:
        """Block, unit and entry of z of every column, each (columns,)."""
        block, unit, entry = (of_weight[self.column_weights] for of_weight in self.weight_places)
        return block, unit, entry

    @cached_property
    def weight_places(self) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.intp], npt.NDArray[np.intp]]:
        """The same of every weight of the gates, each (gated,)."""
        found = [np.zeros((3, 0), np.intp)]
        for number, block in enumerate(self.structure.blocks):
            rows = self.structure.entries(block)
            units = np.repeat([unit for unit, _ in rows], [len(row) for _, row in rows])
            found.append(
                np.array((np.full_like(units, number), units, np.concatenate([row for _, row in rows])), np.intp)
            )
        block, unit, entry = np.concatenate(found, axis=1)
        return block, unit, entry

    @cached_property
    def column_weights(self) -> npt.NDArray[np.intp]:
        """The weight of every column (columns,): all of the gates', in order, where all learn."""
        block, _, entry = self.weight_places
        found = [np.zeros(0, np.intp)]
        for run in self.runs:
            first = self.structure.blocks[run.block].at + run.start
            found.append(np.flatnonzero((block == run.block) & (entry >= first) & (entry < first + run.width)))
        return np.concatenate(found)


@dataclass(frozen=True)
class Field:
    """One member of the state struct.

    ``group`` is one of ``weights``, ``state``, ``influence``, ``optimiser``, ``counters`` and ``scratch``; all but
    ``scratch`` must be equal, bit for bit, on every device. ``note`` becomes the comment in the C header.
    ``trace``: the linear form of a step follows from these members and the weights, so a rule that goes
    back in time stores them; a cell lists them one after the other, all int16.
    """

    name: str
    ctype: str
    shape: tuple[int, ...]
    group: str
    note: str
    trace: bool = False


@dataclass(frozen=True)
class Table:
    """A constant array that a part's kernel reads: in the generated C, and in the reference as ``net.tables[name]``."""

    name: str
    ctype: str
    values: tuple[int, ...]
    note: str


#: largest magnitudes of an int16, and of a product of two
WORD, PRODUCT = 2**15, 2**30


@dataclass(frozen=True)
class Sum:
    """An accumulator of the kernels, and how large it can get, whatever the weights and the inputs.

    Args:
        what: what it sums, in the letters of the documentation.
        largest: bound on its magnitude, from word sizes and numbers of terms.
        bits: of its signed word.
        instead: what to change where the bound is beyond the word.
    """

    what: str
    largest: int
    bits: int = 32
    instead: str = "use fewer units"

    @property
    def fits(self) -> bool:
        """Whether it can never overflow."""
        return self.largest < 1 << (self.bits - 1)

    @property
    def limit(self) -> str:
        """The magnitude that its word cannot hold, in words."""
        return f"{1 << (self.bits - 1):,}" if self.bits < 64 else f"2^{self.bits - 1}"


@dataclass(frozen=True)
class Part:
    """What cells, readouts, losses, rules and optimisers have in common."""

    voice: ClassVar[str]
    #: kernels that several parts share, beside the part's own file, each after those it builds on
    needs: ClassVar[tuple[str, ...]] = ()

    def fields(self, dims: Dims, numbers: Numbers) -> list[Field]:
        """Members of the state struct; none unless the part says so."""
        return []

    def constants(self, dims: Dims, numbers: Numbers) -> Constants:
        """Enumerators that the part's kernel needs, beside those that every model has."""
        return {}

    def tables(self, dims: Dims, numbers: Numbers) -> list[Table]:
        """Constant arrays that the part's kernel needs, beside the table of tanh."""
        return []

    def macs(self, dims: Dims) -> int:
        """Multiply-accumulates: a forward pass of a cell or readout, a learning step of a rule."""
        return 0

    def sums(self, dims: Dims, numbers: Numbers) -> list[Sum]:
        """Its accumulators: what :func:`rtrl_edge.plan` proves to fit."""
        return []


class Cell(Part):
    """A recurrent cell. Subclasses are frozen dataclasses with ``units``."""

    units: int
    #: kernel that puts a label's targets where the next step sees them
    teach: ClassVar[str] = "teach_none.c"
    #: of how many gates, the first, the forward pass takes all rows by four (``fx_four_dots32``)
    by_four: ClassVar[int] = 0

    @classmethod
    def variants(cls, units: int) -> list[Cell]:
        """One of each kind worth a line in the matrix of cells and rules, and a test."""
        return [cls(units)]  # type: ignore[call-arg]

    def resized(self, units: int) -> Cell:
        """The same cell with another number of units."""
        return replace(self, units=units)  # type: ignore[call-arg]

    def structure(self, inputs: int) -> Structure:
        """Its linear form."""
        raise NotImplementedError

    def initial(self, dims: Dims, rng: np.random.Generator, radius: float) -> npt.NDArray[np.float64]:
        """Random weights (weights,) to start from; ``radius``: spectral radius of recurrent matrices."""
        raise NotImplementedError

    def mix_macs(self, dims: Dims) -> int:
        """Multiply-accumulates of all entries of the mix, once."""
        return len(dims.structure.blocks) * dims.states * dims.units

    def sums(self, dims: Dims, numbers: Numbers) -> list[Sum]:
        """A gate's row of the forward pass, and an entry of the mix."""
        structure = dims.structure
        found = [Sum("W z of a gate", max(block.width for block in structure.blocks) * PRODUCT, 64)]
        if structure.mixes:
            most = self.mix_most()
            largest = 2**31 - 1 if most is None else most << (structure.coef_frac + 12)
            found.append(Sum("an entry of the mix" + (", saturated" if most is None else ""), largest))
        return found

    def mix_most(self) -> int | None:
        """Bound on an entry of the mix, in units of 1, as its kernel derives it; None where it saturates to int32."""
        return None

    def linear_fields(self, dims: Dims) -> list[Field]:
        """Scratch for the linear form, for rules that use it."""
        s, n = dims.structure, dims.units
        found = [
            Field("coef", "int16", (len(s.blocks) * s.components * n,), "scratch",
                  f"ds/d(pre-activation), Q{15 - s.coef_frac}.{s.coef_frac}, [gate][component][unit]"),
        ]  # fmt: skip
        if s.private:
            found += [
                Field("keep", "int16", (s.components * s.private * n,), "scratch",
                      "what a unit keeps of its own past * 2^k_exp, [component][of component][unit]"),
                Field("k_exp", "int8", (), "scratch", "exponent of keep"),
            ]  # fmt: skip
        if s.spreads:
            note = f"dh/d(pre-activation of neuron i), Q{15 - s.coef_frac}.{s.coef_frac}, [i][unit]"
            found.append(Field("spread", "int16", (dims.neurons * n,), "scratch", note))
        return found


class Readout(Part):
    """From what the cell shows to the outputs; learns by itself."""

    outputs: int
    #: whether it has weights, V (outputs, visible + 1)
    weighted: ClassVar[bool] = True

    def refuses(self, dims: Dims) -> str | None:
        """Why it makes no sense for a cell of these sizes, or None where it does."""
        own = dims.structure.outputs
        if own is not None and (self.weighted or self.outputs != own):
            return f"its outputs are neurons of its own, {own} of them: use Direct({own})"
        if dims.structure.forced and self.weighted:
            return "teacher forcing puts targets where units were, so outputs have to be units: use Direct(...)"
        return None


class Loss(Part):
    """What ``learn(target)`` descends."""

    #: targets are probabilities: never scaled, and the prediction is one too, while y holds logits
    of_probabilities: ClassVar[bool] = False

    @classmethod
    def variants(cls) -> list[Loss]:
        """One of each kind worth a test."""
        return [cls()]

    def error_frac(self, numbers: Numbers) -> int:
        """Fraction bits of the error word e."""
        return numbers.output_frac

    def refuses(self, outputs: int) -> str | None:
        """Why it makes no sense for this many outputs, or None where it does."""
        return None

    def prediction(self, y: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        """Outputs y (..., outputs) in the units of the target: y itself, or the probabilities of its logits."""
        return y

    def metrics(self, prediction: npt.NDArray[np.float64], target: npt.NDArray[np.float64]) -> dict[str, float]:
        """Figures of merit of predictions and targets (T, outputs), by name; none unless the loss knows better ones."""
        return {}

    def check_targets(self, what: str, target: npt.NDArray[np.float64]) -> None:
        """DataError unless targets (..., outputs), all known, are such as the loss is made for."""
        if self.of_probabilities and target.size and not (target.min() >= 0.0 and target.max() <= 1.0):
            wrong = target[(target < 0.0) | (target > 1.0)][0]
            raise DataError(
                f"{what}: {type(self).__name__} wants probabilities or labels from 0 to 1 as targets, found {wrong:g}; "
                "encode classes as 0 and 1, one output each, or choose SquaredError() or Huber()"
            )

    def stimulus(self, noise: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        """Targets (T, outputs) that make sense for this loss, from noise of about +-1: for tests and certificates."""
        return noise


class Rule(Part):
    """How the gradient is carried through time."""

    trains_cell: ClassVar[bool] = True
    #: whether it can leave out weights that do not learn
    partial: ClassVar[bool] = True
    #: whether it may move the cell at a step without a label, and at a reset
    late: ClassVar[bool] = False
    #: whether its own float64 gradient is the exact one, summed over the labels that it waits for
    exact: ClassVar[bool] = False
    #: where its columns are local: the file that gives the dynamics of one unit
    local: ClassVar[str] = "local_keep"
    #: member whose words D is multiplied with at every step
    carried: ClassVar[str] = "J"
    #: whether it keeps J column by column, as the number profile says
    keeps_columns: ClassVar[bool] = False

    @classmethod
    def variants(cls) -> list[Rule]:
        """One of each kind worth a column in the matrix of cells and rules, and a test."""
        return [cls()]

    @property
    def title(self) -> str:
        """Its name, and what else chooses its code: the key of its measured size."""
        return type(self).__name__

    def voice_for(self, cell: Cell, inputs: int) -> str:
        """The file that implements it for a cell's structure."""
        return self.voice

    def needs_for(self, structure: Structure) -> tuple[str, ...]:
        """Shared kernels for a cell's structure, each after those it builds on."""
        return self.needs

    def unit_by_unit(self, structure: Structure) -> bool:
        """Whether it takes the linear form of one unit after the other, and the struct has none of all of them."""
        return False

    def refuses(self, structure: Structure, cell: Cell) -> str | None:
        """Why it makes no sense for this cell, or None where it does."""
        return None

    def refuses_numbers(self, numbers: Numbers) -> str | None:
        """Why it makes no sense in a number profile, or None where it does."""
        if self.keeps_columns or numbers.fixed_exponent is None:
            return None
        return f"it keeps no columns of J, and only those differ between {numbers.name} and R16: use R16()"

    def slices(self, dims: Dims) -> int:
        """Largest number of parts into which one of its steps can be cut."""
        return dims.columns
