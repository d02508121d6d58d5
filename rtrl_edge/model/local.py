"""What the rules with a local influence share: each column has only the states of its own unit."""

from __future__ import annotations

import math

from .numbers import Numbers, l1_max
from .parts import PRODUCT, WORD, Field, Sum
from .structure import Dims, Structure


def column_fields(numbers: Numbers, word: str, shape: tuple[int, ...], note: str, columns: int) -> list[Field]:
    """J in words of type ``word``, and an exponent for each of its columns unless the profile has one for all."""
    if numbers.fixed_exponent is not None:
        return [Field("J", word, shape, "influence", f"{note}, * 2^{numbers.fixed_exponent}")]
    return [
        Field("J", word, shape, "influence", note),
        Field("E", "int8", (columns,), "influence", "exponent of each column: ds/dw_p = J[p] * 2^-E[p]"),
    ]


def column_sums(word: str, terms: str, carried: int | None = None) -> list[Sum]:
    """A new column before it is rounded, and its gradient.

    Args:
        word: of J.
        terms: what J is multiplied with, in letters.
        carried: bound on these products; that of the L1 rule, counted after rounding, if not given.
    """
    rule = l1_max(word) << (int(word.removeprefix("int")) - 1)
    return [
        Sum(f"{terms} J + I", (rule if carried is None else carried) + PRODUCT),
        Sum("credit^T J", rule, 31),
    ]


def local_sums(dims: Dims) -> list[Sum]:
    """Columns of a unit's own states. Rows are at most 2^15 - 1; a rotation's, sqrt(2) times that."""
    rotation = Sum("own J before it is shifted", math.isqrt(2 * WORD**2) * WORD)
    return [rotation] * (dims.private == dims.components > 1) + column_sums("int16", "own")


def local_fields(dims: Dims, numbers: Numbers, source: str) -> list[Field]:
    """J (P, components) in int16 whatever the profile: it is small, and it has to decay slowly.

    Args:
        dims: sizes.
        numbers: word sizes.
        source: ``keep`` where the local dynamics are the cell's own ``keep``; any other rule has them in
            ``own``, computed at each step.
    """
    k, p, n = dims.components, dims.columns, dims.units
    found = [
        *column_fields(numbers, "int16", (p, k), "influence ds_i/dw of the states of the weight's own unit", p),
        Field("capped", "uint32", (), "counters", "column updates that the cap on |J| saturated"),
        Field("column", "uint16", (), "scratch", "next column of a step that is cut into slices"),
    ]
    if source != "keep":
        found += [
            Field("own", "int16", (k * k * n,), "scratch",
                  "local dynamics ds_i(t)/ds_i(t-1) * 2^own_exp, [component][of component][unit]"),
            Field("own_exp", "int8", (), "scratch", "exponent of own"),
        ]  # fmt: skip
    return found


def diagonal_fields(dims: Dims, numbers: Numbers) -> list[Field]:
    """J as of the local rules, where units do not mix: the linear form is made unit by unit and kept nowhere, but for
    the exponent that all units share."""
    k, p = dims.components, dims.columns
    return [
        *column_fields(numbers, "int16", (p, k), "influence ds_i/dw of the states of the weight's own unit", p),
        *(field for field in dims.cell.linear_fields(dims) if field.name == "k_exp"),
        Field("capped", "uint32", (), "counters", "column updates that the cap on |J| saturated"),
        Field("unit", "uint16", (), "scratch", "next unit of a step that is cut into slices"),
    ]


def local_macs(dims: Dims) -> int:
    """Multiply-accumulates of the columns: K^2 for the influence, the immediate term and the gradient."""
    return (dims.components**2 + 2 * dims.components) * dims.columns


def local_needs(structure: Structure, *source: str) -> tuple[str, ...]:
    """Shared kernels; ``source``: those that give a unit's own dynamics, after those they build on."""
    return ("columns.c", "local_coef_spread.c" if structure.spreads else "local_coef.c", *source)


def hidden(structure: Structure) -> str | None:
    """Why an influence of the own unit alone would leave some weights without a gradient, or None."""
    if structure.shown is None:
        return None
    return "the readout does not see the lower layers, and a local influence has no way up: use RTRL() or BPTT(window)"
