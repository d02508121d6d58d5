"""rtrl-edge: recurrent networks that keep learning on a microcontroller.

Define a network in Python, train it, quantize it, and get fixed-size C that predicts and learns on the chip by
exact Real-Time Recurrent Learning, with the same bits on the chip, in the host build and in NumPy.

The names below are the library; they are imported when first used, so that ``import rtrl_edge`` is quick.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

from ._version import __version__

if TYPE_CHECKING:
    from .boards import Board, board_names, load_board
    from .device.emulator import Emulator
    from .device.host import HostTwin
    from .errors import RtrlEdgeError
    from .evaluate.prequential import prequential
    from .model import R8, R16, RNN, RTRL, SGD, Linear, Model, ReadoutOnly, SquaredError
    from .plan import Plan, plan
    from .project import generate
    from .quantize import IntegerModel, quantize
    from .reference import Reference
    from .stream import Stream, load_stream, next_sample
    from .train import train
    from .weights import Scaling, Weights

_HOME = {
    "Board": "boards",
    "board_names": "boards",
    "load_board": "boards",
    "Emulator": "device.emulator",
    "HostTwin": "device.host",
    "RtrlEdgeError": "errors",
    "prequential": "evaluate.prequential",
    "R8": "model",
    "R16": "model",
    "RNN": "model",
    "RTRL": "model",
    "SGD": "model",
    "Linear": "model",
    "Model": "model",
    "ReadoutOnly": "model",
    "SquaredError": "model",
    "Plan": "plan",
    "plan": "plan",
    "generate": "project",
    "IntegerModel": "quantize",
    "quantize": "quantize",
    "Reference": "reference",
    "Stream": "stream",
    "load_stream": "stream",
    "next_sample": "stream",
    "train": "train",
    "Scaling": "weights",
    "Weights": "weights",
}

__all__ = ["__version__", *_HOME]  # noqa: PLE0604


def __getattr__(name: str) -> object:
    if name not in _HOME:
        raise AttributeError(f"module 'rtrl_edge' has no attribute {name!r}")
    value = getattr(importlib.import_module(f".{_HOME[name]}", __name__), name)
    globals()[name] = value  # also wins over a submodule of the same name (plan, quantize, train)
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
