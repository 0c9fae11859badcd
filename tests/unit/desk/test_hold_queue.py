"""The queue of held orders says of each what a check of it over the API says, whatever has changed meanwhile."""

from __future__ import annotations

import asyncio
from datetime import datetime
from decimal import Decimal
from types import SimpleNamespace
from typing import Any

from desk.api.credit_checks import CreditCheck, answer
from desk.hold_queue import HoldQueue
from models.group_book import ReportedGroups
from models.partition import GroupStanding
from schemas.decisions import OrderCheck
from streams.live_book import Known
from tests.unit.models.book import Book
from tests.unit.models.build import CUSTOMER, DAY, at, invoiced, master, placed

RULES = """
limits: {base: {EUR: 1000}}
order_checks: {oldest_item_dpd: 5, group_limit: true, group_limits: {EUR: 5000}}
"""


class _Book:
    """One customer; what its group owes and how far items are aged may change without an event of it."""

    def __init__(self) -> None:
        book = Book(RULES)
        book.good_payer()
        book.see(master(21, group_parent="G"))
        book.see(invoiced("X1", 500, due=22, issued=21))
        book.see(placed("O1", 900, day=21))
        self.of, self.policy = book.account, book.engine.policy
        self.group_owes, self.aged_to = Decimal(0), 0

    def known(self, customer_id: str) -> Known:
        groups = ReportedGroups({"G": GroupStanding({"EUR": self.group_owes})})
        return Known(self.of, self.policy, self.clock(), groups, self.aged_to)

    def account(self, customer_id: str) -> Any:
        return self.of

    def brake(self, customer_id: str) -> None:
        return None

    def clock(self) -> datetime:
        return at(40)


def test_it_says_what_a_check_says() -> None:
    """Also once the group owes more, and once payments are stale: then nothing ages."""
    book = _Book()
    ready = asyncio.Event()
    ready.set()
    services: Any = SimpleNamespace(
        customers=SimpleNamespace(ready=ready, held={CUSTOMER}), book=book, now=book.clock,
        settings=SimpleNamespace(clock="wall", api_stale_minutes=60, api_when_stale="hold"),
    )  # fmt: skip
    queue = HoldQueue(services)

    def codes(checks: list[OrderCheck]) -> list[str]:
        return [check.code for check in checks]

    def both() -> list[str]:
        found = codes(queue.now()[0].checks)
        asked = CreditCheck(customer_id=CUSTOMER, amount=Decimal(900), currency="EUR")
        assert codes(answer(services, asked, "O1").checks) == found
        return found

    assert both() == ["OVER_LIMIT", "OLDEST_ITEM"]
    book.group_owes = Decimal(9_000)
    assert both() == ["OVER_LIMIT", "OLDEST_ITEM", "OVER_GROUP_LIMIT"]
    book.aged_to = DAY + 22
    assert both() == ["OVER_LIMIT", "OVER_GROUP_LIMIT"]
