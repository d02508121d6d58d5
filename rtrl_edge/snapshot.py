"""What a device has learned, in a file: exact integers with their formats, and whose they are.

An .npz without pickle: ``state/NAME`` for every member of the state struct, in the struct's own types (with them a
device of the same model goes on bit for bit); ``factory`` and ``learned``, all weights [W, V], flat, float64, in the
network's units; ``group/NAME``, which of these belong to a group; and ``snapshot``, JSON with the format's version, the
model's digest and description, the number profile and a note on each member's format.
"""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from .errors import ConvertError
from .layout import layout
from .model import Model
from .project import write_new
from .quantize import IntegerModel
from .stream import Float
from .stream_file import load_arrays

FORMAT = 1
BYTES_MAX = 64 * 2**20

State = dict[str, npt.NDArray[np.generic]]


@dataclass(frozen=True, eq=False)
class Snapshot:
    """The state of one device. Made by :meth:`take` or :meth:`load`.

    Args:
        about: format, digest, name, profile, description, formats.
        state: every member of the state struct.
        factory, learned: weights [W, V], flat, in the network's units.
        groups: places in them, by the name of the group.
    """

    about: Mapping[str, Any]
    state: State
    factory: Float
    learned: Float
    groups: Mapping[str, npt.NDArray[np.intp]]

    @staticmethod
    def take(integer_model: IntegerModel, state: Mapping[str, npt.NDArray[np.generic]]) -> Snapshot:
        """Of what a device's ``state()`` gave; the model must be the device's."""
        model = integer_model.model
        members = layout(model).members
        _check_members(model, state)
        about = {
            "format": FORMAT,
            "digest": integer_model.digest,
            "name": model.name,
            "profile": model.numbers.name,
            "description": integer_model.description,
            "formats": {m.field.name: f"{m.field.ctype} {list(m.field.shape)}: {m.field.note}" for m in members},
        }
        copies: State = {m.field.name: np.asarray(state[m.field.name]).astype(m.dtype) for m in members}
        factory, learned = _flat(integer_model), _flat(_learned(integer_model, copies))
        return Snapshot(about, copies, factory, learned, _groups(model))

    def check(self, integer_model: IntegerModel) -> None:
        """Raise ConvertError unless it was taken of this very model."""
        if self.about["digest"] != integer_model.digest:
            raise ConvertError(
                f"snapshot: wanted one of model '{integer_model.model.name}' with digest {integer_model.digest[:16]}, "
                f"found one of '{self.about['name']}' with digest {str(self.about['digest'])[:16]}: "
                "another model, or other factory weights"
            )
        _check_members(integer_model.model, self.state)

    def restore(self, device: Any, integer_model: IntegerModel) -> None:
        """Put a device of the same model, a chip too, where the snapshot was taken: it goes on bit for bit."""
        self.check(integer_model)
        if hasattr(device, "write"):
            memory = np.zeros(layout(integer_model.model).size, np.uint8)
            for name, view in layout(integer_model.model).views(memory).items():
                view[...] = self.state[name]
            device.write(0, memory.tobytes())
            return
        members = device.net if hasattr(device, "net") else device.views
        for member in layout(integer_model.model).members:
            name, value = member.field.name, self.state[member.field.name]
            if hasattr(device, "net"):
                members[name] = value.astype(np.int64)
            else:
                members[name][...] = value

    def model(self, integer_model: IntegerModel) -> IntegerModel:
        """The same model with the learned weights, exactly, as its factory weights: for any target, without a past."""
        self.check(integer_model)
        return _learned(integer_model, self.state)

    def save(self, path: str | Path) -> Path:
        """Write a new file."""
        arrays = {f"state/{name}": value for name, value in self.state.items()}
        arrays |= {f"group/{name}": value.astype(np.int64) for name, value in self.groups.items()}
        arrays |= {"factory": self.factory, "learned": self.learned}
        text = json.dumps(self.about, indent=1, sort_keys=True)
        buffer = io.BytesIO()
        named: Any = {"snapshot": np.frombuffer(text.encode(), np.uint8), **arrays}
        np.savez(buffer, allow_pickle=False, **named)
        return write_new(Path(path), buffer.getvalue())

    @staticmethod
    def load(path: str | Path) -> Snapshot:
        """Read what :meth:`save` wrote. No pickle is ever read.

        Raises:
            ConvertError: another kind of file, or another version.
            DataError: not a readable .npz file.
        """
        _refuse_large(Path(path))
        arrays = load_arrays(path)
        try:
            about = json.loads(bytes(arrays["snapshot"].astype(np.uint8)))
            if about["format"] != FORMAT:
                raise ConvertError(f"{path}: wanted snapshot format {FORMAT}, found {about['format']!r}")
            for key in ("digest", "name", "profile"):
                if not isinstance(about[key], str):
                    raise TypeError(key)
            factory, learned = (np.asarray(arrays[name], np.float64) for name in ("factory", "learned"))
            parts: dict[str, dict[str, Any]] = {"state": {}, "group": {}}
            for name, value in arrays.items():
                kind, _, rest = name.partition("/")
                if kind in parts and value.dtype.kind in "iu":
                    parts[kind][rest] = value if kind == "state" else value.astype(np.intp)
            places = np.concatenate([np.zeros(0, np.intp), *(v.ravel() for v in parts["group"].values())])
            if factory.shape != learned.shape or factory.ndim != 1 or not np.isfinite([factory, learned]).all():
                raise ValueError("weights")
            if places.size and (places.min() < 0 or places.max() >= len(factory)):
                raise ValueError("groups")
        except (KeyError, TypeError, ValueError, RecursionError) as error:
            raise ConvertError(f"{path}: wanted a snapshot of a device, found an .npz of something else") from error
        return Snapshot(about, parts["state"], factory, learned, parts["group"])


def difference(a: Snapshot, b: Snapshot) -> list[tuple[str, int, float, float, float, float]]:
    """How far the weights have moved, by group: name, weights, root mean square of a's, of the move from a to b, its
    largest, and of a's own move from the factory.

    Raises:
        ConvertError: snapshots of different models.
    """
    if a.about["digest"] != b.about["digest"] or a.groups.keys() != b.groups.keys():
        raise ConvertError(
            f"diff: wanted two snapshots of one model, found '{a.about['name']}' {str(a.about['digest'])[:16]} and "
            f"'{b.about['name']}' {str(b.about['digest'])[:16]}"
        )
    found = []
    for name, at in a.groups.items():
        moved, before = b.learned[at] - a.learned[at], a.learned[at] - a.factory[at]
        found.append((name, len(at), _rms(a.learned[at]), _rms(moved), float(np.abs(moved).max()), _rms(before)))
    return found


def _rms(values: Float) -> float:
    return float(np.sqrt(np.mean(values**2)))


def _flat(integer_model: IntegerModel) -> Float:
    weights = integer_model.float_weights()
    return np.concatenate((np.ravel(weights.W), np.ravel(weights.V)))


def _learned(integer_model: IntegerModel, state: Mapping[str, npt.NDArray[np.generic]]) -> IntegerModel:
    names = ("w_hi", "w_lo", "v_hi", "v_lo")
    found: Any = {
        name: np.asarray(state[name]).ravel().astype(getattr(integer_model, name).dtype)
        for name in names
        if name in state
    }
    return replace(integer_model, **found)


def _groups(model: Model) -> dict[str, npt.NDArray[np.intp]]:
    """The parts of every gate, the direct weights and the readout."""
    d, found = model.dims, dict[str, list[int]]()
    for at, (number, _, entry) in enumerate(zip(*d.weight_places, strict=True)):
        block = d.structure.blocks[number]
        found.setdefault(max(d.names(block, int(entry) - block.at), key=len), []).append(at)
    if d.structure.direct:
        found["direct"] = list(range(d.gated, d.weights))
    if model.readout.weighted:
        found["readout"] = list(range(d.weights, d.weights + d.outputs * d.readout_row))
    return {name: np.array(places, np.intp) for name, places in found.items()}


def _check_members(model: Model, state: Mapping[str, npt.NDArray[np.generic]]) -> None:
    for m in layout(model).members:
        value = state.get(m.field.name)
        if value is None or np.shape(value) != m.field.shape or np.asarray(value).dtype.kind not in "iu":
            found = "nothing" if value is None else f"{np.asarray(value).dtype} {np.shape(value)}"
            raise ConvertError(f"snapshot: wanted {m.field.name} {m.field.ctype} {m.field.shape}, found {found}")
        info = np.iinfo(m.field.ctype)
        if not ((np.asarray(value) >= info.min) & (np.asarray(value) <= info.max)).all():
            raise ConvertError(f"snapshot: {m.field.name}: wanted {m.field.ctype}, found numbers outside of it")


def _refuse_large(path: Path) -> None:
    try:
        with zipfile.ZipFile(path) as file:
            size = sum(entry.file_size for entry in file.infolist())
    except (OSError, zipfile.BadZipFile, NotImplementedError):
        return  # load_arrays says it
    if size > BYTES_MAX:
        raise ConvertError(f"{path}: wanted a snapshot of at most {BYTES_MAX:,} bytes, found {size:,}")
