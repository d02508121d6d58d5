"""Models against each other, and against the literature: compare, bench, matrix."""

from __future__ import annotations

import argparse
from pathlib import Path

from ..project import refuse_other_kind, write_text
from .arguments import Commands, add_model, add_report, percent
from .common import Bar, build_and_stream, write_json

#: percent that a counted figure may grow: the same compiler gives the same count, another one differs by some tenths
_THRESHOLD = 0.5


def add_compare(commands: Commands) -> None:
    sub = commands.add(
        "compare",
        _compare,
        "learning rules against each other on your stream: error, RAM, work, gradient",
        "Plays each from the same weights and recommends the cheapest whose error is within noise of the best.",
    )
    add_model(sub, stream=True)
    sub.add_argument(
        "--rules",
        metavar="A,B(16)",
        help="rules with plain numbers as arguments, e.g. 'RTRL, BPTT(16), SnAp(1)'; Trunc1 and ReadoutOnly always "
        "take part; default: those that are usual for the cell",
    )
    sub.add_argument(
        "--board",
        metavar="B",
        help="an emulated board, e.g. qemu_mps2_an386: also count the instructions of each rule's step on it",
    )
    sub.add_argument("--report", type=Path, metavar="FILE.HTML", help="write a page with plots that opens offline")
    add_report(sub)


def _compare(options: argparse.Namespace) -> int:
    from ..evaluate import plots
    from ..evaluate.compare import USUAL, board_that_counts, compare, parse_rules, render
    from ..evaluate.page import PAGE_LINE

    if options.report is not None:
        refuse_other_kind(options.report, PAGE_LINE)
        plots.check()
    parse_rules(USUAL if options.rules is None else options.rules)  # a wrong one is told now, not after the training
    board_that_counts(options.board)
    found = compare(*build_and_stream(options), options.rules, options.board, progress=Bar)
    print(found.text())
    if options.report:
        command = f"rtrl-edge compare {options.model}" + (f" --rules '{options.rules}'" if options.rules else "")
        command += f" --board {options.board}" if options.board else ""
        print(f"wrote {write_text(options.report, render(found, command))}")
    write_json(options, found.figures())
    return 0


def add_bench(commands: Commands) -> None:
    several = commands.several(
        "bench",
        "play the literature's tasks in the chip's integers, count instructions on every board, compare two such runs",
    )
    sub = several.add(
        "learning",
        _bench_learning,
        "the tasks of the literature, in the arithmetic of the chip",
        "Finished runs are kept in DIR, so that a second call goes on where the first was stopped.",
    )
    sub.add_argument("--quick", action="store_true", help="a minute: short runs, one seed, one mark")
    sub.add_argument(
        "--out",
        type=Path,
        default=Path("build/learning"),
        metavar="DIR",
        help="gets runs.jsonl, learning.csv and learning.html; default build/learning",
    )
    sub.add_argument(
        "--recordings",
        type=Path,
        metavar="DIR",
        help="a folder of yours with temperature (NAB) or occupancy (UCI) recordings as .csv or .csv.gz: play them too",
    )
    _add_page(sub)
    add_report(sub)

    sub = several.add(
        "target",
        _bench_target,
        "the demonstration's model on every board: bits, size and instructions",
        "Minutes on two cores.",
    )
    _add_page(sub)
    add_report(sub)

    sub = several.add(
        "compare",
        _bench_compare,
        "what became slower, larger or worse between two files of figures, and what better",
        "Of one command, which wrote them with --json: `bench target`, `bench learning`, `plan`, `build`, `run`. Ends "
        "with 1 if a figure is worse, or is not measured any more.",
    )
    sub.add_argument("a", type=Path, metavar="A.json", help="the earlier figures")
    sub.add_argument("b", type=Path, metavar="B.json", help="the later ones")
    sub.add_argument(
        "--threshold",
        type=percent,
        default=_THRESHOLD,
        metavar="PERCENT",
        help="a figure that was counted or measured may grow by so much; RAM and multiply-accumulates follow from the "
        f"model and may not grow at all; default {_THRESHOLD:g}",
    )


def _add_page(sub: argparse.ArgumentParser) -> None:
    sub.add_argument("--page", type=Path, metavar="FILE.MD", help="also write the results as a Markdown page")


def _bench_compare(options: argparse.Namespace) -> int:
    from ..evaluate.regression import compare_files, regressed, text

    found = compare_files(options.a, options.b, options.threshold)
    print(text(found, options.threshold))
    return 1 if regressed(found) else 0


def _bench_target(options: argparse.Namespace) -> int:
    from ..demo import MODEL
    from ..evaluate import targets as bench

    if options.page:
        refuse_other_kind(options.page, bench.MARKDOWN_LINE)
    found = bench.targets(MODEL, progress=Bar)
    print(bench.text(found))
    if options.page:
        command = f"rtrl-edge bench target --page {options.page}"
        print(f"wrote {write_text(options.page, bench.markdown(MODEL, found, command))}")
    write_json(options, bench.figures(found))
    return 1 if any(target.bits.startswith("different") for target in found) else 0


def _bench_learning(options: argparse.Namespace) -> int:
    from ..evaluate import learning_page as pages
    from ..evaluate import plots
    from ..evaluate.bench import run_all
    from ..evaluate.learning import entries
    from ..evaluate.learning_marks import Results, marks
    from ..evaluate.page import PAGE_LINE

    files = [(options.out / "learning.csv", pages.CSV_LINE), (options.out / "learning.html", PAGE_LINE)]
    files += [(options.page, pages.MARKDOWN_LINE)] if options.page else []
    for path, first_line in files:
        refuse_other_kind(path, first_line)
    plots.check()
    command = "rtrl-edge bench learning" + (" --quick" if options.quick else "")
    command += " --recordings DIR" if options.recordings else ""
    command += f" --page {options.page}" if options.page else ""
    found = Results(run_all(entries(options.quick, options.recordings), options.out, progress=Bar))
    judged = marks(found, options.quick)
    print(pages.text(found, judged))
    texts = [pages.csv_text(found), pages.render(found, judged, command)]
    texts += [pages.markdown(found, judged, command)] if options.page else []
    for (path, _), text in zip(files, texts, strict=True):
        print(f"wrote {write_text(path, text)}")
    write_json(options, pages.figures(found, judged))
    return 1 if options.quick and judged[0].state != "reached" else 0


def add_matrix(commands: Commands) -> None:
    sub = commands.add(
        "matrix",
        _matrix,
        "every cell with every rule: legal or refused and why, gradient error, RAM, work",
        "Plays each legal pair in integers beside float64; takes minutes.",
    )
    sub.add_argument("--out", type=Path, metavar="FILE.MD", help="write the page here instead of the terminal")


def _matrix(options: argparse.Namespace) -> int:
    from ..evaluate.matrix import MARKDOWN_LINE, matrix, page, pairs

    if options.out:
        refuse_other_kind(options.out, MARKDOWN_LINE)
    bar = Bar("pairs", len(pairs()), unit=" pairs")
    text = page(matrix(progress=bar))
    bar.close()
    print(f"wrote {write_text(options.out, text)}" if options.out else text)
    return 0
