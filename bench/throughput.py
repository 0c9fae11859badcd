"""Events per second of the whole engine job, of the bare loop, of Faust's default delivery and of the gate."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

from bench.figures import median_ratio, rate
from bench.parts import PARTITIONS, Watched, Worker, settings_for, watch

LOG_PREFIX, PUBLIC_PREFIX = "log.", "public."
"""Topics that hold the ready log, and topics that hold the same book as published."""
GATE_COPIES = 4
"""How often the book stands in the public topics: the gate does not know it again, and would else be done at once."""


@dataclass(frozen=True, slots=True)
class Book:
    """A book that stands in the broker: entries of its log, records in its public topics, its entries in a file."""

    broker: str
    data_dir: Path
    entries: int
    records: int
    file: Path


def bare(file: Path, *options: str) -> dict[str, Any]:
    """The bare engine loop in a process of its own."""
    done = subprocess.run(
        [sys.executable, "-m", "bench.bare_loop", str(file), *options], check=True, capture_output=True, text=True
    )
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def watched(book: Book, app_id: str, *, role: str = "engine", delivery: str = "chunks", seconds: float) -> Watched:
    """One worker process on the book, until it is done or the seconds are over."""
    prefix = PUBLIC_PREFIX if role == "gate" else LOG_PREFIX
    settings = settings_for(book.broker, book.data_dir, prefix, app_id, delivery=delivery)
    counter, total = ("creditpulse_events_in", book.records) if role == "gate" else (
        "creditpulse_events_applied", book.entries
    )  # fmt: skip
    with Worker(settings, role) as worker:
        return watch(worker, counter, total, most_seconds=seconds)


def figures(run: Watched, until: float) -> dict[str, float]:
    """Events per second, and processor µs per event, over the first ``until`` events."""
    return {
        "events": until,
        "events_per_s": rate(run.samples, until),
        "cpu_us_per_event": 1e6 / rate(run.cpu, until),
    }


def throughput(book: Book, rounds: int, default_seconds: float, step: Callable[[str], None]) -> dict[str, Any]:
    """All four by turns, ``rounds`` times; ratios are medians of the ratios within a round.

    Faust's default delivery does not get through the book in reasonable time: it is compared with the engine over
    the same first events (``engine_same_events``).
    """
    names = ("bare_loop", "engine", "default", "engine_same_events", "gate")
    runs: dict[str, list[dict[str, Any]]] = {name: [] for name in names}
    for number in range(rounds):
        step(f"round {number + 1}: bare loop")
        runs["bare_loop"].append(bare(book.file))
        step(f"round {number + 1}: engine")
        engine = watched(book, f"engine-{number}", seconds=120.0)
        runs["engine"].append(figures(engine, book.entries))
        step(f"round {number + 1}: engine on Faust's default delivery")
        slow = watched(book, f"default-{number}", delivery="default", seconds=default_seconds)
        same = min(book.entries, slow.samples[-1].counted)
        runs["default"].append(figures(slow, same))
        runs["engine_same_events"].append(figures(engine, same))
        step(f"round {number + 1}: gate")
        gate = watched(book, f"gate-{number}", role="gate", seconds=120.0)
        runs["gate"].append(figures(gate, book.records))
    rates = {name: [run["events_per_s"] for run in found] for name, found in runs.items()}
    costs = {name: [run["cpu_us_per_event"] for run in found] for name, found in runs.items()}
    decisions = {run.pop("sha256") for run in runs["bare_loop"]}
    if len(decisions) != 1:
        raise AssertionError("the same log gave different decisions")
    return {
        "partitions": PARTITIONS,
        "entries": book.entries,
        "ratio_engine_loop": median_ratio(rates["engine"], rates["bare_loop"]),
        "ratio_default_faust": median_ratio(rates["engine_same_events"], rates["default"]),
        "ratio_gate_engine": median_ratio(rates["gate"], rates["engine"]),
        "cpu_ratios": {
            "engine_loop": median_ratio(costs["bare_loop"], costs["engine"]),
            "default_faust": median_ratio(costs["default"], costs["engine_same_events"]),
        },
        "events_per_s": {name: median(values) for name, values in rates.items()},
        "cpu_us_per_event": {name: median(values) for name, values in costs.items()},
        "runs": runs,
        "sha256": decisions.pop(),
    }
