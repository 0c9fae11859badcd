"""A stream of events ends with the key that it was asked for with."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from sse_starlette import ServerSentEvent

from desk.api import events
from desk.api.keys import KIND, Caller, caller_of, create_key, revoke_key
from desk.api.roles import Role
from tests.unit.desk.api.in_memory import Records

NOW = datetime(2026, 1, 1, tzinfo=UTC)


class Listener:
    """Somebody who listens with a key of his own; events come when they are put into ``coming``."""

    def __init__(self, records: Records, who: Caller) -> None:
        self.records, self.who, self.now = records, who, NOW
        self.coming: asyncio.Queue[str | None] = asyncio.Queue()
        self.closed = False
        services: Any = SimpleNamespace(control=records, now=lambda: self.now)
        self.heard = events._while_valid(services, who, self._stream())

    async def _stream(self) -> AsyncGenerator[ServerSentEvent, None]:
        try:
            while (data := await self.coming.get()) is not None:
                yield ServerSentEvent(data)
        finally:
            self.closed = True

    async def all(self) -> list[Any]:
        """What is heard until the stream ends, which it does soon."""
        async with asyncio.timeout(5):
            return [event.data async for event in self.heard]


@pytest.fixture
async def listener(monkeypatch: pytest.MonkeyPatch) -> Listener:
    monkeypatch.setattr(events, "_PING_SECONDS", 0.02)
    records = Records()
    token, _ = await create_key(records, "erp", Role.READER, now=NOW, expires=NOW + timedelta(days=1))
    who = caller_of(records, token, now=NOW)
    assert who is not None
    return Listener(records, who)


async def test_all_is_heard_until_the_stream_ends(listener: Listener) -> None:
    for data in ("a", "b", None):
        listener.coming.put_nowait(data)
    assert await listener.all() == ["a", "b"]
    assert listener.closed


async def test_nothing_is_heard_after_the_key_was_revoked(listener: Listener) -> None:
    """Also where nothing comes: the stream ends by itself."""
    listener.coming.put_nowait("a")
    assert (await anext(listener.heard)).data == "a"
    await revoke_key(listener.records, listener.who.key_id)
    listener.coming.put_nowait("b")
    assert await listener.all() == []
    assert listener.closed


async def test_a_key_that_expires_or_changes_ends_the_stream(listener: Listener) -> None:
    listener.now += timedelta(days=1)
    assert await listener.all() == []


async def test_another_role_is_another_key(listener: Listener) -> None:
    value = listener.records.get(KIND, listener.who.key_id)
    assert value is not None
    await listener.records.put(KIND, listener.who.key_id, value | {"role": "analyst"})
    assert await listener.all() == []
