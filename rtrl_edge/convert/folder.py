"""A folder with an imported network: a model file for every command, and the source for the way back."""

from __future__ import annotations

import io
import re
from pathlib import Path

import numpy as np

from ..errors import FolderError
from ..model import Model
from ..project import write_new
from ..stream import Stream
from ..weights import Weights
from .network import Network

#: steps of the random recording that stands in for the user's
STEPS = 1000

_MODEL = '''"""The network of {file}, taken over by `rtrl-edge import`: {source}.

Yours to change: rule, optimiser, numbers, trainable. Not the sizes, nor the scaling inside weights.npz, which is folded
into the weights.
"""

from pathlib import Path

import rtrl_edge as rt
from rtrl_edge.convert import Network, read

HERE = Path(__file__).parent

# {recording}
recording = rt.load_stream(HERE / "recording.npz")

model = rt.Model(
    name="{name}",
    inputs={inputs},
    cells=[{cells}],
    readout=rt.{readout},
    loss=rt.{loss},
    rule=rt.RTRL(),  # exact gradient through time; `rtrl-edge compare` plays cheaper ones
    trainable=None,  # all learn; or some of: {groups}
    optimiser=rt.SGD(rate=2**-7, readout_rate=2**-6, clip=1.0),  # small: the network is trained already
    numbers=rt.R16(cap=2),
)


def build() -> rt.IntegerModel:
    return rt.quantize(model, rt.Weights.load(HERE / "weights.npz"), calibration=recording)


def stream() -> rt.Stream:
    return recording


SOURCE = HERE / "{kept}"


def source() -> Network:
    """For `rtrl-edge export`: the source's names, gate order and graph."""
    return read(SOURCE{check})
'''


def random_recording(network: Network, seed: int = 0) -> Stream:
    """Uniform noise in +-1, and as labels what the network says: where there is no recording yet."""
    x = np.random.default_rng(seed).uniform(-1.0, 1.0, (STEPS, network.inputs))
    return Stream(x, network.play(x))


def import_model(network: Network, file: Path) -> Model:
    """The definition that :func:`write_folder` writes down, with other rates."""
    return network.model(_name(file))


def write_folder(
    network: Network, file: Path, folder: Path, recording: Stream | None, check: Path | None = None
) -> list[Path]:
    """Write model.py, weights.npz, recording.npz and a copy of the source into a new or empty folder.

    Args:
        network: what :func:`rtrl_edge.convert.read` found in ``file``.
        file: the source.
        folder: new or empty.
        recording: samples and labels to calibrate on and to play; random ones if not given.
        check: the check vector that the source wants.
    """
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise FolderError(f"{folder}: wanted a new or empty folder; choose another name")
    played = recording if recording is not None else random_recording(network)
    weights = network.scaled(network.scaling(played))
    model = import_model(network, file)
    weights.check(model)
    kept = f"source{file.suffix}"
    text = _MODEL.format(
        file=file.name,
        source=network.source.replace('"', "'").replace("\\", "/"),
        recording="samples and labels to calibrate on and to play"
        if recording is not None
        else "random noise and the network's own outputs: import again with --stream and your recording",
        name=model.name,
        inputs=network.inputs,
        cells=", ".join(f"rt.{cell!r}" for cell in network.cells),
        readout=repr(network.readout),
        loss=repr(network.loss),
        groups=", ".join(model.groups()),
        kept=kept,
        check=', HERE / "check.npz"' if check else "",
    )
    files = {
        "model.py": text.encode(),
        "weights.npz": _npz(W=weights.W, V=weights.V, **_scaling(weights)),
        "recording.npz": _npz(x=played.x, target=played.target),
        kept: file.read_bytes(),
    } | ({"check.npz": check.read_bytes()} if check else {})
    return [write_new(folder / name, content) for name, content in files.items()]


def _name(file: Path) -> str:
    stem = re.sub(r"[^a-z0-9]+", "_", file.stem.lower()).strip("_")[:24]
    return f"net_{stem}" if stem else "imported"


def _scaling(weights: Weights) -> dict[str, np.typing.NDArray[np.float64]]:
    assert weights.scaling is not None
    return dict(vars(weights.scaling))


def _npz(**arrays: np.typing.NDArray[np.float64]) -> bytes:
    buffer = io.BytesIO()
    np.savez(buffer, allow_pickle=False, **arrays)
    return buffer.getvalue()
