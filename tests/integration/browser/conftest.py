"""The whole desk on real parts, once for all tests of a session, and people in a real Chromium who are signed in."""

from __future__ import annotations

import asyncio
import os
import shutil
import sys
import time
from collections.abc import Callable, Coroutine, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright
from pydantic import SecretStr

from desk.api.roles import Role
from desk.web.users import add_user
from schemas.assessments import MasterDataChanged
from schemas.topics import ASSESSMENTS
from streams.control import Control
from streams.embedded.broker import free_port
from streams.embedded.guard import Child, start_child
from streams.settings import Settings
from streams.sources.event_file import TimedEvent, timed
from tests.integration.book import START, Book
from tests.integration.conftest import ALONE
from tests.integration.pipeline import Pipeline, publish

CUSTOMERS, DAYS = 14, 150
NOW = START + timedelta(days=DAYS + 5)
"""After everything in the book: what comes late never tightens."""
FOUR_EYES = "order_checks: {four_eyes_above: {USD: 5000}}\n"
_START_SECONDS = 200.0
"""Several processes start at once, on what may be two slow cores."""
PASSWORD = "for the tests of the desk"
NASTY = "<script>window.hacked = 1</script><img src=x onerror='window.hacked = 1'>"
"""A customer's name that would run in a browser if it were not escaped."""


@dataclass
class Stack:
    """The running parts. ``publish`` adds events and waits until they are applied."""

    settings: Settings
    pipeline: Pipeline
    url: str
    desk: Child | None = None
    later: int = 0
    errors: list[str] = field(default_factory=list)

    def publish(self, *events: TimedEvent) -> None:
        """Publish events, a minute after all that came before, and wait for the engine."""
        run(self._publish(list(events)))

    async def _publish(self, events: list[TimedEvent]) -> None:
        await publish(self.settings, events)
        await self.pipeline.drain()

    def now(self) -> datetime:
        """Event time for the next event: always later than the last."""
        self.later += 1
        return NOW + timedelta(minutes=self.later)

    def start_desk(self) -> None:
        """Start the desk and wait until it has read the book."""
        port = self.url.rpartition(":")[2]
        command = [sys.executable, "-m", "streams.cli", "desk", "--port", port]
        log = self.settings.data_dir / "desk.log"
        self.desk = start_child(command, log=log, env=self.settings.environment(), name="desk")
        wait_until(self._is_up, _START_SECONDS, lambda: self.desk.last_lines(30) if self.desk else "")

    def _is_up(self) -> bool:
        try:
            return httpx.get(f"{self.url}/health", timeout=5).status_code == 200
        except httpx.HTTPError:
            return False


def run(work: Coroutine[Any, Any, None]) -> None:
    """Run a coroutine from a test: in a thread, because Playwright has an event loop in ours."""
    with ThreadPoolExecutor(1) as thread:
        thread.submit(asyncio.run, work).result()


def wait_until(holds: Callable[[], bool], seconds: float, told: Callable[[], str] = str) -> None:
    """Wait for a condition of another process."""
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline, f"not in time\n{told()}"
        time.sleep(0.1)


def chromium() -> str | None:
    """The system's Chromium."""
    return next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)


@pytest.fixture(scope="session")
def stack(broker: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """Broker, gate, engine, archive and desk with a small book, and a user of each role."""
    where: Path = tmp_path_factory.mktemp("desk")
    policy = where / "policy.yaml"
    policy.write_text(ALONE + FOUR_EYES)
    settings = Settings(
        _env_file=None, broker=broker, topic_prefix="browser.", app_id="browser", data_dir=where / "data",
        clickhouse_dsn=f"chdb://{where / 'clickhouse'}", partitions=2, policy_file=policy, clock="events",
        web_port=free_port(), archive_port=free_port(), gate_max_idle_ms=200, secret_key=SecretStr("k" * 40),
        webhook_allow="127.0.0.1/32",
    )  # fmt: skip
    with Pipeline(settings) as pipeline:
        found = Stack(settings, pipeline, f"http://127.0.0.1:{free_port()}")
        asyncio.run(_prepare(found))
        found.start_desk()
        yield found
        if found.desk is not None:
            found.desk.kill()


async def _prepare(stack: Stack) -> None:
    named = START + timedelta(minutes=6)
    master = MasterDataChanged(
        version=1, customer_id="C001", event_id="C001-name", occurred_at=named, name=NASTY, owner="li.wei"
    )
    await publish(stack.settings, [*Book(CUSTOMERS, DAYS).events(), timed(ASSESSMENTS, named, master)])
    for role in ("engine", "gate", "archive"):
        stack.pipeline.start(role)
    await stack.pipeline.drain(_START_SECONDS)
    await stack.pipeline.archived(_START_SECONDS)
    async with Control(stack.settings) as control:
        for role in Role:
            await add_user(control, role.value, role, PASSWORD, now=datetime.now(UTC))


@pytest.fixture(scope="session")
def dispatcher(stack: Stack) -> Iterator[None]:
    """The dispatcher, which makes alerts of what the engine told, and sends webhooks; it tells nobody here."""
    settings = stack.settings.model_copy(update={"dispatch_port": free_port()})
    command = [sys.executable, "-m", "streams.cli", "dispatch"]
    child = start_child(command, log=settings.data_dir / "dispatch.log", env=settings.environment(), name="dispatch")
    yield
    child.kill()


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """A real Chromium; without one the tests are left out, except where they must run (CI)."""
    path = chromium()
    if path is None:
        if os.environ.get("CI"):
            pytest.fail("there is no Chromium: apt-get install chromium fonts-noto-cjk")
        pytest.skip("there is no Chromium: apt-get install chromium fonts-noto-cjk")
    with sync_playwright() as playwright:
        found = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        yield found
        found.close()


SignIn = Callable[..., Page]


@pytest.fixture
def sign_in(stack: Stack, browser: Browser) -> Iterator[SignIn]:
    """``sign_in(Role.ANALYST)``: a page of somebody with this role, in a browser of his own.

    What goes wrong in a page's scripts fails the test.
    """
    contexts: list[BrowserContext] = []
    errors: list[str] = []

    def go(role: Role = Role.READER, path: str = "/", **options: Any) -> Page:
        context = browser.new_context(viewport={"width": 1440, "height": 900}, locale="en-GB", **options)
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(20_000)
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.goto(f"{stack.url}{path}")
        page.fill("#name", role.value)
        page.fill("#password", PASSWORD)
        page.click("button[type=submit]")
        page.wait_for_selector("main#main")
        return page

    yield go
    for context in contexts:
        context.close()
    assert errors == []
