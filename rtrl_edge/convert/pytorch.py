"""PyTorch in and out: ``nn.RNN``, ``nn.GRU`` or ``nn.LSTM`` with a ``nn.Linear`` readout, as a module or as weights.

A state dict names ``weight_ih_l0`` (k n, inputs), ``weight_hh_l0`` (k n, n), ``bias_ih_l0`` and ``bias_hh_l0`` (k n,)
for the gates i, f, g, o (LSTM), r, z, n (GRU) or the only one, and ``weight``, ``bias`` for the readout. The two biases
are summed, but for the GRU's n: its b_hh is inside the product with r (reset after). Arrays are held in float64, so the
way back rounds nothing: every word of the chip, 28 fraction bits in R16, is in the state dict as it is.
Source: PyTorch's documentation of these modules.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from ..errors import ConvertError
from ..model import GRU, LSTM, RNN, Cell, Direct, Linear
from ..stream import Float
from .network import Network, Tensor, tensors

GATES: dict[int, tuple[type[Cell], str]] = {1: (RNN, "W"), 3: (GRU, "rzn"), 4: (LSTM, "ifgo")}
_RECURRENT = re.compile(r"(.*?)(weight|bias)_(ih|hh)_l(\d+)")
LAYERS_MAX = 16


def from_torch(module: Any) -> Network:
    """The network in a module: a recurrent one, or one with a recurrent and at most one Linear module inside.

    A module of your own is called, with x (T, 1, inputs), or (1, T, inputs) where ``batch_first``, and has to return
    what Linear gives, of every step or of the last; a Sequential cannot be called (an LSTM returns a tuple), so its
    parts are, one after the other.

    Raises:
        ConvertError: other modules with weights, bidirectional or with projections, relu, a forward that does more.
    """
    try:
        import torch
    except ImportError as error:
        raise ConvertError(f"PyTorch: wanted the package torch ({error}); pip install 'rtrl-edge[torch]'") from error
    nn = torch.nn
    if not isinstance(module, nn.Module):
        raise ConvertError(f"PyTorch: wanted a torch.nn.Module, found {type(module).__name__}")
    weighted = [(name, part) for name, part in module.named_modules() if [*part.parameters(recurse=False)]]
    rnns = [(name, part) for name, part in weighted if isinstance(part, nn.RNNBase)]
    heads = [(name, part) for name, part in weighted if type(part) is nn.Linear]
    for name, part in weighted:
        if (name, part) not in rnns + heads:
            raise ConvertError(f"PyTorch: module '{name}' ({type(part).__name__}) has weights and cannot be taken over")
    if len(rnns) != 1 or len(heads) > 1:
        raise ConvertError(
            f"PyTorch: wanted one nn.RNN, nn.GRU or nn.LSTM and at most one nn.Linear, found {len(rnns)} and "
            f"{len(heads)}; layers of nn.RNN are written nn.RNN(num_layers=...)"
        )
    rnn, head = rnns[0][1], heads[0][1] if heads else None
    for wrong, found in (
        (rnn.bidirectional, "bidirectional: the future is not known on the chip"),
        (rnn.proj_size, "proj_size: there is no cell with a projection"),
        (getattr(rnn, "nonlinearity", "tanh") != "tanh", "nonlinearity='relu': there is only tanh"),
    ):
        if wrong:
            raise ConvertError(f"PyTorch: {type(rnn).__name__}: {found}")
    parts = isinstance(module, nn.Sequential) or module is rnn

    def evaluate(x: Float) -> Float:
        sample = torch.as_tensor(x, dtype=next(module.parameters()).dtype)
        sample = sample[None] if rnn.batch_first else sample[:, None]
        was = module.training
        module.eval()
        try:
            with torch.no_grad():
                found = rnn(sample) if parts else module(sample)
                found = found[0] if isinstance(found, tuple) else found
                found = head(found) if parts and head is not None else found
        except (TypeError, RuntimeError, ValueError) as error:
            text = str(error).splitlines()[:1]
            raise ConvertError(
                f"PyTorch: {type(module).__name__} cannot be called with x of the shape {tuple(sample.shape)} "
                f"({' '.join(text)[:200]}); give its state dict instead: from_state_dict(module.state_dict())"
            ) from error
        finally:
            module.train(was)
        y: Float = found.double().cpu().numpy()
        y = y.reshape(-1, y.shape[-1]) if y.ndim in (2, 3) else y
        return y

    warnings = []
    if rnn.dropout and rnn.num_layers > 1:
        warnings.append(f"dropout={rnn.dropout:g} works in training alone and is left out")
    own = {f"{name}.{key}".lstrip(".") for name, part in weighted for key, _ in part.named_parameters(recurse=False)}
    known = {key: value for key, value in module.state_dict().items() if key in own}
    source = f"PyTorch {torch.__version__.split('+')[0]}, {type(module).__name__}"
    network = from_state_dict(known, source=source, evaluate=evaluate, warnings=warnings)
    difference = network.largest_difference()
    if not difference <= 1e-4 * (1 + float(np.abs(network.play(np.ones((8, network.inputs)))).max())):
        raise ConvertError(
            f"PyTorch: {type(module).__name__} computes something else than its recurrent part and then its Linear: "
            f"they differ by {difference:.3g} on random sequences. Only the two can be taken over"
        )
    return network


def from_state_dict(
    state: Mapping[str, Any],
    *,
    source: str = "PyTorch, state dict",
    evaluate: Callable[[Float], Float] | None = None,
    warnings: list[str] | None = None,
) -> Network:
    """The network in a state dict, of tensors or arrays: its kind follows from the shapes, whatever comes before the
    names. ``nonlinearity='relu'`` cannot be seen in it: compare with outputs of the network.

    Raises:
        ConvertError: names or shapes that are not those of one recurrent module and at most one Linear.
    """
    arrays = {str(name): _array(str(name), value) for name, value in state.items()}
    recurrent = {name: match for name in arrays if (match := _RECURRENT.fullmatch(name))}
    prefixes = {match[1] for match in recurrent.values()}
    if len(prefixes) != 1:
        raise ConvertError(
            f"{source}: wanted weight_ih_l0, weight_hh_l0 of one nn.RNN, nn.GRU or nn.LSTM, found those of "
            f"{len(prefixes)} among {len(arrays)} arrays{_few(arrays)}"
        )
    prefix = prefixes.pop()
    layers = len({match[4] for match in recurrent.values()})
    wanted = [f"{prefix}{kind}_l{layer}" for layer in range(layers) for kind in ("weight_ih", "weight_hh")]
    biases = [f"{prefix}{kind}_l{layer}" for layer in range(layers) for kind in ("bias_ih", "bias_hh")]
    if layers > LAYERS_MAX or set(recurrent) not in ({*wanted}, {*wanted, *biases}):
        raise ConvertError(
            f"{source}: wanted the weights of one direction, without projections, layer after layer, found "
            f"{len(recurrent)} arrays{_few(recurrent)}"
        )
    t = tensors(arrays)
    ties: list[tuple[str, Tensor]] = []
    cells, mapped = [], []
    for layer in range(layers):
        named = {kind: t.get(f"{prefix}{kind}_l{layer}") for kind in ("weight_ih", "weight_hh", "bias_ih", "bias_hh")}
        pieces = {kind: piece for kind, piece in named.items() if piece is not None}
        cell, gates = _cell(f"{source}: layer {layer}", pieces)
        cells.append(cell)
        ties += _ties([f"W{layer + 1}"] * len(gates) if layers > 1 else gates, cell.units, pieces)
        shapes = f"{tuple(pieces['weight_ih'].shape)} and {tuple(pieces['weight_hh'].shape)}"
        mapped.append(f"{prefix}*_l{layer}, {shapes} -> {cell!r}")
    outputs = _readout(source, t, [name for name in arrays if name not in recurrent], ties, mapped)
    return Network.of(
        source=source, inputs=t[f"{prefix}weight_ih_l0"].shape[1], cells=cells, arrays=arrays, ties=ties,
        readout=Linear(outputs) if outputs else Direct(cells[-1].units), mapped=mapped, warnings=warnings or (),
        evaluate=evaluate,
    )  # fmt: skip


def _cell(where: str, pieces: Mapping[str, Tensor]) -> tuple[Cell, Sequence[str]]:
    """The cell of one layer and its gates in torch's order, by the shapes; ``where`` begins the messages."""
    into, back = pieces["weight_ih"].shape, pieces["weight_hh"].shape
    if len(into) != 2 or len(back) != 2 or not back[1] or into[0] != back[0]:
        raise ConvertError(f"{where}: wanted weight_ih (k n, inputs) and weight_hh (k n, n), found {into} and {back}")
    rows, n = back
    if rows not in (n, 3 * n, 4 * n):
        raise ConvertError(f"{where}: wanted n, 3 n or 4 n rows of {n}, found {rows}")
    if any(pieces[kind].shape != (rows,) for kind in ("bias_ih", "bias_hh") if kind in pieces):
        raise ConvertError(f"{where}: wanted biases ({rows},)")
    cell, gates = GATES[rows // n]
    return cell(n), gates  # type: ignore[call-arg]


def _ties(gates: Sequence[str], n: int, pieces: Mapping[str, Tensor]) -> list[tuple[str, Tensor]]:
    """Which of our arrays each piece of a layer is: of gate g g.x, g.h and g.b; of b_hh of GRU's n n.c, for it is
    inside the product with r."""
    ties = []
    for k, gate in enumerate(gates):
        ours = {"weight_ih": "x", "weight_hh": "h", "bias_ih": "b", "bias_hh": "c" if gate == "n" else "b"}
        ties += [(f"{gate}.{ours[kind]}", piece[k * n : (k + 1) * n]) for kind, piece in pieces.items()]
    return ties


def _readout(
    source: str, t: dict[str, Tensor], names: list[str], ties: list[tuple[str, Tensor]], mapped: list[str]
) -> int:
    """Outputs of the one Linear, 0 if there is none."""
    if not names:
        mapped.append("no Linear -> Direct: the units are the outputs")
        return 0
    stem = names[0].rpartition(".")[0]
    found = {name.removeprefix(stem + "." if stem else ""): t[name] for name in names}
    if set(found) not in ({"weight"}, {"weight", "bias"}) or len(found["weight"].shape) != 2:
        raise ConvertError(f"{source}: wanted weight and bias of at most one nn.Linear beside it, found{_few(names)}")
    outputs = found["weight"].shape[0]
    ties += [(tie, found[kind]) for tie, kind in (("V.h", "weight"), ("V.b", "bias")) if kind in found]
    mapped.append(f"{stem or 'weight, bias'}, {tuple(found['weight'].shape)} -> Linear({outputs})")
    return outputs


def _array(name: str, value: Any) -> npt.NDArray[np.float64]:
    """In float64. A tensor of torch knows how to become an array; nothing else of torch is needed."""
    if hasattr(value, "detach"):
        value = value.detach().cpu().double().numpy()
    array = np.asarray(value)
    if array.dtype.kind != "f":
        raise ConvertError(f"PyTorch: {name}: wanted floating-point weights, found {array.dtype}")
    return array.astype(np.float64)


def _few(names: Any) -> str:
    found = [str(name)[:60] for name in names][:6]
    return ": " + ", ".join(found) if found else ""
