"""Publish events of the past, or of a simulation, at a chosen speed."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from typing import Protocol

from schemas.errors import InvalidInput
from streams.sources.event_file import TimedEvent

_SHORTEST_WAIT = 0.01
"""Seconds: events that come closer together are published at once."""


class EventSink(Protocol):
    """Where events go: ``streams.publisher.Publisher``."""

    async def send(self, event: TimedEvent) -> None:
        """Publish an event, in order."""

    async def flush(self) -> None:
        """Wait until all that was sent is stored."""


def parse_speed(text: str) -> float | None:
    """``60x`` = sixty times as fast as it happened; ``max`` = as fast as possible (None). Raises InvalidInput."""
    if text == "max":
        return None
    try:
        speed = float(text.removesuffix("x"))
    except ValueError:
        speed = 0.0
    if not 0.0 < speed < 1e12:
        raise InvalidInput("wrong_speed", f"speed {text!r}: write 1x, 60x or max", "speed")
    return speed


async def replay(
    events: Iterable[TimedEvent],
    publisher: EventSink,
    *,
    speed: float | None,
    on_progress: Callable[[int, int], None] = lambda count, timestamp_ms: None,
) -> int:
    """Publish events, which must be in order of time, and return how many.

    The first goes at once, each other when as much time has passed as between their timestamps, divided by
    ``speed``. What was sent is stored before we wait, so that it has its effect meanwhile. ``on_progress`` hears
    the count and the timestamp (ms) of each event sent. Raises Unavailable.
    """
    clock = asyncio.get_running_loop()
    started, first_ms, count = clock.time(), None, 0
    for event in events:
        if first_ms is None:
            first_ms = event.timestamp_ms
        if speed is not None:
            wait = started + (event.timestamp_ms - first_ms) / 1000.0 / speed - clock.time()
            if wait > _SHORTEST_WAIT:
                await publisher.flush()
                await asyncio.sleep(wait)
        await publisher.send(event)
        count += 1
        on_progress(count, event.timestamp_ms)
    await publisher.flush()
    return count
