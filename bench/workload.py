"""What is measured with: the first weeks of a simulated portfolio, and punctual customers whose payments bounce."""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal
from itertools import takewhile

from pydantic import BaseModel

from models.calendar import to_ms
from schemas.events import OrderInvoiced, PaymentReceived, PaymentReversed
from schemas.topics import ORDERS, PAYMENTS, TICKS
from streams.clock import tick
from streams.sources.event_file import TimedEvent, timed
from streams.sources.simulate import Portfolio, simulate
from streams.sources.ticks import with_ticks

_DAY = timedelta(days=1)


def book(customers: int, days: int, seed: int = 7) -> list[TimedEvent]:
    """The first ``days`` days of the product's own simulated portfolio, with daily ticks, in order of time."""
    portfolio = Portfolio(customers=customers, days=days, seed=seed)
    end = to_ms(portfolio.end)
    return list(with_ticks(takewhile(lambda event: event.timestamp_ms < end, simulate(portfolio))))


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
    found: list[tuple[datetime, str, BaseModel]] = [
        (start + day * _DAY, TICKS, tick(start + day * _DAY)) for day in range(days + 1)
    ]
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
    return [timed(topic, at, event) for at, topic, event in sorted(found, key=lambda item: item[0])]


MONEY: dict[str, object] = {"amount": Decimal("1250.00"), "currency": "USD"}


def punctual(number: int) -> str:
    """The customer's id."""
    return f"P{number:06d}"
