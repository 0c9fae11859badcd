"""Open clients of the broker, and turn what aiokafka raises into Unavailable: the one place that does."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from typing import Protocol

from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition
from aiokafka.errors import KafkaConnectionError, KafkaError

from schemas.errors import Unavailable
from streams.settings import Settings
from streams.transport.pacing import pace_empty_fetches

_POLL_MS = 500
_EMPTY_FETCH_PAUSE_SECONDS = 0.01
"""What a record may wait at most, where the broker does not hold an empty fetch back."""


class PacedConsumer(AIOKafkaConsumer):  # type: ignore[misc] # aiokafka has no types
    """Commits nothing by itself, and does not ask an idle broker over and over; ``options`` are aiokafka's."""

    def __init__(self, settings: Settings, **options: object) -> None:
        super().__init__(**settings.kafka_client_options(), enable_auto_commit=False, **options)

    async def start(self) -> None:
        """Connect, then pace the fetches."""
        await super().start()
        await asyncio.sleep(0)  # its tasks begin: aiokafka's stop passes on the cancellation of one that has not
        pace_empty_fetches(self, _EMPTY_FETCH_PAUSE_SECONDS)


class Client(Protocol):
    """An AIOKafkaConsumer or AIOKafkaProducer."""

    async def start(self) -> None:
        """Connect."""

    async def stop(self) -> None:
        """Leave; also what has not been started."""


@contextmanager
def broker_errors(settings: Settings, what: str = "") -> Iterator[None]:
    """Errors of the broker inside become Unavailable; ``what`` says what failed when there is one that answers."""
    try:
        yield
    except KafkaConnectionError as error:
        raise Unavailable(f"no broker answers at {settings.broker}") from error
    except (KafkaError, OSError) as error:
        raise Unavailable(f"{what or f'the broker at {settings.broker} failed'}: {error!r}") from error


@asynccontextmanager
async def opening(settings: Settings, *clients: Client) -> AsyncIterator[None]:
    """Start the clients, then do what else belongs to opening them; if any of it fails, they are stopped.

    Raises Unavailable without a broker.
    """
    try:
        with broker_errors(settings):
            for client in clients:
                await client.start()
            yield
    except BaseException:
        for client in clients:
            await client.stop()
        raise


async def start(settings: Settings, client: Client) -> None:
    """Start a client, or leave it stopped and raise Unavailable."""
    async with opening(settings, client):
        pass


@asynccontextmanager
async def open_consumer(settings: Settings, what: str = "", **options: object) -> AsyncIterator[AIOKafkaConsumer]:
    """A started consumer that commits nothing by itself; ``what`` as in ``broker_errors``, ``options`` are aiokafka's.

    Raises Unavailable, also for errors of the broker in the body.
    """
    consumer = PacedConsumer(settings, **options)
    try:
        with broker_errors(settings, what):
            await consumer.start()
            yield consumer
    finally:
        await consumer.stop()


async def batches_to_end(
    consumer: AIOKafkaConsumer, places: Sequence[TopicPartition], max_records: int | None = None
) -> AsyncIterator[dict[TopicPartition, list[ConsumerRecord]]]:
    """What is between where the consumer stands and the present end of its partitions, and what came meanwhile."""
    ends = await consumer.end_offsets(places)
    while any([await consumer.position(place) < ends[place] for place in places]):
        yield await consumer.getmany(timeout_ms=_POLL_MS, max_records=max_records)
