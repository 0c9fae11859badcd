"""What others read from report.json is there, under its names."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from models.policy import default_policy_text
from streams.backtesting.run import report, run_backtest
from streams.backtesting.warning_figures import INTERVALS
from streams.in_process import InProcess
from streams.sources.ledger import LedgerFormat
from streams.sources.past import past_events
from streams.sources.ticks import with_ticks
from tests.unit.streams.backtesting.test_money import ledger


def test_the_report_carries_the_figures_of_the_bar(tmp_path: Path) -> None:
    """Both tasks with model and naive rate and their intervals, early warning with its intervals, time per event."""
    events = past_events(ledger(tmp_path / "ledger.csv"), LedgerFormat())
    process = InProcess(1, default_policy_text(), latest=datetime(2026, 1, 1, tzinfo=UTC))
    found = report(run_backtest(process, with_ticks(iter(events), 30), None), process)
    for task in ("A", "B"):
        for who in ("model", "naive"):
            assert {"auc", "gini", "log_loss"} <= found["prediction"][task][who].keys()
            assert {"auc", "log_loss"} <= found["prediction"][task]["intervals"][who].keys()
    assert {*INTERVALS, "events", "intervals"} <= found["early_warning"].keys()
    assert set(found["early_warning"]["intervals"]) == set(INTERVALS)
    assert found["us_per_event"] > 0
