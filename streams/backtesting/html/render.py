"""Render the report (the plain data of report.json) as one self-contained HTML page in English and Chinese."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from functools import lru_cache
from importlib.resources import files
from typing import Any

import yaml
from babel.numbers import format_decimal, format_percent
from jinja2 import Environment, StrictUndefined
from markupsafe import Markup, escape

from streams.backtesting.html import charts

_HERE = files("streams.backtesting.html")
_TILES = ("events", "customers", "decisions", "alerts", "dead_letters", "policy")
_MONEY = (
    "orders", "sales", "holds", "held_amount", "rejections", "rejected_amount", "false_holds", "false_hold_amount",
    "sales_forgone", "margin_forgone", "bad_amount", "bad_amount_held", "loss_avoided", "late_cost_avoided",
    "expected_loss", "net",
)  # fmt: skip


@lru_cache(maxsize=1)
def words() -> dict[str, list[str]]:
    """All texts of the page by code: English, Chinese."""
    found: dict[str, list[str]] = yaml.safe_load((_HERE / "texts.yaml").read_text(encoding="utf-8"))
    return found


def render(report: Mapping[str, Any]) -> str:
    """The page. Sections that the report does not have are left out; the same report gives the same bytes."""
    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True)
    page = environment.from_string((_HERE / "page.html.j2").read_text(encoding="utf-8"))
    r = {name: report.get(name) for name in _SECTIONS}
    return page.render(
        r=r, words=words(), say=_say, tiles=_tiles(report), warnings=_warnings(report), charts=_charts(report),
        money_rows=_MONEY, level_colours=charts.LEVEL_COLOURS, level_name=_level_name, number=_number, count=_count,
        percent=_percent, amount=_amount, span=_span, ratio=_ratio, largest=_largest,
    )  # fmt: skip


_SECTIONS = (
    "prediction", "early_warning", "levels_over_time", "migration", "segments", "fairness", "money", "model_log",
)  # fmt: skip


def _say(key: str, language: int, values: Mapping[str, Any]) -> str:
    return words()[key][language].format_map({name: str(value) for name, value in values.items()})


def _level_name(level: str) -> Markup:
    english, chinese = words()[level]
    return Markup('<span lang="en">{}</span><span lang="zh-CN">{}</span>').format(english, chinese)


def _tiles(report: Mapping[str, Any]) -> list[tuple[str, str]]:
    shown = {
        "events": report.get("events"), "customers": report.get("customers"), "decisions": report.get("decisions"),
        "alerts": report.get("alerts", {}).get("total"), "dead_letters": report.get("dead_letters", {}).get("total"),
        "policy": report.get("policy_version"),
    }  # fmt: skip
    return [(key, v if isinstance(v, str) else _count(v)) for key in _TILES if (v := shown[key]) is not None]


def _warnings(report: Mapping[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    found = report.get("early_warning")
    return [("engine", found), *report.get("early_warning_rules", {}).items()] if found else []


def _charts(report: Mapping[str, Any]) -> dict[str, Any]:
    rules = [
        (name, row["precision"], row["recall"])
        for name, row in _warnings(report)
        if row["precision"] is not None and row["recall"] is not None
    ]
    fairness = {
        dimension: _chart(charts.interval_chart, [row | {"value": row["per_customer_year"]} for row in rows])
        for dimension, rows in report.get("fairness", {}).get("groups", {}).items()
        if all(row["enough"] for row in rows)
    }
    months = report.get("levels_over_time") or []
    return {
        "calibration": {
            task: _chart(charts.calibration_chart, found.get("calibration", {}).get("model"))
            for task, found in report.get("prediction", {}).items()
        },
        "warning": _chart(charts.warning_chart, rules),
        "levels": _chart(charts.levels_chart, months),
        "fairness": {name: fairness.get(name) for name in report.get("fairness", {}).get("groups", {})},
    }


def _chart(draw: Any, data: Any) -> Markup | None:
    # Drawn by us from numbers and dates alone: there is nothing of a customer's in it that could be markup.
    return Markup(draw(data)) if data else None  # noqa: S704


def _number(value: float | None, digits: int = 3) -> str:
    pattern = f"#,##0.{'0' * digits}" if digits else "#,##0"
    return "-" if value is None else format_decimal(value, pattern, locale="en")


def _count(value: int | None) -> str:
    return "-" if value is None else format_decimal(value, locale="en")


def _percent(value: float | None) -> str:
    return "-" if value is None else format_percent(value, "#,##0.0%", locale="en")


def _amount(value: str | int) -> Markup:
    if isinstance(value, int):
        return escape(_count(value))
    text = format_decimal(Decimal(value), "#,##0.00", locale="en")
    return Markup('<span class="{}">{}</span>').format("neg", text) if value.startswith("-") else escape(text)


def _span(intervals: Mapping[str, Any] | None, name: str, digits: int = 3) -> str:
    ends = intervals.get(name) if intervals else None
    return "" if not ends else f" ({ends[0]:.{digits}f} - {ends[1]:.{digits}f})"


def _ratio(row: Mapping[str, Any]) -> str:
    return "-" if not row["rate"] else _number(row["mean_probability"] / row["rate"], 2)


def _largest(found: Mapping[str, Any]) -> dict[str, str]:
    model, naive = found["model"], found["naive"]
    return {
        "share": _percent(found["share_of_rows"]),
        "auc": _number(model["auc"]), "log_loss": _number(model["log_loss"], 4),
        "naive_auc": _number(naive["auc"]), "naive_log_loss": _number(naive["log_loss"], 4),
    }  # fmt: skip
