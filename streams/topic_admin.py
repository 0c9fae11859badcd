"""Make the topics as we need them, and find out what stands in each."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from aiokafka import TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.errors import TopicAlreadyExistsError, for_code

from schemas.errors import InvalidInput, Unavailable
from schemas.topics import ALERT_STATE, AUDIT, DEAD_LETTERS, TOPICS, WEBHOOK_STATE, Topic
from streams.kafka_client import broker_errors, open_consumer
from streams.settings import Settings

log = logging.getLogger(__name__)

_WAIT_SECONDS = 60.0
_FOREVER_MS = str(2**63 - 1)
LARGEST_DEAD_LETTER = 8 * 1024 * 1024
"""Bytes of a record in dead-letters (it holds the refused record whole, as base64) and audit (decision and cause)."""


@dataclass(frozen=True, slots=True)
class TopicState:
    """A topic as it stands in the broker; ``records`` counts those still there."""

    topic: Topic
    name: str
    partitions: int
    records: int


def topic_config(topic: Topic) -> dict[str, str]:
    """Kafka's settings of a topic of ours.

    Record timestamps are event times, so nothing goes by their age: a replay of 2018 would be deleted at once, and
    a year of it cut into a file a week (which also hands the history of levels to compaction before the archive
    has read it: this way compaction waits for a full file of 1 GB). Times ahead are the gate's to judge.
    """
    config = {"segment.ms": _FOREVER_MS, "message.timestamp.after.max.ms": _FOREVER_MS}
    if topic.name in (WEBHOOK_STATE, ALERT_STATE):  # written all the time, and nobody reads its past: compact it early
        config |= {"segment.bytes": str(16 * 1024 * 1024), "min.cleanable.dirty.ratio": "0.1"}
    if topic.compacted:
        return config | {"cleanup.policy": "compact"}
    config |= {"cleanup.policy": "delete", "retention.ms": "-1", "retention.bytes": "-1"}
    if topic.name in (AUDIT, DEAD_LETTERS):
        config["max.message.bytes"] = str(LARGEST_DEAD_LETTER)
    return config


async def ensure_topics(settings: Settings) -> list[str]:
    """Make the topics that are missing and return their full names.

    Raises:
        Unavailable: no broker answers, or it refuses.
        InvalidInput: a topic exists with another number of partitions than the settings say; customers would
            be looked for on the wrong ones.
    """
    async with _admin(settings) as admin:
        found = await _partitions(admin, settings)
        missing = [topic for topic in TOPICS if topic.name not in found]
        for name, count in found.items():
            if count != settings.partitions:
                raise InvalidInput(
                    "partitions_differ",
                    f"topic {settings.topic(name)} has {count} partitions, CREDITPULSE_PARTITIONS says "
                    f"{settings.partitions}: all topics need the same number",
                    "partitions",
                )
        if missing:
            await _create(admin, settings, missing)
        return [settings.topic(topic.name) for topic in missing]


async def wait_for_topics(settings: Settings) -> None:
    """``ensure_topics``, waiting up to a minute for a broker that is just starting; raises as it does."""
    loop = asyncio.get_running_loop()
    deadline = loop.time() + _WAIT_SECONDS
    while True:
        try:
            made = await ensure_topics(settings)
        except Unavailable as error:
            if loop.time() >= deadline:
                raise
            log.warning("waiting: %s", error)
            await asyncio.sleep(1.0)
        else:
            if made:
                log.info("made topics: %s", ", ".join(made))
            return


async def topic_states(settings: Settings) -> list[TopicState]:
    """Every topic of ours that exists, in the order of schemas.topics; raises Unavailable."""
    async with _admin(settings) as admin:
        found = await _partitions(admin, settings)
    states = []
    async with open_consumer(settings) as consumer:
        for topic in TOPICS:
            if topic.name not in found:
                continue
            name = settings.topic(topic.name)
            places = [TopicPartition(name, number) for number in range(found[topic.name])]
            begin, end = await consumer.beginning_offsets(places), await consumer.end_offsets(places)
            records = sum(end[place] - begin[place] for place in places)
            states.append(TopicState(topic, name, len(places), records))
    return states


@asynccontextmanager
async def _admin(settings: Settings) -> AsyncIterator[AIOKafkaAdminClient]:
    admin = AIOKafkaAdminClient(**settings.kafka_client_options())
    try:
        with broker_errors(settings):
            await admin.start()
            yield admin
    finally:
        await admin.close()


async def _partitions(admin: AIOKafkaAdminClient, settings: Settings) -> dict[str, int]:
    """Number of partitions of each topic of ours that exists, by logical name."""
    existing = set(await admin.list_topics())
    names = {settings.topic(topic.name): topic.name for topic in TOPICS}
    ours = [name for name in names if name in existing]
    if not ours:
        return {}
    described: list[dict[str, Any]] = await admin.describe_topics(ours)
    return {names[item["topic"]]: len(item["partitions"]) for item in described}


async def _create(admin: AIOKafkaAdminClient, settings: Settings, topics: list[Topic]) -> None:
    response = await admin.create_topics(
        [
            NewTopic(
                settings.topic(topic.name),
                settings.partitions,
                settings.replication_factor,
                topic_configs=topic_config(topic),
            )
            for topic in topics
        ]
    )
    for name, code, *_ in response.topic_errors:
        refusal = for_code(code)
        if code and refusal is not TopicAlreadyExistsError:
            raise Unavailable(f"the broker did not make topic {name}: {refusal.__name__}")
