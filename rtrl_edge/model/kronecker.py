"""What the rules share that keep J as products of one vector over z and one matrix: KF-RTRL and the Kronecker sums."""

from __future__ import annotations

from .low_rank import (
    advance_macs,
    linear_macs,
    low_rank_constants,
    low_rank_fields,
    low_rank_needs,
    low_rank_sums,
    project_macs,
    rows,
)
from .numbers import Numbers
from .parts import PRODUCT, Constants, Field, Sum
from .sparse import refuses_sparse
from .structure import Dims, Structure


def kronecker_refuses(structure: Structure) -> str | None:
    """Why the immediate Jacobian of a structure is not one product, or None where it is."""
    if structure.pattern is not None:
        return refuses_sparse(structure)
    instead = "use RTRL(), or UORO(), which goes with every cell"
    spread = [block.name for block in structure.blocks if block.spread]
    if spread:
        return f"weights of its gate {spread[0]} move every unit, so I is not z times a matrix of own units; {instead}"
    first = structure.blocks[0]
    for block in structure.blocks:
        if (block.at, block.width) != (first.at, first.width):
            return f"its gates {first.name} and {block.name} see different inputs, so I is no product; {instead}"
    return None


def width(dims: Dims) -> int:
    """Length m of what every gate sees."""
    return dims.structure.blocks[0].width


def kronecker_needs(structure: Structure) -> tuple[str, ...]:
    """Kernels, each after those it builds on."""
    return (*low_rank_needs(structure), "kronecker.c")


def kronecker_constants(dims: Dims, numbers: Numbers, seed: int, pairs: int, stored: int) -> Constants:
    """Sizes of the pairs."""
    return low_rank_constants(numbers, seed, pairs + 1) | {
        "N_PAIRS": (pairs, "pairs from step to step"),
        "N_STORED": (stored, "pairs in memory"),
        "N_ROWS": (rows(dims), "rows of weights"),
        "N_WIDTH": (width(dims), "weights of a row"),
        "Z_AT": (dims.structure.blocks[0].at, "where they begin in z"),
    }


def kronecker_fields(dims: Dims, numbers: Numbers, pairs: int, stored: int) -> list[Field]:
    """The pairs, and the work area that a sliced step needs."""
    s, r, m = dims.states, rows(dims), width(dims)
    return [
        Field("u", "int16", (stored, m), "influence", "J = sum of A u^T 2^-E over the pairs: factors over z"),
        Field("A", "int16", (stored, r, s), "influence", "factors over rows of weights and states"),
        Field("E", "int8", (stored,), "influence", "exponents of the products"),
        *low_rank_fields(dims, numbers, pairs + 1),
        Field("pair_row", "int16", (pairs, r), "scratch", "c^T A of each row of weights"),
        Field("row_down", "int8", (r,), "scratch", "shifts of the rows of D A before they have one exponent"),
    ]


def kronecker_sums(dims: Dims, pairs: int) -> list[Sum]:
    """Beside the shared ones, the norms and scalar products of the factors."""
    return [
        *low_rank_sums(dims, pairs + 1),
        Sum("u . u", width(dims) * PRODUCT, 64),
        Sum("A . A", rows(dims) * dims.states * PRODUCT, 64),
    ]


def kronecker_macs(dims: Dims, pairs: int) -> int:
    """D, D A, the credit through A and I, the gradient of every column."""
    r = rows(dims)
    shared = linear_macs(dims) + 2 * project_macs(dims)
    return shared + pairs * r * (advance_macs(dims) + 2 * dims.visible) + (pairs + 1) * dims.columns
