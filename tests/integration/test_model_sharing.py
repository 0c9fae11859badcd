"""One model for the whole book on a real broker: what partitions tell each other stands in every log.

When a report reaches another partition depends on the broker, so two live runs differ; but each partition's decisions
follow from its own log, reports and all, bit for bit, also after a crash.
"""

from __future__ import annotations

import asyncio
import json

import pytest

from models.engine import CreditEngine, MemoryAccounts
from models.policy import default_policy_text
from schemas.log import ModelShared
from tests.integration.book import Book
from tests.integration.conftest import MakeSettings
from tests.integration.pipeline import Decisions, Pipeline, content, decisions, publish
from tests.integration.workers import log_entries

PARTITIONS = 3
pytestmark = pytest.mark.embedded_only  # it was run on Apache Kafka too; left out there for time


async def test_decisions_follow_from_the_log_with_reports_in_it(make_settings: MakeSettings) -> None:
    settings = make_settings(partitions=PARTITIONS, policy_file=None)
    events = Book(customers=24, days=200).events()
    await publish(settings, events)
    with Pipeline(settings) as pipeline:
        pipeline.start("gate")
        pipeline.start("engine")
        await asyncio.sleep(4)
        pipeline.kill("engine")
        pipeline.start("engine")
        await pipeline.drain(120)
    expected: Decisions = {}
    for number, entries in (await log_entries(settings)).items():
        accounts = MemoryAccounts()
        engine = CreditEngine(accounts, default_policy_text(), partition=number, partitions=PARTITIONS)
        for offset, entry in enumerate(entries):
            for out in engine.apply(offset, entry).out:
                expected[out.id] = content(json.loads(out.model_dump_json()))
        heard = {entry.event.partition for entry in entries if isinstance(entry.event, ModelShared)}
        assert heard == set(range(PARTITIONS))
        assert set(engine.state.shared) == heard - {number}
        assert engine.risk.book_rate != (engine.risk.late + 5) / (engine.risk.outcomes + 50), "what others know counts"
    assert await decisions(settings) == expected
