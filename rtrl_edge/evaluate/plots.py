"""Plots of a report as inline SVG, coloured by the page (light or dark), in a wide and a narrow drawing."""

from __future__ import annotations

import io
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..errors import RtrlEdgeError
from ..stream import Float

POINTS = 700  # drawn per curve; more cannot be seen
SIZES = {"wide": (9.6, 3.7), "narrow": (4.5, 3.9)}  # inches

# Matplotlib wants a number for a colour, the page wants a name: these stand in for the names.
_STAND_IN = {"ink": "#0a0001", "soft": "#0a0002", "line": "#0a0003", "grid": "#0a0004", "shade": "#0a0005"}


@dataclass(frozen=True, eq=False)
class Curve:
    """One line: ``colour`` is a name of the page's palette, x and y have the same shape (points,)."""

    x: Float
    y: Float
    colour: str
    dashed: bool = False
    strong: bool = False
    dots: bool = False


@dataclass(frozen=True, eq=False)
class Panel:
    """One pair of axes; ``marks`` are (x, label) of vertical lines, ``labels`` (x, y, text) of points, ``top`` bounds y
    from above."""

    curves: Sequence[Curve]
    x_label: str
    y_label: str
    title: str = ""
    marks: Sequence[tuple[float, str]] = ()
    bottom: float | None = None
    top: float | None = None
    labels: Sequence[tuple[float, float, str]] = ()
    log_x: bool = False
    log_y: bool = False


def thinned(x: Float, y: Float) -> tuple[Float, Float]:
    """At most POINTS finite points of a curve, evenly spaced."""
    keep = np.flatnonzero(np.isfinite(y))
    keep = keep[:: max(1, -(-len(keep) // POINTS))]
    return x[keep], y[keep]


def figure(name: str, panels: Sequence[Panel], description: str) -> str:
    """Panels side by side (wide screen) and stacked (narrow screen), as two <svg> elements.

    Raises RtrlEdgeError if matplotlib is not installed.
    """
    drawn = [_draw(f"{name}-{width}", panels, width, description) for width in SIZES]
    return "\n".join(drawn)


def check() -> None:
    """Raise RtrlEdgeError if matplotlib is not installed: now, not after the work whose figures are to be drawn."""
    _matplotlib()


def _matplotlib() -> tuple[Any, Callable[..., Any]]:
    try:
        import matplotlib
        from matplotlib.figure import Figure
    except ImportError as error:
        raise RtrlEdgeError(
            "report: the plots need matplotlib, which is not installed: pip install 'rtrl-edge[report]'"
        ) from error
    return matplotlib, Figure


def _draw(name: str, panels: Sequence[Panel], width: str, description: str) -> str:
    matplotlib, new_figure = _matplotlib()
    colours = dict(_STAND_IN)
    for curve in (c for panel in panels for c in panel.curves):
        colours.setdefault(curve.colour, f"#0a{len(colours) + 1:04x}")
    style = {
        "svg.fonttype": "none", "svg.hashsalt": name, "font.family": "DejaVu Sans", "font.size": 9.5,
        "text.color": colours["ink"], "axes.labelcolor": colours["soft"], "axes.edgecolor": colours["line"],
        "xtick.color": colours["line"], "ytick.color": colours["line"], "xtick.labelcolor": colours["soft"],
        "ytick.labelcolor": colours["soft"], "axes.titlesize": 10, "axes.labelsize": 9.5,
        "axes.titlelocation": "left",
        "axes.spines.top": False, "axes.spines.right": False, "axes.grid": True, "axes.axisbelow": True,
        "grid.color": colours["grid"], "grid.linewidth": 0.8, "axes.unicode_minus": True,
    }  # fmt: skip
    stacked = width == "narrow" and len(panels) > 1
    wide, high = SIZES[width]
    with matplotlib.rc_context(style):
        drawing = new_figure(figsize=(wide, high * 1.6 if stacked else high), layout="constrained")
        rows, columns = (len(panels), 1) if stacked else (1, len(panels))
        axes = drawing.subplots(rows, columns, squeeze=False).ravel()
        for axis, panel in zip(axes, panels, strict=True):
            _panel(axis, panel, colours)
        file = io.StringIO()
        drawing.savefig(file, format="svg", transparent=True, metadata={"Date": None})
    return _inline(file.getvalue(), colours, width, description)


def _panel(axis: Any, panel: Panel, colours: dict[str, str]) -> None:
    for order, curve in enumerate(panel.curves):
        line: dict[str, Any] = {"linewidth": 2.0 if curve.strong else 1.4, "linestyle": "-"}
        if curve.dashed:
            line["linestyle"] = "--"
        if curve.dots:
            line = {"linestyle": "none", "marker": "o", "markersize": 6.0 if curve.strong else 2.6}
            line["markeredgewidth"] = 0
        axis.plot(curve.x, curve.y, color=colours[curve.colour], zorder=3 + order / 100, **line)
    axis.margins(x=0.12 if panel.labels else 0.01)
    if panel.log_x:
        axis.set_xscale("log")
    if panel.log_y:
        axis.set_yscale("log")
    axis.set_xlabel(panel.x_label)
    axis.set_ylabel(panel.y_label)
    axis.tick_params(length=3)
    if panel.title:
        axis.set_title(panel.title)
    if panel.bottom is not None or panel.top is not None:
        axis.set_ylim(panel.bottom, panel.top)
    for at, label in panel.marks:
        axis.axvline(at, color=colours["ink"], linewidth=1.1, linestyle=(0, (2, 2)))
        axis.annotate(
            label, (at, 1.0), xycoords=("data", "axes fraction"), xytext=(4, -2), textcoords="offset points",
            va="top", ha="left", fontsize=9,
        )  # fmt: skip
    for x, y, text in panel.labels:
        axis.annotate(text, (x, y), xytext=(5, 3), textcoords="offset points", fontsize=8.5)


def _inline(svg: str, colours: dict[str, str], width: str, description: str) -> str:
    """What may stand inside a page: no prologue, metadata, style sheet or namespace; the page's colours."""
    svg = svg[svg.index("<svg") :].strip()
    svg = re.sub(r"\s*<metadata>.*?</metadata>", "", svg, flags=re.DOTALL)
    svg = re.sub(r"<defs>\s*<style.*?</style>\s*</defs>", "", svg, flags=re.DOTALL)
    view_box = re.search(r'viewBox="[^"]*"', svg)
    assert view_box is not None
    label = description.replace("&", "&amp;").replace('"', "&quot;").replace("<", "&lt;")
    opening = f'<svg class="{width}" {view_box.group()} role="img" aria-label="{label}">'
    svg = re.sub(r"<svg[^>]*>", lambda _: opening, svg, count=1)
    for name, stand_in in colours.items():
        svg = svg.replace(stand_in, f"var(--{name})")
    return svg
