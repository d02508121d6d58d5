"""The linear form of a cell's step, in which cells and rules meet, and the sizes that follow.

A cell of ``n = units`` units has a state of ``components * n`` words, one component after the other, and its forward
pass is linear, at each step, in

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

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from .parts import Cell

#: of each unit, the units that it listens to, in order
Pattern = tuple[tuple[int, ...], ...]


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
