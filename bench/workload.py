"""Made-up books to measure with: orders, invoices, payments, notices, reversals and daily ticks; seeded."""

from __future__ import annotations

import random
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from pydantic import BaseModel

from schemas.assessments import MasterDataChanged
from schemas.events import OrderInvoiced, OrderPlaced, OverdueNoticed, PaymentReceived, PaymentReversed
from schemas.topics import ASSESSMENTS, ORDERS, OVERDUE, PAYMENTS, TICKS
from streams.clock import tick
from streams.sources.event_file import TimedEvent, timed

START = datetime(2025, 1, 1, tzinfo=UTC)
_DAY = timedelta(days=1)
_Timed = tuple[datetime, str, BaseModel]


def book(customers: int, days: int, seed: int = 7) -> list[TimedEvent]:
    """A book of ``customers`` over ``days`` days in order of time: about a third of an event per customer and day."""
    chance = random.Random(seed)
    found: list[_Timed] = [*_ticks(START, days)]
    for number in range(customers):
        found += _customer(f"C{number:06d}", START, days, chance)
    return in_order(found)


def in_order(events: Iterable[_Timed]) -> list[TimedEvent]:
    """Events as published, sorted by time."""
    return [timed(topic, at, event) for at, topic, event in sorted(events, key=lambda item: item[0])]


def _ticks(start: datetime, days: int) -> Iterator[_Timed]:
    for day in range(days + 1):
        yield start + day * _DAY, TICKS, tick(start + day * _DAY)


def _customer(customer: str, start: datetime, days: int, chance: random.Random) -> Iterator[_Timed]:
    head = {"version": 1, "customer_id": customer}
    limit = Decimal(chance.randrange(10, 200) * 1000)
    joined = start + timedelta(minutes=chance.randrange(1, 300))
    yield joined, ASSESSMENTS, MasterDataChanged(
        **head, event_id=f"{customer}-m", occurred_at=joined, sector="food", base_limits={"USD": limit}
    )  # fmt: skip
    habit = chance.choice([-2, 0, 0, 0, 1, 3, 8, 20])
    at = start + chance.random() * 8 * _DAY
    number = 0
    while (at - start).days < days:
        yield from _sale(head, f"{customer}-{number}", at, start + days * _DAY, habit, chance)
        at += chance.expovariate(1 / 9) * _DAY
        number += 1


def _sale(
    head: dict[str, object], sale: str, at: datetime, end: datetime, habit: int, chance: random.Random
) -> Iterator[_Timed]:
    """An order with its invoice, and what comes of it before ``end``."""
    money = {"amount": Decimal(chance.randrange(100_00, 6_000_00)) / 100, "currency": "USD"}
    placed = OrderPlaced(**head, event_id=f"{sale}-o", occurred_at=at, order_id=f"{sale}-o", **money)
    yield at, ORDERS, placed
    shipped = at + chance.uniform(0.5, 2) * _DAY
    terms = chance.choice([7, 14, 14, 30])
    due = shipped + terms * _DAY
    if shipped >= end:
        return
    yield shipped, ORDERS, OrderInvoiced(
        **head, event_id=f"{sale}-i", occurred_at=shipped, invoice_id=sale, order_id=f"{sale}-o",
        issue_date=shipped.date(), due_date=due.date(), terms_days=terms, **money,
    )  # fmt: skip
    paid = max(shipped + _DAY, due + (habit + chance.gauss(0, 3)) * _DAY)
    noticed = due + 4 * _DAY
    while noticed < min(paid, end):
        yield noticed, OVERDUE, OverdueNoticed(
            **head, event_id=f"{sale}-n{noticed.date()}", occurred_at=noticed, invoice_id=sale, currency="USD",
            outstanding_amount=money["amount"], days_past_due=(noticed.date() - due.date()).days,
            as_of=noticed.date(),
        )  # fmt: skip
        noticed += 7 * _DAY
    if paid < end:
        yield paid, PAYMENTS, payment(head, sale, paid, money)
        bounced = paid + 2 * _DAY
        if chance.random() < 0.02 and bounced < end:
            yield bounced, PAYMENTS, reversal(head, sale, bounced, money)


def payment(head: dict[str, object], sale: str, at: datetime, money: dict[str, object]) -> PaymentReceived:
    """The payment of a sale's invoice."""
    return PaymentReceived(
        **head, event_id=f"{sale}-p", occurred_at=at, payment_id=f"{sale}-p", invoice_id=sale, paid_at=at, **money
    )


def reversal(head: dict[str, object], sale: str, at: datetime, money: dict[str, object]) -> PaymentReversed:
    """The payment of a sale's invoice taken back: a punctual customer is put on WATCH by it."""
    return PaymentReversed(
        **head, event_id=f"{sale}-r", occurred_at=at, payment_id=f"{sale}-p", invoice_id=sale, due_date=at.date(),
        **money,
    )  # fmt: skip


def punctual_history(customers: int, until: datetime, days: int = 40, sales: int = 4) -> list[TimedEvent]:
    """Customers who have paid ``sales`` invoices each, on the day, and are rated by ``until``; named by `punctual`."""
    start = until.replace(hour=0, minute=0, second=0, microsecond=0) - days * _DAY
    found: list[_Timed] = [*_ticks(start, days)]
    for number in range(customers):
        customer = punctual(number)
        head: dict[str, object] = {"version": 1, "customer_id": customer}
        for sale in range(sales):
            at = start + timedelta(days=1 + 3 * sale, hours=9, seconds=number)
            name, due = f"{customer}-{sale}", at + 10 * _DAY
            found.append((at, ORDERS, OrderInvoiced(
                **head, event_id=f"{name}-i", occurred_at=at, invoice_id=name, issue_date=at.date(),
                due_date=due.date(), terms_days=10, **MONEY,
            )))  # fmt: skip
            found.append((due, PAYMENTS, payment(head, name, due, MONEY)))
    return in_order(found)


MONEY: dict[str, object] = {"amount": Decimal("1250.00"), "currency": "USD"}


def punctual(number: int) -> str:
    """The customer's id."""
    return f"P{number:06d}"
