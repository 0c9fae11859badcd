"""The archive's sealing task: the topic ``audit`` into the chains of ``audit_entries``, checkpoints onto their topic.

Where it stands is in ClickHouse beside the entries, not in committed offsets: after any fault it reads that again and
goes on. Two members that seal a partition at once (a rebalance) write the same rows.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Collection, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from datetime import datetime
from typing import Any, Protocol

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, ConsumerRebalanceListener, TopicPartition
from aiokafka.errors import KafkaError

from schemas.audit import AUDIT_CHECKPOINT, AUDIT_CHECKPOINT_SCHEMA, CheckpointOut
from schemas.envelope import Severity
from schemas.errors import CreditPulseError, InvalidInput, Unavailable
from schemas.topics import AUDIT
from streams.archive.client import ClickHouse
from streams.archive.rows import COLUMNS as ARCHIVE_COLUMNS
from streams.archive.rows import REJECTS, reject
from streams.archive.status import Status
from streams.audit.sealer import COLUMNS, TABLE, Chain, Values, token
from streams.audit.tips import CheckpointTopic, load_chain
from streams.kafka_client import PacedConsumer, broker_errors
from streams.record import Record
from streams.settings import Settings
from streams.topic_admin import LARGEST_DEAD_LETTER

log = logging.getLogger(__name__)

_POLL_MS = 100
_MAX_RECORDS = 2_000
_PAUSE_SECONDS = 0.5
_TRY_AGAIN_SECONDS = 1.0
_CLOSE_SECONDS = 10.0

Clock = Callable[[], datetime]
Batches = Mapping[TopicPartition, Sequence[Any]]


class Store(Protocol):
    """What sealing needs of ``ClickHouse``."""

    async def insert(self, table: str, columns: Sequence[str], rows: Sequence[Sequence[Any]], token: str) -> None: ...
    async def query(self, sql: str, parameters: Mapping[str, Any] | None = None) -> list[dict[str, Any]]: ...


class Checkpoints(Protocol):
    """What sealing needs of ``CheckpointTopic``."""

    async def send(self, out: CheckpointOut) -> None: ...
    async def last(self) -> Mapping[int, CheckpointOut]: ...


class Consumer(Protocol):
    """What we use of ``AIOKafkaConsumer``."""

    async def getmany(self, *, timeout_ms: int, max_records: int) -> Batches: ...
    async def end_offsets(self, partitions: Collection[TopicPartition]) -> Mapping[TopicPartition, int]: ...
    def assignment(self) -> Collection[TopicPartition]: ...
    def seek(self, partition: TopicPartition, offset: int) -> None: ...


class Sealing(ConsumerRebalanceListener):  # type: ignore[misc] # aiokafka has no types
    """The loop over the partitions that are ours."""

    def __init__(self, settings: Settings, store: Store, checkpoints: Checkpoints, clock: Clock) -> None:
        self._settings, self._store, self._checkpoints, self._clock = settings, store, checkpoints, clock
        self._chains: dict[TopicPartition, Chain] = {}
        self._numbers: dict[int, int] = {}
        self._since: dict[int, float] = {}
        self.sealed = 0
        """Entries sealed, repeats not counted."""

    async def on_partitions_revoked(self, revoked: Collection[TopicPartition]) -> None:
        """Whoever gets them reads from ClickHouse where they stand."""
        self._chains.clear()

    async def on_partitions_assigned(self, assigned: Collection[TopicPartition]) -> None:
        """Nothing: ``step`` finds out."""

    async def step(self, consumer: Consumer) -> int:
        """Take what there is, store it, and publish checkpoints that are due; how many records that were.

        Raises ``Unavailable``, ``KafkaError``, ``Broken``: the chains are forgotten, the next step reads them again.
        """
        try:
            await self._load(consumer)
            batches = await consumer.getmany(timeout_ms=_POLL_MS, max_records=_MAX_RECORDS)
            await self._take(batches)
            for place, chain in list(self._chains.items()):
                if self._due(place.partition, chain):
                    await self._publish(chain)
        except BaseException:
            self._chains.clear()
            raise
        return sum(map(len, batches.values()))

    async def finish(self) -> None:
        """Publish checkpoints of what no checkpoint covers yet."""
        for chain in list(self._chains.values()):
            if chain.fresh > 0:
                await self._publish(chain)

    def lag(self, ends: Mapping[TopicPartition, int]) -> int:
        """Records of our partitions up to these ends that are not sealed; none are ours before the first ``step``."""
        return sum(max(0, ends.get(place, 0) - chain.next_offset) for place, chain in self._chains.items())

    def covers(self, consumer: Consumer) -> bool:
        """Whether partitions have been assigned, and all of them are loaded."""
        assigned = consumer.assignment()
        return bool(assigned) and all(place in self._chains for place in assigned)

    async def _load(self, consumer: Consumer) -> None:
        missing = [place for place in consumer.assignment() if place not in self._chains]
        if not missing:
            return
        known = await self._checkpoints.last()
        ends = await consumer.end_offsets(missing)
        for place in missing:
            last = known.get(place.partition)
            chain = await load_chain(self._store, place.partition, last.data if last else None)
            if chain.next_offset > ends[place]:
                raise Unavailable(
                    f"audit_entries knows of {chain.next_offset} records of {place.topic}[{place.partition}], which "
                    f"ends at {ends[place]}: the topic is another one than the archive has sealed"
                )
            if place in consumer.assignment():  # no rebalance took it while we waited
                consumer.seek(place, chain.next_offset)
                self._numbers[place.partition] = int(last.sequence) if last else 0
                self._chains[place] = chain

    async def _take(self, batches: Batches) -> None:
        rows: list[Values] = []
        refused: list[Values] = []
        for place, records in batches.items():
            chain = self._chains.get(place)
            if chain is not None:  # else assigned amid the poll: it comes again, from where the archive stands
                for record in records:
                    self._fold(chain, record, rows, refused)
        if refused:
            await self._store.insert(REJECTS, ARCHIVE_COLUMNS[REJECTS], refused, token(refused))
        if rows:
            await self._store.insert(TABLE, COLUMNS, rows, token(rows))
            self.sealed += len(rows)

    def _fold(self, chain: Chain, r: Any, rows: list[Values], refused: list[Values]) -> None:
        try:
            row = chain.seal(r.offset, r.value or b"")
        except InvalidInput as error:
            log.warning("not sealed: %s[%s]@%s: %s", AUDIT, r.partition, r.offset, error)
            raw = Record(AUDIT, r.partition, r.offset, r.timestamp, r.key, r.value)
            refused.append(reject(raw, error.code, error.message).values)
        else:
            if row is not None:
                rows.append(row)

    def _due(self, partition: int, chain: Chain) -> bool:
        now = asyncio.get_running_loop().time()
        if chain.fresh <= 0:
            self._since.pop(partition, None)
            return False
        waiting = now - self._since.setdefault(partition, now)
        settings = self._settings
        return chain.fresh >= settings.audit_checkpoint_entries or waiting >= settings.audit_checkpoint_seconds

    async def _publish(self, chain: Chain) -> None:
        number = self._numbers[chain.partition] + 1
        data, now = chain.checkpoint(), self._clock()
        subject = f"partition-{chain.partition}"
        await self._checkpoints.send(
            CheckpointOut(
                id=f"audit/{chain.partition}/{chain.size}", source="/creditpulse/archive", type=AUDIT_CHECKPOINT,
                subject=subject, time=now, recordedtime=now, severity=Severity.INFO, sequence=f"{number:010d}",
                dataschema=AUDIT_CHECKPOINT_SCHEMA, data=data,
            )
        )  # fmt: skip
        chain.known, self._numbers[chain.partition] = data, number
        self._since.pop(chain.partition, None)


async def keep_sealing(
    settings: Settings, store: ClickHouse, status: Status, clock: Clock, stop: asyncio.Event
) -> None:
    """Seal until told to stop, whatever happens to ClickHouse and broker; ``status`` tells what is the matter."""
    while not stop.is_set():
        try:
            async with _opened(settings, store, clock) as (sealing, consumer):
                await _seal(sealing, consumer, status, stop)
                await sealing.finish()
        except (CreditPulseError, KafkaError, OSError) as error:
            _tell(status, str(error) or repr(error))
        except Exception as error:
            log.exception("sealing")
            _tell(status, repr(error))
        await _rest(stop, _TRY_AGAIN_SECONDS)


async def _seal(sealing: Sealing, consumer: AIOKafkaConsumer, status: Status, stop: asyncio.Event) -> None:
    before = status.sealed
    while not stop.is_set():
        taken = await sealing.step(consumer)
        status.sealed = before + sealing.sealed
        status.unsealed = sealing.lag({place: consumer.highwater(place) or 0 for place in consumer.assignment()})
        if status.solved("audit"):
            log.info("audit: sealing goes on")
        if taken < _MAX_RECORDS // 2:  # ClickHouse likes few and large inserts
            await _rest(stop, _PAUSE_SECONDS)


async def _rest(stop: asyncio.Event, seconds: float) -> None:
    with suppress(TimeoutError):
        await asyncio.wait_for(stop.wait(), seconds)


def _tell(status: Status, message: str) -> None:
    if status.problem("audit", message):
        log.warning("audit: nothing is sealed: %s", message)


async def seal_to_end(settings: Settings, store: ClickHouse, clock: Clock, stop: asyncio.Event) -> int:
    """Seal up to the present end of the topic, or until told to stop; how many entries that were.

    Raises ``Unavailable``, ``Broken``.
    """
    with broker_errors(settings, f"the topic {AUDIT}"):
        async with _opened(settings, store, clock) as (sealing, consumer):
            name = settings.topic(AUDIT)
            ends = await consumer.end_offsets([TopicPartition(name, n) for n in range(settings.partitions)])
            while not stop.is_set() and not (sealing.covers(consumer) and not sealing.lag(ends)):
                await sealing.step(consumer)
            await sealing.finish()
            return sealing.sealed


@asynccontextmanager
async def _opened(
    settings: Settings, store: ClickHouse, clock: Clock
) -> AsyncIterator[tuple[Sealing, AIOKafkaConsumer]]:
    producer = AIOKafkaProducer(**settings.kafka_client_options(), acks="all", enable_idempotence=True)
    consumer = PacedConsumer(
        settings,
        group_id=f"{settings.app_id}-audit",
        group_instance_id=f"{settings.instance_id}-audit",
        auto_offset_reset="earliest",
        max_partition_fetch_bytes=LARGEST_DEAD_LETTER,
        retry_backoff_ms=500,
    )

    try:
        await producer.start()
        await consumer.start()
        sealing = Sealing(settings, store, CheckpointTopic(settings, producer), clock)
        consumer.subscribe([settings.topic(AUDIT)], listener=sealing)
        yield sealing, consumer
    finally:
        for client in (consumer, producer):
            # Apart, and not awaited to the end: without a broker aiokafka's stop may hang.
            await asyncio.wait({asyncio.ensure_future(client.stop())}, timeout=_CLOSE_SECONDS)
