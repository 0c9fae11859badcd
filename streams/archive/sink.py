"""Collect rows and put them into ClickHouse in batches, so that what was inserted twice counts once."""

from __future__ import annotations

import hashlib
import logging
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from schemas.errors import Unavailable
from streams.archive.errors import RowsRefused
from streams.archive.rows import COLUMNS, REJECTS, Row, reject, to_row
from streams.record import Record

log = logging.getLogger(__name__)

_TOO_MANY = 100
"""Rows refused one by one, and none accepted, from which on we take it that something else is wrong."""

Place = tuple[str, int]
"""Topic (without prefix) and partition."""


class Store(Protocol):
    """Where rows go: ``ClickHouse`` of client.py."""

    async def insert(self, table: str, columns: Sequence[str], rows: Sequence[Sequence[Any]], token: str) -> None:
        """Insert all rows or raise ``RowsRefused`` or ``Unavailable``."""
        ...


@dataclass(slots=True)
class _Outcome:
    """What became of the rows of one table in one flush."""

    accepted: int = 0
    refused: list[Row] = field(default_factory=list)


class Sink:
    """``add`` records, ``flush`` them; offsets may be committed only up to what ``flush`` returned.

    A flush that failed keeps what is not in yet: call it again. The tables keep one row per identity, so rows
    that went in although the insert seemed to fail do no harm.
    """

    def __init__(self, store: Store, *, max_rows: int = 20_000, max_bytes: int = 32_000_000) -> None:
        self._store = store
        self._max_rows = max_rows
        self._max_bytes = max_bytes
        self._pending: dict[str, list[Row]] = {}
        self._positions: dict[Place, int] = {}
        self._bytes = 0
        self.rejected = 0
        """Records that went to the rejects since the start."""
        self.written: Counter[str] = Counter()
        """Rows that ClickHouse has taken since the start, by table; rows sent twice count twice."""

    @property
    def rows(self) -> int:
        """Rows that wait."""
        return sum(len(rows) for rows in self._pending.values())

    @property
    def full(self) -> bool:
        """Whether a flush is due by size."""
        return self.rows >= self._max_rows or self._bytes >= self._max_bytes

    @property
    def positions(self) -> Mapping[Place, int]:
        """The offset after the last record added, per topic and partition, of what is not flushed yet."""
        return self._positions

    def add(self, record: Record) -> None:
        """Take a record; it never fails for what stands in it."""
        row = to_row(record)
        if row.table == REJECTS:
            self._tell(row)
        self._pending.setdefault(row.table, []).append(row)
        self._positions[record.topic, record.partition] = record.offset + 1
        self._bytes += len(record.value or b"") + len(record.key or b"") + 200

    async def flush(self) -> dict[Place, int]:
        """Insert everything that waits; the offset per topic and partition up to which the archive now has all.

        Raises:
            Unavailable: not everything went in; what did not waits for the next call.
        """
        for table in tuple(self._pending):
            await self._flush(table, self._pending.get(table, []))
            self._pending.pop(table, None)
        done, self._positions, self._bytes = self._positions, {}, 0
        return done

    def discard(self) -> None:
        """Forget what waits: its partitions were taken away, and whoever gets them reads it again."""
        self._pending, self._positions, self._bytes = {}, {}, 0

    async def _flush(self, table: str, rows: Sequence[Row]) -> None:
        outcome = _Outcome()
        await self._insert(table, rows, outcome)
        for row in outcome.refused:
            self._tell(row)
        await self._insert(REJECTS, outcome.refused, _Outcome())

    async def _insert(self, table: str, rows: Sequence[Row], outcome: _Outcome) -> None:
        if not rows:
            return
        try:
            await self._store.insert(table, COLUMNS[table], [row.values for row in rows], _token(table, rows))
        except RowsRefused as error:
            await self._halve(table, rows, outcome, error)
        else:
            outcome.accepted += len(rows)
            self.written[table] += len(rows)

    async def _halve(self, table: str, rows: Sequence[Row], outcome: _Outcome, error: RowsRefused) -> None:
        if len(rows) > 1:
            middle = len(rows) // 2
            await self._insert(table, rows[:middle], outcome)
            await self._insert(table, rows[middle:], outcome)
            return
        outcome.refused.append(reject(rows[0].record, "refused_by_clickhouse", str(error)))
        # Raw bytes that the table of raw bytes refuses, or one row after the other: not the rows are wrong.
        if table == REJECTS or (not outcome.accepted and len(outcome.refused) >= _TOO_MANY):
            raise Unavailable(f"table {table} refuses every row: {error}") from error

    def _tell(self, row: Row) -> None:
        self.rejected += 1
        topic, partition, offset, code, message = row.values[:5]
        log.warning("not archived: %s[%s]@%s: %s: %s", topic, partition, offset, code, message)


def _token(table: str, rows: Sequence[Row]) -> str:
    # Over the contents, not only the offsets: another batch that begins and ends at the same offsets, or a topic
    # that was made anew, must not be taken for a repetition.
    digest = hashlib.blake2b(table.encode(), digest_size=20)
    for row in rows:
        record = row.record
        digest.update(f"|{record.topic}|{record.partition}|{record.offset}|{row.table}|".encode())
        digest.update(record.value or b"")
    return digest.hexdigest()
