"""Keras in and out: ``get_weights()`` of SimpleRNN, GRU (both forms) or LSTM, and of a Dense readout, in that order.

A recurrent layer has ``kernel`` (inputs, k n), ``recurrent_kernel`` (n, k n) and ``bias`` (k n,), gate after gate:
i, f, c, o (LSTM; c is our g), z, r, h (GRU; h is our n). A GRU with ``reset_after=True``, Keras' default, has a bias of
two rows, of which the second belongs to the recurrent kernel; the two are summed but for h. Source: Keras' layers.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from ..errors import ConvertError
from ..model import GRU, LSTM, RNN, Cell, Direct, Linear
from .network import Network, Tensor, tensors

SOURCE = "Keras, get_weights()"
_GATES = {1: "W", 3: "zrn", 4: "ifgo"}
LAYERS_MAX = 16


def from_keras(weights: Sequence[Any] | Mapping[str, Any]) -> Network:
    """The network of which these are the weights: the list of ``get_weights()``, or the arrays arr_0, arr_1 and so on
    that ``np.savez(path, *model.get_weights())`` makes of it. Activations are Keras' defaults, tanh and sigmoid: others
    cannot be seen in weights; compare with outputs of the network.

    Raises:
        ConvertError: shapes that are not those of recurrent layers and at most one Dense.
    """
    found = weights if isinstance(weights, Mapping) else {f"arr_{k}": array for k, array in enumerate(weights)}
    arrays = {}
    for k in range(len(found)):
        if f"arr_{k}" not in found:
            raise ConvertError(f"{SOURCE}: wanted the arrays arr_0 to arr_{len(found) - 1}, found no arr_{k}")
        array = np.asarray(found[f"arr_{k}"])
        if array.dtype.kind != "f":
            raise ConvertError(f"{SOURCE}: arr_{k}: wanted floating-point weights, found {array.dtype}")
        arrays[f"arr_{k}"] = array.astype(np.float64)
    rest = [*tensors(arrays).items()]
    cells: list[Cell] = []
    ties: list[tuple[str, Tensor]] = []
    mapped: list[str] = []
    layers: list[list[tuple[str, Tensor]]] = []
    while len(rest) >= 2 and len(rest[0][1].shape) == len(rest[1][1].shape) == 2 and len(cells) < LAYERS_MAX:
        taken = 3 if len(rest) > 2 and _is_bias(rest[1][1], rest[2][1]) else 2
        names, parts = [name for name, _ in rest[:taken]], [tensor for _, tensor in rest[:taken]]
        cell, own = _layer(names, parts)
        cells.append(cell)
        layers.append(own)
        mapped.append(f"{', '.join(names)} -> {cell!r}")
        rest = rest[taken:]
    if not cells:
        raise ConvertError(f"{SOURCE}: wanted kernel and recurrent_kernel first, found {_shapes(rest)}")
    for number, own in enumerate(layers, start=1):
        ties += [(name.replace("W.", f"W{number}.") if len(layers) > 1 else name, piece) for name, piece in own]
    outputs = 0
    if rest:
        shapes = [tensor.shape for _, tensor in rest]
        if len(shapes) > 2 or len(shapes[0]) != 2 or shapes[1:] not in ([], [shapes[0][1:]]):
            raise ConvertError(f"{SOURCE}: wanted at most one Dense after them, found {_shapes(rest)}")
        outputs = shapes[0][1]
        ties += [("V.h", rest[0][1].T)] + [("V.b", tensor) for _, tensor in rest[1:]]
    mapped.append(f"{', '.join(n for n, _ in rest)} -> Linear({outputs})" if rest else "no Dense -> Direct")
    return Network.of(
        source=SOURCE, inputs=arrays["arr_0"].shape[0], cells=cells, arrays=arrays, ties=ties, mapped=mapped,
        readout=Linear(outputs) if outputs else Direct(cells[-1].units),
    )  # fmt: skip


def _is_bias(recurrent: Tensor, bias: Tensor) -> bool:
    return bias.shape in ((recurrent.shape[1],), (2, recurrent.shape[1]))


def _layer(names: list[str], parts: list[Tensor]) -> tuple[Cell, list[tuple[str, Tensor]]]:
    """A cell, and the ties of its kernel, its recurrent kernel and its bias, if it has one."""
    into, back, *bias = parts
    n, columns = back.shape
    if not n or columns not in (n, 3 * n, 4 * n) or into.shape[1] != columns:
        raise ConvertError(
            f"{SOURCE}: {', '.join(names)}: wanted (inputs, k n) and (n, k n), k = 1, 3 or 4, found {into.shape} and "
            f"{back.shape}"
        )
    k = columns // n
    if k == 3 and not bias:
        raise ConvertError(f"{SOURCE}: a GRU without bias does not tell its reset_after; make it with use_bias=True")
    two = bool(bias) and len(bias[0].shape) == 2
    if two and k != 3:
        raise ConvertError(f"{SOURCE}: {names[2]}: only a GRU has a bias of two rows, found {bias[0].shape}")
    cell = {1: RNN(n), 3: GRU(n, reset="after" if two else "before"), 4: LSTM(n)}[k]
    ties = []
    for at, gate in enumerate(_GATES[k]):
        part = slice(at * n, (at + 1) * n)
        ties += [(f"{gate}.x", into[:, part].T), (f"{gate}.h", back[:, part].T)]
        rows = [bias[0][0], bias[0][1]] if two else bias
        for name, row in zip(("b", "c" if gate == "n" else "b"), rows, strict=False):
            ties.append((f"{gate}.{name}", row[part]))
    return cell, ties


def _shapes(parts: list[tuple[str, Tensor]]) -> str:
    return ", ".join(f"{name} {tensor.shape}" for name, tensor in parts[:6]) or "nothing"
