"""Read a topic of ours from its beginning to its present end, outside any consumer group."""

from __future__ import annotations

from collections.abc import AsyncIterator
from itertools import chain

from aiokafka import TopicPartition

from streams.kafka_client import batches_to_end, open_consumer
from streams.record import Record
from streams.settings import Settings


async def read_to_end(settings: Settings, topic: str) -> AsyncIterator[Record]:
    """Records of a topic (logical name), in order within each partition; raises Unavailable."""
    name = settings.topic(topic)
    async with open_consumer(settings, f"topic {name}", auto_offset_reset="earliest") as consumer:
        if name not in await consumer.topics():
            return
        places = [TopicPartition(name, number) for number in range(settings.partitions)]
        consumer.assign(places)
        await consumer.seek_to_beginning(*places)
        async for batches in batches_to_end(consumer, places):
            for record in chain.from_iterable(batches.values()):
                yield Record(topic, record.partition, record.offset, record.timestamp, record.key, record.value)
