"""How much a model works on a core: built, booted and played with noise, its instructions counted, and kept."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Sequence
from dataclasses import asdict, fields
from hashlib import sha256
from pathlib import Path

import numpy as np

from ..boards import Board, board_names, load_board
from ..device.counter import Counted, count, roomier
from ..device.host import cache_dir
from ..errors import BoardError
from ..firmware import firmware_project
from ..forecast import Forecast
from ..model import Model
from ..plan import plan
from ..quantize import IntegerModel, quantize
from ..stream import Stream
from ..weights import initial

#: steps that are counted: several blocks, and several windows, of the rules that work in bursts
STEPS = 64


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


def work(models: Sequence[Model | IntegerModel], board: Board) -> list[Counted]:
    """Count models on the emulated core of a board; kept in the cache by the generated C, the board and the compiler.

    Args:
        models: definitions, which get random weights, or integer models with their own.
        board: with an emulator, or whose core another board emulates.

    Raises:
        BoardError: no emulated board has this core.
        BuildError: a compiler or QEMU is missing.
        PlanError: the emulated board cannot hold a model.
    """
    chip = roomier(stand_in(board))
    wanted = [model if isinstance(model, IntegerModel) else noisy(model)[0] for model in models]
    for model in wanted:
        plan(model, chip)
    files = [_kept(model, chip) for model in wanted]
    new = [(model, file) for model, file in zip(wanted, files, strict=True) if not file.is_file()]
    if new:
        for (_, file), found in zip(new, count([model for model, _ in new], chip, STEPS), strict=True):
            part = Path(f"{file}.part")
            part.write_text(json.dumps(asdict(found)), encoding="utf-8")
            part.replace(file)
    return [Counted(**json.loads(file.read_text(encoding="utf-8"))) for file in files]


def _kept(model: IntegerModel, chip: Board) -> Path:
    """Where the counts of a model are kept."""
    names = [field.name for field in fields(Counted)]
    project = firmware_project(model, chip, console=True)
    text = json.dumps([project, repr(chip), compiler_version(chip), STEPS, names], sort_keys=True)
    folder = cache_dir()
    folder.mkdir(parents=True, exist_ok=True)
    return folder / f"work-{sha256(text.encode()).hexdigest()[:24]}.json"


def counted(model: IntegerModel, board: Board) -> Forecast:
    """What :func:`rtrl_edge.plan` forecasts of a model on a board, counted; raises as :func:`work`."""
    (found,), on = work([model], board), stand_in(board).name
    return Forecast(
        found.predict, found.learn, found.learn_most, found.slice_most, found.code_bytes, found.stack_bytes, (), on
    )  # fmt: skip


def counted_learn(models: Sequence[Model], board: Board) -> list[int]:
    """Instructions of ``learn`` of each, for :func:`rtrl_edge.plan.savings`; raises as :func:`work`."""
    return [found.learn for found in work(models, board)]
