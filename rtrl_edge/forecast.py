"""What calls of a model will take on a core, from measured models of the same parts: instructions, code, stack.

The kernels are loops, so a call's instructions are a sum of *terms*, how often each kind of loop body runs (known from
the sizes alone), each times the instructions of that body, which is what the measured lines give: least squares of the
relative errors with no coefficient below zero, near sizes weighing more. What is left over at near sizes is what the
compiler did differently there, and corrects the sum. Where few sizes of the same parts were measured, lines of *kin*
(the profile R16, a core with nearly the same instructions) give the shape, the few the level.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from .measured import SAME_INSTRUCTIONS, Line, cell_key, length, lines, usual
from .model import Dims, Model, ReadoutOnly

Terms = dict[str, float]
Float = npt.NDArray[np.float64]

#: the core whose lines give the shape where a core has few of its own: the one with the DSP extension, or plain C
KIN = {
    "cortex-m7": "cortex-m4", "cortex-m33": "cortex-m4",
    "cortex-m0": "cortex-m3", "rv32imc": "cortex-m3", "xtensa-lx106": "cortex-m3", "xtensa-lx6": "cortex-m3",
}  # fmt: skip
_VECTORS = ("cortex-m55",)
_KIN_WEIGHT = 0.3
_OTHER_ADDRESSES = 0.2
_RIDGE = 1e-3
_FEW = 8  # lines; with fewer, kin is asked
_STACK_SPARE, _STACK_SHARE = 8, 1.04  # bytes: a pair of registers that no measured size spilled; of large stacks more


@dataclass(frozen=True)
class Forecast:
    """Of one model on one core; ``predict`` and ``learn`` are executed instructions, means of a long run.

    ``learn_most``: of the longest ``learn``; ``slice_most``: of the longest ``learn_begin`` or ``learn_slice`` of one
    part. ``stack_bytes`` is None where it was not measured. ``extrapolated``: sizes outside those of the lines.
    ``counted_on``: the emulated board where this very model was counted instead; "": a forecast.
    """

    predict: int
    learn: int
    learn_most: int
    slice_most: int
    code_bytes: int
    stack_bytes: int | None
    extrapolated: tuple[str, ...]
    counted_on: str = ""


# ---------------------------------------------------------------------------------------------------- terms


def _dot(name: str, times: float, width: int) -> Terms:
    """``times`` products of rows of ``width``, by fours and what is left over: kernels and compilers count so."""
    return {f"{name}, fours": times * (width // 4), f"{name}, rest": times * (width % 4)}


def _rows(d: Dims) -> Terms:
    """Rows of all gates times what they see."""
    found: Terms = {"rows": float(sum(d.rows(block) for block in d.structure.blocks))}
    if d.structure.pattern is not None:
        return found | {"connections": float(d.connections), "W": float(d.gated)}
    for block in d.structure.blocks:
        for name, value in _dot("W", d.rows(block), block.width).items():
            found[name] = found.get(name, 0.0) + value
    return found


def predict_terms(model: Model) -> Terms:
    """The forward pass: rows of all gates, units, rows of the readout."""
    d = model.dims
    readout = _dot("V", d.outputs, d.visible) if d.weighted else {}
    return {"1": 1.0, "n": float(d.units), "outputs": float(d.outputs), **_rows(d), **readout}


def begin_terms(model: Model) -> Terms:
    """What a step does once: error, credit, readout, the linear form with its mix."""
    d = model.dims
    found: Terms = {"1": 1.0, "n": float(d.neurons), "outputs": float(d.outputs)}
    if d.weighted:
        found |= {"credit": float(d.outputs * d.visible)} if model.rule.trains_cell else {}
        found["V learns"] = float(d.outputs * d.readout_row * model.trains_readout)
    if model.rule.trains_cell and d.structure.mixes:
        found["mix"] = float(model.cell.mix_macs(d))
    return found


def _exact(model: Model, d: Dims) -> Terms:
    """Columns go in pairs, row by row; the last of an odd row goes alone."""
    p, alone = float(d.columns), float(_alone(model, d))
    odd = d.units % 2
    found = {"columns": p, "J": p * d.states, **_dot("D J", p * d.states, d.units)}
    found |= {"alone": alone, "alone J": alone * d.states, "alone D J": alone * d.states * d.units}
    return found | {"J, odd": p * d.states * odd, "D J, odd": p * d.states * d.units * odd}


def _alone(model: Model, d: Dims) -> int:
    """Rows of an odd number of weights that learn."""
    return sum(d.rows(block) * (block.width % 2) for block in d.structure.blocks)


def _reaching(model: Model, d: Dims) -> Terms:
    return {"columns": float(d.columns), "macs": float(model.rule.macs(d))}


def _per_column(model: Model, d: Dims) -> Terms:
    return {"columns": float(d.columns)}


def _back(model: Model, d: Dims) -> Terms:
    steps = float(length(model.rule)) or 1.0
    found = {"columns": float(d.columns), "steps": steps, "steps n": steps * d.neurons}
    if d.structure.mixes:
        found |= {f"steps {name}": value for name, value in _rows(d).items()}
    return found | {"steps mix": steps * model.cell.mix_macs(d), "steps columns": steps * d.columns}


def _synthetic(model: Model, d: Dims) -> Terms:
    seen = d.visible + d.outputs + 1
    return {"columns": float(d.columns), "A": float(d.states * seen), "back": float(d.states * d.units), "S": d.states}


def _pairs(model: Model, d: Dims) -> Terms:
    r, s, pairs = float(len(d.structure.blocks) * d.neurons), d.states, max(1, length(model.rule))
    found = {"columns": float(d.columns), "D s": float(s * d.units), "S": s, "pairs": pairs}
    if model.rule.title != "UORO":
        found |= {"A": pairs * r * s, **_dot("D A", pairs * r * s, d.units), "terms": float(pairs * d.columns)}
        found |= {"gram": pairs * pairs * r * s, "z": float(pairs * pairs * d.presynaptic)}
    return found


def _blocks(model: Model, d: Dims) -> Terms:
    """Of a step, averaged over a block of h."""
    h, p, s, rows = float(length(model.rule)), float(d.columns), d.states + 1, len(d.structure.blocks) * d.neurons
    return {
        "columns / h": p / h, "J / h": p * s / h, **_dot("Phi J", p * s / h, d.states),
        **_dot("A z", p * s / h, int(h)), "columns": p, "D": float(d.states * d.units),
        "lambda": float(s * d.states), **_dot("lambda D", s * d.units, d.states), "rows": float(s * rows),
    }  # fmt: skip


def _pairs_once(model: Model, d: Dims) -> Terms:
    """All products are advanced at once; all are merged after the last column."""
    return {name: times for name, times in _pairs(model, d).items() if name not in ("columns", "terms")}


def _block_part(model: Model, d: Dims) -> Terms:
    """The D of a stored step, or what is owed to all; lagged, as many parts as make all a block's within the next."""
    h, s, rows = float(length(model.rule)), float(d.states), float(len(d.structure.blocks) * d.neurons)
    found = {"D": s * d.units, "S": s, "rows h": rows * h}
    if model.rule.title.endswith("(lagged)"):
        parts = -(-(h * (s + 2) + 2 * s + 1 + d.columns) // h) / h
        found |= {"parts": parts, "parts S": parts * s, "rows": rows, "columns D / h": d.columns * s * s / h}
    return found


_LEARN: dict[str, Callable[[Model, Dims], Terms]] = {
    "rule_rtrl": _exact, "rule_diagonal": _per_column, "rule_sparse": _reaching, "rule_local": _per_column,
    "rule_trunc1": _per_column,
    "rule_bptt": _back, "rule_dni": _synthetic, "rule_uoro": _pairs, "rule_kf_rtrl": _pairs, "rule_ok": _pairs,
    "rule_block": _blocks,
}  # fmt: skip


#: of the rules whose parts, or what they do once, are more than the cell's and the readout's
_PART: dict[str, Callable[[Model, Dims], Terms]] = {
    "rule_uoro": _pairs_once, "rule_kf_rtrl": _pairs_once, "rule_ok": _pairs_once, "rule_block": _block_part,
    "rule_dni": lambda m, d: {"back": float(d.states * d.units)},
    "rule_diagonal": lambda m, d: {"columns of a unit": d.columns / d.units},
}  # fmt: skip


def learn_terms(model: Model) -> Terms:
    """Of a step with a label, averaged over the steps of a block."""
    own = _LEARN.get(model.voices["rule"])
    return begin_terms(model) | (own(model, model.dims) if own else {})


def vector_terms(model: Model) -> Terms:
    """Of RTRL's columns in vectors of eight words, or of sixteen sums: the last one costs as much as a full one."""
    d = model.dims
    if model.voices["rule"] != "rule_rtrl":
        return {}
    p = float(d.columns)
    return {"D J, eights": p * d.states * -(-d.units // 8), "J, sixteens": p * -(-d.states // 16)}


def most_terms(model: Model) -> Terms:
    """Of the longest step: the end of a block does the work of all its steps."""
    once, found = begin_terms(model), learn_terms(model)
    block = float(length(model.rule)) if model.rule.title == "BlockRTRL" else 1.0
    return {name: value if name in once else value * block for name, value in found.items()}


def slice_terms(model: Model) -> Terms:
    """The longest part of a step: what it does once, or one part of the rest."""
    d, found = model.dims, begin_terms(model)
    own = _PART.get(model.voices["rule"])
    return found | own(model, d) if own else found


# ------------------------------------------------------------------------------------------------------ fit


def not_negative(A: Float, b: Float, ridge: float = 0.0) -> Float:
    """x >= 0 with the least |A x - b|^2 + ridge |x|^2, x in units of the columns' lengths, so that columns that say the
    same share. Source: Lawson & Hanson 1974, algorithm 23.10."""
    scale = np.maximum(np.linalg.norm(A, axis=0), 1e-300)
    count = A.shape[1]
    G, right = (A / scale).T @ (A / scale) + ridge * np.eye(count), (A / scale).T @ b
    x, active, tried = np.zeros(count), np.zeros(count, bool), np.zeros(count, bool)
    for _ in range(10 * count):
        gain = np.where(active | tried, -np.inf, right - G @ x)
        new = int(gain.argmax())
        if gain[new] <= 1e-10 * np.linalg.norm(b):
            break
        active[new] = True
        while active.any():
            trial = np.zeros(count)
            trial[active] = np.linalg.lstsq(G[np.ix_(active, active)], right[active], rcond=None)[0]
            wrong = active & (trial <= 0.0)
            if not wrong.any():
                break
            x += (x[wrong] / np.maximum(x[wrong] - trial[wrong], 1e-300)).min() * (trial - x)
            active &= x > 1e-12
            x[~active] = 0.0
        tried = ~active & (tried | (np.arange(count) == new)) if not active[new] else np.zeros(count, bool)
        x = np.where(active, trial, 0.0)
    return np.asarray(x / scale, np.float64)


def _sizes(model: Model) -> Float:
    d = model.dims
    return np.array([d.units, d.inputs, d.outputs, max(1, length(model.rule))], np.float64)


def _shifts(units: int) -> bool:
    """Whether places in arrays are found by shifts: from 16 on, compilers make other loops of powers of two."""
    return units >= 16 and units & (units - 1) == 0


def _near(model: Model, others: Sequence[Model], reach: Sequence[float], shifts: bool = False) -> Float:
    """Weights by the distance of the sizes (a factor e weighs 1 / e at reach 1), and of the rests of units by four."""
    away = np.abs(np.log(np.array([_sizes(other) for other in others]) / _sizes(model))) @ (1.0 / np.array(reach))
    n, units = model.dims.units, np.array([other.dims.units for other in others])
    alike = np.where(units % 4 == n % 4, 1.0, np.where(units % 2 == n % 2, 0.5, 0.25))
    if shifts:
        alike = alike * np.array([1.0 if _shifts(int(u)) == _shifts(n) else _OTHER_ADDRESSES for u in units])
    return np.asarray(np.exp(-away) * alike, np.float64)


@dataclass(frozen=True)
class Evidence:
    """Measured lines that speak of a model: ``own``, of its parts and core; ``kin``, of nearly the same code."""

    own: Sequence[Line]
    kin: Sequence[Line]

    @property
    def models(self) -> list[Model]:
        """All models, its own first."""
        return [line.model for line in (*self.own, *self.kin)]

    @property
    def trust(self) -> Float:
        """Weight of each line."""
        return np.repeat([1.0, _KIN_WEIGHT], [len(self.own), len(self.kin)])

    def values(self, what: str, model: Model) -> Float:
        """A member of all lines; kin's times what its own lines have of kin's in the same sizes, near sizes first."""

        def key(line: Line) -> tuple[object, ...]:
            return line.sizes[:3] if what == "predict" else line.sizes

        own: dict[tuple[object, ...], list[float]] = {}
        for line in self.own:
            own.setdefault(key(line), []).append(np.log(getattr(line, what)))
        found = np.log([float(getattr(line, what)) for line in (*self.own, *self.kin)])
        groups: dict[tuple[str, ...], list[int]] = {}
        for i, line in enumerate(self.kin, len(self.own)):
            groups.setdefault(line.origin[:2] if what == "predict" else line.origin, []).append(i)
        for group in groups.values():
            met = [i for i in group if key(self.kin[i - len(self.own)]) in own]
            if met:
                lines = [self.kin[i - len(self.own)] for i in met]
                ratio = np.array([np.mean(own[key(line)]) for line in lines]) - found[met]
                near = _near(model, [line.model for line in lines], (1.0, 6.0, 6.0, 6.0))
                found[group] += near @ ratio / near.sum()
        return np.asarray(np.exp(found), np.float64)


def fitted(seen: Evidence, what: str, models: Sequence[Model], terms: Callable[[Model], Terms]) -> list[int]:
    """Instructions of a call, of models of the same parts and units, from those that were measured.

    Args:
        seen: measured lines.
        what: member of a line.
        models: the first decides which sizes are near.
        terms: how often each loop body runs.
    """
    model, others = models[0], seen.models
    more = vector_terms if seen.own[0].core in _VECTORS and what in ("learn", "learn_most") else lambda m: {}
    wanted = [terms(m) | more(m) for m in models]
    names = list(wanted[0])
    A = np.array([[t[name] for name in names] for t in (terms(m) | more(m) for m in others)], np.float64)
    y = seen.values(what, model)
    weight = _near(model, others, (1.5, 6.0, 6.0, 6.0), what == "predict") * seen.trust
    x = not_negative(A / y[:, None] * weight[:, None], weight, _RIDGE)
    left = np.log(y / np.maximum(A @ x, 1.0))
    close = _near(model, others, (0.3, 1.0, 2.0, 0.5), what == "predict") * seen.trust
    left_over = np.exp(close @ left / (close.sum() + 0.3))
    return [round(float(np.array([t[name] for name in names]) @ x * left_over)) for t in wanted]


# ------------------------------------------------------------------------------------------------- forecast


def _evidence(model: Model, core: str) -> Evidence:
    """Lines of the model's parts, and where they are few those of kin: the profile R16, and a core like this one."""
    cell, rule, voice, numbers = cell_key(model.cell), model.rule.title, model.voices["rule"], model.numbers.name

    def of(core: str, numbers: str) -> list[Line]:
        found = [x for x in lines(core) if (x.cell, x.rule, x.numbers) == (cell, rule, numbers)]
        return [x for x in found if x.model.voices["rule"] == voice]

    own = of(core, numbers)
    if not own and not model.rule.keeps_columns:  # the same kernels; only places of words differ
        numbers, own = "R16", of(core, "R16")
    if not own or len(own) >= _FEW:
        return Evidence(own, [])
    other = KIN.get(core, core)
    places = dict.fromkeys([(core, "R16"), (other, numbers), (other, "R16")])
    return Evidence(own, [line for place in places if place != (core, numbers) for line in of(*place)])


def _evidence_of_cell(model: Model, core: str) -> Evidence:
    """Lines of the model's cell, one for each size: its forward pass is the same with every rule, so other rules' lines
    are as good as its own; where they are few, those of a core like this one are kin."""
    cell = cell_key(model.cell)

    def of(core: str) -> list[Line]:
        found: dict[tuple[int, ...], Line] = {}
        for line in lines(core):
            size = line.units, line.inputs, line.outputs
            frozen = line.rule == ReadoutOnly.__name__  # weights that never move may lie in another order
            if line.cell != cell or frozen != (model.rule.title == ReadoutOnly.__name__):
                continue
            if size not in found or line.rule == model.rule.title:
                found[size] = line
        return list(found.values())

    own = of(core)
    return Evidence(own, of(KIN[core]) if core in KIN and len(own) < _FEW else [])


def _code_bytes(seen: Evidence, model: Model) -> int:
    """The mean of near sizes, of which one output, where loops vanish, is near only to itself; rows of whole pairs of
    words, and those with one word more, are less near."""
    others, d = seen.models, model.dims
    weight = _near(model, others, (0.5, 2.0, 2.0, 4.0))
    for same in (
        [(m.dims.outputs == 1) == (d.outputs == 1) for m in others],
        [m.trains_readout == model.trains_readout for m in others],
    ):
        weight *= np.where(same, 1.0, 0.02)
    weight *= np.where([m.dims.presynaptic % 2 == d.presynaptic % 2 for m in others], 1.0, 0.1)
    return round(float(np.exp(weight @ np.log(seen.values("code_bytes", model)) / weight.sum())))


def _stack_bytes(seen: Evidence, model: Model) -> int | None:
    """The deepest of the two sizes below and the two above, or of all where its own lines are few, and a little to
    spare; one output, where loops vanish, is like no other."""
    if not all(line.stack_bytes for line in (*seen.own, *seen.kin)):
        return None
    n, one = model.dims.units, model.dims.outputs == 1
    found = list(zip(seen.models, seen.values("stack_bytes", model), strict=True))
    alike = [(m.dims.units, value) for m, value in found if (m.dims.outputs == 1) == one]
    if seen.kin or not alike:
        alike = [(m.dims.units, value) for m, value in found]
    reach = len(alike) if seen.kin else 2
    below = sorted({units for units, _ in alike if units <= n})[-reach:]
    above = sorted({units for units, _ in alike if units >= n})[:reach]
    deepest = float(max(value for units, value in alike if units in (*below, *above)))
    return 4 * round(max(deepest + _STACK_SPARE, deepest * _STACK_SHARE) / 4.0)


def _extrapolated(found: Sequence[Line], model: Model) -> tuple[str, ...]:
    """Which sizes are outside those of the lines."""
    sizes, mine = np.array([_sizes(line.model) for line in found]), _sizes(model)
    outside = (mine < sizes.min(axis=0)) | (mine > sizes.max(axis=0))
    return tuple(name for name, out in zip(("units", "inputs", "outputs", "length"), outside, strict=True) if out)


def forecast(model: Model, core: str) -> Forecast | None:
    """What a model's calls take on a core, or None where nobody measured its parts there."""
    core = SAME_INSTRUCTIONS.get(core, core)
    seen = _evidence(model, core) if usual(model) else Evidence([], [])
    if not seen.own:
        return None
    (predict,) = fitted(_evidence_of_cell(model, core), "predict", [model], predict_terms)
    (learn,) = fitted(seen, "learn", [model], learn_terms)
    (most,) = fitted(seen, "learn_most", [model], most_terms)
    (slice_most,) = fitted(seen, "slice_most", [model], slice_terms)
    most = max(learn, most)
    return Forecast(
        predict, learn, most, min(most, slice_most),
        _code_bytes(seen, model), _stack_bytes(seen, model), _extrapolated([*seen.own, *seen.kin], model),
    )  # fmt: skip


def learn_instructions(models: Sequence[Model], core: str) -> list[int] | None:
    """Instructions of ``learn`` of a model and of others that differ in ``trainable`` alone, or None."""
    core = SAME_INSTRUCTIONS.get(core, core)
    seen = _evidence(models[0], core) if usual(models[0]) else Evidence([], [])
    return fitted(seen, "learn", models, learn_terms) if seen.own else None
