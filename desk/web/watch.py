"""Whether the parts behind the desk answer, how old the data is, how fast the workers go: seen once for all pages."""

from __future__ import annotations

import asyncio
import logging
import time
from dataclasses import dataclass
from datetime import datetime, timedelta
from types import TracebackType

from desk.api.services import Services
from models.calendar import from_ms
from schemas.errors import CreditPulseError, Unavailable
from schemas.topics import LOG, MERGED_TOPICS
from streams.backlog import Backlog
from streams.tasks import end_task

log = logging.getLogger(__name__)

_LOOK_SECONDS = 2.0
_ANSWER_SECONDS = 6.0


@dataclass(frozen=True, slots=True)
class Health:
    """``data_as_of``: the oldest of the partitions' clocks. ``behind``: how long ago that was; None in a replay of the
    past. ``lag``: records not yet applied; ``per_second``: log entries applied; None while the broker is away."""

    broker: bool = True
    archive: bool = True
    book: bool = False
    data_as_of: datetime | None = None
    behind: timedelta | None = None
    lag: int | None = None
    per_second: float | None = None

    @property
    def stale(self) -> bool:
        """Whether what the pages show may be old."""
        return not (self.broker and self.archive and self.book)


class Watch:
    """``async with Watch(services) as watch``; ``watch.health`` is at most a few seconds old."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self.health = Health()
        self._task: asyncio.Task[None] | None = None
        self._before: tuple[float, int] | None = None

    async def __aenter__(self) -> Watch:
        self._task = asyncio.create_task(self._run(), name="desk watch")
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await end_task(self._task)

    async def _run(self) -> None:
        while True:
            try:
                async with Backlog(self._services.settings) as backlog:
                    while await self._look(backlog):
                        await asyncio.sleep(_LOOK_SECONDS)
            except CreditPulseError as error:
                log.warning("desk watch: %s", error)
                await self._look(None)
            await asyncio.sleep(_LOOK_SECONDS)

    async def _look(self, backlog: Backlog | None) -> bool:
        """Look at everything; whether the broker answered."""
        pace, archive = await asyncio.gather(self._pace(backlog), self._archive_answers())
        lag, per_second = pace or (None, None)
        services = self._services
        states = [services.book.state(number) for number in range(services.settings.partitions)]
        clocks = [state.clock for state in states if state is not None]
        as_of = from_ms(min(clocks)) if clocks else None
        live = services.settings.clock == "wall" and as_of is not None
        self.health = Health(
            broker=pace is not None,
            archive=archive,
            book=services.book.ready.is_set(),
            data_as_of=as_of,
            behind=services.now() - as_of if live and as_of is not None else None,
            lag=lag,
            per_second=per_second,
        )
        return pace is not None

    async def _pace(self, backlog: Backlog | None) -> tuple[int, float | None] | None:
        if backlog is None:
            return None
        app = self._services.settings.app_id
        try:
            async with asyncio.timeout(_ANSWER_SECONDS):
                waiting = await backlog.uncommitted(f"{app}-gate", MERGED_TOPICS)
                unapplied, applied = await backlog.progress(f"{app}-engine", (LOG,))
        except (Unavailable, TimeoutError) as error:
            log.warning("desk watch: the broker does not answer: %r", error)
            return None
        now, before = time.monotonic(), self._before
        self._before = now, applied
        return waiting + unapplied, None if before is None else max(0.0, (applied - before[1]) / (now - before[0]))

    async def _archive_answers(self) -> bool:
        try:
            async with asyncio.timeout(_ANSWER_SECONDS):
                await self._services.archive.view("book_day", limit=1)
        except (CreditPulseError, TimeoutError) as error:
            log.info("desk watch: the archive does not answer: %r", error)
            return False
        return True
