"""The score: what it is made of, as a waterfall that ends at it, and how it came there, with the causes."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from nicegui import ui

from desk.customer_questions import FileAnswer
from desk.web.components.basics import card, empty, reason_list
from desk.web.components.charts import Chart, lying_waterfall
from desk.web.components.section import Section
from desk.web.frame import Frame
from desk.web.views import Row
from schemas.decisions import CreditLevelChanged, Reason
from schemas.levels import LADDER, Level
from schemas.policy import Policy


class ScoreParts:
    """From the best that could be had, over what each component takes, to the score."""

    def __init__(self, frame: Frame) -> None:
        self._frame = frame
        with card(frame.t("parts"), frame.t("parts_note"), span=6):
            self._chart = Chart(frame, frame.t("parts_about"), 230)
            self._list = Section()

    def show(self, file: FileAnswer) -> None:
        """The parts as of now."""
        frame = self._frame
        self._chart.element.set_visibility(bool(file.parts))
        self._list.show((file.parts, file.caps), lambda: self._tell(file))
        best = float(sum(part.most for part in file.parts))
        steps = [(frame.code(part.code), float(part.points - part.most)) for part in file.parts]
        self._chart.show(lying_waterfall(frame, steps, (frame.t("best"), best), frame.t("score")))

    def _tell(self, file: FileAnswer) -> None:
        frame = self._frame
        if not file.parts:
            empty(frame.t("not_assessed"), "hourglass_empty")
            return
        with ui.element("ul").classes("reasons"):
            for part in file.parts:
                told = Reason(code=part.code, contribution=part.points, detail=part.detail)
                with ui.element("li"):
                    with ui.element("span"):
                        ui.label(frame.code(part.code)).classes("strong inline")
                        ui.label(frame.reason(told)).classes("muted inline")
                    ui.label(
                        frame.t("points_of", points=frame.f.number(part.points), most=frame.f.number(part.most))
                    ).classes("num muted")
            for cap in file.caps:
                with ui.element("li"):
                    ui.label(frame.t("cap", what=frame.reason(cap))).classes("bad-text")


class ScoreOverTime:
    """Score and level at each decision; a point names its cause."""

    def __init__(self, frame: Frame) -> None:
        self._frame = frame
        with card(frame.t("history"), frame.t("history_note"), span=6):
            self._chart = Chart(frame, frame.t("history_about"), 230)
            with ui.element("div").classes("bar-row"):
                self._last = ui.label("").classes("strong")
            self._why = Section()

    def show(self, history: Sequence[Row], file: FileAnswer, policy: Policy) -> None:
        """Rows of the view `level_history`, oldest first; the line goes on to the score of now."""
        frame = self._frame
        if not history:
            return
        self._chart.show(self._options(history, file, policy))
        newest = CreditLevelChanged.model_validate(_data(history[-1]))
        before = frame.f.number(newest.score_before)
        self._last.text = frame.t(
            "last_change",
            day=frame.f.time(history[-1]["valid_from"]),
            before=before,
            after=frame.f.number(newest.score),
        )
        reasons = [(frame.reason(reason), reason.contribution) for reason in newest.reasons]
        self._why.show(reasons, lambda: reason_list(frame, reasons))

    def _options(self, history: Sequence[Row], file: FileAnswer, policy: Policy) -> dict[str, Any]:
        frame, p = self._frame, self._frame.palette
        points = [self._point(row) for row in history]
        now = frame.f.time(file.data_as_of)
        points.append(
            {
                "name": f"{now}\n{frame.t('score_is', score=frame.f.number(file.score))}",
                "value": [file.data_as_of.isoformat(), file.score],
                "symbol": "emptyCircle",
                "symbolSize": 4,
            }
        )
        lines = [
            {"yAxis": policy.ladder.band(level).enter, "label": {"formatter": frame.code(level)}}
            for level in LADDER[:-1]
        ]
        return {
            "legend": {"show": False},
            "tooltip": {"trigger": "item"},
            "grid": {"top": 10, "right": 70},
            "xAxis": {"type": "time", "axisLabel": {"hideOverlap": True}},
            "yAxis": {"type": "value", "min": 0, "max": 1000},
            "series": [
                {
                    "type": "line", "step": "end", "data": points, "lineStyle": {"width": 2, "color": p.accent},
                    "symbolSize": 7, "tooltip": {"formatter": "{b}"},
                    "markLine": {
                        "symbol": "none", "silent": True, "data": lines,
                        "lineStyle": {"color": p.line, "type": "dashed"},
                        "label": {"position": "end", "color": p.muted, "fontSize": 11},
                    },
                }
            ],
        }  # fmt: skip

    def _point(self, row: Row) -> dict[str, Any]:
        frame = self._frame
        level, before = Level(row["level"]), Level(row["level_before"])
        moved = level is not before
        name = [frame.f.time(row["valid_from"]), frame.t("score_is", score=frame.f.number(row["score"]))]
        if moved:
            name.append(f"{frame.code(before)} → {frame.code(level)}")
        codes = [*row["cap_codes"], *row["reason_codes"]][:3]
        name.append(", ".join(frame.code(code) for code in codes) or frame.code(row["cause_type"]))
        return {
            "name": "\n".join(part for part in name if part),
            "value": [row["valid_from"], row["score"]],
            "symbol": "circle" if moved else "emptyCircle",
            "symbolSize": 11 if moved else 5,
            "itemStyle": {"color": frame.palette.levels[level]},
        }


def _data(row: Row) -> Any:
    return json.loads(row["event"])["data"]
