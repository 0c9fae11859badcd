"""Turn an invoice ledger (CSV, CSV.gz, Parquet) into events in order of time.

An invoice becomes known at 09:00 UTC of its issue date, its payment at 17:00 UTC of the day it was paid, so a
payment is never visible to a decision made on the morning of the same day.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, time
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from schemas.events import MAX_TERMS_DAYS, OrderInvoiced, PaymentReceived
from schemas.topics import ORDERS, PAYMENTS
from streams.sources.event_file import TimedEvent, timed
from streams.sources.table import (
    BadRow,
    LedgerFormat,
    Refused,
    Row,
    TableReader,
    collect_events,
    is_filled,
    refused,
    text_of,
)

__all__ = ["BadRow", "LedgerFormat", "ledger_events"]

_ISSUED, _PAID = time(9, tzinfo=UTC), time(17, tzinfo=UTC)
_COLUMN_OF = {"paid_at": "paid_date", "event_id": "invoice_id", "payment_id": "invoice_id"}


def ledger_events(
    path: Path,
    form: LedgerFormat | None = None,
    *,
    skip: Callable[[BadRow], None] | None = None,
    on_row: Callable[[], None] = lambda: None,
) -> list[TimedEvent]:
    """All events of a ledger, in order of time (the whole ledger is held in memory).

    Args:
        skip: takes each bad row, which is then left out; without it bad rows raise.
        on_row: called after each row, for progress.

    Raises:
        InvalidInput: the file cannot be read, lacks columns, or holds bad rows (the first 20 are named, by line
            and field).
    """
    return collect_events(_LedgerReader(path, form or LedgerFormat()), skip, on_row)


class _LedgerReader(TableReader):
    kind = "invoices"

    def __init__(self, path: Path, form: LedgerFormat) -> None:
        super().__init__(path, form)
        self._invoices: set[str] = set()

    def events_of(self, row: Row) -> Iterator[tuple[int, TimedEvent]]:
        """``(rank, event)`` of a row; equal times are ordered by rank. Raises Refused before giving any."""
        if "too_many" in row:
            raise Refused("row", "has more values than the header has columns")
        if self._form.number_rows and "invoice_id" not in row:
            row["invoice_id"] = f"row-{len(self._invoices) + 1}"
        invoice_id, customer = text_of(row, "invoice_id"), text_of(row, "customer_id")
        if invoice_id in self._invoices:
            raise Refused("invoice_id", f"{invoice_id!r} stands in an earlier row as well")
        issued, due = self._date(row, "issue_date"), self._date(row, "due_date")
        paid = self._date(row, "paid_date") if is_filled(row.get("paid_date")) else None
        if not 0 <= (due - issued).days <= MAX_TERMS_DAYS:
            raise Refused("due_date", f"{due} is not within {MAX_TERMS_DAYS} days after issue_date {issued}")
        terms = text_of(row, "terms_days") if is_filled(row.get("terms_days")) else (due - issued).days
        money = {"amount": text_of(row, "amount"), "currency": self._currency(row)}
        settled = self._settled(row, money["amount"])
        if settled == 0:
            paid = None
        try:
            found = list(_events(row, customer, invoice_id, issued, due, paid, terms, money, settled))
        except ValidationError as error:
            raise refused(error, _COLUMN_OF) from error
        self._invoices.add(invoice_id)
        yield from self._joined(row, customer, issued)
        yield from found

    @staticmethod
    def _settled(row: Row, amount: str) -> Decimal | None:
        """What was paid of the amount; None where the row does not say."""
        if not is_filled(row.get("settled")):
            return None
        try:
            settled, whole = Decimal(text_of(row, "settled")), Decimal(amount)
        except InvalidOperation:
            raise Refused("settled", f"{row['settled']!r:.40} is no number") from None
        if not 0 <= settled <= whole:
            raise Refused("settled", f"must lie between 0 and the amount {amount}, is {settled}")
        return settled


def _events(
    row: Row,
    customer: str,
    invoice_id: str,
    issued: date,
    due: date,
    paid: date | None,
    terms: Any,
    money: Row,
    settled: Decimal | None = None,
) -> Iterator[tuple[int, TimedEvent]]:
    at = datetime.combine(issued, _ISSUED)
    invoiced = OrderInvoiced(
        version=1, event_id=f"inv:{invoice_id}", occurred_at=at, customer_id=customer, invoice_id=invoice_id,
        issue_date=issued, due_date=due, terms_days=terms, **money,
    )  # fmt: skip
    yield 1, timed(ORDERS, at, invoiced)
    if paid is not None:
        at = datetime.combine(paid, _PAID)
        if settled is not None:
            money = {**money, "amount": settled}
        payment = PaymentReceived(
            version=1, event_id=f"pay:{invoice_id}", occurred_at=at, customer_id=customer, payment_id=invoice_id,
            invoice_id=invoice_id, paid_at=at, **money,
        )  # fmt: skip
        yield 2, timed(PAYMENTS, at, payment)
