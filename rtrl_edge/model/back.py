"""What the rules share that carry a credit back in time: delta (states,) through the transpose of a step's dynamics.

``delta <- keep^T delta + mix^T delta``, with the error at every gate's pre-activation on the way,
``err[b, i] = sum_k coef[b, k, i] delta[k, i]`` (spread gates: ``spread[i] . delta``). Where the units meet only in W z
the mix is not needed for that: ``mix^T delta = sum_b W_b^T err_b``, n^2 multiply-accumulates a gate and no D.
"""

from __future__ import annotations

from .parts import PRODUCT, WORD, Constants, Field, Sum
from .structure import Dims, Structure


def room(terms: int) -> int:
    """The right shift after which a sum of ``terms`` words is no larger than one of them."""
    return (terms - 1).bit_length()


def back_needs(structure: Structure) -> tuple[str, ...]:
    """Shared kernels: errors, the two ways back, and the step back that adds them."""
    mix = "back_mix.c" if structure.own_mix else "back_blocks.c"
    return (
        "back_errors_spread.c" if structure.spreads else "back_errors.c",
        mix if structure.mixes else "back_mix_none.c",
        "back_keep.c" if structure.private else "back_keep_none.c",
        "back.c",
    )


def back_fields(dims: Dims) -> list[Field]:
    """Scratch: delta and the sums before it is rounded."""
    return [
        Field("delta", "int16", (dims.states,), "scratch", "dL/ds * 2^delta_exp on its way back, [component][unit]"),
        Field("delta_exp", "int16", (), "scratch", "exponent of delta"),
        Field("acc", "int32", (dims.states,), "scratch", "D^T delta before it is rounded"),
    ]


def back_constants(dims: Dims) -> Constants:
    """Shifts that give the sums their room; products of two words are at most 2^30."""
    s, terms = dims.structure, len(dims.structure.blocks) * dims.units
    return {
        "ERRORS_DOWN": (room(dims.units if s.spreads else dims.components), "room in an error's sum: |.| <= 2^30"),
        "KEEP_DOWN": (room(dims.components) + 1, "in keep^T delta: |.| <= 2^29"),
        # a word of the mix itself is below 2^31, not 2^15
        "MIX_DOWN": (room(dims.states) + 17 if s.own_mix else room(terms) + 1, "in mix^T delta: |.| <= 2^29"),
    }


def back_sums(dims: Dims) -> list[Sum]:
    """The sums back, exact in 64 bits, and what is left of them in int32."""
    s, down = dims.structure, {name: value for name, (value, _) in back_constants(dims).items()}
    errors = (dims.units if s.spreads else dims.components) * PRODUCT
    mixed = dims.states * PRODUCT * 2 * WORD if s.own_mix else len(s.blocks) * dims.units * PRODUCT
    kept = dims.components * PRODUCT
    found = [
        Sum("coef^T delta", errors, 64),
        Sum("coef^T delta, rounded", errors >> down["ERRORS_DOWN"]),
        Sum("mix^T delta", mixed, 64),
        Sum("D^T delta, rounded", (kept >> down["KEEP_DOWN"]) + (mixed >> down["MIX_DOWN"])),
    ]
    return found if s.mixes else [*found[:2], Sum("keep^T delta, rounded", kept >> down["KEEP_DOWN"])]


def error_macs(dims: Dims) -> int:
    """Multiply-accumulates of all gates' errors; computed twice, because an array of the sums would cost RAM."""
    spread = sum(block.spread for block in dims.structure.blocks)
    return 2 * ((len(dims.structure.blocks) - spread) * dims.states + spread * dims.neurons * dims.units)


def back_macs(dims: Dims) -> int:
    """Multiply-accumulates of one step back, without the errors."""
    s, n = dims.structure, dims.units
    mix = dims.cell.mix_macs(dims) + dims.states * n if s.own_mix else len(s.blocks) * n * n
    return dims.private * dims.states + (mix if s.mixes else 0)
