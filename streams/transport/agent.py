"""The Faust agents of chunked delivery: they hand chunks to a handler, and a handler's exception ends the process.

What breaks without it: Faust acknowledges an event whose agent raised (the iterator's `finally`), so the
event is lost; with `noack` the agent is restarted and goes on behind the failed event, whose partition then
never commits again, while the worker looks healthy (faust-streaming issues 189, 315, 527). A handler
therefore never raises for bad input, which goes to dead letters; what it does raise is a bug or a lost
broker, and stops the worker uncommitted.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict, deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, cast

import faust
from faust.streams import Stream
from faust.types import TP, AgentT, EventT, StreamT, TopicT

from streams.transport.chain import Chunk
from streams.transport.consumer import ChunkConsumer
from streams.transport.install import ChunkTransport


@dataclass(frozen=True, slots=True, eq=False)
class Delivery:
    """A chunk in the hands of a handler, which acknowledges it, whenever and from whatever task, exactly once."""

    chunk: Chunk
    event: EventT[Any]
    consumer: ChunkConsumer

    @property
    def tp(self) -> TP:
        """The partition that the chunk comes from."""
        return self.chunk.tp

    def is_current(self) -> bool:
        """Whether the chunk still counts; after a rebalance it does not, and is delivered anew to its owner."""
        return self.consumer.chain(self.tp).is_current(self.chunk)

    def ack(self) -> bool:
        """All that the chunk causes is acknowledged by the broker: its offsets may be committed."""
        return self.event.ack()

    def release(self) -> None:
        """Give the chunk back, unfinished, because work must come to rest (see `ChunkConsumer.on_suspend`)."""
        self.consumer.release(self.event.message)


Handler = Callable[[Delivery], Awaitable[None]]


def chunk_topic(app: faust.App, *names: str, partitions: int | None = None) -> TopicT:
    """The channel of one or more topics delivered in chunks: nothing in it is decoded by Faust."""
    return app.topic(*names, key_serializer="raw", value_serializer="raw", partitions=partitions, internal=False)


def chunk_agent(app: faust.App, topic: TopicT, handler: Handler, *, name: str) -> AgentT[Any]:
    """Register an agent that gives each chunk of ``topic`` to ``handler``, in order within a partition.

    The next chunk is given when the handler returns, which may be long before it acknowledges. Use one
    agent for topics that are handled together: a shared queue keeps the order of arrival. Never two agents
    on one topic.
    """

    async def deliver(stream: StreamT[Any]) -> None:
        consumer = cast(ChunkConsumer, app.consumer)
        try:
            async for event in cast(Stream[Any], stream).noack().events():
                chunk = cast(Chunk, event.message.value)
                if not consumer.at_rest and consumer.chain(chunk.tp).handed_over(chunk):
                    await handler(Delivery(chunk, event, consumer))
                else:
                    consumer.release(event.message)
        except Exception as failure:
            await cast(ChunkTransport, app.transport).fail_stop(failure)

    return app.agent(topic, name=name)(deliver)


MOST_JOINED = 1_000
"""Records of chunks joined for one step; a single chunk may hold more."""


def _take(waiting: deque[Delivery]) -> list[Delivery]:
    """Take out the first delivery, and those after it that make one chain and not too much work with it."""
    taken = [waiting.popleft()]
    records = len(taken[0].chunk.records)
    while waiting and waiting[0].chunk.epoch == taken[0].chunk.epoch:
        records += len(waiting[0].chunk.records)
        if records > MOST_JOINED:
            break
        taken.append(waiting.popleft())
    return taken


def _joined(taken: list[Delivery]) -> Delivery:
    """The deliveries as one to work on; it is not part of the chain: the single ones are acknowledged."""
    first = taken[0]
    if len(taken) == 1:
        return first
    records = [record for delivery in taken for record in delivery.chunk.records]
    chunk = Chunk(first.tp, first.chunk.first, taken[-1].chunk.last, records, first.chunk.epoch)
    return Delivery(chunk, first.event, first.consumer)


class PartitionLanes:
    """A handler for which each partition is a lane: chunks one after the other within it, lanes side by side.

    ``step`` does all the work of a chunk; the lane acknowledges when it returns. While one partition waits
    for the broker's acknowledgements, the others compute. Chunks that came in meanwhile are given to ``step``
    as one: events that trickle in are fetched a few at a time, and with a wait for the broker for each few of
    them a lane would fall behind at a rate at which neither it nor the broker is busy.
    """

    def __init__(self, app: faust.App, step: Handler) -> None:
        self._app = app
        self._step = step
        self._waiting: dict[TP, deque[Delivery]] = defaultdict(deque)
        self._lanes: dict[TP, asyncio.Task[None]] = {}
        self._hooked = False

    async def __call__(self, delivery: Delivery) -> None:
        """Take a delivery into its lane; returns at once."""
        if not self._hooked:
            delivery.consumer.on_suspend(self.release_waiting)
            self._hooked = True
        self._waiting[delivery.tp].append(delivery)
        if delivery.tp not in self._lanes:
            self._lanes[delivery.tp] = asyncio.create_task(self._run(delivery.tp), name=f"lane {delivery.tp}")

    async def release_waiting(self) -> None:
        """Give back everything that no step has begun."""
        for waiting in self._waiting.values():
            while waiting:
                waiting.popleft().release()

    async def _run(self, tp: TP) -> None:
        waiting = self._waiting[tp]
        try:
            while waiting:
                taken = _take(waiting)
                await self._step(_joined(taken))
                for delivery in taken:
                    delivery.ack()
        except Exception as failure:
            await cast(ChunkTransport, self._app.transport).fail_stop(failure)
        else:
            del self._lanes[tp]
