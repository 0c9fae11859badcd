"""One reader of the out topics for all who listen to this process: new events in memory, older ones from Kafka.

An event's id on the stream is a cursor: the next offsets of every partition; a listener resumes exactly there.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import AsyncGenerator
from types import TracebackType
from typing import NamedTuple

from alerts.feed import Feed, FeedItem
from schemas.errors import InvalidInput, Unavailable
from schemas.topics import ALERTS, LEVELS, ORDER_DECISIONS
from streams.settings import Settings
from streams.tasks import end_task

log = logging.getLogger(__name__)

TOPICS: tuple[str, ...] = (LEVELS, ALERTS, ORDER_DECISIONS)
_LETTERS = {"l": LEVELS, "a": ALERTS, "o": ORDER_DECISIONS}
_KEPT = 20_000
_TRY_AGAIN_SECONDS = 1.0

Cursor = dict[tuple[str, int], int]
"""Next offset by topic (logical name) and partition."""


class Heard(NamedTuple):
    """An event and the cursor behind it."""

    item: FeedItem
    cursor: str


def write_cursor(cursor: Cursor) -> str:
    """A cursor as text: ``a0.15-l1.7``; what is not named begins at 0."""
    letters = {topic: letter for letter, topic in _LETTERS.items()}
    parts = [f"{letters[topic]}{number}.{offset}" for (topic, number), offset in sorted(cursor.items()) if offset]
    return "-".join(parts) or "0"


def read_cursor(text: str, partitions: int) -> Cursor:
    """The cursor of ``write_cursor``; raises InvalidInput."""
    cursor: Cursor = {}
    for part in text.split("-") if text != "0" else ():
        letter, number, offset = part[:1], *part[1:].partition(".")[::2]
        whole = all(piece.isascii() and piece.isdigit() and len(piece) <= 18 for piece in (number, offset))
        if letter not in _LETTERS or not whole or int(number) >= partitions:
            raise InvalidInput("last_event_id", f"{text[:60]!r} is not a cursor of this stream", field="Last-Event-ID")
        cursor[_LETTERS[letter], int(number)] = int(offset)
    return cursor


class Hub:
    """``async with Hub(settings) as hub``, then ``async for heard in hub.listen(...)``, as many as you like."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._kept: deque[tuple[int, Heard]] = deque(maxlen=_KEPT)
        self._count = 0
        self._position: Cursor = {}
        self._news, self._opened = asyncio.Condition(), asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Hub:
        self._task = asyncio.create_task(self._run(), name="hub")
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await end_task(self._task)

    @property
    def position(self) -> str:
        """The cursor behind the newest event."""
        return write_cursor(self._position)

    async def listen(self, after: str | None = None) -> AsyncGenerator[Heard, None]:
        """Events from now on, or all that came after a cursor, each once, in the order of each partition.

        Raises InvalidInput for what is no cursor, Unavailable when the broker does not give what lies behind.
        """
        since = None if after is None else read_cursor(after, self._settings.partitions)
        await self._opened.wait()
        at = self._count
        if after is not None and since is not None:
            found = self._index_of(after)
            if found is None:
                # ``at`` was taken before: what comes while we catch up is in memory, and told apart by offset.
                async for heard in self._behind(since, dict(self._position)):
                    yield heard
            else:
                at = found
        while True:
            async with self._news:
                while self._count <= at:
                    await self._news.wait()
            new = self._count - at
            if new > len(self._kept):
                raise Unavailable("this listener was too slow: connect again with the last id")
            for number, heard in [self._kept[-back] for back in range(new, 0, -1)]:
                at = number + 1
                yield heard

    def _index_of(self, cursor: str) -> int | None:
        """The number of the event behind this cursor, if it is still in memory."""
        if cursor == self.position:
            return self._count
        for number, heard in reversed(self._kept):
            if heard.cursor == cursor:
                return number + 1
        return None

    async def _behind(self, since: Cursor, until: Cursor) -> AsyncGenerator[Heard, None]:
        """Events between two cursors, read from Kafka."""
        at = dict(since)
        async with Feed(self._settings, TOPICS, start=since) as feed:
            while any(found < until.get(place, 0) for place, found in feed.positions().items()):
                for item in await feed.batch():
                    if item.offset < until.get((item.topic, item.partition), 0):
                        at[item.topic, item.partition] = item.offset + 1
                        yield Heard(item, write_cursor(at))

    async def _run(self) -> None:
        start: Cursor | None = None
        while True:
            try:
                async with Feed(self._settings, TOPICS, from_beginning=False, start=start) as feed:
                    self._position = feed.positions() if start is None else self._position
                    self._opened.set()
                    async for item in feed:
                        await self._tell(item)
            except Unavailable as error:
                log.warning("hub: %s", error)
                start = dict(self._position) or None
                await asyncio.sleep(_TRY_AGAIN_SECONDS)

    async def _tell(self, item: FeedItem) -> None:
        async with self._news:  # who begins to listen sees position and count of the same moment
            self._position[item.topic, item.partition] = item.offset + 1
            heard = Heard(item, write_cursor(self._position))
            self._kept.append((self._count, heard))
            self._count += 1
            self._news.notify_all()
