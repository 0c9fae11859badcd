"""Places in the out topics that subscriptions begin at or go back to, and the log of deliveries."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable
from datetime import datetime
from itertools import chain

from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition
from pydantic import ValidationError

from models.calendar import to_ms
from schemas.deliveries import DeliveryOut
from schemas.errors import InvalidInput
from schemas.topics import BY_NAME, DELIVERIES
from streams.kafka_client import batches_to_end, open_consumer
from streams.partitioner import partition_of
from streams.settings import Settings

MOST_ATTEMPTS = 10_000
"""Newest attempts of a partition of the log that are looked through."""

Place = tuple[str, int, int]


async def now_in(settings: Settings, topics: Iterable[str]) -> dict[str, int]:
    """The ends of the topics, by topic/partition; raises Unavailable."""
    async with open_consumer(settings) as consumer:
        return _named(settings, await consumer.end_offsets(_places(settings, topics)))


async def at_beginning(settings: Settings, topics: Iterable[str]) -> dict[str, int]:
    """The beginnings of the topics, by topic/partition; raises Unavailable."""
    async with open_consumer(settings) as consumer:
        return _named(settings, await consumer.beginning_offsets(_places(settings, topics)))


async def at_time(settings: Settings, topics: Iterable[str], since: datetime) -> dict[str, int]:
    """Where the events begin whose records are of this time or later, by topic/partition; raises Unavailable."""
    places = _places(settings, topics)
    async with open_consumer(settings) as consumer:
        found = await consumer.offsets_for_times(dict.fromkeys(places, max(0, to_ms(since))))
        ends = await consumer.end_offsets(places)
        starts = {place: found[place].offset if found.get(place) else ends[place] for place in places}
        return _named(settings, starts)


async def of_customer(settings: Settings, topics: Iterable[str], customer: str, from_sequence: int) -> list[Place]:
    """Places of a customer's events from this sequence (of each type) on; raises Unavailable."""
    number = partition_of(customer.encode(), settings.partitions)
    places = [TopicPartition(settings.topic(name), number) for name in sorted(topics)]
    names = {settings.topic(name): name for name in topics}
    found: dict[str, Place] = {}
    async with open_consumer(settings) as consumer:
        async for record in _all(consumer, places, None):
            if record.key != customer.encode() or record.value is None:
                continue
            name = names[record.topic]
            try:
                event = BY_NAME[name].contract.validate_json(record.value)
            except ValidationError:
                continue  # nobody could be sent it
            if int(event.sequence) >= from_sequence:
                found.setdefault(event.id, (name, number, record.offset))
    return list(found.values())


async def attempts_of(settings: Settings, subscription_id: str) -> list[DeliveryOut]:
    """The newest attempts to deliver to a subscription, oldest first, each id once; raises Unavailable."""
    key = subscription_id.encode()
    place = TopicPartition(settings.topic(DELIVERIES), partition_of(key, settings.partitions))
    found: dict[str, DeliveryOut] = {}
    async with open_consumer(settings) as consumer:
        async for record in _all(consumer, [place], MOST_ATTEMPTS):
            if record.key == key and record.value is not None:
                try:
                    entry = DeliveryOut.model_validate_json(record.value)
                except ValidationError:
                    continue  # of a newer contract
                found.setdefault(entry.id, entry)
    return list(found.values())


async def places_of(settings: Settings, subscription_id: str, event_ids: Iterable[str]) -> list[Place]:
    """Where events stand that were delivered, or tried to, before; raises InvalidInput for one that was not."""
    known = {entry.data.event_id: entry.data for entry in await attempts_of(settings, subscription_id)}
    found = []
    for event_id in event_ids:
        data = known.get(event_id)
        if data is None:
            message = f"no attempt to deliver {event_id[:200]!r} is in the log of {subscription_id}"
            raise InvalidInput("unknown_delivery", message, "event_id")
        found.append((data.topic, data.partition, data.offset))
    return found


async def _all(
    consumer: AIOKafkaConsumer, places: list[TopicPartition], newest: int | None
) -> AsyncIterator[ConsumerRecord]:
    """The records that stand there now; with ``newest`` so many of each partition, from its end."""
    begins, ends = await consumer.beginning_offsets(places), await consumer.end_offsets(places)
    consumer.assign(places)
    for place in places:
        consumer.seek(place, begins[place] if newest is None else max(begins[place], ends[place] - newest))
    async for batches in batches_to_end(consumer, places):
        for record in chain.from_iterable(batches.values()):
            yield record


def _places(settings: Settings, topics: Iterable[str]) -> list[TopicPartition]:
    return [
        TopicPartition(settings.topic(name), number) for name in sorted(topics) for number in range(settings.partitions)
    ]


def _named(settings: Settings, offsets: dict[TopicPartition, int]) -> dict[str, int]:
    cut = len(settings.topic_prefix)
    return {f"{place.topic[cut:]}/{place.partition}": offset for place, offset in offsets.items()}
