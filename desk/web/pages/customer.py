"""Customer: the whole story of one of them, from the live book and the archive."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

from nicegui import ui

from alerts.feed import FeedItem
from desk import acts
from desk.customer_questions import FileAnswer, customer_file
from desk.web.components.basics import button, card, empty
from desk.web.customer.ahead import WayBackCard, WhatIfCard
from desk.web.customer.exposure import ExposureCards
from desk.web.customer.head import Head
from desk.web.customer.known import Known
from desk.web.customer.override import ask_override, ask_take_back
from desk.web.customer.paying import Paying
from desk.web.customer.policy_card import PolicyValues
from desk.web.customer.score import ScoreOverTime, ScoreParts
from desk.web.customer.trail import AuditTrail, Timeline
from desk.web.frame import Frame
from desk.web.live import News
from desk.web.page import Page
from models.account import Master
from schemas.errors import Unavailable
from schemas.topics import ALERTS, LEVELS, ORDER_DECISIONS
from streams.archive.errors import NotFound

_SECONDS = 3.0
_HISTORY, _PAYMENTS, _ENTRIES, _AUDIT = 500, 2_000, 60, 40
_PAST = timedelta(days=730)


async def build(frame: Frame, customer_id: str) -> None:
    """The page."""
    if frame.services.book.ready.is_set() and frame.services.book.account(customer_id) is None:
        empty(frame.t("unknown", customer=customer_id), "person_off")
        return
    page = _CustomerPage(frame, customer_id)
    frame.live(page.refresh, topics=[LEVELS, ALERTS, ORDER_DECISIONS], wants=page.wants, every=_SECONDS)


class _CustomerPage:
    def __init__(self, frame: Frame, customer_id: str) -> None:
        self._frame, self._id = frame, customer_id
        self._stands: object = None
        self._file: FileAnswer | None = None
        with ui.element("div").classes("grid"):
            self._head = Head(frame, customer_id)
            self._parts, self._history = ScoreParts(frame), ScoreOverTime(frame)
            self._exposure = ExposureCards(frame, customer_id)
            self._paying, self._way_back = Paying(frame), WayBackCard(frame)
            self._what_if, self._known = WhatIfCard(frame, customer_id), Known(frame, customer_id)
            self._timeline, self._audit = Timeline(frame), AuditTrail(frame, customer_id)
            with card(frame.t("policy"), frame.t("policy_note"), span=12):
                self._policy = PolicyValues(frame, customer_id)
        if frame.may(acts.OVERRIDES):
            with self._head.acts:
                button(frame.t("override"), self._override, icon="edit")
                self._back = button(frame.t("take_back"), self._take_back, icon="undo", look="quiet")
                self._back.set_visibility(False)

    def wants(self, item: FeedItem) -> bool:
        """Whether an out event is about this customer."""
        return item.event.subject == self._id

    async def refresh(self, news: News) -> None:
        """The live book first: it is there while the archive is away."""
        book = self._frame.services.book
        known = book.known(self._id)
        now = (known.account.applied if known.account else 0, known.as_of.date(), known.policy.version)
        if now == self._stands and not news:
            return
        try:
            file = customer_file(self._frame.services, self._id)
        except NotFound:
            return
        if self._file is None:
            await self._policy.look()
        self._file = file
        self._show(file, known.account.master if known.account else Master())
        await self._show_archive(file)
        self._stands = now

    def _show(self, file: FileAnswer, master: Master) -> None:
        self._exposure.show(file)
        self._head.show(file, master, self._exposure.exposure(file))
        for part in (self._parts, self._way_back, self._what_if, self._known):
            part.show(file)
        if self._frame.may(acts.OVERRIDES):
            self._back.set_visibility(file.override is not None)

    async def _show_archive(self, file: FileAnswer) -> None:
        view, policy = self._frame.view, self._frame.services.book.known(self._id).policy
        newest: dict[str, Any] = {"max_age": 1.0}
        history = await view("level_history", self._id, _HISTORY, options={"sort": "-valid_from"}, **newest)
        self._history.show(history[::-1], file, policy)
        since = {"from_day": (file.day - _PAST).isoformat()}
        self._paying.show(file, await view("payment_behaviour", self._id, _PAYMENTS, options=since, **newest))
        self._audit.show(await view("audit", self._id, _AUDIT, options={"sort": "-sequence"}, **newest))
        self._timeline.show((await self._frame.desk.views.customer(self._id, _ENTRIES))["timeline"])

    async def _override(self) -> None:
        await self._ask(ask_override)

    async def _take_back(self) -> None:
        await self._ask(ask_take_back)

    async def _ask(self, ask: Callable[[Frame, FileAnswer], Awaitable[None]]) -> None:
        """With the customer as it stands: the button may be pressed before it has been shown."""
        frame = self._frame
        try:
            file = customer_file(frame.services, self._id)
        except Unavailable:
            frame.say(frame.t("frame.try_again"), bad=True)
        except NotFound:
            frame.say(frame.t("unknown", customer=self._id), bad=True)
        else:
            await ask(frame, file)


PAGE = Page("customer", "/customers/{customer_id:path}", "person", build)
