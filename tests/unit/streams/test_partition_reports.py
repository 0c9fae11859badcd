"""What partitions tell each other comes back to all of them as log entries, and everything follows from those logs."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from random import Random

import msgspec

from models.calendar import from_ms
from models.default_risk.risk import RiskState
from models.engine import CreditEngine, MemoryAccounts
from models.partition import decode, encode
from schemas.decisions import OutEvent
from schemas.log import LogEntry, ModelRestored, ModelShared
from schemas.topics import PARTITION_REPORTS, POLICY, TICKS
from streams.clock import tick
from streams.in_process import InProcess
from streams.sources.event_file import TimedEvent, timed
from streams.sources.simulate import Portfolio, simulate
from streams.sources.ticks import with_ticks

PARTITIONS = 3
TEXT = "default_risk: {warm_up: 20}\nroll_risk: {warm_up: 20}\n"
PAST = list(with_ticks(simulate(Portfolio(customers=24, days=90)), 30))
Logs = dict[int, list[LogEntry]]


def run(events: Iterable[TimedEvent], partitions: int = PARTITIONS) -> tuple[InProcess, Logs, list[OutEvent]]:
    """The process, its logs by partition, and all that came out."""
    process = InProcess(partitions, TEXT, latest=datetime(2030, 1, 1, tzinfo=UTC))
    logs: Logs = {number: [] for number in range(partitions)}
    out: list[OutEvent] = []
    for partition, offset, entry in process.log(events):
        assert offset == len(logs[partition])
        logs[partition].append(entry)
        effects = process.engines[partition].apply(offset, entry)
        process.hear(effects)
        out += effects.out
    assert not process.refused
    return process, logs, out


def reports(log: Iterable[LogEntry]) -> list[ModelShared]:
    """The reports in a log."""
    return [entry.event for entry in log if isinstance(entry.event, ModelShared)]


def test_every_partition_gets_every_report_in_the_same_order() -> None:
    """One's own as well: a log holds what was said. Their place is right behind the tick at which they were made."""
    process, logs, _ = run(PAST)
    first, *others = [reports(log) for log in logs.values()]
    assert all(heard == first for heard in others)
    assert {report.partition for report in first} == set(range(PARTITIONS))
    for log in logs.values():
        for before, entry in pairwise(log):
            if isinstance(entry.event, ModelShared):
                assert before.source.topic in ("ticks", PARTITION_REPORTS)
                assert before.time == entry.time
    assert len({engine.risk.book_rate for engine in process.engines}) == 1, "all know the whole book"
    assert not any("models-" in seen for engine in process.engines for seen in engine.state.seen)


def test_one_partition_has_nobody_to_tell() -> None:
    """A book in one partition is assessed as if there were no exchange."""
    process, logs, _ = run(PAST, partitions=1)
    assert process.engines[0].risk.outcomes > 100
    assert reports(logs[0]) == []


def test_each_partition_follows_from_its_own_log() -> None:
    """Folded again alone, stored and restored on the way, each log gives the same decisions and the same state."""
    process, logs, out = run(PAST)
    dice, again = Random(1), []
    for number, log in logs.items():
        accounts = MemoryAccounts()
        engine = CreditEngine(accounts, TEXT, None, number, PARTITIONS)
        for offset, entry in enumerate(log):
            again += engine.apply(offset, entry).out
            if isinstance(entry.event, ModelShared) and dice.random() < 0.1:
                engine = CreditEngine(accounts, "", decode(encode(engine.state)), number, PARTITIONS)
        assert encode(engine.state) == encode(process.engines[number].state)
    assert sorted(event.id for event in again) == sorted(event.id for event in out)
    assert {event.id: event for event in again} == {event.id: event for event in out}


def test_a_report_that_is_told_twice_counts_once() -> None:
    """An engine that died tells it again, so it stands a second time, further down in its topic and in the logs."""
    process, logs, _ = run(PAST)
    engine, log = process.engines[0], logs[0]
    before = encode(engine.state)
    last = max((e for e in log if isinstance(e.event, ModelShared)), key=lambda e: (e.event.partition, e.source.offset))
    source = last.source.model_copy(update={"offset": last.source.offset + 7})
    effects = engine.apply(len(log), last.model_copy(update={"source": source}))
    assert (effects.applied, encode(engine.state)) == (False, before)


def test_a_restored_model_is_that_of_the_whole_book() -> None:
    """Each partition goes back to its checkpoint and tells it at once; what the others told before counts no more."""
    at = from_ms(PAST[-1].timestamp_ms) + timedelta(hours=1)
    back = ModelRestored(version=1, event_id="back", occurred_at=at, task="A", checkpoint="2025-04-01", by="ana")
    process, logs, _ = run([*PAST, timed(POLICY, at, back), timed(TICKS, at + timedelta(minutes=1), tick(at))])
    kept = [engine.state.checkpoints["2025-04-01"].models["A"] for engine in process.engines]
    then = [msgspec.msgpack.decode(models, type=RiskState) for models in kept]
    outcomes, late = sum(state.outcomes for state in then), sum(state.late for state in then)
    assert outcomes > 0
    for engine, own in zip(process.engines, then, strict=True):
        assert engine.risk.outcomes == own.outcomes
        assert engine.risk.book_rate == (late + 0.1 * 50) / (outcomes + 50)
    told = reports(logs[0])[-PARTITIONS:]
    assert {report.occurred_at for report in told} == {at}
