"""From the topics into the sink: consume, flush by size or time, and commit only what ClickHouse has."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from aiokafka import ConsumerRebalanceListener, TopicPartition
from aiokafka.errors import IllegalStateError, KafkaError

from schemas.errors import Unavailable
from streams.archive.rows import ARCHIVED
from streams.archive.sink import Place, Sink
from streams.archive.status import Status
from streams.record import Record
from streams.settings import Settings

log = logging.getLogger(__name__)

_POLL_MS = 100
_MAX_RECORDS = 2_000
"""Records per turn of the loop: about 0.1 s of work, so that heartbeats and the API are served in between."""
_COMMIT_SECONDS = 20.0


@dataclass(frozen=True, slots=True)
class Pace:
    """Seconds: how long rows may wait for a full batch, and how long we wait for a ClickHouse that is away."""

    flush: float = 0.5
    first_retry: float = 0.5
    longest_retry: float = 10.0


Batches = Mapping[TopicPartition, Sequence[Any]]


class Consumer(Protocol):
    """What we use of ``AIOKafkaConsumer``."""

    async def getmany(self, *, timeout_ms: int, max_records: int) -> Batches: ...
    async def commit(self, offsets: Mapping[TopicPartition, int]) -> None: ...
    async def position(self, partition: TopicPartition) -> int: ...
    def assignment(self) -> Collection[TopicPartition]: ...
    def pause(self, *partitions: TopicPartition) -> None: ...
    def resume(self, *partitions: TopicPartition) -> None: ...


class Intake(ConsumerRebalanceListener):  # type: ignore[misc] # aiokafka has no types
    """The loop. While ClickHouse is away it keeps what waits, takes no more, and tries again."""

    def __init__(self, settings: Settings, sink: Sink, status: Status, pace: Pace | None = None) -> None:
        self._sink, self._status, self._pace = sink, status, pace or Pace()
        self._names = {settings.topic(name): name for name in ARCHIVED}
        self._full_names = {name: full for full, name in self._names.items()}
        self._to_commit: dict[Place, int] = {}
        self._waiting_since: float | None = None
        self._retry_at: float | None = None
        self._delay = self._pace.first_retry
        self._commit_at = 0.0
        self.archived: dict[Place, int] = {}
        """The offset after the last record that ClickHouse has, per topic and partition, of this run."""

    async def run(self, consumer: Consumer, stop: asyncio.Event) -> None:
        """Archive until told to stop, then write and commit what is in hand (unless ClickHouse is away)."""
        await self._run(consumer, stop, None)

    async def run_to(self, consumer: Consumer, ends: Mapping[TopicPartition, int], stop: asyncio.Event) -> None:
        """Archive up to these offsets (of the partitions that are ours), or until told to stop."""
        await self._run(consumer, stop, ends)

    async def _run(self, consumer: Consumer, stop: asyncio.Event, ends: Mapping[TopicPartition, int] | None) -> None:
        stopped = asyncio.ensure_future(stop.wait())
        try:
            while not stop.is_set() and (ends is None or not await self._reached(consumer, ends)):
                self._hold_or_go_on(consumer)
                self._take(await _next(consumer, stopped))
                if self._due():
                    await self._flush(consumer)
                elif self._to_commit and self._now() >= self._commit_at:
                    await self._commit(consumer)
        finally:
            stopped.cancel()
        if self._retry_at is None and self._sink.rows:
            await self._flush(consumer)
        await self._commit(consumer)

    def _take(self, batches: Batches) -> None:
        for place, records in batches.items():
            name = self._names[place.topic]
            for r in records:
                self._sink.add(Record(name, r.partition, r.offset, r.timestamp, r.key, r.value))

    async def on_partitions_revoked(self, revoked: Collection[TopicPartition]) -> None:
        """Forget what waits: whoever gets the partitions reads it again from the last commit."""
        if self._sink.rows:
            log.info("rebalance: %d rows are left to the next owner", self._sink.rows)
        self._sink.discard()
        self._to_commit.clear()
        self.archived.clear()

    async def on_partitions_assigned(self, assigned: Collection[TopicPartition]) -> None:
        """Nothing to prepare: positions come from the last commit."""
        log.info("archiving %d partitions", len(assigned))
        self._status.consuming = True

    def _due(self) -> bool:
        now = self._now()
        if not self._sink.rows:
            self._waiting_since = None
            return False
        if self._waiting_since is None:
            self._waiting_since = now
        if self._retry_at is not None:
            return now >= self._retry_at
        return self._sink.full or now - self._waiting_since >= self._pace.flush

    async def _flush(self, consumer: Consumer) -> None:
        try:
            with self._status.flush_seconds.time():
                done = await self._sink.flush()
        except Unavailable as error:
            self._hold(error)
            return
        finally:
            self._status.count(self._sink.written, self._sink.rejected)
        self._waiting_since = None
        if self._retry_at is not None:
            log.info("ClickHouse is back, what waited is written")
            self._go_on(consumer)
        self._to_commit.update(done)
        self.archived.update(done)
        await self._commit(consumer)

    def _hold(self, error: Unavailable) -> None:
        self._retry_at = self._now() + self._delay
        self._delay = min(self._delay * 2, self._pace.longest_retry)
        self._status.retried()
        if self._status.problem("clickhouse", str(error)):
            log.warning("ClickHouse is away, %d rows wait and nothing more is read: %s", self._sink.rows, error)

    def _hold_or_go_on(self, consumer: Consumer) -> None:
        if self._retry_at is None:
            return
        if self._sink.rows:
            consumer.pause(*consumer.assignment())  # again each time: a rebalance may have brought new ones
        else:
            # A rebalance took what waited. Only a next write can find out that ClickHouse is back: read on.
            self._go_on(consumer)

    def _go_on(self, consumer: Consumer) -> None:
        consumer.resume(*consumer.assignment())
        self._retry_at, self._delay = None, self._pace.first_retry
        self._status.solved("clickhouse")

    def _now(self) -> float:
        return asyncio.get_running_loop().time()

    async def _commit(self, consumer: Consumer) -> None:
        owned = set(consumer.assignment())
        offsets = {
            place: offset
            for (topic, number), offset in self._to_commit.items()
            if (place := TopicPartition(self._full_names[topic], number)) in owned
        }
        if not offsets:
            return
        try:
            await asyncio.wait_for(consumer.commit(offsets), _COMMIT_SECONDS)
        except (KafkaError, IllegalStateError, TimeoutError) as error:
            # The rows are in. The next try covers these offsets, or they are read again and count once.
            log.warning("offsets not committed: %r", error)
            self._commit_at = self._now() + self._pace.first_retry
        else:
            self._to_commit.clear()

    async def _reached(self, consumer: Consumer, ends: Mapping[TopicPartition, int]) -> bool:
        ours = [place for place in consumer.assignment() if place in ends]
        if not ours or self._sink.rows:
            return False
        try:
            return all([await consumer.position(place) >= ends[place] for place in ours])
        except IllegalStateError:
            return False  # taken away at this moment


async def _next(consumer: Consumer, stopped: asyncio.Future[Any]) -> Batches:
    """The next records; nothing as soon as ``stopped`` is done, even amid a rebalance that does not end."""
    polling = asyncio.ensure_future(consumer.getmany(timeout_ms=_POLL_MS, max_records=_MAX_RECORDS))
    await asyncio.wait({polling, stopped}, return_when=asyncio.FIRST_COMPLETED)
    if polling.done():
        return polling.result()
    polling.cancel()
    return {}
