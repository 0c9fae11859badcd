"""What the API works with: opened once per process, closed together, and handed to every route."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime

from fastapi import Request

from alerts.live_alerts import LiveAlerts
from desk.api.archive import ArchiveReader
from desk.api.hub import Hub
from streams.control import Control
from streams.live_book import LiveBook
from streams.publisher import Publisher
from streams.settings import Settings


@dataclass(frozen=True, slots=True)
class Services:
    """The open parts; ``now`` is the wall clock."""

    settings: Settings
    control: Control
    book: LiveBook
    archive: ArchiveReader
    hub: Hub
    publisher: Publisher
    alerts: LiveAlerts
    now: Callable[[], datetime] = lambda: datetime.now(UTC)


@asynccontextmanager
async def open_services(settings: Settings) -> AsyncIterator[Services]:
    """Open all of them; raises Unavailable when no broker answers. The archive may come later."""
    async with (
        Control(settings) as control,
        LiveBook(settings) as book,
        ArchiveReader(settings) as archive,
        Hub(settings) as hub,
        Publisher(settings) as publisher,
        LiveAlerts(settings) as alerts,
    ):
        yield Services(settings, control, book, archive, hub, publisher, alerts)


def services_of(request: Request) -> Services:
    """The services of the app that a request came to."""
    found: Services = request.app.state.services
    return found
