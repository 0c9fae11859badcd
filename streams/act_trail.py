"""What became of a person's act: its event, read where it was published, and what the engine recorded of it.

The engine records each act on the topic ``audit``, and behind it the decisions that it led to; so an act is found by
its id, whichever of several copies of it was the one that counted.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import NamedTuple

import msgspec
from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition
from pydantic import ValidationError

from schemas.decisions import (
    CREDIT_ALERT,
    CREDIT_LEVEL,
    MODEL_NOTE,
    ORDER_DECISION,
    AlertOut,
    LevelOut,
    ModelNoteOut,
    OrderOut,
    OutEvent,
)
from schemas.events import CustomerEvent
from schemas.log import Source
from schemas.topics import AUDIT, BY_NAME
from streams.kafka_client import broker_errors, open_consumer
from streams.settings import Settings

_CONTRACTS: dict[str, type[LevelOut | AlertOut | OrderOut | ModelNoteOut]] = {
    CREDIT_LEVEL: LevelOut, CREDIT_ALERT: AlertOut, ORDER_DECISION: OrderOut, MODEL_NOTE: ModelNoteOut,
}  # fmt: skip
_POLL_MS = 100


_NOTHING = msgspec.Raw(b"null")


class _Place(msgspec.Struct):
    topic: str
    partition: int
    offset: int


class _Entry(msgspec.Struct):
    source: _Place


class _Head(msgspec.Struct):
    """What is read of ``schemas.audit.AuditRecord``."""

    offset: int
    kind: str
    type: str
    id: str
    entry: _Entry | None = None
    out: msgspec.Raw = _NOTHING


_decode = msgspec.json.Decoder(_Head).decode


class Outcome(NamedTuple):
    """Where the act stands that counted, and in the log; and the decisions that it led to, perhaps none."""

    source: Source
    offset: int
    decisions: list[OutEvent]


class Published(NamedTuple):
    """An event as it stands in a public topic, and its record's timestamp (ms since 1970)."""

    event: CustomerEvent
    timestamp_ms: int


class ActTrail:
    """The audit records of a partition from some place on. Made by ``act_trail``."""

    def __init__(self, settings: Settings, consumer: AIOKafkaConsumer, place: TopicPartition) -> None:
        self._settings, self._consumer, self._place = settings, consumer, place

    async def outcome(
        self, event_id: str, seconds: float, last: Callable[[OutEvent], bool] = lambda _: False
    ) -> Outcome | None:
        """What an act led to; None: the engine has not applied it.

        Waits ``seconds`` for it, or, with 0, reads what is there. ``last`` tells a decision behind which none that
        matters can come: without it, the end of the topic has to be waited for. Raises Unavailable.
        """
        clock = asyncio.get_running_loop().time
        until, reading = clock() + seconds, _Reading(event_id)
        with broker_errors(self._settings):
            end = (await self._consumer.end_offsets([self._place]))[self._place]
            while True:
                batch = (await self._consumer.getmany(timeout_ms=_POLL_MS)).get(self._place, [])
                for record in batch:
                    if (reading.take(record) and last(reading.found[-1])) or reading.behind:
                        return reading.outcome
                if batch or await self._consumer.position(self._place) < end:
                    continue
                if reading.outcome is not None or clock() >= until:
                    return reading.outcome


class _Reading:
    """What has been read of one act. ``behind``: another entry's records follow."""

    def __init__(self, event_id: str) -> None:
        self._event_id, self._at = event_id, -1
        self._ids: set[str] = set()
        self.found: list[OutEvent] = []
        self.outcome: Outcome | None = None
        self.behind = False

    def take(self, record: ConsumerRecord) -> bool:
        """Whether the record holds another decision of the act."""
        head = _decode(record.value)
        if self.outcome is None:
            if head.kind == "action" and head.id == self._event_id and head.entry is not None:
                place = head.entry.source
                source = Source(topic=place.topic, partition=place.partition, offset=place.offset)
                self._at, self.outcome = head.offset, Outcome(source, head.offset, self.found)
            return False
        self.behind = head.offset > self._at
        if head.offset != self._at or head.kind != "decision" or head.id in self._ids:
            return False
        self._ids.add(head.id)  # after a crash an entry's records are written again
        self.found.append(_CONTRACTS[head.type].model_validate_json(bytes(head.out)))
        return True


@asynccontextmanager
async def act_trail(settings: Settings, partition: int, since_ms: int | None = None) -> AsyncIterator[ActTrail]:
    """The trail of a partition from now on, or from the first record of this time (ms) on; raises Unavailable."""
    place = TopicPartition(settings.topic(AUDIT), partition)
    async with _at(settings, place) as consumer:
        if since_ms is None:
            at = (await consumer.end_offsets([place]))[place]
        else:
            found = (await consumer.offsets_for_times({place: since_ms})).get(place)
            at = (await consumer.end_offsets([place]))[place] if found is None else found.offset
        consumer.seek(place, at)
        yield ActTrail(settings, consumer, place)


async def published(settings: Settings, source: Source) -> Published | None:
    """The event at a place of a public topic; None: there is none, or it is not of the contract. Raises Unavailable."""
    place = TopicPartition(settings.topic(source.topic), source.partition)
    async with _at(settings, place) as consumer:
        begin, end = (await consumer.beginning_offsets([place]))[place], (await consumer.end_offsets([place]))[place]
        if not begin <= source.offset < end:
            return None
        consumer.seek(place, source.offset)
        record = await consumer.getone(place)
    try:
        event = BY_NAME[source.topic].contract.validate_json(record.value or b"")
    except ValidationError:
        return None
    return Published(event, record.timestamp) if isinstance(event, CustomerEvent) else None


@asynccontextmanager
async def _at(settings: Settings, place: TopicPartition) -> AsyncIterator[AIOKafkaConsumer]:
    async with open_consumer(settings, auto_offset_reset="none", fetch_max_wait_ms=20) as consumer:
        consumer.assign([place])
        yield consumer
