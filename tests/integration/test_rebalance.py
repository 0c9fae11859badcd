"""Workers come and go while events flow: partitions move, and decisions and state stay those of one clean run."""

from __future__ import annotations

from collections import Counter
from itertools import pairwise

import pytest

from schemas.topics import LOG, MARKET, MERGED_TOPICS, ORDERS, RELAYED_TOPICS
from tests.integration.book import Book
from tests.integration.conftest import CRASH_STORES, MakeSettings
from tests.integration.pipeline import decisions, in_process, publish, state
from tests.integration.test_pipeline import final_state
from tests.integration.workers import LogFlow, Workers, committed, log_entries


async def done_of(workers: Workers, role: str, topic: str) -> int:
    """How many records of a topic the role has committed."""
    return sum((await committed(workers.settings, role, [topic])).values())


@pytest.mark.parametrize("store", CRASH_STORES)
async def test_engines_come_and_go(make_settings: MakeSettings, store: str) -> None:
    """A second engine joins in the middle, the first leaves and comes back: nothing is lost, doubled or stale."""
    settings = make_settings(store=store, partitions=4)
    events = Book(customers=60, days=250).events()
    expected, process = in_process(events, settings.partitions)
    with Workers(settings) as workers:
        workers.start_as("e0", "engine")
        async with LogFlow(settings, events) as flow:

            async def is_working() -> bool:
                return await done_of(workers, "engine", LOG) > 500

            await workers.until(is_working)
            workers.start_as("e1", "engine")
            both = await workers.settled(["e0", "e1"])
            assert [len(both[name][LOG]) for name in ("e0", "e1")] == [2, 2]
            assert await workers.leave("e0") == 0
            assert (await workers.settled(["e1"]))["e1"][LOG] == {0, 1, 2, 3}
            # What it still holds of its first time is older than what the other has written since.
            workers.start_as("e0", "engine")
            await workers.settled(["e0", "e1"])
            assert flow.written < len(flow.entries)
            await flow.finish()
            await workers.drain()
        assert workers.stop() == {"e0": 0, "e1": 0}
    assert await decisions(settings) == expected
    assert await state(settings) == final_state(process)


async def test_gates_come_and_go(make_settings: MakeSettings) -> None:
    """Two gates: a partition of all topics is merged by one of them, and the log is that of a single gate.

    The market readings are relayed before the second gate joins: a gate cannot know what another is still to relay.
    """
    settings = make_settings(partitions=4, max_poll_records=1, gate_buffer_records=10)
    events = Book(customers=60, days=250).events()
    expected, process = in_process(events, settings.partitions)
    count = Counter(event.topic for event in events)
    with Workers(settings) as workers:
        await publish(settings, events)
        workers.start_as("e0", "engine")
        workers.start_as("g0", "gate")

        async def is_working() -> bool:
            done = [await done_of(workers, "gate", topic) for topic in (ORDERS, MARKET)]
            return done[0] > 100 and done[1] == count[MARKET]

        await workers.until(is_working)
        with workers.frozen("g0"):  # so that there is still much to do when the other is there
            workers.start_as("g1", "gate")
            await workers.asks_to_join("g1", members=2)
        both = await workers.settled(["g0", "g1"])
        for places in both.values():
            assert set(places) == {*MERGED_TOPICS, *RELAYED_TOPICS}
            assert len({frozenset(numbers) for numbers in places.values()}) == 1
            assert len(places[ORDERS]) == 2
        assert await workers.leave("g0") == 0
        assert await done_of(workers, "gate", ORDERS) < count[ORDERS], "nothing is left for the second gate alone"
        await workers.drain()
        assert workers.stop() == {"g1": 0, "e0": 0}
    for entries in (await log_entries(settings)).values():
        assert all(before.time <= after.time for before, after in pairwise(entries))
    assert await decisions(settings) == expected
    assert await state(settings) == final_state(process)
