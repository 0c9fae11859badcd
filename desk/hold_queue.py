"""All orders that are held now: why as things stand, what would free each, since when; the longest waiting first."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from desk.api.services import Services, day_of_question
from desk.open_orders import OrderNow, shown
from models.account import Account
from models.calendar import from_ms
from models.partition import GroupStanding
from models.what_if import check_order
from schemas.decisions import Exposure, OrderCheck
from schemas.errors import Unavailable
from schemas.levels import Level
from schemas.order_measures import OrderMeasure, WayToPass
from streams.live_book import Known

MOST = 2_000
"""Held orders that are told at once."""


class _Asked(NamedTuple):
    """All but the account that the check of an order depends on."""

    policy_version: str
    day: int
    aged_to: int
    group: GroupStanding | None


class HeldOrder(OrderNow):
    """A held order, checked as POST /v1/orders/{id}/check does. No ``checks``: it would pass by now, and is freed by
    the customer's next event."""

    name: str | None
    level: Level
    checks: list[OrderCheck]
    measure: OrderMeasure | None
    to_pass: list[WayToPass]
    exposure: Exposure


class _Checked(NamedTuple):
    account: Account
    asked: _Asked
    held: HeldOrder


class HoldQueue:
    """``now()`` as often as you like, for all who ask: only what has changed is checked again."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._checked: dict[tuple[str, str], _Checked] = {}

    def now(self) -> list[HeldOrder]:
        """The first ``MOST`` of them; raises Unavailable while the book is being read."""
        waiting = self._waiting()[:MOST]
        before, self._checked = self._checked, {}
        found = []
        for _, customer_id, order_id in waiting:
            known = self._services.book.known(customer_id)
            account, seen = known.account, before.get((customer_id, order_id))
            if account is None:
                continue
            group = known.groups.others(account.master.group_parent or customer_id, account)
            asked = _Asked(known.policy.version, day_of_question(self._services, known.as_of), known.aged_to, group)
            if seen is None or seen.account is not account or seen.asked != asked:
                seen = _Checked(account, asked, _check(known, account, order_id, asked.day))
            self._checked[customer_id, order_id] = seen
            found.append(seen.held)
        return found

    def oldest_age(self) -> timedelta | None:
        """How long the longest waiting has waited; raises Unavailable while the book is being read."""
        held_since, _, _ = next(iter(self._waiting()), (0, "", ""))
        return age_of(self._services, from_ms(held_since)) if held_since else None

    def _waiting(self) -> Sequence[tuple[int, str, str]]:
        customers, book = self._services.customers, self._services.book
        if not customers.ready.is_set():
            raise Unavailable("the book is still being read")
        return sorted(
            (order.held_since, customer_id, order_id)
            for customer_id in customers.held
            if (account := book.account(customer_id)) is not None
            for order_id, order in account.orders.items()
            if order.held
        )


def age_of(services: Services, since: datetime) -> timedelta:
    """How long that is ago; in a replay of the past by the clock of the book, one for all of its partitions."""
    now = services.book.clock() if services.settings.clock == "events" else services.now()
    return max(now - since, timedelta())


def _check(known: Known, account: Account, order_id: str, day: int) -> HeldOrder:
    found = check_order(account, account.orders[order_id], day, known.policy, known.groups, order_id, known.aged_to)
    more = {name: getattr(found, name) for name in ("level", "checks", "measure", "to_pass", "exposure")}
    return HeldOrder(**dict(shown(account, order_id, account.orders[order_id])), name=account.master.name, **more)
