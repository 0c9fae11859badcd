"""Durable sends: nothing counts before the broker has acknowledged it, and one refusal is a refusal of all."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, cast

import pytest
from aiokafka.errors import KafkaError, MessageSizeTooLargeError

from streams.transport.bytes_table import BytesTable
from streams.transport.durable import Ack, DurableWriter, Row
from streams.transport.errors import NotOwner, SendFailed
from tests.unit.streams.faust_parts import FakeKafka, FakeMetadata, OfflineApp

CHANGELOG = "accounts-changelog"


@dataclass
class _Table:
    """A ``BytesTable`` that notes what is set, and when it refuses, at which step."""

    refuses: str = ""
    data: dict[bytes, bytes | None] = field(default_factory=dict)
    offset: int | None = None

    changelog_topic_name = CHANGELOG

    def check(self, partition: int, items: Mapping[bytes, bytes | None]) -> None:
        if self.refuses == "check":
            raise NotOwner("partition 1 is not assigned to this worker")

    def put(self, partition: int, items: Mapping[bytes, bytes | None], offset: int) -> None:
        self.data.update(items)
        self.offset = offset

    def as_table(self) -> BytesTable:
        return cast(BytesTable, self)


class _SlowKafka(FakeKafka):
    """A broker that acknowledges when the test says so."""

    def _take(self, topic: str, partition: int | None, rows: list[Row]) -> asyncio.Future[Any]:
        self.pending: list[asyncio.Future[Any]] = [*getattr(self, "pending", []), asyncio.Future()]
        return self.pending[-1]


@pytest.fixture
def offline() -> OfflineApp:
    return OfflineApp("durable-test")


def slow(offline: OfflineApp) -> tuple[DurableWriter, _SlowKafka]:
    """A writer whose broker waits for the test."""
    kafka = _SlowKafka([])
    cast(Any, offline.app).producer = kafka
    return DurableWriter(offline.app), kafka


async def turns() -> None:
    """Let everything happen that can happen."""
    for _ in range(20):
        await asyncio.sleep(0)


def future(result: int | BaseException) -> Ack:
    """An acknowledgement that has come: an offset or a refusal."""
    ack: asyncio.Future[Any] = asyncio.Future()
    ack.set_exception(result) if isinstance(result, BaseException) else ack.set_result(FakeMetadata(result))
    return cast(Ack, ack)


async def test_all_acknowledgements_are_waited_for(offline: OfflineApp) -> None:
    """The wait ends with the last acknowledgement, not before, and gives all of them in the order of the sends."""
    writer, kafka = slow(offline)
    acks = [await writer.send("out", b"k", str(number).encode()) for number in range(3)]
    waiting = asyncio.create_task(writer.gather_acks(acks))
    for number in (2, 0):
        kafka.pending[number].set_result(FakeMetadata(10 + number))
        await turns()
        assert not waiting.done()
    kafka.pending[1].set_result(FakeMetadata(11))
    assert [metadata.offset for metadata in await waiting] == [10, 11, 12]


async def test_one_refusal_is_raised_when_all_are_settled(offline: OfflineApp) -> None:
    """A refused send is told only when no other is under way: nothing arrives behind the worker's back."""
    writer, kafka = slow(offline)
    acks = [await writer.send("out", b"k", b"v") for _ in range(3)]
    waiting = asyncio.create_task(writer.gather_acks(acks))
    kafka.pending[0].set_exception(KafkaError("not enough replicas"))
    await turns()
    assert not waiting.done()
    for ack in kafka.pending[1:]:
        ack.set_result(FakeMetadata(0))
    with pytest.raises(SendFailed, match="1 of 3 sends") as failed:
        await waiting
    assert isinstance(failed.value.__cause__, KafkaError)


async def test_every_refusal_is_counted(offline: OfflineApp) -> None:
    """A second refusal is not lost behind the first, and a cancelled send is one too."""
    cancelled: asyncio.Future[Any] = asyncio.Future()
    cancelled.cancel()
    with pytest.raises(SendFailed, match="2 of 3"):
        await DurableWriter(offline.app).gather_acks([future(KafkaError()), future(3), cast(Ack, cancelled)])


async def test_a_caller_that_is_cancelled_takes_no_send_with_it(offline: OfflineApp) -> None:
    """Sends are under way; giving up waiting does not take them back."""
    writer, kafka = slow(offline)
    waiting = asyncio.create_task(writer.gather_acks([await writer.send("out", b"k", b"v")]))
    await turns()
    waiting.cancel()
    await asyncio.wait([waiting])
    assert not kafka.pending[0].cancelled()


async def test_nothing_to_wait_for(offline: OfflineApp) -> None:
    """No sends, no acknowledgements, no waiting."""
    assert await DurableWriter(offline.app).gather_acks([]) == []


async def test_a_send_refused_at_once_is_raised(offline: OfflineApp) -> None:
    """What the producer does not even take is a failed send, not a crash of its own kind."""

    class Refusing(FakeKafka):
        async def send(self, *_: Any, **__: Any) -> asyncio.Future[Any]:
            raise MessageSizeTooLargeError("too large")

    cast(Any, offline.app).producer = Refusing([])
    with pytest.raises(SendFailed, match="refused a record"):
        await DurableWriter(offline.app).send("out", b"k", b"v")


async def test_batches_keep_the_order_of_rows(offline: OfflineApp) -> None:
    """Rows that need several batches arrive in the order given, none lost at a batch's end, with time and headers."""
    offline.kafka.room = 3
    writer = DurableWriter(offline.app)
    rows = [Row(b"k%d" % number, b"v", 1_000 + number, (("from", b"x"),)) for number in range(8)]
    acks = await writer.gather_acks(await writer.send_batch("out", 1, rows))
    assert offline.rows("out", 1) == rows
    assert [len(step.rows) for step in offline.journal if step.what == "sent"] == [3, 3, 2]
    assert [ack.offset for ack in acks] == [2, 5, 7], "an acknowledgement holds the offset of its last row"


async def test_no_rows_send_no_batch(offline: OfflineApp) -> None:
    """An empty batch is never sent."""
    assert await DurableWriter(offline.app).send_batch("out", 1, []) == []
    assert offline.journal == []


async def test_a_refused_batch_is_a_failed_send(offline: OfflineApp) -> None:
    """A batch whose acknowledgement fails raises, with the others sent."""
    offline.kafka.failing.add("out")
    writer = DurableWriter(offline.app)
    acks = await writer.send_batch("out", 1, [Row(b"k", b"v")])
    with pytest.raises(SendFailed, match="1 of 1"):
        await writer.gather_acks(acks)


async def test_a_table_is_set_only_after_its_changelog_is_acknowledged(offline: OfflineApp) -> None:
    """While the changelog record is under way the table holds what a successor would recover."""
    writer, kafka = slow(offline)
    table = _Table()
    writing = asyncio.create_task(writer.write_table(table.as_table(), 1, {b"C1": b"new", b"C2": None}))
    await turns()
    assert (table.data, table.offset) == ({}, None)
    kafka.pending[0].set_result(FakeMetadata(40))
    await writing
    assert (table.data, table.offset) == ({b"C1": b"new", b"C2": None}, 41)


async def test_a_table_spread_over_batches_knows_its_last_offset(offline: OfflineApp) -> None:
    """The offset kept with the data is that of the last record of the last batch."""
    offline.kafka.room = 2
    table = _Table()
    items: dict[bytes, bytes | None] = {b"C%d" % number: b"v" for number in range(5)}
    await DurableWriter(offline.app).write_table(table.as_table(), 1, items)
    assert [row.key for row in offline.rows(CHANGELOG, 1)] == list(items)
    assert table.offset == 4


async def test_a_failed_changelog_leaves_the_table_alone(offline: OfflineApp) -> None:
    """Not acknowledged is not stored: the worker ends with the state that its successor recovers."""
    offline.kafka.failing.add(CHANGELOG)
    table = _Table()
    with pytest.raises(SendFailed):
        await DurableWriter(offline.app).write_table(table.as_table(), 1, {b"C1": b"new"})
    assert table.data == {}


async def test_a_table_is_asked_before_anything_is_sent(offline: OfflineApp) -> None:
    """What the table would refuse never reaches the changelog, where it could not be taken back."""
    with pytest.raises(NotOwner):
        await DurableWriter(offline.app).write_table(_Table(refuses="check").as_table(), 1, {b"C1": b"new"})
    assert offline.journal == []


async def test_an_empty_write_sends_nothing(offline: OfflineApp) -> None:
    """No items, no changelog record, and the offset stays."""
    table = _Table()
    await DurableWriter(offline.app).write_table(table.as_table(), 1, {})
    assert (offline.journal, table.offset) == ([], None)
