"""Trained networks from other frameworks in, learned weights back.

A reader (one module a format) finds a :class:`Network` in a file or refuses it with a sentence; what follows knows no
framework: check against the source's own arithmetic, quantize, and write learned weights back into the source's arrays.
"""

from __future__ import annotations

import importlib
from pathlib import Path

from ..errors import ConvertError
from .keras import from_keras
from .network import Network, Tensor, gates, tensors
from .pytorch import from_state_dict, from_torch

__all__ = ["Network", "Tensor", "from_keras", "from_state_dict", "from_torch", "gates", "read", "tensors"]

#: suffix of a file -> module and function that read it: (path, check) -> Network
READERS = {
    ".onnx": ("from_onnx", "from_onnx"),
    ".safetensors": ("weight_files", "from_safetensors"),
    ".npz": ("weight_files", "from_npz"),
    ".tflite": ("from_tflite", "from_tflite"),
    **dict.fromkeys((".pt", ".pth", ".pkl"), ("weight_files", "from_pickle")),
}


def read(path: str | Path, check: str | Path | None = None) -> Network:
    """The network in a file, by its suffix; ``check``: an .npz with x (T, inputs) and y (T, outputs) to compare with.

    Raises:
        ConvertError: another kind of file, or one that cannot be taken over.
    """
    path = Path(path)
    if path.suffix not in READERS:
        raise ConvertError(f"{path}: wanted a file that ends in {', '.join(READERS)}, found '{path.suffix}'")
    module, function = READERS[path.suffix]
    network: Network = getattr(importlib.import_module(f".{module}", __package__), function)(path, check)
    return network
