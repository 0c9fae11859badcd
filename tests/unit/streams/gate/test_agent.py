"""The gate's agents: what is relayed reaches each partition with its origin, and lanes wait for all of it."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest
from faust.types import TP

from schemas.decisions import DeadLetterOut
from schemas.log import LOG_ENTRY, LogEntry, Source
from schemas.topics import BROADCASTS, DEAD_LETTERS, LOG, MARKET, MERGED_TOPICS, ORDERS, PAYMENTS, POLICY, TICKS
from streams.gate.agent import Gate
from streams.gate.lane import RELAYED_FROM
from streams.metrics import Metrics
from streams.settings import Settings
from streams.transport.durable import Row
from streams.transport.errors import SendFailed
from tests.unit.streams.faust_parts import OfflineApp, Raw
from tests.unit.streams.gate.parts import HOME, NOW_MS, PARTITIONS, event


class Bench:
    """A gate in an app that never starts. Topics have a prefix, as they may have in production."""

    def __init__(self, tmp_path: Path) -> None:
        self.settings = Settings(
            topic_prefix="t.", partitions=PARTITIONS, data_dir=tmp_path, gate_buffer_records=10, gate_max_idle_ms=0
        )
        self.offline, self.metrics = OfflineApp("gate-test"), Metrics()
        self.gate = Gate(self.offline.app, self.settings, self.metrics)
        self.gate.register()

    def raw(self, topic: str, offset: int, value: bytes, partition: int = 0, **changes: Any) -> Raw:
        """A record of a topic, without a key unless one is given."""
        return Raw(f"t.{topic}", partition, offset, NOW_MS, None, value)._replace(**changes)

    def copies(self, partition: int) -> list[Row]:
        """What stands in a partition of the broadcasts."""
        return self.offline.rows(f"t.{BROADCASTS}", partition)

    def letters(self) -> list[DeadLetterOut]:
        """The dead letters."""
        rows = self.offline.rows(f"t.{DEAD_LETTERS}", None)
        return [DeadLetterOut.model_validate_json(row.value or b"") for row in rows]

    def log(self) -> list[LogEntry]:
        """The log of C1's partition."""
        return [LOG_ENTRY.validate_json(row.value or b"") for row in self.offline.rows(f"t.{LOG}", HOME)]

    def safe(self, topic: str, partition: int = 0) -> int | None:
        """Below this offset everything is acknowledged."""
        return self.offline.consumer.chain(TP(f"t.{topic}", partition)).safe

    def all_read(self, **ends: int) -> None:
        """The ends of all topics of C1's partition, by topic; 0 where none is given."""
        for topic in (*MERGED_TOPICS, MARKET, POLICY):
            self.offline.consumer.ends[TP(f"t.{topic}", HOME)] = ends.get(topic, 0)


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    """A gate."""
    return Bench(tmp_path)


async def test_a_relayed_record_reaches_each_partition_as_it_was(bench: Bench) -> None:
    """Key, value and time are copied; the header names topic, partition and offset, without the prefix."""
    chunk = [bench.raw(MARKET, 0, event(MARKET), partition=2), bench.raw(MARKET, 1, event(MARKET), 2, key=b"k")]
    await bench.offline.deliver("relay", chunk)
    for partition in range(PARTITIONS):
        first, second = bench.copies(partition)
        assert first == Row(None, event(MARKET), NOW_MS, ((RELAYED_FROM, b"market/2/0"),))
        assert second == Row(b"k", event(MARKET), NOW_MS, ((RELAYED_FROM, b"market/2/1"),))
    assert bench.copies(PARTITIONS) == []
    assert bench.letters() == []


async def test_the_relay_acknowledges_when_every_partition_has_it(bench: Bench) -> None:
    """The acknowledgement comes after the last confirmation; without one there is none, and the worker stops."""
    await bench.offline.deliver("relay", [bench.raw(MARKET, 0, event(MARKET))])
    *writes, last = bench.offline.journal
    assert [step.what for step in writes].count("confirmed") == PARTITIONS
    assert (last.what, last.where) == ("acked", "t.market")
    bench.offline.kafka.failing.add(f"t.{BROADCASTS}")
    await bench.offline.deliver("relay", [bench.raw(MARKET, 1, event(MARKET))])
    assert bench.safe(MARKET) == 1
    assert [type(failure) for failure in bench.offline.transport.failures] == [SendFailed]


async def test_the_relay_refuses_once_what_no_lane_would_take(bench: Bench) -> None:
    """A bad policy is one dead letter with its own coordinates, and no partition hears of it."""
    chunk = [bench.raw(POLICY, 0, event(POLICY, text="a: [")), bench.raw(POLICY, 1, event(POLICY))]
    await bench.offline.deliver("relay", chunk)
    [letter] = bench.letters()
    assert letter.data.source == Source(topic=POLICY, partition=0, offset=0)
    assert letter.data.reason_code == "policy_not_yaml"
    labels = {"topic": POLICY, "code": "policy_not_yaml"}
    assert bench.metrics.registry.get_sample_value("creditpulse_dead_letters_total", labels) == 1
    assert [row.headers for row in bench.copies(1)] == [((RELAYED_FROM, b"policy/0/1"),)]
    assert bench.safe(POLICY) == 2


@pytest.mark.parametrize(
    ("topic", "value"),
    [
        (MARKET, event(MARKET)),
        (POLICY, event(POLICY)),
        (POLICY, event(POLICY, text="version: ours\n#" + "x" * 100_000)),
        pytest.param(
            MARKET,
            event(MARKET, type=None),
        ),
    ],
    ids=["market", "policy", "long policy", "no type"],
)
async def test_what_the_relay_lets_through_every_lane_accepts(bench: Bench, topic: str, value: bytes) -> None:
    """Either the relay refuses a record, once, or it enters the log with its first coordinates."""
    bench.all_read()
    await bench.offline.deliver("relay", [bench.raw(topic, 0, value)])
    copies = [
        bench.raw(BROADCASTS, number, row.value or b"", HOME, headers=row.headers)
        for number, row in enumerate(bench.copies(HOME))
    ]
    assert copies or bench.letters()
    if copies:
        await bench.offline.deliver("gate", copies)
        assert bench.letters() == []
        assert [entry.source for entry in bench.log()] == [Source(topic=topic, partition=0, offset=0)]


async def test_topics_of_one_partition_become_one_log(bench: Bench) -> None:
    """Deliveries of several topics are merged by their time into the log's partition, then acknowledged."""
    bench.all_read(payments=1, orders=1)
    payment = bench.raw(PAYMENTS, 0, event(), HOME, key=b"C1", timestamp=NOW_MS + 1)
    order = bench.raw(ORDERS, 0, event(ORDERS), HOME, key=b"C1")
    await bench.offline.deliver("gate", [payment], [order])
    assert [entry.source.topic for entry in bench.log()] == [ORDERS, PAYMENTS]
    assert (bench.safe(PAYMENTS, HOME), bench.safe(ORDERS, HOME)) == (1, 1)


async def test_a_lane_that_cannot_write_stops_the_worker(bench: Bench) -> None:
    """What the broker does not take ends the process, and nothing is acknowledged."""
    bench.all_read(payments=1)
    bench.offline.kafka.failing.add(f"t.{LOG}")
    await bench.offline.deliver("gate", [bench.raw(PAYMENTS, 0, event(), HOME, key=b"C1")])
    assert [type(failure) for failure in bench.offline.transport.failures] == [SendFailed]
    assert bench.safe(PAYMENTS, HOME) == 0


async def test_a_lane_waits_for_what_this_worker_has_still_to_relay(bench: Bench) -> None:
    """While a market event is not relayed, no later payment passes: it would be decided on old news."""
    bench.all_read(payments=1, market=1)
    await bench.offline.deliver("gate", [bench.raw(PAYMENTS, 0, event(), HOME, key=b"C1")])
    assert bench.log() == []
    await bench.offline.deliver("relay", [bench.raw(MARKET, 0, event(MARKET), HOME)])
    async with asyncio.timeout(10):
        while not bench.log():  # the lane asks again by itself
            await asyncio.sleep(0)
    assert [entry.source.topic for entry in bench.log()] == [PAYMENTS]


async def test_a_full_buffer_pauses_its_topic_alone(bench: Bench) -> None:
    """From ``gate_buffer_records`` on a topic is not fetched; those that it waits for are."""
    tp = TP(f"t.{PAYMENTS}", HOME)
    assert not bench.gate.is_paused(tp)
    bench.all_read(ticks=1)  # a tick is still to come, so nothing is released
    chunk = [bench.raw(PAYMENTS, number, event(), HOME, key=b"C1") for number in range(10)]
    await bench.offline.deliver("gate", chunk[:9])
    assert not bench.gate.is_paused(tp)
    await bench.offline.deliver("gate", chunk[9:])
    assert bench.gate.is_paused(tp)
    assert not bench.gate.is_paused(TP(f"t.{TICKS}", HOME))
    assert not bench.gate.is_paused(TP(f"t.{PAYMENTS}", (HOME + 1) % PARTITIONS))
    assert not bench.gate.is_paused(TP(f"t.{MARKET}", HOME))


async def test_a_rebalance_gives_back_what_waits(bench: Bench) -> None:
    """The consumer's signal releases every buffered chunk, and the buffer has room again."""
    bench.all_read(ticks=1)
    chunk = [bench.raw(PAYMENTS, number, event(), HOME, key=b"C1") for number in range(10)]
    await bench.offline.deliver("gate", chunk)
    for hook in bench.offline.consumer.hooks:
        await hook()
    assert [len(released.records) for released in bench.offline.consumer.released] == [10]
    assert not bench.gate.is_paused(TP(f"t.{PAYMENTS}", HOME))
