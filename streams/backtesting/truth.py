"""What really happened: invoices and their payments from the raw events, read beside the engine and without it."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import msgspec

from models.calendar import day_of, day_of_ms
from schemas.topics import ORDERS, PAYMENTS, SUPPLY
from streams.sources.event_file import TimedEvent


@dataclass(slots=True)
class Invoice:
    """An invoice; days are ordinals, ``paid`` is None while any of it is open."""

    customer_id: str
    issued: int
    due: int
    amount: Decimal
    currency: str
    settled: Decimal = Decimal(0)
    paid: int | None = None

    def late(self) -> int:
        """Days from due to payment (negative = early); raises ValueError for one that is open still."""
        if self.paid is None:
            raise ValueError("the invoice is open still")
        return self.paid - self.due

    def passes(self, days_past_due: int, until: int) -> int | None:
        """The first day on which it was open at more than so many days past due, if not after ``until``."""
        day = self.due + days_past_due + 1
        return day if day <= until and (self.paid is None or self.paid >= day) else None


@dataclass(slots=True)
class Truth:
    """All invoices of a run's raw events, whatever the engine made of them; disputed ones tell nothing of the payer."""

    invoices: dict[tuple[str, str], Invoice] = field(default_factory=dict)
    last_day: int = 0

    def add(self, event: TimedEvent) -> None:
        """Take note of an invoice, a payment or its reversal; what cannot be read is the gate's to refuse."""
        if event.topic == SUPPLY:
            self.last_day = max(self.last_day, day_of_ms(event.timestamp_ms))
        if event.topic not in (ORDERS, PAYMENTS):
            return
        try:
            self._add(event, msgspec.json.decode(event.raw))
        except (msgspec.DecodeError, KeyError, ValueError, TypeError, ArithmeticError):
            return  # refused by the gate too, or of no use for the truth: bad data never makes an event

    def by_customer(self) -> dict[str, list[Invoice]]:
        """Invoices of each customer in order of issue."""
        found: dict[str, list[Invoice]] = {}
        for invoice in sorted(self.invoices.values(), key=lambda i: i.issued):
            found.setdefault(invoice.customer_id, []).append(invoice)
        return found

    def _add(self, event: TimedEvent, data: dict[str, Any]) -> None:
        kind, key = data["type"], (str(data["customer_id"]), str(data.get("invoice_id")))
        if kind == "order.invoiced":
            issued, due = (date.fromisoformat(data[name]).toordinal() for name in ("issue_date", "due_date"))
            amount = Decimal(str(data["amount"]))
            self.invoices.setdefault(key, Invoice(key[0], issued, due, amount, data["currency"]))
        elif kind == "invoice.disputed":
            self.invoices.pop(key, None)
        elif kind == "payment.received" and key in self.invoices:
            invoice = self.invoices[key]
            invoice.settled += Decimal(str(data["amount"]))
            if invoice.paid is None and invoice.settled >= invoice.amount:
                invoice.paid = day_of(datetime.fromisoformat(data["paid_at"]))
        elif kind == "payment.reversed" and key in self.invoices:
            invoice = self.invoices[key]
            invoice.settled -= Decimal(str(data["amount"]))
            if invoice.settled < invoice.amount:
                invoice.paid = None
        self.last_day = max(self.last_day, day_of_ms(event.timestamp_ms))
