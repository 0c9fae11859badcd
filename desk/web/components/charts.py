"""Charts (ECharts) in the colours of the theme: lines over time, stacked areas, bars, waterfalls, heat maps."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from nicegui import ui
from nicegui.elements.echart import EChart

from desk.web.frame import Frame
from desk.web.theme import FONT

Options = dict[str, Any]


class Chart:
    """A chart that is filled, and filled again, by ``show``; ``about`` says in words what it shows."""

    def __init__(self, frame: Frame, about: str, height: int = 220) -> None:
        self._frame = frame
        self._drawn: Options | None = None
        self._element: EChart = ui.echart(_base(frame)).classes("chart").style(f"height:{height}px")
        self._element._props["role"] = "img"
        self._element._props["aria-label"] = about

    def show(self, options: Options) -> None:
        """Draw it, unless it is drawn already; ``options`` are ECharts', laid over our base."""
        if options == self._drawn:
            return
        self._drawn = options
        self._element.options.clear()
        self._element.options.update(_merged(_base(self._frame), options))
        self._element.update()

    @property
    def element(self) -> EChart:
        """The toolkit's element, to listen to clicks."""
        return self._element


def over_time(
    frame: Frame,
    days: Sequence[str],
    series: Sequence[tuple[str, Sequence[float | None], str]],
    *,
    stacked: bool = False,
    area: bool = False,
    unit: str = "",
    decimals: int = 0,
) -> Options:
    """Lines (or stacked areas) over days (ISO); each series has name, values, colour. ``unit`` and ``decimals``: of the
    values that are shown under the pointer."""
    lines = [
        {
            "name": name, "type": "line", "data": list(values), "showSymbol": False, "step": False, "smooth": False,
            "lineStyle": {"width": 1 if area else 2, "color": colour}, "itemStyle": {"color": colour},
            **({"stack": "all"} if stacked else {}),
            **({"areaStyle": {"color": colour, "opacity": 0.75 if stacked else 0.15}} if area else {}),
            "emphasis": {"focus": "series"},
        }
        for name, values, colour in series
    ]  # fmt: skip
    compact = f"value => new Intl.NumberFormat('{frame.language}', {{notation: 'compact'}}).format(value)"
    exact = f"Number(value).toLocaleString('{frame.language}', {{maximumFractionDigits: {decimals}}})"
    return {
        "grid": {"right": 22},  # half of the last day's name
        "legend": {"show": len(lines) > 1},
        "tooltip": {"trigger": "axis", ":valueFormatter": f"value => value == null ? '–' : {exact} + ' {unit}'"},
        "xAxis": {"type": "category", "boundaryGap": False, "data": [frame.f.short_day(day) for day in days]},
        "yAxis": {"type": "value", "axisLabel": {":formatter": compact}},
        "series": lines,
    }


def bars(
    frame: Frame, names: Sequence[str], values: Sequence[float], colours: Sequence[str], labels: Sequence[str]
) -> Options:
    """Lying bars with their text at the end, first on top."""
    p = frame.palette
    return {
        "grid": {"left": 4, "right": 76, "top": 4, "bottom": 4},
        "xAxis": {"type": "value", "show": False},
        "yAxis": {
            "type": "category",
            "inverse": True,
            "data": list(names),
            "axisLine": {"show": False},
            "axisTick": {"show": False},
            "axisLabel": {"color": p.text},
        },
        "series": [
            {
                "type": "bar",
                "barMaxWidth": 16,
                "itemStyle": {"borderRadius": [0, 3, 3, 0]},
                "data": [
                    {"value": value, "itemStyle": {"color": colour}, "label": {"formatter": label}}
                    for value, colour, label in zip(values, colours, labels, strict=True)
                ],
                "label": {"show": True, "position": "right", "color": p.text, "fontSize": 12},
            }
        ],
    }


def lying_waterfall(frame: Frame, steps: Sequence[tuple[str, float]], start: tuple[str, float], total: str) -> Options:
    """As ``waterfall``, lying: for many steps with long names, the first on top."""
    p, f = frame.palette, frame.f
    names, invisible, data = [start[0]], [0.0], [_bar(start[1], p.muted, f.number(start[1]))]
    at = start[1]
    for name, change in steps:
        names.append(name)
        invisible.append(min(at, at + change))
        data.append(_bar(abs(change), p.bad if change < 0 else p.good, f.number(change, signed=True)))
        at += change
    names.append(total)
    invisible.append(0.0)
    data.append(_bar(at, p.accent, f.number(at)))
    return {
        "grid": {"left": 4, "right": 56, "top": 4, "bottom": 4},
        "tooltip": {"show": False},
        "xAxis": {"type": "value", "show": False, "max": start[1]},
        "yAxis": {
            "type": "category", "inverse": True, "data": names, "axisLine": {"show": False},
            "axisTick": {"show": False}, "axisLabel": {"color": p.text}, "splitLine": {"show": False},
        },
        "series": [
            {"type": "bar", "stack": "w", "silent": True, "itemStyle": {"color": "transparent"}, "data": invisible},
            {
                "type": "bar", "stack": "w", "barMaxWidth": 14, "data": data,
                "label": {"show": True, "position": "right", "color": p.text, "fontSize": 11.5},
            },
        ],
    }  # fmt: skip


def _bar(value: float, colour: str, label: str) -> Options:
    return {"value": value, "itemStyle": {"color": colour}, "label": {"formatter": label}}


def waterfall(
    frame: Frame,
    steps: Sequence[tuple[str, float]],
    start: tuple[str, float] | None,
    total: str,
    *,
    neutral: bool = False,
) -> Options:
    """From ``start`` (or zero) over the steps to their sum, each bar hanging where the one before ended.

    ``neutral``: more is neither good nor bad.
    """
    p, f = frame.palette, frame.f
    names, invisible, data = [], [], []
    at = 0.0
    if start is not None:
        names.append(start[0])
        invisible.append(0.0)
        data.append({"value": start[1], "itemStyle": {"color": p.muted}, "label": {"formatter": f.number(start[1])}})
        at = start[1]
    for name, change in steps:
        names.append(name)
        invisible.append(min(at, at + change))
        colour = p.series[4 if change < 0 else 1] if neutral else p.bad if change < 0 else p.good
        data.append(
            {
                "value": abs(change),
                "itemStyle": {"color": colour},
                "label": {"formatter": f.number(change, signed=True)},
            }
        )
        at += change
    names.append(total)
    invisible.append(0.0)
    data.append({"value": at, "itemStyle": {"color": p.accent}, "label": {"formatter": f.number(at)}})
    return {
        "grid": {"left": 4, "right": 12, "top": 22, "bottom": 4},
        "tooltip": {"show": False},
        "xAxis": {
            "type": "category",
            "data": names,
            "axisLabel": {"interval": 0, "width": 84, "overflow": "break", "color": p.text},
        },
        "yAxis": {"type": "value", "show": False},
        "series": [
            {"type": "bar", "stack": "w", "silent": True, "itemStyle": {"color": "transparent"}, "data": invisible},
            {
                "type": "bar",
                "stack": "w",
                "barMaxWidth": 44,
                "data": data,
                "label": {"show": True, "position": "top", "color": p.text, "fontSize": 11.5},
            },
        ],
    }


def _base(frame: Frame) -> Options:
    p = frame.palette
    line = {"lineStyle": {"color": p.line}}
    return {
        "animation": False,
        "textStyle": {"fontFamily": FONT, "color": p.text, "fontSize": 12},
        "grid": {"left": 4, "right": 12, "top": 34, "bottom": 4, "containLabel": True},
        "legend": {
            "top": 0,
            "left": 0,
            "icon": "roundRect",
            "itemWidth": 10,
            "itemHeight": 10,
            "itemGap": 14,
            "textStyle": {"color": p.muted, "fontSize": 12},
            "type": "scroll",
        },
        "tooltip": {
            "backgroundColor": p.surface,
            "borderColor": p.line,
            "textStyle": {"color": p.text, "fontSize": 12},
            "renderMode": "richText",
            "confine": True,
        },
        "xAxis": {
            "axisLine": line,
            "axisTick": {"show": False},
            "axisLabel": {"color": p.muted, "fontSize": 11.5},
            "splitLine": {"show": False},
        },
        "yAxis": {"axisLine": {"show": False}, "axisLabel": {"color": p.muted, "fontSize": 11.5}, "splitLine": line},
        "series": [],
    }


def _merged(base: Mapping[str, Any], over: Mapping[str, Any]) -> Options:
    found = dict(base)
    for name, value in over.items():
        known = found.get(name)
        found[name] = _merged(known, value) if isinstance(known, Mapping) and isinstance(value, Mapping) else value
    return found
