"""The sign-in form refuses who guesses, also many times at once, and what is no form of ours."""

from __future__ import annotations

import asyncio
import itertools
from collections import Counter
from collections.abc import AsyncIterator
from types import SimpleNamespace
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from desk.api.roles import Role
from desk.web import sign_in
from desk.web.sessions import SessionCookies, Sessions
from desk.web.users import add_user
from tests.unit.desk.api.in_memory import Records

PASSWORD = "a long password 1"


class Browser:
    """One that has opened the form."""

    def __init__(self, http: httpx.AsyncClient, csrf: str) -> None:
        self._http, self._csrf = http, csrf

    async def sign_in(self, password: str, name: str = "li", csrf: str | None = None) -> int:
        form = {"name": name, "password": password, "csrf": self._csrf if csrf is None else csrf}
        return (await self._http.post("/sign-in", data=form)).status_code


@pytest.fixture
async def browser(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Browser]:
    records, sessions = Records(), Sessions()
    await add_user(records, "li", Role.ADMIN, PASSWORD)
    desk: Any = SimpleNamespace(sessions=sessions, demo=None, services=SimpleNamespace(control=records))
    monkeypatch.setattr(sign_in, "desk_of", lambda: desk)
    clock = itertools.count(1_000_000_019.5, 0.01)  # the turn of a minute comes soon, and lets nobody try once more
    monkeypatch.setattr("limits.aio.storage.memory.time", SimpleNamespace(time=lambda: next(clock)))
    app = FastAPI()
    app.include_router(sign_in.sign_in_routes(None))
    app.add_middleware(SessionCookies, sessions=sessions, secure=False)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://desk.test") as http:
        page = await http.get("/sign-in")
        yield Browser(http, page.text.partition('name="csrf" value="')[2].partition('"')[0])


async def test_guesses_at_once_are_no_more_than_guesses_in_turn(browser: Browser) -> None:
    """Five wrong passwords a minute for a name, whether one waits for the answer or not."""
    found = Counter(await asyncio.gather(*(browser.sign_in(f"wrong {number}") for number in range(20))))
    assert found == {401: 5, 429: 15}
    assert await browser.sign_in(PASSWORD) == 429


async def test_who_knows_the_password_gets_in(browser: Browser) -> None:
    assert await browser.sign_in("wrong") == 401
    assert await browser.sign_in(PASSWORD) == 303


@pytest.mark.parametrize("csrf", ["x", "é", "令牌"])
async def test_a_form_of_another_page_is_refused(browser: Browser, csrf: str) -> None:
    """Whatever stands in it."""
    assert await browser.sign_in(PASSWORD, csrf=csrf) == 403
