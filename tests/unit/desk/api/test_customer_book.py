"""Rows of customers are what the engine's own functions say, found and summed in memory."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest

from desk.api.customer_book import Asked, CustomerBook
from desk.api.customer_row import NextAction, customer_row
from models.account import SCHEMA, Account, Master, OpenItem, OpenOrder
from models.calendar import ms_of_day
from models.exposure import positions
from models.policy import default_policy
from schemas.errors import InvalidInput
from schemas.levels import Level
from streams.live_book import Known
from streams.tasks import end_task

TODAY = date(2025, 6, 1).toordinal()
POLICY = default_policy()


def account(name: str, *, level: Level = Level.STANDARD, overdue: int = 0, held: int = 0, **more: Any) -> Account:
    """One invoice of 100 EUR, due ``overdue`` days ago (0: in a month), and ``held`` orders on hold."""
    found = Account(SCHEMA, name, level=level.value, points={"AGEING": 500}, clock=ms_of_day(TODAY), **more)
    found.items["I1"] = OpenItem(Decimal(100), "EUR", TODAY - overdue if overdue else TODAY + 30, Decimal(100))
    found.open_invoices["EUR"] = Decimal(100)
    found.limits["EUR"] = Decimal(80 if name.startswith("over") else 1000)
    for number in range(held):
        found.orders[f"O{number}"] = OpenOrder(
            Decimal(50), "EUR", TODAY, held=True, held_since=ms_of_day(TODAY - number)
        )
    return found


class FakeBook:
    """What is needed of the live book."""

    def __init__(self, accounts: list[Account]) -> None:
        self.accounts = {found.customer_id: found for found in accounts}
        self.listeners: list[Callable[[str], object]] = []
        self.aged_to = 0
        self.ready = asyncio.Event()
        self.ready.set()

    def ageing_stops(self) -> tuple[int, ...]:
        return (self.aged_to,)

    def ids(self) -> Iterator[str]:
        return iter(self.accounts)

    def clock(self) -> datetime:
        return datetime.fromordinal(TODAY).replace(tzinfo=UTC)

    def known(self, customer_id: str) -> Known:
        return Known(self.accounts.get(customer_id), POLICY, self.clock(), aged_to=self.aged_to)


async def book_of(*accounts: Account) -> tuple[CustomerBook, FakeBook]:
    """A customer book that has worked itself in, without any task behind it."""
    source = FakeBook(list(accounts))
    found = CustomerBook(source, None)  # type: ignore[arg-type]
    source.listeners.append(found._dirty.add)
    found._day = TODAY
    found._dirty.update(source.ids())
    await found._bring_up_to_date()
    found.ready.set()
    return found, source


def test_a_row_says_what_the_engine_would_say() -> None:
    """Exposure, overdue and age are those of models.exposure; held orders are no exposure."""
    found = account("C1", overdue=40, held=2, master=Master(name="<script>", owner="li"))
    row = customer_row(found, POLICY, TODAY, ((TODAY - 31, 620), (TODAY - 2, 510)))
    position = positions(found, TODAY, POLICY)["EUR"]
    assert (row.exposure, row.overdue, row.oldest_days_past_due) == (position.exposure, Decimal(100), 40)
    assert (row.holds, row.held_since) == (2, datetime(2025, 5, 31, tzinfo=UTC))
    assert (row.score, row.score_change, row.trend) == (500, -120, (620, 510))
    assert (row.utilisation, row.headroom, row.next_action) == (0.1, Decimal(900), NextAction.DECIDE_HOLDS)
    assert row.currencies["EUR"].ageing == (0, 0, Decimal(100), 0, 0)


async def test_nothing_ages_while_payments_are_stale() -> None:
    """As the engine has it: what is 70 days late by the calendar is 5 late by the last payments; later it ages on."""
    found = account("C1", overdue=70)
    row = customer_row(found, POLICY, TODAY, aged_to=TODAY - 65)
    assert (row.oldest_days_past_due, row.next_action) == (5, NextAction.REMIND)
    book, source = await book_of(found)
    source.aged_to = TODAY - 65
    async with _running(book):
        await _until(lambda: (known := book.row("C1")) is not None and known.oldest_days_past_due == 5)
        source.aged_to = 0
        await _until(lambda: (known := book.row("C1")) is not None and known.oldest_days_past_due == 70)


@asynccontextmanager
async def _running(book: CustomerBook) -> AsyncIterator[None]:
    task = asyncio.create_task(book._run())
    yield
    await end_task(task)


async def _until(holds: Callable[[], bool]) -> None:
    async with asyncio.timeout(10):
        while not holds():
            await asyncio.sleep(0.02)


@pytest.mark.parametrize(
    ("given", "action"),
    [
        (account("a", overdue=61), NextAction.ESCALATE),
        (account("a", overdue=3), NextAction.REMIND),
        (account("over"), NextAction.REVIEW_LIMIT),
        (account("a", master=Master(limit_valid_until=TODAY + 10)), NextAction.RENEW_LIMIT),
        (account("a", level=Level.UNRATED), NextAction.ASSESS),
        (account("a"), NextAction.NONE),
    ],
)
def test_the_next_action_is_the_most_urgent(given: Account, action: NextAction) -> None:
    """One for each row."""
    assert customer_row(given, POLICY, TODAY).next_action is action


async def test_customers_are_found_and_sorted() -> None:
    """Search in id and name, filters, order both ways with what is not known last, a wrong order refused."""
    book, _ = await book_of(
        account("C1", level=Level.BLOCKED, overdue=90, master=Master(name="Müller", owner="li")),
        account("C2", overdue=5, master=Master(name="Arno", owner="li")),
        account("over3", master=Master(owner="wu")),
    )

    def ids(**asked: Any) -> list[str]:
        return [row.customer_id for row in book.find(Asked(**asked))]

    assert ids(search="mÜL") == ["C1"]
    assert ids(search="c", sort="customer_id") == ["C1", "C2"]
    assert ids(levels=frozenset({"BLOCKED"})) == ["C1"]
    assert ids(owner="li", sort="oldest_days_past_due") == ["C2", "C1"]
    assert ids(overdue=True, sort="-oldest_days_past_due") == ["C1", "C2"]
    assert ids(sort="name") == ["C2", "C1", "over3"]
    assert ids(sort="-name") == ["C1", "C2", "over3"]
    assert ids(sort="-utilisation")[0] == "over3"
    assert ids(sort="-level")[0] == "C1"
    assert book.values("owner") == ["li", "wu"]
    with pytest.raises(InvalidInput):
        book.find(Asked(sort="currencies"))


async def test_sums_follow_each_change_and_listeners_hear_of_it() -> None:
    """A customer that moves is counted once, at its new level; one that does not change is told to nobody."""
    book, source = await book_of(account("C1", overdue=10, held=1), account("C2"))
    before = book.sum()
    assert (before.customers, before.holds, before.overdue_customers) == (2, 1, 1)
    assert (before.exposure, before.ageing["EUR"][:2]) == ({"EUR": Decimal(200)}, [Decimal(100), Decimal(100)])
    heard: list[str] = []
    book.listeners.add(heard.append)
    source.accounts["C1"] = account("C1", level=Level.WATCH)
    with _new_second(book):
        for customer in ("C1", "C2"):
            source.listeners[0](customer)
        await book._bring_up_to_date()
        after = book.sum()
    assert heard == ["C1"]
    assert {level.value: sums.customers for level, sums in after.levels.items() if sums.customers} == {
        "STANDARD": 1, "WATCH": 1,
    }  # fmt: skip
    assert (after.holds, after.overdue) == (0, {})
    del source.accounts["C2"]
    source.listeners[0]("C2")
    await book._bring_up_to_date()
    assert [row.customer_id for row in book.find(Asked())] == ["C1"]


@contextmanager
def _new_second(book: CustomerBook) -> Iterator[None]:
    """What was summed before counts as old."""
    book._sum = None
    yield
