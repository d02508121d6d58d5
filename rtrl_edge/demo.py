"""The demonstration: a network learns from a real recording on an emulated chip, beside its twins."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from . import __version__
from .boards import load_board
from .device.emulator import emulator_of
from .device.host import HostTwin
from .errors import BuildError
from .evaluate import plots
from .evaluate.board_run import BoardRun, amount, run_on_board
from .evaluate.contest import Progress, rivals
from .evaluate.page import PAGE_LINE
from .evaluate.recordings import Part, Recording, watch
from .evaluate.report import LEGEND, Contender, Report, Resource, Verdict, conclusions, error_table, figures, render
from .evaluate.tables import text_table
from .evaluate.verify import Transcript, compare, transcript
from .model import R16, RNN, RTRL, SGD, Linear, Model
from .plan import GROUPS, Plan, plan
from .project import generate, refuse_other_kind, write_text
from .quantize import IntegerModel, quantize
from .reference import Reference
from .stream import Stream
from .train import train

MODEL = Model(
    name="gait",
    inputs=6,
    cells=[RNN(16)],
    readout=Linear(6),
    rule=RTRL(),
    optimiser=SGD(rate=2**-5, readout_rate=2**-5, clip=2**-4),  # chosen on person 6, left arm; the demo plays person 7
    numbers=R16(cap=2),
)

Say = Callable[[str], object]


@dataclass(frozen=True, eq=False)
class Outcome:
    """What the demonstration found: the report, its figures, and whether all bits were equal."""

    report: Report
    figures: dict[str, object]
    equal: bool


def demo(
    folder: Path,
    board: str,
    *,
    steps: int | None = None,
    host_only: bool = False,
    say: Say,
    progress: Progress,
) -> Outcome:
    """Train, quantize, plan, generate, build, boot, stream, compare, report.

    Args:
        folder: gets ``generated/``, ``firmware/`` and ``report.html``.
        board: name or file of an emulated board.
        steps: play only the first samples of the deployment.
        host_only: leave the emulator out.
        say: prints a line.
        progress: makes progress bars.

    Raises:
        FolderError: the folder holds something that is not ours.
        BoardError: the board has no emulator of its own.
        BuildError: a compiler or the emulator is missing (unless ``host_only``).
    """
    refuse_other_kind(folder / "report.html", PAGE_LINE)  # now, not after two minutes
    plots.check()
    if not host_only:
        with _or_without():
            emulator_of(load_board(board))
    recording = watch()
    future = recording.future[:steps] if steps else recording.future
    parts = tuple(replace(p, stop=min(p.stop, len(future))) for p in recording.parts if p.start < len(future))
    say(_describe(recording, parts))
    integer_model = _prepare(recording.past, say, progress)
    planned = plan(integer_model, board)
    say(f"\n{planned}\n")
    for path in generate(integer_model, folder / "generated"):
        say(f"wrote {path}")
    chip = None
    if not host_only:
        with _or_without():
            chip = run_on_board(integer_model, future, load_board(board), folder / "firmware", progress=progress)
    twins = _twins(integer_model, future, progress)
    everyone = ([chip.transcript] if chip else []) + twins
    verdicts = _verdicts(integer_model, everyone)
    contenders = [
        Contender(f"{everyone[0].device}, learning by RTRL", "learning", everyone[0].run),
        *rivals(integer_model, future, recording.past, progress),
    ]
    report = _report(integer_model, future, parts, contenders, planned, chip, verdicts)
    say("\n" + _summary(report))
    page = write_text(folder / "report.html", render(report))
    say(f"\nreport with plots: {page}")
    return Outcome(report, figures(report) | {"plan": planned.figures()}, all(v.passed for v in verdicts))


def _describe(recording: Recording, parts: tuple[Part, ...]) -> str:
    lines = [
        f"recording: wrist motion, 6 channels at {recording.past.rate_hz:g} Hz; "
        f"{len(recording.past):,} samples to train on"
    ]
    lines += [f"  then on the device, {part.label}: {part.stop - part.start:,} samples" for part in parts]
    return "\n".join(lines)


def _prepare(past: Stream, say: Say, progress: Progress) -> IntegerModel:
    epochs = 120
    bar = progress("training in float", epochs)
    losses: list[float] = []

    def trained(epoch: int, total: int, loss: float) -> None:
        losses.append(loss)
        bar(1)

    weights = train(MODEL, past, epochs=epochs, progress=trained)
    bar.close()
    say(f"trained in float: held-out loss {losses[0]:.4f} after one epoch, {min(losses):.4f} at best")
    return quantize(MODEL, weights, past)


@contextmanager
def _or_without() -> Iterator[None]:
    """What is missing for an emulated chip is told with the way to go on without one."""
    try:
        yield
    except BuildError as error:
        raise BuildError(f"{error}\n`rtrl-edge demo --host-only` goes on without an emulated chip") from error


def _twins(integer_model: IntegerModel, stream: Stream, progress: Progress) -> list[Transcript]:
    found = []
    for name, make in (("host twin", HostTwin), ("NumPy reference", Reference)):
        bar = progress(name, len(stream))
        with make(integer_model) as device:
            found.append(transcript(name, device, integer_model, stream, bar))
        bar.close()
    return found


def _verdicts(integer_model: IntegerModel, everyone: list[Transcript]) -> list[Verdict]:
    reference = everyone[-1]
    verdicts = []
    for other in everyone[:-1]:
        different = compare(integer_model, [reference, other])
        what = (
            f"{len(other.y):,} predictions, state, influence matrix and all weights "
            f"after {int(other.state['steps']):,} learning steps"
        )
        if different:
            verdicts.append(Verdict(False, f"{other.device} DIFFERS from the NumPy reference: {different[0]}"))
        else:
            verdicts.append(Verdict(True, f"{other.device} = NumPy reference, bit for bit: {what}"))
    return verdicts


def _report(
    integer_model: IntegerModel,
    stream: Stream,
    parts: tuple[Part, ...],
    contenders: list[Contender],
    planned: Plan,
    chip: BoardRun | None,
    verdicts: list[Verdict],
) -> Report:
    model, rates = integer_model.model, integer_model.model.optimiser
    resources: list[Resource] = chip.resources() if chip else []
    then = "then the watch changes owner and arm, and the network" if len(parts) > 1 else "now it"
    return Report(
        title="A recurrent network learns on the chip",
        lead=(
            f"An Elman network of {model.cell.units} units predicts the next sample of a wrist-worn sensor. It was "
            f"trained on six people; {then} goes on learning by exact real-time recurrent learning, in integers, at "
            "every sample."
        ),
        contenders=contenders,
        parts=parts,
        facts={
            "command": "rtrl-edge demo",
            "version": __version__,
            "model digest": integer_model.digest,
            "samples": f"{len(stream):,}",
            "board": f"{planned.board}{'' if chip else ', planned for; played on this computer alone'}",
            "numbers": f"{model.numbers.name}, |J| <= {model.numbers.cap:g}",
            "rates": f"cell {2.0**-rates.rate_shift:g}, readout {2.0**-rates.readout_rate_shift:g}, "
            f"clip {2.0**rates.clip_log2:g}",
        },
        rate_hz=stream.rate_hz,
        channels=stream.channels,
        ram_bytes={GROUPS[group]: size for group, size in planned.ram_groups.items()},
        board_ram_bytes=planned.board_ram_bytes,
        resources=resources,
        verdicts=verdicts,
    )


def _summary(report: Report) -> str:
    blocks = [f"{error_table(report)}\n{LEGEND}", "\n".join(conclusions(report))]
    if report.resources:
        rows = [(r.what, amount(r.planned, r.unit), amount(r.measured, r.unit)) for r in report.resources]
        blocks.append(text_table(("", "planned", "measured"), rows))
    blocks.append("\n".join(("ok    " if v.passed else "WRONG ") + v.text for v in report.verdicts))
    return "\n\n".join(blocks)
