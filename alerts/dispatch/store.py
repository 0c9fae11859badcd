"""The dispatcher's memory: one compacted topic, written in transactions: it holds a whole step, or none of it."""

from __future__ import annotations

from collections.abc import Mapping
from types import TracebackType

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.errors import KafkaError, ProducerFenced

from schemas.errors import Unavailable
from schemas.topics import ALERT_STATE
from streams.settings import Settings

_PARTITION = 0
"""One partition keeps the order of steps; what stands in it is small."""


async def read_records(settings: Settings) -> dict[str, bytes]:
    """The records as last committed, by key; raises Unavailable."""
    place = TopicPartition(settings.topic(ALERT_STATE), _PARTITION)
    consumer = AIOKafkaConsumer(
        **settings.kafka_client_options(), enable_auto_commit=False, auto_offset_reset="earliest",
        isolation_level="read_committed",
    )  # fmt: skip
    found: dict[str, bytes] = {}
    try:
        await consumer.start()
        if place.topic not in await consumer.topics():
            raise Unavailable(f"topic {place.topic} is not there yet: creditpulse topics create")
        consumer.assign([place])
        await consumer.seek_to_beginning(place)
        end = (await consumer.end_offsets([place]))[place]
        while await consumer.position(place) < end:
            for records in (await consumer.getmany(timeout_ms=500)).values():
                for record in records:
                    if record.value is None:
                        found.pop(record.key.decode(), None)
                    else:
                        found[record.key.decode()] = record.value
    except (KafkaError, OSError) as error:
        raise Unavailable(f"topic {place.topic} at {settings.broker}: {error!r}") from error
    finally:
        await consumer.stop()
    return found


class StateStore:
    """``async with StateStore(settings) as store``. Whoever opens it shuts out whoever had it open before."""

    def __init__(self, settings: Settings) -> None:
        self._settings, self._topic = settings, settings.topic(ALERT_STATE)
        self.records: dict[str, bytes] = {}
        """What stood there at the start."""
        self._producer = AIOKafkaProducer(
            **settings.kafka_client_options(), transactional_id=f"{settings.app_id}-dispatch", acks="all"
        )

    async def __aenter__(self) -> StateStore:
        """Raises Unavailable."""
        try:
            await self._producer.start()
            self.records = await read_records(self._settings)
        except (KafkaError, OSError) as error:
            await self._producer.stop()
            raise Unavailable(f"no broker at {self._settings.broker}: {error!r}") from error
        except BaseException:
            await self._producer.stop()
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._producer.stop()

    async def commit(self, changes: Mapping[str, bytes | None]) -> None:
        """Write all of it or nothing; raises Unavailable, after which nothing may be sent."""
        try:
            async with self._producer.transaction():
                for key, value in changes.items():
                    await self._producer.send(self._topic, value, key.encode(), partition=_PARTITION)
        except ProducerFenced as error:
            raise Unavailable("another dispatcher was started: this one ends") from error
        except (KafkaError, OSError) as error:
            raise Unavailable(f"the broker did not take the state of alerts: {error!r}") from error
