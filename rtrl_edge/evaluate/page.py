"""What our HTML pages are made of: one file that opens offline, of sections, tables and a map of the RAM."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from html import escape
from importlib.resources import files

#: first line of page.html, by which a report is known
PAGE_LINE = "<!DOCTYPE html><!-- rtrl-edge: report -->"


def page(title: str, lead: str, sections: Sequence[str]) -> str:
    """One HTML page without scripts, links or files beside it, of what :func:`section` made."""
    template = files(__package__).joinpath("page.html").read_text(encoding="utf-8")
    body = "\n".join(part for part in sections if part)
    return _filled(template, {"title": escape(title), "lead": escape(lead), "sections": body})


def section(heading: str, body: str, caption: str = "") -> str:
    """One card of a page; ``body`` is HTML, the others are text."""
    small = f'<p class="caption">{escape(caption)}</p>\n' if caption else ""
    return f"<section>\n<h2>{escape(heading)}</h2>\n{small}{body}\n</section>"


def table(header: Sequence[str], rows: Sequence[str]) -> str:
    """A table of rows that are HTML, ``<tr>`` and all."""
    head = "".join(f"<th>{escape(name)}</th>" for name in header)
    lines = f"<thead><tr>{head}</tr></thead>\n<tbody>\n{chr(10).join(rows)}\n</tbody>"
    return f'<div class="scroll"><table>\n{lines}\n</table></div>'


def legend(entries: Sequence[tuple[str, str, str]]) -> str:
    """Entries (css colour, class, text)."""
    spans = (
        f'<span><i class="{kind}" style="color:var(--{colour})"></i>{escape(text)}</span>'
        for colour, kind, text in entries
    )
    return f'<div class="legend">{"".join(spans)}</div>'


def ram_section(ram_bytes: Mapping[str, int], board_ram_bytes: int | None) -> str:
    """A map of the state struct: bytes of its groups, and its share of a board's RAM; nothing where it has none."""
    total = sum(ram_bytes.values())
    if not total:
        return ""
    groups = list(ram_bytes.items())
    bar = "".join(
        f'<div style="flex:{size} 0 0;background:var(--ram-{i % 6})" title="{escape(name)}"></div>'
        for i, (name, size) in enumerate(groups)
        if size
    )
    rows = [
        f'<tr><td><i class="swatch" style="background:var(--ram-{i % 6})"></i>{escape(name)}</td>'
        f"<td>{size:,} B</td><td>{size / total:.1%}</td></tr>"
        for i, (name, size) in enumerate(groups)
    ]
    rows.append(f"<tr><td>all</td><td>{total:,} B</td><td>100.0%</td></tr>")
    board = ""
    if board_ram_bytes:
        share = min(total / board_ram_bytes, 1.0)
        board = (
            f'<p class="caption">{total:,} B of the board’s {board_ram_bytes:,} B: {share:.1%}</p>\n'
            f'<div class="bar thin"><div style="width:{share:.3%};background:var(--ram-0)"></div></div>'
        )
    sizes = table(["", "bytes", "share"], rows)
    return section("RAM map", f'<div class="bar">{bar}</div>\n{sizes}\n{board}')


def _filled(template: str, slots: Mapping[str, str]) -> str:
    wanted = set(re.findall(r"@([a-z]+)@", template))
    assert wanted == set(slots), f"page.html has the slots {sorted(wanted)}, given are {sorted(slots)}"
    return re.sub(r"@([a-z]+)@", lambda match: slots[match.group(1)], template)
