"""The dispatcher's memory: one compacted topic, written in transactions: it holds a whole step, or none of it."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from types import TracebackType

from aiokafka import AIOKafkaProducer
from aiokafka.errors import ProducerFenced

from alerts.dispatch.state_topic import PARTITION, committed_reader, records_so_far
from schemas.errors import Unavailable
from schemas.topics import ALERT_STATE
from streams.kafka_client import broker_errors, opening
from streams.settings import Settings


class StateStore:
    """``async with StateStore(settings) as store``. Whoever opens it shuts out whoever had it open before."""

    def __init__(self, settings: Settings) -> None:
        self._settings, self._topic = settings, settings.topic(ALERT_STATE)
        self.records: dict[str, bytes] = {}
        """What stood there at the start."""
        self._writing = asyncio.Lock()
        self._producer = AIOKafkaProducer(
            **settings.kafka_client_options(), transactional_id=f"{settings.app_id}-dispatch", acks="all"
        )

    async def __aenter__(self) -> StateStore:
        """Raises Unavailable."""
        async with opening(self._settings, self._producer):
            await self._read()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._producer.stop()

    async def _read(self) -> None:
        consumer = committed_reader(self._settings)
        try:
            await consumer.start()
            async for record in records_so_far(consumer, self._settings):
                if record.value is None:
                    self.records.pop(record.key.decode(), None)
                else:
                    self.records[record.key.decode()] = record.value
        finally:
            await consumer.stop()

    async def commit(self, changes: Mapping[str, bytes | None]) -> None:
        """Write all of it or nothing, one after the other; raises Unavailable, after which nothing may be sent."""
        with broker_errors(self._settings, "the broker did not take the state of alerts"):
            try:
                async with self._writing, self._producer.transaction():
                    for key, value in changes.items():
                        await self._producer.send(self._topic, value, key.encode(), partition=PARTITION)
            except ProducerFenced as error:
                raise Unavailable("another dispatcher was started: this one ends") from error
