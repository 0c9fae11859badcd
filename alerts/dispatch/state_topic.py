"""Read the topic of alert states: only what was committed, so that half a step is never the last word."""

from __future__ import annotations

from collections.abc import AsyncIterator

from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition

from schemas.topics import ALERT_STATE
from streams.kafka_client import PacedConsumer, batches_to_end
from streams.settings import Settings
from streams.topic_presence import need_topic

PARTITION = 0
"""One partition keeps the order of steps; what stands in it is small."""


def committed_reader(settings: Settings) -> AIOKafkaConsumer:
    """A consumer of what was committed; start and stop it."""
    return PacedConsumer(
        settings, auto_offset_reset="earliest", isolation_level="read_committed", fetch_max_wait_ms=100
    )


async def records_so_far(consumer: AIOKafkaConsumer, settings: Settings) -> AsyncIterator[ConsumerRecord]:
    """Every record up to the present end; the consumer stands behind it. Raises Unavailable, KafkaError, OSError."""
    place = TopicPartition(settings.topic(ALERT_STATE), PARTITION)
    await need_topic(consumer, place.topic)
    consumer.assign([place])
    await consumer.seek_to_beginning(place)
    async for batches in batches_to_end(consumer, [place]):
        for record in batches.get(place, ()):
            yield record
