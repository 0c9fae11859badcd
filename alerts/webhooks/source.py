"""A subscription's own reader of the out topics, at its own pace."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from types import TracebackType
from typing import NamedTuple, cast

from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition
from aiokafka.errors import KafkaError

from alerts.client import LOOK_BACK
from alerts.feed import FeedDecoder
from schemas.decisions import OutEvent
from schemas.errors import Unavailable
from streams.settings import Settings

Place = tuple[str, int, int]
"""Topic (logical name), partition, offset."""

_POLL_MS = 300
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
        self._consumer = AIOKafkaConsumer(
            **settings.kafka_client_options(), enable_auto_commit=False, auto_offset_reset="earliest",
            fetch_max_wait_ms=50, max_partition_fetch_bytes=_FETCH_BYTES,
        )  # fmt: skip

    async def __aenter__(self) -> Source:
        try:
            await self._consumer.start()
        except (KafkaError, OSError) as error:
            await self._consumer.stop()
            raise Unavailable(f"no broker at {self._settings.broker}: {error!r}") from error
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._consumer.stop()

    async def start(self, again: Sequence[Place]) -> dict[Place, Found]:
        """Read single events again, come to know the ids before the positions, and stand at the positions.

        An event that is not there any more (a level that a newer one replaced) is not in the answer.
        """
        try:
            found: dict[Place, Found] = {}
            ends = await self._consumer.end_offsets(self._places)
            for tp in self._places:
                name = self._names[tp.topic]
                wanted = sorted({at for topic, number, at in again if (topic, number) == (name, tp.partition)})
                for record in await self._at(tp, wanted, ends[tp]):
                    found |= {(item.topic, item.partition, item.offset): item for item in self._decoded([record])}
            await self._look_back()
        except (KafkaError, OSError) as error:
            raise Unavailable(f"the broker at {self._settings.broker} does not answer: {error!r}") from error
        return found

    async def read(self, most: int) -> tuple[list[Found], dict[str, int]]:
        """What comes next, perhaps nothing, and the positions behind it that have changed."""
        try:
            batches = await self._consumer.getmany(timeout_ms=_POLL_MS, max_records=most)
        except KafkaError as error:
            raise Unavailable(f"the broker at {self._settings.broker} does not answer: {error!r}") from error
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

    async def _at(self, tp: TopicPartition, wanted: Sequence[int], end: int) -> list[ConsumerRecord]:
        """The records at these offsets, as far as they are still there."""
        found: list[ConsumerRecord] = []
        left = [offset for offset in wanted if offset < end]
        if not left:
            return found
        self._consumer.assign([tp])
        self._consumer.seek(tp, left[0])
        while left:
            records = (await self._consumer.getmany(tp, timeout_ms=_POLL_MS)).get(tp, ())
            found += [record for record in records if record.offset in left]
            at = await self._consumer.position(tp)
            left = [offset for offset in left if offset >= at]
            if left and left[0] > at + LOOK_BACK:
                self._consumer.seek(tp, left[0])
        return found

    async def _look_back(self) -> None:
        self._consumer.assign(self._places)
        begins = await self._consumer.beginning_offsets(self._places)
        left = set()
        for tp in self._places:
            start = max(begins[tp], self.positions.setdefault(self._key(tp), begins[tp]))
            self.positions[self._key(tp)] = start
            first = max(begins[tp], start - LOOK_BACK)
            self._consumer.seek(tp, first)
            if first < start:
                left.add(tp)
        while left:
            # One partition after the other: what lies behind its start must not be taken by this.
            tp = left.pop()
            start = self.positions[self._key(tp)]
            while (at := await self._consumer.position(tp)) < start:
                for record in (await self._consumer.getmany(tp, timeout_ms=_POLL_MS, max_records=start - at)).get(
                    tp, ()
                ):
                    if record.offset < start:
                        self._decoder.items([record])
            self._consumer.seek(tp, start)
