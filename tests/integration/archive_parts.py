"""Records as they stand in the archived topics, made by hand or by the engine, and an archive to put them into."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

from pydantic import BaseModel

from models.calendar import to_ms
from schemas.decisions import (
    CREDIT_ALERT,
    CREDIT_LEVEL,
    DATASCHEMA,
    AlertOut,
    CreditAlert,
    CreditLevelChanged,
    DefaultRisk,
    Exposure,
    LevelOut,
    Measures,
    Reason,
)
from schemas.envelope import Severity
from schemas.events import (
    DisputeResolved,
    InvoiceDisputed,
    OrderInvoiced,
    OrderPlaced,
    OverdueNoticed,
    PaymentReceived,
    PaymentReversed,
)
from schemas.levels import Level
from schemas.log import Source
from schemas.supply import DeliveryReceived, PriceQuoted
from schemas.topics import ALERTS, LEVELS, LOG, ORDERS, OVERDUE, PAYMENTS, SUPPLY, TICKS
from streams.archive.client import ClickHouse
from streams.archive.dsn import parse_dsn
from streams.archive.migrations import migrate
from streams.archive.reads import read_view
from streams.archive.rows import COLUMNS
from streams.archive.sink import Sink
from streams.clock import tick
from streams.engine.agent import OUT_TOPICS
from streams.in_process import InProcess
from streams.record import Record
from streams.settings import Settings
from streams.sources.event_file import TimedEvent, timed
from tests.integration.conftest import ALONE


def at(day: str, hour: int = 12) -> datetime:
    """Noon, or another hour, of a day in UTC."""
    return datetime.fromisoformat(f"{day}T{hour:02d}:00:00+00:00").astimezone(UTC)


def placed(customer: str, order: str, amount: str, day: str, currency: str = "USD") -> TimedEvent:
    """An order."""
    event = OrderPlaced(
        version=1, event_id=f"{order}-placed", occurred_at=at(day), customer_id=customer, order_id=order,
        amount=Decimal(amount), currency=currency,
    )  # fmt: skip
    return timed(ORDERS, at(day), event)


def invoiced(
    customer: str,
    invoice: str,
    amount: str,
    day: str,
    due: str,
    currency: str = "USD",
    order: str | None = None,
    known: str | None = None,
) -> TimedEvent:
    """An invoice issued on ``day``, known then or already on ``known``."""
    time = at(known or day)
    event = OrderInvoiced(
        version=1, event_id=f"{invoice}-issued", occurred_at=time, customer_id=customer, invoice_id=invoice,
        order_id=order, amount=Decimal(amount), currency=currency, issue_date=date.fromisoformat(day),
        due_date=date.fromisoformat(due), terms_days=30,
    )  # fmt: skip
    return timed(ORDERS, time, event)


def paid(
    customer: str, payment: str, amount: str, day: str, invoice: str | None = None, currency: str = "USD"
) -> TimedEvent:
    """A payment."""
    event = PaymentReceived(
        version=1, event_id=f"{payment}-paid", occurred_at=at(day), customer_id=customer, payment_id=payment,
        amount=Decimal(amount), currency=currency, invoice_id=invoice, paid_at=at(day),
    )  # fmt: skip
    return timed(PAYMENTS, at(day), event)


def reversed_(customer: str, payment: str, amount: str, day: str, invoice: str) -> TimedEvent:
    """A payment taken back."""
    event = PaymentReversed(
        version=1, event_id=f"{payment}-reversed", occurred_at=at(day), customer_id=customer, payment_id=payment,
        amount=Decimal(amount), currency="USD", invoice_id=invoice,
    )  # fmt: skip
    return timed(PAYMENTS, at(day), event)


def noticed(customer: str, invoice: str, amount: str, day: str, days_past_due: int) -> TimedEvent:
    """An overdue notice."""
    event = OverdueNoticed(
        version=1, event_id=f"{invoice}-{day}", occurred_at=at(day), customer_id=customer, invoice_id=invoice,
        outstanding_amount=Decimal(amount), currency="USD", days_past_due=days_past_due,
        as_of=date.fromisoformat(day),
    )  # fmt: skip
    return timed(OVERDUE, at(day), event)


def disputed(customer: str, invoice: str, day: str, amount: str | None = None) -> TimedEvent:
    """An invoice contested, whole or in part."""
    event = InvoiceDisputed(
        version=1, event_id=f"{invoice}-disputed", occurred_at=at(day), customer_id=customer, invoice_id=invoice,
        amount=amount, currency=amount and "USD", reason="quality",
    )  # fmt: skip
    return timed(ORDERS, at(day), event)


def resolved(customer: str, invoice: str, day: str, credit: str) -> TimedEvent:
    """A dispute that ends in a credit note."""
    event = DisputeResolved(
        version=1, event_id=f"{invoice}-resolved", occurred_at=at(day), customer_id=customer, invoice_id=invoice,
        outcome="accepted", amount=credit, currency="USD",
    )  # fmt: skip
    return timed(ORDERS, at(day), event)


def delivered(supplier: str, promised: str, day: str) -> TimedEvent:
    """A delivery of 100 kg for PO-1."""
    event = DeliveryReceived(
        version=1, event_id="PO-1-delivered", occurred_at=at(day), customer_id=supplier, purchase_order_id="PO-1",
        promised_date=promised, delivered_date=day, quantity_ordered=100, quantity_delivered=100, quantity_unit="kg",
    )  # fmt: skip
    return timed(SUPPLY, at(day), event)


def quoted(supplier: str, day: str, price: str, reference: str) -> TimedEvent:
    """A price in euros."""
    event = PriceQuoted(
        version=1, event_id="Q-1", occurred_at=at(day), customer_id=supplier, item="coil", unit_price=price,
        currency="EUR", reference_price=reference,
    )  # fmt: skip
    return timed(SUPPLY, at(day), event)


def until(day: str) -> TimedEvent:
    """A tick: the book is known up to this day."""
    return timed(TICKS, at(day, 23), tick(at(day, 23)))


class Engine(InProcess):
    """The engine in process, and all that it would leave in the topics."""

    def __init__(self, partitions: int = 1) -> None:
        super().__init__(partitions, ALONE, latest=datetime(2030, 1, 1, tzinfo=UTC))

    def records(self, events: Iterable[TimedEvent], *, decide: bool = True) -> list[Record]:
        """The log of the events and, with ``decide``, the decisions, in the order in which they arise."""
        found, offsets = [], Counter[tuple[str, int]]()
        for partition, offset, entry in self.log(events):
            raw = entry.model_dump_json().encode()
            found.append(Record(LOG, partition, offset, to_ms(entry.time), b"key", raw))
            for out in self.engines[partition].apply(offset, entry).out if decide else ():
                topic = OUT_TOPICS[out.type]
                found.append(_out_record(topic, partition, offsets[topic, partition], out))
                offsets[topic, partition] += 1
        return found


def log_of(*events: TimedEvent) -> list[Record]:
    """The log of these events alone."""
    return Engine().records(sorted(events, key=lambda event: event.timestamp_ms), decide=False)


def _out_record(topic: str, partition: int, offset: int, out: Any) -> Record:
    return Record(topic, partition, offset, to_ms(out.time), out.subject.encode(), out.model_dump_json().encode())


def level_record(
    customer: str, sequence: int, time: datetime, level: Level, before: Level, *, offset: int = 0, **data: Any
) -> Record:
    """A change of level."""
    content = CreditLevelChanged(**_assessment(level, before, sequence, **data))
    return _out_record(LEVELS, 0, offset, LevelOut(data=content, **_head(CREDIT_LEVEL, customer, sequence, time)))


def alert_record(customer: str, sequence: int, time: datetime, kind: str, *, offset: int = 0, **data: Any) -> Record:
    """An alert."""
    rest = {"kind": kind, "cause_kind": "AGEING", "at_stake": {"USD": Decimal(600)}, **data}
    content = CreditAlert(**_assessment(Level.WATCH, Level.STANDARD, sequence), **rest)
    return _out_record(ALERTS, 0, offset, AlertOut(data=content, **_head(CREDIT_ALERT, customer, sequence, time)))


def _head(type_: str, customer: str, sequence: int, time: datetime) -> dict[str, Any]:
    return {
        "id": f"payments/0/{sequence}/{customer}/{type_}",
        "source": "/creditpulse/engine",
        "type": type_,
        "subject": customer,
        "time": time,
        "recordedtime": time,
        "severity": Severity.WARNING,
        "sequence": f"{sequence:010d}",
        "dataschema": DATASCHEMA[type_],
    }


def _assessment(level: Level, before: Level, sequence: int, **data: Any) -> dict[str, Any]:
    risk = {"probability": 0.25, "bad_event": "paid late", "horizon_days": 36, "evidence": 9, "low": 0.1, "high": 0.4}
    exposure = {
        "currency": "USD", "open_orders": 0, "open_invoices": 600, "unapplied_cash": 0, "exposure": 600,
        "limit": 1000, "headroom": 400, "utilisation": 0.6, "overdue": 600, "oldest_days_past_due": 5,
    }  # fmt: skip
    return {
        "level": level,
        "level_before": before,
        "score": 500,
        "score_before": 600,
        "reasons": [Reason(code="AGEING", contribution=-100)],
        "caps": [],
        "default_risk": DefaultRisk.model_validate(risk),
        "exposures": [Exposure.model_validate(exposure)],
        "measures": Measures(terms_days=30, deposit_share=0.0, orders="approve"),
        "provisional": False,
        "cause": Source(topic="payments", partition=0, offset=sequence),
        "cause_type": "payment.received",
        "policy_version": "default-1",
        "model_version": "rate-lr-1@0",
        **data,
    }


def broken(topic: str, offset: int, value: bytes | None) -> Record:
    """A record that is not what the contract of its topic says."""
    return Record(topic, 0, offset, 1_735_689_600_000, b"key", value)


def moved(records: Iterable[Record], by: int) -> list[Record]:
    """The same records as a second writing would leave them: at later offsets."""
    return [record._replace(offset=record.offset + by) for record in records]


class Shelf:
    """A migrated archive of its own database."""

    def __init__(self, database: ClickHouse) -> None:
        self.database = database

    async def put(self, records: Iterable[Record]) -> Sink:
        """Archive records in one batch."""
        sink = Sink(self.database)
        for record in records:
            sink.add(record)
        await sink.flush()
        return sink

    async def rows(self, view: str, **options: Any) -> list[dict[str, Any]]:
        """Rows of a view as readers see them."""
        return await read_view(self.database, view, **options)

    async def all_views(self, names: Iterable[str]) -> dict[str, list[dict[str, Any]]]:
        """All rows of views, to compare two states of an archive."""
        return {name: await self.rows(name, limit=10_000) for name in names}


@contextmanager
def archive(dsn: str) -> Iterator[ClickHouse]:
    """A migrated archive. One serves a whole module: making the tables takes longer than most tests."""
    client = ClickHouse(parse_dsn(Settings(_env_file=None, clickhouse_dsn=dsn)))

    async def make() -> None:
        await client.open(create=True)
        await migrate(client)

    asyncio.run(make())
    yield client
    asyncio.run(client.close())


async def emptied(database: ClickHouse) -> Shelf:
    """The archive with nothing in it."""
    for table in COLUMNS:
        await database.command(f"TRUNCATE TABLE {table}")
    return Shelf(database)


def parts(row: BaseModel | dict[str, Any], *names: str) -> tuple[Any, ...]:
    """Some columns of a row."""
    content = row if isinstance(row, dict) else row.model_dump()
    return tuple(content[name] for name in names)
