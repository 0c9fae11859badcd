"""The gate's Faust agents: one merges the public topics into the log, one relays broadcasts to all partitions."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import cast

import faust
from faust.types import TP

from schemas.errors import InvalidInput
from schemas.topics import BROADCASTS, DEAD_LETTERS, LOG, MERGED_TOPICS, RELAYED_TOPICS
from streams.gate.dead_letters import dead_letter
from streams.gate.lane import RELAYED_FROM, GateLane, GateRules
from streams.metrics import Metrics
from streams.record import Record
from streams.settings import Settings
from streams.transport.agent import Delivery, PartitionLanes, chunk_agent, chunk_topic
from streams.transport.consumer import ChunkConsumer
from streams.transport.durable import Ack, DurableWriter, Row
from streams.transport.install import ChunkTransport


class KafkaLog:
    """Writes the log and dead letters through the app's producer."""

    def __init__(self, app: faust.App, settings: Settings) -> None:
        self._writer = DurableWriter(app)
        self._log, self._dead = settings.topic(LOG), settings.topic(DEAD_LETTERS)
        self._broadcasts = settings.topic(BROADCASTS)

    async def write(self, partition: int, entries: list[Row], dead_letters: list[Row]) -> None:
        """Write entries in order to the log's partition, and dead letters by their keys."""
        acks = await self._writer.send_batch(self._log, partition, entries)
        await self._writer.gather_acks([*acks, *await self._bury(dead_letters)])

    async def relay(self, partitions: Iterable[int], rows: list[Row], dead_letters: list[Row]) -> None:
        """Write rows to every partition of the broadcasts, and dead letters by their keys."""
        acks = await self._bury(dead_letters)
        for partition in partitions:
            acks += await self._writer.send_batch(self._broadcasts, partition, rows)
        await self._writer.gather_acks(acks)

    async def _bury(self, dead_letters: list[Row]) -> list[Ack]:
        return [await self._writer.send(self._dead, row.key, row.value) for row in dead_letters]


class Gate:
    """All lanes of this worker, made when their first chunk arrives."""

    def __init__(self, app: faust.App, settings: Settings, metrics: Metrics) -> None:
        self._app, self._settings, self._metrics = app, settings, metrics
        self._log = KafkaLog(app, settings)
        self._lanes: dict[int, GateLane] = {}
        self._names = {settings.topic(name): name for name in (*MERGED_TOPICS, *RELAYED_TOPICS)}
        self._hooked = False
        self._tasks: set[asyncio.Task[None]] = set()
        self._rules = GateRules(
            partitions=settings.partitions,
            max_idle_ms=settings.gate_max_idle_ms,
            future_tolerance_ms=int(settings.future_tolerance_hours * 3_600_000),
            max_event_bytes=settings.max_event_bytes,
        )

    def register(self) -> None:
        """Declare the agents on the app."""
        names = self._settings
        merged = chunk_topic(self._app, *map(names.topic, MERGED_TOPICS), partitions=names.partitions)
        chunk_agent(self._app, merged, self._merge, name="gate")
        relayed = chunk_topic(self._app, *map(names.topic, RELAYED_TOPICS), partitions=names.partitions)
        chunk_agent(self._app, relayed, PartitionLanes(self._app, self._relay), name="relay")

    def is_paused(self, tp: TP) -> bool:
        """Whether a topic's buffer is full: it is not fetched until the others have caught up."""
        name, lane = self._names.get(tp.topic), self._lanes.get(tp.partition)
        if name not in MERGED_TOPICS or lane is None:
            return False
        return lane.buffered(name) >= self._settings.gate_buffer_records

    async def _merge(self, delivery: Delivery) -> None:
        if not self._hooked:
            delivery.consumer.on_suspend(self._give_back)
            self._hooked = True
        partition = delivery.tp.partition
        lane = self._lanes.get(partition)
        if lane is None:
            lane = self._lanes[partition] = GateLane(
                partition, MERGED_TOPICS, self._rules, self._log, self._metrics, self._at_end
            )
            task = asyncio.create_task(self._run(lane), name=f"gate lane {partition}")
            self._tasks.add(task)
        lane.take(self._names[delivery.tp.topic], delivery)

    async def _give_back(self) -> None:
        await asyncio.gather(*(lane.give_back() for lane in self._lanes.values()))

    async def _run(self, lane: GateLane) -> None:
        try:
            await lane.run()
        except Exception as failure:
            await cast(ChunkTransport, self._app.transport).fail_stop(failure)

    def _at_end(self, topic: str, partition: int) -> bool:
        consumer = cast(ChunkConsumer, self._app.consumer)
        tp = TP(self._settings.topic(topic), partition)
        if topic == BROADCASTS and not self._has_relayed_all(consumer):
            return False
        position, end = consumer.chain(tp).position, consumer.readable_end(tp)
        return position is not None and end is not None and position >= end

    def _has_relayed_all(self, consumer: ChunkConsumer) -> bool:
        """Whether what this worker is to relay stands in the broadcasts; what others relay cannot be known here."""
        for name in RELAYED_TOPICS:
            for number in range(self._settings.partitions):
                tp = TP(self._settings.topic(name), number)
                if tp in consumer.assignment():
                    done, end = consumer.chain(tp).safe, consumer.readable_end(tp)
                    if done is None or end is None or done < end:
                        return False
        return True

    async def _relay(self, delivery: Delivery) -> None:
        """Copy what is valid to every partition; the lanes order it among the customers' events there."""
        topic, received_at = self._names[delivery.tp.topic], datetime.now(UTC)
        rows: list[Row] = []
        dead: list[Row] = []
        for raw in delivery.chunk.records:
            record = Record(topic, raw.partition, raw.offset, raw.timestamp, raw.key, raw.value)
            try:
                self._rules.entry(record, received_at)
                # And as the lanes will see it: what they would refuse is refused here, once.
                origin = (topic, raw.partition, raw.offset)
                self._rules.entry(record._replace(topic=BROADCASTS, relayed_from=origin), received_at)
            except InvalidInput as error:
                dead.append(dead_letter(record, error, received_at))
                self._metrics.dead_letters.labels(topic, error.code).inc()
            else:
                header = (RELAYED_FROM, "/".join(map(str, origin)).encode())
                rows.append(Row(record.key, record.value, record.timestamp, (header,)))
        await self._log.relay(range(self._rules.partitions), rows, dead)
