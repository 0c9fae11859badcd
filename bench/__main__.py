"""``python -m bench``: measure, print a table, write bench/results.json. See bench/README.md."""

from __future__ import annotations

import asyncio
import json
import os
import platform
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from bench.credit_checks import credit_checks
from bench.entries import entries_of, save
from bench.latency import latency
from bench.memory import memory, state_bytes
from bench.parts import fill_log, settings_for
from bench.report import summary, tables
from bench.throughput import GATE_COPIES, LOG_PREFIX, PUBLIC_PREFIX, Book, bare, throughput
from bench.workload import book
from streams.embedded.broker import EmbeddedBroker
from streams.publisher import publish

PARTITIONS_OF_LEDGER = 1


@dataclass(frozen=True, slots=True)
class Size:
    """How much is measured; ``steps`` is what the progress bar counts."""

    customers: int
    days: int
    rounds: int
    default_seconds: float
    latency_rounds: int
    latency_seconds: float
    accounts: int

    @property
    def steps(self) -> int:
        """Steps of the progress bar: filling, four runs a round, latency, memory, credit checks."""
        return 1 + 4 * self.rounds + 1 + self.latency_rounds + 3 + 1 + self.latency_rounds


FULL = Size(customers=2000, days=45, rounds=3, default_seconds=7, latency_rounds=3, latency_seconds=6, accounts=100_000)
QUICK = Size(customers=700, days=45, rounds=1, default_seconds=4, latency_rounds=1, latency_seconds=4, accounts=10_000)


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--quick", is_flag=True, help="One short round in about a minute: for trying out, not for reporting.")
@click.option("--out", type=click.Path(path_type=Path), default=Path(__file__).with_name("results.json"))
@click.option("--ledger", type=click.Path(path_type=Path, exists=True), help="Time the heart on this ledger as well.")
def main(quick: bool, out: Path, ledger: Path | None) -> None:
    """Measure speed and memory on embedded parts, as ratios within one run."""
    size = QUICK if quick else FULL
    console = Console(stderr=not sys.stdout.isatty())
    columns = (TextColumn("{task.description:50}"), BarColumn(), TextColumn("{task.completed}/{task.total}"))
    started = time.monotonic()
    with Progress(*columns, TimeElapsedColumn(), console=console) as progress:
        task = progress.add_task("start", total=size.steps + (ledger is not None))

        def step(what: str) -> None:
            progress.update(task, description=what)
            progress.advance(task)

        found = measure(size, step)
        if ledger is not None:
            step("heart on the ledger")
            found["ledger"] = ledger_heart(ledger)
    results = {
        "quick": quick,
        "python": platform.python_version(),
        "cores": os.cpu_count(),
        "seconds": round(time.monotonic() - started, 1),
        **summary(found),
    }
    out.write_text(json.dumps(results, indent=2) + "\n", encoding="utf-8")
    for table in tables(results):
        Console().print(table)
    click.echo(f"written: {out}")


def measure(size: Size, step: Callable[[str], None]) -> dict[str, Any]:
    """Everything on one embedded broker in a directory that is gone afterwards."""
    with tempfile.TemporaryDirectory(prefix="creditpulse-bench-", ignore_cleanup_errors=True) as name:
        data_dir = Path(name)
        with EmbeddedBroker.start(data_dir / "broker", data_dir / "logs") as broker:
            step("fill the log and the public topics")
            filled = fill(broker.url, data_dir, size)
            found = {"throughput": throughput(filled, size.rounds, size.default_seconds, step)}
            states = data_dir / "states"
            sizes = bare(filled.file, "--states", str(states))["state_bytes"]
            found["state_bytes"] = sizes
            found["latency"] = asyncio.run(
                latency(broker.url, data_dir, size.latency_rounds, size.latency_seconds, step)
            )
            found["memory"] = memory(broker.url, data_dir, state_bytes(states), size.accounts, step)
            rounds, seconds = size.latency_rounds, size.latency_seconds
            found["credit_checks"] = credit_checks(broker.url, data_dir, size.accounts, rounds, seconds, step)
            return found


def fill(broker: str, data_dir: Path, size: Size) -> Book:
    """The same book as a ready log, and as published events (several times over: the gate is quick)."""
    events = book(size.customers, size.days)
    file = data_dir / "book.entries"
    log = settings_for(broker, data_dir, LOG_PREFIX, "fill")
    entries = save(entries_of(events, log.partitions), file)
    asyncio.run(fill_log(log, entries))
    public = settings_for(broker, data_dir, PUBLIC_PREFIX, "fill")
    for _ in range(GATE_COPIES):
        asyncio.run(publish(public, events))
    ticks = sum(event.key is None for event in events)
    records = GATE_COPIES * (len(events) + ticks * (public.partitions - 1))
    return Book(broker, data_dir, len(entries), records, file)


def ledger_heart(path: Path) -> dict[str, Any]:
    """The heart alone on a ledger of invoices, in one partition, ticks included."""
    from streams.sources.ledger import ledger_events
    from streams.sources.ticks import with_ticks

    with tempfile.TemporaryDirectory(prefix="creditpulse-bench-") as name:
        file = Path(name) / "ledger.entries"
        save(entries_of(with_ticks(ledger_events(path), trailing_days=120), PARTITIONS_OF_LEDGER), file)
        runs = [bare(file, "--heart") for _ in range(3)]
    return sorted(runs, key=lambda run: float(run["cpu_us_per_event"]))[1]


if __name__ == "__main__":
    main()
