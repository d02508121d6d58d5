"""Every target with several models: `rtrl-edge verify --all`."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ..boards import board_names, load_board
from ..device import Int16
from ..device.emulator import Emulator
from ..device.host import HostTwin
from ..errors import BuildError, LinkError, PlanError
from ..layout import differences
from ..model import GRU, LSTM, R8, R16, RNN, RTU, SGD, Linear, Model
from ..quantize import IntegerModel
from .contest import Progress as Progresses
from .prequential import Progress
from .tables import text_table
from .work import noisy

#: steps of each model on each target
STEPS = 2000
_COMMON = Model("net", 3, [RNN(9)], Linear(2), optimiser=SGD(2**-5), numbers=R16(cap=2))
MODELS = {
    "RNN R16": _COMMON,
    "RNN R8": dataclasses.replace(_COMMON, numbers=R8(cap=2)),
    "LSTM": dataclasses.replace(_COMMON, cells=[LSTM(5)]),
    "GRU": dataclasses.replace(_COMMON, cells=[GRU(5)]),
    "RTU": dataclasses.replace(_COMMON, cells=[RTU(6)]),
}


@dataclass(frozen=True)
class All:
    """``cells[target][model]``: "equal", the first difference, or why it was not run."""

    steps: int
    cells: dict[str, dict[str, str]]

    @property
    def equal(self) -> bool:
        """Whether nothing that ran differs."""
        return not any(word.startswith("different") for row in self.cells.values() for word in row.values())

    @property
    def ran(self) -> int:
        """How many pairs of target and model ran."""
        return sum(not word.startswith("not run") for row in self.cells.values() for word in row.values())

    def text(self) -> str:
        """The matrix for the terminal; what is more than a word comes below it."""
        long = {
            word: f"[{i}]" for i, word in enumerate(dict.fromkeys(w for r in self.cells.values() for w in r.values()))
        }
        long["equal"] = "equal"
        rows = [(target, *(long[word] for word in row.values())) for target, row in self.cells.items()]
        table = text_table(("target", *MODELS), rows, texts=tuple(MODELS))
        notes = "".join(f"\n{mark} {word}" for word, mark in long.items() if word != "equal")
        pairs = sum(map(len, self.cells.values()))
        verdict = f"{self.ran} of {pairs} pairs ran, {self.steps:,} steps each: "
        return f"{table}{notes}\n{verdict}{'all the same bits' if self.equal else 'the bits DIFFER'}"


def verify_all(boards: Sequence[str] | None = None, steps: int = STEPS, *, progress: Progresses) -> All:
    """Play random and extreme words through every target and the host twin, learning, with gaps and a reset.

    Args:
        boards: names of boards; all with an emulator, and this computer, if not given.
        steps: samples of each model.
        progress: makes progress bars.
    """
    names = boards or [n for n in board_names() if load_board(n).emulator or load_board(n).core == "host"]
    models = {name: noisy(model)[0] for name, model in MODELS.items()}
    cells: dict[str, dict[str, str]] = {}
    for name in names:
        board = load_board(name)
        row = cells[f"{name} ({board.core})"] = {}
        for kind, model in models.items():
            bar = progress(f"{name}, {kind}", steps)
            try:
                with Emulator(model, board) as chip:
                    row[kind] = _compare(model, chip, steps, bar)
            except (BuildError, PlanError) as error:
                row[kind] = f"not run: {str(error).splitlines()[0]}"
            except LinkError as error:
                row[kind] = f"different: {error}"
            finally:
                bar.close()
    return All(steps, cells)


def _compare(model: IntegerModel, chip: Emulator, steps: int, bar: Progress) -> str:
    rng = np.random.default_rng(1)
    d = model.model.dims
    x, target = _words(rng, steps, d.inputs), _words(rng, steps, d.outputs)
    with HostTwin(model) as twin:
        for t in range(steps):
            y, wanted = chip.predict(x[t]), twin.predict(x[t])
            if not np.array_equal(y, wanted):
                return f"different: prediction {t} is {y.tolist()}, the host twin has {wanted.tolist()}"
            for device in (chip, twin):
                if t % 5:
                    device.learn(target[t])
                elif t % 2:
                    device.observe()
                if t == steps // 2:
                    device.reset()
            bar(1)
        found = differences(twin.state(), chip.state(), model.model)
    return f"different: {found[0]}" if found else "equal"


def _words(rng: np.random.Generator, steps: int, width: int) -> Int16:
    """Three quarters of the words small, as of a working network, the others anything an int16 can be."""
    small = rng.integers(-2000, 2001, (steps, width))
    wild = rng.integers(-32768, 32768, (steps, width))
    return np.where((np.arange(steps) % 4 == 0)[:, None], wild, small).astype(np.int16)
