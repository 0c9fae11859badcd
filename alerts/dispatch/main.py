"""Composition root of ``creditpulse dispatch``: what tells people and what tells systems, in one process."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Mapping
from datetime import UTC, datetime

from alerts.dispatch.apprise_channel import AppriseChannel
from alerts.dispatch.message import AlertChannel
from alerts.dispatch.notifier import Notifier
from alerts.dispatch.outbox import Place
from alerts.dispatch.status import Pages, Status
from alerts.routing.config import Routing, channel_url
from alerts.routing.routing_text import read_routing
from alerts.webhooks.dispatcher import WebhookDispatcher
from alerts.webhooks.schedule import Schedule
from models.calendar import to_ms
from streams.settings import Settings
from streams.topic_admin import wait_for_topics


def wall_clock_ms() -> int:
    """The present time in ms since 1970."""
    return to_ms(datetime.now(UTC))


def open_channels(routing: Routing, environment: Mapping[str, str]) -> dict[Place, AlertChannel]:
    """All channels that the routing names; raises InvalidInput for one without a URL, or with a wrong one."""
    return {
        (receiver.name, reference): AppriseChannel(reference, channel_url(reference, environment))
        for receiver in routing.receivers
        for reference in receiver.channels
    }


async def run_dispatch(
    settings: Settings, stop: asyncio.Event, *, webhook_schedule: Schedule, webhook_timeout: float
) -> None:
    """Run until ``stop`` is set, or until one of the services cannot go on; ``webhook_timeout`` in seconds.

    Raises InvalidInput (the routing, a channel) and Unavailable (the broker, the port, another dispatcher).
    """
    routing = read_routing(settings.routing_file)
    channels = open_channels(routing, os.environ)
    await wait_for_topics(settings)
    status = Status(wall_clock_ms)
    people = Notifier(settings, routing, channels, wall_clock_ms, status)
    systems = WebhookDispatcher(
        settings, schedule=webhook_schedule, timeout_seconds=webhook_timeout, count_attempt=status.count_attempt
    )
    async with Pages(settings, status):
        running = [asyncio.create_task(service.run(stop)) for service in (people, systems)]
        await asyncio.wait(running, return_when=asyncio.FIRST_EXCEPTION)
        stop.set()  # one cannot go on: the other ends in order, and both are started again together
        await asyncio.gather(*running, return_exceptions=True)
        for task in running:
            task.result()
