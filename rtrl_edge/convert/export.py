"""Learned weights in the source framework's names, types and gate order."""

from __future__ import annotations

from pathlib import Path

from ..errors import ConvertError
from ..quantize import IntegerModel
from .network import Network

TO = ("onnx", "npz", "safetensors")


def export(network: Network, learned: IntegerModel, to: str, source: Path | None = None) -> bytes:
    """The bytes of a file.

    Args:
        network: what the model was imported from.
        learned: the model with learned weights: :meth:`rtrl_edge.Snapshot.model`.
        to: ``onnx``: the original graph with new weights; ``npz`` or ``safetensors``: arrays under the source's names.
        source: the original file, for ``onnx``.
    """
    arrays = network.back(learned.float_weights())
    if to in ("npz", "safetensors"):
        from .weight_files import file_of

        return file_of(f".{to}", arrays)
    if to != "onnx" or source is None or source.suffix != ".onnx":
        raise ConvertError(f"export: wanted one of {', '.join(TO)}, and onnx only where the source is, found {to!r}")
    from .from_onnx import with_weights

    return with_weights(source.read_bytes(), arrays)
