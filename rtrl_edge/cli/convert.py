"""Networks from elsewhere, and back: import, export, diff."""

from __future__ import annotations

import argparse
from pathlib import Path

from ..errors import ModelError
from ..project import write_new
from ..snapshot import Snapshot
from ..stream_file import load_stream
from .arguments import Commands, add_model
from .common import build, load


def add_import(commands: Commands) -> None:
    sub = commands.add(
        "import",
        _import,
        "take over a network trained elsewhere: ONNX, TFLite, weights of PyTorch or Keras",
        "Prints what was found, what was mapped to what, and the largest difference to the source's own arithmetic; "
        "refuses what it cannot take over by naming it.",
    )
    sub.add_argument(
        "file", type=Path, metavar="FILE", help="model.onnx, model.tflite, or weights as .safetensors or .npz"
    )
    sub.add_argument(
        "--out", type=Path, metavar="DIR", help="write model.py and its weights into a new or empty folder"
    )
    sub.add_argument(
        "--stream",
        type=Path,
        metavar="STREAM",
        help="recording (.csv or .npz) to calibrate on: also prints what quantization costs; default: random noise",
    )
    sub.add_argument(
        "--check",
        type=Path,
        metavar="FILE.NPZ",
        help="x (T, inputs) and y (T, outputs) as the source computes them, to compare with",
    )


def _import(options: argparse.Namespace) -> int:
    from ..convert import read
    from ..convert.accuracy import accuracy
    from ..convert.folder import import_model, write_folder

    network = read(options.file, options.check)
    print(network.source)
    for line in network.mapped:
        print(f"  {line}")
    if network.evaluate is None:
        print("bare weights: nothing to compare with")
    else:
        print(f"largest difference to the source's own arithmetic: {network.largest_difference():.2g}")
    for line in network.warnings:
        print(f"warning: {line}")
    recording = load_stream(options.stream) if options.stream else None
    if recording is not None:
        print(accuracy(network, network.quantize(import_model(network, options.file), recording), recording).text())
    if options.out:
        for path in write_folder(network, options.file, options.out, recording, options.check):
            print(f"wrote {path}")
    return 0


def add_export(commands: Commands) -> None:
    sub = commands.add(
        "export",
        _export,
        "learned weights back: the source's names and gate order, or its ONNX or TFLite graph",
        "From a snapshot of the very model that MODEL.PY builds, which `rtrl-edge import --out` wrote.",
    )
    add_model(sub)
    sub.add_argument("snapshot", type=Path, metavar="SNAPSHOT", help="what `rtrl-edge run --snapshot` wrote")
    sub.add_argument(
        "--to",
        choices=("onnx", "tflite", "npz", "safetensors"),
        required=True,
        metavar="FORMAT",
        help="onnx, tflite: the original graph with new weights; npz or safetensors: arrays under the source's names",
    )
    sub.add_argument("--out", type=Path, required=True, metavar="FILE", help="a new file")


def _export(options: argparse.Namespace) -> int:
    from ..convert.export import export

    module = load(options.model)
    if not callable(getattr(module, "source", None)):
        raise ModelError(
            f"{options.model}: wanted a function source(), as `rtrl-edge import --out` writes it, found none"
        )
    learned = Snapshot.load(options.snapshot).model(build(module, options))
    content = export(module.source(), learned, options.to, getattr(module, "SOURCE", None))
    print(f"wrote {write_new(options.out, content)}")
    return 0


def add_diff(commands: Commands) -> None:
    sub = commands.add(
        "diff",
        _diff,
        "how far each group of weights has moved between two snapshots, and from the factory",
        "Both of one model: the digest is compared.",
    )
    sub.add_argument("a", type=Path, metavar="A", help="the earlier snapshot")
    sub.add_argument("b", type=Path, metavar="B", help="the later one")


def _diff(options: argparse.Namespace) -> int:
    from ..evaluate.tables import text_table
    from ..snapshot import difference

    a, b = Snapshot.load(options.a), Snapshot.load(options.b)
    rows = [
        (name, f"{count:,}", f"{size:.4f}", f"{before:.2g}", f"{moved:.2g}", f"{most:.2g}")
        for name, count, size, moved, most, before in difference(a, b)
    ]
    header = ("group", "weights", "rms in A", "A from factory", "A to B, rms", "A to B, largest")
    print(f"model '{a.about['name']}', {a.about['profile']}, digest {a.about['digest'][:16]}; the network's units")
    print(text_table(header, rows))
    return 0
