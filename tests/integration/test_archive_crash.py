"""Gate, engine and archive killed at random moments: nothing is missing in ClickHouse, nothing twice in its views."""

from __future__ import annotations

import asyncio
import json
import random
from typing import Any

import pytest

from schemas.topics import ALERTS, LEVELS, MODEL_LOG, ORDER_DECISIONS
from streams.archive.reader import Reader
from streams.settings import Settings
from tests.integration.book import Book
from tests.integration.conftest import MakeSettings
from tests.integration.pipeline import Pipeline, content, decisions, in_process, publish

VIEWS = {LEVELS: "level_history", ALERTS: "alerts", ORDER_DECISIONS: "order_decisions", MODEL_LOG: "model_log"}
TYPES = {
    LEVELS: "credit-level-changed",
    ALERTS: "credit-alert",
    ORDER_DECISIONS: "order-decision",
    MODEL_LOG: "model-note",
}
PAGE = 10_000


async def _whole(reader: Reader, view: str) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = []
    while len(page := await reader.view(view, limit=PAGE, offset=len(rows))) == PAGE:
        rows += page
    return rows + page


async def _check(settings: Settings, expected: dict[str, dict[str, Any]], event_ids: set[str]) -> None:
    async with Reader(settings) as reader:
        for topic, view in VIEWS.items():
            wanted = sorted(id_ for id_, out in expected.items() if TYPES[topic] in out["type"])
            assert sorted(row["id"] for row in await _whole(reader, view)) == wanted, view
        events = [row["event_id"] for row in await _whole(reader, "events")]
        assert sorted(events) == sorted(event_ids)
        levels = {row["customer_id"]: row["level"] for row in await _whole(reader, "current_levels")}
    last = {out["subject"]: out for out in expected.values() if TYPES[LEVELS] in out["type"]}
    for out in expected.values():
        if TYPES[LEVELS] in out["type"] and out["sequence"] > last[out["subject"]]["sequence"]:
            last[out["subject"]] = out
    assert levels == {customer: out["data"]["level"] for customer, out in last.items()}


@pytest.mark.parametrize("kills", [0, 4])
async def test_archive_holds_everything_once(make_settings: MakeSettings, kills: int) -> None:
    """Each event and each decision stands in the archive's views exactly once, also after kill -9 of every part."""
    settings = make_settings(max_poll_records=200)
    events = Book(customers=40, days=200, seed=4).events()
    expected, _ = in_process(events, settings.partitions)
    moments = random.Random(5)
    with Pipeline(settings) as pipeline:
        for role in ("gate", "engine", "archive"):
            pipeline.start(role)
        publishing = asyncio.create_task(publish(settings, events))
        for role in ["archive", "gate", "engine"] * kills:
            await asyncio.sleep(moments.uniform(0.2, 1.5))
            pipeline.kill(role)
            pipeline.start(role)
        await publishing
        await pipeline.drain()
        assert {id_: content(out) for id_, out in (await decisions(settings)).items()} == expected
        await pipeline.archived()
        await _check(settings, expected, {json.loads(event.raw)["event_id"] for event in events if event.key})
