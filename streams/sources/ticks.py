"""Put the passing of time into events of the past: a tick for each day, before what happened on it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from models.calendar import MS_PER_DAY, from_ms
from schemas.topics import TICKS
from streams.clock import tick
from streams.sources.event_file import TimedEvent, timed


def with_ticks(events: Iterable[TimedEvent], trailing_days: int = 0) -> Iterator[TimedEvent]:
    """The events, in order of time, with a tick at 00:00 UTC of each day from the first event's on."""
    day = None
    for event in events:
        today = event.timestamp_ms // MS_PER_DAY
        day = today if day is None else day
        while day <= today:
            yield _tick(day)
            day += 1
        yield event
    if day is not None:
        for _ in range(trailing_days):
            yield _tick(day)
            day += 1


def _tick(day: int) -> TimedEvent:
    at = from_ms(day * MS_PER_DAY)
    return timed(TICKS, at, tick(at))
