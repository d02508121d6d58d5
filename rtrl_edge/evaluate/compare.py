"""Learning rules against each other on one's own stream: error, RAM, work, and how far each gradient is off.

The cheapest rule that learns the task is the right one, and this is where it shows.
"""

from __future__ import annotations

import ast
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from functools import cached_property
from html import escape

import numpy as np

from ..boards import Board, load_board
from ..device.emulator import Emulator, check_counts
from ..device.host import HostTwin
from ..errors import ModelError, PlanError
from ..model import BPTT, Model, ReadoutOnly, Rule, Trunc1
from ..plan import plan
from ..quantize import IntegerModel
from ..stream import Float, Stream
from . import plots
from .baselines import standard_controls
from .certificate import LARGEST
from .contest import Progress
from .fidelity import fidelity
from .matrix import label
from .page import legend, page, section, table
from .prequential import Run, play, prequential
from .tables import text_table

#: what is compared if nobody says, as far as the cell takes it
USUAL = "RTRL, BlockRTRL(8), BPTT(16), SnAp(1), UORO, Trunc1, ReadoutOnly"
#: samples of the stretch on which gradients are compared with the exact one and instructions are counted
STRETCH = 256
#: errors are judged on the last half of the stream, cut in so many pieces: their spread is the noise
PIECES = 20
#: two runs of one rule whose weights differ by 1e-4 end up to so much apart: less is not called a difference
EQUAL = 0.02
COLOURS = ("learning", "frozen", "readout", "control-1", "control-2", "bad", "control-0", "note-line")


@dataclass(frozen=True, eq=False)
class Entrant:
    """One rule, or something that learns without one.

    Args:
        name: the rule as one writes it.
        run: its predictions.
        ram_bytes, macs: the state struct; a step with its learning. None for a float control.
        cosine: mean cosine of its integer gradient to the exact one, over a short stretch; None where it has none.
        rule: None for a control.
        instructions: what a step with its learning executes on the board, the mean over a short stretch; None where
            none were counted.
    """

    name: str
    run: Run
    ram_bytes: int | None = None
    macs: int | None = None
    cosine: float | None = None
    rule: Rule | None = None
    instructions: int | None = None


@dataclass(frozen=True, eq=False)
class Comparison:
    """What :func:`compare` found.

    Args:
        integer_model: the user's.
        rules: every rule that was played, in the order asked for.
        controls: the frozen copy and the float controls.
        refused: rules that do not go with the cell, or do not fit the board, and why.
        board: where instructions were counted; None if they were not.
    """

    integer_model: IntegerModel
    rules: Sequence[Entrant]
    controls: Sequence[Entrant]
    refused: Sequence[str] = ()
    board: Board | None = None

    @property
    def judged(self) -> slice:
        """The stretch on which errors count: the last half of the stream."""
        return slice(len(self.rules[0].run) // 2, None)

    def error(self, entrant: Entrant) -> float:
        """NRMSE over the judged stretch."""
        return entrant.run.nrmse(self.judged.start)

    def pieces(self, entrant: Entrant) -> Float:
        """(PIECES,) mean squared error of the judged stretch's pieces; fewer where some have no label."""
        rows = entrant.run.labelled[self.judged]
        squares = entrant.run.squared_error[self.judged][rows].mean(axis=1)
        return np.array([piece.mean() for piece in np.array_split(squares, PIECES) if len(piece)])

    def as_good(self, one: Entrant, other: Entrant) -> bool:
        """Whether ``one`` errs no more than ``other``, within noise.

        That is two standard errors of the mean difference of their pieces, or 2 % of the error.
        """
        if self.error(one) <= (1.0 + EQUAL) * self.error(other):
            return True
        difference = self.pieces(one) - self.pieces(other)
        return bool(difference.mean() <= 2.0 * difference.std(ddof=1) / np.sqrt(len(difference)))

    @cached_property
    def best(self) -> Entrant:
        """The rule with the smallest error."""
        return min(self.rules, key=self.error)

    @cached_property
    def recommended(self) -> Entrant:
        """The rule of the least RAM, then of the least work, among those that are as good as the best."""
        good = [entrant for entrant in self.rules if self.as_good(entrant, self.best)]
        return min(good, key=lambda entrant: (entrant.ram_bytes, entrant.macs))

    def conclusions(self) -> list[tuple[bool, str]]:
        """(warning, sentence): the recommendation, and what speaks against the effort."""
        chosen, best = self.recommended, self.best
        cost = f"{chosen.ram_bytes:,} B of RAM, {chosen.macs:,} MACs a step"
        if chosen is best:
            found = [(False, f"Recommended: {chosen.name}. It has the smallest error, and nothing cheaper is within "
                             f"noise of it ({self.error(best):.4f}; {cost}).")]  # fmt: skip
        else:
            found = [(False, f"Recommended: {chosen.name}, the cheapest rule ({cost}) whose error is within noise of "
                             f"the best: {self.error(chosen):.4f} against {self.error(best):.4f} of {best.name}, which "
                             f"takes {best.ram_bytes:,} B and {best.macs:,} MACs.")]  # fmt: skip
        for kind, lesson in (
            (Trunc1, "this stream needs no gradient through time"),
            (ReadoutOnly, "the cell need not learn, a readout on its factory weights is enough"),
        ):
            for entrant in self.rules:
                if isinstance(entrant.rule, kind) and self.as_good(entrant, best):
                    found.append((True, f"{entrant.name} does as well as any rule ({self.error(entrant):.4f}, "
                                        f"the best {self.error(best):.4f}): {lesson}."))  # fmt: skip
        for control in self.controls:
            if self.as_good(control, best):
                found.append((True, f"“{control.name}” does as well as the best rule, or better "
                                    f"({self.error(control):.4f} against {self.error(best):.4f}): learning on the "
                                    "device gains nothing over it here."))  # fmt: skip
        return found

    def rows(self) -> list[list[object]]:
        """The table: name, error, RAM, MACs, instructions if there is a board, cosine, metrics of the loss."""
        return [[entrant.name, self.error(entrant), entrant.ram_bytes, entrant.macs,
                 *([entrant.instructions] if self.board else []), entrant.cosine,
                 *self._metrics(entrant).values()] for entrant in (*self.rules, *self.controls)]  # fmt: skip

    def header(self) -> list[str]:
        """The columns of :meth:`rows`."""
        counted = ["instructions/step"] if self.board else []
        return ["rule", "NRMSE", "RAM B", "MACs/step", *counted, "cosine", *self._metrics(self.rules[0])]

    @property
    def legend(self) -> str:
        """What the columns mean."""
        return LEGEND + (f"\n{COUNTED} {self.board.name} in QEMU; not cycles." if self.board else "")

    def text(self) -> str:
        """For a terminal."""
        rows = [[*row[:1], f"{row[1]:.4f}", *row[2:]] for row in self.rows()]
        blocks = [
            text_table(self.header(), rows) + "\n" + self.legend,
            "\n".join(("Note: " if warning else "") + text for warning, text in self.conclusions()),
        ]
        return "\n\n".join([*blocks, *(["Left out:\n" + "\n".join(self.refused)] if self.refused else [])])

    def figures(self) -> dict[str, object]:
        """As plain data, units in the names."""
        return {
            "model": self.integer_model.model.name,
            "digest": self.integer_model.digest,
            "judged_samples": len(self.rules[0].run) - self.judged.start,
            "board": self.board.name if self.board else None,
            "entrants": [
                {
                    "name": entrant.name,
                    "nrmse_per_channel_std": self.error(entrant),
                    "ram_bytes": entrant.ram_bytes,
                    "macs_per_step": entrant.macs,
                    "instructions_per_step_mean": entrant.instructions,
                    "gradient_cosine_to_exact_mean": entrant.cosine,
                    **self._metrics(entrant),
                }
                for entrant in (*self.rules, *self.controls)
            ],
            "recommended": self.recommended.name,
            "conclusions": [text for _, text in self.conclusions()],
            "left_out": list(self.refused),
        }

    def _metrics(self, entrant: Entrant) -> dict[str, float]:
        return entrant.run.metrics(self.integer_model.model.loss, self.judged.start)


LEGEND = f"""\
NRMSE: root mean squared error of predictions made before the label was seen, over the last half of the stream, each
channel in units of its standard deviation. RAM: the whole state struct. MACs: a step with its learning. cosine: of the
integer gradient to the exact one, mean over the first {STRETCH} samples."""
COUNTED = f"Instructions: of predict and learn together, mean over the first {STRETCH} samples, counted on"


def parse_rules(text: str) -> list[Rule]:
    """Rules from text such as ``RTRL, bptt(16), BlockRTRL(block=8)``: names and plain numbers, nothing is run.

    Raises ModelError for anything else.
    """
    kinds = {kind.__name__.lower(): kind for kind in Rule.__subclasses__()}
    try:
        tree = ast.parse(f"[{text}]", mode="eval").body
    except SyntaxError as error:
        raise ModelError(f"rules: wanted names with a comma between them, e.g. {USUAL}, found {text!r}") from error
    items = tree.elts if isinstance(tree, ast.List) else [tree]
    if not items:
        raise ModelError(f"rules: wanted at least one, e.g. {USUAL}, found none")
    found: list[Rule] = []
    for item in items:
        written = ast.unparse(item)
        call = item if isinstance(item, ast.Call) else ast.Call(item, [], [])
        if not isinstance(call.func, ast.Name) or call.func.id.lower() not in kinds:
            names = ", ".join(sorted(kind.__name__ for kind in kinds.values()))
            raise ModelError(f"rules: wanted some of {names}, found {written!r}")
        try:
            arguments = [ast.literal_eval(argument) for argument in call.args]
            named = {str(k.arg): ast.literal_eval(k.value) for k in call.keywords}
            rule = kinds[call.func.id.lower()](*arguments, **named)
        except (ValueError, TypeError) as error:
            raise ModelError(
                f"rules: {written!r}: wanted plain numbers as the rule's arguments, e.g. BPTT(16) ({error})"
            ) from error
        if rule not in found:
            found.append(rule)
    return found


def written(rule: Rule) -> str:
    """A rule as one writes it, with its first number even where it is the default: BPTT(16)."""
    given = [f for f in fields(rule) if f.name != "seed"]
    while len(given) > 1 and getattr(rule, given[-1].name) == given[-1].default:
        given.pop()
    values = [repr(getattr(rule, f.name)) for f in given]
    return f"{type(rule).__name__}({', '.join(values)})".removesuffix("()")


def equal_ram_window(model: Model, ram_bytes: int) -> int:
    """The longest window whose BPTT fits the model into so much RAM; 0 if none does."""
    windows = range(2, 257)
    fits = bisect_right(windows, ram_bytes, key=lambda window: plan(replace(model, rule=BPTT(window))).struct_bytes)
    return windows[fits - 1] if fits else 0


def compare(
    integer_model: IntegerModel,
    stream: Stream,
    rules: str | None,
    board: str | None = None,
    *,
    progress: Progress,
) -> Comparison:
    """Play a stream under each rule, from the same weights and with the same rates, on the host twin.

    Args:
        integer_model: where each starts; its own rule is not used.
        stream: physical units.
        rules: see :func:`parse_rules`; :data:`USUAL` if None. Trunc1 and ReadoutOnly always take part.
        board: an emulated one, on which each rule's instructions are counted too.
        progress: makes progress bars.

    Raises:
        ModelError: rules that cannot be read, or that all are refused by the cell.
        BoardError, BuildError: instructions cannot be counted on the board, or not on this computer.
    """
    model, chip = integer_model.model, board_that_counts(board)
    entrants, refused = [], []
    for rule in dict.fromkeys([*parse_rules(USUAL if rules is None else rules), Trunc1(), ReadoutOnly()]):
        reason = rule.refuses(model.cell.structure(model.inputs), model.cell) or rule.refuses_numbers(model.numbers)
        if reason:
            refused.append(f"{written(rule)}: {reason}")
            continue
        played = integer_model.with_(rule=rule)
        entrant = _entrant(played, stream, progress)
        if chip is not None:
            try:
                entrant = replace(entrant, instructions=step_instructions(played, stream, chip, progress))
            except PlanError as error:
                refused.append(f"{written(rule)}, its instructions: {error}")
        entrants.append(entrant)
    frozen = integer_model.with_(rule=ReadoutOnly())
    bar = progress("frozen", len(stream))
    with HostTwin(frozen) as twin:
        run = prequential(twin, frozen, stream, False, bar)
    bar.close()
    needs = plan(frozen)
    controls = [
        Entrant("frozen", run, needs.inference_bytes, needs.macs_predict),
        *(
            Entrant(name, play(control, stream))
            for name, control in standard_controls(stream, integer_model=integer_model).items()
        ),
    ]
    return Comparison(integer_model, entrants, controls, refused, chip)


def board_that_counts(board: str | None) -> Board | None:
    """The board, if its instructions can be counted on this computer: BoardError or BuildError if not."""
    if board is None:
        return None
    found = load_board(board)
    check_counts(found)
    return found


def step_instructions(integer_model: IntegerModel, stream: Stream, board: Board, progress: Progress) -> int:
    """Instructions of a step with its learning: all calls over the first :data:`STRETCH` samples, the mean."""
    short = stream[:STRETCH]
    bar = progress(f"{written(integer_model.model.rule)}: {board.name}", len(short))
    with Emulator(integer_model, board, count_instructions=True) as chip:
        prequential(chip, integer_model, short, True, bar)
        counts = chip.instructions()
    bar.close()
    return round(sum(count.total for count in counts.values()) / len(short))


def _entrant(integer_model: IntegerModel, stream: Stream, progress: Progress) -> Entrant:
    model = integer_model.model
    name = written(model.rule)
    bar = progress(name, len(stream))
    with HostTwin(integer_model) as twin:
        run = prequential(twin, integer_model, stream, True, bar)
    bar.close()
    cosine = None
    if model.rule.trains_cell and model.dims.columns * model.dims.states <= LARGEST:
        bar = progress(f"{name}: gradient", 1)
        cosines = fidelity(integer_model, stream[:STRETCH]).exact_cosine
        cosine = float(cosines.mean()) if len(cosines) else None
        bar.close()
    needs = plan(model)
    return Entrant(name, run, needs.struct_bytes, needs.macs_predict + needs.macs_learn, cosine, model.rule)


# ------------------------------------------------------------------------------------------- as HTML


def render(found: Comparison, command: str) -> str:
    """The comparison as one HTML page that opens offline; ``command`` is what made it."""
    model = found.integer_model.model
    return page(
        f"{model.name}: which learning rule?",
        f"{label(model.cell)} of {model.cell.units} units, {len(found.rules[0].run):,} samples, each predicted before "
        "its label was seen. All rules start from the same weights and have the same learning rates.",
        [_table_section(found), _pareto_section(found), _time_section(found), _facts_section(found, command)],
    )


def _table_section(found: Comparison) -> str:
    rows = []
    for entrant, row in zip((*found.rules, *found.controls), found.rows(), strict=True):
        cells = [f"{row[1]:.4f}", *("–" if v is None else f"{v:,}" if isinstance(v, int) else f"{v:.3f}"
                                    for v in row[2:])]  # fmt: skip
        first = '<td class="best">' if entrant is found.best else "<td>"
        marked = ' class="learning"' if entrant is found.recommended else ""
        rest = "".join(f"<td>{cell}</td>" for cell in cells[1:])
        rows.append(f"<tr{marked}><td>{escape(entrant.name)}</td>{first}{cells[0]}</td>{rest}</tr>")
    sentences = "".join(
        f'<li class="lost">{escape(text)}</li>' if warning else f"<li>{escape(text)}</li>"
        for warning, text in found.conclusions()
    )
    return section("The rules", table(found.header(), rows) + f'\n<ul class="plain">{sentences}</ul>', found.legend)


def _pareto_section(found: Comparison) -> str:
    panels = []
    work = ("macs", "multiply-accumulates a step")
    if found.board is not None:
        work = ("instructions", f"instructions a step, {found.board.name}")
    for what, unit in (("ram_bytes", "RAM, bytes"), work):
        points = [(float(value), found.error(entrant), entrant) for entrant in found.rules
                  if (value := getattr(entrant, what)) is not None]  # fmt: skip
        front = [(x, y) for x, y, _ in sorted(points, key=lambda p: p[:2])
                 if not any(a <= x and b < y for a, b, _ in points)]  # fmt: skip
        curves = [plots.Curve(np.array([x for x, _ in front]), np.array([y for _, y in front]), "soft", dashed=True)]
        curves += [
            plots.Curve(np.array([x]), np.array([y]), COLOURS[i % len(COLOURS)], dots=True, strong=True)
            for i, (x, y, _) in enumerate(points)
        ]
        labels = [(x, y, entrant.name) for x, y, entrant in points]
        panels.append(plots.Panel(curves, unit, "NRMSE", labels=labels, log_x=True))
    drawing = plots.figure("pareto", panels, "Error against RAM and against work of each rule")
    return section(
        "What an error costs",
        f"<figure>\n{drawing}\n</figure>",
        "Lower is better, further left is cheaper. The dashed line joins the rules that no other beats in both.",
    )


def _time_section(found: Comparison) -> str:
    window = max(25, len(found.rules[0].run) // 40)
    curves, names, tops = [], [], []
    for i, entrant in enumerate(found.rules):
        error = entrant.run.running_nrmse(window)
        error[: min(window, len(error) // 2)] = np.nan
        x, y = plots.thinned(np.arange(len(error), dtype=np.float64), error)
        curves.append(plots.Curve(x, y, COLOURS[i % len(COLOURS)]))
        names.append((COLOURS[i % len(COLOURS)], "", entrant.name))
        tops += [float(np.quantile(y, 0.995))] if len(y) else []
    panel = plots.Panel(curves, "sample", "running NRMSE", bottom=0.0, top=1.1 * max(tops) if tops else None)
    drawing = plots.figure("time", [panel], "Prediction error over time for each rule")
    body = f"{legend(names)}\n<figure>\n{drawing}\n</figure>"
    return section("Error over time", body, f"The error over the last {window} samples.")


def _facts_section(found: Comparison, command: str) -> str:
    model = found.integer_model.model
    facts = {"command": command, "model": model.name, "digest": found.integer_model.digest[:16],
             "numbers": model.numbers.name, "optimiser": label(model.optimiser)}  # fmt: skip
    lines = "".join(f"<dt>{escape(k)}</dt><dd><code>{escape(v)}</code></dd>" for k, v in facts.items())
    left_out = "".join(f"<li>{escape(text)}</li>" for text in found.refused)
    body = f'<dl class="facts">{lines}</dl>' + (f'<ul class="plain">{left_out}</ul>' if left_out else "")
    return section("What was run", body)
