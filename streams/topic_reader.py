"""Read a topic of ours from its beginning to its present end, outside any consumer group."""

from __future__ import annotations

from collections.abc import AsyncIterator

from aiokafka import TopicPartition

from streams.kafka_client import open_consumer
from streams.record import Record
from streams.settings import Settings

_POLL_MS = 500


async def read_to_end(settings: Settings, topic: str) -> AsyncIterator[Record]:
    """Records of a topic (logical name), in order within each partition; raises Unavailable."""
    name = settings.topic(topic)
    async with open_consumer(settings, f"topic {name}", auto_offset_reset="earliest") as consumer:
        if name not in await consumer.topics():
            return
        places = [TopicPartition(name, number) for number in range(settings.partitions)]
        consumer.assign(places)
        await consumer.seek_to_beginning(*places)
        ends = await consumer.end_offsets(places)
        left = {place for place in places if await consumer.position(place) < ends[place]}
        while left:
            for place, records in (await consumer.getmany(timeout_ms=_POLL_MS)).items():
                for record in records:
                    if record.offset < ends[place]:
                        yield Record(topic, record.partition, record.offset, record.timestamp, record.key, record.value)
            left = {place for place in left if await consumer.position(place) < ends[place]}
