"""What the dispatcher tells about itself: /health, 200 while it goes on, and /metrics for Prometheus."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping

from aiohttp import web
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Counter, Gauge, generate_latest

from schemas.errors import Unavailable
from streams.settings import Settings

_LATE_MS = 60_000


class Status:
    """Written by the services, read by the pages; one per process. Labels are bounded: stages, outcomes, receivers."""

    def __init__(self, now_ms: Callable[[], int]) -> None:
        self._now = now_ms
        self._last_look = 0
        registry = self.registry = CollectorRegistry()
        self._alerts = Gauge("creditpulse_alerts", "Alerts by where they stand.", ["stage"], registry=registry)
        self._waiting = Gauge(
            "creditpulse_messages_waiting", "Messages to people that are not delivered yet.", registry=registry
        )
        self._messages = Counter(
            "creditpulse_messages", "Messages to people, sent or given up.", ["receiver", "outcome"], registry=registry
        )
        self._attempts = Counter(
            "creditpulse_webhook_attempts", "Attempts to deliver an event to a subscription.", ["outcome"],
            registry=registry,
        )  # fmt: skip
        up = Gauge("creditpulse_dispatch_up", "1 while alerts are looked at in time, else 0.", registry=registry)
        up.set_function(lambda: float(self.state == "ok"))

    @property
    def state(self) -> str:
        """``starting`` until everything was read, then ``ok``, or ``late`` when alerts were not looked at for long."""
        if not self._last_look:
            return "starting"
        return "ok" if self._now() - self._last_look < _LATE_MS else "late"

    def looked(self, alerts_by_stage: Mapping[str, int], messages_waiting: int) -> None:
        """All alerts have been looked at just now."""
        self._last_look = self._now()
        self._alerts.clear()
        for stage, count in alerts_by_stage.items():
            self._alerts.labels(stage).set(count)
        self._waiting.set(messages_waiting)

    def count_message(self, receiver: str, outcome: str) -> None:
        """A message was sent or given up."""
        self._messages.labels(receiver, outcome).inc()

    def count_attempt(self, outcome: str) -> None:
        """A webhook was tried."""
        self._attempts.labels(outcome).inc()


class Pages:
    """``async with Pages(settings, status)``; raises Unavailable when the port is taken."""

    def __init__(self, settings: Settings, status: Status) -> None:
        self._settings, self._status = settings, status
        application = web.Application()
        application.router.add_get("/health", self._health)
        application.router.add_get("/metrics", self._metrics)
        self._runner = web.AppRunner(application, access_log=None)

    async def __aenter__(self) -> Pages:
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
        state = self._status.state
        body = {"service": "creditpulse-dispatch", "pid": os.getpid(), "status": state}
        return web.json_response(body, status=200 if state == "ok" else 503)

    async def _metrics(self, _: web.Request) -> web.Response:
        return web.Response(body=generate_latest(self._status.registry), headers={"Content-Type": CONTENT_TYPE_LATEST})
