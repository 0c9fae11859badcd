"""How far each subscription is, in a topic: written with the log of attempts after each of them, read at the start."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from types import TracebackType

import msgspec
from aiokafka import AIOKafkaProducer

from schemas.deliveries import DeliveryOut
from schemas.errors import UnsupportedVersion
from schemas.topics import DELIVERIES, WEBHOOK_STATE
from streams.kafka_client import broker_errors, opening
from streams.settings import Settings
from streams.topic_reader import read_to_end

log = logging.getLogger(__name__)

VERSION = 1
MOST_DEAD = 200
"""Dead deliveries that are listed; older ones stand in the topic `deliveries` alone."""


class Waiting(msgspec.Struct, array_like=True, frozen=True):
    """An event that was read and not settled; ``due_ms`` since 1970."""

    topic: str
    partition: int
    offset: int
    attempts: int
    due_ms: int


class DeadDelivery(msgspec.Struct, frozen=True):
    """An event that was given up after its last attempt at ``at_ms`` (since 1970)."""

    topic: str
    partition: int
    offset: int
    event_id: str
    event_type: str
    subject: str
    sequence: str
    attempts: int
    at_ms: int
    error: str


class DeliveryState(msgspec.Struct):
    """``positions``: next offset by topic/partition; what stands before is settled, or waiting."""

    positions: dict[str, int]
    waiting: list[Waiting] = []
    sequence: int = 0
    failing_since_ms: int | None = None
    dead: list[DeadDelivery] = []
    applied: list[str] = []
    """Requests that were carried out; they are deleted after that."""
    version: int = VERSION


def decode_state(value: bytes) -> DeliveryState:
    """A state as it was stored; raises UnsupportedVersion."""
    state = msgspec.json.decode(value, type=DeliveryState)
    if state.version > VERSION:
        raise UnsupportedVersion(f"webhook state of version {state.version}: a newer creditpulse wrote it")
    return state


async def read_states(settings: Settings) -> dict[str, DeliveryState]:
    """The states as last written, by subscription; raises Unavailable."""
    found: dict[str, bytes | None] = {}
    async for record in read_to_end(settings, WEBHOOK_STATE):
        if record.key is not None:
            found[record.key.decode()] = record.value
    return {name: decode_state(value) for name, value in found.items() if value is not None}


class StateStore:
    """``async with StateStore(settings) as store``: one process may write at a time."""

    def __init__(self, settings: Settings, count_attempt: Callable[[str], None] = lambda outcome: None) -> None:
        self._settings, self._count_attempt = settings, count_attempt
        self._states: dict[str, bytes] = {}
        self._producer = AIOKafkaProducer(**settings.kafka_client_options(), acks="all", enable_idempotence=True)

    async def __aenter__(self) -> StateStore:
        async with opening(self._settings, self._producer):
            self._states = {
                name: msgspec.json.encode(state) for name, state in (await read_states(self._settings)).items()
            }
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._producer.stop()

    def get(self, subscription_id: str) -> DeliveryState | None:
        """A copy of the state as last written."""
        value = self._states.get(subscription_id)
        return None if value is None else decode_state(value)

    async def write(self, subscription_id: str, state: DeliveryState, attempts: Sequence[DeliveryOut] = ()) -> None:
        """Log the attempts and store what they led to; returns when the broker has both, raises Unavailable."""
        key, value = subscription_id.encode(), msgspec.json.encode(state)
        name = self._settings.topic
        with broker_errors(self._settings, f"the broker did not take the state of {subscription_id}"):
            sent = [
                await self._producer.send(name(DELIVERIES), attempt.model_dump_json().encode(), key)
                for attempt in attempts
            ]
            sent.append(await self._producer.send(name(WEBHOOK_STATE), value, key))
            for ack in sent:
                await ack
        self._states[subscription_id] = value
        for attempt in attempts:
            self._count_attempt(attempt.data.outcome)

    async def delete(self, subscription_id: str) -> None:
        """Forget a subscription that was removed; raises Unavailable."""
        with broker_errors(self._settings, f"the broker did not forget {subscription_id}"):
            await self._producer.send_and_wait(self._settings.topic(WEBHOOK_STATE), None, subscription_id.encode())
        self._states.pop(subscription_id, None)

    def known(self) -> set[str]:
        """Subscriptions that have a state."""
        return set(self._states)
