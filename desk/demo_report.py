"""What a demo run amounted to: the JSON object and the closing lines."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from alerts.texts import Language, text
from desk.demo_parts import DemoParts
from desk.demo_run import DemoRun
from desk.labels import label


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


def closing_lines(run: DemoRun, parts: DemoParts, language: Language, *, finished: bool) -> list[str]:
    """What to say at the end, and where to look further."""
    facts = report(run, parts, finished=finished)

    def said(name: str) -> str:
        return label(name, language)

    levels = _counts(facts["levels"], language)
    lines = [
        f"{said('finished' if finished else 'stopped')}: {said('totals').format_map(facts)}",
        f"{said('by_level')}: {levels or said('none_yet')}",
    ]
    orders = _counts(facts["orders_by_decision"], language)
    if orders:
        lines.append(f"{said('order_decisions')}: {orders}")
    if facts["events_per_s"]:
        lines.append(said("rate").format(rate=facts["events_per_s"]))
    latency = facts["latency_ms"]
    if latency["p50"] is not None:
        lines.append(f"{said('latency')}: p50 {latency['p50']:,.0f} ms, p99 {latency['p99']:,.0f} ms")
    where = parts.data_dir
    lines += [f"{said('logs')}: {where / 'logs'}", f"{said('data')}: {where}"]
    if run.board.alerts:
        customer = next(iter(run.board.alerts)).customer
        if customer.replace("-", "").replace("_", "").isalnum():
            lines.append(f"{said('look_at')}:  creditpulse customer {customer} --data-dir {where}")
    return lines


def _counts(counts: Mapping[str, int], language: Language) -> str:
    return ", ".join(f"{text(code, language)} {count:,}" for code, count in counts.items() if count)
