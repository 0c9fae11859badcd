"""``python -m bench.desks [PAGES]``: whether open desks slow the worker: the way to an alert, with and without them.

Gate, engine, archive and desk run; events come at a rate that leaves the machine some room. By turns no page is open,
and ``PAGES`` (20) are: sockets as a browser opens them, on the pages that a team keeps open; they take in what the desk
sends and do not draw it. Prints one JSON object: milliseconds from the publishing of an event to the alert that it
causes, and the ratio of the two, median over the rounds; updates that the pages got; processor time of the parts.
"""

from __future__ import annotations

import asyncio
import json
import re
import sys
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from statistics import median
from typing import Any
from urllib.parse import urlencode
from uuid import uuid4

import aiohttp
import socketio

from bench.figures import percentile
from bench.latency import ALERT_EVERY, Live, drained, live_phase, producer_of
from bench.parts import Worker, publish, settings_for
from bench.workload import punctual, punctual_history
from streams.embedded.broker import EmbeddedBroker, free_port
from streams.embedded.guard import start_child
from streams.settings import Settings

EVENTS_PER_SECOND = 50
_ROUNDS, _SECONDS, _WARM_SECONDS = 3, 15.0, 5.0
_READY_SECONDS = 120.0
_QUERY = re.compile(r"query: (\{.*?\}),\n")


def main(pages: int) -> None:
    """Measure, and print what was found."""
    with tempfile.TemporaryDirectory() as scratch:
        where = Path(scratch)
        with EmbeddedBroker.start(where / "broker", where / "logs") as broker:
            settings = settings_for(
                broker.url, where, "desks.", "desks", desk_port=free_port(), archive_port=free_port(),
                clickhouse_dsn=f"chdb://{where}/archive",
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
            for arguments in (["archive"], ["desk", "--demo"])
        ]
        try:
            return await _by_turns(settings, pages)
        finally:
            for part in parts:
                part.kill()


async def _by_turns(settings: Settings, pages: int) -> dict[str, Any]:
    url = f"http://127.0.0.1:{settings.desk_port}"
    alone: list[list[float]] = []
    beside: list[list[float]] = []
    updates = 0
    await drained(settings)
    live = Live()
    jar = aiohttp.CookieJar(unsafe=True)
    async with aiohttp.ClientSession(cookie_jar=jar) as http, producer_of(settings) as sender:
        await _ready(http, f"{url}/health")
        await live_phase(settings, sender, live, _WARM_SECONDS, EVENTS_PER_SECOND)
        for _ in range(_ROUNDS):
            alone.append((await live_phase(settings, sender, live, _SECONDS, EVENTS_PER_SECOND)).ms())
            async with _open(http, url, pages) as got:
                beside.append((await live_phase(settings, sender, live, _SECONDS, EVENTS_PER_SECOND)).ms())
                updates += sum(got)

    def middle(phases: list[list[float]], share: float) -> float:
        return round(median(percentile(phase, share) for phase in phases), 1)

    def ratio(share: float) -> float:
        pairs = zip(beside, alone, strict=True)
        return round(median(percentile(b, share) / percentile(a, share) for b, a in pairs), 2)

    return {
        "pages": pages,
        "events_per_s": EVENTS_PER_SECOND,
        "alerts": sum(map(len, alone)) + sum(map(len, beside)),
        "updates_per_page_and_s": round(updates / pages / _ROUNDS / _SECONDS, 2),
        "alone_ms": {"p50": middle(alone, 0.5), "p99": middle(alone, 0.99)},
        "with_pages_ms": {"p50": middle(beside, 0.5), "p99": middle(beside, 0.99)},
        "ratio_p50": ratio(0.5),
        "ratio_p99": ratio(0.99),
    }


@asynccontextmanager
async def _open(http: aiohttp.ClientSession, url: str, pages: int) -> AsyncIterator[list[int]]:
    """Open pages; how many messages each has got so far."""
    paths = ["/", "/customers", "/holds", "/alerts", f"/customers/{punctual(0)}"]
    got = [0] * pages
    clients = []
    try:
        for number in range(pages):
            page = await _page(http, url, paths[number % len(paths)], got, number)
            clients.append(page)
        await asyncio.sleep(2)  # what a page shows at first is not what is measured
        got[:] = [0] * pages
        yield got
    finally:
        for client in clients:
            await client.disconnect()


async def _page(http: aiohttp.ClientSession, url: str, path: str, got: list[int], number: int) -> socketio.AsyncClient:
    async with http.get(f"{url}{path}") as answer:
        found = _QUERY.search(await answer.text())
    assert found is not None, f"{path} is no page of the desk"
    query = json.loads(found[1]) | {"document_id": str(uuid4()), "tab_id": str(uuid4()), "old_tab_id": "null"}
    client = socketio.AsyncClient(http_session=http)

    def heard(*_: object) -> None:
        got[number] += 1

    client.on("*", heard)
    await client.connect(f"{url}/?{urlencode(query)}", socketio_path="/_nicegui_ws/socket.io", transports=["websocket"])
    return client


async def _ready(http: aiohttp.ClientSession, url: str) -> None:
    async with asyncio.timeout(_READY_SECONDS):
        while True:
            try:
                async with http.get(url) as answer:
                    if answer.status == 200:
                        return
            except aiohttp.ClientError:
                pass
            await asyncio.sleep(0.2)


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 20)
