"""``python -m bench.desk_view [CUSTOMERS]``: how soon the desk shows a large book, in a real browser.

Accounts like those of a simulated book stand in the engine's changelog, its events and decisions in the archive, both
many times over; no worker runs. Prints one JSON object: seconds until the desk has read the book and worked out all
rows, then of the first views in Chromium (median of five, browser cache warm), of a search and a sort; until the
overview shows DSO and CEI, which the archive works out from all events, for the first to ask since its start and for
those after; and the memory of the processes of desk and archive.
"""

from __future__ import annotations

import asyncio
import json
import shutil
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from typing import Any

import httpx
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from playwright.sync_api import Page, sync_playwright

from bench.large_archive import fill_archive
from bench.parts import PARTITIONS, settings_for, write
from models.account import decode, encode
from models.partition import encode as encode_state
from streams.embedded.broker import EmbeddedBroker, free_port
from streams.embedded.guard import start_child
from streams.in_process import InProcess
from streams.partitioner import partition_of
from streams.policy_file import policy_text
from streams.settings import Settings
from streams.sources.simulate import Portfolio, simulate
from streams.sources.ticks import with_ticks
from streams.topic_admin import ensure_topics

_MODEL_CUSTOMERS, _MODEL_EVENTS = 400, 20_000
_ROUNDS = 5


def main(customers: int) -> None:
    """Measure, and print what was found."""
    with tempfile.TemporaryDirectory() as scratch:
        where = Path(scratch)
        with EmbeddedBroker.start(where / "broker", where / "logs") as broker:
            settings = settings_for(
                broker.url,
                where,
                "desk.",
                "desk",
                desk_port=free_port(),
                archive_port=free_port(),
                clickhouse_dsn=f"chdb://{where}/archive",
            )
            log_rows = asyncio.run(_prepare(settings, customers))
            archive = [sys.executable, "-m", "streams.cli", "archive"]
            command = [sys.executable, "-m", "streams.cli", "desk", "--demo"]
            env = settings.environment()
            started = time.monotonic()
            parts = [
                start_child(archive, log=where / "archive.log", env=env, name="archive"),
                start_child(command, log=where / "desk.log", env=env, name="desk"),
            ]
            try:
                url = f"http://127.0.0.1:{settings.desk_port}"
                found = _measure(url, customers, started)
                memory = {f"{part.name}_memory_mb": _memory(part.pid) for part in parts}
                print(json.dumps({"log_rows": log_rows, **found, **memory}, indent=1))
            finally:
                for part in parts:
                    part.kill()


async def _prepare(settings: Settings, customers: int) -> int:
    await ensure_topics(settings)
    run = InProcess(PARTITIONS, policy_text(None), latest=datetime(2100, 1, 1, tzinfo=UTC))
    events = islice(with_ticks(simulate(Portfolio(customers=_MODEL_CUSTOMERS, seed=7))), _MODEL_EVENTS)
    log_rows = await fill_archive(settings, run, events, customers)
    states = [encode(account) for accounts in run.accounts for account in accounts.by_id.values()]
    app = f"{settings.app_id}-engine"
    topics = {f"{app}-accounts-changelog", f"{app}-risk-models-changelog"}
    admin = AIOKafkaAdminClient(**settings.kafka_client_options())
    await admin.start()
    try:
        await admin.create_topics([NewTopic(topic, PARTITIONS, 1) for topic in topics])
    finally:
        await admin.close()
    await write(settings, f"{app}-accounts-changelog", _accounts(states, customers))
    await write(
        settings, f"{app}-risk-models-changelog",
        [(number, b"state", encode_state(engine.state), None) for number, engine in enumerate(run.engines)],
    )  # fmt: skip
    return log_rows


def _accounts(states: list[bytes], customers: int) -> Iterator[tuple[int, bytes, bytes, None]]:
    for number in range(customers):
        account = decode(states[number % len(states)])
        account.customer_id = f"M{number:07d}"
        key = account.customer_id.encode()
        yield partition_of(key, PARTITIONS), key, encode(account), None


def _measure(url: str, customers: int, started: float) -> dict[str, Any]:
    first = f"{url}/desk/rows/customers?from=0&to=1"
    with httpx.Client(timeout=60) as client:
        while True:
            try:
                answer = client.get(first)
                if answer.status_code == 200 and answer.json()["total"] >= customers:
                    break
            except httpx.HTTPError:
                pass
            time.sleep(0.2)
    ready = time.monotonic() - started
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": 1440, "height": 900})
        page.goto(url)  # fills the cache of the browser
        page.wait_for_timeout(3_000)
        figures = "[...document.querySelectorAll('.card')].some(c => /Collection effectiveness/.test(c.textContent))"
        collection = round(_opened(page, url, figures), 1)
        tile = f"document.querySelector('.tile-value')?.textContent.replace(/\\D/g, '') == '{customers}'"
        cell = "document.querySelector('.ag-row [col-id=score]')?.textContent.length > 0"
        found = {
            "customers": customers,
            "all_rows_after_s": round(ready, 1),
            "overview_s": _median(lambda: _opened(page, url, tile)),
            "customers_s": _median(lambda: _opened(page, f"{url}/customers", cell)),
            "search_s": _median(lambda: _typed(page)),
            "sort_s": _median(lambda: _sorted(page)),
            "collection_first_s": collection,
            "collection_s": _median(lambda: _opened(page, url, figures)),
        }
        browser.close()
    return found


def _median(measure: Callable[[], float]) -> float:
    return round(statistics.median(measure() for _ in range(_ROUNDS)), 2)


def _opened(page: Page, url: str, shown: str) -> float:
    started = time.monotonic()
    page.goto(url, wait_until="commit")
    page.wait_for_function(shown, polling=20, timeout=300_000)
    return time.monotonic() - started


def _typed(page: Page) -> float:
    wanted = f"M{time.monotonic_ns() % 90_000 + 1:07d}"
    started = time.monotonic()
    page.fill(".search input", wanted)
    page.wait_for_function(
        f"document.querySelector('.ag-row [col-id=customer_id]')?.textContent == '{wanted}'", polling=20, timeout=60_000
    )
    return time.monotonic() - started


def _sorted(page: Page) -> float:
    page.fill(".search input", "")
    page.wait_for_timeout(1_500)
    started = time.monotonic()
    with page.expect_response(lambda answer: "/desk/rows/customers" in answer.url):
        page.locator(".ag-header-cell[col-id=score]").click()
    return time.monotonic() - started


def _memory(pid: int) -> float:
    status = Path(f"/proc/{pid}/status").read_text()
    return round(int(status.partition("VmRSS:")[2].split()[0]) / 1024, 0)


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 100_000)
