"""Charts of the report as SVG: numbers and dates only, so that one drawing serves both languages.

Same data, same bytes. Marks differ by shape as well as by colour. Words stand beside the charts, in the page.
"""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from typing import Any

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure

_STYLE: Any = {
    "svg.fonttype": "none", "svg.hashsalt": "creditpulse", "font.family": "sans-serif", "font.size": 9,
    "axes.spines.top": False, "axes.spines.right": False, "axes.edgecolor": "#888888", "text.color": "#888888",
    "axes.labelcolor": "#888888", "xtick.color": "#888888", "ytick.color": "#888888", "grid.color": "#88888855",
}  # fmt: skip
BLUE, ORANGE, GREY = "#3b82c4", "#d9822b", "#888888"
LEVEL_COLOURS = {
    "PRIME": "#1b7837", "STANDARD": "#7fbf7b", "WATCH": "#e6c229", "HIGH_RISK": "#e08214", "BLOCKED": "#b2182b",
    "UNRATED": "#999999",
}  # fmt: skip
_HATCHES = {"PRIME": "", "STANDARD": "//", "WATCH": "..", "HIGH_RISK": "xx", "BLOCKED": "", "UNRATED": "--"}


def calibration_chart(bins: Sequence[Mapping[str, float]]) -> str:
    """Foretold against happened, with intervals; on the diagonal they are the same."""

    def draw(axes: Axes) -> None:
        x = [b["mean_probability"] for b in bins]
        y = [b["rate"] for b in bins]
        below = [max(0.0, b["rate"] - b["low"]) for b in bins]
        above = [max(0.0, b["high"] - b["rate"]) for b in bins]
        most = max([0.05, *x, *(b["high"] for b in bins)])
        axes.plot([0, most], [0, most], color=GREY, linestyle=":", linewidth=1)
        axes.errorbar(x, y, yerr=[below, above], color=BLUE, marker="o", markersize=4, linewidth=1, capsize=2)
        axes.set_xlim(0, most)
        axes.set_ylim(0, most)

    return _svg(draw, 3.4, 3.0)


def levels_chart(months: Sequence[Mapping[str, Any]]) -> str:
    """Customers per level at the end of each month, stacked from the best level upwards."""

    def draw(axes: Axes) -> None:
        names = [name for name in LEVEL_COLOURS if any(month.get(name) for month in months)]
        at = range(len(months))
        bottom = [0] * len(months)
        for name in names:
            counts = [month.get(name, 0) for month in months]
            axes.bar(at, counts, bottom=bottom, width=0.85, color=LEVEL_COLOURS[name], hatch=_HATCHES[name],
                     edgecolor="#ffffff66", linewidth=0)  # fmt: skip
            bottom = [a + b for a, b in zip(bottom, counts, strict=True)]
        step = max(1, len(months) // 8)
        axes.set_xticks(list(at)[::step], [month["month"] for month in months][::step])

    return _svg(draw, 6.8, 2.6)


def warning_chart(points: Sequence[tuple[str, float, float]]) -> str:
    """Recall (upwards) against precision, a numbered mark per rule."""

    def draw(axes: Axes) -> None:
        for number, (_, precision, recall) in enumerate(points, start=1):
            first = number == 1
            axes.plot([precision], [recall], marker="o" if first else "s", color=BLUE if first else ORANGE)
            axes.annotate(str(number), (precision, recall), textcoords="offset points", xytext=(6, 4))
        axes.set_xlim(0, 1)
        axes.set_ylim(0, 1.02)

    return _svg(draw, 3.4, 2.6)


def interval_chart(rows: Sequence[Mapping[str, float]]) -> str:
    """A dot with its interval per row, the first row on top; the rows' names stand in the table beside."""

    def draw(axes: Axes) -> None:
        for place, row in enumerate(rows):
            axes.plot([row["low"], row["high"]], [place, place], color=GREY, linewidth=2, solid_capstyle="butt")
            axes.plot([row["value"]], [place], marker="o", color=BLUE)
        axes.set_yticks(range(len(rows)), [str(n + 1) for n in range(len(rows))])
        axes.set_ylim(len(rows) - 0.5, -0.5)
        axes.set_xlim(left=0)

    return _svg(draw, 3.4, 0.7 + 0.26 * len(rows))


def _svg(draw: Any, width: float, height: float) -> str:
    with mpl.rc_context(_STYLE):
        figure = Figure(figsize=(width, height), layout="constrained")
        figure.patch.set_alpha(0)
        axes = figure.add_subplot()
        axes.patch.set_alpha(0)
        axes.grid(visible=True, linewidth=0.5)
        axes.set_axisbelow(True)
        draw(axes)
        out = io.StringIO()
        FigureCanvasSVG(figure).print_svg(  # type: ignore[no-untyped-call]
            out, metadata={"Date": None, "Creator": None, "Format": None, "Type": None}
        )
    text = out.getvalue()
    return text[text.index("<svg") :]
