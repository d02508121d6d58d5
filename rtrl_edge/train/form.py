"""The linear form of a batch of steps in float32, and back-propagation through it.

The same form as in :mod:`rtrl_edge.model.structure`. Shapes: B sequences, G gates, K components, n units, m = length
of z.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ..model import Dims

Float32 = npt.NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class Form:
    """One step of B sequences.

    Args:
        z: (B, m) what the weights were multiplied with.
        coef: (B, G, K, n) ds/d(pre-activation of a gate).
        keep: (B, K, private, n), or None where units keep nothing.
    """

    z: Float32
    coef: Float32
    keep: Float32 | None = None


def gates(d: Dims, w: Float32) -> list[Float32]:
    """Views (rows, width) of the gates in the flat weights."""
    return [
        w[at : at + d.rows(block) * block.width].reshape(-1, block.width)
        for block, at in zip(d.structure.blocks, d.offsets, strict=True)
    ]


def with_bias(*parts: Float32) -> Float32:
    """[x; 1; ...] (B, .): the parts side by side, with ones after the first."""
    first, *rest = parts
    return np.concatenate((first, np.ones((len(first), 1), np.float32), *rest), axis=1)


def backward(d: Dims, w: Float32, form: Form, delta: Float32, gradient: Float32) -> Float32:
    """One step back: dL/ds (B, S) after the step -> before it; adds dL/dw into ``gradient`` (weights,)."""
    by_component = delta.reshape(len(delta), d.components, d.units)
    before = np.zeros_like(by_component)
    if form.keep is not None:
        before[:, : d.private] = np.einsum("bkpn,bkn->bpn", form.keep, by_component)
    errors = np.einsum("bgkn,bkn->gbn", form.coef, by_component)
    for block, weights, error in zip(d.structure.blocks, gates(d, w), errors, strict=True):
        if block.recurrent is not None:
            before[:, -1] += error @ weights[:, block.recurrent : block.recurrent + d.units]
    add_gradient(d, form, errors, gradient)
    return before.reshape(delta.shape)


def add_gradient(d: Dims, form: Form, errors: Float32, gradient: Float32) -> None:
    """Add dL/dw of the columns into ``gradient``, from dL/d(pre-activations) ``errors`` (G, B, n)."""
    for block, into, error in zip(d.structure.blocks, gates(d, gradient), errors, strict=True):
        into += error.T @ form.z[:, block.at : block.at + block.width]
