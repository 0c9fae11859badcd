"""A lane of the gate: every record exactly once in the log or in the dead letters, acknowledged only after that."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any, cast

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.decisions import DeadLetterOut
from schemas.log import LOG_ENTRY, LogEntry, Source
from schemas.topics import BROADCASTS, MARKET, MERGED_TOPICS, ORDERS, PAYMENTS
from streams.gate.lane import BATCH, RELAYED_FROM, GateLane
from streams.metrics import Metrics
from streams.transport.agent import Delivery
from streams.transport.durable import Row
from streams.transport.errors import SendFailed
from tests.unit.streams.faust_parts import Raw
from tests.unit.streams.gate.parts import HOME, NOW, NOW_MS, RULES, event


@dataclass(frozen=True)
class FakeChunk:
    """The records of a delivery."""

    records: list[Raw]


@dataclass
class FakeDelivery:
    """Counts what is done with it."""

    chunk: FakeChunk
    acked: int = 0
    released: int = 0

    def ack(self) -> bool:
        """As ``Delivery.ack``."""
        self.acked += 1
        return True

    def release(self) -> None:
        """As ``Delivery.release``."""
        self.released += 1


@dataclass
class FakeWriter:
    """Keeps what it takes; waits at ``gate`` when it has one, and raises ``failure`` when it has one."""

    entries: list[LogEntry] = field(default_factory=list)
    rows: list[Row] = field(default_factory=list)
    letters: list[DeadLetterOut] = field(default_factory=list)
    writes: list[int] = field(default_factory=list)
    partitions: set[int] = field(default_factory=set)
    gate: asyncio.Event | None = None
    failure: Exception | None = None

    async def write(self, partition: int, entries: list[Row], dead_letters: list[Row]) -> None:
        """As ``LogWriter.write``."""
        self.writes.append(len(entries) + len(dead_letters))
        if self.gate is not None:
            await self.gate.wait()
        if self.failure is not None:
            raise self.failure
        self.partitions.add(partition)
        self.rows += entries
        self.entries += [LOG_ENTRY.validate_json(row.value or b"") for row in entries]
        self.letters += [DeadLetterOut.model_validate_json(row.value or b"") for row in dead_letters]


@dataclass
class FakeClock:
    """Goes on by ``step`` whenever it is read, else stands still until it is put on."""

    time: datetime = NOW
    step: timedelta = timedelta()

    def __call__(self) -> datetime:
        self.time += self.step
        return self.time

    def put_on(self, **by: float) -> None:
        """Let time pass."""
        self.time += timedelta(**by)


@dataclass
class Bench:
    """A lane with its fakes. By default a topic that is empty counts as idle at once."""

    max_idle_ms: float = 0
    ended: bool = True
    writer: FakeWriter = field(default_factory=FakeWriter)
    clock: FakeClock = field(default_factory=FakeClock)
    metrics: Metrics = field(default_factory=Metrics)
    offsets: Counter[str] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        rules = replace(RULES, max_idle_ms=self.max_idle_ms)
        self.lane = GateLane(HOME, MERGED_TOPICS, rules, self.writer, self.metrics, self._at_end, self.clock)

    def _at_end(self, topic: str, partition: int) -> bool:
        assert partition == HOME
        return self.ended

    def take(self, topic: str, *values: bytes, **changes: Any) -> FakeDelivery:
        """Deliver values of C1, with changes, as the next records of a topic."""
        records = []
        for value in values:
            raw = Raw(f"prefix.{topic}", HOME, self.offsets[topic], NOW_MS, b"C1", value)
            self.offsets[topic] += 1
            records.append(raw._replace(**changes))
        delivery = FakeDelivery(FakeChunk(records))
        self.lane.take(topic, cast(Delivery, delivery))
        return delivery

    @asynccontextmanager
    async def running(self) -> AsyncIterator[asyncio.Task[None]]:
        """The lane at work, which has done what it could do at once."""
        task = asyncio.create_task(self.lane.run())
        try:
            await turns()
            yield task
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    def log(self) -> list[tuple[str, int]]:
        """Topic and offset of what stands in the log, in its order."""
        return [(entry.source.topic, entry.source.offset) for entry in self.writer.entries]

    def buried(self) -> list[tuple[str, int]]:
        """Topic and offset of the dead letters."""
        return [(letter.data.source.topic, letter.data.source.offset) for letter in self.writer.letters]

    def counted(self, name: str, **labels: str) -> float | None:
        """A counter's value."""
        return self.metrics.registry.get_sample_value(f"creditpulse_{name}_total", labels)


async def turns() -> None:
    """Let every task do what it can do without waiting."""
    for _ in range(20):
        await asyncio.sleep(0)


async def test_good_records_become_entries_and_bad_ones_dead_letters() -> None:
    """Each record is written once: to the log when it is valid, else to the dead letters."""
    bench = Bench()
    delivery = bench.take(PAYMENTS, event(), b"{", event(amount="-1"), event())
    async with bench.running():
        assert bench.log() == [(PAYMENTS, 0), (PAYMENTS, 3)]
        assert bench.buried() == [(PAYMENTS, 1), (PAYMENTS, 2)]
        assert bench.writer.partitions == {HOME}
        assert (delivery.acked, delivery.released) == (1, 0)


async def test_an_entry_is_keyed_and_timed_as_its_record() -> None:
    """The log's record has the customer's key and the time when the event became known."""
    bench = Bench()
    bench.take(PAYMENTS, event(), timestamp=NOW_MS + 250)
    async with bench.running():
        [row] = bench.writer.rows
        assert (row.key, row.timestamp_ms) == (b"C1", NOW_MS + 250)
        [entry] = bench.writer.entries
        assert entry.time == NOW + timedelta(milliseconds=250)
        assert entry.received_at == bench.clock.time


async def test_topics_are_merged_by_time_and_then_in_the_order_of_topics() -> None:
    """An order of the same moment stands before the payment, an earlier payment before both."""
    bench = Bench()
    bench.take(PAYMENTS, event(), timestamp=NOW_MS)
    bench.take(PAYMENTS, event(), timestamp=NOW_MS + 5)
    bench.take(ORDERS, event(ORDERS), timestamp=NOW_MS + 5)
    async with bench.running():
        assert bench.log() == [(PAYMENTS, 0), (ORDERS, 0), (PAYMENTS, 1)]


async def test_nothing_is_acknowledged_before_the_write_returned() -> None:
    """While the broker has not confirmed, a delivery stays open; then it is acknowledged once."""
    bench = Bench(writer=FakeWriter(gate=asyncio.Event()))
    delivery = bench.take(PAYMENTS, event())
    async with bench.running():
        assert bench.writer.writes == [1]
        assert delivery.acked == 0
        assert bench.counted("events_in", topic=PAYMENTS) is None
        assert bench.writer.gate is not None
        bench.writer.gate.set()
        await turns()
        assert delivery.acked == 1
        assert bench.counted("events_in", topic=PAYMENTS) == 1


async def test_a_delivery_is_acknowledged_when_its_last_record_is_written() -> None:
    """A delivery of which a part waits for another topic is not acknowledged yet."""
    bench = Bench(max_idle_ms=30_000)
    first = {topic: bench.take(topic, b"{", timestamp=NOW_MS) for topic in MERGED_TOPICS if topic != PAYMENTS}
    payments = bench.take(PAYMENTS, event(), event(), timestamp=NOW_MS - 1)
    late = bench.take(PAYMENTS, event(), timestamp=NOW_MS + 1)
    async with bench.running():
        # With the first topic empty, all others wait for it.
        assert bench.log() == [(PAYMENTS, 0), (PAYMENTS, 1)]
        assert payments.acked == 1
        assert late.acked == 0
        assert [delivery.acked for delivery in first.values()] == [1, 0, 0, 0, 0, 0]


async def test_a_lane_wakes_up_when_something_arrives() -> None:
    """A lane that waits for nothing, and one that waits for an idle topic, go on with the next delivery."""
    bench = Bench(max_idle_ms=900)
    async with bench.running():
        early = bench.take(PAYMENTS, event())
        await turns()
        assert early.acked == 0
        bench.clock.put_on(milliseconds=900)
        bench.take(PAYMENTS, event())
        await turns()
        assert bench.log() == [(PAYMENTS, 0), (PAYMENTS, 1)]
        assert early.acked == 1


async def test_no_topic_is_idle_because_we_stood_still() -> None:
    """After the process was frozen for a minute, what the other topics hold may just not have been fetched yet."""
    bench = Bench(max_idle_ms=2_000)
    async with bench.running():
        bench.take(PAYMENTS, event(), timestamp=NOW_MS)
        await turns()
        bench.clock.put_on(seconds=60)
        bench.take(ORDERS, event(ORDERS), timestamp=NOW_MS - 1)
        await turns()
        assert bench.log() == []
        for _ in range(2):
            bench.clock.put_on(seconds=1)
            bench.take(ORDERS, event(ORDERS), timestamp=NOW_MS + 1)
            await turns()
        assert bench.log()[:2] == [(ORDERS, 0), (PAYMENTS, 0)]


async def test_a_lane_wakes_up_by_itself_when_a_topic_counts_as_idle() -> None:
    """Nothing more arrives: the idle time alone lets the last record go."""
    bench = Bench(max_idle_ms=1, clock=FakeClock(step=timedelta(milliseconds=1)))
    delivery = bench.take(PAYMENTS, event())
    async with bench.running() as task:
        while not delivery.acked:
            assert not task.done()
            await asyncio.sleep(0)
    assert bench.log() == [(PAYMENTS, 0)]


async def test_what_is_given_back_is_released_and_never_written() -> None:
    """At a rebalance the buffer is dropped: its records come again to whoever owns the partition then."""
    bench = Bench(max_idle_ms=900)
    dropped = bench.take(PAYMENTS, event(), event())
    async with bench.running():
        assert bench.lane.buffered(PAYMENTS) == 2
        await bench.lane.give_back()
        assert bench.lane.buffered(PAYMENTS) == 0
        assert (dropped.acked, dropped.released) == (0, 1)
        await bench.lane.give_back()
        bench.clock.put_on(seconds=60)
        bench.take(ORDERS, event(ORDERS))
        await turns()
        assert bench.log() == [], "the rebalance took long, but the other topics have only now begun to be fetched"
        bench.clock.put_on(milliseconds=900)
        bench.take(ORDERS, event(ORDERS))
        await turns()
        assert bench.log() == [(ORDERS, 0), (ORDERS, 1)]
        assert (dropped.acked, dropped.released) == (0, 1)


async def test_what_is_being_written_is_finished_before_work_rests() -> None:
    """Else its records could come between those of the partition's next owner; what only waits is given back."""
    bench = Bench(writer=FakeWriter(gate=asyncio.Event()))
    writing = bench.take(PAYMENTS, event())
    async with bench.running():
        assert bench.writer.writes == [1]
        waiting = bench.take(PAYMENTS, event())
        rest = asyncio.create_task(bench.lane.give_back())
        await turns()
        assert not rest.done()
        assert bench.writer.gate is not None
        bench.writer.gate.set()
        await rest
        assert (writing.acked, writing.released) == (1, 0)
        assert (waiting.acked, waiting.released) == (0, 1)
        assert bench.log() == [(PAYMENTS, 0)]


async def test_a_failed_write_ends_the_lane_and_acknowledges_nothing() -> None:
    """The worker has to stop: what the broker did not take comes again after its restart."""
    bench = Bench(writer=FakeWriter(failure=SendFailed("broker gone")))
    delivery = bench.take(PAYMENTS, event(), b"{")
    async with bench.running() as task:
        with pytest.raises(SendFailed, match="broker gone"):
            await task
    assert (delivery.acked, delivery.released) == (0, 0)
    assert bench.counted("events_in", topic=PAYMENTS) is None


async def test_a_long_backlog_is_written_in_bounded_batches() -> None:
    """One write holds at most BATCH records; a delivery that spans two is acknowledged after the second."""
    bench = Bench(writer=FakeWriter(gate=asyncio.Event()))
    delivery = bench.take(PAYMENTS, *[b"{"] * (BATCH + 1))
    async with bench.running():
        assert bench.writer.writes == [BATCH]
        assert bench.writer.gate is not None
        bench.writer.gate.set()
        await turns()
        assert bench.writer.writes == [BATCH, 1]
        assert delivery.acked == 1


async def test_a_relayed_record_keeps_its_first_coordinates() -> None:
    """The header of a copy says where the public record stood, and that is its source."""
    bench = Bench()
    headers = [("traceparent", b"00-1"), (RELAYED_FROM, f"{MARKET}/3/41".encode())]
    bench.take(BROADCASTS, event(MARKET), key=None, headers=headers)
    async with bench.running():
        [entry] = bench.writer.entries
        assert entry.source == Source(topic=MARKET, partition=3, offset=41)


async def test_the_header_counts_in_the_broadcasts_only() -> None:
    """A producer of a public topic cannot give its record the coordinates of another."""
    bench = Bench()
    bench.take(PAYMENTS, event(), headers=[(RELAYED_FROM, b"market/3/41")])
    async with bench.running():
        [entry] = bench.writer.entries
        assert entry.source == Source(topic=PAYMENTS, partition=HOME, offset=0)


async def test_records_are_counted_by_topic_and_refusals_by_code() -> None:
    """The counters use names without prefix, so that they are the same everywhere."""
    bench = Bench()
    bench.take(PAYMENTS, event(), b"{", b"{", event(amount="-1"))
    bench.take(ORDERS, event(ORDERS))
    async with bench.running():
        assert bench.counted("events_in", topic=PAYMENTS) == 4
        assert bench.counted("events_in", topic=ORDERS) == 1
        assert bench.counted("dead_letters", topic=PAYMENTS, code="not_json") == 2
        assert bench.counted("dead_letters", topic=PAYMENTS, code="invalid_field") == 1


_CHUNKS = st.lists(
    st.tuples(st.sampled_from((ORDERS, PAYMENTS)), st.lists(st.booleans(), min_size=1, max_size=5), st.booleans()),
    max_size=12,
)


@settings(max_examples=40, deadline=None)
@given(_CHUNKS, st.integers(0, 12))
def test_every_record_ends_in_the_log_or_the_dead_letters_once(
    chunks: list[tuple[str, list[bool], bool]], given_back_after: int
) -> None:
    """With a rebalance in between: what was acknowledged is written exactly once, what was released is to come."""

    async def scenario() -> None:
        bench = Bench()
        expected: Counter[tuple[str, int]] = Counter()
        deliveries = []
        async with bench.running():
            for number, (topic, goods, pause) in enumerate(chunks):
                first = bench.offsets[topic]
                values = [event(topic) if good else b"{" for good in goods]
                places = [(topic, first + at) for at in range(len(goods))]
                deliveries.append((bench.take(topic, *values), places))
                if pause:
                    await turns()
                if number == given_back_after:
                    await bench.lane.give_back()
            await turns()
            for delivery, places in deliveries:
                assert delivery.acked + delivery.released == 1
                expected.update(places if delivery.acked else ())
        assert Counter([*bench.log(), *bench.buried()]) == expected
        for topic in (ORDERS, PAYMENTS):
            for written in (bench.log(), bench.buried()):
                offsets = [offset for name, offset in written if name == topic]
                assert offsets == sorted(offsets)

    asyncio.run(scenario())
