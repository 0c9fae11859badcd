"""``creditpulse replay``: publish a file of events to Kafka at a chosen speed."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterable, Iterator
from pathlib import Path

import click

from models.calendar import from_ms
from schemas.topics import TICKS
from streams.commands.options import json_option
from streams.commands.progress import progress_bar
from streams.commands.show import tell
from streams.publisher import Publisher
from streams.settings import Settings
from streams.sources.event_file import TimedEvent, read_events
from streams.sources.replay import parse_speed
from streams.sources.replay import replay as publish
from streams.sources.ticks import with_ticks
from streams.topic_admin import ensure_topics


@click.command()
@click.argument("events_file", metavar="EVENTS", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--speed", default="max", show_default=True, help="1x as it happened, 60x sixty times as fast, or max.")
@click.option(
    "--ticks/--no-ticks", default=None,
    help="Publish the passing of time with the events. Default: yes, unless CREDITPULSE_CLOCK=wall.",
)  # fmt: skip
@click.option(
    "--trailing-days", default=0, show_default=True, type=click.IntRange(0, 3650), help="Ticks after the end."
)
@json_option
def replay(events_file: Path, speed: str, ticks: bool | None, trailing_days: int, as_json: bool) -> None:
    """Publish EVENTS (from import or simulate) in order of time.

    Workers that receive a past should run with CREDITPULSE_CLOCK=events, so that time passes with the events.

    \b
    Example:  CREDITPULSE_CLOCK=events creditpulse replay events.jsonl.gz --speed 3600x
    Exit codes: 0 all are published; 1 no broker answers; 2 the file is wrong (line and field are named).
    """
    settings, pace = Settings(), parse_speed(speed)
    events: Iterator[TimedEvent]
    total = sum(event.topic != TICKS for event in read_events(events_file))  # and the whole file is checked
    events = (event for event in read_events(events_file) if event.topic != TICKS)
    if ticks if ticks is not None else settings.clock == "events":
        events = with_ticks(events, trailing_days)
    started = time.monotonic()
    count = asyncio.run(_publish(settings, events, pace, total))
    seconds = time.monotonic() - started
    words = f"published {total:,} events and {count - total:,} ticks in {seconds:.1f} s"
    tell({"events": total, "published": count, "seconds": round(seconds, 3)}, words, as_json)


async def _publish(settings: Settings, events: Iterable[TimedEvent], pace: float | None, total: int) -> int:
    await ensure_topics(settings)
    with progress_bar() as bar:
        task = bar.add_task("events", total=total)

        def counted() -> Iterator[TimedEvent]:
            for event in events:
                yield event
                if event.topic != TICKS:
                    bar.advance(task)
                    bar.update(task, description=f"{from_ms(event.timestamp_ms):%Y-%m-%d}")

        async with Publisher(settings) as publisher:
            return await publish(counted(), publisher, speed=pace)
