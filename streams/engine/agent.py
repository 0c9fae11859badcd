"""The engine's Faust agent: per partition, fold chunks of the log; outputs first, then state, then offsets."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from dataclasses import dataclass, field

import faust

from models.calendar import to_ms
from models.engine import CreditEngine, Effects
from models.partition import decode, encode
from schemas.decisions import (
    CREDIT_ALERT,
    CREDIT_LEVEL,
    MODEL_NOTE,
    ORDER_DECISION,
    CreditAlert,
    ModelNote,
    OrderDecision,
    OutEvent,
)
from schemas.events import CustomerEvent
from schemas.log import LOG_ENTRY, LogEntry
from schemas.topics import ALERTS, AUDIT, LEVELS, LOG, MODEL_LOG, ORDER_DECISIONS, PARTITION_REPORTS
from streams.engine.audit import AuditTrail
from streams.engine.table_accounts import TableAccounts
from streams.metrics import Metrics
from streams.settings import Settings
from streams.transport.agent import Delivery, PartitionLanes, chunk_agent, chunk_topic
from streams.transport.bytes_table import bytes_table
from streams.transport.durable import DurableWriter, Row

OUT_TOPICS = {CREDIT_LEVEL: LEVELS, CREDIT_ALERT: ALERTS, ORDER_DECISION: ORDER_DECISIONS, MODEL_NOTE: MODEL_LOG}


def state_key(partition: int) -> bytes:
    """The key of a partition's state; distinct, since a table's memory store is one dictionary for all."""
    return f"partition-{partition}".encode()


_YIELD_EVERY = 64
"""Entries folded before the other partitions (and the web server) get a turn."""


@dataclass(slots=True)
class _Step:
    """What a run of customer entries, or one broadcast, led to and what is still to be written of it."""

    out: dict[str, list[Row]] = field(default_factory=dict)
    received: list[float] = field(default_factory=list)
    applied: Counter[str] = field(default_factory=Counter)
    duplicates: int = 0

    def add(self, offset: int, entry: LogEntry, raw: bytes, effects: Effects, trail: AuditTrail) -> None:
        outs = [event.model_dump_json().encode() for event in effects.out]
        for event, value in zip(effects.out, outs, strict=True):
            row = Row(event.subject.encode(), value, to_ms(event.time))
            self.out.setdefault(OUT_TOPICS[event.type], []).append(row)
        for report in effects.reports:
            row = Row(None, report.model_dump_json().encode(), to_ms(report.occurred_at))
            self.out.setdefault(PARTITION_REPORTS, []).append(row)
        records = trail.rows(offset, entry, raw, effects, outs)
        if records:
            self.out.setdefault(AUDIT, []).extend(records)
        self.received.append(entry.received_at.timestamp())
        self.applied[entry.source.topic] += effects.applied
        self.duplicates += not effects.applied


@dataclass(slots=True)
class _Partition:
    """A partition's engine, valid for one chain of chunks (``epoch``); a rebalance begins another."""

    epoch: int
    accounts: TableAccounts
    engine: CreditEngine
    trail: AuditTrail


class EngineAgent:
    """All partitions of this worker."""

    def __init__(self, app: faust.App, settings: Settings, metrics: Metrics, policy_text: str) -> None:
        self._app, self._settings, self._metrics, self._policy_text = app, settings, metrics, policy_text
        self._writer = DurableWriter(app)
        partitions = settings.partitions
        self.accounts = bytes_table(app, "accounts", partitions=partitions)
        self.risk_models = bytes_table(app, "risk-models", partitions=partitions)
        self._partitions: dict[int, _Partition] = {}

    def register(self) -> None:
        """Declare the agent on the app."""
        topic = chunk_topic(self._app, self._settings.topic(LOG), partitions=self._settings.partitions)
        chunk_agent(self._app, topic, PartitionLanes(self._app, self._fold), name="engine")

    def _partition(self, delivery: Delivery) -> _Partition:
        number, epoch = delivery.tp.partition, delivery.chunk.epoch
        found = self._partitions.get(number)
        if found is None or found.epoch != epoch:
            data = self.risk_models.value(number, state_key(number))
            accounts = TableAccounts(self.accounts, number)
            state = decode(data) if data is not None else None
            engine = CreditEngine(accounts, self._policy_text, state, number, self._settings.partitions)
            found = self._partitions[number] = _Partition(epoch, accounts, engine, AuditTrail(number, engine))
        return found

    async def _fold(self, delivery: Delivery) -> None:
        partition = self._partition(delivery)
        step = _Step()
        for count, record in enumerate(delivery.chunk.records, start=1):
            raw = record.value or b""
            entry = LOG_ENTRY.validate_json(raw)
            broadcast = not isinstance(entry.event, CustomerEvent)
            if broadcast and step.received:
                # The law of the engine: what came before a broadcast is stored before the broadcast is.
                await self._store(delivery, partition, step, broadcast=False)
                step = _Step()
            effects = partition.engine.apply(record.offset, entry)
            step.add(record.offset, entry, raw, effects, partition.trail)
            self._count(effects.out)
            if broadcast:
                await self._store(delivery, partition, step, broadcast=True)
                step = _Step()
            elif count % _YIELD_EVERY == 0:
                await asyncio.sleep(0)
        if step.received:
            await self._store(delivery, partition, step, broadcast=False)
        self._observe(delivery.tp.partition, partition)

    async def _store(self, delivery: Delivery, partition: _Partition, step: _Step, *, broadcast: bool) -> None:
        """Outputs, then the partition's state, then accounts; each acknowledged before the next is sent."""
        number = delivery.tp.partition
        changes = partition.accounts.take_changes()
        acks = []
        for topic, rows in step.out.items():
            acks += await self._writer.send_batch(self._settings.topic(topic), number, rows)
        await self._writer.gather_acks(acks)
        if broadcast:
            state = encode(partition.engine.state)
            await self._writer.write_table(self.risk_models, number, {state_key(number): state})
        await self._writer.write_table(self.accounts, number, changes)
        now = time.time()
        for received in step.received:
            self._metrics.latency.observe(max(0.0, now - received))
        for topic, count in step.applied.items():
            self._metrics.events_applied.labels(topic).inc(count)
        self._metrics.duplicates.inc(step.duplicates)

    def observe_customers(self) -> None:
        """Bring the gauge of customers by level up to date."""
        self._metrics.customers.clear()
        for number, partition in self._partitions.items():
            if not self.accounts.owns(number):
                continue  # another worker counts them now
            for level, count in Counter(partition.accounts.levels.values()).items():
                self._metrics.customers.labels(number, level).set(count)

    def _count(self, out: list[OutEvent]) -> None:
        for event in out:
            data = event.data
            kind = "level"
            if isinstance(data, CreditAlert):
                kind = data.kind.value
            elif isinstance(data, OrderDecision):
                kind = data.decision.value
            elif isinstance(data, ModelNote):
                kind = data.kind
            self._metrics.decisions.labels(event.type, kind).inc()

    def _observe(self, number: int, partition: _Partition) -> None:
        quality = partition.engine.risk.quality
        if quality.n:
            for model, log_loss, brier in (
                ("model", quality.model_log_loss, quality.model_brier),
                ("naive", quality.naive_log_loss, quality.naive_brier),
            ):
                self._metrics.log_loss.labels(number, model).set(log_loss / quality.n)
                self._metrics.brier.labels(number, model).set(brier / quality.n)
        self._metrics.outcomes.labels(number, "all").set(quality.n)
        self._metrics.outcomes.labels(number, "bad").set(quality.positives)
