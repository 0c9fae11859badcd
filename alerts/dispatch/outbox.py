"""Deliver messages: one worker per channel, so that a channel that fails holds up nobody else."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from types import TracebackType

from alerts.dispatch.message import AlertChannel, Message, Settled
from schemas.errors import CreditPulseError

log = logging.getLogger(__name__)

FIRST_PAUSE, LONGEST_PAUSE = 1.0, 900.0
"""Seconds before the second attempt; each further pause is twice as long, up to the longest."""
_STOP_SECONDS = 10.0
Place = tuple[str, str]
"""A receiver and one of its channels, as the routing names them."""


class Outbox:
    """``async with Outbox(channels, ...) as outbox``; each channel gets its messages in the order they were put.

    ``settled(result)`` stores that a message was sent or given up; the channel's next one is sent after that, so that
    a kill repeats at most one message of each channel.
    """

    def __init__(
        self,
        channels: Mapping[Place, AlertChannel],
        settled: Callable[[Settled], Awaitable[None]],
        now_ms: Callable[[], int],
        *,
        give_up_after: int,
        first_pause: float = FIRST_PAUSE,
    ) -> None:
        """``give_up_after``: ms since the message was made."""
        self._channels, self._settled, self._now, self._give_up_after = channels, settled, now_ms, give_up_after
        self._first_pause = first_pause
        self._waiting: dict[Place, deque[Message]] = {place: deque() for place in channels}
        self._news: dict[Place, asyncio.Event] = {place: asyncio.Event() for place in channels}
        self._stopping = asyncio.Event()
        self._workers: list[asyncio.Task[None]] = []

    async def __aenter__(self) -> Outbox:
        for place in self._channels:
            self._workers.append(asyncio.create_task(self._work(place), name=f"channel {place[1]}"))
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """What is under way may end; what waits is sent after the next start. Raises as ``check``."""
        self._stopping.set()
        for news in self._news.values():
            news.set()
        if self._workers:
            _, late = await asyncio.wait(self._workers, timeout=_STOP_SECONDS)
            for task in late:
                task.cancel()
        if kind is None:
            self.check()

    def check(self) -> None:
        """Raises what ended a worker: that what it had sent could not be stored."""
        for task in self._workers:
            if task.done():
                task.result()

    async def put(self, message: Message) -> None:
        """Deliver it in its turn; a message for a channel that the routing does not name any more is given up."""
        place = (message.receiver, message.channel)
        if place not in self._waiting:
            why = "the routing does not name this channel any more"
            await self._settled(_result(message, "given_up", 0, self._now(), why))
            return
        self._waiting[place].append(message)
        self._news[place].set()

    @property
    def waiting(self) -> int:
        """Messages not yet settled."""
        return sum(len(queue) for queue in self._waiting.values())

    async def _work(self, place: Place) -> None:
        queue, news = self._waiting[place], self._news[place]
        while not self._stopping.is_set():
            if not queue:
                news.clear()
                await news.wait()
                continue
            result = await self._deliver(queue[0], self._channels[place])
            if result is None:
                return
            await self._settled(result)
            queue.popleft()

    async def _deliver(self, message: Message, channel: AlertChannel) -> Settled | None:
        """Try until it is settled; None when told to stop meanwhile."""
        pause, attempts = self._first_pause, 0
        while True:
            attempts += 1
            told = await _attempt(channel, message)
            if told is None:
                return _result(message, "sent", attempts, self._now())
            if self._now() - message.made > self._give_up_after:
                log.error("%s: given up after %d attempts: %s", message.key, attempts, told)
                return _result(message, "given_up", attempts, self._now(), told)
            log.warning("%s: attempt %d: %s; again in %.0f s", message.key, attempts, told, pause)
            with suppress(TimeoutError):
                await asyncio.wait_for(self._stopping.wait(), pause)
                return None
            pause = min(pause * 2, LONGEST_PAUSE)


async def _attempt(channel: AlertChannel, message: Message) -> str | None:
    """None when it was delivered, else what went wrong."""
    try:
        await channel.send(message)
    except CreditPulseError as error:
        return str(error)
    except Exception as error:  # a channel is a library's, or a stranger's: whatever it raises concerns it alone
        log.exception("%s", message.channel)
        return type(error).__name__
    return None


def _result(message: Message, outcome: str, attempts: int, at: int, error: str = "") -> Settled:
    return Settled(
        message.key, message.receiver, message.channel, message.title, outcome, attempts, message.made, at, error[:300]
    )
