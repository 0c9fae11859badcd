"""From the publishing of an event to the alert that it causes, beside a bare echo through the same broker, by turns."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from statistics import median
from typing import Any

import msgspec
from aiokafka import AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic

from bench.figures import median_ratio, percentile, percentiles
from bench.parts import PARTITIONS, Worker, settings_for
from bench.workload import MONEY, punctual, punctual_history, reversal
from schemas.events import OrderPlaced
from schemas.topics import ALERTS, ORDERS, PAYMENTS
from streams.backlog import Backlog
from streams.kafka_client import PacedConsumer
from streams.publisher import publish
from streams.settings import Settings
from streams.sources.event_file import TimedEvent, timed

EVENTS_PER_SECOND = 500
ALERT_EVERY = 8
"""Every eighth event is the reversal of a punctual customer's payment, which puts the customer on WATCH."""
_BYSTANDERS = 200
_SETTLE_SECONDS = 1.5
_SKIP_SECONDS = 0.5
"""The first moments of a phase are not counted."""


class _Alert(msgspec.Struct):
    subject: str


_ALERT = msgspec.json.Decoder(_Alert)


@dataclass(slots=True)
class Echo:
    """Times at which keys were sent and seen (seconds of the monotonic clock, one process for both)."""

    sent: dict[str, float] = field(default_factory=dict)
    seen: dict[str, float] = field(default_factory=dict)

    def ms(self) -> list[float]:
        """Milliseconds from sending to seeing, without the first moments."""
        begin = min(self.sent.values(), default=0.0) + _SKIP_SECONDS
        return [(self.seen[key] - at) * 1000 for key, at in self.sent.items() if key in self.seen and at >= begin]


def bystander(number: int) -> str:
    """A customer who stands by: there are ``_BYSTANDERS`` of them."""
    return f"B{number % _BYSTANDERS:04d}"


class Live:
    """Events that come now: orders of customers who stand by, and reversals that cause one alert each."""

    def __init__(self) -> None:
        self._count = 0
        self._next = 0

    def event(self) -> tuple[TimedEvent, str | None]:
        """The next event, and the customer whose alert it causes."""
        self._count += 1
        now = datetime.now(UTC)
        if self._count % ALERT_EVERY == 0:
            customer = punctual(self._next)
            self._next += 1
            head: dict[str, object] = {"version": 1, "customer_id": customer}
            return timed(PAYMENTS, now, reversal(head, f"{customer}-0", now, MONEY)), customer
        order = OrderPlaced(
            version=1, event_id=f"live-{self._count}", occurred_at=now, customer_id=bystander(self._count),
            order_id=f"live-{self._count}", **MONEY,
        )  # fmt: skip
        return timed(ORDERS, now, order), None


async def latency(
    broker: str, data_dir: Path, rounds: int, seconds: float, step: Callable[[str], None]
) -> dict[str, Any]:
    """Gate and engine at ``EVENTS_PER_SECOND`` with the product's default settings; figures in ms."""
    settings = settings_for(broker, data_dir, "live.", "live")
    reserve = int(EVENTS_PER_SECOND / ALERT_EVERY * seconds * (rounds + 0.5)) + 10
    step(f"latency: history of {reserve} customers")
    await publish(settings, punctual_history(reserve, datetime.now(UTC)))
    with Worker(settings, "gate"), Worker(settings, "engine"):
        await drained(settings)
        echo_name = settings.topic("echo")
        await _make_topic(settings, echo_name)
        live = Live()
        alerts: list[list[float]] = []
        echoes: list[list[float]] = []
        missing = 0
        async with producer_of(settings) as producer:
            await live_phase(settings, producer, live, seconds / 2)  # warm up
            for number in range(rounds):
                step(f"latency: round {number + 1}")
                echoes.append((await _echo_phase(settings, producer, echo_name, live, seconds)).ms())
                phase = await live_phase(settings, producer, live, seconds)
                alerts.append(phase.ms())
                missing += len(phase.sent) - len(phase.seen)
    return _figures(alerts, echoes, missing)


def _figures(alerts: list[list[float]], echoes: list[list[float]], missing: int) -> dict[str, Any]:
    def middle(phases: list[list[float]], share: float) -> float:
        return median(percentiles(phases, share))

    return {
        "events_per_s": EVENTS_PER_SECOND,
        "alerts": sum(map(len, alerts)),
        "alerts_missing": missing,
        "alert_ms": {"p50": middle(alerts, 0.5), "p99": middle(alerts, 0.99)},
        "echo_ms": {"p50": middle(echoes, 0.5), "p99": middle(echoes, 0.99)},
        "latency_ratio_p50": median_ratio(percentiles(alerts, 0.5), percentiles(echoes, 0.5)),
        "latency_ratio_p99": median_ratio(percentiles(alerts, 0.99), percentiles(echoes, 0.99)),
        "rounds": [
            {"alert_p50": percentile(a, 0.5), "alert_p99": percentile(a, 0.99), "alert_max": max(a),
             "echo_p50": percentile(e, 0.5), "echo_p99": percentile(e, 0.99), "echo_max": max(e)}
            for a, e in zip(alerts, echoes, strict=True)
        ],
    }  # fmt: skip


@asynccontextmanager
async def producer_of(settings: Settings) -> AsyncIterator[AIOKafkaProducer]:
    """A producer that sends at once."""
    async with AIOKafkaProducer(**settings.kafka_client_options(), linger_ms=0) as producer:
        yield producer


async def _make_topic(settings: Settings, name: str) -> None:
    admin = AIOKafkaAdminClient(**settings.kafka_client_options())
    await admin.start()
    try:
        await admin.create_topics([NewTopic(name, PARTITIONS, 1, topic_configs={"retention.ms": "-1"})])
    finally:
        await admin.close()


async def drained(settings: Settings) -> None:
    """Return when gate and engine have done all that was published."""
    async with Backlog(settings) as backlog, asyncio.timeout(120):
        while not await backlog.all_applied():
            await asyncio.sleep(0.2)


async def _paced(seconds: float, rate: int = EVENTS_PER_SECOND) -> AsyncIterator[int]:
    """Numbers, ``rate`` a second; when late, without pause until caught up."""
    start = time.monotonic()
    for number in range(int(seconds * rate)):
        ahead = start + number / rate - time.monotonic()
        if ahead > 0:
            await asyncio.sleep(ahead)
        yield number


@asynccontextmanager
async def _watching(settings: Settings, topic: str, seen: Callable[[Any, float], None]) -> AsyncIterator[None]:
    """Give every record that is appended to the topic from now on to ``seen``, with the time of its arrival."""
    consumer = PacedConsumer(settings, fetch_max_wait_ms=100)
    await consumer.start()
    places = [TopicPartition(topic, number) for number in range(PARTITIONS)]
    consumer.assign(places)
    await consumer.seek_to_end(*places)
    for place in places:
        await consumer.position(place)

    async def read() -> None:
        while True:
            batches = await consumer.getmany(timeout_ms=1000)
            now = time.monotonic()
            for records in batches.values():
                for record in records:
                    seen(record, now)

    reader = asyncio.create_task(read())
    try:
        yield
    finally:
        reader.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await reader
        await consumer.stop()


async def live_phase(
    settings: Settings, producer: AIOKafkaProducer, live: Live, seconds: float, rate: int = EVENTS_PER_SECOND
) -> Echo:
    """Live events through gate and engine; times of those that cause an alert."""
    found = Echo()

    def seen(record: Any, now: float) -> None:
        found.seen.setdefault(_ALERT.decode(record.value).subject, now)

    async with _watching(settings, settings.topic(ALERTS), seen):
        async for _ in _paced(seconds, rate):
            event, customer = live.event()
            key = (event.key or "").encode()
            if customer is not None:
                found.sent[customer] = time.monotonic()
            await producer.send(settings.topic(event.topic), event.raw, key, timestamp_ms=event.timestamp_ms)
        await asyncio.sleep(_SETTLE_SECONDS)
    return found


async def _echo_phase(settings: Settings, producer: AIOKafkaProducer, topic: str, live: Live, seconds: float) -> Echo:
    """As many and as large records through one topic, read by a consumer like that of the alerts."""
    found = Echo()

    def seen(record: Any, now: float) -> None:
        found.seen[record.key.decode()] = now

    async with _watching(settings, topic, seen):
        now = datetime.now(UTC)
        raw = timed(PAYMENTS, now, reversal({"version": 1, "customer_id": "echo"}, "echo", now, MONEY)).raw
        async for number in _paced(seconds):
            key = str(number)
            if number % ALERT_EVERY == 0:
                found.sent[key] = time.monotonic()
            await producer.send(topic, raw, key.encode())
        await asyncio.sleep(_SETTLE_SECONDS)
    return found
