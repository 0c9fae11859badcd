"""Turn a table of deliveries and prices of suppliers (CSV, CSV.gz, Parquet) into events in order of time.

A row is one promise to deliver and what came of it; it becomes known at 17:00 UTC of the day it was delivered.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, time
from pathlib import Path

from pydantic import ValidationError

from schemas.supply import DeliveryReceived, PriceQuoted
from schemas.topics import SUPPLY
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

_CAME = time(17, tzinfo=UTC)
_COLUMN_OF = {"event_id": "purchase_order_id"}


def delivery_events(
    path: Path,
    form: LedgerFormat,
    *,
    skip: Callable[[BadRow], None] | None = None,
    on_row: Callable[[], None] = lambda: None,
) -> list[TimedEvent]:
    """All events of a table of deliveries, in order of time; arguments and errors as of ``ledger_events``."""
    return collect_events(_DeliveryReader(path, form), skip, on_row)


class _DeliveryReader(TableReader):
    kind = "deliveries"

    def __init__(self, path: Path, form: LedgerFormat) -> None:
        super().__init__(path, form)
        self._rows_of: Counter[tuple[str, str]] = Counter()
        self._asked: dict[tuple[str, str, str], str] = {}

    def events_of(self, row: Row) -> Iterator[tuple[int, TimedEvent]]:
        """The delivery and, where the row holds one, the price."""
        if "too_many" in row:
            raise Refused("row", "has more values than the header has columns")
        supplier, purchase = text_of(row, "customer_id"), text_of(row, "purchase_order_id")
        came = self._date(row, "delivered_date")
        number = self._rows_of[supplier, purchase] + 1
        try:
            found = [(1, self._delivery(row, supplier, purchase, came, number))]
            found += [(2, price) for price in self._price(row, supplier, f"{purchase}:{number}", came)]
        except ValidationError as error:
            raise refused(error, _COLUMN_OF) from error
        self._rows_of[supplier, purchase] = number  # lines of one purchase order are told apart by their number
        yield from self._joined(row, supplier, came)
        yield from found

    def _delivery(self, row: Row, supplier: str, purchase: str, came: date, number: int) -> TimedEvent:
        at = datetime.combine(came, _CAME)
        rejected = text_of(row, "quantity_rejected") if is_filled(row.get("quantity_rejected")) else 0
        event = DeliveryReceived.model_validate(
            {
                "version": 1,
                "event_id": f"dlv:{purchase}:{number}",
                "occurred_at": at,
                "customer_id": supplier,
                "purchase_order_id": purchase,
                "promised_date": self._date(row, "promised_date"),
                "delivered_date": came,
                "quantity_ordered": text_of(row, "quantity_ordered"),
                "quantity_delivered": text_of(row, "quantity_delivered"),
                "quantity_rejected": rejected,
                "quantity_unit": _optional(row, "quantity_unit"),
            }
        )
        return timed(SUPPLY, at, event)

    def _price(self, row: Row, supplier: str, line: str, came: date) -> Iterator[TimedEvent]:
        """The price, if the row holds one and there is another to compare it with."""
        if not is_filled(row.get("unit_price")):
            return
        asked, item, currency = text_of(row, "unit_price"), text_of(row, "item"), self._currency(row)
        given = _optional(row, "reference_price")
        reference = given if given is not None else self._asked.get((supplier, item, currency))
        if reference is not None:
            at = datetime.combine(came, _CAME)
            event = PriceQuoted.model_validate(
                {
                    "version": 1,
                    "event_id": f"prc:{line}",
                    "occurred_at": at,
                    "customer_id": supplier,
                    "item": item,
                    "unit_price": asked,
                    "currency": currency,
                    "reference_price": reference,
                    "quantity": text_of(row, "quantity_ordered"),
                    "quantity_unit": _optional(row, "quantity_unit"),
                }
            )
            yield timed(SUPPLY, at, event)
        self._asked[supplier, item, currency] = asked


def _optional(row: Row, name: str) -> str | None:
    return text_of(row, name) if is_filled(row.get(name)) else None
