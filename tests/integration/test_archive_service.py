"""The archive as it runs: on a real broker, killed, stopped, rebalanced, and with a ClickHouse that goes away."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable, Iterable
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiokafka import AIOKafkaProducer

from schemas.errors import InvalidInput, Unavailable
from schemas.topics import ALERTS, LEVELS, LOG, MODEL_LOG, ORDER_DECISIONS
from streams.archive.address import find_running
from streams.archive.errors import NotFound
from streams.archive.reader import Reader
from streams.archive.service import run_archive
from streams.embedded.broker import EmbeddedBroker, free_port
from streams.embedded.guard import Child, start_child
from streams.record import Record
from streams.settings import Settings
from streams.topic_admin import ensure_topics
from tests.integration.archive_parts import Engine, broken
from tests.integration.book import Book
from tests.integration.conftest import MakeSettings
from tests.integration.test_archive_store import HttpServer

VIEW_OF = {
    LOG: "events",
    LEVELS: "level_history",
    ALERTS: "alerts",
    ORDER_DECISIONS: "order_decisions",
    MODEL_LOG: "model_log",
}
SECONDS = 60.0


@pytest.fixture(scope="module")
def records() -> list[Record]:
    """What the gate and the engine leave in the topics for a small book."""
    return Engine(partitions=2).records(Book(customers=12, days=120).events())


@pytest.fixture
def server(tmp_path: Path) -> Iterable[HttpServer]:
    """A ClickHouse by HTTP that is not started yet."""
    found = HttpServer(tmp_path)
    yield found
    found.kill()


async def publish(settings: Settings, records: Iterable[Record]) -> None:
    """Put records into their topics and partitions."""
    producer = AIOKafkaProducer(**settings.kafka_client_options(), linger_ms=10)
    await producer.start()
    try:
        for r in records:
            await producer.send(
                settings.topic(r.topic), key=r.key, value=r.value, partition=r.partition, timestamp_ms=r.timestamp
            )
        await producer.flush()
    finally:
        await producer.stop()


async def until(true: Callable[[], Awaitable[bool]]) -> None:
    """Wait for something to become true."""
    deadline = time.monotonic() + SECONDS
    while not await true():
        assert time.monotonic() < deadline, "not in time"
        await asyncio.sleep(0.05)


async def health(settings: Settings) -> dict[str, Any]:
    """What the archive says about itself; empty while it does not answer."""
    try:
        url = f"http://127.0.0.1:{settings.archive_port}/health"
        async with aiohttp.ClientSession() as session, session.get(url) as answer:
            told: dict[str, Any] = await answer.json()
            assert (answer.status == 200) == (told["status"] == "ok")
            return told
    except aiohttp.ClientError:
        return {}


async def waits_for(settings: Settings, part: str) -> bool:
    """Whether the archive says that this part is away."""
    return part in (await health(settings)).get("problems", {})


async def all_archived(settings: Settings, rows: int) -> bool:
    """Whether so many rows are written and the archive knows of no more."""
    told = await health(settings)
    return told.get("status") == "ok" and told["rows_written"] >= rows and told["lag"] == 0


async def ids(reader: Reader) -> dict[str, list[str]]:
    """What the views hold, by topic, with repeats if there were any."""
    found = {}
    for topic, view in VIEW_OF.items():
        rows = await reader.view(view, limit=10_000)
        found[topic] = sorted(f"{_subject(row)} {row.get('event_id') or row.get('id')}" for row in rows)
    return found


def _subject(row: dict[str, Any]) -> str:
    """Whom a row concerns: a customer, or a partition's model."""
    return row["customer_id"] if "customer_id" in row else f"partition-{row['partition']}"


def expected(records: Iterable[Record]) -> dict[str, list[str]]:
    """What the views must hold."""
    found: dict[str, list[str]] = {topic: [] for topic in VIEW_OF}
    for record in records:
        content = json.loads(record.value or b"{}")
        if record.topic != LOG:
            found[record.topic].append(f"{content['subject']} {content['id']}")
        elif "customer_id" in content["event"]:
            found[LOG].append(f"{content['event']['customer_id']} {content['event']['event_id']}")
    return {topic: sorted(names) for topic, names in found.items()}


def start(settings: Settings) -> Child:
    """The archive as a process."""
    command = [sys.executable, "-m", "streams.cli", "archive"]
    settings.data_dir.mkdir(parents=True, exist_ok=True)
    return start_child(command, log=settings.data_dir / "archive.log", env=settings.environment(), name="archive")


def run_once(settings: Settings) -> subprocess.CompletedProcess[str]:
    """``creditpulse archive --once --json``."""
    command = [sys.executable, "-m", "streams.cli", "archive", "--once", "--json"]
    env = {**os.environ, **settings.environment()}
    return subprocess.run(command, env=env, capture_output=True, text=True, timeout=SECONDS, check=False)


async def test_killed_and_stopped_and_nothing_lost_or_doubled(
    make_settings: MakeSettings, records: list[Record]
) -> None:
    """It waits for its topics; after SIGKILL amid the work, repeats in the topics and SIGTERM, all is there once."""
    settings = make_settings()
    child = start(settings)
    try:
        await until(lambda: waits_for(settings, "topics"))
        await ensure_topics(settings)
        third = len(records) // 3
        await publish(settings, records[:third])
        await until(lambda: all_archived(settings, 1))
        await publish(settings, records[third : 2 * third])
        child.kill()
        child = start(settings)
        await publish(settings, records[third : 2 * third])  # as an engine that was killed writes again
        await publish(settings, records[2 * third :])
        await until(lambda: all_archived(settings, len(records) - third))
        async with Reader(settings) as reader:
            through_archive = await ids(reader)
            customer = await reader.customer("C003", timeline=5)
            with pytest.raises(NotFound, match="nobody"):
                await reader.customer("nobody")
            with pytest.raises(InvalidInput):
                await reader.view("alerts", limit=0)
        assert through_archive == expected(records)
        refused = run_once(settings)
        assert refused.returncode == 1
        assert "an archive is running already" in refused.stderr
        assert child.stop() == 0, child.last_lines()
    finally:
        child.kill()
    assert not (settings.data_dir / "archive.json").exists()
    async with Reader(settings) as reader:
        assert await ids(reader) == through_archive
        assert await reader.customer("C003", timeline=5) == customer
        with pytest.raises(NotFound, match="nobody"):
            await reader.customer("nobody")


async def test_clickhouse_away_at_the_start_and_amid_the_work(
    make_settings: MakeSettings, server: HttpServer, records: list[Record]
) -> None:
    """A ClickHouse that comes late and is killed in between: it is told, and in the end nothing is missing."""
    settings = make_settings(clickhouse_dsn=server.dsn)
    await ensure_topics(settings)
    stop = asyncio.Event()
    archive = asyncio.create_task(run_archive(settings, stop=stop))
    half = len(records) // 2
    await publish(settings, records[:half])
    await until(lambda: waits_for(settings, "clickhouse"))
    await asyncio.to_thread(server.start)
    await until(lambda: all_archived(settings, half))
    server.kill()
    await publish(settings, records[half:])
    await until(lambda: waits_for(settings, "clickhouse"))
    async with Reader(settings) as reader:
        with pytest.raises(Unavailable):
            await reader.view("events")
    await asyncio.to_thread(server.start)
    await until(lambda: all_archived(settings, len(records)))
    async with Reader(settings) as reader:
        assert await ids(reader) == expected(records)
    stop.set()
    totals = await archive
    assert totals["retries"] > 0
    assert totals["lag"] == 0


async def test_stopped_while_clickhouse_is_away(
    make_settings: MakeSettings, server: HttpServer, records: list[Record]
) -> None:
    """Told to stop amid an outage it stops; what was not written is read again by the next start."""
    settings = make_settings(clickhouse_dsn=server.dsn)
    await ensure_topics(settings)
    server.start()
    stop = asyncio.Event()
    archive = asyncio.create_task(run_archive(settings, stop=stop))
    await until(lambda: all_archived(settings, 0))
    server.kill()
    await publish(settings, records)
    await until(lambda: waits_for(settings, "clickhouse"))
    stop.set()
    await asyncio.wait_for(archive, SECONDS)
    assert await find_running(settings) is None
    with pytest.raises(Unavailable):
        await run_archive(settings, stop=asyncio.Event(), once=True)
    await asyncio.to_thread(server.start)
    totals = await run_archive(settings, stop=asyncio.Event(), once=True)
    assert totals["rows_written"] == len(records)
    async with Reader(settings) as reader:
        assert await ids(reader) == expected(records)


async def test_a_second_member_takes_its_share(
    make_settings: MakeSettings, server: HttpServer, records: list[Record], tmp_path: Path
) -> None:
    """A second member that joins amid the work takes partitions over: nothing is missing and nothing doubled."""
    server.start()
    first = make_settings(clickhouse_dsn=server.dsn)
    second = make_settings(
        clickhouse_dsn=server.dsn, instance_id="other", data_dir=tmp_path / "other", archive_port=free_port()
    )
    await ensure_topics(first)
    stop = asyncio.Event()
    third = len(records) // 3
    running = [asyncio.create_task(run_archive(first, stop=stop))]
    await publish(first, records[:third])
    await until(lambda: all_archived(first, 1))
    await publish(first, records[third : 2 * third])
    running.append(asyncio.create_task(run_archive(second, stop=stop)))
    await until(lambda: all_archived(second, 0))
    await publish(first, records[2 * third :])
    await until(lambda: all_archived(second, 1))
    async with Reader(second) as reader:
        await until(lambda: _holds(reader, expected(records)))
    stop.set()
    await asyncio.gather(*running)


async def _holds(reader: Reader, wanted: dict[str, list[str]]) -> bool:
    found = await ids(reader)
    for topic, names in found.items():
        assert len(names) == len(set(names)), f"{topic} has repeats"
    return found == wanted


async def test_once(make_settings: MakeSettings, records: list[Record]) -> None:
    """``--once`` without topics fails and says what to do; then it archives all, broken records raw, and ends."""
    settings = make_settings()
    missing = run_once(settings)
    assert missing.returncode == 1
    assert "topics are missing" in missing.stderr
    await ensure_topics(settings)
    await publish(settings, [*records, broken(LOG, 0, b"{"), broken(ALERTS, 0, b"[]")])
    done = run_once(settings)
    assert done.returncode == 0, done.stderr
    totals = json.loads(done.stdout)
    assert (totals["rows_written"], totals["rejected"], totals["lag"]) == (len(records) + 2, 2, 0)
    assert json.loads(run_once(settings).stdout)["rows_written"] == 0
    async with Reader(settings) as reader:
        assert await ids(reader) == expected(records)
        assert len(await reader.view("rejects")) == 2


@pytest.mark.embedded_only
async def test_the_broker_goes_away_and_comes_back(
    tmp_path: Path, server: HttpServer, records: list[Record], make_settings: MakeSettings
) -> None:
    """It waits for a broker that is not there yet, tells of one that goes away, and goes on when it is back."""
    server.start()
    port = free_port()
    settings = make_settings(broker=f"kafka://127.0.0.1:{port}", clickhouse_dsn=server.dsn)
    stop = asyncio.Event()
    archive = asyncio.create_task(run_archive(settings, stop=stop))
    await until(lambda: waits_for(settings, "broker"))
    half = len(records) // 2
    with EmbeddedBroker.start(tmp_path / "b", tmp_path / "l", port=port):
        await ensure_topics(settings)
        await publish(settings, records[:half])
        await until(lambda: all_archived(settings, half))
    await until(lambda: waits_for(settings, "broker"))
    with EmbeddedBroker.start(tmp_path / "b", tmp_path / "l", port=port):
        await publish(settings, records[half:])
        await until(lambda: all_archived(settings, len(records)))
        async with Reader(settings) as reader:
            assert await ids(reader) == expected(records)
    stop.set()
    await asyncio.wait_for(archive, SECONDS)
    assert await find_running(settings) is None


async def test_any_free_port(make_settings: MakeSettings, server: HttpServer) -> None:
    """Port 0 takes a free one, and readers find it."""
    server.start()
    settings = make_settings(clickhouse_dsn=server.dsn, archive_port=0)
    await ensure_topics(settings)
    stop = asyncio.Event()
    archive = asyncio.create_task(run_archive(settings, stop=stop))
    await until(lambda: _can_be_read(settings))
    stop.set()
    await archive


async def _can_be_read(settings: Settings) -> bool:
    running = await find_running(settings)
    if running is None:
        return False
    assert running.pid == os.getpid()
    async with Reader(settings) as reader:
        try:
            return len(await reader.view("book_day")) == 1
        except Unavailable:
            return False  # the tables are being made


async def test_a_port_that_is_taken(make_settings: MakeSettings, server: HttpServer) -> None:
    """Two programs on one port: the second says which setting to change."""
    server.start()
    settings = make_settings(clickhouse_dsn=server.dsn, archive_port=server.port)
    with pytest.raises(Unavailable, match="CREDITPULSE_ARCHIVE_PORT"):
        await run_archive(settings, stop=asyncio.Event())


async def test_a_directory_that_another_process_holds(make_settings: MakeSettings, tmp_path: Path) -> None:
    """chDB belongs to one process: a second one is told who might have it."""
    settings = make_settings()
    elsewhere = make_settings(data_dir=tmp_path / "elsewhere")
    holder = start(settings)
    try:
        await until(lambda: waits_for(settings, "topics"))
        with pytest.raises(Unavailable, match="another process has opened it"):
            async with Reader(elsewhere):
                pass
    finally:
        assert holder.stop() == 0, holder.last_lines()
