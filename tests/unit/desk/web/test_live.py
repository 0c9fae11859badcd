"""News reach pages in bundles, one handler at a time, and are not lost when a part is away."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from types import SimpleNamespace
from typing import Any

import pytest

from desk.api.hub import Heard
from desk.web import live
from desk.web.live import ControlChange, LiveNews, News, Subscription
from desk.web.views import Views
from schemas.errors import Unavailable


class FakeHub:
    """A hub whose events the test gives."""

    def __init__(self) -> None:
        self.queue: asyncio.Queue[Any] = asyncio.Queue()

    async def listen(self, after: str | None = None) -> AsyncGenerator[Heard, None]:
        while True:
            yield Heard(await self.queue.get(), "cursor")


def item(topic: str, number: int) -> Any:
    """An event of a topic."""
    return SimpleNamespace(topic=topic, offset=number)


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live, "TICK_SECONDS", 0.02)
    monkeypatch.setattr(live, "_TRY_AGAIN_SECONDS", 0.01)


async def test_news_come_in_bundles_and_only_what_is_wanted() -> None:
    """A hundred events between two ticks are one call; a page is called once at first with nothing."""
    hub = FakeHub()
    calls: list[News] = []

    async def handler(news: News) -> None:
        calls.append(news)

    async with LiveNews(hub) as news:  # type: ignore[arg-type]
        end = news.subscribe(Subscription(handler, frozenset({"levels"}), frozenset({"silence"})))
        await _until(lambda: calls == [[]])
        for number in range(100):
            hub.queue.put_nowait(item("levels" if number % 2 else "alerts", number))
        news.control_changed("silence", "s1", None)
        news.control_changed("api-key", "k1", None)
        await _until(lambda: sum(map(len, calls)) == 51)
        assert len(calls) <= 4
        assert ControlChange("silence", "s1", None) in [entry for call in calls for entry in call]
        end()
        assert len(news) == 0


async def test_what_could_not_be_shown_is_shown_later() -> None:
    """A handler that finds the archive away gets the same news again, in order."""
    hub = FakeHub()
    seen: list[int] = []
    away = 3

    async def handler(news: News) -> None:
        nonlocal away
        if news and away:
            away -= 1
            raise Unavailable("away")
        seen.extend(entry.offset for entry in news if not isinstance(entry, ControlChange))

    async with LiveNews(hub) as news:  # type: ignore[arg-type]
        news.subscribe(Subscription(handler, frozenset({"levels"})))
        for number in range(5):
            hub.queue.put_nowait(item("levels", number))
            await asyncio.sleep(0.01)
        await _until(lambda: seen == [0, 1, 2, 3, 4])


async def test_a_view_is_asked_once_for_all_who_look() -> None:
    """Twenty pages at the same moment are one question; an error is not kept."""
    asked = 0

    class Archive:
        async def view(self, *arguments: Any, **options: Any) -> list[dict[str, Any]]:
            nonlocal asked
            asked += 1
            await asyncio.sleep(0.01)
            if asked == 1:
                raise Unavailable("away")
            return [{"n": asked}]

    views = Views(Archive())  # type: ignore[arg-type]
    failed = await asyncio.gather(*(views.view("dso") for _ in range(20)), return_exceptions=True)
    assert {type(answer) for answer in failed} == {Unavailable}
    answers = await asyncio.gather(*(views.view("dso") for _ in range(20)))
    assert answers == [[{"n": 2}]] * 20
    assert await views.view("dso", max_age=0.0) == [{"n": 3}]


async def _until(holds: Any) -> None:
    async with asyncio.timeout(5):
        while not holds():
            await asyncio.sleep(0.005)
