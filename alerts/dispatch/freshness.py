"""How fresh topics are: the time of the newest record of each."""

from __future__ import annotations

from collections.abc import Sequence
from types import TracebackType

from aiokafka import TopicPartition

from streams.kafka_client import PacedConsumer, broker_errors, start
from streams.settings import Settings

_LOOK_BACK = 3
"""Records read at the end of a partition: the very last place may hold a marker of a transaction, which has no time."""
_POLLS = 4


class TopicWatch:
    """``async with TopicWatch(settings, topics) as watch``: reads only the last records of each partition."""

    def __init__(self, settings: Settings, topics: Sequence[str]) -> None:
        self._settings = settings
        self._names = {settings.topic(name): name for name in topics}
        self._places = [TopicPartition(name, number) for name in self._names for number in range(settings.partitions)]
        self._consumer = PacedConsumer(settings, auto_offset_reset="latest", fetch_max_wait_ms=100)
        self._ends: dict[TopicPartition, int] = {}
        self._newest: dict[str, int] = {}

    async def __aenter__(self) -> TopicWatch:
        await start(self._settings, self._consumer)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._consumer.stop()

    async def newest(self) -> dict[str, int]:
        """The time (ms) of the newest record by topic; a topic that never had one is missing. Raises Unavailable."""
        if not self._places:
            return {}
        with broker_errors(self._settings):
            begins = await self._consumer.beginning_offsets(self._places)
            ends = await self._consumer.end_offsets(self._places)
            grown = {place for place in self._places if begins[place] < ends[place] != self._ends.get(place)}
            if grown:
                self._consumer.assign(list(grown))
                for place in grown:
                    self._consumer.seek(place, max(begins[place], ends[place] - _LOOK_BACK))
                await self._read(grown)
            self._ends = ends
        return dict(self._newest)

    async def _read(self, left: set[TopicPartition]) -> None:
        for _ in range(_POLLS):
            for place, records in (await self._consumer.getmany(timeout_ms=250)).items():
                name = self._names[place.topic]
                self._newest[name] = max([self._newest.get(name, 0), *(record.timestamp for record in records)])
                left.discard(place)
            if not left:
                return
