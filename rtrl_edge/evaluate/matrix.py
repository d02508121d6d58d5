"""Every cell with every rule: legal or refused and why, what it costs, and how close its integers are to float64."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, fields

import numpy as np

from ..model import R8, R16, SGD, Cell, Model, Rule
from ..model.catalogue import cells, readout, rules
from ..model.parts import Part
from ..plan import plan
from ..quantize import IntegerModel, quantize
from ..stream import Stream
from ..weights import initial
from .certificate import certificate

UNITS, INPUTS, OUTPUTS = 8, 3, 2
STEPS = 300
#: first line of the page, by which it is known
MARKDOWN_LINE = "# Cells and rules"


def label(part: Part) -> str:
    """A part as one writes it, without the arguments left at their defaults and without ``units``."""
    given = [f for f in fields(part) if f.name not in ("units", "layers")]
    values = [(f.name, getattr(part, f.name)) for f in given if getattr(part, f.name) != f.default]
    return f"{type(part).__name__}({', '.join(f'{name}={value!r}' for name, value in values)})".removesuffix("()")


@dataclass(frozen=True)
class Square:
    """One pair of the matrix.

    Args:
        cell: the cell's label.
        rule: the rule's.
        refused: why the pair is not legal, or None where it is.
        ram_bytes: the whole state struct in R16 and in R8.
        macs: multiply-accumulates of a learning step, all parts.
        error: median relative error of the integer gradient against the same rule in float64, R16 and R8; None where
            the rule has no gradient.
        cosine: mean cosine of the R16 gradient to the exact one.
    """

    cell: str
    rule: str
    refused: str | None = None
    ram_bytes: tuple[int, int] = (0, 0)
    macs: int = 0
    error: tuple[float, float] | None = None
    cosine: float | None = None


def pairs() -> list[tuple[Cell, Rule]]:
    """Every cell with every rule."""
    return [(cell, rule) for cell in cells(UNITS) for rule in rules()]


def matrix(progress: Callable[[int], None] | None = None, measured: bool = True) -> list[Square]:
    """All pairs at 8 units, 3 inputs, 2 outputs.

    Args:
        progress: called with 1 after each pair.
        measured: also play each legal pair against float64 (minutes); otherwise only what the definitions say.
    """
    if not measured:
        return [_square(cell, rule, measured=False) for cell, rule in pairs()]
    found = []
    with ProcessPoolExecutor() as pool:
        for square in pool.map(_measured, pairs()):
            found.append(square)
            if progress is not None:
                progress(1)
    return found


def integer_model(model: Model, seed: int = 1) -> IntegerModel:
    """The pair's model with its cell's own random weights and an identity scaling."""
    rng = np.random.default_rng(1)
    shape = (64, model.dims.inputs), (64, model.dims.outputs)
    calibration = Stream(rng.uniform(-1, 1, shape[0]), model.loss.stimulus(rng.uniform(-1, 1, shape[1])))
    return quantize(model, initial(model, seed), calibration)


def _measured(pair: tuple[Cell, Rule]) -> Square:
    return _square(*pair, measured=True)


def _square(cell: Cell, rule: Rule, measured: bool) -> Square:
    names = label(cell), label(rule)
    refused = rule.refuses(cell.structure(INPUTS), cell)
    if refused:
        return Square(*names, refused)
    models = [
        Model("net", INPUTS, [cell], readout(cell, OUTPUTS), rule=rule, optimiser=SGD(2**-6), numbers=numbers)
        for numbers in (R16(), R8())
    ]
    plans = [plan(model) for model in models]
    macs = plans[0].macs_predict + plans[0].macs_learn
    ram = plans[0].struct_bytes, plans[1].struct_bytes
    if not measured or not rule.trains_cell:
        return Square(*names, None, ram, macs)
    certificates = [certificate(integer_model(model), STEPS) for model in models]
    errors = [float(str(c["gradient_relative_error_median"])) for c in certificates]
    cosine = float(str(certificates[0]["gradient_cosine_to_exact_mean"]))
    return Square(*names, None, ram, macs, (errors[0], errors[1]), cosine)


def page(squares: list[Square]) -> str:
    """The matrix as a Markdown page."""
    names = list(dict.fromkeys(s.rule for s in squares))
    at = {(s.cell, s.rule): s for s in squares}
    lines = [
        MARKDOWN_LINE,
        "",
        "<!-- written by `rtrl-edge matrix --out docs/matrix.md`; do not edit -->",
        "",
        f"Every cell with every rule at {UNITS} units, {INPUTS} inputs and {OUTPUTS} outputs, from the cell's random "
        f"weights, {STEPS} samples of smooth noise, SGD at 2^-6. Every legal pair is generated C whose bits equal the "
        "NumPy reference's on the host and on emulated Cortex-M0 and M4 cores (`tests/test_matrix.py`).",
        "",
        "* **error**: median relative error of the integer gradient against the *same rule* in float64, on the same "
        "states, weights and credits: what the arithmetic costs, in R16 and R8. The low-rank rules (UORO, KFRTRL, OK) "
        "choose pairs and ratios by size: after a near tie the two voices follow different, equally good estimates, "
        "so theirs is a distance between estimates (`tests/test_rules_low_rank.py` judges their mean).",
        "* **cosine**: mean cosine of the R16 gradient to the *exact* one: what the rule costs; of the low-rank rules, "
        "their noise. DNI's says little: it charges a weight with losses to come, RTRL with those that were.",
        "* **RAM**: the whole state struct, weights included, in R16 and R8. **MACs**: multiply-accumulates of one "
        "learning step, prediction included; of rules that work in blocks, the average.",
        "",
    ]
    for cell in dict.fromkeys(s.cell for s in squares):
        lines += [f"## {cell}", "", "| rule | error R16 | error R8 | cosine | RAM R16 B | RAM R8 B | MACs |",
                  "|---|---:|---:|---:|---:|---:|---:|"]  # fmt: skip
        refused = []
        for rule in names:
            s = at[cell, rule]
            if s.refused:
                refused.append(f"* {rule}: {s.refused}")
                continue
            error = ("-", "-") if s.error is None else tuple(f"{e:.1e}" for e in s.error)
            cosine = "-" if s.cosine is None else f"{s.cosine:.3f}"
            ram = " | ".join(f"{b:,}" for b in s.ram_bytes)
            lines.append(f"| {rule} | {error[0]} | {error[1]} | {cosine} | {ram} | {s.macs:,} |")
        lines += ["", *(["Refused:", "", *refused, ""] if refused else [])]
    return "\n".join(lines)
