"""Small builders of accounts, events and policies; days are counted from ``START``."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from itertools import count

from models.account import SCHEMA, Account, OpenItem
from models.policy import parse_policy
from schemas.assessments import (
    AgencyReportReceived,
    FinancialStatementFiled,
    LevelOverridden,
    MasterDataChanged,
    QualitativeReviewed,
)
from schemas.events import (
    DisputeResolved,
    InvoiceDisputed,
    OrderCancelled,
    OrderInvoiced,
    OrderPlaced,
    OverdueNoticed,
    PaymentReceived,
    PaymentReversed,
)
from schemas.levels import Level
from schemas.log import BroadcastEvent, CustomerLogEvent, LogEntry, PolicyActivated, Source, TimePassed
from schemas.policy import Policy
from schemas.supply import DeliveryReceived, PriceQuoted

START = date(2024, 3, 4)
"""A Monday."""
DAY = START.toordinal()
CUSTOMER = "C1"
_IDS = count(1)


def on(day: int) -> date:
    """The date ``day`` days after ``START``."""
    return START + timedelta(days=day)


def at(day: int, hour: int = 12) -> datetime:
    """An hour of that date, in UTC."""
    return datetime(on(day).year, on(day).month, on(day).day, hour, tzinfo=UTC)


def policy(text: str = "{}") -> Policy:
    """The default policy with ``text`` laid over it."""
    return parse_policy(text)


def account() -> Account:
    """An account of which nothing is known."""
    return Account(SCHEMA, CUSTOMER)


def owing(*items: tuple[str, int | str, int], currency: str = "EUR") -> Account:
    """An account with open invoices: (invoice id, outstanding, due day)."""
    found = account()
    for invoice_id, outstanding, due in items:
        amount = Decimal(outstanding)
        found.items[invoice_id] = OpenItem(amount, currency, DAY + due, amount)
        found.open_invoices[currency] = found.open_invoices.get(currency, Decimal(0)) + amount
    return found


def _id() -> str:
    return f"e{next(_IDS)}"


def placed(
    order_id: str,
    amount: int | str,
    day: int = 0,
    currency: str = "EUR",
    delivery: int | None = None,
    requested_terms_days: int | None = None,
) -> OrderPlaced:
    """An order."""
    return OrderPlaced.model_validate(
        {
            "version": 1,
            "event_id": _id(),
            "occurred_at": at(day),
            "customer_id": CUSTOMER,
            "order_id": order_id,
            "amount": Decimal(amount),
            "currency": currency,
            "delivery_date": None if delivery is None else on(delivery),
            "requested_terms_days": requested_terms_days,
        }
    )


def cancelled(order_id: str, amount: int | str | None = None, day: int = 0, currency: str = "EUR") -> OrderCancelled:
    """An order taken back, whole or in part."""
    return OrderCancelled.model_validate(
        {
            "version": 1,
            "event_id": _id(),
            "occurred_at": at(day),
            "customer_id": CUSTOMER,
            "order_id": order_id,
            "amount": None if amount is None else Decimal(amount),
            "currency": None if amount is None else currency,
        }
    )


def invoiced(
    invoice_id: str,
    amount: int | str,
    due: int = 30,
    issued: int = 0,
    currency: str = "EUR",
    order_id: str | None = None,
    event_id: str | None = None,
) -> OrderInvoiced:
    """An invoice."""
    return OrderInvoiced.model_validate(
        {
            "version": 1,
            "event_id": event_id or _id(),
            "occurred_at": at(issued),
            "customer_id": CUSTOMER,
            "invoice_id": invoice_id,
            "order_id": order_id,
            "amount": Decimal(amount),
            "currency": currency,
            "issue_date": on(issued),
            "due_date": on(due),
            "terms_days": due - issued,
        }
    )


def paid(
    invoice_id: str | None, amount: int | str, day: int = 10, currency: str = "EUR", event_id: str | None = None
) -> PaymentReceived:
    """A payment, for an invoice or (None) not applied to any."""
    return PaymentReceived.model_validate(
        {
            "version": 1,
            "event_id": event_id or _id(),
            "occurred_at": at(day),
            "customer_id": CUSTOMER,
            "payment_id": _id(),
            "amount": Decimal(amount),
            "currency": currency,
            "invoice_id": invoice_id,
            "paid_at": at(day),
        }
    )


def taken_back(
    invoice_id: str | None, amount: int | str, day: int = 20, currency: str = "EUR", due: int | None = None
) -> PaymentReversed:
    """A payment reversed."""
    return PaymentReversed.model_validate(
        {
            "version": 1,
            "event_id": _id(),
            "occurred_at": at(day),
            "customer_id": CUSTOMER,
            "payment_id": _id(),
            "amount": Decimal(amount),
            "currency": currency,
            "invoice_id": invoice_id,
            "due_date": None if due is None else on(due),
        }
    )


def noticed(
    invoice_id: str, outstanding: int | str, days_past_due: int, as_of: int, currency: str = "EUR"
) -> OverdueNoticed:
    """What the ledger says is open of an overdue invoice."""
    return OverdueNoticed.model_validate(
        {
            "version": 1,
            "event_id": _id(),
            "occurred_at": at(as_of),
            "customer_id": CUSTOMER,
            "invoice_id": invoice_id,
            "outstanding_amount": Decimal(outstanding),
            "currency": currency,
            "days_past_due": days_past_due,
            "as_of": on(as_of),
        }
    )


def disputed(
    invoice_id: str, amount: int | str | None = None, day: int = 20, currency: str = "EUR", reason: str = "quality"
) -> InvoiceDisputed:
    """An invoice contested, whole (None) or in part."""
    return InvoiceDisputed.model_validate(
        {
            "version": 1,
            "event_id": _id(),
            "occurred_at": at(day),
            "customer_id": CUSTOMER,
            "invoice_id": invoice_id,
            "amount": None if amount is None else Decimal(amount),
            "currency": None if amount is None else currency,
            "reason": reason,
        }
    )


def resolved(invoice_id: str, credit: int | str | None = None, day: int = 40, currency: str = "EUR") -> DisputeResolved:
    """A dispute accepted with a credit note, or (None) rejected."""
    return DisputeResolved.model_validate(
        {
            "version": 1,
            "event_id": _id(),
            "occurred_at": at(day),
            "customer_id": CUSTOMER,
            "invoice_id": invoice_id,
            "outcome": "rejected" if credit is None else "accepted",
            "amount": None if credit is None else Decimal(credit),
            "currency": None if credit is None else currency,
        }
    )


def delivered(
    day: int,
    late: int = 0,
    got: int | str = 100,
    rejected: int | str = 0,
    known: int | None = None,
) -> DeliveryReceived:
    """What came of 100 ordered pieces, so many days late, and known on that day or a later one."""
    return DeliveryReceived.model_validate(
        {
            "version": 1,
            "event_id": _id(),
            "occurred_at": at(day if known is None else known),
            "customer_id": CUSTOMER,
            "purchase_order_id": _id(),
            "promised_date": on(day - late),
            "delivered_date": on(day),
            "quantity_ordered": 100,
            "quantity_delivered": Decimal(got),
            "quantity_rejected": Decimal(rejected),
        }
    )


def quoted(
    price: int | str, reference: int | str = 100, day: int = 0, quantity: int | None = None, currency: str = "EUR"
) -> PriceQuoted:
    """A price beside its reference."""
    return PriceQuoted.model_validate(
        {
            "version": 1,
            "event_id": _id(),
            "occurred_at": at(day),
            "customer_id": CUSTOMER,
            "item": "coil",
            "unit_price": Decimal(price),
            "currency": currency,
            "reference_price": Decimal(reference),
            "quantity": quantity,
        }
    )


def master(day: int = 0, **known: object) -> MasterDataChanged:
    """Master data."""
    return MasterDataChanged.model_validate(
        {"version": 1, "event_id": _id(), "occurred_at": at(day), "customer_id": CUSTOMER, **known}
    )


def overridden(level: Level | None, expires: int, day: int = 0) -> LevelOverridden:
    """A level set by a person."""
    return LevelOverridden.model_validate(
        {
            "version": 1,
            "event_id": _id(),
            "occurred_at": at(day),
            "customer_id": CUSTOMER,
            "by": "ana",
            "reason": "visited them",
            "level": level,
            "expires_on": on(expires),
        }
    )


def statement(as_of: int = 0, day: int | None = None, **changed: object) -> FinancialStatementFiled:
    """Total assets 1000 = liabilities 600 + equity 400; sales 1500, EBIT 100; filed the day it is of unless told."""
    return FinancialStatementFiled.model_validate(
        {
            "version": 1,
            "event_id": _id(),
            "occurred_at": at(as_of if day is None else day),
            "customer_id": CUSTOMER,
            "as_of": on(as_of),
            "currency": "EUR",
            "current_assets": 500,
            "total_assets": 1000,
            "current_liabilities": 300,
            "total_liabilities": 600,
            "equity": 400,
            "retained_earnings": 250,
            "sales": 1500,
            "ebit": 100,
            **changed,
        }
    )


def reported(agency: str = "A", as_of: int = 0, day: int | None = None, **said: object) -> AgencyReportReceived:
    """What an agency says: score with the ends of its scale, or rating."""
    return AgencyReportReceived.model_validate(
        {
            "version": 1,
            "event_id": _id(),
            "occurred_at": at(as_of if day is None else day),
            "customer_id": CUSTOMER,
            "agency": agency,
            "as_of": on(as_of),
            **said,
        }
    )


def reviewed(
    grades: tuple[int, int, int], as_of: int = 0, expires: int = 365, reviewer: str = "ana"
) -> QualitativeReviewed:
    """Grades of management, industry position and reputation."""
    management, position, reputation = grades
    return QualitativeReviewed.model_validate(
        {
            "version": 1,
            "event_id": _id(),
            "occurred_at": at(as_of),
            "customer_id": CUSTOMER,
            "reviewer": reviewer,
            "as_of": on(as_of),
            "expires_on": on(expires),
            "management": management,
            "industry_position": position,
            "reputation": reputation,
        }
    )


def tick(day: int) -> TimePassed:
    """The end of a day's news."""
    return TimePassed.model_validate({"version": 1, "event_id": f"tick-{day}", "occurred_at": at(day, 0)})


def activated(text: str, day: int) -> PolicyActivated:
    """A policy put in force."""
    return PolicyActivated.model_validate(
        {"version": 1, "event_id": _id(), "occurred_at": at(day), "by": "ana", "text": text}
    )


def entry(
    event: CustomerLogEvent | BroadcastEvent, offset: int, topic: str = "orders", day: int | None = None
) -> LogEntry:
    """The event as an entry of the log, known when it happened unless ``day`` says later."""
    time = event.occurred_at if day is None else at(day)
    return LogEntry(
        time=time,
        received_at=time + timedelta(seconds=5),
        source=Source(topic=topic, partition=0, offset=offset),
        event=event,
    )
