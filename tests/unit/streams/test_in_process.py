"""The gate and the engine without a broker: the log is the one that the live gate would write."""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.calendar import from_ms
from models.policy import default_policy_text
from schemas.log import LogEntry, Source
from schemas.topics import ASSESSMENTS, MARKET, ORDERS, OVERDUE, PAYMENTS, POLICY, SUPPLY, TICKS
from streams.clock import tick
from streams.in_process import InProcess
from streams.partitioner import partition_of
from streams.sources.event_file import TimedEvent
from tests.unit.streams.gate.parts import DAY_MS, NOW, NOW_MS
from tests.unit.streams.gate.parts import event as raw_event

PARTITIONS = 3
LATEST = NOW + timedelta(days=1)


def process(partitions: int = PARTITIONS) -> InProcess:
    """An empty one."""
    return InProcess(partitions, default_policy_text(), latest=LATEST)


def event(topic: str, at_ms: int = NOW_MS, customer: str = "C1", **changes: Any) -> TimedEvent:
    """A valid event of a topic, with changes."""
    if topic == TICKS:
        return TimedEvent(TICKS, None, at_ms, tick(from_ms(at_ms)).model_dump_json().encode())
    if topic in (MARKET, POLICY):
        return TimedEvent(topic, None, at_ms, raw_event(topic, **changes))
    return TimedEvent(topic, customer, at_ms, raw_event(topic, customer_id=customer, **changes))


def log_of(events: Iterable[TimedEvent], partitions: int = PARTITIONS) -> dict[int, list[LogEntry]]:
    """The log by partition; offsets must count from 0 without gaps."""
    found: dict[int, list[LogEntry]] = {number: [] for number in range(partitions)}
    for partition, offset, entry in process(partitions).log(events):
        assert offset == len(found[partition])
        found[partition].append(entry)
    return found


def test_equal_times_are_merged_in_the_order_of_topics() -> None:
    """Tick, then what is relayed, then assessments, orders, payments, overdue, supply: as the live gate does."""
    topics = [SUPPLY, OVERDUE, PAYMENTS, ORDERS, MARKET, ASSESSMENTS, POLICY, TICKS]
    merged = [TICKS, MARKET, POLICY, ASSESSMENTS, ORDERS, PAYMENTS, OVERDUE, SUPPLY]
    [entries] = log_of(map(event, topics), partitions=1).values()
    assert [entry.source.topic for entry in entries] == merged


def test_events_of_one_topic_and_time_keep_their_order() -> None:
    """Within a topic nothing is reordered."""
    events = [event(PAYMENTS, event_id=f"p{number}") for number in range(9)]
    [entries] = log_of(events, partitions=1).values()
    assert [entry.event.event_id for entry in entries] == [f"p{number}" for number in range(9)]


def test_different_times_are_left_in_their_order() -> None:
    """An earlier payment stands before a later tick."""
    [entries] = log_of([event(PAYMENTS, NOW_MS), event(TICKS, NOW_MS + 1)], partitions=1).values()
    assert [entry.source.topic for entry in entries] == [PAYMENTS, TICKS]


def test_a_customer_stands_on_the_partition_of_its_key() -> None:
    """The same partition as on Kafka, so that backtest and live decide alike."""
    customers = [f"C{number}" for number in range(20)]
    found = log_of(event(ORDERS, customer=customer, event_id=customer) for customer in customers)
    for partition, entries in found.items():
        expected = [customer for customer in customers if partition_of(customer.encode(), PARTITIONS) == partition]
        assert [entry.event.event_id for entry in entries] == expected


@pytest.mark.parametrize("topic", [MARKET, POLICY])
def test_a_relayed_event_reaches_each_partition_with_its_first_coordinates(topic: str) -> None:
    """All partitions know it by the one place where it was published."""
    found = log_of([event(topic, event_id="a"), event(topic, NOW_MS + 1, event_id="b")])
    for entries in found.values():
        assert [entry.event.event_id for entry in entries] == ["a", "b"]
        assert [entry.source for entry in entries] == [Source(topic=topic, partition=0, offset=at) for at in (0, 1)]


def test_a_tick_stands_on_each_partition_of_its_topic() -> None:
    """Ticks are not relayed: each partition has its own record of it."""
    for partition, entries in log_of([event(TICKS)]).items():
        assert [entry.source for entry in entries] == [Source(topic=TICKS, partition=partition, offset=0)]


def test_an_entry_is_known_at_its_timestamp_and_recorded_then() -> None:
    """There is no wall clock: the same file gives the same log, byte for byte."""
    [entries] = log_of([event(PAYMENTS, NOW_MS + 5)], partitions=1).values()
    assert entries[0].time == entries[0].received_at == NOW + timedelta(milliseconds=5)


def test_what_the_gate_refuses_is_counted_and_skipped() -> None:
    """A refusal keeps record and reason, takes its source offset, and leaves no hole in the log."""
    run = process(partitions=1)
    events = [event(PAYMENTS, amount="-1"), event(PAYMENTS), event(PAYMENTS, occurred_at="2025-03-02T09:00:01Z")]
    log = list(run.log(events))
    assert [(error.code, record.topic, record.offset) for record, error in run.refused] == [
        ("invalid_field", PAYMENTS, 0),
        ("in_the_future", PAYMENTS, 2),
    ]
    assert [(offset, entry.source.offset) for _, offset, entry in log] == [(0, 1)]


def test_a_wrong_key_is_refused_as_on_kafka() -> None:
    """The key decides the partition; an event of another customer under it is refused."""
    run = process()
    assert not list(run.log([event(PAYMENTS)._replace(key="C2"), event(PAYMENTS)._replace(key=None)]))
    assert [error.code for _, error in run.refused] == ["wrong_key", "wrong_key"]


def test_a_bad_relayed_event_is_refused_once() -> None:
    """Live, the relay writes one dead letter, with the public record's coordinates."""
    run = process()
    assert not list(run.log([event(MARKET, value="-1")]))
    assert [(record.topic, record.partition, record.offset) for record, _ in run.refused] == [(MARKET, 0, 0)]


def test_a_large_policy_is_accepted() -> None:
    """Relayed or not, a policy may be four times as large as an event."""
    found = log_of([event(POLICY, text="version: ours\n#" + "x" * 100_000)])
    assert [len(entries) for entries in found.values()] == [1] * PARTITIONS


def test_each_entry_is_applied_to_the_engine_of_its_partition() -> None:
    """The account is in its own partition's engine and in no other; every engine has seen the tick."""
    run = process()
    effects = list(run.run([event(ORDERS), event(TICKS, NOW_MS + DAY_MS)]))
    assert [effect.applied for effect in effects] == [True] * (1 + PARTITIONS)
    home = partition_of(b"C1", PARTITIONS)
    assert [set(accounts.by_id) for accounts in run.accounts] == [
        {"C1"} if number == home else set() for number in range(PARTITIONS)
    ]
    midnight = datetime(2025, 3, 2, tzinfo=UTC)
    assert {engine.state.clock for engine in run.engines} == {int(midnight.timestamp() * 1000)}


def test_an_event_told_twice_is_applied_once() -> None:
    """A repeated event stands in the log and changes nothing."""
    effects = list(process(1).run([event(ORDERS), event(ORDERS, NOW_MS + 1)]))
    assert [effect.applied for effect in effects] == [True, False]
    assert effects[1].out == []


_TOPICS = st.sampled_from([TICKS, MARKET, ORDERS, PAYMENTS])
_EVENTS = st.lists(st.tuples(st.integers(0, 3), _TOPICS, st.sampled_from(["C1", "C2", "C3"])), max_size=25)


@given(_EVENTS, st.integers(1, 4))
def test_no_event_is_lost_or_doubled(steps: list[tuple[int, str, str]], partitions: int) -> None:
    """A customer's event stands in the log once, what concerns everybody once in each partition."""
    events = [
        event(topic, NOW_MS + at, customer, event_id=f"e{number}")
        for number, (at, topic, customer) in enumerate(sorted(steps, key=lambda step: step[0]))
    ]
    found = log_of(events, partitions)
    everybody = sum(item.topic in (TICKS, MARKET) for item in events)
    everywhere = [entry for entries in found.values() for entry in entries]
    assert len(everywhere) == len(events) - everybody + everybody * partitions
    for entries in found.values():
        assert [entry.time for entry in entries] == sorted(entry.time for entry in entries)
    told = {json.loads(item.raw)["event_id"] for item in events}
    assert {entry.event.event_id for entry in everywhere} == told
