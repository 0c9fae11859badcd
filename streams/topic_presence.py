"""Whether a topic is there: a real Kafka tells of a topic that was just made a moment later on each of its brokers."""

from __future__ import annotations

import asyncio

from aiokafka import AIOKafkaConsumer

from schemas.errors import Unavailable

_SECONDS, _PAUSE = 3.0, 0.2


async def need_topic(consumer: AIOKafkaConsumer, topic: str) -> None:
    """Return when the broker knows the topic; raises Unavailable when it does not within seconds."""
    loop = asyncio.get_running_loop()
    give_up = loop.time() + _SECONDS
    while topic not in await consumer.topics():
        if loop.time() > give_up:
            raise Unavailable(f"topic {topic} is not there yet: creditpulse topics create")
        await asyncio.sleep(_PAUSE)
