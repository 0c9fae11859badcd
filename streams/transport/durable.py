"""Sends whose acknowledgement is awaited: outputs, log entries and changelog records, past Faust's producer buffer.

What breaks without it: Faust queues sends in a buffer whose `flush` gives up after 0.1 s without progress
and does not count the message in its hand (`ProducerBuffer.flush_atmost`), so a commit can overtake them; a
send that fails later is only logged (`Topic._on_published`), and the offset is committed anyway; one that
fails at once (too large) kills the buffer. Here a failure is raised to the caller, who has not acknowledged
anything yet, and the worker stops.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Iterable, Mapping, Sequence
from typing import Any, NamedTuple, cast

import faust
from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError
from aiokafka.structs import RecordMetadata
from faust.transport.drivers import aiokafka as driver

from streams.transport.bytes_table import BytesTable
from streams.transport.errors import SendFailed

Headers = Sequence[tuple[str, bytes]]
Ack = asyncio.Future[RecordMetadata]


class Row(NamedTuple):
    """A record to be sent; ``timestamp_ms`` None means now."""

    key: bytes | None
    value: bytes | None
    timestamp_ms: int | None = None
    headers: Headers = ()


class DurableWriter:
    """Sends through the app's own aiokafka producer; nothing counts before `gather_acks` has returned."""

    def __init__(self, app: faust.App) -> None:
        self._app = app

    @property
    def _producer(self) -> AIOKafkaProducer:
        return cast(driver.Producer, self._app.producer)._ensure_producer()

    async def send(
        self,
        topic: str,
        key: bytes | None,
        value: bytes | None,
        partition: int | None = None,
        timestamp_ms: int | None = None,
        headers: Headers = (),
    ) -> Ack:
        """Send one record; without ``partition`` its key decides. Raises SendFailed if it is refused at once."""
        return await self._accept(
            self._producer.send(
                topic, value, key, partition=partition, timestamp_ms=timestamp_ms, headers=list(headers)
            )
        )

    async def send_batch(self, topic: str, partition: int, rows: Iterable[Row]) -> list[Ack]:
        """Send rows to one partition, in order, in as few batches as fit; one acknowledgement per batch.

        Several times cheaper than `send` for each row. An acknowledgement holds the offset of its last row.
        """
        acks: list[Ack] = []
        producer = self._producer
        batch = producer.create_batch()
        for row in rows:
            if not _append(batch, row):
                acks.append(await self._submit(batch, topic, partition))
                batch = producer.create_batch()
                _append(batch, row)
        if batch.record_count():
            acks.append(await self._submit(batch, topic, partition))
        return acks

    async def gather_acks(self, acks: Iterable[Ack]) -> list[RecordMetadata]:
        """Wait until the broker has all of them; raises SendFailed, once all are settled, if one is refused."""
        pending = list(acks)
        if pending:
            await asyncio.wait(pending)  # gather would cancel the sends along with a cancelled caller
        failures = [ack for ack in pending if ack.cancelled() or ack.exception() is not None]
        if failures:
            cause = None if failures[0].cancelled() else failures[0].exception()
            raise SendFailed(f"{len(failures)} of {len(pending)} sends were not acknowledged: {cause!r}") from cause
        return [ack.result() for ack in pending]

    async def write_table(self, table: BytesTable, partition: int, items: Mapping[bytes, bytes | None]) -> None:
        """Write ``items`` (None deletes) to the changelog, await it, and only then set the table's local data.

        So the local state never is ahead of what a successor would recover. Raises SendFailed or NotOwner.
        """
        table.check(partition, items)
        if not items:
            return
        acks = await self.send_batch(
            table.changelog_topic_name, partition, (Row(key, value) for key, value in items.items())
        )
        offset = (await self.gather_acks(acks))[-1].offset
        table.put(partition, items, offset)

    async def _submit(self, batch: Any, topic: str, partition: int) -> Ack:
        batch.close()  # no later `send` joins it, and it does not linger
        rows = batch.record_count()
        ack = await self._accept(self._producer.send_batch(batch, topic, partition=partition))
        return asyncio.ensure_future(_last_offset(ack, rows))

    async def _accept(self, sending: Awaitable[Ack]) -> Ack:
        try:
            return await sending
        except KafkaError as error:
            raise SendFailed(f"the producer refused a record: {error!r}") from error


def _append(batch: Any, row: Row) -> bool:
    appended = batch.append(key=row.key, value=row.value, timestamp=row.timestamp_ms, headers=list(row.headers))
    return appended is not None


async def _last_offset(ack: Ack, rows: int) -> RecordMetadata:
    metadata = await ack
    return metadata._replace(offset=metadata.offset + rows - 1)
