"""Files of bare weights: .safetensors and .npz, in and out. Never a pickle."""

from __future__ import annotations

import io
import math
import zipfile
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from ..errors import ConvertError
from .keras import from_keras
from .network import Network
from .pytorch import from_state_dict

_ZIP = zipfile.BadZipFile, zlib.error
ARRAYS_MAX = 256
BYTES_MAX = 64 * 2**20
#: of outputs that are compared: float32 in another order of sums
DIFFERENCE_MAX = 1e-4


def from_safetensors(path: str | Path, check: str | Path | None = None) -> Network:
    """The network in a PyTorch state dict; ``check`` as in :func:`rtrl_edge.convert.read`.

    Raises:
        ConvertError: not such a file, or weights that cannot be taken over.
    """
    safetensors = _safetensors(str(path))
    content = read_file(Path(path))
    try:
        arrays = dict(sorted(safetensors.numpy.load(content).items()))  # the file's own order is not told
    except (safetensors.SafetensorError, KeyError, ValueError, OverflowError) as error:
        raise ConvertError(f"{path}: not a .safetensors file of float arrays ({error})") from error
    return checked(from_state_dict(arrays), check)


def from_npz(path: str | Path, check: str | Path | None = None) -> Network:
    """The network in a PyTorch state dict or in Keras' ``get_weights()``: the names tell which.

    Raises:
        ConvertError: not such a file, or weights that cannot be taken over.
    """
    content = read_file(Path(path))
    try:
        _check_sizes(content)
        with np.load(io.BytesIO(content), allow_pickle=False) as data:
            arrays = {name: data[name] for name in data.files}
    except (ValueError, OSError, EOFError, NotImplementedError, RuntimeError, *_ZIP) as error:
        raise ConvertError(f"{path}: not an .npz file of weights ({error})") from error
    keras = all(name.startswith("arr_") for name in arrays)
    return checked(from_keras(arrays) if keras else from_state_dict(arrays), check)


def from_pickle(path: str | Path, check: str | Path | None = None) -> Network:
    """Refuses: a pickle runs whatever its author wrote."""
    raise ConvertError(
        f"{path}: a pickle, which would run code of whoever made it, is never opened. Where it comes from: "
        "safetensors.torch.save_file(model.state_dict(), 'weights.safetensors')"
    )


def file_of(suffix: str, arrays: Mapping[str, npt.NDArray[np.generic]]) -> bytes:
    """The bytes of a .safetensors or .npz file of weights, in their names and types."""
    if suffix == ".safetensors":
        save = _safetensors("export").numpy.save
        return bytes(save({name: np.ascontiguousarray(array) for name, array in arrays.items()}))
    file = io.BytesIO()
    np.savez(file, allow_pickle=False, **arrays)
    return file.getvalue()


def _safetensors(what: str) -> Any:
    """The package, which is only wanted here; ConvertError, which begins with ``what``, if it is missing."""
    try:
        import safetensors.numpy
    except ImportError as error:
        raise ConvertError(f"{what}: wanted the package safetensors ({error}); pip install safetensors") from error
    return safetensors


def read_file(path: Path) -> bytes:
    """The bytes of a file from outside; ConvertError if it is too large."""
    try:
        with path.open("rb") as file:
            content = file.read(BYTES_MAX + 1)
    except OSError as error:
        raise ConvertError(f"{path}: cannot be read ({error.strerror})") from error
    if len(content) > BYTES_MAX:
        raise ConvertError(f"{path}: wanted at most {BYTES_MAX // 2**20} MiB, found a larger file")
    return content


def _check_sizes(content: bytes) -> None:
    """ValueError for arrays that are larger than what the file holds, or than it may hold: before one is made."""
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        members = archive.infolist()
        if len(members) > ARRAYS_MAX or sum(member.file_size for member in members) > BYTES_MAX:
            raise ValueError(f"wanted at most {ARRAYS_MAX} arrays of {BYTES_MAX // 2**20} MiB in all, found more")
        for member in members:
            with archive.open(member) as file:
                first = np.lib.format.read_magic(file) == (1, 0)
                read_header = np.lib.format.read_array_header_1_0 if first else np.lib.format.read_array_header_2_0
                shape, _, dtype = read_header(file)
            if min(shape, default=0) < 0 or math.prod(shape) * dtype.itemsize > member.file_size:
                raise ValueError(f"{member.filename}: the shape {shape} is larger than what is there")


def checked(network: Network, check: str | Path | None, limit: float = DIFFERENCE_MAX) -> Network:
    """The network; ConvertError if it answers something else than the outputs in ``check``."""
    difference = 0.0 if check is None else network.difference_to(check)
    if not difference <= limit:
        raise ConvertError(
            f"{network.source}: differs from {check} by {difference:.3g} ({limit:g} at most): another "
            "activation, order or file than the one that gave these outputs?"
        )
    return network
