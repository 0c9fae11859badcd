"""How a caller's word gets into the log: published to a public topic, and answered by what the engine made of it."""

from __future__ import annotations

import asyncio
from contextlib import aclosing
from types import TracebackType

from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError

from desk.api.hub import Hub
from models.calendar import to_ms
from schemas.decisions import OrderDecision
from schemas.errors import Unavailable
from schemas.events import InEvent
from schemas.log import Source
from streams.partitioner import UNKEYED_PARTITION
from streams.settings import Settings


class Sender:
    """``async with Sender(settings) as sender``: publishes events one at a time, acknowledged by the broker."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._producer = AIOKafkaProducer(**settings.kafka_client_options(), acks="all", enable_idempotence=True)

    async def __aenter__(self) -> Sender:
        """Raises Unavailable when no broker answers."""
        try:
            await self._producer.start()
        except (KafkaError, OSError) as error:
            await self._producer.stop()
            raise Unavailable(f"no broker at {self._settings.broker}: {error!r}") from error
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._producer.stop()

    async def send(self, topic: str, key: str | None, event: InEvent) -> Source:
        """Publish an event at the time when it occurred, and tell where it stands; raises Unavailable."""
        try:
            told = await self._producer.send_and_wait(
                self._settings.topic(topic),
                event.model_dump_json(exclude_none=True).encode(),
                None if key is None else key.encode(),
                partition=UNKEYED_PARTITION if key is None else None,
                timestamp_ms=to_ms(event.occurred_at),
            )
        except (KafkaError, OSError) as error:
            raise Unavailable(f"the broker did not take the event: {error!r}") from error
        return Source(topic=topic, partition=told.partition, offset=told.offset)


async def send_and_hear(
    sender: Sender, hub: Hub, topic: str, key: str, event: InEvent, seconds: float
) -> tuple[Source, list[OrderDecision]]:
    """Publish a customer's event and wait up to ``seconds`` for the order decisions that it led to (perhaps none)."""
    after = hub.position
    source = await sender.send(topic, key, event)
    found: list[OrderDecision] = []
    try:
        async with asyncio.timeout(seconds), aclosing(hub.listen(after)) as stream:
            async for heard in stream:
                decided = heard.item.event.data
                if isinstance(decided, OrderDecision) and decided.cause == source:
                    found.append(decided)
                    break
    except TimeoutError:
        pass
    return source, found
