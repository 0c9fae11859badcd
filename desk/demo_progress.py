"""How far the parts have come, as they say themselves: metrics and health pages of gate and engine."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Any

import aiohttp
from prometheus_client.parser import text_string_to_metric_families

from schemas.topics import CUSTOMER_TOPICS, PUBLIC_BROADCASTS

_ANSWER_SECONDS = 5.0
Numbers = dict[tuple[str, str], float]
"""Metric values by name and topic (empty text where a metric has no such label), summed over other labels."""


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


async def read_pulse(session: aiohttp.ClientSession, ports: tuple[int, int], partitions: int) -> Pulse | None:
    """Ask gate and engine (their web ports); None while one of them does not answer (it starts, or is busy)."""
    try:
        gate, engine = await asyncio.gather(*(_page(session, port) for port in ports))
    except (aiohttp.ClientError, TimeoutError, OSError):
        return None
    return pulse(parse_metrics(gate), parse_metrics(engine), partitions)


async def _page(session: aiohttp.ClientSession, port: int) -> str:
    timeout = aiohttp.ClientTimeout(total=_ANSWER_SECONDS)
    async with session.get(f"http://127.0.0.1:{port}/metrics", timeout=timeout) as response:
        response.raise_for_status()
        return await response.text()


async def is_ready(session: aiohttp.ClientSession, ports: tuple[int, int]) -> bool:
    """Whether gate and engine have their partitions and are not recovering."""
    try:
        for port in ports:
            health = await _json(session, f"http://127.0.0.1:{port}/health")
            if not health.get("ok") or health.get("recovering") or not health.get("lag"):
                return False
    except (aiohttp.ClientError, TimeoutError, OSError):
        return False
    return True


async def _json(session: aiohttp.ClientSession, url: str) -> dict[str, Any]:
    async with session.get(url, timeout=aiohttp.ClientTimeout(total=_ANSWER_SECONDS)) as response:
        found: dict[str, Any] = await response.json(content_type=None)
        return found
