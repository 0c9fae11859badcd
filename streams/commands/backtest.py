"""``creditpulse backtest``: the same engine over the past, in process, and what it would have decided."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.table import Table

from schemas.errors import InvalidInput
from schemas.levels import Level
from schemas.topics import TICKS
from streams.backtesting.run import report, run_backtest
from streams.commands.ledger_options import ledger_format, ledger_options
from streams.commands.progress import progress_bar
from streams.in_process import InProcess
from streams.policy_file import policy_text
from streams.sources.event_file import TimedEvent, read_events
from streams.sources.ledger import LedgerFormat, ledger_events
from streams.sources.ticks import with_ticks


@click.command()
@click.argument("source", metavar="LEDGER_OR_EVENTS", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--policy", type=click.Path(exists=True, dir_okay=False, path_type=Path), help="Laid over the default.")
@click.option("--out", type=click.Path(file_okay=False, path_type=Path), required=True, help="Folder for the results.")
@click.option(
    "--partitions", default=1, show_default=True, type=click.IntRange(1, 1024),
    help="As many as live, where decisions are to be the same: each partition has its own model.",
)  # fmt: skip
@click.option(
    "--trailing-days",
    default=30,
    show_default=True,
    type=click.IntRange(0, 3650),
    help="Days after the last event, for outcomes to become certain; 0 where the data end amid open invoices.",
)
@ledger_options
@click.option("--json", "as_json", is_flag=True, help="Print the report as one JSON object.")
def backtest(
    source: Path,
    policy: Path | None,
    out: Path,
    partitions: int,
    trailing_days: int,
    mapping: tuple[str, ...],
    currency: str | None,
    date_format: str | None,
    as_json: bool,
) -> None:
    """Run the engine over a ledger or a file of events; write decisions.jsonl and report.json.

    Predictions are made at issue and scored when the outcome is certain, on invoices issued in the last 30 % of
    the time, beside the naive rate of the customer.

    \b
    Example:  creditpulse backtest ledger.csv.gz --out build/backtest
    Exit codes: 0 done; 2 the ledger, events or policy are wrong.
    """
    text = policy_text(policy)
    with progress_bar() as bar:
        task = bar.add_task("reading", total=None)
        past, total = _events(source, ledger_format(mapping, currency, date_format))
        events = with_ticks(past, trailing_days)
        bar.update(task, description="events", total=total)
        process = InProcess(partitions, text, latest=datetime.now(UTC))
        try:
            out.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise InvalidInput("out_unusable", f"--out {out}: {error.strerror}", "out") from error
        with (out / "decisions.jsonl").open("w", encoding="utf-8") as decisions:
            tally = run_backtest(process, events, decisions, lambda: bar.advance(task))
    found = report(tally, process, batch=True)
    (out / "report.json").write_text(json.dumps(found, indent=2) + "\n", encoding="utf-8")
    if as_json:
        click.echo(json.dumps(found))
    else:
        _show(found, out)


def _events(source: Path, form: LedgerFormat) -> tuple[Iterator[TimedEvent], int]:
    """Events without ticks, and how many there are."""
    if any(source.name.endswith(ending) for ending in (".jsonl", ".jsonl.gz")):
        total = sum(event.topic != TICKS for event in read_events(source))
        events: Iterator[TimedEvent] = (event for event in read_events(source) if event.topic != TICKS)
    elif any(source.name.endswith(ending) for ending in (".csv", ".csv.gz", ".parquet")):
        listed = ledger_events(source, form)
        events, total = iter(listed), len(listed)
    else:
        message = f"{source}: neither a ledger (.csv, .csv.gz, .parquet) nor events (.jsonl, .jsonl.gz)"
        raise InvalidInput("unknown_format", message)
    return events, total


def _show(found: dict[str, Any], out: Path) -> None:
    console = Console()
    alerts = ", ".join(f"{count:,} {kind}" for kind, count in found["alerts"].items() if kind != "total")
    console.print(
        f"{found['events']:,} events, {found['customers']:,} customers, {found['decisions']:,} decisions, "
        f"{found['alerts']['total']:,} alerts ({alerts or 'none'}), {found['dead_letters']['total']:,} dead letters"
    )
    levels = Table("level", "customers", box=None)
    for level in Level:
        levels.add_row(level.value, f"{found['levels'].get(level.value, 0):,}")
    console.print(levels)
    quality = Table("task", "", "n", "positives", "AUC", "AP", "KS", "log-loss", "Brier", box=None)
    for task, rows in found["prediction"].items():
        for name in ("model", "naive"):
            row = rows[name]
            figures = [row[key] for key in ("auc", "average_precision", "ks", "log_loss", "brier")]
            shown = ["-" if figure is None else f"{figure:.4f}" for figure in figures]
            quality.add_row(task, name, f"{row['n']:,}", f"{row['positives']:,}", *shown)
    console.print(quality)
    warned = found["early_warning"]
    if warned["recall"] is not None and warned["precision"] is not None:
        console.print(
            f"{warned['events']:,} severe events: {warned['recall']:.0%} foretold, "
            f"{warned['median_lead_days']:.0f} days ahead (median); "
            f"{warned['precision']:.0%} of {warned['alerts']:,} alerts were right"
        )
    console.print(f"wrote {out / 'decisions.jsonl'} and {out / 'report.json'}")
