"""Models against each other, and against the literature: compare, bench, matrix."""

from __future__ import annotations

import argparse
from pathlib import Path

from ..project import refuse_other_kind, write_text
from .arguments import Commands, add_model, add_report
from .common import Bar, build_and_stream, write_json


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
    from ..evaluate.compare import USUAL, board_that_counts, compare, parse_rules, render
    from ..evaluate.report import PAGE_LINE

    if options.report is not None:
        refuse_other_kind(options.report, PAGE_LINE)
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
    sub = commands.add(
        "bench",
        _bench,
        "play the tasks of the literature in the chip's integers, or count instructions on every board",
        "Finished runs of `learning` are kept in DIR, so that a second call goes on where the first was stopped. "
        "Minutes on two cores.",
    )
    sub.add_argument(
        "suite",
        choices=("learning", "target"),
        metavar="SUITE",
        help="learning: the tasks; target: the demonstration's model on every board, bits, size and instructions",
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
    sub.add_argument("--page", type=Path, metavar="FILE.MD", help="also write the results as a Markdown page")
    add_report(sub)


def _bench(options: argparse.Namespace) -> int:
    return _bench_target(options) if options.suite == "target" else _bench_learning(options)


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
    from ..evaluate.bench import run_all
    from ..evaluate.learning import Results, entries, marks
    from ..evaluate.report import PAGE_LINE

    files = [(options.out / "learning.csv", pages.CSV_LINE), (options.out / "learning.html", PAGE_LINE)]
    files += [(options.page, pages.MARKDOWN_LINE)] if options.page else []
    for path, first_line in files:
        refuse_other_kind(path, first_line)
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
    from ..evaluate.matrix import matrix, page, pairs

    bar = Bar("pairs", len(pairs()), unit=" pairs")
    text = page(matrix(progress=bar))
    bar.close()
    print(f"wrote {write_text(options.out, text)}" if options.out else text)
    return 0
