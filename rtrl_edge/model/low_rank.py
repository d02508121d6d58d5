"""What the unbiased low-rank rules share: J kept as a few products of two vectors that are right on average."""

from __future__ import annotations

import math

from .limits import whole
from .numbers import Numbers
from .parts import WORD, Constants, Field, Sum
from .rule_rtrl import credit_fields, mix_fields
from .structure import Dims, Structure

#: smallest exponent of a pair where there is no cap: entries of J up to 2^30 2^-16
PAIR_E_MIN = 16
#: what a C int holds
SEED_MAX = 2**31 - 1


def check_seed(rule: str, seed: object) -> None:
    """ModelError unless it is a whole number that fits."""
    whole(f"{rule}(seed)", seed, 0, SEED_MAX)


def rows(dims: Dims) -> int:
    """Rows of weights R: one a gate and neuron."""
    return len(dims.structure.blocks) * dims.neurons


def low_rank_needs(structure: Structure) -> tuple[str, ...]:
    """Kernels of the three rules, each after those it builds on."""
    kept = ("keep.c", "keep_add_c.c") if structure.private else ("keep_none.c",)
    mixing = (*kept, "dynamics.c", "advance_mix.c")
    return (
        "columns.c",
        "dot_c.c",
        *(mixing if structure.mixes else ("advance_keep.c",)),
        "project_spread.c" if structure.spreads else "project.c",
        "pairs.c",
    )


def low_rank_constants(numbers: Numbers, seed: int, terms: int) -> Constants:
    """Seed, floor of the exponents, and how many products a gradient is the sum of."""
    floor = PAIR_E_MIN if numbers.cap is None else max(PAIR_E_MIN, 30 - round(math.log2(numbers.cap)))
    return {
        "SEED": (seed, "of the random signs"),
        "PAIR_E_MIN": (floor, "smallest exponent of a pair: the cap on |J|"),
        "N_TERMS": (terms, "products that a gradient is the sum of, the immediate one last"),
        "HEADROOM": ((terms - 1).bit_length(), "bits by which that sum may grow"),
    }


def low_rank_fields(dims: Dims, numbers: Numbers, terms: int) -> list[Field]:
    """The generator, the linear form, the credit, and what the gradient of every column is made from."""
    return [
        Field("random", "uint32", (), "influence", "state of the generator of signs; a reset does not touch it"),
        Field("capped", "uint32", (), "counters", "times that the cap on |J| scaled a pair down"),
        *dims.cell.linear_fields(dims),
        *(mix_fields(dims) if dims.structure.mixes else []),
        *credit_fields(dims),
        Field("acc", "int32", (dims.states,), "scratch", "D times a vector before it is rounded"),
        Field("credit_row", "int16", (rows(dims),), "scratch", "c^T I of each row of weights, without z"),
        Field("term_down", "int8", (terms,), "scratch", "right shifts that give a gradient's terms one exponent"),
        Field("g_exp", "int8", (), "scratch", "and this exponent"),
        Field("column", "uint16", (), "scratch", "next column of a step that is cut into slices"),
    ]


def low_rank_sums(dims: Dims, terms: int) -> list[Sum]:
    """D times a vector, the projections of I, and a gradient of ``terms`` products, each shifted to make room."""
    shift = (terms - 1).bit_length()
    by_rule = (WORD - 1) * WORD
    own = dims.neurons if dims.structure.spreads else dims.components
    return [
        Sum("(keep + D) times a vector", by_rule) if dims.structure.mixes
        else Sum("keep times a vector", math.isqrt(2 * WORD**2) * WORD),
        Sum("c^T of a factor", by_rule, 31),
        Sum("nu^T I", own * WORD),
        Sum("a gradient's terms", terms * ((by_rule >> shift) + 1), 31, "use a lower rank"),
    ]  # fmt: skip


def linear_macs(dims: Dims) -> int:
    """The mix and the credit; what a vector times D costs is :func:`advance_macs`."""
    return (dims.cell.mix_macs(dims) if dims.structure.mixes else 0) + dims.outputs * dims.visible


def advance_macs(dims: Dims) -> int:
    """(keep + D) times one vector."""
    return dims.states * ((dims.units if dims.structure.mixes else 0) + dims.private)


def project_macs(dims: Dims) -> int:
    """The immediate Jacobian, without z, times one vector of states."""
    s, n = dims.structure, dims.units
    return sum(n * (dims.neurons if block.spread else s.components) for block in s.blocks)
