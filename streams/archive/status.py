"""What the archive tells about itself: its phase for /health, its counts for /metrics and for ``--once``."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

_FLUSH_BUCKETS = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0)


class Phase(StrEnum):
    """Where the process stands; only RUNNING is healthy."""

    STARTING = "starting"
    WAITING_FOR_CLICKHOUSE = "waiting_for_clickhouse"
    WAITING_FOR_BROKER = "waiting_for_broker"
    WAITING_FOR_TOPICS = "waiting_for_topics"
    RUNNING = "running"
    STOPPING = "stopping"


class Status:
    """One object per process; the intake writes it, the API reads it."""

    def __init__(self) -> None:
        self.phase, self.message = Phase.STARTING, ""
        self.since = datetime.now(UTC)
        self.lag: dict[str, int] = {}
        registry = self.registry = CollectorRegistry()
        self.rows = Counter(
            "creditpulse_archive_rows_written", "Rows that ClickHouse has taken.", ["table"], registry=registry
        )
        self.rejects = Counter(
            "creditpulse_archive_rejects", "Records kept raw in archive_rejects.", registry=registry
        )
        self.retries = Counter(
            "creditpulse_archive_retries", "Times ClickHouse was tried again after it was away.", registry=registry
        )
        self.lag_records = Gauge(
            "creditpulse_archive_lag_records", "Records not yet archived.", ["topic"], registry=registry
        )
        self.waiting_rows = Gauge("creditpulse_archive_waiting_rows", "Rows not yet written.", registry=registry)
        self.healthy = Gauge("creditpulse_archive_up", "1 while it runs, 0 while it waits.", registry=registry)
        self.flush = Histogram(
            "creditpulse_archive_flush_seconds", "Writing one batch.", buckets=_FLUSH_BUCKETS, registry=registry
        )
        self._rows: dict[str, int] = {}
        self._rejected = 0
        self._retries = 0

    def enter(self, phase: Phase, message: str = "") -> None:
        """The process is in this phase; ``message`` says what it waits for, in words for an operator."""
        if phase != self.phase:
            self.since = datetime.now(UTC)
        self.phase, self.message = phase, message
        self.healthy.set(phase is Phase.RUNNING)

    def count(self, written: Mapping[str, int], rejected: int) -> None:
        """Take over the sink's totals since its start."""
        for table, total in written.items():
            self.rows.labels(table).inc(total - self._rows.get(table, 0))
            self._rows[table] = total
        self.rejects.inc(rejected - self._rejected)
        self._rejected = rejected

    def retried(self) -> None:
        """ClickHouse was tried again."""
        self._retries += 1
        self.retries.inc()

    def set_lag(self, lag: Mapping[str, int]) -> None:
        """Records not yet archived, per topic."""
        self.lag = dict(lag)
        for topic, records in lag.items():
            self.lag_records.labels(topic).set(records)

    def summary(self) -> dict[str, Any]:
        """Totals since the start."""
        return {
            "rows_written": sum(self._rows.values()),
            "rows": dict(sorted(self._rows.items())),
            "rejected": self._rejected,
            "retries": self._retries,
            "lag": sum(self.lag.values()),
        }
