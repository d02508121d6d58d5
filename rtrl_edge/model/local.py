"""What the rules with a local influence share: each column has only the states of its own unit."""

from __future__ import annotations

from .parts import Dims, Field, Structure


def local_fields(dims: Dims, source: str) -> list[Field]:
    """J (P, components) in int16 whatever the profile: it is small, and it has to decay slowly.

    Args:
        dims: sizes.
        source: ``keep`` where the local dynamics are the cell's own ``keep``; any other rule has them in
            ``own``, computed at each step.
    """
    k, p, n = dims.components, dims.columns, dims.units
    found = [
        Field("J", "int16", (p, k), "influence", "influence ds_i/dw of the states of the weight's own unit"),
        Field("E", "int8", (p,), "influence", "exponent of each column: ds_i/dw_p = J[p] * 2^-E[p]"),
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


def local_macs(dims: Dims) -> int:
    """Multiply-accumulates of the columns: K^2 for the influence, the immediate term and the gradient."""
    return (dims.components**2 + 2 * dims.components) * dims.columns


def local_needs(structure: Structure, *source: str) -> tuple[str, ...]:
    """Shared kernels; ``source``: those that give a unit's own dynamics, after those they build on."""
    return ("columns.c", "column_store.c", "local_coef_spread.c" if structure.spreads else "local_coef.c", *source)
