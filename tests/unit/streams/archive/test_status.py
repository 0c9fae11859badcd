"""What the archive tells about itself."""

from __future__ import annotations

from prometheus_client import generate_latest

from streams.archive.status import Status


def test_states() -> None:
    """Starting, ok, waiting while anything is away, ok again, stopping."""
    status = Status()
    assert status.state == "starting"
    status.consuming = True
    assert status.state == "ok"
    assert status.problem("clickhouse", "away")
    assert not status.problem("clickhouse", "still away")
    status.problem("broker", "away too")
    assert status.state == "waiting"
    assert status.solved("clickhouse")
    assert status.state == "waiting"
    status.solved("broker")
    assert status.state == "ok"
    assert not status.solved("broker")
    status.stopping = True
    assert status.state == "stopping"


def test_counts_and_metrics() -> None:
    """Totals of the sink become counters that only grow; the lag is per topic."""
    status = Status()
    status.count({"raw_log": 3}, rejected=1)
    status.count({"raw_log": 5, "raw_levels": 2}, rejected=1)
    status.retried()
    status.set_lag({"customer-events": 4, "credit-levels": 1})
    assert status.summary() == {
        "rows_written": 7, "rows": {"raw_levels": 2, "raw_log": 5}, "rejected": 1, "retries": 1, "lag": 5,
    }  # fmt: skip
    status.sealed, status.unsealed = 7, 2
    text = generate_latest(status.registry).decode()
    for line in (
        'creditpulse_archive_rows_written_total{table="raw_log"} 5.0',
        "creditpulse_archive_rejects_total 1.0",
        "creditpulse_archive_retries_total 1.0",
        'creditpulse_archive_lag_records{topic="customer-events"} 4.0',
        "creditpulse_archive_audit_sealed 7.0",
        "creditpulse_archive_audit_lag_records 2.0",
        "creditpulse_archive_up 0.0",
    ):
        assert line in text
