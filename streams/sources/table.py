"""Read a table of facts (CSV, CSV.gz, Parquet) row by row, and say of each bad row what is wrong with it."""

from __future__ import annotations

import csv
import gzip
import zlib
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time
from pathlib import Path
from typing import Any, ClassVar, Literal

import pyarrow as pa
import pyarrow.parquet as pq
from pydantic import ValidationError

from schemas.assessments import MasterDataChanged
from schemas.errors import InvalidInput
from schemas.fields import EARLIEST, LATEST
from schemas.topics import ASSESSMENTS
from streams.sources.event_file import TimedEvent, timed

MASTER = ("name", "segment", "sector", "region")
"""Columns that become master data, of the first row of each account."""
REQUIRED = ("customer_id", "invoice_id", "issue_date", "due_date", "amount", "currency")
OPTIONAL = ("paid_date", "settled", "terms_days", *MASTER)
"""``paid_date`` empty: still open. ``settled``: what was paid on that date; the rest stays open (absent: all of it).
``terms_days`` absent: due minus issue. The others become master data."""
DELIVERY_REQUIRED = (
    *("customer_id", "purchase_order_id", "promised_date", "delivered_date"),
    *("quantity_ordered", "quantity_delivered"),
)
DELIVERY_OPTIONAL = ("quantity_rejected", "quantity_unit", "item", "unit_price", "reference_price", "currency", *MASTER)
"""``customer_id`` is the supplier's. A price is told where ``unit_price`` is filled; ``reference_price`` absent: what
the row before of the same supplier, item and currency asked (of the first one nothing is told)."""
Kind = Literal["invoices", "deliveries"]
COLUMNS: Mapping[Kind, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "invoices": (REQUIRED, OPTIONAL),
    "deliveries": (DELIVERY_REQUIRED, DELIVERY_OPTIONAL),
}
"""Required and optional columns of each kind of table."""
_JOINED = time(8, tzinfo=UTC)
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


class Refused(Exception):
    """A row cannot be used: which field is to blame, and why."""

    def __init__(self, field: str, message: str) -> None:
        self.field, self.message = field, message


@dataclass(frozen=True, slots=True)
class LedgerFormat:
    """How to read a ledger.

    ``columns`` maps the file's column names to ours; names that are ours already need no mapping. ``currency``
    stands in for a missing column or value (also ``?``). ``date_format`` is strptime's; None means ISO 8601
    (2025-01-31). ``number_rows``: the file has no invoice ids, its rows are numbered instead. ``kind``: what the
    rows are.
    """

    columns: Mapping[str, str] = field(default_factory=dict)
    currency: str | None = None
    date_format: str | None = None
    number_rows: bool = False
    kind: Kind = "invoices"

    def __post_init__(self) -> None:
        required, optional = COLUMNS[self.kind]
        for theirs, ours in self.columns.items():
            if ours not in required + optional:
                known = ", ".join(required + optional)
                raise InvalidInput("unknown_column", f"--map {theirs}={ours}: {ours!r} is none of {known}", ours)


def collect_events(
    reader: TableReader, skip: Callable[[BadRow], None] | None, on_row: Callable[[], None]
) -> list[TimedEvent]:
    """All events of a table, in order of time; see ``ledger_events``."""
    events: list[tuple[int, int, TimedEvent]] = []
    bad: list[BadRow] = []
    for line, row in reader.rows():
        try:
            for rank, event in reader.events_of(row):
                events.append((event.timestamp_ms, rank, event))
        except Refused as refused:
            found = BadRow(line, refused.field, refused.message, row)
            if skip is None:
                bad.append(found)
            else:
                skip(found)
        on_row()
    if bad:
        more = f"\n... and {len(bad) - _SHOWN} more" if len(bad) > _SHOWN else ""
        text = "\n".join(f"{reader.path}: {item}" for item in bad[:_SHOWN])
        rows = "1 row" if len(bad) == 1 else f"{len(bad)} rows"
        raise InvalidInput("bad_rows", f"{rows} cannot be used\n{text}{more}", bad[0].field)
    events.sort(key=lambda item: item[:2])
    return [event for _, _, event in events]


class TableReader(ABC):
    """Rows of one kind of table, and what events each becomes."""

    kind: ClassVar[Kind]

    def __init__(self, path: Path, form: LedgerFormat) -> None:
        self.path, self._form = path, form
        self._customers: set[str] = set()

    @abstractmethod
    def events_of(self, row: Row) -> Iterator[tuple[int, TimedEvent]]:
        """``(rank, event)`` of a row; equal times are ordered by rank. Raises Refused before giving any."""

    def rows(self) -> Iterator[tuple[int, Row]]:
        """``(line, row)`` with our names of columns."""
        read = self._parquet_rows if self.path.suffix == ".parquet" else self._csv_rows
        try:
            yield from read()
        except (OSError, EOFError, zlib.error, csv.Error, UnicodeDecodeError, pa.ArrowException) as error:
            raise InvalidInput("file_unreadable", f"{self.path}: {error}") from error

    def _csv_rows(self) -> Iterator[tuple[int, Row]]:
        opened = gzip.open if self.path.suffix == ".gz" else open
        with opened(self.path, "rt", encoding="utf-8-sig", newline="") as file:
            reader = csv.DictReader(file)
            names = self._names(list(reader.fieldnames or ()))
            for row in reader:
                if None in row:
                    yield reader.line_num, {"customer_id": None, "too_many": row[None]}
                    continue
                yield reader.line_num, {ours: row[theirs] for theirs, ours in names.items()}

    def _parquet_rows(self) -> Iterator[tuple[int, Row]]:
        with pq.ParquetFile(self.path) as file:
            names = self._names(list(file.schema_arrow.names))
            number = 0
            for batch in file.iter_batches(columns=list(names)):
                for row in batch.to_pylist():
                    number += 1
                    yield number, {ours: row[theirs] for theirs, ours in names.items()}

    def _names(self, found: list[str]) -> dict[str, str]:
        """The file's columns that we use, with our names."""
        mapping = self._form.columns
        required, optional = COLUMNS[self.kind]
        absent = [theirs for theirs in mapping if theirs not in found]
        if absent:
            raise self._columns_missing([f"{name} (named by --map)" for name in absent], found)
        mapped = set(mapping.values())
        names = {name: mapping.get(name, name) for name in found if name in mapping or name not in mapped}
        names = {theirs: ours for theirs, ours in names.items() if ours in required + optional}
        missing = [name for name in required if name not in names.values()]
        if self._form.currency is not None and "currency" in missing:
            missing.remove("currency")
        if self._form.number_rows and "invoice_id" in missing:
            missing.remove("invoice_id")
        if missing:
            raise self._columns_missing(missing, found)
        return names

    def _columns_missing(self, missing: list[str], found: list[str]) -> InvalidInput:
        message = (
            f"{self.path}: columns are missing: {', '.join(missing)}; the file has {', '.join(found) or 'none'}. "
            "Map them with --map THEIRS=OURS; rows without invoice_id can be numbered by --number-rows"
        )
        return InvalidInput("missing_columns", message, missing[0])

    def _joined(self, row: Row, customer: str, day: date) -> Iterator[tuple[int, TimedEvent]]:
        """The master data of an account that is seen for the first time, if the row holds any."""
        first_sight = customer not in self._customers
        self._customers.add(customer)
        if first_sight and any(is_filled(row.get(name)) for name in MASTER):
            yield 0, _master_data(row, customer, day)

    def _currency(self, row: Row) -> str:
        stands_in = self._form.currency
        if stands_in is not None and str(row.get("currency") or "").strip() in ("", "?"):
            return stands_in
        return text_of(row, "currency")

    def _date(self, row: Row, name: str) -> date:
        found = self._parsed_date(row, name)
        if not EARLIEST.date() <= found < LATEST.date():
            raise Refused(name, f"must lie between {EARLIEST.date()} and {LATEST.date()}, is {found}")
        return found

    def _parsed_date(self, row: Row, name: str) -> date:
        value = row.get(name)
        if isinstance(value, datetime):
            return value.date()
        if isinstance(value, date):
            return value
        text = text_of(row, name)
        form = self._form.date_format
        try:
            return date.fromisoformat(text) if form is None else datetime.strptime(text, form).date()  # noqa: DTZ007
        except ValueError:
            wanted = "an ISO date such as 2025-01-31; tell other formats by --date-format" if form is None else form
            raise Refused(name, f"{text!r:.40} is not {wanted}") from None


def _master_data(row: Row, customer: str, issued: date) -> TimedEvent:
    known = {name: str(row[name]) for name in MASTER if is_filled(row.get(name))}
    at = datetime.combine(issued, _JOINED)
    try:
        event = MasterDataChanged(
            version=1, event_id=f"master:{customer}", occurred_at=at, customer_id=customer, **known
        )
    except ValidationError as error:
        raise refused(error) from error
    return timed(ASSESSMENTS, at, event)


def refused(error: ValidationError, names: Mapping[str, str] | None = None) -> Refused:
    """What a contract says against a row, by the name of the column (``names``: where it is not the field's)."""
    first = error.errors(include_url=False)[0]
    name = str(first["loc"][0]) if first["loc"] else "row"
    return Refused((names or {}).get(name, name), f"{first['msg'].rstrip('.')}, is {first['input']!r:.60}")


def is_filled(value: Any) -> bool:
    """Whether a cell holds anything but blanks."""
    return value is not None and str(value).strip() != ""


def text_of(row: Row, field: str) -> str:
    """A cell's text without blanks around it; raises Refused where it is empty."""
    value = row.get(field)
    if not is_filled(value):
        raise Refused(field, "is empty")
    return str(value).strip()
