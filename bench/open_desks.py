"""``python -m bench.open_desks [PAGES]``: the way to an alert, with open desks and without.

Gate, engine, archive, dispatcher and desk run; events come at a rate that leaves the machine some room. By turns no
page is open, and ``PAGES`` (20) are: sockets as a browser opens them, on the pages that a team keeps open; they take in
what the desk sends and do not draw it, which browsers do on other machines. Prints one JSON object: milliseconds from
the publishing of an event to the alert that it causes, and the ratio of the two (median over the rounds); what each
page was sent, in messages a second; the share of a core that the desk took.
"""

from __future__ import annotations

import ast
import asyncio
import json
import re
import sys
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from statistics import median
from typing import Any
from urllib.parse import urlencode
from uuid import uuid4

import aiohttp
import httpx
import socketio

from bench.figures import median_ratio, percentiles
from bench.latency import ALERT_EVERY, Live, bystander, drained, live_phase, producer_of
from bench.parts import Worker, cpu_seconds, settings_for
from bench.workload import punctual_history
from streams.embedded.broker import EmbeddedBroker, free_port
from streams.embedded.guard import start_child
from streams.publisher import publish
from streams.settings import Settings

EVENTS_PER_SECOND = 50
_PATHS = ("/", "/customers", "/holds", "/alerts", f"/customers/{bystander(1)}")
_ROUNDS, _SECONDS, _WARM_SECONDS, _FIRST_VIEW_SECONDS = 3, 15.0, 5.0, 5.0
_READY_SECONDS = 120.0
_QUERY = re.compile(r"query: (\{.*?\}),\n")


def main(pages: int) -> None:
    """Measure, and print what was found."""
    with tempfile.TemporaryDirectory() as scratch:
        where = Path(scratch)
        with EmbeddedBroker.start(where / "broker", where / "logs") as broker:
            settings = settings_for(
                broker.url, where, "desks.", "desks", desk_port=free_port(), archive_port=free_port(),
                dispatch_port=free_port(), clickhouse_dsn=f"chdb://{where}/archive",
            )  # fmt: skip
            print(json.dumps(asyncio.run(_measure(settings, where, pages)), indent=1))


async def _measure(settings: Settings, where: Path, pages: int) -> dict[str, Any]:
    seconds = _WARM_SECONDS + 2 * _ROUNDS * _SECONDS
    reserve = int(EVENTS_PER_SECOND / ALERT_EVERY * seconds) + 10
    await publish(settings, punctual_history(reserve, datetime.now(UTC)))
    command = [sys.executable, "-m", "streams.cli"]
    env = settings.environment()
    with Worker(settings, "gate"), Worker(settings, "engine"):
        parts = [
            start_child([*command, *arguments], log=where / f"{arguments[0]}.log", env=env, name=arguments[0])
            for arguments in (["archive"], ["dispatch"], ["desk", "--demo"])
        ]
        try:
            return await _by_turns(settings, pages, parts[-1].pid)
        finally:
            for part in parts:
                part.kill()


async def _by_turns(settings: Settings, pages: int, desk: int) -> dict[str, Any]:
    url = f"http://127.0.0.1:{settings.desk_port}"
    live = Live()
    alone: list[list[float]] = []
    beside: list[list[float]] = []
    shares: dict[str, list[float]] = {"alone": [], "with_pages": []}
    messages: dict[str, list[int]] = {path: [] for path in _PATHS[:pages]}
    await drained(settings)
    await _ready(f"{url}/health")

    async def phase(found: list[list[float]], share: list[float]) -> None:
        started, used = time.monotonic(), cpu_seconds(desk)
        found.append((await live_phase(settings, sender, live, _SECONDS, EVENTS_PER_SECOND)).ms())
        share.append((cpu_seconds(desk) - used) / (time.monotonic() - started))

    async with producer_of(settings) as sender:
        await live_phase(settings, sender, live, _WARM_SECONDS, EVENTS_PER_SECOND)
        for _ in range(_ROUNDS):
            await phase(alone, shares["alone"])
            async with _open(url, pages) as got:
                await phase(beside, shares["with_pages"])
                for number, count in enumerate(got):
                    messages[_PATHS[number % len(_PATHS)]].append(count)

    def middle(phases: list[list[float]], share: float) -> float:
        return round(median(percentiles(phases, share)), 1)

    def ratio(share: float) -> float:
        return round(median_ratio(percentiles(beside, share), percentiles(alone, share)), 2)

    return {
        "pages": pages,
        "events_per_s": EVENTS_PER_SECOND,
        "alerts": sum(map(len, alone)) + sum(map(len, beside)),
        "alone_ms": {"p50": middle(alone, 0.5), "p99": middle(alone, 0.99)},
        "with_pages_ms": {"p50": middle(beside, 0.5), "p99": middle(beside, 0.99)},
        "ratio_p50": ratio(0.5),
        "ratio_p99": ratio(0.99),
        "messages_per_page_and_s": {path: round(median(counts) / _SECONDS, 2) for path, counts in messages.items()},
        "fewest_messages_per_page": min(min(counts) for counts in messages.values()),
        "cores_of_the_desk": {name: round(median(found), 2) for name, found in shares.items()},
    }


@asynccontextmanager
async def _open(url: str, pages: int) -> AsyncIterator[list[int]]:
    """Pages, once what they show at first is there; how many messages each has got since."""
    got = [0] * pages
    async with aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True)) as http, AsyncExitStack() as opened:
        for number in range(pages):
            client = await _page(http, url, _PATHS[number % len(_PATHS)], got, number)
            opened.push_async_callback(client.disconnect)
        await asyncio.sleep(_FIRST_VIEW_SECONDS)
        got[:] = [0] * pages
        yield got


async def _page(http: aiohttp.ClientSession, url: str, path: str, got: list[int], number: int) -> socketio.AsyncClient:
    """Fetch the page and connect as its script does."""
    async with http.get(f"{url}{path}") as answer:
        found = _QUERY.search(await answer.text())
    assert found is not None, f"{path} is no page of the desk"
    query = {
        **ast.literal_eval(found[1]),
        "implicit_handshake": "true", "document_id": str(uuid4()), "tab_id": str(uuid4()), "old_tab_id": "null",
    }  # fmt: skip
    client = socketio.AsyncClient(http_session=http)

    def heard(*_: object) -> None:
        got[number] += 1

    client.on("*", heard)
    await client.connect(f"{url}/?{urlencode(query)}", socketio_path="/_nicegui_ws/socket.io", transports=["websocket"])
    return client


async def _ready(url: str) -> None:
    async with asyncio.timeout(_READY_SECONDS), httpx.AsyncClient() as client:
        while True:
            try:
                if (await client.get(url)).status_code == 200:
                    return
            except httpx.HTTPError:
                pass
            await asyncio.sleep(0.2)


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 20)
