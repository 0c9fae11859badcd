"""A small book of customers for the tests: punctual, late and failing payers, with orders, ticks and corrections."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from pydantic import BaseModel

from schemas.assessments import MasterDataChanged
from schemas.events import (
    MarketIndexRead,
    OrderInvoiced,
    OrderPlaced,
    OverdueNoticed,
    PaymentReceived,
    PaymentReversed,
)
from schemas.topics import ASSESSMENTS, MARKET, ORDERS, OVERDUE, PAYMENTS, TICKS
from streams.clock import tick
from streams.sources.event_file import TimedEvent, timed

START = datetime(2025, 1, 1, tzinfo=UTC)
TERMS = 30


class Book:
    """Events of ``customers`` over ``days``; the same seed gives the same events."""

    def __init__(self, customers: int = 40, days: int = 240, seed: int = 1) -> None:
        self._random = random.Random(seed)
        self._events: list[tuple[datetime, int, str, BaseModel]] = []
        self._days = days
        for number in range(customers):
            self._customer(f"C{number:03d}", late=(number % 4) * 15, fails=number % 7 == 3)
        for day in range(days + 1):
            self._add(START + timedelta(days=day), TICKS, tick(START + timedelta(days=day)))
        for month in range(0, days, 30):
            at = START + timedelta(days=month, hours=1)
            reading = MarketIndexRead(
                version=1, event_id=f"idx-{month}", occurred_at=at, scope="sector", name="food",
                value=Decimal(90 + month % 20), as_of=at.date(),
            )  # fmt: skip
            self._add(at, MARKET, reading)

    def events(self) -> list[TimedEvent]:
        """All events in order of time."""
        return [timed(topic, at, event) for at, _, topic, event in sorted(self._events, key=lambda item: item[:2])]

    def _add(self, at: datetime, topic: str, event: BaseModel) -> None:
        self._events.append((at, len(self._events), topic, event))

    def _customer(self, customer: str, late: int, fails: bool) -> None:
        head = {"version": 1, "customer_id": customer}
        joined = START + timedelta(minutes=5)
        master = MasterDataChanged(
            **head, event_id=f"{customer}-m", occurred_at=joined, sector="food", base_limits={"USD": Decimal(20_000)}
        )
        self._add(joined, ASSESSMENTS, master)
        for number, day in enumerate(range(2, self._days - 1, 9)):
            at = START + timedelta(days=day, hours=9, minutes=self._random.randrange(300))
            amount = Decimal(self._random.randrange(100_00, 9_000_00)) / 100
            order, invoice = f"{customer}-o{number}", f"{customer}-i{number}"
            money = {"amount": amount, "currency": "USD"}
            placed = OrderPlaced(**head, event_id=f"{order}-placed", occurred_at=at, order_id=order, **money)
            self._add(at, ORDERS, placed)
            shipped = at + timedelta(hours=30)
            due = (shipped + timedelta(days=TERMS)).date()
            invoiced = OrderInvoiced(
                **head, event_id=f"{invoice}-issued", occurred_at=shipped, invoice_id=invoice, order_id=order,
                issue_date=shipped.date(), due_date=due, terms_days=TERMS, **money,
            )  # fmt: skip
            self._add(shipped, ORDERS, invoiced)
            if fails and day > self._days // 3:
                continue
            self._pay(head, invoice, money, shipped + timedelta(days=TERMS + late + self._random.randrange(-6, 8)))

    def _pay(self, head: dict[str, object], invoice: str, money: dict[str, object], paid: datetime) -> None:
        """The payment becomes known with delay now and then; one in twenty bounces."""
        if (paid - START).days >= self._days:
            return
        known = paid + timedelta(days=self._random.choice([0, 0, 0, 0, 4]))
        payment = PaymentReceived(
            **head, event_id=f"{invoice}-paid", occurred_at=paid, payment_id=f"{invoice}-p", invoice_id=invoice,
            paid_at=paid, **money,
        )  # fmt: skip
        self._add(known, PAYMENTS, payment)
        if self._random.random() < 0.05:
            at = known + timedelta(days=2)
            bounced = PaymentReversed(
                **head, event_id=f"{invoice}-bounced", occurred_at=at, payment_id=f"{invoice}-p", invoice_id=invoice,
                due_date=paid.date(), **money,
            )  # fmt: skip
            self._add(at, PAYMENTS, bounced)
            notice = OverdueNoticed(
                **head, event_id=f"{invoice}-overdue", occurred_at=at + timedelta(hours=2), invoice_id=invoice,
                outstanding_amount=money["amount"], currency="USD", days_past_due=1, as_of=at.date(),
            )  # fmt: skip
            self._add(at + timedelta(hours=2), OVERDUE, notice)
