"""How far the parts have come, as they say themselves: metrics and health pages of gate and engine."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from dataclasses import dataclass

import aiohttp
import msgspec
from prometheus_client.parser import text_string_to_metric_families

from schemas.errors import CreditPulseError, Unavailable
from schemas.topics import CUSTOMER_TOPICS, PUBLIC_BROADCASTS

STRANGER_SECONDS = 15.0
"""So long another program may answer on a part's port: it may go, and the part then begins to listen."""
_ANSWER_SECONDS = 5.0
_POLL_SECONDS = 0.1
Ports = Mapping[str, int]
"""Web ports of gate and engine, in this order, by the part's name."""
Numbers = dict[tuple[str, str], float]
"""Metric values by name and topic (empty text where a metric has no such label), summed over other labels."""


class Stranger(CreditPulseError):
    """What answers on a part's port is not that part."""

    def __init__(self, name: str, port: int) -> None:
        super().__init__(f"another program answers on port {port} of 127.0.0.1, where the {name} should: start again")


class _Health(msgspec.Struct):
    """What we need of the health page of gate and engine."""

    ok: bool
    recovering: bool
    lag: dict[str, int]


def parse_metrics(exposition: str) -> Numbers:
    """The samples of a Prometheus page, without timestamps of creation."""
    found: Numbers = {}
    for family in text_string_to_metric_families(exposition):
        for sample in family.samples:
            key = sample.name, sample.labels.get("topic", "")
            found[key] = found.get(key, 0.0) + sample.value
    return found


@dataclass(frozen=True, slots=True)
class Pulse:
    """What gate and engine say of themselves.

    ``entries`` counts applied log entries: ticks, market and policy events once per partition. ``events`` counts
    applied events, ticks left out, each once.
    """

    events: int = 0
    entries: int = 0
    duplicates: int = 0
    refused: int = 0
    lag: int = 0


def pulse(gate: Numbers, engine: Numbers, partitions: int) -> Pulse:
    """The figures of both processes put together."""
    applied = {topic: value for (name, topic), value in engine.items() if name == "creditpulse_events_applied_total"}
    refused = sum(value for (name, _), value in gate.items() if name == "creditpulse_dead_letters_total")
    lag = sum(
        value for numbers in (gate, engine) for (name, _), value in numbers.items() if name == "creditpulse_lag_records"
    )
    return Pulse(
        events=int(
            sum(applied.get(topic, 0) for topic in CUSTOMER_TOPICS)
            + sum(applied.get(topic, 0) for topic in PUBLIC_BROADCASTS) / partitions
        ),
        entries=int(sum(applied.values())),
        duplicates=int(engine.get(("creditpulse_duplicates_total", ""), 0)),
        refused=int(refused),
        lag=int(lag),
    )


async def read_pulse(session: aiohttp.ClientSession, ports: Ports, partitions: int) -> Pulse | None:
    """Ask gate and engine (their web ports); None while one of them does not answer (it starts, or is busy)."""
    try:
        gate, engine = await asyncio.gather(*(_numbers(session, name, port) for name, port in ports.items()))
    except (aiohttp.ClientError, OSError, Stranger):
        return None
    return pulse(gate, engine, partitions)


async def is_ready(session: aiohttp.ClientSession, ports: Ports) -> bool:
    """Whether gate and engine have their partitions and are not recovering; raises Stranger."""
    for name, port in ports.items():
        try:
            health = await _health(session, name, port)
        except (aiohttp.ClientError, OSError):
            return False
        if not health.ok or health.recovering or not health.lag:
            return False
    return True


async def until_ready(session: aiohttp.ClientSession, ports: Ports, patience: float = STRANGER_SECONDS) -> None:
    """Wait until gate and engine are ready, as long as that takes.

    Raises:
        Unavailable: for ``patience`` seconds another program has answered on the port of one of them.
    """
    since: float | None = None
    while True:
        try:
            if await is_ready(session, ports):
                return
            since = None
        except Stranger as error:
            since = since or time.monotonic()
            if time.monotonic() - since >= patience:
                raise Unavailable(str(error)) from error
        await asyncio.sleep(_POLL_SECONDS)


async def _numbers(session: aiohttp.ClientSession, name: str, port: int) -> Numbers:
    try:
        found = parse_metrics((await _page(session, port, "metrics")).decode())
    except (ValueError, aiohttp.ClientResponseError) as error:
        raise Stranger(name, port) from error
    if not any(metric.startswith("creditpulse_") for metric, _ in found):
        raise Stranger(name, port)
    return found


async def _health(session: aiohttp.ClientSession, name: str, port: int) -> _Health:
    try:
        return msgspec.json.decode(await _page(session, port, "health"), type=_Health)
    except (msgspec.DecodeError, UnicodeDecodeError, aiohttp.ClientResponseError) as error:
        raise Stranger(name, port) from error


async def _page(session: aiohttp.ClientSession, port: int, page: str) -> bytes:
    timeout = aiohttp.ClientTimeout(total=_ANSWER_SECONDS)
    async with session.get(f"http://127.0.0.1:{port}/{page}", timeout=timeout, allow_redirects=False) as response:
        return await response.read()
