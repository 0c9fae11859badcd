"""What people set up while we run (API keys, subscriptions, silences, acknowledgements): one compacted topic that every
process reads whole, follows, and may write.

Nothing here decides about customers: what does that goes through the log. The last write of a record counts.
"""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Callable, Mapping
from types import TracebackType
from typing import Any

from aiokafka import AIOKafkaProducer, ConsumerRecord, TopicPartition
from aiokafka.errors import KafkaError

from schemas.errors import Unavailable
from schemas.topics import CONTROL
from streams.kafka_client import PacedConsumer, batches_to_end, broker_errors, opening
from streams.settings import Settings
from streams.tasks import end_task
from streams.topic_presence import need_topic

log = logging.getLogger(__name__)

_SEEN_SECONDS = 10.0
_TRY_AGAIN_SECONDS = 1.0
Value = dict[str, Any]


class Control:
    """``async with Control(settings) as control``: records by kind and id, as they stand now.

    ``listener(kind, id, value or None)`` is called for each change after the start, in the order of the topic.
    """

    def __init__(self, settings: Settings, listener: Callable[[str, str, Value | None], None] | None = None) -> None:
        self._settings, self._listener = settings, listener
        self._name = settings.topic(CONTROL)
        self._places = [TopicPartition(self._name, number) for number in range(settings.partitions)]
        self._records: dict[str, dict[str, Value]] = {}
        self._consumer = PacedConsumer(settings, auto_offset_reset="earliest", fetch_max_wait_ms=100)
        self._producer = AIOKafkaProducer(**settings.kafka_client_options(), acks="all", enable_idempotence=True)
        self._read: dict[int, int] = {}
        self._progress = asyncio.Condition()
        self._follower: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Control:
        """Read all records; raises Unavailable when the broker does not answer or the topic is not there."""
        async with opening(self._settings, self._consumer, self._producer):
            await need_topic(self._consumer, self._name)
            self._consumer.assign(self._places)
            await self._consumer.seek_to_beginning(*self._places)
            async for batches in batches_to_end(self._consumer, self._places):
                self._take(batches, tell=False)
        self._follower = asyncio.create_task(self._follow(), name="control")
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await end_task(self._follower)
        await self._consumer.stop()
        await self._producer.stop()

    def get(self, kind: str, record_id: str) -> Value | None:
        """The record, or None. It must not be changed in place."""
        return self._records.get(kind, {}).get(record_id)

    def all(self, kind: str) -> Mapping[str, Value]:
        """The records of a kind by id, in the order in which they were first written (within a partition)."""
        return dict(self._records.get(kind, {}))

    async def put(self, kind: str, record_id: str, value: Value) -> None:
        """Write a record whole and return when it can be read here; raises Unavailable."""
        await self._write(kind, record_id, json.dumps(value, ensure_ascii=False, sort_keys=True).encode())

    async def delete(self, kind: str, record_id: str) -> None:
        """Delete a record and return when it is gone here; raises Unavailable."""
        await self._write(kind, record_id, None)

    async def _write(self, kind: str, record_id: str, value: bytes | None) -> None:
        with broker_errors(self._settings, f"the broker did not take {kind} {record_id!r}"):
            told = await self._producer.send_and_wait(self._name, value, f"{kind}/{record_id}".encode())
        async with self._progress:
            try:
                await asyncio.wait_for(
                    self._progress.wait_for(lambda: self._read.get(told.partition, 0) > told.offset), _SEEN_SECONDS
                )
            except TimeoutError as error:
                raise Unavailable(f"{kind} {record_id!r} was written, but cannot be read back yet") from error

    async def _follow(self) -> None:
        while True:
            try:
                batches = await self._consumer.getmany(timeout_ms=500)
            except KafkaError as error:
                log.warning("%s: %r", self._name, error)
                await asyncio.sleep(_TRY_AGAIN_SECONDS)
                continue
            if batches:
                async with self._progress:
                    self._take(batches, tell=True)
                    self._progress.notify_all()

    def _take(self, batches: Mapping[TopicPartition, list[ConsumerRecord]], *, tell: bool) -> None:
        for place, records in batches.items():
            for record in records:
                self._apply(record, tell=tell)
            self._read[place.partition] = records[-1].offset + 1

    def _apply(self, record: ConsumerRecord, *, tell: bool) -> None:
        try:
            kind, _, record_id = record.key.decode().partition("/")
            value = None if record.value is None else json.loads(record.value)
        except (ValueError, AttributeError):
            log.error("%s[%d]@%d is not one of our records", record.topic, record.partition, record.offset)
            return
        if value is None:
            self._records.get(kind, {}).pop(record_id, None)
        else:
            self._records.setdefault(kind, {})[record_id] = value
        if tell and self._listener is not None:
            self._listener(kind, record_id, value)
