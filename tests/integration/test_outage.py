"""The broker stands still or goes away while events flow: workers wait or start again; nothing is lost or doubled."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest

from schemas.topics import LOG
from streams.embedded.broker import EmbeddedBroker
from streams.embedded.kafka import KafkaBroker
from streams.settings import Settings
from tests.integration.book import Book
from tests.integration.conftest import MakeSettings
from tests.integration.pipeline import decisions, in_process, publish, state
from tests.integration.test_kafka_broker import needs_kafka
from tests.integration.test_pipeline import final_state
from tests.integration.workers import Workers, committed, folded, log_entries, seconds_pass

pytestmark = pytest.mark.embedded_only  # they handle the broker itself
EVENTS = Book(customers=60, days=200).events()


async def flowing(workers: Workers) -> None:
    """Wait until gate and engine are in the middle of the events."""

    async def is_working() -> bool:
        return sum((await committed(workers.settings, "engine", [LOG])).values()) > 300

    await workers.until(is_working)


async def nothing_lost_or_doubled(settings: Settings) -> None:
    """Each event is in the log, and decisions and state are what that log leads to.

    Not compared with an undisturbed run: a gate does not wait longer than some seconds for a topic that does not
    answer, so that the order between topics may be another.
    """
    _, process = in_process([], settings.partitions)
    expected = {(number, entry.source) for number, _, entry in process.log(EVENTS)}
    log = await log_entries(settings)
    assert {(number, entry.source) for number, entries in log.items() for entry in entries} == expected
    wanted, after = await folded(settings)
    assert len(wanted) > 100
    assert await decisions(settings) == wanted
    assert await state(settings) == final_state(after)


async def test_a_broker_that_stands_still(make_settings: MakeSettings, tmp_path: Path) -> None:
    """Frozen for longer than a gate waits for a topic, twice, the broker goes on, and so do the workers."""
    with EmbeddedBroker.start(tmp_path / "broker", tmp_path / "logs") as broker:
        settings = make_settings(broker=broker.url, max_poll_records=20)
        with Workers(settings, supervised=True) as workers:
            await publish(settings, EVENTS)
            workers.start_as("g0", "gate")
            workers.start_as("e0", "engine")
            await flowing(workers)
            for seconds in (2.0, 6.0):
                os.kill(broker.child.pid, signal.SIGSTOP)
                try:
                    await seconds_pass(seconds, workers)
                finally:
                    os.kill(broker.child.pid, signal.SIGCONT)
                await seconds_pass(0.5, workers)
            await workers.drain()
            assert workers.stop() == {"g0": 0, "e0": 0}
        await nothing_lost_or_doubled(settings)


@needs_kafka
@pytest.mark.parametrize("way", ["stopped", "killed"])
async def test_a_broker_that_is_started_again(make_settings: MakeSettings, tmp_path: Path, way: str) -> None:
    """Gone for two seconds and back on its port with its data: workers go on, or end with 1 and are started again.

    On Apache Kafka alone: the embedded broker acknowledges records after it has saved its data for the last time, so
    that a stop under load loses some (measured: up to 120 of 5,130 per partition). Our own commands stop it last.
    """
    broker = KafkaBroker.start(tmp_path / "broker", tmp_path / "logs")
    try:
        settings = make_settings(broker=broker.url, max_poll_records=20)
        with Workers(settings, supervised=True) as workers:
            await publish(settings, EVENTS)
            workers.start_as("g0", "gate")
            workers.start_as("e0", "engine")
            await flowing(workers)
            if way == "stopped":
                broker.stop()
            else:
                broker.child.kill()
            await seconds_pass(2.0, workers)
            broker = KafkaBroker.start(tmp_path / "broker", tmp_path / "logs", port=broker.port)
            await workers.drain(120.0)
            assert workers.stop() == {"g0": 0, "e0": 0}
        await nothing_lost_or_doubled(settings)
    finally:
        broker.stop()
