"""What the archive tells about itself: whether it runs, what it waits for, and its counts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, Literal

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

Part = Literal["clickhouse", "broker", "topics", "audit"]
State = Literal["starting", "waiting", "ok", "stopping"]

SERVICE: Final = "creditpulse-archive"
_FLUSH_BUCKETS = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0)


class Status:
    """One object per process; the intake writes it, the API reads it."""

    def __init__(self) -> None:
        self.ready = False
        """The tables and views are there: reads can be answered."""
        self.consuming = False
        self.stopping = False
        self.problems: dict[Part, str] = {}
        """What we wait for, in words for an operator."""
        self.lag: dict[str, int] = {}
        self.sealed = 0
        """Entries of the audit trail sealed since the start."""
        self.unsealed = 0
        """Records of the topic audit that are not sealed yet, as far as the broker has told."""
        self._rows: dict[str, int] = {}
        self._rejected = self._retries = 0
        self._make_metrics()

    def _make_metrics(self) -> None:
        registry = self.registry = CollectorRegistry()
        self._rows_written = Counter(
            "creditpulse_archive_rows_written", "Rows that ClickHouse has taken.", ["table"], registry=registry
        )
        self._rejects = Counter(
            "creditpulse_archive_rejects", "Records kept raw in archive_rejects.", registry=registry
        )
        self._retried = Counter(
            "creditpulse_archive_retries", "Failed writes that were, or will be, tried again.", registry=registry
        )
        self._lag = Gauge("creditpulse_archive_lag_records", "Records not yet archived.", ["topic"], registry=registry)
        sealed = Gauge("creditpulse_archive_audit_sealed", "Audit entries sealed since the start.", registry=registry)
        sealed.set_function(lambda: float(self.sealed))
        unsealed = Gauge("creditpulse_archive_audit_lag_records", "Audit records not yet sealed.", registry=registry)
        unsealed.set_function(lambda: float(self.unsealed))
        self._up = Gauge("creditpulse_archive_up", "1 while it archives, 0 while it waits.", registry=registry)
        self._up.set_function(lambda: float(self.state == "ok"))
        self.flush_seconds = Histogram(
            "creditpulse_archive_flush_seconds", "Writing one batch.", buckets=_FLUSH_BUCKETS, registry=registry
        )

    @property
    def state(self) -> State:
        """``ok`` means: consuming, and nothing is away."""
        if self.stopping:
            return "stopping"
        if self.problems:
            return "waiting"
        return "ok" if self.consuming else "starting"

    def problem(self, part: Part, message: str) -> bool:
        """We wait for this part; whether that is news."""
        new = part not in self.problems
        self.problems[part] = message
        return new

    def solved(self, part: Part) -> bool:
        """The part is there; whether we had waited for it."""
        return self.problems.pop(part, None) is not None

    def count(self, written: Mapping[str, int], rejected: int) -> None:
        """Take over the sink's totals since its start."""
        for table, total in written.items():
            self._rows_written.labels(table).inc(total - self._rows.get(table, 0))
            self._rows[table] = total
        self._rejects.inc(rejected - self._rejected)
        self._rejected = rejected

    def retried(self) -> None:
        """A write failed and waits for its next try."""
        self._retries += 1
        self._retried.inc()

    def set_lag(self, lag: Mapping[str, int]) -> None:
        """Records not yet archived, per topic (logical name)."""
        self.lag = dict(lag)
        for topic, records in lag.items():
            self._lag.labels(topic).set(records)

    def summary(self) -> dict[str, Any]:
        """Totals since the start; ``rows`` counts per table what ClickHouse took, repeats included."""
        return {
            "rows_written": sum(self._rows.values()),
            "rows": dict(sorted(self._rows.items())),
            "rejected": self._rejected,
            "retries": self._retries,
            "lag": sum(self.lag.values()),
        }
