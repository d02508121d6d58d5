"""Are two devices the same machine? Every prediction of a stream and the state at its end, bit for bit."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ..device import Device, Int16, State
from ..layout import COMPARED_GROUPS, differences, layout
from ..quantize import IntegerModel
from ..stream import Stream
from .prequential import Progress, Run, prequential


@dataclass(frozen=True, eq=False)
class Transcript:
    """What a device answered: every prediction y (T, outputs), and its state struct at the end."""

    device: str
    y: Int16
    state: State
    run: Run

    def digest(self, integer_model: IntegerModel) -> str:
        """sha256, hex, of all predictions and all compared members: equal machines print the same line."""
        sha = hashlib.sha256(np.ascontiguousarray(self.y, dtype="<i2").tobytes())
        for member in layout(integer_model.model).members:
            if member.field.group in COMPARED_GROUPS:
                sha.update(np.asarray(self.state[member.field.name]).astype(member.dtype).tobytes())
        return sha.hexdigest()


def transcript(
    name: str, device: Device, integer_model: IntegerModel, stream: Stream, progress: Progress | None = None
) -> Transcript:
    """Let a device predict and learn a stream; see :func:`rtrl_edge.evaluate.prequential.prequential`."""
    run = prequential(device, integer_model, stream, True, progress)
    assert run.outputs is not None
    return Transcript(name, run.outputs, device.state(), run)


def compare(integer_model: IntegerModel, transcripts: Sequence[Transcript]) -> list[str]:
    """Sentences on what differs from the first transcript; empty if all are equal bit for bit."""
    first, found = transcripts[0], []
    for other in transcripts[1:]:
        if first.y.shape != other.y.shape:
            found.append(f"{other.device}: {len(other.y)} predictions, {first.device} made {len(first.y)}")
        elif (rows := np.flatnonzero((first.y != other.y).any(axis=1))).size:
            t = int(rows[0])
            found.append(f"{other.device}: prediction {t} is {other.y[t].tolist()}, {first.device} has {first.y[t].tolist()}")
        found += [
            f"{other.device} against {first.device}: {line}"
            for line in differences(first.state, other.state, integer_model.model)
        ]
    return found
