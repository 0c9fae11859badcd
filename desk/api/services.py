"""What the API works with: opened once per process, closed together, and handed to every route."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime

from fastapi import Request

from alerts.live_alerts import LiveAlerts
from desk.api.archive import ArchiveReader
from desk.api.customer_book import CustomerBook
from desk.api.hub import Hub
from desk.policy_trials import PolicyTrials
from models.calendar import day_of
from streams.control import Control, Value
from streams.live_book import LiveBook
from streams.publisher import Publisher
from streams.settings import Settings

OnControl = Callable[[str, str, Value | None], None]


@dataclass(frozen=True, slots=True)
class Services:
    """The open parts; ``now`` is the wall clock. Who is in ``on_control`` hears of each change of a control record."""

    settings: Settings
    control: Control
    book: LiveBook
    archive: ArchiveReader
    hub: Hub
    publisher: Publisher
    alerts: LiveAlerts
    customers: CustomerBook
    trials: PolicyTrials
    now: Callable[[], datetime] = lambda: datetime.now(UTC)
    on_control: list[OnControl] = field(default_factory=list)


@asynccontextmanager
async def open_services(settings: Settings) -> AsyncIterator[Services]:
    """Open all of them; raises Unavailable when no broker answers. The archive may come later."""
    on_control: list[OnControl] = []

    def tell(kind: str, record_id: str, value: Value | None) -> None:
        for listener in on_control:
            listener(kind, record_id, value)

    async with (
        Control(settings, tell) as control,
        LiveBook(settings) as book,
        ArchiveReader(settings) as archive,
        Hub(settings) as hub,
        Publisher(settings) as publisher,
        LiveAlerts(settings) as alerts,
        CustomerBook(book, archive) as customers,
        PolicyTrials(settings) as trials,
    ):
        yield Services(
            settings, control, book, archive, hub, publisher, alerts, customers, trials, on_control=on_control
        )


def day_of_question(services: Services, as_of: datetime) -> int:
    """The day (ordinal) as of which a customer is checked who is known as of then.

    What is asked of a replay is asked of its past. As the engine's, the day never goes back behind what the book knows.
    """
    return day_of(as_of if services.settings.clock == "events" else max(services.now(), as_of))


def services_of(request: Request) -> Services:
    """The services of the app that a request came to."""
    found: Services = request.app.state.services
    return found
