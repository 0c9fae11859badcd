"""What the bench found, as one JSON object and as a table with the bars that the project sets itself."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from rich.table import Table


@dataclass(frozen=True, slots=True)
class Bar:
    """What is asked of a figure of the results: at least or at most ``limit``; None: only reported."""

    name: str
    at_least: bool
    limit: float | None
    meaning: str

    def holds(self, value: float) -> bool | None:
        """Whether the value passes; None where nothing is asked."""
        if self.limit is None:
            return None
        return value >= self.limit if self.at_least else value <= self.limit


BARS = (
    Bar("ratio_engine_loop", True, 0.5, "whole engine job from the log / bare loop fed from memory"),
    Bar("ratio_default_faust", True, 5.0, "chunked delivery / Faust's per-event delivery, same engine"),
    Bar("ratio_gate_engine", True, 1.0, "gate on one process / engine on one process"),
    Bar("latency_ratio_p99", False, None, "event to alert / bare echo, 99th percentile"),
    Bar("state_bytes_median", False, 2048, "serialised account, median (bytes)"),
    Bar("memory_mb", False, 1500, "one engine worker, every account touched (MB)"),
    Bar("check_ms_p99", False, 50, "credit check over HTTP at 200 requests/s, 99th percentile (ms)"),
    Bar("booked_ms_p99", False, 50, "check of a booked order at 200 requests/s, 99th percentile (ms)"),
    Bar("check_ratio_p99", False, None, "credit check / least that FastAPI can answer, 99th percentile"),
)


def summary(found: dict[str, Any]) -> dict[str, Any]:
    """The figures of ``BARS`` on top, everything else below."""
    runs, waiting, memory, checks = (found[name] for name in ("throughput", "latency", "memory", "credit_checks"))
    return {
        "ratio_engine_loop": runs["ratio_engine_loop"],
        "ratio_default_faust": runs["ratio_default_faust"],
        "ratio_gate_engine": runs["ratio_gate_engine"],
        "latency_ratio_p99": waiting["latency_ratio_p99"],
        "state_bytes_median": found["state_bytes"]["median"],
        "memory_mb": memory["touched_mb"]["peak"],
        "check_ms_p99": checks["check_ms"]["p99"],
        "booked_ms_p99": checks["booked_ms"]["p99"],
        "check_ratio_p99": checks["check_ratio_p99"],
        **found,
    }


def tables(results: dict[str, Any]) -> Iterator[Table]:
    """The bars, and the absolute numbers behind them."""
    bars = Table("figure", "value", "asked", "", "what", title="bench: ratios within one run")
    for bar in BARS:
        value = results[bar.name]
        asked = "" if bar.limit is None else f"{'>=' if bar.at_least else '<='} {bar.limit:g}"
        mark = {True: "ok", False: "MISSED", None: ""}[bar.holds(value)]
        bars.add_row(bar.name, f"{value:.2f}", asked, mark, bar.meaning)
    yield bars
    absolute = Table("what", "value", title="absolute numbers of this machine, at this moment")
    for name, value in _absolute(results):
        absolute.add_row(name, value)
    yield absolute


def _absolute(results: dict[str, Any]) -> Iterator[tuple[str, str]]:
    runs = results["throughput"]
    for name, value in runs["events_per_s"].items():
        yield f"{name}, events/s / processor µs per event", f"{value:,.0f} / {runs['cpu_us_per_event'][name]:.0f}"
    for name, value in runs["cpu_ratios"].items():
        yield f"ratio of processor times, {name}", f"{value:.2f}"
    waiting = results["latency"]
    for name in ("alert_ms", "echo_ms"):
        yield (
            f"{name} at {waiting['events_per_s']} events/s, p50 / p99",
            " / ".join(f"{waiting[name][share]:.1f}" for share in ("p50", "p99")),
        )
    sizes, memory = results["state_bytes"], results["memory"]
    yield "bytes per account, median / p90 / max", " / ".join(f"{sizes[at]:,}" for at in ("median", "p90", "max"))
    yield (
        f"MB with {memory['customers']:,} accounts, restored / touched",
        (f"{memory['restored_mb']['now']:,.0f} / {memory['touched_mb']['now']:,.0f}"),
    )
    yield "seconds until restored (start of the process included)", f"{memory['restored_after_s']:.1f}"
    checks = results["credit_checks"]
    for name in ("check_ms", "booked_ms", "bare_ms"):
        yield (
            f"{name} at {checks['requests_per_s']} requests/s, p50 / p99 / max",
            " / ".join(f"{checks[name][share]:.1f}" for share in ("p50", "p99", "max")),
        )
    if "ledger" in results:
        heart = results["ledger"]["cpu_us_per_event"]
        yield "heart on the given ledger, processor µs per log entry, ticks included", f"{heart:.0f}"
