"""Questions to the archive, several at once; what takes long for the whole book is kept and worked out now and then."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager, nullcontext
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, NamedTuple, TypeAlias

from schemas.errors import CreditPulseError
from streams.archive.audit_reads import read_audit
from streams.archive.reads import Answer, Database, read_customer, read_view
from streams.tasks import end_task

log = logging.getLogger(__name__)

LONG_SECONDS = 2.0
"""An answer that took less is never kept: it is always of now."""
_TIMES = 4
"""A kept answer is worked out anew after so many times as long as it took: a fifth of a core at most."""
_MOST_KEPT = 200

_Key: TypeAlias = tuple[Any, ...]


class Page(NamedTuple):
    """Rows of a view, and when they were worked out (UTC)."""

    rows: list[Answer]
    computed_at: datetime


@dataclass(frozen=True, slots=True)
class _Kept:
    page: Page
    at: float
    seconds: float


class Answers:
    """Over some connections to the same database, of which each takes one question at a time; ``clock`` in seconds.

    A whole-book view that takes long on a large book (minutes, for the grades of 100,000 customers) would hold up
    all other questions, and be asked again before it is done. It is worked out once for all who ask, one such view
    at a time, and whoever asks later gets the last answer at once.
    """

    def __init__(self, databases: Sequence[Database], clock: Callable[[], float] = time.monotonic) -> None:
        self._free: asyncio.Queue[Database] = asyncio.Queue()
        for database in databases:
            self._free.put_nowait(database)
        self._clock = clock
        self._kept: dict[_Key, _Kept] = {}
        self._tasks: dict[_Key, asyncio.Task[Page]] = {}
        self._one_long = asyncio.Semaphore(1)

    async def close(self) -> None:
        """Give up what is being worked out."""
        for task in list(self._tasks.values()):
            await end_task(task)

    async def view(
        self, name: str, customer_id: str | None, limit: int, offset: int, options: Mapping[str, str]
    ) -> Page:
        """A page of a view; errors as ``read_view``."""
        if customer_id is not None:
            async with self._connection() as database:
                now = datetime.now(UTC)
                return Page(await read_view(database, name, customer_id, limit, offset, options), now)
        key = (name, limit, offset, *sorted(options.items()))
        kept = self._kept.get(key)
        if kept is None or self._clock() - kept.at >= kept.seconds * _TIMES:
            if key not in self._tasks:
                task = asyncio.create_task(self._work_out(key, options), name=f"view {name}")
                task.add_done_callback(_looked_at)
                self._tasks[key] = task
            if kept is None:
                # Shielded: who hangs up must not take the answer from the others.
                return await asyncio.shield(self._tasks[key])
        return kept.page

    async def customer(self, customer_id: str, timeline: int) -> Answer:
        """One customer; see ``read_customer``."""
        async with self._connection() as database:
            return await read_customer(database, customer_id, timeline)

    async def audit(self, kind: str, parameters: Mapping[str, str]) -> list[Answer]:
        """A page of the audit trail; see ``read_audit``."""
        async with self._connection() as database:
            return await read_audit(database, kind, parameters)

    @asynccontextmanager
    async def _connection(self) -> AsyncIterator[Database]:
        database = await self._free.get()
        try:
            yield database
        finally:
            self._free.put_nowait(database)

    async def _work_out(self, key: _Key, options: Mapping[str, str]) -> Page:
        name, limit, offset = key[:3]
        try:
            async with self._one_long if key in self._kept else nullcontext(), self._connection() as database:
                now, started = datetime.now(UTC), self._clock()
                page = Page(await read_view(database, name, None, limit, offset, options), now)
                seconds = self._clock() - started
        except CreditPulseError:
            self._kept.pop(key, None)  # whoever asks next hears what is wrong
            raise
        finally:
            del self._tasks[key]
        self._kept.pop(key, None)
        if seconds >= LONG_SECONDS:
            while len(self._kept) >= _MOST_KEPT:
                del self._kept[next(iter(self._kept))]
            self._kept[key] = _Kept(page, self._clock(), seconds)
        return page


def _looked_at(task: asyncio.Task[Page]) -> None:
    """An answer that nobody waits for may fail: the next to ask hears why."""
    if not task.cancelled() and (error := task.exception()) is not None:
        log.info("%s: %s", task.get_name(), error)
