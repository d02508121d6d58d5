"""rtrl-edge: recurrent networks that keep learning on a microcontroller.

Define a network in Python, train it, quantize it, and get fixed-size C that predicts and learns on the chip by
exact Real-Time Recurrent Learning, with the same bits on the chip, in the host build and in NumPy.

The names below are the library. What a definition and its plan do not need is imported when first used.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

from ._version import __version__
from .boards import Board, board_names, load_board
from .errors import RtrlEdgeError
from .model import (
    BPTT,
    DNI,
    ELSTM,
    GRU,
    KFRTRL,
    LSTM,
    OK,
    Q14,
    R8,
    R16,
    RFLO,
    RNN,
    RTRL,
    RTU,
    SGD,
    UORO,
    BinaryCrossEntropy,
    BlockRTRL,
    ColumnarLSTM,
    Direct,
    EProp,
    FullyRecurrent,
    HalfRMSprop,
    Huber,
    Jordan,
    Linear,
    Model,
    Momentum,
    ReadoutOnly,
    SnAp,
    SoftmaxCrossEntropy,
    SquaredError,
    Trunc1,
)
from .plan import Plan, plan
from .quantize import IntegerModel, quantize
from .stream import Stream, next_sample
from .stream_file import load_stream
from .train import train
from .weights import Scaling, Weights

if TYPE_CHECKING:
    from .device.emulator import Emulator
    from .device.host import HostTwin
    from .evaluate.prequential import prequential
    from .project import generate
    from .reference import Reference
    from .snapshot import Snapshot

# not plan, quantize and train: a submodule of that name would stand where the function is wanted
_LAZY = {
    "Emulator": "device.emulator",
    "HostTwin": "device.host",
    "Reference": "reference",
    "Snapshot": "snapshot",
    "generate": "project",
    "prequential": "evaluate.prequential",
}

__all__ = [
    "BPTT", "DNI", "ELSTM", "GRU", "KFRTRL", "LSTM", "OK", "Q14", "R8", "R16", "RFLO", "RNN", "RTRL", "RTU", "SGD",
    "UORO", "BinaryCrossEntropy", "BlockRTRL", "Board", "ColumnarLSTM", "Direct", "EProp", "Emulator", "FullyRecurrent",
    "HalfRMSprop", "HostTwin", "Huber", "IntegerModel", "Jordan", "Linear", "Model", "Momentum", "Plan",
    "ReadoutOnly", "Reference", "RtrlEdgeError", "Scaling", "SnAp", "Snapshot", "SoftmaxCrossEntropy", "SquaredError",
    "Stream", "Trunc1", "Weights", "__version__", "board_names", "generate", "load_board", "load_stream",
    "next_sample", "plan", "prequential", "quantize", "train",
]  # fmt: skip


def __getattr__(name: str) -> object:
    if name not in _LAZY:
        raise AttributeError(f"module 'rtrl_edge' has no attribute {name!r}")
    value = getattr(importlib.import_module(f".{_LAZY[name]}", __name__), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return __all__
