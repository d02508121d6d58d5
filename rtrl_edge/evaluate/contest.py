"""A learning model against what it has to beat, on one stream."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

from ..device.host import HostTwin
from ..model import ReadoutOnly
from ..quantize import IntegerModel
from ..stream import Stream
from .baselines import standard_controls
from .prequential import play, prequential
from .recordings import Part
from .report import Contender, Report


class Bar(Protocol):
    """Progress of one task: called with the samples done since the last call."""

    def __call__(self, count: int) -> None:
        """``count`` more samples are done."""
        ...

    def close(self) -> None:
        """The task is over."""
        ...


#: first line of a file of predictions, by which it is known
PREDICTIONS_LINE = "# rtrl-edge: predictions, each made before its target was seen"
#: makes the bar of a task, from its name and its number of samples
Progress = Callable[[str, int], Bar]


def rivals(integer_model: IntegerModel, stream: Stream, past: Stream | None, progress: Progress) -> list[Contender]:
    """The frozen copy, the copy whose readout alone learns, and the float controls.

    Args:
        integer_model: the model that learns; its copies run on the host twin.
        stream: physical units.
        past: what the factory weights were trained on, so that the linear control has seen it too; or None.
        progress: makes progress bars.
    """
    found = []
    readout_only = integer_model.with_(rule=ReadoutOnly())
    for name, role, model, learns in (
        ("frozen", "frozen", readout_only, False),
        ("readout only", "readout", readout_only, True),
    ):
        bar = progress(name, len(stream))
        with HostTwin(model) as twin:
            found.append(Contender(name, role, prequential(twin, model, stream, learns, bar)))  # type: ignore[arg-type]
        bar.close()
    controls = standard_controls(stream, past, integer_model)
    return found + [Contender(name, "control", play(control, stream)) for name, control in controls.items()]


def simulate(
    integer_model: IntegerModel,
    stream: Stream,
    parts: Sequence[Part] = (),
    past: Stream | None = None,
    *,
    progress: Progress,
) -> Report:
    """Play a stream through the host twin, learning, and through its rivals.

    Args:
        integer_model: what :func:`rtrl_edge.quantize` made.
        stream: physical units.
        parts: situations of the stream; the whole and its last quarter if not given.
        past: see :func:`rivals`.
        progress: makes progress bars.
    """
    bar = progress("host twin learns", len(stream))
    with HostTwin(integer_model) as twin:
        run = prequential(twin, integer_model, stream, True, bar)
    bar.close()
    model = integer_model.model
    return Report(
        title=f"{model.name}: {type(model.rule).__name__} on the host twin",
        contenders=[
            Contender(f"{model.name}, learning", "learning", run),
            *rivals(integer_model, stream, past, progress),
        ],
        parts=parts or whole_and_last_quarter(len(stream)),
        facts={"model": model.name, "digest": integer_model.digest[:16], "samples": str(len(stream))},
        rate_hz=stream.rate_hz,
        channels=stream.channels,
    )


def whole_and_last_quarter(samples: int) -> tuple[Part, ...]:
    """Parts of a stream nothing is known about."""
    return (Part("whole stream", 0, samples), Part("last quarter", 3 * samples // 4, samples))


def predictions_csv(report: Report) -> str:
    """What the learning contender predicted, a row a sample, in physical units; missing labels are empty."""
    learner = report.one("learning")
    assert learner is not None
    run = learner.run
    outputs = range(run.prediction.shape[1])
    header = [f"predicted_{o}" for o in outputs] + [f"target_{o}" for o in outputs]
    lines = [PREDICTIONS_LINE, ",".join(["sample", *header])]
    for t, (predicted, target) in enumerate(zip(run.prediction, run.target, strict=True)):
        cells = [f"{value:.6g}" for value in predicted] + ["" if value != value else f"{value:.6g}" for value in target]
        lines.append(",".join([str(t), *cells]))
    return "\n".join(lines) + "\n"
