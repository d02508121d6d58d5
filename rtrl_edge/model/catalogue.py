"""Every part there is: what the matrix of cells and rules in the docs, and the tests, go through."""

from __future__ import annotations

from collections.abc import Iterator

from .definition import Model
from .optimiser import Optimiser
from .parts import Cell, Loss, Readout, Rule
from .readout_direct import Direct
from .readout_linear import Linear


def cells(units: int) -> list[Cell]:
    """Every cell, in all its variants."""
    return [variant for kind in Cell.__subclasses__() for variant in kind.variants(units)]


def readout(cell: Cell, outputs: int) -> Readout:
    """The readout that a cell goes with: Linear, or Direct where outputs are neurons of its own, as many as it has."""
    own = cell.structure(1).outputs
    return Linear(outputs) if own is None else Direct(own)


def rules() -> list[Rule]:
    """Every rule, in all its variants."""
    return [variant for kind in Rule.__subclasses__() for variant in kind.variants()]


def losses() -> list[Loss]:
    """Every loss, in all its variants."""
    return [variant for kind in Loss.__subclasses__() for variant in kind.variants()]


def optimisers() -> list[Optimiser]:
    """Every optimiser, in all its variants."""
    return [variant for kind in Optimiser.__subclasses__() for variant in kind.variants()]


def legal(cell: Cell, rule: Rule, inputs: int) -> bool:
    """Whether the two go together."""
    return rule.refuses(cell.structure(inputs), cell) is None


def models(units: int, inputs: int, outputs: int, **parts: object) -> Iterator[Model]:
    """A model, called net, of every legal pair of cell and rule; ``parts`` are further arguments of Model."""
    for cell in cells(units):
        for rule in rules():
            if legal(cell, rule, inputs):
                yield Model("net", inputs, [cell], readout(cell, outputs), rule=rule, **parts)  # type: ignore[arg-type]
