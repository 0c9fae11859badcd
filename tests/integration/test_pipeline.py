"""Events through Kafka, gate, log and engine: the same decisions and state as in process, also through crashes."""

from __future__ import annotations

import asyncio
import random

import pytest

from models.account import encode as encode_account
from models.partition import encode as encode_partition
from streams.in_process import InProcess
from tests.integration.book import Book
from tests.integration.conftest import CRASH_STORES, MakeSettings
from tests.integration.pipeline import Pipeline, comparable, decisions, in_process, publish, state

KILLS = 5


def final_state(process: InProcess) -> dict[str, object]:
    """State of an in-process run in the form of ``pipeline.state``."""
    found: dict[str, object] = {}
    for number, engine in enumerate(process.engines):
        key = f"partition-{number}"
        found[key] = comparable(key, encode_partition(engine.state))
    for accounts in process.accounts:
        for customer, account in accounts.by_id.items():
            found[customer] = comparable(customer, encode_account(account))
    return found


async def test_live_equals_in_process(make_settings: MakeSettings) -> None:
    """What Kafka, gate and engine decide and remember is what the same engine does in process, to the letter."""
    settings = make_settings()
    events = Book().events()
    expected, process = in_process(events, settings.partitions)
    assert len(expected) > 100
    with Pipeline(settings) as pipeline:
        await publish(settings, events)
        pipeline.start("gate")
        pipeline.start("engine")
        await pipeline.drain()
        assert pipeline.stop() == {"gate": 0, "engine": 0}
    assert await decisions(settings) == expected
    assert await state(settings) == final_state(process)


@pytest.mark.parametrize("fetch", ["1", "7", "5000"])
async def test_chunk_boundaries_do_not_matter(make_settings: MakeSettings, fetch: str) -> None:
    """However the log is cut into chunks, decisions and state are the same."""
    settings = make_settings()
    events = Book(customers=12, days=120).events()
    expected, process = in_process(events, settings.partitions)
    with Pipeline(settings) as pipeline:
        await publish(settings, events)
        pipeline.start("gate", CREDITPULSE_MAX_POLL_RECORDS=fetch)
        pipeline.start("engine", CREDITPULSE_MAX_POLL_RECORDS=fetch)
        await pipeline.drain()
    assert await decisions(settings) == expected
    assert await state(settings) == final_state(process)


@pytest.mark.parametrize("store", CRASH_STORES)
async def test_kill_9_loses_and_doubles_nothing(make_settings: MakeSettings, store: str) -> None:
    """Gate and engine killed five times each at random moments end as one clean run: decisions and state."""
    settings = make_settings(max_poll_records=100, store=store)
    events = Book(customers=60, days=300, seed=2).events()
    expected, process = in_process(events, settings.partitions)
    moments = random.Random(3)
    with Pipeline(settings) as pipeline:
        pipeline.start("gate")
        pipeline.start("engine")
        publishing = asyncio.create_task(publish(settings, events))
        roles = ["gate", "engine"] * KILLS
        for role in roles:
            await asyncio.sleep(moments.uniform(0.3, 2.5))
            pipeline.kill(role)
            pipeline.start(role)
        await publishing
        await pipeline.drain()
    assert await decisions(settings) == expected
    assert await state(settings) == final_state(process)
