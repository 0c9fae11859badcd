"""A store that can fail on demand, and small records for it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from schemas.events import PaymentReceived
from schemas.log import LogEntry, Source
from schemas.topics import LOG
from streams.archive.rows import COLUMNS
from streams.record import Record

TIME = datetime(2025, 3, 1, 12, tzinfo=UTC)
EPOCH_MS = 1_740_830_400_000


@dataclass
class Insert:
    """One insert that was tried."""

    table: str
    rows: list[Sequence[Any]]
    token: str


@dataclass
class FakeStore:
    """Keeps what it takes; ``errors`` are raised one per insert, ``refuses`` says which insert never goes in."""

    errors: list[Exception] = field(default_factory=list)
    refuses: Callable[[Insert], Exception | None] = lambda insert: None
    tried: list[Insert] = field(default_factory=list)
    kept: list[Insert] = field(default_factory=list)

    async def insert(self, table: str, columns: Sequence[str], rows: Sequence[Sequence[Any]], token: str) -> None:
        """As ``ClickHouse.insert``."""
        assert tuple(columns) == COLUMNS[table]
        insert = Insert(table, list(rows), token)
        self.tried.append(insert)
        if self.errors:
            raise self.errors.pop(0)
        refusal = self.refuses(insert)
        if refusal is not None:
            raise refusal
        self.kept.append(insert)

    def column(self, table: str, name: str) -> list[Any]:
        """The values of a column in all rows kept."""
        place = COLUMNS[table].index(name)
        return [row[place] for insert in self.kept if insert.table == table for row in insert.rows]


def payment(offset: int, partition: int = 0, customer: str = "C1") -> Record:
    """A payment as it stands in the log."""
    event = PaymentReceived(
        version=1, event_id=f"e{partition}-{offset}", occurred_at=TIME, customer_id=customer, payment_id="P1",
        amount="10.50", currency="USD", paid_at=TIME,
    )  # fmt: skip
    source = Source(topic="payments", partition=partition, offset=offset)
    entry = LogEntry(time=TIME, received_at=TIME, source=source, event=event)
    return Record(LOG, partition, offset, EPOCH_MS, customer.encode(), entry.model_dump_json().encode())


def broken(topic: str = LOG, offset: int = 0, value: bytes | None = b"{") -> Record:
    """A record that is not what its contract says."""
    return Record(topic, 0, offset, EPOCH_MS, None, value)
