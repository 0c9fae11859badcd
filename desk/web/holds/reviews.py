"""Tightenings and holds that the brake stopped and that wait for a person."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any
from urllib.parse import quote

from alerts.sentences import amounts, joined, order_let_go
from desk.hold_queue import age_of
from desk.web.components.basics import empty
from desk.web.components.section import Section
from desk.web.components.table import Column, Table
from desk.web.frame import Frame
from models.account import StoppedTightening
from models.calendar import from_ms
from models.tightening_review import orders_let_go
from schemas.decisions import CreditAlert, TighteningReview

_MOST = 1_000
_AGE = 2.0


class Reviews:
    """The table of them; ``rows`` as shown, by customer."""

    def __init__(self, frame: Frame, *, height: int | str) -> None:
        self._frame = frame
        self._alerts: dict[str, CreditAlert] = {}
        self._told: dict[str, tuple[CreditAlert, dict[str, Any]]] = {}
        self.rows: dict[str, dict[str, Any]] = {}
        t = frame.t
        columns = [
            Column("name", t("customer"), "link", 190, target=lambda row: _link(row["customer_id"])),
            Column("level", t("frame.level"), "level", 118),
            Column("to_level", t("leads_to"), "level", 118),
            Column("since", t("age"), "badge", 110, look=lambda row: (row["age"], "schedule", "")),
            Column("amount", t("exposure"), "money", 130, currency="currency"),
            Column("let_go", t("let_go"), "text", 130),
            Column("why", t("why"), lines=2),
        ]
        self._none = Section()
        self.table = Table(
            frame, columns, key="customer_id", height=height, about=t("reviews"),
            options={"rowSelection": {"mode": "singleRow", "checkboxes": False, "enableClickSelection": True},
                     "suppressCellFocus": True},
        )  # fmt: skip

    def take(self, customer_id: str, alert: CreditAlert) -> None:
        """News of a review."""
        if alert.review is not None and alert.review.refusal is None:
            self._alerts[customer_id] = alert

    async def load(self) -> None:
        """What the archive knows to wait; what is newer is known from news."""
        for row in await self._frame.view("tightening_reviews", limit=_MOST, max_age=_AGE):
            alert = CreditAlert.model_validate(json.loads(row["event"])["data"])
            known = self._alerts.get(row["customer_id"])
            if known is None or _version(known) <= _version(alert):
                self.take(row["customer_id"], alert)

    def show(self) -> None:
        """Those that wait by now, the longest first, as the engine holds them."""
        book = self._frame.services.book
        found = []
        for customer_id, alert in self._alerts.items():
            account, review = book.account(customer_id), alert.review
            waits = account.review if account is not None else None
            if waits is not None and not waits.until and review is not None and review.state == "pending":
                found.append(self._row(customer_id, alert, review, waits))
        found.sort(key=lambda row: (row["since"], row["customer_id"]))
        self.rows = {row["customer_id"]: row for row in found}
        self.table.show(found)
        self.table.grid.set_visibility(bool(found))
        self._none.show(not found, lambda: None if found else empty(self._frame.t("no_reviews"), "task_alt"))

    def _row(
        self, customer_id: str, alert: CreditAlert, review: TighteningReview, waits: StoppedTightening
    ) -> dict[str, Any]:
        since = from_ms(waits.since)
        told = self._told.get(customer_id)
        if told is None or told[0] is not alert:
            # The texts of hundreds of reviews: worked out once for each alert, not at each of its looks.
            told = self._told[customer_id] = alert, self._texts(customer_id, alert, review)
        waited = self._frame.f.age(age_of(self._frame.services, since))
        row = {**told[1], "since": since, "age": waited, "version": waits.version}
        return row | self._let_go(customer_id, waits, row["facts"])

    def _let_go(self, customer_id: str, waits: StoppedTightening, pairs: list[tuple[str, str]]) -> dict[str, Any]:
        """The orders that went, as of now: what has gone since the alert was told a person may still hold."""
        account = self._frame.services.book.account(customer_id)
        orders = [] if account is None else orders_let_go(account, waits)
        if not orders:
            return {"let_go": ""}
        sums: dict[str, Decimal] = {}
        for order in orders:
            sums[order.currency] = sums.get(order.currency, Decimal(0)) + order.amount
        named = ", ".join(map(order_let_go, orders))
        return {"let_go": amounts(sums, self._frame.language), "facts": [*pairs, (self._frame.t("let_go"), named)]}

    def _texts(self, customer_id: str, alert: CreditAlert, review: TighteningReview) -> dict[str, Any]:
        frame, t, f = self._frame, self._frame.t, self._frame.f
        currency, amount = max(alert.at_stake.items(), key=lambda item: item[1], default=("", None))
        why = joined(
            [frame.reason(reason) for reason in (*alert.caps, *alert.reasons) if reason.code != "OTHER"], frame.language
        )
        limits = ", ".join(f.money(limit, name) for name, limit in sorted(review.limits.items()))
        pairs = [
            (t("customer"), alert.master.name or customer_id),
            (t("frame.level"), f"{frame.code(alert.level)} → {frame.code(review.to_level)}"),
            (t("why"), why),
            (t("exposure"), f.money(amount, currency)),
            (t("limit_then"), limits),
            (t("terms_then"), f.days(review.terms_days) if review.terms_days is not None else ""),
            (t("policy"), alert.policy_version),
        ]
        return {
            "customer_id": customer_id,
            "name": alert.master.name or customer_id,
            "level": alert.level.value,
            "to_level": review.to_level.value,
            "amount": amount,
            "currency": currency,
            "why": why,
            "facts": [pair for pair in pairs if pair[1]],
        }


def _version(alert: CreditAlert) -> int:
    return alert.review.version if alert.review is not None else 0


def _link(customer_id: str) -> str:
    return f"/customers/{quote(customer_id, safe='')}"
