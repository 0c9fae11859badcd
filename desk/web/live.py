"""What happens, as pages hear of it: one listener per process for all pages, and news told in bundles twice a second.

A page that is open in twenty browsers costs the broker and the workers what one costs.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from types import TracebackType
from typing import NamedTuple, TypeAlias

from alerts.feed import FeedItem
from desk.api.hub import Hub
from schemas.errors import CreditPulseError, Unavailable
from streams.control import Value
from streams.tasks import end_task

log = logging.getLogger(__name__)

TICK_SECONDS = 0.5
_MOST_PENDING = 2_000
_TRY_AGAIN_SECONDS = 1.0


class ControlChange(NamedTuple):
    """A record of the control topic (API keys, silences, acknowledgements, saved views, ...) was written or deleted."""

    kind: str
    record_id: str
    value: Value | None


News: TypeAlias = list[FeedItem | ControlChange]
Handler = Callable[[News], Awaitable[None]]


@dataclass(eq=False, slots=True)
class Subscription:
    """What one page wants to hear. ``handler`` is called with the news, never twice at a time; also every so often."""

    handler: Handler
    topics: frozenset[str] = frozenset()
    control: frozenset[str] = frozenset()
    wants: Callable[[FeedItem], bool] | None = None
    every: float | None = None
    pending: News = field(default_factory=list)
    due: float = 0.0
    task: asyncio.Task[None] | None = None
    paused: bool = False
    """News wait while the page is paused by its user, or while its browser is ``away``."""
    away: bool = False

    def offer(self, news: FeedItem | ControlChange) -> None:
        """Keep it for the next bundle, if it is wanted; of very many only the newest."""
        if isinstance(news, ControlChange):
            wanted = news.kind in self.control
        else:
            wanted = news.topic in self.topics and (self.wants is None or self.wants(news))
        if wanted:
            self.pending.append(news)
            if len(self.pending) > _MOST_PENDING:
                del self.pending[: _MOST_PENDING // 2]


class LiveNews:
    """``async with LiveNews(hub) as news``, then ``news.subscribe(...)``."""

    def __init__(self, hub: Hub) -> None:
        self._hub = hub
        self._subscriptions: set[Subscription] = set()
        self._stack = AsyncExitStack()

    async def __aenter__(self) -> LiveNews:
        for work, name in ((self._listen(), "desk news"), (self._tick(), "desk tick")):
            self._stack.push_async_callback(end_task, asyncio.create_task(work, name=name))
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for subscription in list(self._subscriptions):
            await end_task(subscription.task)
        await self._stack.aclose()

    def __len__(self) -> int:
        return len(self._subscriptions)

    def subscribe(self, subscription: Subscription) -> Callable[[], None]:
        """Begin to tell; the handler is called once at the next tick, with what there is. Returns how to end it."""
        self._subscriptions.add(subscription)

        def end() -> None:
            self._subscriptions.discard(subscription)
            if subscription.task is not None:
                subscription.task.cancel()

        return end

    def control_changed(self, kind: str, record_id: str, value: Value | None) -> None:
        """A listener of ``streams.control.Control``."""
        for subscription in self._subscriptions:
            subscription.offer(ControlChange(kind, record_id, value))

    async def _listen(self) -> None:
        while True:
            try:
                async for heard in self._hub.listen():
                    for subscription in self._subscriptions:
                        subscription.offer(heard.item)
            except Unavailable as error:
                log.warning("desk news: %s", error)
                await asyncio.sleep(_TRY_AGAIN_SECONDS)

    async def _tick(self) -> None:
        while True:
            await asyncio.sleep(TICK_SECONDS)
            now = time.monotonic()
            for subscription in list(self._subscriptions):
                busy = subscription.task is not None and not subscription.task.done()
                if busy or subscription.paused or subscription.away:
                    continue
                # due is 0 at first: everybody is called once, to show what there is.
                if subscription.pending or now >= subscription.due:
                    news, subscription.pending = subscription.pending, []
                    subscription.due = float("inf") if subscription.every is None else now + subscription.every
                    subscription.task = asyncio.create_task(_tell(subscription, news))


async def _tell(subscription: Subscription, news: News) -> None:
    try:
        await subscription.handler(news)
    except Unavailable as error:
        # The banner says so; try again soon, with what was not shown.
        log.info("desk page: %s", error)
        subscription.pending = [*news, *subscription.pending]
        subscription.due = time.monotonic() + _TRY_AGAIN_SECONDS * 2
        await asyncio.sleep(_TRY_AGAIN_SECONDS)
    except CreditPulseError as error:
        log.warning("a page could not be brought up to date: %s", str(error)[:300])
    except Exception:
        log.exception("a page could not be brought up to date")
