"""Sparse recurrent weights: which there are, and what a weight reaches through them."""

from __future__ import annotations

import random
from collections.abc import Iterable
from functools import lru_cache
from itertools import accumulate

from ..errors import ModelError
from .local import column_fields
from .numbers import Numbers
from .parts import Field, Table
from .structure import Dims, Pattern, Structure


@lru_cache(maxsize=64)
def random_pattern(units: int, density: float, seed: int) -> Pattern:
    """``density`` of all units^2 connections, at random, the diagonal among them: each unit listens to itself.

    From Python's ``random()``, whose sequence is the same in every version: a model must not change with NumPy.
    """
    draw = random.Random(seed).random
    others = sorted((draw(), i, k) for i in range(units) for k in range(units) if i != k)
    chosen = {(i, k) for _, i, k in others[: max(0, round(density * units**2) - units)]}
    return tuple(tuple(k for k in range(units) if k == i or (i, k) in chosen) for i in range(units))


def mask_rows(where: str, mask: object, units: int) -> tuple[str, ...]:
    """The rows of a mask (units, units) as text such as "0110", or ModelError: it is hashed, compared and written."""
    wanted = f"wanted {units} rows of {units} entries, each 0 or 1"
    if isinstance(mask, str):
        raise ModelError(f"{where}: {wanted}, found the text {mask!r}")
    try:
        rows = [list(row) for row in mask]  # type: ignore[attr-defined]
    except TypeError as error:
        raise ModelError(f"{where}: {wanted}, found {mask!r}") from error
    shape = len(rows), *sorted({len(row) for row in rows})
    if shape != (units, units):
        raise ModelError(
            f"{where}: {wanted}, found {shape[0]} rows of {' or '.join(map(str, shape[1:])) or 'no'} entries"
        )
    found = []
    for i, row in enumerate(rows):
        for k, entry in enumerate(row):
            if entry not in (0, 1, "0", "1"):
                raise ModelError(f"{where}: {wanted}, found {entry!r} in row {i}, column {k}")
        text = "".join("1" if entry in (1, "1") else "0" for entry in row)
        if "1" not in text:
            raise ModelError(f"{where}: row {i} has no 1: unit {i} would listen to no unit; give it one, e.g. itself")
        found.append(text)
    return tuple(found)


@lru_cache(maxsize=64)
def reach(pattern: Pattern, steps: int | None) -> Pattern:
    """The units whose state depends on that of unit i within ``steps`` steps, or ever: i first, then in order."""
    listeners = [[k for k, row in enumerate(pattern) if i in row] for i in range(len(pattern))]

    def of(unit: int) -> tuple[int, ...]:
        found, new, step = {unit}, {unit}, 0
        while new and step != steps:
            new = {k for i in new for k in listeners[i]} - found
            found |= new
            step += 1
        return (unit, *sorted(found - {unit}))

    return tuple(of(unit) for unit in range(len(pattern)))


def diameter(pattern: Pattern) -> int:
    """Steps after which nothing new is reached, from whichever unit."""
    steps = 0
    while reach(pattern, steps) != reach(pattern, None):
        steps += 1
    return steps


def row_tables(rows: Pattern, name: str, note: str) -> list[Table]:
    """Lists of different lengths in one array, and where each begins."""
    starts = (0, *accumulate(len(row) for row in rows))
    return [
        Table(f"rtrl_{name}_at", "uint32", starts, f"{note}: where each list begins, and the end"),
        Table(f"rtrl_{name}", "uint8", tuple(i for row in rows for i in row), f"{note}, one list after the other"),
    ]


def _columns_by_unit(dims: Dims) -> Iterable[int]:
    """How many columns each unit has."""
    unit = dims.places[1]
    return [int((unit == i).sum()) for i in range(dims.units)]


def sparse_fields(dims: Dims, numbers: Numbers, reached: Pattern) -> list[Field]:
    """Influence of columns that have the states of ``reached`` alone, and D where there are weights."""
    n, p, word = dims.units, dims.columns, numbers.influence
    entries = sum(count * len(row) for count, row in zip(_columns_by_unit(dims), reached, strict=True))
    return [
        *column_fields(numbers, word, (entries,),
                       "influence ds/dW of the units that a weight reaches, one column after the other", p),
        Field("D", numbers.dynamics, (dims.connections,), "scratch", "ds_t/dh_{t-1} * 2^d_exp, of each weight"),
        Field("d_exp", "int8", (), "scratch", "exponent of D"),
        Field("whole", word, (n,), "scratch", "one column with the zeros between its entries"),
        Field("acc", "int32", (n,), "scratch", "one column before it is rounded"),
        Field("capped", "uint32", (), "counters", "column updates that the cap on |J| saturated"),
        Field("entry", "uint32", (), "scratch", "where the next column begins in J"),
        Field("column", "uint16", (), "scratch", "next column of a step that is cut into slices"),
    ]  # fmt: skip


def sparse_macs(dims: Dims, reached: Pattern) -> int:
    """Multiply-accumulates of the columns: of each entry D's row, and the gradient; and the immediate term."""
    pattern = dims.structure.pattern
    assert pattern is not None
    columns = zip(_columns_by_unit(dims), reached, strict=True)
    return sum(count * (1 + sum(len(pattern[k]) + 1 for k in row)) for count, row in columns)


SPARSE_NEEDS = ("columns.c",)
REACH_NOTE = "units whose states a weight of each unit reaches, itself first"


def refuses_sparse(structure: Structure) -> str | None:
    """The reason of the rules that multiply whole rows."""
    if structure.pattern is not None:
        return "it multiplies whole rows of weights, which sparse ones have not: use RTRL() or SnAp(n)"
    return None
