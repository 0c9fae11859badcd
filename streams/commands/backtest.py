"""``creditpulse backtest``: the same engine over the past, in process, and what it would have decided."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click

from schemas.levels import Level
from streams.commands.ledger_options import ledger_format, ledger_options
from streams.commands.money_options import assumptions, money_options
from streams.commands.options import json_option, partitions_option, trailing_days_option
from streams.commands.out_folder import make_folder, writing_below
from streams.commands.progress import progress_bar
from streams.commands.show import print_json, print_table
from streams.policy_file import named_policy
from streams.sources.past import past_events
from streams.sources.ticks import with_ticks


@click.command()
@click.argument("source", metavar="LEDGER_OR_EVENTS", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--policy", default="default", show_default=True, help="A file, laid over the default, or a pack's name.")
@click.option("--out", type=click.Path(file_okay=False, path_type=Path), required=True, help="Folder for the results.")
@partitions_option
@trailing_days_option
@ledger_options
@money_options
@click.option("--batch-model/--no-batch-model", default=True, help="Compare with a batch model, fitted each month.")
@json_option
def backtest(
    source: Path,
    policy: str,
    out: Path,
    partitions: int,
    trailing_days: int,
    mapping: tuple[str, ...],
    currency: str | None,
    date_format: str | None,
    number_rows: bool,
    batch_model: bool,
    as_json: bool,
    **options: Any,
) -> None:
    """Run the engine over a ledger or a file of events; write decisions.jsonl, report.json and report.html.

    Predictions are made at issue and scored when the outcome is certain, on invoices issued in the last 30 % of
    the time, beside the naive rate of the customer.

    \b
    Example:  creditpulse backtest ledger.csv.gz --out build/backtest
    Exit codes: 0 done; 2 the ledger, events, policy or --out are wrong.
    """
    # Imported when it runs: the help of `creditpulse` would wait for it.
    from streams.backtesting.holds import Holds
    from streams.backtesting.html.render import render
    from streams.backtesting.run import report, run_backtest
    from streams.in_process import InProcess

    text = named_policy(policy)
    with progress_bar() as bar:
        task = bar.add_task("reading", total=None)
        past = past_events(source, ledger_format(mapping, currency, date_format, number_rows))
        events = with_ticks(iter(past), trailing_days)
        bar.update(task, description="events", total=len(past))
        observers = [Holds(assumptions(options))]
        process = InProcess(partitions, text, latest=datetime.now(UTC))
        make_folder(out)
        with writing_below(out), (out / "decisions.jsonl").open("w", encoding="utf-8") as decisions:
            tally = run_backtest(process, events, decisions, lambda: bar.advance(task), observers)
    found = report(tally, process, observers, batch=batch_model)
    with writing_below(out):
        (out / "report.json").write_text(json.dumps(found, indent=2) + "\n", encoding="utf-8")
        (out / "report.html").write_text(render(found), encoding="utf-8")
    if as_json:
        print_json(found)
    else:
        _show(found, out)


def _show(found: dict[str, Any], out: Path) -> None:
    alerts = ", ".join(f"{count:,} {kind}" for kind, count in found["alerts"].items() if kind != "total")
    click.echo(
        f"{found['events']:,} events, {found['customers']:,} customers, {found['decisions']:,} decisions, "
        f"{found['alerts']['total']:,} alerts ({alerts or 'none'}), {found['dead_letters']['total']:,} dead letters"
    )
    levels = [[level.value, f"{found['levels'].get(level.value, 0):,}"] for level in Level]
    print_table(["level", "customers"], levels)
    quality = []
    for task, rows in found["prediction"].items():
        for name in ("model", "naive", "batch"):
            row = rows[name]
            if row is None:
                continue
            figures = [row[key] for key in ("auc", "gini", "average_precision", "ks", "log_loss", "brier")]
            shown = ["-" if figure is None else f"{figure:.4f}" for figure in figures]
            quality.append([task, name, f"{row['n']:,}", f"{row['positives']:,}", *shown])
    print_table(["task", "", "n", "positives", "AUC", "Gini", "AP", "KS", "log-loss", "Brier"], quality)
    warned = found["early_warning"]
    if warned["recall"] is not None and warned["precision"] is not None:
        lead, least = warned["median_lead_days"], warned["p10_lead_days"]
        ahead = "" if lead is None else f", {lead:.0f} days ahead (median; P10 {least:.0f})"
        false = warned["false_alerts_per_100_customers_per_quarter"]
        often = "" if false is None else f", {false:.1f} false ones per 100 customers per quarter"
        click.echo(
            f"{warned['events']:,} severe events: {warned['recall']:.0%} foretold{ahead}; "
            f"{warned['precision']:.0%} of {warned['alerts']:,} alerts were right{often}"
        )
    for currency, money in found["money"]["currencies"].items():
        click.echo(
            f"{currency}: of {money['orders']:,} orders {money['holds']:,} held, {money['rejections']:,} rejected, "
            f"{money['false_holds']:,} of them wrongly; margin forgone {money['margin_forgone']}, "
            f"loss avoided {money['loss_avoided']}, late cost avoided {money['late_cost_avoided']}, net {money['net']}"
        )
    click.echo(f"wrote {out / 'decisions.jsonl'}, {out / 'report.json'} and {out / 'report.html'}")
