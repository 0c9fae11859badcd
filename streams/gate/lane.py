"""One partition of the gate: buffer what the agent delivers, merge it by time, write the log, acknowledge."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Protocol

from models.calendar import to_ms
from schemas.errors import InvalidInput
from schemas.log import LOG_ENTRY, LogEntry
from schemas.topics import BROADCASTS
from streams.gate.dead_letters import dead_letter
from streams.gate.merge import MergeBuffer
from streams.gate.validate import log_entry
from streams.metrics import Metrics
from streams.record import Record
from streams.transport.agent import Delivery
from streams.transport.durable import Row

log = logging.getLogger(__name__)

BATCH = 2_000
"""Records written to the log between two acknowledgements."""

_LONGEST_STEP_MS = 500.0
"""How long a lane sleeps at most; where its clock shows much more, the process stood still (frozen, suspended)."""

RELAYED_FROM = "creditpulse-relayed-from"
"""Header of a broadcast: ``topic/partition/offset`` of the public record that it copies."""


def _relayed_from(headers: Sequence[tuple[str, bytes]]) -> tuple[str, int, int] | None:
    for name, value in headers:
        if name == RELAYED_FROM:
            topic, partition, offset = value.decode().rsplit("/", 2)
            return topic, int(partition), int(offset)
    return None


class LogWriter(Protocol):
    """Writes to Kafka and returns when the broker has everything; raises when it has not."""

    async def write(self, partition: int, entries: list[Row], dead_letters: list[Row]) -> None:
        """Write entries to the log's partition, and dead letters."""


@dataclass(frozen=True, slots=True)
class GateRules:
    """What the gate refuses, and how long it waits."""

    partitions: int
    max_idle_ms: float
    future_tolerance_ms: int
    max_event_bytes: int

    def entry(self, record: Record, received_at: datetime) -> LogEntry:
        """The log entry of a record read at ``received_at``; raises InvalidInput."""
        try:
            return log_entry(
                record,
                received_at=received_at,
                latest_ms=to_ms(received_at) + self.future_tolerance_ms,
                partitions=self.partitions,
                max_bytes=self.max_event_bytes,
            )
        except InvalidInput:
            raise
        except Exception as error:
            # A mistake of ours, met by this record: it must stop neither the others nor the gate.
            log.exception("%s[%d]@%d was not understood", record.topic, record.partition, record.offset)
            raise InvalidInput("not_understood", f"the record was not understood: {error!r}"[:1000]) from error


@dataclass(slots=True, eq=False)
class _Open:
    """A delivery and how many of its records are not yet in the log."""

    delivery: Delivery
    left: int


class GateLane:
    """A partition's lane. ``topics`` in the order of merging; times come from ``now``."""

    def __init__(
        self,
        partition: int,
        topics: tuple[str, ...],
        rules: GateRules,
        writer: LogWriter,
        metrics: Metrics,
        at_end: Callable[[str, int], bool],
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._partition, self._topics, self._rules = partition, topics, rules
        self._writer, self._metrics, self._at_end, self._now = writer, metrics, at_end, now
        self._arrived, self._written = asyncio.Event(), asyncio.Event()
        self._written.set()
        self._open: set[_Open] = set()
        self._merge = self._empty()
        self._awake_ms, self._seen_ms = 0.0, to_ms(self._now())

    def _empty(self) -> MergeBuffer[tuple[Record, _Open]]:
        return MergeBuffer(self._topics, self._rules.max_idle_ms)

    def take(self, topic: str, delivery: Delivery) -> None:
        """Buffer a delivery of a topic (logical name)."""
        records = delivery.chunk.records
        opened = _Open(delivery, len(records))
        self._open.add(opened)
        for raw in records:
            origin = _relayed_from(raw.headers) if topic == BROADCASTS else None
            record = Record(topic, raw.partition, raw.offset, raw.timestamp, raw.key, raw.value, origin)
            self._merge.add(topic, raw.timestamp, (record, opened))
        self._arrived.set()

    def buffered(self, topic: str) -> int:
        """How many records of the topic wait here."""
        return self._merge.buffered(topic)

    async def give_back(self) -> None:
        """Drop what is buffered (a rebalance or stop): it was not acknowledged, and comes again to its owner.

        What is being written is waited for, so that it cannot come between the writes of the next owner.
        """
        self._merge = self._empty()
        await self._written.wait()
        for opened in self._open:
            opened.delivery.release()
        self._open.clear()

    async def run(self) -> None:
        """Write the log for ever. Raises when something cannot be written: the worker must stop then."""
        while True:
            now = self._awake()
            released = self._merge.release(now, lambda topic: self._at_end(topic, self._partition), BATCH)
            if released:
                self._written.clear()
                try:
                    await self._write(released)
                finally:
                    self._written.set()
                continue
            wait = min(self._merge.wait_ms(now) or _LONGEST_STEP_MS, _LONGEST_STEP_MS)
            self._arrived.clear()
            try:
                await asyncio.wait_for(self._arrived.wait(), wait / 1000)
            except TimeoutError:
                continue

    def _awake(self) -> float:
        """Milliseconds that this process has been running: a topic is not idle because we stood still."""
        now = to_ms(self._now())
        self._awake_ms += min(max(0.0, now - self._seen_ms), 2 * _LONGEST_STEP_MS)
        self._seen_ms = now
        return self._awake_ms

    async def _write(self, released: list[tuple[Record, _Open]]) -> None:
        received_at = self._now()
        entries: list[Row] = []
        dead: list[Row] = []
        for record, _ in released:
            try:
                entry = self._rules.entry(record, received_at)
            except InvalidInput as error:
                dead.append(dead_letter(record, error, received_at))
                self._metrics.dead_letters.labels(record.topic, error.code).inc()
            else:
                entries.append(Row(record.key, LOG_ENTRY.dump_json(entry), to_ms(entry.time)))
        await self._writer.write(self._partition, entries, dead)
        for record, opened in released:
            self._metrics.events_in.labels(record.topic).inc()
            opened.left -= 1
            if opened.left == 0 and opened in self._open:
                self._open.discard(opened)
                opened.delivery.ack()
