"""A subscription's own reader of the out topics, at its own pace."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from types import TracebackType
from typing import NamedTuple, cast

from aiokafka import ConsumerRecord, TopicPartition

from alerts.client import LOOK_BACK
from alerts.feed import FeedDecoder
from schemas.decisions import OutEvent
from streams.kafka_client import PacedConsumer, broker_errors, start
from streams.settings import Settings

Place = tuple[str, int, int]
"""Topic (logical name), partition, offset."""

_POLL_MS = 300
_MOST_IDLE = 10
"""Polls without a record after which the end is taken as reached: the last ones may have been compacted away."""
_FETCH_BYTES = 262_144


class Found(NamedTuple):
    """An event and the very text that stood in the topic; dead letters are not read here."""

    topic: str
    partition: int
    offset: int
    event: OutEvent
    text: str


class Source:
    """``async with Source(settings, topics, positions) as source``; positions by topic/partition.

    Ids from before the positions are known, so that what a restarted worker sends once more is left out. All methods
    raise Unavailable when the broker does not answer.
    """

    def __init__(self, settings: Settings, topics: Iterable[str], positions: Mapping[str, int]) -> None:
        self._settings = settings
        self._names = {settings.topic(name): name for name in sorted(topics)}
        self._places = [TopicPartition(name, number) for name in self._names for number in range(settings.partitions)]
        self.positions = dict(positions)
        """Where reading begins; ``start`` completes them."""
        self._decoder = FeedDecoder(settings, list(self._names.values()))
        self._consumer = PacedConsumer(
            settings, auto_offset_reset="earliest", fetch_max_wait_ms=50, max_partition_fetch_bytes=_FETCH_BYTES
        )

    async def __aenter__(self) -> Source:
        await start(self._settings, self._consumer)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._consumer.stop()

    async def start(self, again: Sequence[Place]) -> dict[Place, Found]:
        """Read single events again, come to know the ids before the positions, and stand at the positions.

        An event that is not there any more (a level that a newer one replaced) is not in the answer.
        """
        found: dict[Place, Found] = {}
        with broker_errors(self._settings):
            self._consumer.assign(self._places)
            begins, ends = (
                await self._consumer.beginning_offsets(self._places),
                await self._consumer.end_offsets(self._places),
            )
            for tp in self._places:
                name, key = self._names[tp.topic], self._key(tp)
                start = self.positions[key] = min(max(self.positions.get(key, 0), begins[tp]), ends[tp])
                for record in await self._at(tp, {at for *place, at in again if place == [name, tp.partition]}, start):
                    found |= {(item.topic, item.partition, item.offset): item for item in self._decoded([record])}
                async for record in self._between(tp, max(begins[tp], start - LOOK_BACK), start):
                    self._decoder.items([record])
            for tp in self._places:
                self._consumer.seek(tp, self.positions[self._key(tp)])
        return found

    async def read(self, most: int) -> tuple[list[Found], dict[str, int]]:
        """What comes next, perhaps nothing, and the positions behind it that have changed."""
        with broker_errors(self._settings):
            batches = await self._consumer.getmany(timeout_ms=_POLL_MS, max_records=most)
        found: list[Found] = []
        behind = {}
        for tp, records in batches.items():
            found += self._decoded(records)
            behind[self._key(tp)] = records[-1].offset + 1
        return found, behind

    def _key(self, tp: TopicPartition) -> str:
        return f"{self._names[tp.topic]}/{tp.partition}"

    def _decoded(self, records: Iterable[ConsumerRecord]) -> list[Found]:
        return [
            Found(*item[:3], cast(OutEvent, item.event), record.value.decode())
            for record in records
            for item in self._decoder.items([record])
        ]

    async def _at(self, tp: TopicPartition, wanted: Iterable[int], end: int) -> list[ConsumerRecord]:
        """The records at these offsets, as far as they are still there; what lies far from all others is skipped."""
        found: list[ConsumerRecord] = []
        left = sorted(offset for offset in wanted if offset < end)
        while left:
            stretch = [offset for offset in left if offset <= left[0] + LOOK_BACK]
            left = left[len(stretch) :]
            between = self._between(tp, stretch[0], stretch[-1] + 1)
            found += [record async for record in between if record.offset in stretch]
        return found

    async def _between(self, tp: TopicPartition, first: int, end: int) -> AsyncIterator[ConsumerRecord]:
        """The records from ``first`` to before ``end``, which must not lie behind the end of the partition."""
        if first >= end:
            return
        self._consumer.seek(tp, first)
        idle = 0
        while await self._consumer.position(tp) < end and idle < _MOST_IDLE:
            records = (await self._consumer.getmany(tp, timeout_ms=_POLL_MS)).get(tp, ())
            idle = 0 if records else idle + 1
            for record in records:
                if record.offset < end:
                    yield record
