"""Holds: the queue of held orders and of stopped tightenings, worked by people, wholly by keys if they like."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import timedelta
from functools import partial
from typing import Any
from urllib.parse import quote

from nicegui import ui

from alerts.feed import FeedItem
from desk import acts, proposals
from desk.hold_queue import MOST, HeldOrder, age_of
from desk.proposals import Proposal
from desk.web.components.basics import Segments, Tile, button, card, empty, plain_table
from desk.web.components.section import Section
from desk.web.components.table import Column, Table
from desk.web.frame import Frame
from desk.web.holds.chosen import KEYS, Chosen
from desk.web.holds.decide import Decide
from desk.web.holds.reviews import Reviews
from desk.web.holds.words import ways_line, why
from desk.web.live import News
from desk.web.page import Page
from schemas.decisions import CreditAlert
from schemas.topics import ALERTS, ORDER_DECISIONS

_SECONDS = 0.5
"""The book is looked at so often: an order that was invoiced, or freed, is gone within a second."""
_ARCHIVE_SECONDS = 10.0
_HEIGHT = 330
_OLD = timedelta(days=3)
_SHOWN_PROPOSALS = 100
_CHOICE = {
    "rowSelection": {"mode": "singleRow", "checkboxes": False, "enableClickSelection": True},
    "suppressCellFocus": True,
}


async def build(frame: Frame) -> None:
    """The page."""
    _HoldsPage(frame).build()


class _HoldsPage:
    def __init__(self, frame: Frame) -> None:
        self._frame = frame
        self._queue, self._decide = frame.desk.holds, Decide(frame)
        self._held: dict[str, HeldOrder] = {}
        self._proposals: dict[str, Proposal] = {}
        self._chosen_key: str | None = None
        self._chosen_review: str | None = None
        self._keys_on = False

    def build(self) -> None:
        frame, t = self._frame, self._frame.t
        with ui.element("div").classes("grid"):
            self._tiles = {name: Tile(t(name), span=3) for name in ("open", "value", "second", "reviews")}
            with ui.element("div").classes("span-12 bar-row"):
                choices = [(name, t(name)) for name in ("orders", "reviews")]
                self._part = Segments(choices, "orders", self._switch)
                ui.element("div").classes("grow")
                if frame.may(acts.HOLDS):
                    button(t("hold_another"), self._decide.hold_another, icon="pan_tool")
                button(t("keys"), self._help, icon="keyboard", look="quiet")
            with ui.element("div").classes("span-12 grid") as self._orders_part:
                with card(t("queue"), t("queue_note"), span=12, flush=True):
                    self._none = Section()
                    self._table = Table(
                        frame, self._columns(), key="key", height=_HEIGHT, about=t("queue"), options=_CHOICE
                    )
                    self._key_line([key for key in KEYS if frame.may(key[4])])
                with card(t("order"), span=7, classes="chosen-card"):
                    self._chosen = Chosen(frame, self._decide)
                with card(t("proposals"), t("proposals_note"), span=5):
                    self._proposal_list = Section()
            with ui.element("div").classes("span-12 grid") as self._reviews_part:
                with card(t("reviews"), t("reviews_note"), span=12, flush=True) as head:
                    self._reviews = Reviews(frame, height=_HEIGHT)
                    self._key_line([key for key in KEYS if key[0] in "ax" and frame.may(acts.REVIEWS)], review=True)
                with head:
                    ui.element("div").classes("grow")
                    if frame.may(acts.REVIEWS):
                        button(t("review_approve"), lambda: self._review(True), icon="how_to_reg", look="main-act")
                        button(t("review_reject"), lambda: self._review(False), icon="block")
            self._reviews_part.set_visibility(False)
        ui.on("queue_chosen", lambda event: self._choose(event.args))
        ui.on("queue_key", lambda event: self._press(event.args))
        frame.live(self._refresh, topics=[ORDER_DECISIONS], control=[proposals.KIND], every=_SECONDS)
        frame.live(self._refresh_reviews, topics=[ALERTS], wants=_is_review, every=_SECONDS)
        frame.live(self._load_reviews, every=_ARCHIVE_SECONDS)

    def _columns(self) -> list[Column]:
        t = self._frame.t

        def age(row: Any) -> tuple[str, str, str]:
            return row["age"], "schedule", "warn" if row["old"] else ""

        def mark(row: Any) -> tuple[str, str, str] | None:
            if row["mark"] == "second":
                return t("waits_second"), "how_to_reg", "warn"
            return (t("forced"), "pan_tool", "bad") if row["mark"] == "forced" else None

        return [
            Column("customer", t("customer"), "link", 144, target=lambda row: _link(row["customer_id"])),
            Column("order_id", t("order"), "text", 124),
            Column("amount", t("amount"), "money", 104, currency="currency"),
            Column("level", t("frame.level"), "level", 110),
            Column("since", t("age"), "badge", 108, look=age),
            Column("why", t("why"), lines=2),
            Column("to_free", t("to_free"), lines=2),
            Column("mark", t("mark"), "badge", 138, look=mark),
        ]

    def _key_line(self, keys: list[Any], *, review: bool = False) -> None:
        t = self._frame.t
        with ui.element("div").classes("keys"):
            for names, text in [("j k ↓ ↑", t("key_move"))] + [
                (key, t({"a": "review_approve", "x": "review_reject"}[key] if review else name))
                for key, name, *_ in keys
            ] + [("?", t("key_help"))]:  # fmt: skip
                with ui.element("div"):
                    for name in names.split():
                        ui.label(name).classes("key")
                    ui.label(text)

    # --- what is shown ----------------------------------------------------------------------------------------

    async def _refresh(self, news: News) -> None:
        services = self._frame.services
        waiting = self._queue.now()
        self._held = {_key(held.customer_id, held.order_id): held for held in waiting}
        found = proposals.list_proposals(services.control, services.now())
        self._proposals = {_key(one.customer_id, one.order_id): one for one in found}
        self._table.show([self._row(key, held) for key, held in self._held.items()])
        self._table.grid.set_visibility(bool(waiting))
        self._none.show(not waiting, lambda: None if waiting else empty(self._frame.t("none_held"), "task_alt"))
        self._show_tiles(waiting, found)
        self._show_chosen()
        self._proposal_list.show(found, lambda: self._draw_proposals(found))
        if not self._keys_on:
            self._keys_on = True
            ids, keys = [self._table.grid.id, self._reviews.table.grid.id], [key[0] for key in KEYS] + ["?"]
            ui.run_javascript(f"cp.queueKeys({json.dumps(ids)}, {json.dumps(keys)})")

    def _row(self, key: str, held: HeldOrder) -> dict[str, Any]:
        age = self._age(held)
        return {
            "key": key,
            "customer_id": held.customer_id,
            "customer": held.name or held.customer_id,
            "order_id": held.order_id,
            "amount": held.amount,
            "currency": held.currency,
            "level": held.level.value,
            "since": held.held_since,
            "age": self._frame.f.age(age),
            "old": age is not None and age >= _OLD,
            "why": why(self._frame, held),
            "to_free": ways_line(self._frame, held),
            "mark": "second" if key in self._proposals else "forced" if held.forced is not None else "",
        }

    def _age(self, held: HeldOrder) -> timedelta | None:
        return age_of(self._frame.services, held.held_since) if held.held_since is not None else None

    def _show_tiles(self, waiting: list[HeldOrder], found: list[Proposal]) -> None:
        f, t = self._frame.f, self._frame.t
        total = self._frame.services.customers.sum().holds
        oldest = self._age(waiting[0]) if waiting else None
        note = t("oldest", age=f.age(oldest)) if waiting else t("none_held")
        self._tiles["open"].show(f.number(max(total, len(waiting))), note)
        sums: dict[str, Any] = {}
        for held in waiting:
            sums[held.currency] = sums.get(held.currency, 0) + held.amount
        amounts = [f.short_money(amount, name) for name, amount in sorted(sums.items(), key=lambda item: -item[1])]
        shown_only = t("first_only", count=f.number(MOST)) if total > MOST else ", ".join(amounts[1:])
        self._tiles["value"].show(amounts[0] if amounts else "–", shown_only)
        mine = sum(one.by == self._frame.user.name for one in found)
        self._tiles["second"].show(f.number(len(found)), t("of_mine", count=f.number(mine)) if mine else "")

    def _show_chosen(self) -> None:
        held = self._held.get(self._chosen_key or "")
        proposal = self._proposals.get(self._chosen_key or "")
        self._chosen.show(held, self._age(held) if held is not None else None, proposal)

    def _draw_proposals(self, found: list[Proposal]) -> None:
        t, f = self._frame.t, self._frame.f
        names = ("customer", "order", "asks_for", "asked_by", "frame.reason", "asked_at")
        if not found:
            empty(t("no_proposals"), "how_to_reg")
            return
        rows: list[list[str | Callable[[], Any]]] = [
            [
                partial(ui.link, one.customer_id, _link(one.customer_id)),
                one.order_id,
                t("whole") if one.up_to_amount is None else f.money(one.up_to_amount, one.currency or ""),
                one.by,
                one.reason,
                f.time(one.at),
                partial(self._proposal_acts, one),
            ]
            for one in found[:_SHOWN_PROPOSALS]
        ]
        plain_table([(t(name), False) for name in names] + [("", False)], rows)

    def _proposal_acts(self, one: Proposal) -> None:
        frame, t = self._frame, self._frame.t
        mine = one.by == frame.user.name
        with ui.element("div").classes("order-acts"):
            if frame.may(acts.RELEASES) and not mine:
                button(t("approve"), lambda: self._decide.approve(one), icon="how_to_reg")
            if frame.may(acts.RELEASES) or mine:
                button(t("take_back" if mine else "decline"), lambda: self._decide.decline(one), look="quiet")

    async def _load_reviews(self, news: News) -> None:
        await self._reviews.load()

    async def _refresh_reviews(self, news: News) -> None:
        for item in news:
            if isinstance(item, FeedItem) and isinstance(item.event.data, CreditAlert):
                self._reviews.take(item.event.subject, item.event.data)
        self._reviews.show()
        self._tiles["reviews"].show(self._frame.f.number(len(self._reviews.rows)))

    # --- what is done -----------------------------------------------------------------------------------------

    def _switch(self, part: str) -> None:
        self._orders_part.set_visibility(part == "orders")
        self._reviews_part.set_visibility(part == "reviews")

    def _choose(self, told: dict[str, Any]) -> None:
        if told["grid"] == self._table.grid.id:
            self._chosen_key = told["row"]
            self._show_chosen()
        else:
            self._chosen_review = told["row"]

    async def _press(self, told: dict[str, Any]) -> None:
        frame, key = self._frame, told["key"]
        if key == "?":
            self._help()
            return
        if told["grid"] != self._table.grid.id:
            self._chosen_review = told["row"]
            if key in "ax":
                await self._review(key == "a")
            return
        held = self._held.get(told["row"] or "")
        if held is None:
            return
        name, role = next((name, role) for letter, name, _, _, role in KEYS if letter == key)
        work = self._chosen.works(held, self._proposals.get(told["row"])).get(name)
        if not frame.may(role):
            frame.say(frame.t("frame.role_needed", role=frame.t(f"frame.role_{role.name.lower()}")), bad=True)
        elif work is not None:
            await work()

    async def _review(self, approve: bool) -> None:
        frame, row = self._frame, self._reviews.rows.get(self._chosen_review or "")
        if not frame.may(acts.REVIEWS):
            role = frame.t(f"frame.role_{acts.REVIEWS.name.lower()}")
            frame.say(frame.t("frame.role_needed", role=role), bad=True)
        elif row is not None:
            await self._decide.review(row, approve=approve)

    def _help(self) -> None:
        t = self._frame.t
        with ui.dialog() as dialog, ui.element("div").classes("dialog").props('role="dialog" aria-modal="true"') as box:
            box._props["aria-label"] = t("keys")
            with ui.element("h2").classes("dialog-title"):
                ui.label(t("keys"))
            lines = [("j ↓", t("key_down")), ("k ↑", t("key_up"))]
            lines += [(key, t(name)) for key, name, *_ in KEYS]
            lines += [("Ctrl+Enter", t("key_confirm")), ("Esc", t("key_close")), ("?", t("key_help"))]
            plain_table([(t("key"), False), (t("does"), False)], [[_keys_cell(keys), text] for keys, text in lines])
            ui.label(t("keys_review")).classes("muted")
            with ui.element("div").classes("dialog-acts"):
                button(t("frame.close"), dialog.close, look="main-act").props("autofocus")
        dialog.on("hide", dialog.delete)
        dialog.open()


def _keys_cell(keys: str) -> Callable[[], None]:
    def make() -> None:
        for key in keys.split():
            ui.label(key).classes("key")

    return make


def _is_review(item: FeedItem) -> bool:
    return isinstance(item.event.data, CreditAlert) and item.event.data.review is not None


def _key(customer_id: str, order_id: str) -> str:
    return json.dumps([customer_id, order_id])


def _link(customer_id: str) -> str:
    return f"/customers/{quote(customer_id, safe='')}"


PAGE = Page("holds", "/holds", "pan_tool", build, order=40)
