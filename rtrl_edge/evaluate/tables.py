"""A table as text for the terminal."""

from __future__ import annotations

from collections.abc import Collection, Sequence


def text_table(
    header: Sequence[str], rows: Sequence[Sequence[object]], indent: int = 0, texts: Collection[str] = ()
) -> str:
    """Aligned columns for a terminal: the first and those named in ``texts`` flush left, the others flush right.

    None is shown as "-", a float with three decimals, an int with thousands separated.
    """
    cells = [[_cell(value) for value in row] for row in [header, *rows]]
    widths = [max(len(row[i]) for row in cells) for i in range(len(header))]
    lines = []
    for row in cells:
        aligned = [
            cell.ljust(width) if i == 0 or header[i] in texts else cell.rjust(width)
            for i, (cell, width) in enumerate(zip(row, widths, strict=True))
        ]
        lines.append((" " * indent + "  ".join(aligned)).rstrip())
    rule = " " * indent + "  ".join("-" * w for w in widths)
    return "\n".join([lines[0], rule, *lines[1:]])


def _cell(value: object) -> str:
    if value is None:
        return "-"
    if isinstance(value, float):
        return f"{value:.3f}"
    if isinstance(value, int) and not isinstance(value, bool):
        return f"{value:,}"
    return str(value)
