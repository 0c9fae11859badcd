"""The desk in a real browser: signing in, its frame, and what happens when parts go away."""

from __future__ import annotations

import re

import httpx
import pytest
from playwright.sync_api import Page, expect

from desk.api.roles import Role
from desk.web.page import find_pages
from desk.web.users import add_user, remove_user
from streams.control import Control
from tests.integration.browser.conftest import PASSWORD, SignIn, Stack, run

pytestmark = pytest.mark.embedded_only

PAGES = [page for page in find_pages() if "{" not in page.path]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.key)
def test_each_page_opens_with_live_data(stack: Stack, sign_in: SignIn, page: object) -> None:
    """The light says that the data is live; nothing comes from another host."""
    path = page.path  # type: ignore[attr-defined]
    foreign: list[str] = []
    desk = sign_in(Role.ADMIN, path)
    desk.on("request", lambda request: foreign.append(request.url) if not _ours(request.url, stack) else None)
    desk.reload()
    expect(desk.locator(".light")).to_have_class(re.compile("light-good"))
    expect(desk.locator("h1")).to_be_visible()
    expect(desk.locator(".nav-item.here")).to_have_attribute("aria-current", "page")
    assert foreign == []


def _ours(url: str, stack: Stack) -> bool:
    return url.startswith((stack.url, stack.url.replace("http", "ws"), "data:", "blob:"))


def test_nobody_gets_in_without_signing_in(stack: Stack) -> None:
    """Pages lead to the sign-in and from there to pages of ours; the socket, rows and forms of others are refused."""
    with httpx.Client(base_url=stack.url, timeout=20) as client:
        answer = client.get("/customers")
        assert (answer.status_code, answer.headers["location"]) == (303, "/sign-in?next=%2Fcustomers")
        assert client.get("/_nicegui_ws/socket.io/?EIO=4&transport=polling").status_code == 403
        assert client.get("/desk/rows/customers").status_code == 401
        page = client.get("/sign-in", params={"next": "//evil.example"})
        assert "default-src 'none'" in page.headers["content-security-policy"]
        assert "HttpOnly; SameSite=Lax" in page.headers["set-cookie"]
        form = {"name": "reader", "password": PASSWORD, "next": "//evil.example"}
        assert client.post("/sign-in", data={**form, "csrf": "guess"}).status_code == 403
        csrf = re.search(r'name="csrf" value="([^"]+)"', page.text)
        assert csrf is not None
        wrong = client.post("/sign-in", data={**form, "password": "wrong", "csrf": csrf[1]})
        assert wrong.status_code == 401
        before = client.cookies["creditpulse_session"]
        right = client.post("/sign-in", data={**form, "csrf": csrf[1]})
        assert (right.status_code, right.headers["location"]) == (303, "/")
        assert client.cookies["creditpulse_session"] != before
        statuses = {client.post("/sign-in", data={**form, "csrf": "x"}).status_code for _ in range(3)}
        assert statuses == {403}
    with httpx.Client(base_url=stack.url, cookies={"creditpulse_session": before}, timeout=20) as client:
        assert client.get("/").status_code == 303


def test_guessing_is_slowed_down(stack: Stack) -> None:
    """After some wrong passwords for a name even the right one has to wait."""
    with httpx.Client(base_url=stack.url, timeout=30) as client:
        csrf = re.search(r'name="csrf" value="([^"]+)"', client.get("/sign-in").text)
        assert csrf is not None
        form = {"name": "order-entry", "csrf": csrf[1]}
        statuses = [client.post("/sign-in", data={**form, "password": f"guess {n}"}).status_code for n in range(6)]
        assert statuses == [401] * 5 + [429]
        assert client.post("/sign-in", data={**form, "password": PASSWORD}).status_code == 429


def test_language_and_theme_stay_as_they_were_chosen(sign_in: SignIn) -> None:
    """On every page, and after signing in again in another browser."""
    page = sign_in(Role.ANALYST)
    page.click("[data-switch=language]")
    expect(page.locator("h1")).to_have_text("总览")
    expect(page.locator("html")).to_have_attribute("lang", "zh-CN")
    page.click("[data-switch=theme]")
    expect(page.locator("body")).to_have_class(re.compile("cp-dark"))
    page.click(".nav-item >> text=客户")
    expect(page.locator("h1")).to_have_text("客户")
    other = sign_in(Role.ANALYST, "/customers")
    expect(other.locator("body")).to_have_class(re.compile("cp-dark lang-zh"))
    other.click("[data-switch=language]")
    expect(other.locator("h1")).to_have_text("Customers")
    other.click("[data-switch=theme]")
    expect(other.locator("body")).to_have_class(re.compile("cp-light"))


def test_access_ends_when_it_is_taken(stack: Stack, sign_in: SignIn) -> None:
    """Also for who is signed in and looks at a page."""
    name = "leaver"
    run(_with_control(stack, add_user, name, Role.READER, PASSWORD))
    page = sign_in(Role.READER)
    page.click("[aria-label='Sign out']")
    page.fill("#name", name)
    page.fill("#password", PASSWORD)
    page.click("button[type=submit]")
    expect(page.locator(".person-name")).to_have_text(name)
    run(_with_control(stack, remove_user, name))
    expect(page.locator("#password")).to_be_visible()


async def _with_control(stack: Stack, act: object, *arguments: object) -> None:
    async with Control(stack.settings) as control:
        await act(control, *arguments)  # type: ignore[operator]


def test_the_desk_says_that_the_archive_is_away_and_recovers(stack: Stack, sign_in: SignIn) -> None:
    """By itself, in a page that stays open."""
    page = sign_in(Role.READER)
    expect(page.locator(".light")).to_have_class(re.compile("light-good"))
    stack.pipeline.kill("archive")
    expect(page.locator(".banner")).to_contain_text("archive does not answer", timeout=20_000)
    assert _light(page) == "Not connected"
    stack.pipeline.start("archive")
    expect(page.locator(".banner")).to_be_hidden(timeout=60_000)
    expect(page.locator(".light")).to_have_class(re.compile("light-good"))


def _light(page: Page) -> str:
    return page.locator(".light").inner_text().splitlines()[-1]
