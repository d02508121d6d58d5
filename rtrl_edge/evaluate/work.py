"""How much a model works on a core: its firmware is built, booted and played with noise, its instructions counted."""

from __future__ import annotations

import json
import subprocess
from dataclasses import asdict, dataclass
from hashlib import sha256
from pathlib import Path

import numpy as np

from ..boards import Board, board_names, load_board
from ..device.emulator import Emulator
from ..device.host import cache_dir
from ..errors import BoardError
from ..firmware import firmware_project
from ..model import Model
from ..plan import plan
from ..quantize import IntegerModel, quantize
from ..stream import Stream
from ..weights import initial

#: steps that are counted: several blocks, and several windows, of the rules that work in bursts
STEPS = 64


@dataclass(frozen=True)
class Work:
    """Executed instructions of a call, mean and most of ``STEPS``; not cycles: the emulator has no pipeline.

    ``core`` was emulated as ``board``; ``flash_bytes`` are those of the model, code, tables and factory weights.
    """

    core: str
    board: str
    predict: int
    predict_most: int
    learn: int
    learn_most: int
    flash_bytes: int


def stand_in(board: Board) -> Board:
    """The emulated board on which instructions of ``board``'s core can be counted.

    Raises BoardError where none has this core.
    """
    if board.emulator:
        return board
    for name in [board.stand_in] if board.stand_in else board_names():
        other = load_board(name)
        if other.emulator and (board.stand_in or other.core == board.core):
            return other
    raise BoardError(
        f"{board.name}: no emulated board has its core, {board.core}, so its instructions cannot be counted; "
        "choose one that has: rtrl-edge boards"
    )


def compiler_version(board: Board) -> str:
    """The first line of what a board's compiler says of itself; "" if it is not on this computer."""
    command = [board.compiler.command, "--version"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, errors="replace", check=False, timeout=30)
    except OSError:
        return ""
    return done.stdout.split("\n", 1)[0]


def noisy(model: Model) -> tuple[IntegerModel, Stream]:
    """A model with random weights, and noise of its kind: neither changes how much it works by more than 1 %."""
    rng, d = np.random.default_rng(1), model.dims
    target = model.loss.stimulus(rng.normal(0.0, 0.3, (STEPS, d.outputs)))
    stream = Stream(rng.normal(0.0, 0.3, (STEPS, d.inputs)), target)
    return quantize(model, initial(model, 1), stream), stream


def work(model: Model, board: Board) -> Work:
    """As :func:`count`, but kept in the cache by the generated C, the board and the compiler."""
    chip = stand_in(board)
    integer_model, _ = noisy(model)
    plan(integer_model, chip)
    project = firmware_project(integer_model, chip, console=True)
    text = json.dumps([project, repr(chip), compiler_version(chip), STEPS], sort_keys=True)
    kept = cache_dir() / f"work-{sha256(text.encode()).hexdigest()[:24]}.json"
    if kept.is_file():
        return Work(**json.loads(kept.read_text(encoding="utf-8")))
    found = count(model, chip)
    kept.parent.mkdir(parents=True, exist_ok=True)
    part = Path(f"{kept}.part")
    part.write_text(json.dumps(asdict(found)), encoding="utf-8")
    part.replace(kept)
    return found


def count(model: Model, board: Board) -> Work:
    """Count the instructions of a model on a board's core.

    Raises:
        BoardError: no emulated board has this core.
        BuildError: a compiler or QEMU is missing.
        PlanError: the emulated board cannot hold the model.
    """
    chip = stand_in(board)
    integer_model, stream = noisy(model)
    x, target = integer_model.to_input(stream.x), integer_model.to_target(stream.target)
    with Emulator(integer_model, chip, count_instructions=True) as device:
        for row, label in zip(x, target, strict=True):
            device.predict(row)
            device.learn(label)
        flash = device.built.model_flash_bytes
    counts = device.instructions()
    predict, learn = counts["predict"], counts["learn"]
    return Work(
        chip.core, chip.name, round(predict.total / predict.calls), predict.most,
        round(learn.total / learn.calls), learn.most, flash,
    )  # fmt: skip
