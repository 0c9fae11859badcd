"""Bars and summary of the bench."""

from __future__ import annotations

from typing import Any

import pytest

from bench.report import BARS, Bar, summary, tables

FOUND: dict[str, Any] = {
    "throughput": {
        "ratio_engine_loop": 0.6,
        "ratio_default_faust": 5.5,
        "ratio_gate_engine": 8.0,
        "events_per_s": {"engine": 4000.0},
        "cpu_us_per_event": {"engine": 200.0},
        "cpu_ratios": {"engine_loop": 0.7},
    },
    "latency": {
        "latency_ratio_p99": 12.0,
        "events_per_s": 500,
        "alert_ms": {"p50": 10.0, "p99": 40.0},
        "echo_ms": {"p50": 1.0, "p99": 3.0},
    },
    "memory": {
        "customers": 100,
        "touched_mb": {"now": 290.0, "peak": 300.0},
        "restored_mb": {"now": 200.0, "peak": 210.0},
        "restored_after_s": 2.0,
    },
    "credit_checks": {
        "requests_per_s": 200,
        "check_ms": {"p50": 2.0, "p99": 8.0, "max": 20.0},
        "booked_ms": {"p50": 2.0, "p99": 9.0, "max": 20.0},
        "bare_ms": {"p50": 1.0, "p99": 4.0, "max": 9.0},
        "check_ratio_p99": 2.0,
    },
    "state_bytes": {"median": 1000, "p90": 1500, "max": 2000},
}


@pytest.mark.parametrize(
    ("at_least", "value", "holds"), [(True, 5.0, True), (True, 4.9, False), (False, 5.0, True), (False, 5.1, False)]
)
def test_a_bar_holds_up_to_its_limit(at_least: bool, value: float, holds: bool) -> None:
    """The limit itself passes, in both directions."""
    assert Bar("x", at_least, 5.0, "").holds(value) is holds


def test_a_figure_without_limit_neither_holds_nor_misses() -> None:
    """It is only reported."""
    assert Bar("x", False, None, "").holds(1e9) is None


def test_every_bar_has_its_figure_on_top_of_the_results() -> None:
    """Whoever reads results.json finds each named figure at the top level, and the details below."""
    results = summary(FOUND)
    assert {bar.name for bar in BARS} <= results.keys()
    assert results["memory_mb"] == 300.0
    assert results["throughput"] is FOUND["throughput"]


def test_the_table_marks_what_is_missed() -> None:
    """A bar that is not reached is named as such, one that is reached is not."""
    results = summary(FOUND) | {"ratio_default_faust": 4.0}
    bars = next(iter(tables(results)))
    names, marks = list(bars.columns[0].cells), list(bars.columns[3].cells)
    assert [name for name, mark in zip(names, marks, strict=True) if mark == "MISSED"] == ["ratio_default_faust"]
