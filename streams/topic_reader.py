"""Read a topic of ours from its beginning to its present end, outside any consumer group."""

from __future__ import annotations

from collections.abc import AsyncIterator

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaConnectionError, KafkaError

from schemas.errors import Unavailable
from streams.record import Record
from streams.settings import Settings

_POLL_MS = 500


async def read_to_end(settings: Settings, topic: str) -> AsyncIterator[Record]:
    """Records of a topic (logical name), in order within each partition; raises Unavailable."""
    name = settings.topic(topic)
    consumer = AIOKafkaConsumer(
        **settings.kafka_client_options(), enable_auto_commit=False, auto_offset_reset="earliest"
    )
    try:
        await consumer.start()
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
    except KafkaConnectionError as error:
        raise Unavailable(f"no broker answers at {settings.broker}") from error
    except (KafkaError, OSError) as error:
        raise Unavailable(f"topic {name} at {settings.broker}: {error!r}") from error
    finally:
        await consumer.stop()
