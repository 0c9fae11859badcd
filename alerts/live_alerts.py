"""Where every alert stands, live in any process: the dispatcher's state, read from its topic and followed."""

from __future__ import annotations

import asyncio
import logging
from types import TracebackType

from aiokafka.errors import KafkaError

from alerts.dispatch.state_topic import committed_reader, records_so_far
from alerts.routing.config import Routing
from alerts.routing.inhibition import Inhibitor
from alerts.routing.routing_text import read_routing
from alerts.routing.state import OPEN, Alert, State
from streams.kafka_client import opening
from streams.settings import Settings
from streams.tasks import end_task

log = logging.getLogger(__name__)

_TRY_AGAIN_SECONDS = 1.0


class LiveAlerts:
    """``async with LiveAlerts(settings) as live``: all that is stored has been read, and is followed from then on.

    It answers while the dispatcher restarts, or is away; then it says what was stored last.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._consumer = committed_reader(settings)
        self._task: asyncio.Task[None] | None = None
        self._inhibitor: tuple[int, Inhibitor] | None = None
        self.state = State()
        """To be read only."""
        self.changes = 0
        """Grows with every change: whoever shows the alerts sees by it whether there is something new."""

    async def __aenter__(self) -> LiveAlerts:
        """Raises Unavailable (no broker, no topic) and UnsupportedVersion."""
        async with opening(self._settings, self._consumer):
            async for record in records_so_far(self._consumer, self._settings):
                self._take(record.key, record.value)
        self._task = asyncio.create_task(self._follow(), name="live alerts")
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await end_task(self._task)
        await self._consumer.stop()

    def routing(self) -> Routing:
        """The routing that the dispatcher works by; that of our own settings before one ever ran."""
        used = self.state.routing.get("routing")
        return read_routing(self._settings.routing_file) if used is None else Routing.model_validate_json(used.json)

    @property
    def dispatched(self) -> bool:
        """Whether a dispatcher ever ran: without one there are no alerts."""
        return "routing" in self.state.routing

    def inhibited_by(self, alert: Alert) -> Alert | None:
        """The open alert that mutes this one now."""
        if self._inhibitor is None or self._inhibitor[0] != self.changes:
            still_open = (one for one in self.state.alerts.values() if one.stage in OPEN)
            self._inhibitor = self.changes, Inhibitor(self.routing().inhibit, still_open)
        return self._inhibitor[1].muted_by(alert)

    async def _follow(self) -> None:
        while True:
            try:
                batches = await self._consumer.getmany(timeout_ms=500)
            except KafkaError as error:
                log.warning("live alerts: %r", error)
                await asyncio.sleep(_TRY_AGAIN_SECONDS)
                continue
            for records in batches.values():
                for record in records:
                    self._take(record.key, record.value)

    def _take(self, key: bytes, value: bytes | None) -> None:
        self.state.apply(key.decode(), value)
        self.changes += 1
