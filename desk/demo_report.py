"""What a demo run amounted to: the JSON object and the closing lines."""

from __future__ import annotations

from typing import Any

from desk.demo_parts import DemoParts
from desk.demo_run import DemoRun


def report(run: DemoRun, parts: DemoParts, *, finished: bool) -> dict[str, Any]:
    """The run as plain data.

    events_in: records published to the public topics. events_applied: customers' events that the engine has
    applied (its metric); log_entries adds ticks and other broadcasts, which each partition applies. decisions:
    all out-events (level changes, alerts, order decisions), seen on the out topics, each id once.
    events_per_s: events_in over the time from the first publication to the last commit of the engine; None when
    not finished. latency_ms: from the moment an event is handed to the producer until the alert it caused is
    read from credit-alerts (so it contains the wait in the backlog when everything is published at once);
    latency_after_gate_ms: the same from the gate's writing of the event to the log (`recordedtime`).
    """
    board, pulse, seconds = run.board, run.pulse, run.applied_seconds
    return {
        "finished": finished,
        "events_in": run.published,
        "events_applied": pulse.events,
        "log_entries": pulse.entries,
        "duplicates": pulse.duplicates,
        "decisions": board.total_decisions,
        "decisions_by_topic": dict(sorted(board.decisions.items())),
        "alerts": sum(board.alert_kinds.values()),
        "alerts_by_kind": dict(sorted(board.alert_kinds.items())),
        "orders_by_decision": dict(sorted(board.order_kinds.items())),
        "dead_letters": board.dead_letters,
        "events_per_s": round(run.published / seconds, 1) if seconds else None,
        "seconds": round(seconds, 2) if seconds else None,
        "latency_ms": _latency(board.since_publish.quantile_ms(0.5), board.since_publish.quantile_ms(0.99)),
        "latency_after_gate_ms": _latency(board.since_gate.quantile_ms(0.5), board.since_gate.quantile_ms(0.99)),
        "latency_samples": len(board.since_publish),
        "customers": len(board.level_of),
        "levels": {level.value: count for level, count in board.levels().items()},
        "data_dir": str(parts.settings.data_dir),
    }


def _latency(p50: float | None, p99: float | None) -> dict[str, float | None]:
    return {"p50": p50, "p99": p99}


def closing_lines(run: DemoRun, parts: DemoParts, *, finished: bool) -> list[str]:
    """What to say at the end, and where to look further."""
    facts = report(run, parts, finished=finished)
    levels = ", ".join(f"{level} {count:,}" for level, count in facts["levels"].items() if count)
    lines = [
        f"{'finished' if finished else 'stopped'}: {facts['events_in']:,} events published,"
        f" {facts['events_applied']:,} applied, {facts['dead_letters']:,} refused,"
        f" {facts['alerts']:,} alerts, {facts['decisions']:,} decisions in all",
        f"customers: {levels or 'none yet'}",
    ]
    orders = ", ".join(f"{decision} {count:,}" for decision, count in facts["orders_by_decision"].items())
    if orders:
        lines.append(f"order decisions: {orders}")
    if facts["events_per_s"]:
        lines.append(f"{facts['events_per_s']:,.0f} events/s from the first publication to the last commit")
    latency = facts["latency_ms"]
    if latency["p50"] is not None:
        lines.append(f"event to alert: p50 {latency['p50']:,.0f} ms, p99 {latency['p99']:,.0f} ms")
    where = parts.data_dir
    lines += [f"logs: {where / 'logs'}", f"data: {where}"]
    if run.board.alerts:
        customer = next(iter(run.board.alerts)).customer
        if customer.replace("-", "").replace("_", "").isalnum():
            lines.append(f"look at a customer:  creditpulse customer {customer} --data-dir {where}")
    return lines
