"""Turn an invoice ledger (CSV, CSV.gz, Parquet) into events in order of time.

An invoice becomes known at 09:00 UTC of its issue date, its payment at 17:00 UTC of the day it was paid, so a
payment is never visible to a decision made on the morning of the same day.
"""

from __future__ import annotations

import csv
import gzip
import zlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from pydantic import ValidationError

from schemas.assessments import MasterDataChanged
from schemas.errors import InvalidInput
from schemas.events import MAX_TERMS_DAYS, OrderInvoiced, PaymentReceived
from schemas.fields import EARLIEST, LATEST
from schemas.topics import ASSESSMENTS, ORDERS, PAYMENTS
from streams.sources.event_file import TimedEvent, timed

REQUIRED = ("customer_id", "invoice_id", "issue_date", "due_date", "amount", "currency")
OPTIONAL = ("paid_date", "settled", "terms_days", "name", "segment", "sector", "region")
"""``paid_date`` empty: still open. ``settled``: what was paid on that date; the rest stays open (absent: all of it).
``terms_days`` absent: due minus issue. The others become master data."""
_MASTER = ("name", "segment", "sector", "region")
_JOINED, _ISSUED, _PAID = time(8, tzinfo=UTC), time(9, tzinfo=UTC), time(17, tzinfo=UTC)
_SHOWN = 20

Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class BadRow:
    """A row that cannot be used: its line (Parquet: row), the field to blame, why, and what stands there."""

    line: int
    field: str
    message: str
    row: Row

    def __str__(self) -> str:
        return f"line {self.line}: {self.field}: {self.message}"


class _Refused(Exception):
    def __init__(self, field: str, message: str) -> None:
        self.field, self.message = field, message


@dataclass(frozen=True, slots=True)
class LedgerFormat:
    """How to read a ledger.

    ``columns`` maps the file's column names to ours; names that are ours already need no mapping. ``currency``
    stands in for a missing column or value (also ``?``). ``date_format`` is strptime's; None means ISO 8601
    (2025-01-31). ``number_rows``: the file has no invoice ids, its rows are numbered instead.
    """

    columns: Mapping[str, str] = field(default_factory=dict)
    currency: str | None = None
    date_format: str | None = None
    number_rows: bool = False

    def __post_init__(self) -> None:
        for theirs, ours in self.columns.items():
            if ours not in REQUIRED + OPTIONAL:
                known = ", ".join(REQUIRED + OPTIONAL)
                raise InvalidInput("unknown_column", f"--map {theirs}={ours}: {ours!r} is none of {known}", ours)


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
    reader = _LedgerReader(path, form or LedgerFormat())
    events: list[tuple[int, int, TimedEvent]] = []
    bad: list[BadRow] = []
    for line, row in reader.rows():
        try:
            for rank, event in reader.events_of(row):
                events.append((event.timestamp_ms, rank, event))
        except _Refused as refused:
            found = BadRow(line, refused.field, refused.message, row)
            if skip is None:
                bad.append(found)
            else:
                skip(found)
        on_row()
    if bad:
        more = f"\n... and {len(bad) - _SHOWN} more" if len(bad) > _SHOWN else ""
        text = "\n".join(f"{path}: {item}" for item in bad[:_SHOWN])
        rows = "1 row" if len(bad) == 1 else f"{len(bad)} rows"
        raise InvalidInput("bad_rows", f"{rows} cannot be used\n{text}{more}", bad[0].field)
    events.sort(key=lambda item: item[:2])
    return [event for _, _, event in events]


class _LedgerReader:
    def __init__(self, path: Path, form: LedgerFormat) -> None:
        self._path, self._form = path, form
        self._invoices: set[str] = set()
        self._customers: set[str] = set()

    def rows(self) -> Iterator[tuple[int, Row]]:
        """``(line, row)`` with our names of columns."""
        read = self._parquet_rows if self._path.suffix == ".parquet" else self._csv_rows
        try:
            yield from read()
        except (OSError, EOFError, zlib.error, csv.Error, UnicodeDecodeError, pa.ArrowException) as error:
            raise InvalidInput("file_unreadable", f"{self._path}: {error}") from error

    def _csv_rows(self) -> Iterator[tuple[int, Row]]:
        opened = gzip.open if self._path.suffix == ".gz" else open
        with opened(self._path, "rt", encoding="utf-8-sig", newline="") as file:
            reader = csv.DictReader(file)
            names = self._names(list(reader.fieldnames or ()))
            for row in reader:
                if None in row:
                    yield reader.line_num, {"customer_id": None, "too_many": row[None]}
                    continue
                yield reader.line_num, {ours: row[theirs] for theirs, ours in names.items()}

    def _parquet_rows(self) -> Iterator[tuple[int, Row]]:
        with pq.ParquetFile(self._path) as file:
            names = self._names(list(file.schema_arrow.names))
            number = 0
            for batch in file.iter_batches(columns=list(names)):
                for row in batch.to_pylist():
                    number += 1
                    yield number, {ours: row[theirs] for theirs, ours in names.items()}

    def _names(self, found: list[str]) -> dict[str, str]:
        """The file's columns that we use, with our names."""
        mapping = self._form.columns
        absent = [theirs for theirs in mapping if theirs not in found]
        if absent:
            raise self._columns_missing([f"{name} (named by --map)" for name in absent], found)
        mapped = set(mapping.values())
        names = {name: mapping.get(name, name) for name in found if name in mapping or name not in mapped}
        names = {theirs: ours for theirs, ours in names.items() if ours in REQUIRED + OPTIONAL}
        missing = [name for name in REQUIRED if name not in names.values()]
        if self._form.currency is not None and "currency" in missing:
            missing.remove("currency")
        if self._form.number_rows and "invoice_id" in missing:
            missing.remove("invoice_id")
        if missing:
            raise self._columns_missing(missing, found)
        return names

    def _columns_missing(self, missing: list[str], found: list[str]) -> InvalidInput:
        message = (
            f"{self._path}: columns are missing: {', '.join(missing)}; the file has {', '.join(found) or 'none'}. "
            "Map them with --map THEIRS=OURS; rows without invoice_id can be numbered by --number-rows"
        )
        return InvalidInput("missing_columns", message, missing[0])

    def events_of(self, row: Row) -> Iterator[tuple[int, TimedEvent]]:
        """``(rank, event)`` of a row; equal times are ordered by rank. Raises _Refused before giving any."""
        if "too_many" in row:
            raise _Refused("row", "has more values than the header has columns")
        if self._form.number_rows and "invoice_id" not in row:
            row["invoice_id"] = f"row-{len(self._invoices) + 1}"
        invoice_id, customer = _text(row, "invoice_id"), _text(row, "customer_id")
        if invoice_id in self._invoices:
            raise _Refused("invoice_id", f"{invoice_id!r} stands in an earlier row as well")
        issued, due = self._date(row, "issue_date"), self._date(row, "due_date")
        paid = self._date(row, "paid_date") if _filled(row.get("paid_date")) else None
        if not 0 <= (due - issued).days <= MAX_TERMS_DAYS:
            raise _Refused("due_date", f"{due} is not within {MAX_TERMS_DAYS} days after issue_date {issued}")
        terms = _text(row, "terms_days") if _filled(row.get("terms_days")) else (due - issued).days
        money = {"amount": _text(row, "amount"), "currency": self._currency(row)}
        settled = self._settled(row, money["amount"])
        if settled == 0:
            paid = None
        try:
            found = list(_events(row, customer, invoice_id, issued, due, paid, terms, money, settled))
        except ValidationError as error:
            first = error.errors(include_url=False)[0]
            raise _Refused(_field(first["loc"]), f"{first['msg']}, is {first['input']!r:.60}") from error
        self._invoices.add(invoice_id)
        first_sight = customer not in self._customers
        self._customers.add(customer)
        if first_sight and any(_filled(row.get(name)) for name in _MASTER):
            yield 0, _master_data(row, customer, issued)
        yield from found

    def _currency(self, row: Row) -> str:
        stands_in = self._form.currency
        if stands_in is not None and str(row.get("currency") or "").strip() in ("", "?"):
            return stands_in
        return _text(row, "currency")

    @staticmethod
    def _settled(row: Row, amount: str) -> Decimal | None:
        """What was paid of the amount; None where the row does not say."""
        if not _filled(row.get("settled")):
            return None
        try:
            settled, whole = Decimal(_text(row, "settled")), Decimal(amount)
        except InvalidOperation:
            raise _Refused("settled", f"{row['settled']!r:.40} is no number") from None
        if not 0 <= settled <= whole:
            raise _Refused("settled", f"must lie between 0 and the amount {amount}, is {settled}")
        return settled

    def _date(self, row: Row, name: str) -> date:
        found = self._parsed_date(row, name)
        if not EARLIEST.date() <= found < LATEST.date():
            raise _Refused(name, f"must lie between {EARLIEST.date()} and {LATEST.date()}, is {found}")
        return found

    def _parsed_date(self, row: Row, name: str) -> date:
        value = row.get(name)
        if isinstance(value, datetime):
            return value.date()
        if isinstance(value, date):
            return value
        text = _text(row, name)
        form = self._form.date_format
        try:
            return date.fromisoformat(text) if form is None else datetime.strptime(text, form).date()  # noqa: DTZ007
        except ValueError:
            wanted = "an ISO date such as 2025-01-31; tell other formats by --date-format" if form is None else form
            raise _Refused(name, f"{text!r:.40} is not {wanted}") from None


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


def _master_data(row: Row, customer: str, issued: date) -> TimedEvent:
    known = {name: str(row[name]) for name in _MASTER if _filled(row.get(name))}
    at = datetime.combine(issued, _JOINED)
    try:
        event = MasterDataChanged(
            version=1, event_id=f"master:{customer}", occurred_at=at, customer_id=customer, **known
        )
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        raise _Refused(_field(first["loc"]), f"{first['msg']}, is {first['input']!r:.60}") from error
    return timed(ASSESSMENTS, at, event)


def _field(location: tuple[int | str, ...]) -> str:
    name = str(location[0]) if location else "row"
    return {"paid_at": "paid_date", "event_id": "invoice_id", "payment_id": "invoice_id"}.get(name, name)


def _filled(value: Any) -> bool:
    return value is not None and str(value).strip() != ""


def _text(row: Row, field: str) -> str:
    value = row.get(field)
    if not _filled(value):
        raise _Refused(field, "is empty")
    return str(value).strip()
