"""What was delivered to an endpoint, and what was given up: looked at, and sent again."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

from nicegui import ui

from alerts.webhooks.state import DeadDelivery
from alerts.webhooks.subscription import Subscription
from desk.api.roles import Role
from desk.web.components.acts import ask
from desk.web.components.basics import Segments, button, card, empty, facts
from desk.web.components.table import Column, Table
from desk.web.frame import Frame
from desk.web.subscribers.endpoint_acts import send_again
from desk.web.subscribers.endpoints import Endpoint
from desk.web.views import Row
from models.calendar import from_ms

_MOST = 500
_OUTCOMES = {
    "delivered": ("check_circle", "good"),
    "retry": ("schedule", "warn"),
    "dead": ("cancel", "bad"),
    "disabled": ("block", "bad"),
}


class DeliveryLog:
    """The newest attempts of the chosen endpoint, of one outcome or all; a click opens one."""

    def __init__(self, frame: Frame) -> None:
        self._frame = frame
        self._subscription: Subscription | None = None
        self._rows: dict[str, Row] = {}
        t = frame.t
        with card(t("log"), t("log_note"), span=12, flush=True, classes="log-card") as head:
            self._table = Table(frame, self._columns(), key="id", height=320, on_open=self._open, about=t("log"))
        with head:
            ui.element("div").classes("grow")
            choices = [("", t("all")), *((name, t(f"outcome_{name}")) for name in _OUTCOMES)]
            self._filter = Segments(choices, "", lambda _: self._refresh())

    def _columns(self) -> list[Column]:
        t = self._frame.t

        def outcome(row: Any) -> tuple[str, str, str]:
            return t(f"outcome_{row['outcome']}"), *_OUTCOMES.get(row["outcome"], ("", ""))

        return [
            Column("time", t("time"), "time", 120),
            Column("outcome", t("outcome"), "badge", 128, look=outcome),
            Column("customer_id", t("customer"), "link", 100, target=_customer_link),
            Column("event", t("event"), "text", 180),
            Column("attempt", t("attempt"), "number", 78),
            Column("status", t("status"), "number", 74, about=t("status_about")),
            Column("error", t("error"), "text", 160),
            Column("latency_ms", t("latency"), "number", 94),
            Column("next_attempt", t("next_attempt"), "time", 118),
            Column("response", t("response"), "text"),
        ]

    async def show(self, subscription: Subscription | None) -> None:
        """The log of this one, as it is now."""
        self._subscription = subscription
        await self._refresh()

    async def _refresh(self) -> None:
        if self._subscription is None:
            self._table.show([])
            return
        options = {"subscription_id": self._subscription.id}
        if self._filter.value:
            options["outcome"] = self._filter.value
        rows = await self._frame.view("webhook_deliveries", limit=_MOST, options=options)
        self._rows = {row["id"]: row for row in rows}
        self._table.show([row | self._words(row) for row in rows])

    def _words(self, row: Row) -> Row:
        return {
            "event": event_word(row["event_type"]),
            "error": self._frame.t(f"error_{row['error']}") if row["error"] else "",
        }

    async def _open(self, row: dict[str, Any]) -> None:
        found, subscription = self._rows.get(str(row["id"])), self._subscription
        if found is None or subscription is None:
            return
        frame, t = self._frame, self._frame.t
        with (
            ui.dialog() as dialog,
            ui.element("div").classes("dialog wide").props('role="dialog" aria-modal="true"') as box,
        ):
            box._props["aria-label"] = t("delivery")
            with ui.element("h2").classes("dialog-title"):
                ui.label(f"{t('delivery')}: {t('outcome_' + found['outcome'])}")
            pairs = [
                (t("time"), frame.f.time(found["time"], seconds=True)),
                (t("event"), found["event_type"]),
                (t("event_id"), found["event_id"]),
                (t("customer"), found["customer_id"]),
                (t("attempt"), frame.f.number(found["attempt"])),
                (t("status"), "" if found["status"] is None else str(found["status"])),
                (t("error"), self._words(found)["error"]),
                (t("latency"), frame.f.number(found["latency_ms"])),
                (t("next_attempt"), frame.f.time(found["next_attempt"]) if found["next_attempt"] else ""),
                (t("response"), found["response"]),
            ]
            facts([pair for pair in pairs if pair[1]])

            async def again() -> None:
                if await frame.try_to(send_again(frame, subscription, [found["event_id"]])):
                    dialog.close()

            with ui.element("div").classes("dialog-acts"):
                button(t("frame.close"), dialog.close, look="quiet")
                if frame.may(Role.ADMIN):
                    button(t("redeliver"), again, icon="replay", look="main-act")
        dialog.on("hide", dialog.delete)
        dialog.open()


class DeadDeliveries:
    """What was given up for the chosen endpoint and has not arrived since."""

    def __init__(self, frame: Frame) -> None:
        self._frame = frame
        self._subscription: Subscription | None = None
        self._dead: tuple[DeadDelivery, ...] = ()
        t = frame.t
        with card(t("dead"), t("dead_note"), span=12, flush=True, classes="dead-card") as head:
            self._none = ui.element("div")
            with self._none:
                empty(t("no_dead"), "mark_email_read")
            self._table = Table(frame, self._columns(), key="event_id", height=200, on_open=self._open, about=t("dead"))
        with head:
            ui.element("div").classes("grow")
            self._all = ui.element("div")
            if frame.may(Role.ADMIN):
                with self._all:
                    button(t("redeliver_all"), self._redeliver_all, icon="replay")
        self._draw()

    def _columns(self) -> list[Column]:
        t = self._frame.t
        return [
            Column("at", t("given_up"), "time", 140),
            Column(
                "subject",
                t("customer"),
                "link",
                140,
                target=lambda row: _customer_link({"customer_id": row["subject"]}),
            ),
            Column("event", t("event"), "text", 200),
            Column("attempts", t("attempts"), "number", 100),
            Column("error", t("error"), "text", 190),
            Column("event_id", t("event_id"), "text"),
        ]

    def show(self, endpoint: Endpoint | None) -> None:
        """Those of this endpoint, newest first."""
        self._subscription = endpoint.subscription if endpoint else None
        self._dead = endpoint.dead[::-1] if endpoint else ()
        self._draw()

    def _draw(self) -> None:
        self._none.set_visibility(not self._dead)
        self._table.grid.set_visibility(bool(self._dead))
        self._all.set_visibility(bool(self._dead))
        self._table.show(
            [
                {
                    "at": from_ms(item.at_ms),
                    "subject": item.subject,
                    "event": event_word(item.event_type),
                    "attempts": item.attempts,
                    "error": item.error,
                    "event_id": item.event_id,
                }
                for item in self._dead
            ]
        )

    async def _open(self, row: dict[str, Any]) -> None:
        """Send one again, once asked."""
        frame, t, subscription = self._frame, self._frame.t, self._subscription
        item = next((item for item in self._dead if item.event_id == row["event_id"]), None)
        if subscription is None or item is None or not frame.may(Role.ADMIN):
            return

        def about() -> None:
            facts([(t("event"), item.event_type), (t("event_id"), item.event_id), (t("error"), item.error)])

        await ask(frame, t("redeliver"), lambda: send_again(frame, subscription, [item.event_id]), about=about)

    async def _redeliver_all(self) -> None:
        if self._subscription is not None:
            await self._frame.try_to(send_again(self._frame, self._subscription, None))


def event_word(event_type: str) -> str:
    """The type of an event without what all of ours share: ``credit-alert.v1``."""
    return event_type.removeprefix("creditpulse.")


def _customer_link(row: Any) -> str | None:
    return f"/customers/{quote(row['customer_id'], safe='')}" if row["customer_id"] else None
