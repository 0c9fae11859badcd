"""The same gate and engine without a broker: events in time order, partitioned and numbered as Kafka would.

Backtests and tests run through here; given the same partitions, decisions equal those made live.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import datetime
from itertools import groupby

from models.calendar import from_ms
from models.engine import CreditEngine, Effects, MemoryAccounts
from schemas.errors import InvalidInput
from schemas.log import LogEntry, PartitionReport
from schemas.topics import BROADCASTS, MERGED_TOPICS, PARTITION_REPORTS, RELAYED_TOPICS, TICKS
from streams.gate.validate import log_entry
from streams.partitioner import UNKEYED_PARTITION, partition_of
from streams.record import Record
from streams.sources.event_file import TimedEvent, timed

_RANK = {topic: rank for rank, topic in enumerate(MERGED_TOPICS)}
_RANK |= dict.fromkeys(RELAYED_TOPICS, _RANK[BROADCASTS])


class InProcess:
    """P partitions, each with its engine; ``refused`` counts what would have gone to dead letters."""

    def __init__(self, partitions: int, policy_text: str, *, latest: datetime, max_event_bytes: int = 65_536) -> None:
        self.accounts = [MemoryAccounts() for _ in range(partitions)]
        self.engines = [
            CreditEngine(accounts, policy_text, partition=number, partitions=partitions)
            for number, accounts in enumerate(self.accounts)
        ]
        self._reports: list[PartitionReport] = []
        self.refused: list[tuple[Record, InvalidInput]] = []
        self._latest_ms = int(latest.timestamp() * 1000)
        self._max_bytes = max_event_bytes
        self._source_offsets: Counter[tuple[str, int]] = Counter()
        self._log_offsets: Counter[int] = Counter()

    def run(self, events: Iterable[TimedEvent]) -> Iterator[Effects]:
        """Apply events, which must come in order of time, and give the effects of each log entry."""
        for partition, offset, entry in self.log(events):
            effects = self.engines[partition].apply(offset, entry)
            self.hear(effects)
            yield effects

    def hear(self, effects: Effects) -> None:
        """Take in what a partition tells the others; whoever applies the entries of ``log`` himself calls it."""
        self._reports += effects.reports

    def log(self, events: Iterable[TimedEvent]) -> Iterator[tuple[int, int, LogEntry]]:
        """The log that the gate would write: ``(partition, offset, entry)``."""
        for _, together in groupby(events, key=lambda event: event.timestamp_ms):
            yield from self._reported()
            for event in sorted(together, key=lambda event: _RANK[event.topic]):
                yield from self._entries(event)

    def _reported(self) -> Iterator[tuple[int, int, LogEntry]]:
        """Reports reach all partitions before the next event; live, they take some milliseconds."""
        reports, self._reports = self._reports, []
        for report in reports:
            event = timed(PARTITION_REPORTS, report.occurred_at, report)
            origin = (PARTITION_REPORTS, report.partition, self._next(PARTITION_REPORTS, report.partition))
            for partition in range(len(self.engines)):
                record = self._record(BROADCASTS, partition, event, None)._replace(relayed_from=origin)
                yield from self._logged(record)

    def _entries(self, event: TimedEvent) -> Iterator[tuple[int, int, LogEntry]]:
        for record in self._records(event):
            yield from self._logged(record)

    def _logged(self, record: Record) -> Iterator[tuple[int, int, LogEntry]]:
        entry = self._entry(record)
        if entry is not None:
            offset = self._log_offsets[record.partition]
            self._log_offsets[record.partition] += 1
            yield record.partition, offset, entry

    def _entry(self, record: Record) -> LogEntry | None:
        """The entry of a record, or None when it was refused."""
        try:
            return log_entry(
                record,
                received_at=from_ms(record.timestamp),
                latest_ms=self._latest_ms,
                partitions=len(self.engines),
                max_bytes=self._max_bytes,
            )
        except InvalidInput as error:
            self.refused.append((record, error))
            return None

    def _records(self, event: TimedEvent) -> Iterator[Record]:
        key = event.key.encode() if event.key is not None else None
        home = partition_of(key, len(self.engines)) if key is not None else UNKEYED_PARTITION
        if event.topic == TICKS:
            for partition in range(len(self.engines)):
                yield self._record(TICKS, partition, event, key)
            return
        record = self._record(event.topic, home, event, key)
        if event.topic not in RELAYED_TOPICS:
            yield record
        elif self._entry(record) is not None:  # refused once, as by the relay, or copied to every partition
            origin = (record.topic, record.partition, record.offset)
            for partition in range(len(self.engines)):
                yield self._record(BROADCASTS, partition, event, key)._replace(relayed_from=origin)

    def _record(self, topic: str, partition: int, event: TimedEvent, key: bytes | None) -> Record:
        return Record(topic, partition, self._next(topic, partition), event.timestamp_ms, key, event.raw)

    def _next(self, topic: str, partition: int) -> int:
        offset = self._source_offsets[topic, partition]
        self._source_offsets[topic, partition] += 1
        return offset
