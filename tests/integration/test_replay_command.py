"""``creditpulse replay`` on a real broker: what stands in the file stands in the topics, with its times."""

from __future__ import annotations

import asyncio
import json
from collections import defaultdict
from itertools import islice
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from schemas.topics import CUSTOMER_TOPICS, MARKET, TICKS
from streams.cli import main
from streams.embedded.broker import free_port
from streams.record import Record
from streams.settings import Settings
from streams.sources.event_file import read_events, write_events
from streams.sources.simulate import Portfolio, simulate
from streams.sources.ticks import with_ticks
from streams.topic_reader import read_to_end
from tests.integration.conftest import MakeSettings


def _replay(settings: Settings, *arguments: str | Path) -> Result:
    return CliRunner(env=settings.environment()).invoke(main, ["replay", *map(str, arguments)])


def _records(settings: Settings, topic: str) -> list[Record]:
    async def read() -> list[Record]:
        return [record async for record in read_to_end(settings, topic)]

    return asyncio.run(read())


@pytest.fixture
def events_file(tmp_path: Path) -> Path:
    """A file of a small portfolio, with ticks of its own that a replay does not take over."""
    path = tmp_path / "events.jsonl.gz"
    write_events(path, with_ticks(islice(simulate(Portfolio(customers=5, days=40)), 300)))
    return path


def test_everything_is_published_once_with_its_times(make_settings: MakeSettings, events_file: Path) -> None:
    """Each topic holds its events in order within each customer, and every partition has each tick once."""
    settings = make_settings(partitions=3)
    done = _replay(settings, events_file, "--json")
    assert done.exit_code == 0, done.output
    wanted, days = defaultdict(list), set()
    for event in read_events(events_file):
        key = None if event.key is None else event.key.encode()
        if event.topic != TICKS:
            wanted[event.topic, key].append((event.timestamp_ms, event.raw))
        days.add(event.timestamp_ms // 86_400_000)
    found = defaultdict(list)
    for topic in (*CUSTOMER_TOPICS, MARKET):
        for record in _records(settings, topic):
            found[topic, record.key].append((record.timestamp, record.value))
    assert found == wanted
    ticks = defaultdict(list)
    for record in _records(settings, TICKS):
        ticks[record.partition].append(record.timestamp // 86_400_000)
    assert ticks == {partition: sorted(days) for partition in range(3)}
    count = sum(map(len, wanted.values()))
    assert count > 100
    assert (json.loads(done.stdout)["events"], json.loads(done.stdout)["published"]) == (count, count + len(days))


def test_a_worker_with_a_wall_clock_gets_no_ticks_of_the_past(make_settings: MakeSettings, events_file: Path) -> None:
    """With CLOCK=wall the workers make the ticks; --ticks overrules."""
    settings = make_settings(clock="wall")
    assert _replay(settings, events_file).exit_code == 0
    assert _records(settings, TICKS) == []
    assert _replay(settings, events_file, "--ticks").exit_code == 0
    assert _records(settings, TICKS)


def test_a_wrong_file_is_told_before_anything_is_published(make_settings: MakeSettings, events_file: Path) -> None:
    """Exit code 2 with file and line; the good lines before it are not published."""
    settings = make_settings()
    broken = events_file.with_name("broken.jsonl")
    write_events(broken, islice(read_events(events_file), 10))
    with broken.open("a", encoding="utf-8") as file:
        file.write("{}\n")
    done = _replay(settings, broken)
    assert done.exit_code == 2
    assert f"{broken}:11: " in done.stderr
    assert all(_records(settings, topic) == [] for topic in CUSTOMER_TOPICS)


@pytest.mark.embedded_only
def test_a_broker_that_is_away_is_a_failure(make_settings: MakeSettings, events_file: Path) -> None:
    """Exit code 1, and the broker is named."""
    port = free_port()
    done = _replay(make_settings(broker=f"kafka://127.0.0.1:{port}"), events_file)
    assert done.exit_code == 1
    assert str(port) in done.stderr
