"""One run of the demo: publish, listen, watch the parts, and know when everything published has had its effect."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Coroutine, Iterable
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import Any, Protocol

import aiohttp

from alerts.feed import Feed, FeedItem
from desk.board import Board
from desk.demo_parts import DemoParts
from desk.demo_progress import Pulse, read_pulse, until_ready
from desk.demo_source import PastAndPresent, StampingPublisher
from schemas.decisions import CreditAlert
from streams.archive.rows import ARCHIVED
from streams.backlog import Backlog
from streams.publisher import Publisher
from streams.sources.event_file import TimedEvent
from streams.sources.replay import replay
from streams.topic_admin import ensure_topics

_WATCH_SECONDS = 0.25
_DONE_POLL_SECONDS = 0.1
_RATE_SECONDS = 3.0


@dataclass(frozen=True, slots=True)
class Plan:
    """What to publish and how. ``speed`` is book time per wall time (None: as fast as possible)."""

    events: Iterable[TimedEvent]
    speed: float | None
    history_days: int
    exit_when_done: bool


class Show(Protocol):
    """Where a run shows itself."""

    def item(self, item: FeedItem) -> None:
        """A new out-event; the board has it already."""

    def beat(self, run: DemoRun) -> None:
        """Time to draw."""

    def close(self) -> None:
        """The end."""


class DemoRun:
    """The running demo; ``show`` hears of every new out-event and is asked to draw four times a second."""

    def __init__(self, parts: DemoParts, plan: Plan, show: Show) -> None:
        self.board, self.pulse = Board(), Pulse()
        self.phase = "starting"
        self.publisher: StampingPublisher | None = None
        self.applied_seconds: float | None = None
        self.stop = asyncio.Event()
        self._parts, self._plan, self._show = parts, plan, show
        self._rates: list[tuple[float, int]] = []
        self._live_since = 0.0

    @property
    def published(self) -> int:
        """Events of public topics published so far."""
        return self.publisher.events if self.publisher is not None else 0

    @property
    def per_second(self) -> float:
        """Customers' events applied per second, over the last seconds."""
        if len(self._rates) < 2:
            return 0.0
        (start, before), (end, now) = self._rates[0], self._rates[-1]
        return (now - before) / (end - start) if end > start else 0.0

    async def run(self) -> bool:
        """Run until told to stop, or until done if the plan says so; whether everything was finished.

        Raises:
            Unavailable: a part ended by itself or does not answer.
            InvalidInput: the events cannot be read.
        """
        async with AsyncExitStack() as stack:
            settings = self._parts.settings
            await ensure_topics(settings)
            self._parts.start()
            session = await stack.enter_async_context(aiohttp.ClientSession())
            feed = await stack.enter_async_context(Feed(settings))
            backlog = await stack.enter_async_context(Backlog(settings))
            publisher = await stack.enter_async_context(Publisher(settings))
            self.publisher = StampingPublisher(publisher, settings.partitions)
            return await self._until_over(
                self._work(session, feed, backlog, self.publisher),
                [self._watch(session), self._listen(feed), self.stop.wait()],
            )

    async def _until_over(self, work: Coroutine[Any, Any, None], others: list[Coroutine[Any, Any, Any]]) -> bool:
        working = asyncio.create_task(work)
        beside = [asyncio.create_task(other) for other in others]
        tasks = [working, *beside]
        try:
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            if working.done() and working.exception() is None and not self._plan.exit_when_done:
                await asyncio.wait(beside, return_when=asyncio.FIRST_COMPLETED)
            for task in tasks:
                if task.done():
                    task.result()  # raises what went wrong
            return working.done()
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _work(
        self, session: aiohttp.ClientSession, feed: Feed, backlog: Backlog, publisher: StampingPublisher
    ) -> None:
        await until_ready(session, self._parts.web_ports)
        plan, split = self._plan, PastAndPresent(self._plan.events, self._plan.history_days)
        if plan.speed is not None and plan.history_days:
            self.phase = "history"
            await replay(split.past(), publisher, speed=None)
            await publisher.flush()
            await _until(backlog.all_applied)
        self._live_since = time.time()
        self.board.since_publish.clear()
        self.board.since_gate.clear()
        self.phase = "live"
        await replay(split.present(), publisher, speed=plan.speed)
        self.phase = "finishing"
        await publisher.flush()
        await _until(backlog.all_applied)
        self.applied_seconds = time.time() - (publisher.first_at or time.time())
        await _until(feed.is_at_end)
        await _until(lambda: self._archived(backlog))
        await _until(lambda: self._take_pulse(session))
        self.phase = "done"

    async def _archived(self, backlog: Backlog) -> bool:
        return await backlog.uncommitted(f"{self._parts.settings.app_id}-archive", ARCHIVED) == 0

    async def _listen(self, feed: Feed) -> None:
        async for item in feed:
            news = self.board.apply(item)
            self._measure(item)
            if news:
                self._show.item(item)

    def _measure(self, item: FeedItem) -> None:
        """Latencies of an alert: since its cause was published, and since the gate read it."""
        data = item.event.data
        if not isinstance(data, CreditAlert) or self.publisher is None:
            return
        published = self.publisher.published_at(data.cause, item.event.time)
        now = time.time()
        if published is not None and published >= self._live_since:
            self.board.since_publish.add(now - published)
            self.board.since_gate.add(now - item.event.recordedtime.timestamp())

    async def _watch(self, session: aiohttp.ClientSession) -> None:
        while True:
            self._parts.check()
            await self._take_pulse(session)
            self._show.beat(self)
            await asyncio.sleep(_WATCH_SECONDS)

    async def _take_pulse(self, session: aiohttp.ClientSession) -> bool:
        parts = self._parts
        found = await read_pulse(session, parts.web_ports, parts.settings.partitions)
        if found is None:
            return False
        self.pulse, now = found, time.monotonic()
        self._rates.append((now, found.events))
        while self._rates[0][0] < now - _RATE_SECONDS:
            self._rates.pop(0)
        return True


async def _until(holds: Callable[[], Awaitable[bool]]) -> None:
    """Wait until the condition holds; asked ten times a second."""
    while True:
        if await holds():
            return
        await asyncio.sleep(_DONE_POLL_SECONDS)
