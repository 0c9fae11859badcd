"""The out topics as one stream of decoded events, each id once: what screens and notifications listen to."""

from __future__ import annotations

import logging
from collections import OrderedDict, deque
from collections.abc import Iterable, Mapping, Sequence
from types import TracebackType
from typing import NamedTuple, Protocol

from aiokafka import TopicPartition
from pydantic import ValidationError

from schemas.decisions import DeadLetterOut, OutEvent
from schemas.topics import ALERTS, BY_NAME, DEAD_LETTERS, LEVELS, MODEL_LOG, ORDER_DECISIONS
from streams.kafka_client import PacedConsumer, broker_errors, opening
from streams.settings import Settings
from streams.topic_admin import LARGEST_DEAD_LETTER

OUT_TOPICS: tuple[str, ...] = (LEVELS, ALERTS, ORDER_DECISIONS, MODEL_LOG, DEAD_LETTERS)
REMEMBERED = 200_000
"""Ids kept to recognise repeats: a worker re-sends at most what it had in hand when it was killed."""

log = logging.getLogger(__name__)


class FeedItem(NamedTuple):
    """An out-event and where it stood; ``topic`` is the logical name."""

    topic: str
    partition: int
    offset: int
    event: OutEvent | DeadLetterOut


class OutRecord(Protocol):
    """What is read of aiokafka's ``ConsumerRecord``."""

    @property
    def topic(self) -> str:
        """Full name of the topic."""

    @property
    def partition(self) -> int:
        """Number of the partition."""

    @property
    def offset(self) -> int:
        """Offset in the partition."""

    @property
    def value(self) -> bytes | None:
        """The event as JSON; None for a tombstone."""


class Deduplicator:
    """Tells a first sight of an id from a repeat, among the last ``REMEMBERED`` ids."""

    def __init__(self, remembered: int = REMEMBERED) -> None:
        self._seen: OrderedDict[str, None] = OrderedDict()
        self._remembered = remembered

    def is_new(self, event_id: str) -> bool:
        """Whether the id comes for the first time; remembers it."""
        if event_id in self._seen:
            self._seen.move_to_end(event_id)
            return False
        self._seen[event_id] = None
        if len(self._seen) > self._remembered:
            self._seen.popitem(last=False)
        return True


class FeedDecoder:
    """Turns records of the out topics into items, leaving out repeats and what is not of our contract."""

    def __init__(self, settings: Settings, topics: Sequence[str] = OUT_TOPICS) -> None:
        self._contracts = {settings.topic(name): (name, BY_NAME[name].contract) for name in topics}
        self._seen = Deduplicator()
        self.repeats = 0
        self.undecodable = 0

    def items(self, records: Iterable[OutRecord]) -> list[FeedItem]:
        """The new events of the records, in their order. A record that cannot be read is logged and counted."""
        found = []
        for record in records:
            name, contract = self._contracts[record.topic]
            if record.value is None:
                continue  # a tombstone: no event
            try:
                event = contract.validate_json(record.value)
            except ValidationError as error:
                self.undecodable += 1
                where = f"{record.topic}[{record.partition}]@{record.offset}"
                log.error("%s: not an event of our contract: %s", where, error.errors(include_url=False)[:1])
                continue
            if self._seen.is_new(event.id):
                found.append(FeedItem(name, record.partition, record.offset, event))
            else:
                self.repeats += 1
        return found


class Feed:
    """Reads the out topics without a consumer group: every listener gets everything, and commits nothing.

    Use as an async context manager, then ``async for item in feed``. Raises Unavailable when the broker does
    not answer. The order is that of each partition; events of different partitions come interleaved.
    """

    def __init__(
        self,
        settings: Settings,
        topics: Sequence[str] = OUT_TOPICS,
        *,
        from_beginning: bool = True,
        start: Mapping[tuple[str, int], int] | None = None,
    ) -> None:
        """``start``: the next offset by topic (logical name) and partition, for those that begin elsewhere."""
        self._settings, self._topics, self._from_beginning = settings, topics, from_beginning
        self._start = {TopicPartition(settings.topic(name), number): at for (name, number), at in (start or {}).items()}
        self._names = {settings.topic(name): name for name in topics}
        self.decoder = FeedDecoder(settings, topics)
        self._consumer = PacedConsumer(
            settings, auto_offset_reset="none", fetch_max_wait_ms=20, max_partition_fetch_bytes=LARGEST_DEAD_LETTER
        )
        self._ready: deque[FeedItem] = deque()
        self._fetched: dict[TopicPartition, int] = {}
        self._done: dict[TopicPartition, int] = {}
        """Next offsets behind what the listener has been through: it came back for more."""

    async def __aenter__(self) -> Feed:
        async with opening(self._settings, self._consumer):
            tps = [
                TopicPartition(self._settings.topic(name), number)
                for name in self._topics
                for number in range(self._settings.partitions)
            ]
            self._consumer.assign(tps)
            find = self._consumer.beginning_offsets if self._from_beginning else self._consumer.end_offsets
            for tp, offset in ((await find(tps)) | self._start).items():
                self._consumer.seek(tp, offset)
                self._done[tp] = offset
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._consumer.stop()

    def __aiter__(self) -> Feed:
        return self

    async def __anext__(self) -> FeedItem:
        while not self._ready:
            self._ready.extend(await self.batch())
        return self._ready.popleft()

    async def batch(self) -> list[FeedItem]:
        """What has come within half a second, perhaps nothing; raises Unavailable."""
        self._done.update(self._fetched)
        self._fetched = {}
        with broker_errors(self._settings):
            batches = await self._consumer.getmany(timeout_ms=500, max_records=500)
        found: list[FeedItem] = []
        for tp, records in batches.items():
            found += self.decoder.items(records)
            self._fetched[tp] = records[-1].offset + 1
        return found

    def positions(self) -> dict[tuple[str, int], int]:
        """The next offset of each topic (logical name) and partition, behind what was fetched."""
        return {(self._names[tp.topic], tp.partition): at for tp, at in (self._done | self._fetched).items()}

    async def is_at_end(self) -> bool:
        """Whether the listener has been through everything that is in the topics now; raises Unavailable."""
        with broker_errors(self._settings):
            ends: dict[TopicPartition, int] = await self._consumer.end_offsets(list(self._done))
        return all(self._done[tp] >= end for tp, end in ends.items())
