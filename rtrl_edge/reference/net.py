"""The state of a network and its parts, as every kernel sees them: C's ``rtrl_t *net``."""

from __future__ import annotations

import importlib
from types import ModuleType

import numpy as np
import numpy.typing as npt

from ..fixed import Formats
from ..fixed.words import Int
from ..layout import Layout, layout
from ..model import Dims, Model
from ..quantize import IntegerModel, check_quantized


class Net:
    """Members of the state struct by name, in int64, and the modules that play the model's parts.

    ``net["h"]`` is the member itself, in its own shape; ``net["h"] = v`` copies v into it, whatever v's shape.
    """

    def __init__(self, integer_model: IntegerModel) -> None:
        check_quantized("Reference", integer_model)
        model = integer_model.model
        self.model: Model = model
        self.dims: Dims = model.dims
        self.formats: Formats = Formats.of(model)
        self.layout: Layout = layout(model)
        self.factory: dict[str, Int] = {k: v.astype(np.int64) for k, v in integer_model.factory().items()}
        parts = {name: importlib.import_module(f".{voice}", __package__) for name, voice in model.voices.items()}
        self.cell: ModuleType = parts["cell"]
        self.readout: ModuleType = parts["readout"]
        self.loss: ModuleType = parts["loss"]
        self.rule: ModuleType = parts["rule"]
        self.optimiser: ModuleType = parts["optimiser"]
        #: constant arrays of all parts, by name
        self.tables: dict[str, Int] = {
            table.name: np.array(table.values, dtype=np.int64)
            for part in model.parts
            for table in part.tables(model.dims, model.numbers)
        }
        self._members: dict[str, Int] = {
            m.field.name: np.zeros(m.field.shape, dtype=np.int64) for m in self.layout.members
        }
        self._members.setdefault("w_hi", np.zeros(self.dims.weights, dtype=np.int64))  # of a frozen cell: in flash
        for field in self.dims.cell.linear_fields(self.dims):  # of all units, also where C makes it unit by unit
            self._members.setdefault(field.name, np.zeros(field.shape, dtype=np.int64))
        #: the gradient that the rule last handed to the optimiser, (weights,), in float: for judging, not for bits
        self.gradient: npt.NDArray[np.float64] = np.zeros(self.dims.weights)

    def __getitem__(self, name: str) -> Int:
        return self._members[name]

    def __setitem__(self, name: str, value: Int | int) -> None:
        member = self._members[name]
        member[...] = value if np.ndim(value) == 0 else np.reshape(value, member.shape)

    def __contains__(self, name: str) -> bool:
        return name in self._members

    def learn_cell(self, g: Int, frac: Int | int, first: int = 0) -> None:
        """Hand the optimiser the gradient g of the columns from ``first`` on, with ``frac`` fraction bits."""
        self.learn_weights(self.dims.column_weights[first : first + len(g)], g, frac)

    def learn_direct(self, g: Int, frac: Int | int) -> None:
        """The same of the weights that act on the readout alone."""
        self.learn_weights(np.arange(self.dims.gated, self.dims.weights), g, frac)

    def learn_weights(self, part: npt.NDArray[np.intp], g: Int, frac: Int | int) -> None:
        """The same of the cell's weights ``part``."""
        self.gradient[part] = np.ldexp(g.astype(np.float64), -np.asarray(frac))
        self.optimiser.optimiser_cell(self, part, g, frac)
