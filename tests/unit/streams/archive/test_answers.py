"""Questions to the archive: quick answers are of now, long ones are worked out once and kept for a while."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

import pytest

from schemas.errors import Unavailable
from streams.archive.answers import LONG_SECONDS, Answers


class _Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


class _Database:
    """Answers with how often it was asked; each answer takes ``seconds`` of the clock, or waits for ``go``."""

    def __init__(self, clock: _Clock, seconds: float) -> None:
        self._clock, self.seconds = clock, seconds
        self.asked = 0
        self.go: asyncio.Event | None = None
        self.error: Exception | None = None

    async def query(self, sql: str, parameters: Mapping[str, Any] | None = None) -> list[dict[str, Any]]:
        self.asked += 1
        answer = self.asked
        if self.go is not None:
            await self.go.wait()
        if self.error is not None:
            raise self.error
        self._clock.now += self.seconds
        return [{"answer": answer}]


def _made(seconds: float) -> tuple[Answers, _Database, _Clock]:
    clock = _Clock()
    database = _Database(clock, seconds)
    return Answers([database], clock), database, clock


async def _answer(answers: Answers, customer: str | None = None, name: str = "alerts") -> int:
    page = await answers.view(name, customer, 100, 0, {})
    return int(page.rows[0]["answer"])


async def _settled() -> None:
    for _ in range(20):
        await asyncio.sleep(0)


async def test_a_quick_answer_is_always_of_now() -> None:
    """Nothing is kept."""
    answers, _, _ = _made(LONG_SECONDS / 2)
    assert [await _answer(answers) for _ in range(3)] == [1, 2, 3]


async def test_a_long_answer_is_given_again_and_worked_out_anew_behind_it() -> None:
    """For four times as long as it took; the first to ask after that gets the old one still, and the next the new."""
    answers, database, clock = _made(LONG_SECONDS)
    assert [await _answer(answers), await _answer(answers)] == [1, 1]
    clock.now += 4 * LONG_SECONDS
    assert await _answer(answers) == 1
    await _settled()
    assert (await _answer(answers), database.asked) == (2, 2)


async def test_of_one_customer_nothing_is_kept() -> None:
    """However long it takes."""
    answers, _, _ = _made(LONG_SECONDS)
    assert [await _answer(answers, "C1") for _ in range(2)] == [1, 2]


async def test_many_who_ask_at_once_are_answered_by_one_question() -> None:
    """And who hangs up does not take it from the others."""
    answers, database, _ = _made(0)
    database.go = asyncio.Event()
    asking = [asyncio.create_task(_answer(answers)) for _ in range(5)]
    await _settled()
    asking[0].cancel()
    await _settled()
    database.go.set()
    assert await asyncio.gather(*asking[1:]) == [1, 1, 1, 1]


async def test_a_slow_question_holds_up_no_other() -> None:
    """On another connection; a view that is known to take long leaves one free whatever else is asked."""
    clock = _Clock()
    databases = [_Database(clock, LONG_SECONDS), _Database(clock, LONG_SECONDS)]
    answers = Answers(databases, clock)
    for name in ("alerts", "dso"):
        await _answer(answers, name=name)
    clock.now += 10 * LONG_SECONDS
    for database in databases:
        database.go = asyncio.Event()
    for name in ("alerts", "dso"):  # kept, and to be worked out anew: one after the other
        await _answer(answers, name=name)
    await _settled()
    assert sorted(database.asked for database in databases) == [1, 2]
    await answers.close()


async def test_an_error_is_told_and_not_kept() -> None:
    """Also when it comes up behind an old answer: that is not given for ever."""
    answers, database, clock = _made(LONG_SECONDS)
    await _answer(answers)
    clock.now += 10 * LONG_SECONDS
    database.error = Unavailable("away")
    assert await _answer(answers) == 1
    await _settled()
    with pytest.raises(Unavailable, match="away"):
        await _answer(answers)
    database.error = None
    assert await _answer(answers) == 4
