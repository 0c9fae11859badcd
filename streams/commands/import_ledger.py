"""``creditpulse import``: an invoice ledger into a file of events."""

from __future__ import annotations

import csv
import json
from collections import Counter
from pathlib import Path

import click

from models.calendar import from_ms
from schemas.errors import CreditPulseError
from streams.commands.ledger_options import ledger_format, ledger_options
from streams.commands.options import json_option
from streams.commands.progress import progress_bar
from streams.commands.show import print_json
from streams.sources.deliveries import delivery_events
from streams.sources.event_file import write_events
from streams.sources.ledger import ledger_events
from streams.sources.table import BadRow


@click.command("import")
@click.argument("ledger", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@ledger_options
@click.option(
    "--deliveries",
    is_flag=True,
    help="Rows are deliveries of suppliers: customer_id (the supplier's), purchase_order_id, promised_date, "
    "delivered_date, quantity_ordered, quantity_delivered; if there are, quantity_rejected, quantity_unit, item, "
    "unit_price, reference_price, currency, name, segment, sector, region.",
)
@click.option("--out", type=click.Path(dir_okay=False, path_type=Path), required=True, help="events.jsonl[.gz]")
@click.option(
    "--skip-bad-rows", type=click.Path(dir_okay=False, path_type=Path), metavar="FILE",
    help="Go on without rows that cannot be used, and write them there with line, field and reason (CSV).",
)  # fmt: skip
@json_option
def import_ledger(
    ledger: Path,
    mapping: tuple[str, ...],
    currency: str | None,
    date_format: str | None,
    number_rows: bool,
    deliveries: bool,
    out: Path,
    skip_bad_rows: Path | None,
    as_json: bool,
) -> None:
    """Turn an invoice LEDGER (CSV, CSV.gz, Parquet) into events in order of time.

    An invoice becomes known at 09:00 UTC of its issue date, a payment at 17:00 UTC of the day it was paid.
    With --deliveries a row becomes known at 17:00 UTC of its delivery; a price without reference_price is compared
    with the one that the supplier asked for the item in the row before.
    Credit notes (amounts below zero) cannot be told as events: they are bad rows, like dates in another format.

    \b
    Examples:
      creditpulse import invoices.csv --map cust_no=customer_id --map doc=invoice_id --out events.jsonl.gz
      creditpulse import receipts.csv --deliveries --map vendor=customer_id --out supply.jsonl.gz
    Exit codes: 0 done; 1 a file cannot be written; 2 the ledger has missing columns or bad rows (nothing is written).
    """
    form = ledger_format(mapping, currency, date_format, number_rows, "deliveries" if deliveries else "invoices")
    read = delivery_events if deliveries else ledger_events
    skipped: list[BadRow] = []
    with progress_bar() as bar:
        task = bar.add_task("rows", total=None)
        events = read(
            ledger,
            form,
            skip=None if skip_bad_rows is None else skipped.append,
            on_row=lambda: bar.advance(task),
        )
    if skip_bad_rows is not None:
        _write_skipped(skip_bad_rows, skipped)
    write_events(out, events)
    topics = Counter(event.topic for event in events)
    summary = {
        "events": len(events),
        "by_topic": dict(sorted(topics.items())),
        "customers": len({event.key for event in events}),
        "first": from_ms(events[0].timestamp_ms).isoformat() if events else None,
        "last": from_ms(events[-1].timestamp_ms).isoformat() if events else None,
        "skipped_rows": len(skipped),
    }
    if as_json:
        print_json(summary)
        return
    click.echo(
        f"{summary['events']:,} events of {summary['customers']:,} customers, {summary['first']} to {summary['last']}"
    )
    if skipped:
        click.echo(f"{len(skipped)} rows left out, see {skip_bad_rows}")
    click.echo(f"wrote {out}; publish them with: creditpulse replay {out}")


def _write_skipped(path: Path, rows: list[BadRow]) -> None:
    try:
        with path.open("w", encoding="utf-8", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(("line", "field", "reason", "row"))
            writer.writerows((row.line, row.field, row.message, json.dumps(row.row, default=str)) for row in rows)
    except OSError as error:
        raise CreditPulseError(f"{path}: {error.strerror}") from error
