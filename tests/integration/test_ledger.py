"""A whole ledger: imported, replayed at full speed through Kafka, and the same in process, decision for decision."""

from __future__ import annotations

import csv
import json
import os
import random
from collections import Counter
from datetime import date, timedelta
from pathlib import Path

import pytest

from streams.sources.ledger import ledger_events
from streams.sources.ticks import with_ticks
from streams.topic_admin import topic_states
from tests.integration.conftest import MakeSettings
from tests.integration.pipeline import Pipeline, decisions, in_process, publish

pytestmark = pytest.mark.embedded_only

REAL = os.environ.get("CREDITPULSE_LEDGER")


def made_up_ledger(path: Path, invoices: int = 1_500) -> Path:
    """A ledger of 60 customers, one in six of them late by habit."""
    dice = random.Random(11)
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(("invoice_id", "customer_id", "issue_date", "due_date", "paid_date", "amount", "currency"))
        for number in range(invoices):
            customer = dice.randrange(60)
            issued = date(2024, 1, 1) + timedelta(days=dice.randrange(300))
            due = issued + timedelta(days=30)
            late = dice.gauss(20, 12) if customer % 6 == 0 else dice.gauss(-1, 4)
            amount = f"{dice.lognormvariate(7, 1):.2f}"
            writer.writerow(
                (f"R{number}", f"K{customer}", issued, due, due + timedelta(days=round(late)), amount, "EUR")
            )
    return path


@pytest.mark.parametrize(
    "which",
    [
        "made-up",
        pytest.param("real", marks=pytest.mark.skipif(not REAL, reason="CREDITPULSE_LEDGER names no real ledger")),
    ],
)
async def test_replayed_ledger_equals_backtest(make_settings: MakeSettings, tmp_path: Path, which: str) -> None:
    """Counts and decisions of the replay are those of the backtest with as many partitions."""
    settings = make_settings(partitions=4, gate_max_idle_ms=500)
    ledger = Path(REAL) if which == "real" and REAL else made_up_ledger(tmp_path / "ledger.csv")
    events = list(with_ticks(ledger_events(ledger), trailing_days=30))
    expected, process = in_process(events, settings.partitions)
    # Published first: a gate that runs meanwhile takes a topic that brings nothing for half a second for idle.
    await publish(settings, events)
    with Pipeline(settings) as pipeline:
        pipeline.start("gate")
        pipeline.start("engine")
        await pipeline.drain(240.0)
    live = await decisions(settings)
    records = {state.topic.name: state.records for state in await topic_states(settings)}
    counts = Counter(event.topic for event in events)
    entries = len(events) - counts["ticks"] + counts["ticks"] * settings.partitions
    assert records["customer-events"] == entries
    assert records["dead-letters"] == len(process.refused) == 0
    assert live.keys() == expected.keys()
    assert live == expected
    print(json.dumps({"ledger": which, "events": len(events), "log_entries": entries, "decisions": len(live)}))
