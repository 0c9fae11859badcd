"""The lanes of chunked delivery: chunks that wait are worked on as one, and acknowledged one by one."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any, NamedTuple, cast

import faust
from faust.types import TP, EventT

from streams.transport.agent import MOST_JOINED, Delivery, PartitionLanes
from streams.transport.chain import Chunk
from streams.transport.consumer import ChunkConsumer

PLACE = TP("log", 0)


class _Record(NamedTuple):
    offset: int


@dataclass
class _Event:
    """Stands for a Faust event: notes what is acknowledged; ``message`` names the chunk."""

    acked: list[int]
    message: int

    def ack(self) -> bool:
        self.acked.append(self.message)
        return True


@dataclass
class _Consumer:
    hooks: list[Callable[[], Awaitable[None]]] = field(default_factory=list)
    at_rest: bool = False
    released: list[int] = field(default_factory=list)

    def on_suspend(self, hook: Callable[[], Awaitable[None]]) -> None:
        self.hooks.append(hook)

    def release(self, message: int) -> None:
        self.released.append(message)


@dataclass
class _Lane:
    """Lanes whose step holds until it is told to go on, with all that happened to them."""

    steps: list[list[int]] = field(default_factory=list)
    acked: list[int] = field(default_factory=list)
    consumer: _Consumer = field(default_factory=_Consumer)
    go_on: asyncio.Event = field(default_factory=asyncio.Event)

    def __post_init__(self) -> None:
        self.lanes = PartitionLanes(cast(faust.App, None), self._step)

    async def _step(self, delivery: Delivery) -> None:
        chunk = delivery.chunk
        self.steps.append([record.offset for record in chunk.records])
        assert (chunk.first, chunk.last) == (self.steps[-1][0], self.steps[-1][-1])
        await self.go_on.wait()

    async def give(self, first: int, last: int, epoch: int = 1) -> None:
        records = cast(Any, [_Record(offset) for offset in range(first, last + 1)])
        event = cast(EventT[Any], _Event(self.acked, first))
        consumer = cast(ChunkConsumer, self.consumer)
        await self.lanes(Delivery(Chunk(PLACE, first, last, records, epoch), event, consumer))

    async def rest(self) -> None:
        for _ in range(20):
            await asyncio.sleep(0)


async def test_chunks_that_wait_become_one_step_and_keep_their_acknowledgements() -> None:
    """While the first is worked on three more come in: one step for all three, in order, each acknowledged itself."""
    lane = _Lane()
    await lane.give(0, 1)
    await lane.rest()
    for first in (2, 4, 6):
        await lane.give(first, first + 1)
    assert lane.acked == []
    lane.go_on.set()
    await lane.rest()
    assert lane.steps == [[0, 1], [2, 3, 4, 5, 6, 7]]
    assert lane.acked == [0, 2, 4, 6]


async def test_a_step_is_bounded_in_records() -> None:
    """A long queue is worked off in steps of at most MOST_JOINED records; nothing is left out."""
    lane = _Lane()
    size = MOST_JOINED // 2
    lane.go_on.set()
    for number in range(5):
        await lane.give(number * size, (number + 1) * size - 1)
    await lane.rest()
    assert [len(step) for step in lane.steps] == [2 * size, 2 * size, size]
    assert [offset for step in lane.steps for offset in step] == list(range(5 * size))


async def test_chunks_of_different_chains_are_never_joined() -> None:
    """After a rebalance a new chain begins: its chunks are not mixed with those of the old one."""
    lane = _Lane()
    lane.go_on.set()
    await lane.give(4, 5, epoch=1)
    await lane.give(4, 5, epoch=2)
    await lane.rest()
    assert lane.steps == [[4, 5], [4, 5]]


async def test_what_waits_is_given_back_when_work_must_come_to_rest() -> None:
    """The chunk in hand is finished; those that no step has begun are released and never acknowledged."""
    lane = _Lane()
    await lane.give(0, 1)
    await lane.rest()
    await lane.give(2, 3)
    await lane.give(4, 5)
    await lane.consumer.hooks[0]()
    lane.go_on.set()
    await lane.rest()
    assert lane.steps == [[0, 1]]
    assert lane.acked == [0]
    assert lane.consumer.released == [2, 4]
