"""What the dispatcher tells about itself: /health, 200 while it goes on."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from aiohttp import web

from schemas.errors import Unavailable
from streams.settings import Settings

_LATE_MS = 60_000


class Status:
    """Written by the notifier, read by the health page. Times in ms."""

    def __init__(self) -> None:
        self.last_tick = 0
        self.open_alerts = self.waiting = self.sent = self.given_up = 0

    def as_json(self, now: int) -> dict[str, Any]:
        """The counts, and whether the last tick is recent."""
        state = "starting" if not self.last_tick else "ok" if now - self.last_tick < _LATE_MS else "late"
        return {
            "service": "creditpulse-dispatch",
            "state": state,
            "open_alerts": self.open_alerts,
            "messages_waiting": self.waiting,
            "messages_sent": self.sent,
            "messages_given_up": self.given_up,
        }


class HealthPage:
    """``async with HealthPage(settings, status, now_ms)``; raises Unavailable when the port is taken."""

    def __init__(self, settings: Settings, status: Status, now_ms: Callable[[], int]) -> None:
        self._settings, self._status, self._now = settings, status, now_ms
        application = web.Application()
        application.router.add_get("/health", self._health)
        self._runner = web.AppRunner(application, access_log=None)

    async def __aenter__(self) -> HealthPage:
        await self._runner.setup()
        host, port = self._settings.web_host, self._settings.dispatch_port
        try:
            await web.TCPSite(self._runner, host, port).start()
        except OSError as error:
            await self._runner.cleanup()
            message = f"cannot listen on {host}:{port} (CREDITPULSE_DISPATCH_PORT): {error.strerror}"
            raise Unavailable(message) from error
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._runner.cleanup()

    async def _health(self, _: web.Request) -> web.Response:
        told = self._status.as_json(self._now())
        return web.json_response(told, status=200 if told["state"] == "ok" else 503)
