"""What every part of a model says about itself.

A part is a frozen value that tells three things: which file of each voice implements it (``voice``: the same
file name here and under ``oracle/``, ``reference/`` and ``codegen/kernels/``), what it keeps in the state
struct (``fields``) and what a step costs (``macs``). Nothing is registered anywhere. Cells and rules meet in a
:class:`~rtrl_edge.model.structure.Structure`.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, ClassVar

import numpy as np
import numpy.typing as npt

from ..errors import DataError
from .structure import Dims, Structure

if TYPE_CHECKING:
    from .numbers import Numbers

Constants = dict[str, tuple[int, str]]  # enumerators of the config header: value and comment, by name


def gate_weights(dims: Dims, rng: np.random.Generator, radius: float, bias: float) -> npt.NDArray[np.float64]:
    """Random weights, flat, of one gate that sees [x; 1; h]: input U(-.5, .5), ``bias``, recurrent ``radius`` x a
    random orthogonal matrix."""
    W = np.full((dims.units, dims.inputs + 1 + dims.units), bias)
    W[:, : dims.inputs] = rng.uniform(-0.5, 0.5, (dims.units, dims.inputs))
    W[:, dims.inputs + 1 :] = radius * np.linalg.qr(rng.standard_normal((dims.units, dims.units)))[0]
    return W.ravel()


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
