"""Pacing of fetches: waits after a fetch that came back empty at once, and after no other."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import Any, cast

import pytest
from aiokafka import AIOKafkaConsumer

from streams.transport import pacing
from streams.transport.pacing import pace_empty_fetches


@dataclass
class _Clock:
    """Stands for the module ``time``."""

    now: float = 0.0

    def monotonic(self) -> float:
        return self.now


@dataclass
class _Fetcher:
    """As aiokafka's: a fetch takes ``seconds`` of a clock and brings something or not."""

    brings: bool
    seconds: float = 0.0
    clock: _Clock = field(default_factory=_Clock)
    calls: list[tuple[object, ...]] = field(default_factory=list)

    async def _proc_fetch_request(self, *request: object) -> bool:
        self.calls.append(request)
        self.clock.now += self.seconds
        return self.brings


@dataclass
class _Consumer:
    _fetcher: _Fetcher


def paced(fetcher: _Fetcher, pause_seconds: float) -> Any:
    """The fetch of this fetcher after it was paced."""
    pace_empty_fetches(cast(AIOKafkaConsumer, _Consumer(fetcher)), pause_seconds)
    return fetcher._proc_fetch_request


async def is_waiting(fetch: asyncio.Task[bool]) -> bool:
    """Whether the fetch is not over after all that can be done at once."""
    for _ in range(20):
        await asyncio.sleep(0)
    return not fetch.done()


async def test_an_empty_fetch_is_followed_by_a_wait() -> None:
    """Nothing came, at once: the fetch lasts until the pause is over."""
    fetcher = _Fetcher(brings=False)
    fetch = asyncio.create_task(paced(fetcher, 3600.0)("assignment", 0, "request"))
    assert await is_waiting(fetch)
    assert fetcher.calls == [("assignment", 0, "request")]
    fetch.cancel()
    await asyncio.wait([fetch])


async def test_the_pause_ends() -> None:
    """After the pause the fetch says what the broker said."""
    assert await paced(_Fetcher(brings=False), 0.001)("assignment", 0, "request") is False


async def test_a_fetch_that_brought_something_is_not_held_up() -> None:
    """Records are there: on to the next fetch."""
    fetch = asyncio.create_task(paced(_Fetcher(brings=True), 3600.0)("assignment", 0, "request"))
    assert not await is_waiting(fetch)
    assert await fetch is True


@pytest.mark.parametrize(("seconds", "waits"), [(3599.0, True), (3600.0, False)])
async def test_a_broker_that_waits_is_not_slowed_down(
    monkeypatch: pytest.MonkeyPatch, seconds: float, waits: bool
) -> None:
    """An empty answer that took as long as the pause is followed by no other wait."""
    clock = _Clock()
    monkeypatch.setattr(pacing, "time", clock)
    fetch = asyncio.create_task(paced(_Fetcher(False, seconds, clock), 3600.0)("assignment", 0, "request"))
    assert await is_waiting(fetch) is waits
    fetch.cancel()
    await asyncio.wait([fetch])


async def test_a_cancelled_pause_ends_without_an_error() -> None:
    """aiokafka cancels its fetches when it closes, and takes an error for a failed fetch."""
    fetch = asyncio.create_task(paced(_Fetcher(brings=False), 3600.0)("assignment", 0, "request"))
    assert await is_waiting(fetch)
    fetch.cancel()
    assert await fetch is False


async def test_a_failing_fetch_fails_as_before() -> None:
    """The pause hides no error of the broker."""

    class Broken(_Fetcher):
        async def _proc_fetch_request(self, *request: object) -> bool:
            raise ConnectionError("gone")

    with pytest.raises(ConnectionError, match="gone"):
        await paced(Broken(brings=False), 3600.0)("assignment", 0, "request")
