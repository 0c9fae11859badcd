"""The feed on a real broker: from the beginning or from now on, each event once, and it knows when it is through."""

from __future__ import annotations

import asyncio

from aiokafka import AIOKafkaProducer

from alerts.feed import Feed, FeedItem
from schemas.topics import ALERTS, LEVELS
from streams.settings import Settings
from streams.topic_admin import ensure_topics
from tests.unit.alerts.samples import alert, envelope, level

from .conftest import MakeSettings


async def _send(settings: Settings, *events: tuple[str, str]) -> None:
    """Publish events of these topics and ids as the engine does."""
    async with AIOKafkaProducer(bootstrap_servers=settings.bootstrap_servers) as producer:
        for topic, event_id in events:
            data = alert() if topic == ALERTS else level()
            value = envelope(data, event_id=event_id).model_dump_json().encode()
            await producer.send_and_wait(settings.topic(topic), value, event_id.encode())


async def _take(feed: Feed, count: int) -> list[FeedItem]:
    found: list[FeedItem] = []
    async with asyncio.timeout(20):
        async for item in feed:
            found.append(item)
            if len(found) == count:
                break
    return found


async def test_a_feed_from_the_beginning_gives_everything_once(make_settings: MakeSettings) -> None:
    """What stood there and what comes later is given, a repeated id once."""
    settings = make_settings()
    await ensure_topics(settings)
    await _send(settings, (LEVELS, "a"), (ALERTS, "b"), (ALERTS, "b"))
    async with Feed(settings) as feed:
        assert not await feed.is_at_end()
        found = await _take(feed, 1) + await _take(feed, 1)  # a listener may pause anywhere
        assert {item.event.id for item in found} == {"a", "b"}
        await _send(settings, (ALERTS, "c"))
        assert [item.event.id for item in await _take(feed, 1)] == ["c"]


async def test_a_feed_from_now_on_leaves_the_past_out(make_settings: MakeSettings) -> None:
    """Only what comes after the start is given; before that the feed is at its end."""
    settings = make_settings()
    await ensure_topics(settings)
    await _send(settings, (ALERTS, "old"))
    async with Feed(settings, from_beginning=False) as feed:
        assert await feed.is_at_end()
        await _send(settings, (ALERTS, "new"))
        assert not await feed.is_at_end()
        assert [item.event.id for item in await _take(feed, 1)] == ["new"]


async def test_a_feed_knows_when_it_is_through(make_settings: MakeSettings) -> None:
    """At its end means: the listener has come back for more after the last event."""
    settings = make_settings()
    await ensure_topics(settings)
    await _send(settings, (ALERTS, "a"), (LEVELS, "b"))
    async with Feed(settings) as feed:
        listening = asyncio.create_task(_take(feed, 3))
        async with asyncio.timeout(20):
            while not await feed.is_at_end():
                await asyncio.sleep(0.05)
        assert not listening.done()
        await _send(settings, (ALERTS, "c"))
        assert len(await listening) == 3
