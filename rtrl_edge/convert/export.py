"""Learned weights in the source framework's names, types and gate order."""

from __future__ import annotations

from pathlib import Path

from ..errors import ConvertError
from ..quantize import IntegerModel
from .network import Network

TO = ("onnx", "tflite", "npz", "safetensors")


def export(network: Network, learned: IntegerModel, to: str, source: Path | None = None) -> bytes:
    """The bytes of a file.

    Args:
        network: what the model was imported from.
        learned: the model with learned weights: :meth:`rtrl_edge.Snapshot.model`.
        to: ``onnx``, ``tflite``: the original graph with new weights; ``npz`` or ``safetensors``: arrays under the
            source's names.
        source: the original file, for the two with a graph.
    """
    arrays = network.back(learned.float_weights())
    if to in ("npz", "safetensors"):
        from .weight_files import file_of

        return file_of(f".{to}", arrays)
    if to not in TO or source is None or source.suffix != f".{to}":
        raise ConvertError(
            f"export: wanted one of {', '.join(TO)}, the first two only where the source is one, found {to!r}"
        )
    from . import from_onnx, from_tflite

    write = from_onnx.with_weights if to == "onnx" else from_tflite.with_weights
    return write(source.read_bytes(), arrays)
