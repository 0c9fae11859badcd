"""The figures of the demo come from the metrics that gate and engine really serve."""

from __future__ import annotations

from prometheus_client import generate_latest

from desk.demo_progress import Pulse, parse_metrics, pulse
from streams.metrics import Metrics


def _page(metrics: Metrics) -> str:
    return generate_latest(metrics.registry).decode()


def test_the_pulse_reads_the_workers_own_metrics() -> None:
    """Customers' events count once, market events once although each partition applies them, our own not as events."""
    gate, engine = Metrics(), Metrics()
    gate.dead_letters.labels("payments", "not_json").inc(2)
    gate.dead_letters.labels("orders", "wrong_key").inc()
    gate.lag.labels("payments", 0).set(5)
    for topic, count in (("payments", 100), ("orders", 40), ("market", 6), ("ticks", 60), ("partition-reports", 8)):
        engine.events_applied.labels(topic).inc(count)
    engine.duplicates.inc(7)
    engine.lag.labels("customer-events", 1).set(11)
    found = pulse(parse_metrics(_page(gate)), parse_metrics(_page(engine)), partitions=2)
    assert found == Pulse(events=143, entries=214, duplicates=7, refused=3, lag=16)


def test_workers_that_have_done_nothing_read_as_zero() -> None:
    """Fresh processes serve no samples of labelled metrics yet."""
    page = _page(Metrics())
    assert pulse(parse_metrics(page), parse_metrics(page), partitions=2) == Pulse()
