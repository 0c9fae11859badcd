"""How the customer pays: days late of each invoice, beside its own normal range."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from nicegui import ui

from desk.customer_questions import FileAnswer
from desk.web.components.basics import card
from desk.web.components.charts import Chart
from desk.web.frame import Frame
from desk.web.views import Row


class Paying:
    """One point per invoice that was paid, by the day of payment; the band is the normal range of now."""

    def __init__(self, frame: Frame) -> None:
        self._frame = frame
        with card(frame.t("paying"), frame.t("paying_note"), span=6):
            self._chart = Chart(frame, frame.t("paying_about"), 200)
            self._told = ui.label("").classes("muted")

    def show(self, file: FileAnswer, paid: Sequence[Row]) -> None:
        """Rows of the view `payment_behaviour`."""
        frame, f, habit = self._frame, self._frame.f, file.habit
        self._chart.show(self._options(file, paid))
        self._told.text = (
            frame.t("no_payments")
            if habit.mean_days_late is None
            else frame.t(
                "habit",
                mean=f.number(round(habit.mean_days_late, 1) + 0.0, 1, signed=True),
                low=f.number(habit.normal_from, 0, signed=True),
                high=f.number(habit.normal_to, 0, signed=True),
                index=f.number(habit.payment_index),
                late=f.number(habit.late_outcomes),
                outcomes=f.number(habit.outcomes),
            )
        )

    def _options(self, file: FileAnswer, paid: Sequence[Row]) -> dict[str, Any]:
        frame, p, habit = self._frame, self._frame.palette, file.habit
        points = [
            {
                "value": [row["paid_day"], row["days_late"]],
                "name": f"{row['invoice_id']}\n{frame.f.day(row['paid_day'])}: {frame.f.days(row['days_late'])}\n"
                f"{frame.f.money(row['amount'], row['currency'])}",
                "itemStyle": {"color": p.bad if row["days_late"] > 0 else p.good, "opacity": 0.8},
                "symbol": "triangle" if row["days_late"] > 0 else "circle",
            }
            for row in paid
        ]
        band: dict[str, Any] = {}
        if habit.normal_from is not None:
            band = {
                "silent": True,
                "itemStyle": {"color": p.accent, "opacity": 0.10},
                "data": [[{"yAxis": habit.normal_from}, {"yAxis": habit.normal_to}]],
            }
        return {
            "legend": {"show": False},
            "grid": {"top": 12},
            "tooltip": {"trigger": "item", "formatter": "{b}"},
            "xAxis": {"type": "time", "axisLabel": {"hideOverlap": True}},
            "yAxis": {"type": "value", "name": ""},
            "series": [{"type": "scatter", "symbolSize": 8, "data": points, "markArea": band}],
        }
