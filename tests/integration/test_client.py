"""The client of the out topics on a real broker: killed and resumed it misses nothing and doubles nothing."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from pathlib import Path

import pytest
from aiokafka import AIOKafkaProducer

from alerts.client import AlertClient, Gap, GapFound
from alerts.feed import FeedItem
from schemas.errors import InvalidInput
from schemas.topics import ALERTS, LEVELS
from streams.embedded.guard import start_child
from streams.settings import Settings
from streams.topic_admin import ensure_topics
from tests.unit.alerts.samples import alert, envelope, level

from .conftest import MakeSettings

SUBSCRIBER = """
import asyncio, sys
from alerts.client import AlertClient
from streams.settings import Settings

async def main():
    out = open(sys.argv[1], "a", buffering=1)
    async with AlertClient(Settings(), group="ledger") as client:
        async for received in client:
            out.write(received.event.id + "\\n")
            await asyncio.sleep(0.004)

asyncio.run(main())
"""


async def send(settings: Settings, *events: tuple[str, int], again: bool = False, topic: str = ALERTS) -> None:
    """Publish (customer, sequence) as the engine does."""
    async with AIOKafkaProducer(bootstrap_servers=settings.bootstrap_servers) as producer:
        for customer, number in events:
            data = alert() if topic == ALERTS else level()
            event = envelope(data, event_id=f"{topic}/{customer}/{number}", subject=customer)
            event = event.model_copy(update={"sequence": f"{number:010d}"})
            for _ in range(2 if again else 1):
                await producer.send(settings.topic(topic), event.model_dump_json().encode(), customer.encode())
        await producer.flush()


async def take(client: AlertClient, count: int) -> list[str]:
    found: list[FeedItem] = []
    async with asyncio.timeout(20):
        async for item in client:
            found.append(item)
            if len(found) == count:
                break
    return [item.event.id for item in found]


async def test_a_killed_subscriber_resumes_and_misses_nothing(make_settings: MakeSettings, tmp_path: Path) -> None:
    """kill -9 in the middle, three times: by id everything is there, in order per customer; few come twice."""
    settings = make_settings()
    await ensure_topics(settings)
    customers = [f"C{number}" for number in range(7)]
    await send(settings, *[(customer, number) for number in range(1, 101) for customer in customers])
    script, out = tmp_path / "subscriber.py", tmp_path / "seen"
    script.write_text(SUBSCRIBER, encoding="utf-8")
    env = settings.environment() | {"PYTHONPATH": os.getcwd()}

    def lines() -> list[str]:
        return out.read_text(encoding="utf-8").splitlines() if out.exists() else []

    for target in (150, 350, 500, 700):
        child = start_child([sys.executable, str(script), str(out)], log=tmp_path / "log", env=env)
        try:
            async with asyncio.timeout(30):
                while len(set(lines())) < target:
                    assert child.poll() is None, child.last_lines()
                    await asyncio.sleep(0.02)
        finally:
            os.kill(child.pid, signal.SIGKILL)
            child.process.wait()
    seen = lines()
    assert len(set(seen)) == 700
    assert len(seen) - 700 <= 300, "a kill repeats at most what was not committed"
    for customer in customers:
        first_sights = list(dict.fromkeys(line for line in seen if line.split("/")[1] == customer))
        assert first_sights == [f"{ALERTS}/{customer}/{number}" for number in range(1, 101)]


async def test_the_subscriber_of_the_readme_works(make_settings: MakeSettings, tmp_path: Path) -> None:
    """The block as it stands there: it prints alerts, is killed, and goes on with what came meanwhile."""
    readme = (Path(__file__).parents[2] / "README.md").read_text(encoding="utf-8")
    script, out = tmp_path / "subscriber.py", tmp_path / "printed"
    script.write_text(readme.split("```python\n")[1].split("```")[0], encoding="utf-8")
    settings = make_settings()
    await ensure_topics(settings)
    env = settings.environment() | {"PYTHONPATH": os.getcwd()}
    for first, last in ((1, 2), (3, 5)):
        await send(settings, *[("A", number) for number in range(first, last + 1)])
        child = start_child([sys.executable, str(script)], log=out, env=env)
        try:
            async with asyncio.timeout(30):
                while f"{ALERTS}/A/{last} A tightening" not in out.read_text(encoding="utf-8"):
                    assert child.poll() is None, child.last_lines()
                    await asyncio.sleep(0.02)
        finally:
            child.kill()
    printed = dict.fromkeys(out.read_text(encoding="utf-8").splitlines())
    assert list(printed) == [f"{ALERTS}/A/{number} A tightening" for number in range(1, 6)]


async def test_a_stored_cursor_doubles_nothing_either(make_settings: MakeSettings) -> None:
    """Stopped after each few events and resumed by the cursor: each event exactly once, repeats left out."""
    settings = make_settings()
    await ensure_topics(settings)
    await send(settings, *[("A", n) for n in range(1, 10)], *[("B", n) for n in range(1, 10)], again=True)
    cursor, seen = None, []
    while len(seen) < 18:
        async with AlertClient(settings, cursor=cursor) as client:
            seen += await take(client, 3)
            cursor = client.cursor
    assert sorted(seen) == sorted(f"{ALERTS}/{customer}/{n}" for customer in "AB" for n in range(1, 10))
    await send(settings, ("A", 9))  # a restarted worker sends its last once more: known from before the cursor
    await send(settings, ("A", 10))
    async with AlertClient(settings, cursor=cursor) as client:
        assert await take(client, 1) == [f"{ALERTS}/A/10"]


async def test_gaps_and_repeats_are_found(make_settings: MakeSettings) -> None:
    """A missing sequence is raised before the event that came too early, which then comes; or told to a function."""
    settings = make_settings()
    await ensure_topics(settings)
    await send(settings, ("A", 1), ("A", 2), ("B", 1), ("A", 2), ("A", 5), ("B", 2))
    gap = Gap("creditpulse.credit-alert.v1", "A", 3, 5, f"{ALERTS}/A/5")
    async with AlertClient(settings) as client:
        seen: list[str] = []
        found: list[Gap] = []
        while len(seen) < 5:
            try:
                seen += await take(client, 1)
            except GapFound as error:
                found.append(error.gap)
                assert f"{ALERTS}/A/5" not in seen
        assert found == [gap]
        assert sorted(seen) == [f"{ALERTS}/A/1", f"{ALERTS}/A/2", f"{ALERTS}/A/5", f"{ALERTS}/B/1", f"{ALERTS}/B/2"]
    told: list[Gap] = []
    async with AlertClient(settings, on_gap=told.append) as client:
        await take(client, 5)
    assert told == [gap]


async def test_a_gap_across_a_restart_is_found(make_settings: MakeSettings) -> None:
    """The sequence from before the cursor is known."""
    settings = make_settings()
    await ensure_topics(settings)
    await send(settings, ("A", 1), ("A", 2))
    async with AlertClient(settings) as client:
        await take(client, 2)
        cursor = client.cursor
    await send(settings, ("A", 4))
    async with AlertClient(settings, cursor=cursor) as client:
        with pytest.raises(GapFound, match="expected sequence 3, found 4"):
            await take(client, 1)


async def test_compacted_levels_have_no_gaps(make_settings: MakeSettings) -> None:
    """Older levels may be gone by right."""
    settings = make_settings()
    await ensure_topics(settings)
    await send(settings, ("A", 1), ("A", 7), topic=LEVELS)
    async with AlertClient(settings, (LEVELS,)) as client:
        assert await take(client, 2) == [f"{LEVELS}/A/1", f"{LEVELS}/A/7"]


async def test_an_event_that_failed_comes_again(make_settings: MakeSettings) -> None:
    """With a group: leaving by an error leaves the event in hand undone, leaving in order does not."""
    settings = make_settings(partitions=1)
    await ensure_topics(settings)
    await send(settings, ("A", 1), ("A", 2), ("A", 3))
    client = AlertClient(settings, group="erp")
    await client.__aenter__()
    assert await take(client, 2)
    await client.__aexit__(ZeroDivisionError, ZeroDivisionError(), None)
    async with AlertClient(settings, group="erp") as client:
        assert await take(client, 1) == [f"{ALERTS}/A/2"]
    async with AlertClient(settings, group="erp") as client:
        assert await take(client, 1) == [f"{ALERTS}/A/3"]


@pytest.mark.parametrize(
    "cursor", ["x", "[]", '{"credit-alerts/9": 1}', '{"payments/0": 1}', '{"credit-alerts/0": "1"}']
)
def test_what_is_no_cursor_is_refused(make_settings: MakeSettings, cursor: str) -> None:
    with pytest.raises(InvalidInput, match="not a cursor"):
        AlertClient(make_settings(), cursor=cursor)
