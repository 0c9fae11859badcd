"""An idle consumer leaves broker and processor in peace."""

from __future__ import annotations

import asyncio
from typing import Any

from aiokafka import TopicPartition

from schemas.topics import LEVELS
from streams.kafka_client import PacedConsumer
from streams.topic_admin import ensure_topics
from tests.integration.conftest import MakeSettings

WATCHED_SECONDS = 2.0
MOST_FETCHES = 300
"""At the pace meant: 200 on a broker that answers at once. Not paced, it is thousands."""


async def test_an_idle_consumer_does_not_ask_over_and_over(make_settings: MakeSettings) -> None:
    settings = make_settings(partitions=1)
    await ensure_topics(settings)
    consumer = PacedConsumer(settings, auto_offset_reset="earliest")
    await consumer.start()
    try:
        send, asked = consumer._client.send, 0

        async def counted(*request: Any, **options: Any) -> Any:
            nonlocal asked
            asked += 1
            return await send(*request, **options)

        consumer._client.send = counted
        consumer.assign([TopicPartition(settings.topic(LEVELS), 0)])
        ends = asyncio.get_running_loop().time() + WATCHED_SECONDS
        while asyncio.get_running_loop().time() < ends:
            assert await consumer.getmany(timeout_ms=100) == {}
        assert 0 < asked < MOST_FETCHES
    finally:
        await consumer.stop()
