"""What the hub holds in memory and what it reads from Kafka meet without a gap and without an overlap."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Any

import pytest

from desk.api import hub as hubs
from desk.api.hub import Hub, write_cursor
from schemas.topics import LEVELS

PLACE = (LEVELS, 0)
EVENTS: list[Any] = [SimpleNamespace(topic=LEVELS, partition=0, offset=offset, event=offset) for offset in range(3)]


class Topic:
    """The feed of a topic that holds ``EVENTS``, from a position on."""

    def __init__(self, settings: Any, topics: Any, start: Any = None) -> None:
        self._at: int = start.get(PLACE, 0)

    async def __aenter__(self) -> Topic:
        return self

    async def __aexit__(self, *error: object) -> None: ...

    def positions(self) -> dict[tuple[str, int], int]:
        return {PLACE: self._at}

    async def batch(self) -> list[Any]:
        self._at += 1
        return EVENTS[self._at - 1 : self._at]


async def test_who_begins_while_an_event_is_told_hears_it_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is behind the listener's beginning or before it, never both: position and count move together."""
    monkeypatch.setattr(hubs, "Feed", Topic)
    settings: Any = SimpleNamespace(partitions=1)
    hub = Hub(settings)
    hub._opened.set()
    await hub._tell(EVENTS[0])
    listener = hub.listen(write_cursor({}))
    heard: list[int] = []

    async def listen() -> None:
        async for found in listener:
            heard.append(found.item.offset)
            if found.item is EVENTS[2]:
                return

    async with asyncio.timeout(5):
        async with hub._news:  # as one who was just woken holds it
            telling = asyncio.create_task(hub._tell(EVENTS[1]))
            await asyncio.sleep(0)
            listening = asyncio.create_task(listen())
            for _ in range(10):
                await asyncio.sleep(0)
        await telling
        await hub._tell(EVENTS[2])
        await listening
    assert heard == [0, 1, 2]
