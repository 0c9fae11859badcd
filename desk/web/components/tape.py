"""The live tape: level changes and alerts as they come, with the first reason. It stands still under the pointer."""

from __future__ import annotations

import json
from collections import deque
from typing import Any
from urllib.parse import quote

from nicegui import ui

from alerts.feed import FeedItem
from desk.web.components.basics import Segments, button, card, level_look
from desk.web.frame import Frame
from desk.web.live import ControlChange, News
from schemas.decisions import CreditAlert, CreditLevelChanged
from schemas.topics import ALERTS, LEVELS

_KEPT = 300
_SHOWN = 60
_LOOKS = {"tightening": ("trending_down", "bad"), "easing": ("trending_up", "good"), "retraction": ("undo", "info")}


class Tape:
    """The tape as a card; ``customer_id``: of one customer only."""

    def __init__(self, frame: Frame) -> None:
        self._frame = frame
        self._entries: deque[dict[str, Any]] = deque(maxlen=_KEPT)
        self._started = False
        with card(frame.t("tape.title"), span=4, flush=True, classes="tape-card") as head:
            self._list = ui.element("div").classes("tape").props('role="log" aria-live="off" tabindex="0"')
            self._list._props["aria-label"] = frame.t("tape.title")
        with head:
            ui.element("div").classes("grow")
            choices = [
                ("all", frame.t("tape.all")),
                ("tightening", frame.code("tightening")),
                ("easing", frame.code("easing")),
            ]
            self._filter = Segments(choices, "all", lambda _: self._redraw())
            self._pause = button("", self._toggle, icon="pause", look="quiet", label=frame.t("tape.pause"))
        self._paused = False
        frame.live(self._news, topics=[LEVELS, ALERTS])

    async def _news(self, news: News) -> None:
        if not self._started:
            self._started = True
            await self._load()
            return
        new = [
            entry for item in news if not isinstance(item, ControlChange) and (entry := self._entry(item)) is not None
        ]
        for entry in new:
            self._entries.appendleft(entry)
        wanted = [entry for entry in new if self._wants(entry)]
        if wanted:
            self._send(list(reversed(wanted)), whole=False)

    async def _load(self) -> None:
        """What happened before the page was opened: the newest alerts of the archive."""
        for row in await self._frame.view("alerts", limit=_SHOWN):
            data = CreditAlert.model_validate(json.loads(row["event"])["data"])
            self._entries.append(self._alert(row["customer_id"], row["time"], row["id"], data))
        self._redraw()

    def _redraw(self) -> None:
        self._send([entry for entry in self._entries if self._wants(entry)][:_SHOWN], whole=True)

    def _wants(self, entry: dict[str, Any]) -> bool:
        return self._filter.value in ("all", entry["kind"])

    def _send(self, entries: list[dict[str, Any]], *, whole: bool) -> None:
        words = {"more": self._frame.t("tape.more"), "none": self._frame.t("tape.none")}
        arguments = ", ".join(json.dumps(value) for value in (f"c{self._list.id}", entries, whole, words))
        ui.run_javascript(f"cp.tape({arguments})")

    def _toggle(self) -> None:
        self._paused = not self._paused
        icon, label = ("play_arrow", "tape.go_on") if self._paused else ("pause", "tape.pause")
        self._pause._props["aria-label"] = self._pause._props["title"] = self._frame.t(label)
        self._pause._props["aria-pressed"] = "true" if self._paused else "false"
        self._pause.clear()
        with self._pause:
            ui.icon(icon)
        self._pause.classes(add="on") if self._paused else self._pause.classes(remove="on")
        ui.run_javascript(f'cp.holdTape("c{self._list.id}", {json.dumps(self._paused)})')

    def _entry(self, item: FeedItem) -> dict[str, Any] | None:
        data, event = item.event.data, item.event
        customer = str(getattr(event, "subject", ""))
        if isinstance(data, CreditAlert):
            return self._alert(customer, event.time, event.id, data)
        if isinstance(data, CreditLevelChanged) and data.level == data.level_before:
            return self._line(
                customer, event.time, event.id, data, "terms", ("tune", "info", self._frame.t("tape.terms"))
            )
        return None  # a change of level has its alert, which says why

    def _alert(self, customer: str, time: Any, event_id: str, data: CreditAlert) -> dict[str, Any]:
        kind = data.kind.value
        icon, look = _LOOKS[kind]
        return self._line(customer, time, event_id, data, kind, (icon, look, self._frame.code(kind)))

    def _line(
        self, customer: str, time: Any, event_id: str, data: CreditAlert | CreditLevelChanged, kind: str,
        mark: tuple[str, str, str],
    ) -> dict[str, Any]:  # fmt: skip
        frame = self._frame
        first = next(iter(data.reasons), None)
        row = frame.services.customers.row(customer)
        levels = [data.level_before, data.level] if data.level != data.level_before else [data.level]
        return {
            "id": event_id,
            "kind": kind,
            "time": frame.f.clock(time),
            "icon": mark[0],
            "look": mark[1],
            "word": mark[2],
            "customer": (row.name if row is not None and row.name else None) or customer,
            "link": f"/customers/{quote(customer, safe='')}",
            "levels": [{**level_look(level), "text": frame.code(level)} for level in levels if level is not None],
            "why": frame.reason(first) if first is not None else "",
        }
