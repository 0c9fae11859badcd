"""Our way into Kafka for whoever is not a Faust worker: publish events with their times."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Iterable
from types import TracebackType

from aiokafka import AIOKafkaProducer
from aiokafka.structs import RecordMetadata

from schemas.log import Source
from schemas.topics import TICKS
from streams.kafka_client import broker_errors, start
from streams.partitioner import UNKEYED_PARTITION
from streams.settings import Settings
from streams.sources.event_file import TimedEvent
from streams.topic_admin import ensure_topics

_NOT_TAKEN = "the broker did not take an event"
_IN_FLIGHT = 20_000
"""Records sent and not yet acknowledged before a send waits."""


class Publisher:
    """Publishes events in the order given; after ``flush`` the broker has acknowledged all of them."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._producer = AIOKafkaProducer(
            **settings.kafka_client_options(), acks="all", enable_idempotence=True, linger_ms=0,
            max_batch_size=262_144,
        )  # fmt: skip
        self._acks: deque[asyncio.Future[RecordMetadata]] = deque()

    async def __aenter__(self) -> Publisher:
        await start(self._settings, self._producer)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._producer.stop()

    async def send(self, event: TimedEvent) -> None:
        """Send an event: a customer's to the partition of its key, a tick to every partition.

        Raises Unavailable when this or an earlier event was not accepted.
        """
        key = event.key.encode() if event.key is not None else None
        if event.topic == TICKS:
            for partition in range(self._settings.partitions):
                await self._send(event, key, partition)
        else:
            await self._send(event, key, UNKEYED_PARTITION if key is None else None)

    async def place(self, event: TimedEvent) -> Source:
        """Send a customer's event and return where it stands, once the broker has it; raises Unavailable."""
        key = event.key.encode() if event.key is not None else None
        name = self._settings.topic(event.topic)
        with broker_errors(self._settings, _NOT_TAKEN):
            told: RecordMetadata = await self._producer.send_and_wait(
                name, event.raw, key, timestamp_ms=event.timestamp_ms
            )
        return Source(topic=event.topic, partition=told.partition, offset=told.offset)

    async def flush(self) -> None:
        """Wait until the broker has all that was sent; raises Unavailable."""
        with broker_errors(self._settings, _NOT_TAKEN):
            while self._acks:
                await self._acks.popleft()

    async def _send(self, event: TimedEvent, key: bytes | None, partition: int | None) -> None:
        name = self._settings.topic(event.topic)
        with broker_errors(self._settings, _NOT_TAKEN):
            ack = await self._producer.send(name, event.raw, key, partition=partition, timestamp_ms=event.timestamp_ms)
        self._acks.append(ack)
        if len(self._acks) >= _IN_FLIGHT:
            await self.flush()


async def publish(settings: Settings, events: Iterable[TimedEvent]) -> int:
    """Publish events as fast as the broker takes them and return how many.

    The topics are made before, if they are missing: a broker that makes them by itself gives them one partition, for
    ever. Raises as ``ensure_topics``.
    """
    await ensure_topics(settings)
    count = 0
    async with Publisher(settings) as publisher:
        for event in events:
            await publisher.send(event)
            count += 1
        await publisher.flush()
    return count
