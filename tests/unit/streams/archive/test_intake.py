"""The intake loop: offsets are committed behind ClickHouse, never ahead of it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any

from aiokafka import ConsumerRecord, TopicPartition
from aiokafka.errors import CommitFailedError

from schemas.errors import Unavailable
from schemas.topics import LOG
from streams.archive.intake import Intake, Pace
from streams.archive.sink import Sink
from streams.archive.status import Status
from streams.settings import Settings
from tests.unit.streams.archive.parts import FakeStore, payment

PLACE = TopicPartition(f"t.{LOG}", 0)
Step = Callable[[], Mapping[TopicPartition, Sequence[Any]]]
AT_ONCE = Pace(flush=0, first_retry=0, longest_retry=0)


class FakeConsumer:
    """Gives one batch per poll, nothing while paused, and stops the intake when all is given."""

    def __init__(self, stop: asyncio.Event, steps: Sequence[Step]) -> None:
        self.stop, self.steps = stop, list(steps)
        self.commits: list[dict[TopicPartition, int]] = []
        self.commit_errors: list[Exception] = []
        self.paused: set[TopicPartition] = set()
        self.polls_while_paused = 0
        self.next = 0

    async def getmany(self, *, timeout_ms: int, max_records: int) -> Mapping[TopicPartition, Sequence[Any]]:
        await asyncio.sleep(0)
        if self.paused:
            self.polls_while_paused += 1
            return {}
        if not self.steps:
            self.stop.set()
            return {}
        batch = self.steps.pop(0)()
        self.next += sum(map(len, batch.values()))
        return batch

    async def commit(self, offsets: Mapping[TopicPartition, int]) -> None:
        if self.commit_errors:
            raise self.commit_errors.pop(0)
        self.commits.append(dict(offsets))

    async def position(self, partition: TopicPartition) -> int:
        return self.next

    def assignment(self) -> Collection[TopicPartition]:
        return {PLACE}

    def pause(self, *partitions: TopicPartition) -> None:
        self.paused.update(partitions)

    def resume(self, *partitions: TopicPartition) -> None:
        self.paused.difference_update(partitions)


def _batch(*offsets: int) -> Step:
    records = []
    for offset in offsets:
        r = payment(offset)
        records.append(ConsumerRecord(PLACE.topic, 0, offset, r.timestamp, 0, r.key, r.value, None, 0, 0, ()))
    return lambda: {PLACE: records}


def _intake(store: Any) -> tuple[Intake, Status]:
    status = Status()
    settings = Settings(_env_file=None, topic_prefix="t.")
    return Intake(settings, Sink(store), status, AT_ONCE), status


async def test_commits_what_is_written() -> None:
    """After each flush the offset behind its last record is committed."""
    stop, store = asyncio.Event(), FakeStore()
    intake, status = _intake(store)
    consumer = FakeConsumer(stop, [_batch(0, 1), _batch(2)])
    await intake.run(consumer, stop)
    assert consumer.commits == [{PLACE: 2}, {PLACE: 3}]
    assert intake.archived == {(LOG, 0): 3}
    assert status.summary()["rows"] == {"raw_log": 3}


async def test_clickhouse_away_for_a_while() -> None:
    """While it is away nothing is read or committed, it is told, and then all rows are there once."""
    stop = asyncio.Event()
    store = FakeStore(errors=[Unavailable("away")] * 5)
    intake, status = _intake(store)
    seen: list[dict[str, str]] = []

    class Watching(FakeConsumer):
        def pause(self, *partitions: TopicPartition) -> None:
            super().pause(*partitions)
            assert not self.commits
            seen.append(dict(status.problems))

    consumer = Watching(stop, [_batch(0, 1), _batch(2, 3)])
    await intake.run(consumer, stop)
    assert seen == [{"clickhouse": "away"}] * 5
    assert consumer.polls_while_paused == 5
    assert status.problems == {}
    assert status.summary()["retries"] == 5
    assert store.column("raw_log", "event_id") == ["e0-0", "e0-1", "e0-2", "e0-3"]
    assert consumer.commits[-1] == {PLACE: 4}


async def test_stopped_while_clickhouse_is_away() -> None:
    """What could not be written is not committed: the next start reads it again."""
    stop = asyncio.Event()
    intake, _ = _intake(FakeStore(errors=[Unavailable("away")] * 100))

    class Impatient(FakeConsumer):
        def pause(self, *partitions: TopicPartition) -> None:
            super().pause(*partitions)
            self.stop.set()

    consumer = Impatient(stop, [_batch(0)])
    await intake.run(consumer, stop)
    assert consumer.commits == []


async def test_stop_writes_what_is_in_hand() -> None:
    """Told to stop, it writes and commits the rows that wait for a full batch."""
    stop, store = asyncio.Event(), FakeStore()
    intake = Intake(Settings(_env_file=None, topic_prefix="t."), Sink(store), Status(), Pace(flush=3600))
    consumer = FakeConsumer(stop, [_batch(0), _batch(1)])
    await intake.run(consumer, stop)
    assert len(store.kept) == 1
    assert consumer.commits == [{PLACE: 2}]


async def test_stop_does_not_wait_for_a_poll_that_never_ends() -> None:
    """A rebalance that hangs does not keep the process alive."""
    stop = asyncio.Event()
    intake, _ = _intake(FakeStore())

    class Hanging(FakeConsumer):
        async def getmany(self, *, timeout_ms: int, max_records: int) -> Mapping[TopicPartition, Sequence[Any]]:
            asyncio.get_running_loop().call_soon(self.stop.set)
            await asyncio.Event().wait()
            return {}

    await asyncio.wait_for(intake.run(Hanging(stop, []), stop), timeout=10)


async def test_partitions_taken_away_while_rows_wait() -> None:
    """Rows of partitions that another member gets now are dropped, not committed; going on works."""
    stop = asyncio.Event()
    store = FakeStore(errors=[Unavailable("away")])
    intake, status = _intake(store)

    class Revoking(FakeConsumer):
        async def getmany(self, *, timeout_ms: int, max_records: int) -> Mapping[TopicPartition, Sequence[Any]]:
            if self.paused:
                await intake.on_partitions_revoked({PLACE})
                self.paused.clear()  # a new assignment is not paused
                await intake.on_partitions_assigned({PLACE})
                return {}
            return await super().getmany(timeout_ms=timeout_ms, max_records=max_records)

    consumer = Revoking(stop, [_batch(0, 1), _batch(5)])
    await asyncio.wait_for(intake.run(consumer, stop), timeout=10)
    assert store.column("raw_log", "event_id") == ["e0-5"]
    assert consumer.commits == [{PLACE: 6}]
    assert status.state == "ok"


async def test_partitions_taken_away_amid_a_write() -> None:
    """A rebalance during an insert: the rows may be in, but their offsets belong to the next owner."""
    stop = asyncio.Event()

    class RevokingStore(FakeStore):
        async def insert(self, *arguments: Any) -> None:
            await super().insert(*arguments)
            if len(self.kept) == 1:
                await intake.on_partitions_revoked({PLACE})

    store = RevokingStore()
    intake, _ = _intake(store)
    consumer = FakeConsumer(stop, [_batch(0, 1), _batch(0, 1, 2)])
    await intake.run(consumer, stop)
    assert consumer.commits == [{PLACE: 3}]


async def test_partitions_taken_away_amid_a_write_that_fails() -> None:
    """A rebalance during an insert that ends in an outage: nothing waits any more, so reading goes on."""
    stop = asyncio.Event()

    class RevokingStore(FakeStore):
        async def insert(self, *arguments: Any) -> None:
            if self.errors:
                await intake.on_partitions_revoked({PLACE})
            await super().insert(*arguments)

    store = RevokingStore(errors=[Unavailable("away")])
    intake, status = _intake(store)
    consumer = FakeConsumer(stop, [_batch(0, 1), _batch(0, 1, 2)])
    await asyncio.wait_for(intake.run(consumer, stop), timeout=10)
    assert consumer.commits == [{PLACE: 3}]
    assert status.problems == {}


async def test_a_failed_commit_is_tried_again() -> None:
    """Without any new record the offsets of a failed commit get in: others wait for them."""
    stop = asyncio.Event()
    intake, _ = _intake(FakeStore())

    class Quiet(FakeConsumer):
        async def getmany(self, *, timeout_ms: int, max_records: int) -> Mapping[TopicPartition, Sequence[Any]]:
            if self.next and not self.commits:
                await asyncio.sleep(0)
                return {}
            return await super().getmany(timeout_ms=timeout_ms, max_records=max_records)

    consumer = Quiet(stop, [_batch(0, 1)])
    consumer.commit_errors = [CommitFailedError()]
    await asyncio.wait_for(intake.run(consumer, stop), timeout=10)
    assert consumer.commits == [{PLACE: 2}]


async def test_a_failed_commit_is_covered_by_a_later_one() -> None:
    """A commit that fails stops nothing; the offsets go with the next."""
    stop = asyncio.Event()
    intake, _ = _intake(FakeStore())
    consumer = FakeConsumer(stop, [_batch(0, 1)])
    consumer.commit_errors = [CommitFailedError()]
    await intake.run(consumer, stop)
    assert consumer.commits == [{PLACE: 2}]


async def test_up_to_an_end() -> None:
    """``--once`` ends when everything up to the given offsets is written and committed."""
    stop, store = asyncio.Event(), FakeStore()
    intake, _ = _intake(store)
    consumer = FakeConsumer(stop, [_batch(0, 1), _batch(2), _batch(3)])
    await intake.run_to(consumer, {PLACE: 3}, stop)
    assert consumer.commits[-1] == {PLACE: 3}
    assert not stop.is_set()
