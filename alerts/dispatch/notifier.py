"""Drives the notification engine: the feed and what people set go in, messages come out; every step is stored first."""

from __future__ import annotations

import asyncio
import logging
from collections import Counter, deque
from collections.abc import Callable, Mapping
from contextlib import AsyncExitStack

import msgspec

from alerts.dispatch.freshness import TopicWatch
from alerts.dispatch.message import LOG, OUTBOX, AlertChannel, Message, Settled
from alerts.dispatch.outbox import FIRST_PAUSE, Outbox, Place
from alerts.dispatch.render import in_words
from alerts.dispatch.status import Status
from alerts.dispatch.store import StateStore
from alerts.feed import Feed, FeedItem
from alerts.routing import acknowledgement, silences
from alerts.routing.config import Routing
from alerts.routing.engine import KEEP_SILENCES_MS, NotificationEngine
from alerts.routing.inputs import FreshnessSeen, Input, SilenceGone, SilenceSet, alert_seen, order_seen, payments_seen
from alerts.routing.notification import Notification
from alerts.routing.state import State
from models.calendar import MS_PER_DAY
from schemas.decisions import CreditAlert, ModelNote, OrderDecision
from schemas.errors import InvalidInput
from schemas.topics import ALERTS, MODEL_LOG, ORDER_DECISIONS, TICKS
from streams.control import Control, Value
from streams.settings import Settings

log = logging.getLogger(__name__)

_POSITIONS_MS, _FRESHNESS_MS, _TIDY_MS = 3_000, 30_000, 3_600_000
_KEEP_LOG_MS = 7 * MS_PER_DAY


class Notifier:
    """A service: ``await Notifier(settings, routing, channels, now_ms, status).run(stop)``. A second ends the first."""

    def __init__(
        self,
        settings: Settings,
        routing: Routing,
        channels: Mapping[Place, AlertChannel],
        now_ms: Callable[[], int],
        status: Status,
        *,
        first_pause: float = FIRST_PAUSE,
    ) -> None:
        self._settings, self._routing, self._channels, self._now = settings, routing, channels, now_ms
        self._status = status
        self._first_pause = first_pause
        self._heard: deque[tuple[str, str, Value | None]] = deque()
        self._log: dict[str, int] = {}
        """When each record of the log was made, to forget it in time."""
        self._positions_at = self._freshness_at = self._tidy_at = 0

    async def run(self, stop: asyncio.Event) -> None:
        """Go on until ``stop`` is set. Raises Unavailable: start it again, it goes on where it stopped."""
        async with AsyncExitStack() as stack:
            self._store = await stack.enter_async_context(StateStore(self._settings))
            hear = self._heard.append
            self._control = await stack.enter_async_context(
                Control(self._settings, lambda kind, record_id, value: hear((kind, record_id, value)))
            )
            state = State.of(self._store.records)
            self._engine = NotificationEngine(self._routing, state, self._now())
            start = {_place(key): at for key, at in state.head.positions.items()}
            topics = (ALERTS, ORDER_DECISIONS, MODEL_LOG)
            feed = await stack.enter_async_context(Feed(self._settings, topics, start=start))
            watched = [*self._routing.freshness, TICKS] if self._routing.freshness else []
            self._watch = await stack.enter_async_context(TopicWatch(self._settings, watched))
            self._outbox = Outbox(
                self._channels, self._settle, self._now, give_up_after=self._routing.give_up_after,
                first_pause=self._first_pause,
            )  # fmt: skip
            async with self._outbox:
                await self._resume()
                await self._follow(feed, stop)

    async def _resume(self) -> None:
        """What was stored and not sent is sent now; what people set while we were away is taken in."""
        for key, value in self._store.records.items():
            kind, _, record_id = key.partition("/")
            if kind == OUTBOX:
                await self._outbox.put(msgspec.json.decode(value, type=Message))
            elif kind == LOG:
                self._log[record_id] = msgspec.json.decode(value, type=Settled).at
        known = self._control.all(silences.KIND)
        self._heard.extend((silences.KIND, one, None) for one in self._engine.state.silences if one not in known)
        for kind in (silences.KIND, acknowledgement.KIND):
            self._heard.extend((kind, one, value) for one, value in self._control.all(kind).items())

    async def _follow(self, feed: Feed, stop: asyncio.Event) -> None:
        caught_up = False
        while not stop.is_set():
            items = await feed.batch()
            self._outbox.check()
            now = self._now()
            self._take(items, now)
            await self._look_at_topics(now)
            # What began and ended while nobody looked is not worth a message: read it all before anybody is told.
            caught_up = caught_up or await feed.is_at_end()
            notes = self._engine.tick(now) if caught_up else []
            await self._store_and_send(notes, feed.positions(), now)
            await self._tidy(now)
            if caught_up:
                stages = Counter(alert.stage for alert in self._engine.state.alerts.values())
                self._status.looked(stages, self._outbox.waiting)

    def _take(self, items: list[FeedItem], now: int) -> None:
        engine = self._engine
        while self._heard:
            taken = _set_by_people(*self._heard.popleft())
            if taken is not None:
                engine.take(taken, now)
        for item in items:
            data = item.event.data
            if isinstance(data, CreditAlert):
                engine.take(alert_seen(item.event), now)  # type: ignore[arg-type]
            elif isinstance(data, OrderDecision):
                engine.take(order_seen(item.event), now)  # type: ignore[arg-type]
            elif isinstance(data, ModelNote) and (seen := payments_seen(item.event)) is not None:  # type: ignore[arg-type]
                engine.take(seen, now)

    async def _look_at_topics(self, now: int) -> None:
        if not self._routing.freshness or now - self._freshness_at < _FRESHNESS_MS:
            return
        self._freshness_at = now
        newest = await self._watch.newest()
        # Where time passes with a replay, it is the ticks that say what time it is.
        at = now if self._settings.clock == "wall" else newest.get(TICKS, 0)
        for topic in self._routing.freshness:
            if topic in newest:
                self._engine.take(FreshnessSeen(topic, newest[topic], at), now)

    async def _store_and_send(
        self, notes: list[Notification], positions: Mapping[tuple[str, int], int], now: int
    ) -> None:
        """Store what has changed, then send: a message that is not stored is never sent, and none is forgotten."""
        messages = [message for note in notes for message in self._messages(note)]
        state = self._engine.state
        state.head.positions = {f"{topic}/{number}": at for (topic, number), at in positions.items()}
        if (
            now - self._positions_at >= _POSITIONS_MS
        ):  # whether or not there is news: by this one that was replaced ends
            state.touch("head")
        changes = state.take_changes()
        if not (changes or messages):
            return
        changes |= {f"{OUTBOX}/{message.key}": msgspec.json.encode(message) for message in messages}
        changes["head/head"] = msgspec.json.encode(state.head)
        await self._store.commit(changes)
        self._positions_at = now
        for message in messages:
            await self._outbox.put(message)

    def _messages(self, note: Notification) -> list[Message]:
        receiver = self._routing.receiver(note.receiver)
        if receiver is None or not receiver.channels:
            return []
        words = in_words(note, receiver.language)
        return [
            Message(f"{note.id}/{number}", receiver.name, channel, note.severity, *words, note.at)
            for number, channel in enumerate(receiver.channels)
        ]

    async def _settle(self, result: Settled) -> None:
        await self._store.commit({f"{OUTBOX}/{result.key}": None, f"{LOG}/{result.key}": msgspec.json.encode(result)})
        self._log[result.key] = result.at
        self._status.count_message(result.receiver, result.outcome)

    async def _tidy(self, now: int) -> None:
        """Forget old entries of the log, silences long over, and acknowledgements of alerts that are no more."""
        if now - self._tidy_at < _TIDY_MS:
            return
        self._tidy_at = now
        old = [key for key, at in self._log.items() if now - at > _KEEP_LOG_MS]
        if old:
            await self._store.commit({f"{LOG}/{key}": None for key in old})
            for key in old:
                del self._log[key]
        for key in self._control.all(acknowledgement.KIND):
            if key not in self._engine.state.alerts:
                await self._control.delete(acknowledgement.KIND, key)
        for key, value in self._control.all(silences.KIND).items():
            taken = _set_by_people(silences.KIND, key, value)
            if isinstance(taken, SilenceSet) and now >= taken.silence.ends + KEEP_SILENCES_MS:
                await self._control.delete(silences.KIND, key)


def _set_by_people(kind: str, record_id: str, value: Value | None) -> Input | None:
    """What a record of the control topic asks for; None for kinds of others, and for what is not right."""
    try:
        if kind == silences.KIND:
            return SilenceGone(record_id) if value is None else SilenceSet(silences.silence_of(record_id, value))
        if kind == acknowledgement.KIND and value is not None:
            return acknowledgement.ack_of(record_id, value)
    except InvalidInput as error:
        log.error("%s %s: %s", kind, record_id, error)
    return None


def _place(key: str) -> tuple[str, int]:
    topic, _, number = key.rpartition("/")
    return topic, int(number)
