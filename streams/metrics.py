"""Prometheus metrics of a worker, in a registry of its own; served on the Faust web server."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

_LATENCY_BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 60.0)


class Metrics:
    """One object per process; labels are bounded (topics, codes, kinds, levels, partitions)."""

    def __init__(self) -> None:
        registry = self.registry = CollectorRegistry()
        self.events_in = Counter(
            "creditpulse_events_in", "Records that the gate has put into the log or refused.", ["topic"],
            registry=registry,
        )  # fmt: skip
        self.dead_letters = Counter(
            "creditpulse_dead_letters", "Records refused, by reason.", ["topic", "code"], registry=registry
        )
        self.events_applied = Counter(
            "creditpulse_events_applied",
            "Log entries that the engine has applied, by the topic they came from (ticks: once per partition).",
            ["topic"],
            registry=registry,
        )
        self.duplicates = Counter(
            "creditpulse_duplicates", "Log entries skipped because they were known.", registry=registry
        )
        self.decisions = Counter(
            "creditpulse_decisions", "Out-events, by type and kind.", ["type", "kind"], registry=registry
        )
        self.latency = Histogram(
            "creditpulse_decision_latency_seconds",
            "From the gate's reading of an event to the broker's acknowledgement of all that it caused.",
            buckets=_LATENCY_BUCKETS,
            registry=registry,
        )
        self.customers = Gauge(
            "creditpulse_customers", "Customers by level.", ["partition", "level"], registry=registry
        )
        self.lag = Gauge(
            "creditpulse_lag_records", "Records not yet committed.", ["topic", "partition"], registry=registry
        )
        self.log_loss = Gauge(
            "creditpulse_model_log_loss", "Mean log-loss over matured outcomes.", ["partition", "model"],
            registry=registry,
        )  # fmt: skip
        self.brier = Gauge(
            "creditpulse_model_brier", "Mean Brier score over matured outcomes.", ["partition", "model"],
            registry=registry,
        )  # fmt: skip
        self.outcomes = Gauge(
            "creditpulse_model_outcomes", "Matured outcomes, all and bad.", ["partition", "outcome"],
            registry=registry,
        )  # fmt: skip
