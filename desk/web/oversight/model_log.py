"""The model log: drift, monthly quality over time, promotions and restorations; and how mature the labels are."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from nicegui import ui

from alerts.model_notes import note_sentence
from desk.web.components.basics import badge, card, empty, plain_table
from desk.web.components.charts import Chart, over_time
from desk.web.components.section import Section
from desk.web.frame import Frame
from desk.web.views import Row
from schemas.decisions import ModelNote

_LOOKS = {
    "calibration_drift": ("trending_up", "warn"),
    "score_drift": ("stacked_line_chart", "warn"),
    "quality": ("insights", ""),
    "challenger_ahead": ("emoji_events", "info"),
    "promoted": ("upgrade", "good"),
    "restored": ("settings_backup_restore", "info"),
    "refused": ("block", "bad"),
}
_SHOWN, _MONTHS = 40, 24


class ModelLog:
    """Quality by month as lines, and every note as a sentence."""

    def __init__(self, frame: Frame) -> None:
        self._frame = frame
        with card(frame.t("by_month"), frame.t("by_month_note"), span=5):
            self._chart = Chart(frame, frame.t("by_month"), 220)
        with card(frame.t("log"), span=7, flush=True):
            self._body = Section("scroll timeline")

    def show(self, rows: Sequence[Row]) -> None:
        """Rows of the view `model_log`, newest first."""
        self._body.show([row["id"] for row in rows], lambda: self._draw(rows))

    def _draw(self, rows: Sequence[Row]) -> None:
        self._chart.show(self._by_month(rows))
        if not rows:
            empty(self._frame.t("no_notes"), "event_note")
        for row in rows[:_SHOWN]:
            self._note(row)

    def _note(self, row: Row) -> None:
        note = ModelNote.model_validate(json.loads(row["event"])["data"])
        icon, look = _LOOKS[note.kind]
        with ui.element("div").classes("timeline-row wide-icon"):
            ui.label(self._frame.f.short_day(row["time"])).classes("muted nowrap small")
            badge(self._frame.t(f"kind_{note.kind}"), icon, look)
            ui.label(note_sentence(note, self._frame.language))

    def _by_month(self, rows: Sequence[Row]) -> dict[str, Any]:
        """Mean over partitions, weighed by outcomes; the naive rate's log-loss beside the model's."""
        frame, p = self._frame, self._frame.palette
        sums: dict[str, dict[str, list[float]]] = {"A": {}, "B": {}}
        for row in rows:
            if row["kind"] == "quality":
                month = sums[row["task"]].setdefault(row["time"][:10], [0.0, 0.0, 0.0])
                for at, value in enumerate(
                    (row["outcomes"], row["statistic"] * row["outcomes"], row["threshold"] * row["outcomes"])
                ):
                    month[at] += value
        days = sorted({day for task in sums.values() for day in task})

        def line(task: str, at: int) -> list[float | None]:
            return [
                found[at] / found[0] if (found := sums[task].get(day)) is not None and found[0] else None
                for day in days
            ]

        return over_time(
            frame,
            days,
            [
                (frame.t("late_model"), line("A", 1), p.series[0]),
                (frame.t("late_naive"), line("A", 2), p.series[4]),
                (frame.t("long_model"), line("B", 1), p.series[2]),
                (frame.t("long_naive"), line("B", 2), p.series[3]),
            ],
            decimals=3,
        )


class LabelMaturity:
    """How far the outcomes of each month's invoices are known; before all are, the rate is that of the quick ones."""

    def __init__(self, frame: Frame) -> None:
        self._frame = frame
        with card(frame.t("maturity"), frame.t("maturity_note"), span=5, flush=True):
            self._body = Section("scroll short")

    def show(self, rows: Sequence[Row]) -> None:
        """Rows of the view `label_maturity`, oldest first."""
        f, t = self._frame.f, self._frame.t
        head = [(t("month"), False), (t("invoices"), True), (t("known_share"), True), (t("late_rate"), True)]
        shown = [
            [row["month"][:7], f.number(row["invoices"]), f.percent(row["maturity"]), f.percent(row["rate"], 1)]
            for row in reversed(rows[-_MONTHS:])
        ]
        self._body.show(shown, lambda: plain_table(head, shown) if shown else empty(t("frame.nothing")))
