"""Delivers to one subscription: at its own pace, in order per customer, each outcome stored before the next attempt."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from limits import RateLimitItemPerSecond
from limits.aio.storage import MemoryStorage
from limits.aio.strategies import MovingWindowRateLimiter

from alerts.webhooks.body import body_of
from alerts.webhooks.filters import wanted
from alerts.webhooks.progress import Progress
from alerts.webhooks.schedule import Schedule
from alerts.webhooks.sender import Sender
from alerts.webhooks.signing import SecretKeys
from alerts.webhooks.source import Found, Source
from alerts.webhooks.state import DeliveryState, StateStore
from alerts.webhooks.subscription import Subscription
from alerts.webhooks.window import Pending
from models.calendar import from_ms
from schemas.deliveries import DeliveryOut
from streams.settings import Settings

log = logging.getLogger(__name__)

WINDOW = 500
"""Events in hand at once; while there are so many, no more are read."""
AT_ONCE = 4
"""Requests under way to one endpoint, each for another customer."""
_STORE_SECONDS = 5.0
_RATE_SECONDS = 0.05


@dataclass(frozen=True, slots=True)
class Parts:
    """What a courier works with; ``now`` is the wall clock."""

    settings: Settings
    store: StateStore
    keys: SecretKeys
    schedule: Schedule
    now: Callable[[], datetime]
    window: int = WINDOW


class Courier:
    """Runs until told to stop, or until the subscription has to be disabled."""

    def __init__(self, parts: Parts, subscription: Subscription, state: DeliveryState, sender: Sender) -> None:
        self._parts, self._subscription, self._sender = parts, subscription, sender
        self._positions, self._waiting = dict(state.positions), list(state.waiting)
        """Positions are behind what is settled or in the window: both are changed with no pause between."""
        self._progress = Progress(subscription.id, state, parts.schedule)
        self._changed = asyncio.Event()
        self._limiter = MovingWindowRateLimiter(MemoryStorage())
        self._rate = RateLimitItemPerSecond(subscription.rate_per_second)
        self._log: list[DeliveryOut] = []
        self._storing = asyncio.Lock()

    async def run(self, stop: asyncio.Event) -> str | None:
        """Deliver; the reason to disable the subscription, or None when stopped. What is under way is finished first.

        Raises Unavailable when the broker does not answer, InvalidInput when a secret cannot be made.
        """
        self._secrets()  # before anything is read
        async with Source(self._parts.settings, self._subscription.filters.topics, self._positions) as source:
            await self._restore(source)
            under_way: set[asyncio.Task[None]] = set()
            reader = asyncio.create_task(self._read(source))
            stopping = asyncio.create_task(stop.wait())
            try:
                while not stop.is_set() and self._progress.disabled_for is None:
                    await self._send_due(under_way)
                    await self._rest(under_way, reader, stopping)
                    for task in [task for task in (reader, *under_way) if task.done()]:
                        under_way.discard(task)
                        task.result()
            finally:
                reader.cancel()
                stopping.cancel()
                await asyncio.gather(reader, stopping, *under_way, return_exceptions=True)
            await self._store()
        return self._progress.disabled_for

    async def _restore(self, source: Source) -> None:
        waiting = self._waiting
        found = await source.start([(item.topic, item.partition, item.offset) for item in waiting])
        for item in waiting:
            again = found.get((item.topic, item.partition, item.offset))
            if again is None:
                log.warning("%s: %s is not in its topic any more", self._subscription.id, item)
                continue
            pending = self._pending(again, from_ms(item.due_ms))
            pending.attempts = item.attempts
            self._progress.window.add(pending)
        self._positions = dict(source.positions)

    async def _read(self, source: Source) -> None:
        loop = asyncio.get_running_loop()
        stored, moved = loop.time(), False
        while True:
            room = self._parts.window - len(self._progress.window)
            if room <= 0:
                await asyncio.sleep(0.05)
                continue
            found, behind = await source.read(room)
            for item in found:
                self._take(item)
            self._positions |= behind
            moved = moved or bool(behind)
            self._changed.set()
            if moved and loop.time() - stored > _STORE_SECONDS:
                await self._store()
                stored, moved = loop.time(), False

    def _take(self, item: Found) -> None:
        if wanted(self._subscription.filters, item.event):
            self._progress.window.add(self._pending(item, self._parts.now()))

    def _pending(self, item: Found, due: datetime) -> Pending:
        event = item.event
        place = f"{item.topic}/{item.partition}/{item.offset}"
        return Pending(
            topic=item.topic, partition=item.partition, offset=item.offset, event_id=event.id, event_type=event.type,
            subject=event.subject, sequence=event.sequence,
            body=body_of(event, item.text, self._subscription.language),
            lane=event.subject if self._subscription.ordered else place, due=due,
        )  # fmt: skip

    @property
    def _at_once(self) -> int:
        return 1 if self._progress.is_down else AT_ONCE

    async def _send_due(self, under_way: set[asyncio.Task[None]]) -> None:
        """Begin as many attempts as are due and may run."""
        self._changed.clear()
        while len(under_way) < self._at_once:
            due = self._progress.window.next_due()
            if due is None or due > self._parts.now():
                return
            if not await self._limiter.hit(self._rate, self._subscription.id):
                await asyncio.sleep(_RATE_SECONDS)
                return
            item = self._progress.window.take(self._parts.now())
            if item is not None:
                under_way.add(asyncio.create_task(self._deliver(item)))

    async def _rest(
        self, under_way: set[asyncio.Task[None]], reader: asyncio.Task[None], stopping: asyncio.Task[bool]
    ) -> None:
        """Until something changes: an attempt ended, something was read, something is due."""
        due = self._progress.window.next_due()
        waits = due is None or len(under_way) >= self._at_once
        seconds = None if due is None or waits else max(0.0, (due - self._parts.now()).total_seconds())
        changed = asyncio.create_task(self._changed.wait())
        await asyncio.wait({changed, reader, stopping, *under_way}, timeout=seconds, return_when="FIRST_COMPLETED")
        changed.cancel()

    async def _deliver(self, item: Pending) -> None:
        outcome = await self._sender.send(item.event_id, item.body, self._secrets())
        entry = self._progress.judge(item, outcome, self._parts.now())
        if entry.data.outcome != "delivered":
            log.warning(
                "%s: %s of %s: %s (next: %s)", self._subscription.id, entry.data.outcome, item.event_id,
                outcome.status or outcome.error, entry.data.next_attempt,
            )  # fmt: skip
        self._log.append(entry)
        await self._store()

    async def _store(self) -> None:
        """Store what has happened until now; attempts that end while others are stored are stored together."""
        mine = len(self._log)
        async with self._storing:
            if mine and not self._log:
                return  # the one before us took ours along
            entries, self._log = self._log, []
            await self._parts.store.write(self._subscription.id, self._progress.snapshot(self._positions), entries)

    def _secrets(self) -> list[str]:
        valid = self._subscription.valid_secrets(self._parts.now())
        return [self._parts.keys.secret(self._subscription.id, item.key, item.salt) for item in valid]
