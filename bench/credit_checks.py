"""Credit checks over HTTP at a fixed rate, beside the least that FastAPI can answer, by turns."""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from statistics import median
from typing import Any

import aiohttp

from bench.figures import median_ratio, percentiles
from bench.parts import settings_for
from desk.api.keys import create_key
from desk.api.roles import Role
from schemas.errors import Unavailable
from streams.control import Control
from streams.embedded.broker import free_port
from streams.embedded.guard import Child, start_child
from streams.settings import Settings

REQUESTS_PER_SECOND = 200
_READY_SECONDS = 120.0
_WARM_SECONDS = 2.0

Request = Callable[[int], tuple[str, dict[str, str]]]
"""URL and body of the n-th request."""


def credit_checks(
    broker: str, data_dir: Path, customers: int, rounds: int, seconds: float, step: Callable[[str], None]
) -> dict[str, Any]:
    """``creditpulse api`` on the book that ``bench.memory`` left, one process; figures in ms."""
    settings = settings_for(broker, data_dir, "memory.", "memory")
    step("credit checks: the book is read")
    with ExitStack() as stack:
        api_port, bare_port = free_port(), free_port()
        command = [sys.executable, "-m", "streams.cli", "api", "--port", str(api_port), "--log-level", "WARNING"]
        api = stack.enter_context(_process(command, settings, "api"))
        stack.enter_context(_process([sys.executable, "-m", "bench.bare_api", str(bare_port)], settings, "bare-api"))
        return asyncio.run(_measure(settings, api, api_port, bare_port, customers, rounds, seconds, step))


async def _measure(
    settings: Settings,
    api: Child,
    api_port: int,
    bare_port: int,
    customers: int,
    rounds: int,
    seconds: float,
    step: Callable[[str], None],
) -> dict[str, Any]:
    async with Control(settings) as control:
        key, _ = await create_key(control, f"bench-{time.time_ns()}", Role.ORDER_ENTRY)
    url, bare = f"http://127.0.0.1:{api_port}", f"http://127.0.0.1:{bare_port}/"

    def customer(number: int) -> str:
        return f"M{number * 7919 % customers:07d}"  # all over the book, not one after the other

    def asked(number: int) -> dict[str, str]:
        return {"customer_id": customer(number), "amount": f"{number % 97 * 100 + 1}.00", "currency": "USD"}

    kinds: dict[str, Request] = {
        "bare": lambda number: (bare, asked(number)),
        "check": lambda number: (f"{url}/v1/credit-checks", asked(number)),
        "booked": lambda number: (f"{url}/v1/orders/{customer(number)}-live/check", {"customer_id": customer(number)}),
    }
    found: dict[str, list[list[float]]] = {name: [] for name in kinds}
    headers = {"Authorization": f"Bearer {key}"}
    async with aiohttp.ClientSession(headers=headers, connector=aiohttp.TCPConnector(limit=0)) as session:
        await _ready(session, f"{url}/health", api)
        for request in kinds.values():
            await _phase(session, request, _WARM_SECONDS)
        for number in range(rounds):
            step(f"credit checks: round {number + 1}")
            for name, request in kinds.items():
                found[name].append(await _phase(session, request, seconds))
    return _figures(found)


async def _phase(session: aiohttp.ClientSession, request: Request, seconds: float) -> list[float]:
    """Requests at the rate whether or not answers come (an open loop); ms from when each was due to its answer."""
    start = time.monotonic()

    async def ask(number: int, due: float) -> float:
        url, body = request(number)
        async with session.post(url, json=body) as answer:
            await answer.read()
            if answer.status != 200:
                raise Unavailable(f"{url} answered {answer.status}: {await answer.text()}")
        return (time.monotonic() - due) * 1000

    tasks = []
    for number in range(int(seconds * REQUESTS_PER_SECOND)):
        due = start + number / REQUESTS_PER_SECOND
        if (ahead := due - time.monotonic()) > 0:
            await asyncio.sleep(ahead)
        tasks.append(asyncio.create_task(ask(number, due)))
    return list(await asyncio.gather(*tasks))


async def _ready(session: aiohttp.ClientSession, url: str, api: Child) -> None:
    deadline = time.monotonic() + _READY_SECONDS
    while time.monotonic() < deadline and api.poll() is None:
        try:
            async with session.get(url) as answer:
                if answer.status == 200:
                    return
        except aiohttp.ClientError:
            pass
        await asyncio.sleep(0.2)
    raise Unavailable(f"the API was not ready in {_READY_SECONDS:.0f} s:\n{api.last_lines()}")


def _figures(found: dict[str, list[list[float]]]) -> dict[str, Any]:
    def of(phases: list[list[float]]) -> dict[str, float]:
        shares = {"p50": 0.5, "p99": 0.99, "max": 1.0}
        return {name: median(percentiles(phases, share)) for name, share in shares.items()}

    bare = found["bare"]
    return {
        "requests_per_s": REQUESTS_PER_SECOND,
        "requests": sum(map(len, found["check"])),
        "check_ms": of(found["check"]),
        "booked_ms": of(found["booked"]),
        "bare_ms": of(bare),
        "check_ratio_p99": median_ratio(percentiles(found["check"], 0.99), percentiles(bare, 0.99)),
        "booked_ratio_p99": median_ratio(percentiles(found["booked"], 0.99), percentiles(bare, 0.99)),
    }


@contextmanager
def _process(command: list[str], settings: Settings, name: str) -> Iterator[Child]:
    child = start_child(command, log=settings.data_dir / f"{name}.log", env=settings.environment(), name=name)
    try:
        yield child
    finally:
        child.kill()
