"""A Faust app that never starts, with fakes where it touches a broker, and a journal of what went there in order."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any, NamedTuple, cast

import faust
from aiokafka.errors import KafkaError
from faust.types import TP

from streams.transport.bytes_table import BytesTable
from streams.transport.chain import Chunk, ChunkChain
from streams.transport.durable import Row


class Raw(NamedTuple):
    """A record as aiokafka gives it."""

    topic: str
    partition: int
    offset: int
    timestamp: int
    key: bytes | None
    value: bytes | None
    headers: Sequence[tuple[str, bytes]] = ()


class Step(NamedTuple):
    """A line of the journal: ``sent`` and ``confirmed`` (topic, rows), ``stored`` (table), ``acked`` (offsets)."""

    what: str
    where: str
    partition: int | None
    rows: tuple[Row, ...] = ()


class _Batch:
    """As aiokafka's BatchBuilder, of ``room`` records."""

    def __init__(self, room: int) -> None:
        self.rows: list[Row] = []
        self._room = room

    def append(self, *, key: bytes | None, value: bytes | None, timestamp: int | None, headers: Any) -> object:
        """None when the batch is full."""
        if len(self.rows) >= self._room:
            return None
        self.rows.append(Row(key, value, timestamp, tuple(headers)))
        return object()

    def record_count(self) -> int:
        """How many rows there are."""
        return len(self.rows)

    def close(self) -> None:
        """No more rows."""


@dataclass
class FakeKafka:
    """A producer whose broker confirms what it gets a turn of the loop later.

    It refuses topics in ``failing``, and everything once it has confirmed ``lives_for`` times.
    """

    journal: list[Step]
    failing: set[str] = field(default_factory=set)
    room: int = 1_000
    lives_for: int | None = None
    stored: defaultdict[tuple[str, int | None], list[Row]] = field(default_factory=lambda: defaultdict(list))

    @property
    def confirmed(self) -> int:
        """How often it has confirmed something."""
        return sum(step.what == "confirmed" for step in self.journal)

    def _ensure_producer(self) -> FakeKafka:
        return self

    def create_batch(self) -> _Batch:
        """An empty batch."""
        return _Batch(self.room)

    async def send_batch(self, batch: _Batch, topic: str, *, partition: int) -> asyncio.Future[Any]:
        """Take a batch."""
        return self._take(topic, partition, batch.rows)

    async def send(
        self, topic: str, value: bytes | None, key: bytes | None, partition: int | None, timestamp_ms: int | None,
        headers: Any,
    ) -> asyncio.Future[Any]:  # fmt: skip
        """Take a record."""
        return self._take(topic, partition, [Row(key, value, timestamp_ms, tuple(headers))])

    def _take(self, topic: str, partition: int | None, rows: list[Row]) -> asyncio.Future[Any]:
        loop = asyncio.get_running_loop()
        ack: asyncio.Future[Any] = loop.create_future()
        self.journal.append(Step("sent", topic, partition, tuple(rows)))
        loop.call_soon(self._confirm, ack, topic, partition, rows)
        return ack

    def _confirm(self, ack: asyncio.Future[Any], topic: str, partition: int | None, rows: list[Row]) -> None:
        dead = self.lives_for is not None and self.confirmed >= self.lives_for
        if dead or topic in self.failing:
            ack.set_exception(KafkaError("not enough replicas"))
            return
        there = self.stored[topic, partition]
        there += rows
        self.journal.append(Step("confirmed", topic, partition, tuple(rows)))
        ack.set_result(FakeMetadata(len(there) - len(rows)))


class FakeMetadata(NamedTuple):
    """As aiokafka's RecordMetadata: the offset of the first record of what was sent."""

    offset: int


@dataclass
class FakeTable:
    """A ``BytesTable`` in a dictionary for each partition."""

    name: str
    journal: list[Step]
    data: defaultdict[int, dict[bytes, bytes]] = field(default_factory=lambda: defaultdict(dict))
    lost: set[int] = field(default_factory=set)

    @property
    def changelog_topic_name(self) -> str:
        """The topic of its changelog."""
        return f"{self.name}-changelog"

    def owns(self, partition: int) -> bool:
        """Whether the partition is assigned to this worker; all are, unless a test takes one away."""
        return partition not in self.lost

    def value(self, partition: int, key: bytes) -> bytes | None:
        """As ``BytesTable.value``."""
        return self.data[partition].get(key)

    def items_of(self, partition: int) -> Iterable[tuple[bytes, bytes]]:
        """As ``BytesTable.items_of``."""
        return list(self.data[partition].items())

    def check(self, partition: int, items: Mapping[bytes, bytes | None]) -> None:
        """As ``BytesTable.check``."""
        assert all(items)

    def put(self, partition: int, items: Mapping[bytes, bytes | None], offset: int) -> None:
        """As ``BytesTable.put``."""
        self.journal.append(Step("stored", self.name, partition))
        self.data[partition].update({key: value for key, value in items.items() if value is not None})

    def as_table(self) -> BytesTable:
        """For an attribute that holds a real one."""
        return cast(BytesTable, self)


@dataclass
class FakeConsumer:
    """Chains as the real consumer keeps them, and what it would know of the topics' ends."""

    chains: dict[TP, ChunkChain] = field(default_factory=dict)
    ends: dict[TP, int] = field(default_factory=dict)
    hooks: list[Callable[[], Awaitable[None]]] = field(default_factory=list)
    at_rest: bool = False
    released: list[Chunk] = field(default_factory=list)

    def chain(self, tp: TP) -> ChunkChain:
        """The chain of a partition; a new one starts at 0."""
        if tp not in self.chains:
            self.chains[tp] = ChunkChain(tp)
            self.chains[tp].rebase(0)
        return self.chains[tp]

    def assignment(self) -> set[TP]:
        """Every partition whose end is known."""
        return set(self.ends)

    def readable_end(self, tp: TP) -> int | None:
        """The end of a partition."""
        return self.ends.get(tp)

    def on_suspend(self, hook: Callable[[], Awaitable[None]]) -> None:
        """As ``ChunkConsumer.on_suspend``."""
        self.hooks.append(hook)

    def release(self, message: Any) -> None:
        """As ``ChunkConsumer.release``."""
        self.released.append(message.value)


@dataclass
class FakeTransport:
    """Keeps the failures that would end the process."""

    failures: list[BaseException] = field(default_factory=list)

    async def fail_stop(self, reason: BaseException) -> None:
        """As ``ChunkTransport.fail_stop``."""
        self.failures.append(reason)


class _Event:
    """A chunk on its way through Faust."""

    def __init__(self, chunk: Chunk, consumer: FakeConsumer, journal: list[Step]) -> None:
        self.message = SimpleNamespace(tp=chunk.tp, value=chunk)
        self._consumer, self._journal = consumer, journal

    def ack(self) -> bool:
        chunk = cast(Chunk, self.message.value)
        self._journal.append(Step("acked", chunk.tp.topic, chunk.tp.partition))
        return self._consumer.chain(chunk.tp).acknowledged(chunk)


class _Stream:
    """A stream of the given events."""

    def __init__(self, events: list[_Event]) -> None:
        self._events = events

    def noack(self) -> _Stream:
        return self

    async def events(self) -> AsyncIterator[_Event]:
        for event in self._events:
            yield event


class OfflineApp:
    """An app with all fakes; ``deliver`` gives records to an agent as the consumer would."""

    def __init__(self, name: str) -> None:
        self.journal: list[Step] = []
        self.kafka, self.consumer, self.transport = FakeKafka(self.journal), FakeConsumer(), FakeTransport()
        self.app = faust.App(name, broker="kafka://127.0.0.1:1", store="memory://", web_enabled=False)
        app = cast(Any, self.app)
        assert app.topics is not None, "made by the real transport, so before it is replaced"
        app.producer, app.consumer, app.transport = self.kafka, self.consumer, self.transport

    async def deliver(self, agent: str, *chunks: list[Raw]) -> None:
        """Fetch each chunk, hand all of them to the agent, and let everything happen that follows."""
        events = []
        for records in chunks:
            tp = TP(records[0].topic, records[0].partition)
            chunk = self.consumer.chain(tp).fetched(records)
            assert isinstance(chunk, Chunk), "records must follow one another"
            events.append(_Event(chunk, self.consumer, self.journal))
        found = next(each for name, each in self.app.agents.items() if name.split(".")[-1] == agent)
        await cast(Any, found).fun(_Stream(events))
        for _ in range(400):
            await asyncio.sleep(0)

    def rows(self, topic: str, partition: int | None) -> list[Row]:
        """What the broker has confirmed of a partition."""
        return self.kafka.stored[topic, partition]
