"""An engine that comes back, cleanly or after a crash, goes on from its state as if it had never been away."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest

from schemas.topics import LOG
from streams.settings import Settings
from tests.integration.book import Book
from tests.integration.conftest import CRASH_STORES, MakeSettings
from tests.integration.pipeline import decisions, in_process, publish, state
from tests.integration.test_pipeline import final_state
from tests.integration.workers import Workers, committed, ends

TABLES = ("accounts", "risk-models")


def read_in_recovery(settings: Settings, log: Path) -> list[int]:
    """How many changelog records each start of an engine had to read, as Faust says in the engine's log.

    It names, per partition, the last offset there is and the last one it has.
    """
    found: list[int] = []
    last = 0
    for table in re.split(r"\n(?!\||\+)", log.read_text(encoding="utf-8")):
        numbers = [int(row.split("|")[3]) for row in table.splitlines() if re.match(r"\|.*\| -?\d+ *\|$", row)]
        if "+Highwater - Active-" in table:
            last = sum(numbers)
        elif "+Reading Starts At - Active-" in table:
            found.append(last - sum(numbers))
    return found


@pytest.mark.parametrize("store", CRASH_STORES)
@pytest.mark.parametrize("way", ["stopped", "killed"])
async def test_an_engine_comes_back_with_its_state(make_settings: MakeSettings, store: str, way: str) -> None:
    """The tables are recovered, and every entry that waits is taken, once; RocksDB reads only what it lacks."""
    settings = make_settings(store=store)
    events = Book(customers=30, days=120).events()
    half = len(events) // 2
    expected, process = in_process(events, settings.partitions)
    with Workers(settings) as workers:
        await publish(settings, events[:half])
        gate, engine = workers.start_as("g0", "gate"), workers.start_as("e0", "engine")
        await workers.drain()
        assert gate.stop() == 0
        assert (engine.stop() if way == "stopped" else engine.kill()) == (0 if way == "stopped" else -9)
        await publish(settings, events[half:])
        before = await committed(settings, "engine", [LOG])
        changelogs = [f"{settings.app_id}-engine-{table}-changelog" for table in TABLES]
        written = sum((await ends(settings, changelogs)).values())
        gate, engine = workers.start_as("g0", "gate"), workers.start_as("e0", "engine")
        await workers.drain()
        after = await committed(settings, "engine", [LOG])
        assert workers.stop() == {"g0": 0, "e0": 0}
    assert all(after[place] > before[place] > 0 for place in before)
    assert await decisions(settings) == expected
    assert await state(settings) == final_state(process)
    assert read_in_recovery(settings, engine.log) == [0, 0 if store == "rocksdb://" else written]


async def test_an_engine_that_lost_its_disk_reads_everything_again(make_settings: MakeSettings) -> None:
    """RocksDB's files are a copy: without them the whole state comes back from the changelogs."""
    settings = make_settings(store="rocksdb://")
    events = Book(customers=20, days=120).events()
    half = len(events) // 2
    expected, process = in_process(events, settings.partitions)
    with Workers(settings) as workers:
        await publish(settings, events[:half])
        gate, engine = workers.start_as("g0", "gate"), workers.start_as("e0", "engine")
        await workers.drain()
        assert (gate.stop(), engine.stop()) == (0, 0)
        shutil.rmtree(settings.data_dir / "faust-engine-e0")
        await publish(settings, events[half:])
        workers.start_as("g0", "gate")
        workers.start_as("e0", "engine")
        await workers.drain()
        assert workers.stop() == {"g0": 0, "e0": 0}
    assert await decisions(settings) == expected
    assert await state(settings) == final_state(process)
    assert read_in_recovery(settings, engine.log)[1] > 0
