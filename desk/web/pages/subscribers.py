"""Subscribers: webhook endpoints with how they stand, their deliveries, and the people who are told of alerts."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from nicegui import ui

from alerts.webhooks import requests, subscription
from alerts.webhooks.subscription import Subscription
from desk.api.roles import Role
from desk.web.components.basics import Tile, badge, button, card, empty, facts
from desk.web.components.section import Section
from desk.web.components.table import Column, Table
from desk.web.frame import Frame
from desk.web.live import News
from desk.web.page import Page
from desk.web.subscribers import endpoint_acts
from desk.web.subscribers.deliveries import DeadDeliveries, DeliveryLog
from desk.web.subscribers.endpoint_form import add_endpoint, change_endpoint
from desk.web.subscribers.endpoints import Endpoint, all_endpoints
from desk.web.subscribers.filter_words import filter_words
from desk.web.subscribers.receivers import Receivers

_SECONDS = 5.0
_STATES = {
    "active": ("check_circle", "good"),
    "failing": ("error", "warn"),
    "paused": ("pause_circle", "info"),
    "disabled": ("block", "bad"),
}


async def build(frame: Frame) -> None:
    """The page."""
    _SubscribersPage(frame).build()


class _SubscribersPage:
    def __init__(self, frame: Frame) -> None:
        self._frame = frame
        self._endpoints: list[Endpoint] = []
        self._chosen = ""

    def build(self) -> None:
        frame, t = self._frame, self._frame.t
        with ui.element("div").classes("grid"):
            self._tiles = [
                Tile(t(name), span=3, about=t(f"{name}_about")) for name in ("active", "stopped", "backlog", "given_up")
            ]
            with card(t("endpoints"), t("endpoints_note"), span=12, flush=True) as head:
                self._none = ui.element("div")
                with self._none:
                    empty(t("no_endpoints"), "webhook")
                self._table = Table(
                    frame, self._columns(), key="id", height=220, on_open=self._choose, about=t("endpoints")
                )
            with head:
                ui.element("div").classes("grow")
                if frame.may(Role.ADMIN):
                    button(t("add"), self._add, icon="add", look="main-act")
            self._details = ui.element("div").classes("grid span-12")
            with self._details:
                with card(span=12, classes="endpoint-card"):
                    self._head, self._endpoint = Section(), Section("lines")
                self._log = DeliveryLog(frame)
                self._dead = DeadDeliveries(frame)
            self._details.set_visibility(False)
            self._receivers = Receivers(frame)
        frame.live(self._refresh, control=[subscription.KIND, requests.KIND], every=_SECONDS)
        frame.live(self._refresh_receivers, every=_SECONDS)

    def _columns(self) -> list[Column]:
        t = self._frame.t

        def state(row: Any) -> tuple[str, str, str]:
            return t(f"state_{row['state']}"), *_STATES[row["state"]]

        return [
            Column("state", t("state"), "badge", 112, look=state),
            Column("called", t("name"), "text", 150),
            Column("url", t("url"), "text", 190),
            Column("filters", t("filters"), "text"),
            Column("rate", t("rate"), "number", 84),
            Column("behind", t("backlog"), "number", 80, about=t("backlog_about")),
            Column("dead", t("given_up"), "number", 84, about=t("given_up_about")),
            Column("last_delivered", t("last_delivered"), "time", 118),
            Column("last_failed", t("last_failed"), "time", 118),
        ]

    async def _refresh(self, news: News) -> None:
        self._endpoints = await all_endpoints(self._frame)
        if all(one.id != self._chosen for one in self._endpoints):
            self._chosen = self._endpoints[0].id if self._endpoints else ""
        self._none.set_visibility(not self._endpoints)
        self._table.grid.set_visibility(bool(self._endpoints))
        self._table.show([self._row(one) for one in self._endpoints])
        self._show_tiles()
        await self._show_chosen()

    async def _refresh_receivers(self, news: News) -> None:
        self._receivers.show(self._frame.services.alerts.routing())

    def _show_tiles(self) -> None:
        f, t, found = self._frame.f, self._frame.t, self._endpoints
        states = [state_of(one) for one in found]
        active = sum(state in ("active", "failing") for state in states)
        self._tiles[0].show(f.number(active), t("of_which_failing", count=f.number(states.count("failing"))))
        paused, disabled = f.number(states.count("paused")), f.number(states.count("disabled"))
        self._tiles[1].show(f.number(len(found) - active), t("paused_disabled", paused=paused, disabled=disabled))
        waiting, unread = sum(one.waiting for one in found), sum(one.unread for one in found)
        self._tiles[2].show(
            f.number(waiting + unread), t("waiting_unread", waiting=f.number(waiting), unread=f.number(unread))
        )
        self._tiles[3].show(f.number(sum(len(one.dead) for one in found)), t("can_be_redelivered"))

    def _row(self, one: Endpoint) -> dict[str, Any]:
        found = one.subscription
        return {
            "id": one.id,
            "state": state_of(one),
            "called": found.name or one.id,
            "url": found.url,
            "filters": filter_words(self._frame, found.filters),
            "rate": found.rate_per_second,
            "behind": one.waiting + one.unread,
            "dead": len(one.dead),
            "last_delivered": one.log.get("last_delivered"),
            "last_failed": one.log.get("last_failed"),
        }

    async def _choose(self, row: dict[str, Any]) -> None:
        self._chosen = row["id"]
        await self._show_chosen()

    async def _show_chosen(self) -> None:
        one = next((one for one in self._endpoints if one.id == self._chosen), None)
        self._details.set_visibility(one is not None)
        if one is not None:
            found, state = one.subscription, state_of(one)
            self._head.show((found, state), lambda: self._draw_head(found, state))
            self._endpoint.show(one, lambda: self._draw_endpoint(one))
        self._dead.show(one)
        await self._log.show(one.subscription if one is not None else None)

    def _draw_head(self, found: Subscription, state: str) -> None:
        frame, t = self._frame, self._frame.t
        with ui.element("div").classes("form-row"):
            with ui.element("h2").classes("card-title"):
                ui.label(endpoint_acts.called(found))
            badge(t(f"state_{state}"), *_STATES[state])
            if found.reason:
                ui.label(found.reason).classes("muted")
            ui.element("div").classes("grow")
            if frame.may(Role.ADMIN):
                self._buttons(found)

    def _draw_endpoint(self, one: Endpoint) -> None:
        frame, t, f, found = self._frame, self._frame.t, self._frame.f, one.subscription
        log = one.log
        failed = t("never")
        if log.get("last_failed"):
            why = [t(f"error_{log['last_error']}")] if log["last_error"] else []
            failed = " · ".join([f.time(log["last_failed"]), *why])
        secrets = [
            t("secret_until", since=f.time(ref.created_at), until=f.time(ref.expires_at))
            if ref.expires_at
            else t("secret_since", since=f.time(ref.created_at))
            for ref in found.valid_secrets(frame.services.now())
        ]
        facts(
            [
                (t("url"), found.url),
                (t("id"), found.id),
                (t("filters"), filter_words(frame, found.filters)),
                (t("manner"), self._manner(found)),
                (t("backlog"), t("waiting_unread", waiting=f.number(one.waiting), unread=f.number(one.unread))),
                (t("attempts"), t("attempts_of", count=f.number(log.get("attempts", 0)),
                                  delivered=f.number(log.get("delivered", 0)))),
                (t("last_delivered"), f.time(log["last_delivered"]) if log.get("last_delivered") else t("never")),
                (t("last_failed"), failed),
                (t("latency_median"), f.number(log.get("median_latency_ms"))),
                (t("secrets"), t("list_join").join(secrets)),
                (t("made"), t("made_by", by=found.created_by, time=f.time(found.created_at))),
            ]
        ).classes("facts-two")  # fmt: skip

    def _manner(self, found: Subscription) -> str:
        t = self._frame.t
        summary = {"en": "English", "zh": "中文", None: t("summary_none")}[found.language]
        return " · ".join(
            [
                t("rate_words", count=self._frame.f.number(found.rate_per_second)),
                t("in_order") if found.ordered else t("in_any_order"),
                f"{t('summary')}: {summary}",
            ]
        )

    def _buttons(self, found: Subscription) -> None:
        frame, t = self._frame, self._frame.t

        def then(act: Callable[[Frame, Subscription], Awaitable[object]]) -> Callable[[], Awaitable[None]]:
            async def go() -> None:
                await act(frame, found)

            return go

        button(t("test"), then(endpoint_acts.try_endpoint), icon="send")
        button(t("change"), then(change_endpoint), icon="edit")
        if found.status == "active":
            button(t("pause"), then(endpoint_acts.pause_endpoint), icon="pause")
        else:
            button(t("resume"), then(endpoint_acts.resume_endpoint), icon="play_arrow")
        button(t("replay"), then(endpoint_acts.replay), icon="history")
        button(t("rotate"), then(endpoint_acts.rotate_endpoint), icon="key")
        button(t("remove"), then(endpoint_acts.remove_endpoint), icon="delete", look="danger")

    async def _add(self) -> None:
        made = await add_endpoint(self._frame)
        if made is not None:
            self._chosen = made
            await self._refresh([])


def state_of(one: Endpoint) -> str:
    """The subscription's status; ``failing`` where it is active and its newest attempts did not arrive."""
    last, failed = one.log.get("last_delivered"), one.log.get("last_failed")
    failing = failed is not None and (last is None or failed > last)
    return "failing" if one.subscription.status == "active" and failing else one.subscription.status


PAGE = Page("subscribers", "/subscribers", "webhook", build, order=80, role=Role.ANALYST)
