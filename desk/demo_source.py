"""What the demo publishes: events of a simulation, a ledger or a file, counted and stamped on their way out."""

from __future__ import annotations

import asyncio
import time
from array import array
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from datetime import datetime
from itertools import chain, islice
from pathlib import Path
from typing import Protocol

from models.calendar import from_ms
from schemas.log import Source
from schemas.topics import CUSTOMER_TOPICS, TICKS
from streams.partitioner import partition_of
from streams.sources.event_file import TimedEvent, read_events
from streams.sources.ledger import ledger_events
from streams.sources.simulate import Portfolio, simulate
from streams.sources.ticks import with_ticks

_CUSTOMER_TOPICS = frozenset(CUSTOMER_TOPICS)
DAY_MS = 86_400_000
_YIELD_EVERY = 50


class Sink(Protocol):
    """Where events go: ``streams.publisher.Publisher``."""

    async def send(self, event: TimedEvent) -> None:
        """Send an event."""

    async def flush(self) -> None:
        """Wait until all that was sent has arrived."""


class StampingPublisher:
    """A publisher that remembers when each event was published, to tell how long its consequences took.

    It must be the only one that publishes into new topics: then the n-th event sent to a partition has offset n.
    """

    def __init__(self, publisher: Sink, partitions: int) -> None:
        self._publisher, self._partitions = publisher, partitions
        self._at: defaultdict[tuple[str, int], array[float]] = defaultdict(lambda: array("d"))
        self._broadcast_at: dict[int, float] = {}
        self._unkeyed: set[str] = set()
        self.counts: Counter[str] = Counter()
        self.book_ms: int | None = None
        self.first_at: float | None = None

    @property
    def events(self) -> int:
        """Events of public topics published so far."""
        return sum(self.counts.values()) - self.counts[TICKS]

    @property
    def book_time(self) -> datetime | None:
        """Event time of the newest event published."""
        return None if self.book_ms is None else from_ms(self.book_ms)

    async def send(self, event: TimedEvent) -> None:
        """Publish an event."""
        now = time.time()
        if self.first_at is None:
            self.first_at = now
        if event.topic not in _CUSTOMER_TOPICS:
            self._broadcast_at[event.timestamp_ms] = now
        elif event.key is None:
            self._unkeyed.add(event.topic)  # on a partition that we do not know: the topic's offsets cannot be told
        else:
            self._at[event.topic, partition_of(event.key.encode(), self._partitions)].append(now)
        self.counts[event.topic] += 1
        self.book_ms = event.timestamp_ms
        await self._publisher.send(event)
        if self.events % _YIELD_EVERY == 0:  # a send need not wait: the screen and the listener get their turns here
            await asyncio.sleep(0)

    async def flush(self) -> None:
        """Wait until the broker has everything."""
        await self._publisher.flush()

    def published_at(self, cause: Source, time_: datetime) -> float | None:
        """When (Unix seconds) the record at these coordinates, known at event time ``time_``, was published."""
        if cause.topic in self._unkeyed:
            return None
        if cause.topic in _CUSTOMER_TOPICS:
            sent = self._at.get((cause.topic, cause.partition), ())
            return sent[cause.offset] if cause.offset < len(sent) else None
        return self._broadcast_at.get(round(time_.timestamp() * 1000))


class PastAndPresent:
    """A stream of events cut in two: ``past`` holds the first ``days`` of event time, ``present`` the rest.

    Read ``past`` to its end before ``present``.
    """

    def __init__(self, events: Iterable[TimedEvent], days: int) -> None:
        self._events, self._days = iter(events), days
        self._next: TimedEvent | None = None

    def past(self) -> Iterator[TimedEvent]:
        """Events of the first days."""
        ends_at: int | None = None
        for event in self._events:
            if ends_at is None:
                ends_at = event.timestamp_ms + self._days * DAY_MS
            if event.timestamp_ms >= ends_at:
                self._next = event
                return
            yield event

    def present(self) -> Iterator[TimedEvent]:
        """All later events."""
        if self._next is not None:
            yield self._next
        yield from self._events


def demo_events(
    *, customers: int, seed: int, ledger: Path | None, events_file: Path | None, most: int | None
) -> Iterator[TimedEvent]:
    """The events to publish, in order of time, with a tick for every day; at most ``most`` beside the ticks.

    The first event is made at once. Raises InvalidInput when it cannot be read.
    """
    events = _events(customers, seed, ledger, events_file)
    ticking = with_ticks(events if most is None else islice(events, most))
    first = list(islice(ticking, 1))
    return chain(first, ticking)


def _events(customers: int, seed: int, ledger: Path | None, events_file: Path | None) -> Iterator[TimedEvent]:
    if ledger is not None:
        return iter(ledger_events(ledger))
    if events_file is not None:
        return (event for event in read_events(events_file) if event.topic != TICKS)
    return simulate(Portfolio(customers=customers, seed=seed))
