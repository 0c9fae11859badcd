"""``creditpulse compare``: two policies on the same past, and the difference in money."""

from __future__ import annotations

import csv
import json
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import click

from streams.commands.ledger_options import ledger_format, ledger_options
from streams.commands.money_options import assumptions, money_options
from streams.commands.options import json_option, partitions_option, trailing_days_option
from streams.commands.out_folder import make_folder, writing_below
from streams.commands.progress import ProgressLines, progress_bar
from streams.commands.show import print_json, print_table
from streams.policy_file import named_policy
from streams.sources.past import past_events

_SHOWN = ("holds", "rejections", "held_amount", "false_holds", "false_hold_amount", "sales_forgone", "margin_forgone",
          "bad_amount_held", "loss_avoided", "late_cost_avoided", "net")  # fmt: skip
_CUSTOMERS_SHOWN = 10


@click.command()
@click.argument("policy_a", metavar="POLICY_A")
@click.argument("policy_b", metavar="POLICY_B")
@click.argument("source", metavar="LEDGER", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option(
    "--out", type=click.Path(file_okay=False, path_type=Path), help="Folder for compare.json and compare.csv."
)
@partitions_option
@trailing_days_option
@ledger_options
@money_options
@json_option
@click.option(
    "--progress-lines", is_flag=True, help="Tell the progress on stderr in lines of DONE/TOTAL, for programs."
)
def compare(
    policy_a: str,
    policy_b: str,
    source: Path,
    out: Path | None,
    partitions: int,
    trailing_days: int,
    mapping: tuple[str, ...],
    currency: str | None,
    date_format: str | None,
    number_rows: bool,
    as_json: bool,
    progress_lines: bool,
    **options: Any,
) -> None:
    """Run two policies over the same ledger (or file of events) and tell the difference, B - A, in money.

    A policy is a file, the name of a pack (wholesale, manufacturing, lending, supplier), or `default`. Each invoice
    of the past is taken as an order of its moment; what a policy would have held or refused is weighed
    by what then happened.

    \b
    Example:  creditpulse compare default my-policy.yaml ledger.csv.gz --out build/compare
    Exit codes: 0 done; 2 the ledger, a policy (with file, line and reason) or --out is wrong.
    """
    # Imported when it runs: the help of `creditpulse` would wait for it.
    from streams.backtesting.compare import Setting, comparison, run_of

    texts = [named_policy(policy_a), named_policy(policy_b)]
    setting = Setting(datetime.now(UTC), partitions, trailing_days, assumptions(options))
    with progress_bar() as bar:
        reading = bar.add_task("reading", total=None)
        events = past_events(source, ledger_format(mapping, currency, date_format, number_rows))
        bar.remove_task(reading)
        if out is not None:
            make_folder(out)
        lines = ProgressLines(2 * len(events)) if progress_lines else None
        runs = []
        for name, text in zip((policy_a, policy_b), texts, strict=True):
            task = bar.add_task(name, total=len(events))
            advance = lines.advance if lines else partial(bar.advance, task)
            runs.append(run_of(text, events, setting, advance))
    found = comparison(*runs)
    if out is not None:
        with writing_below(out):
            _write(out, found)
    if as_json:
        print_json(found)
    else:
        _show(found, policy_a, policy_b)
        if out is not None:
            click.echo(f"wrote {out / 'compare.json'} and {out / 'compare.csv'}")


def _write(out: Path, found: dict[str, Any]) -> None:
    (out / "compare.json").write_text(json.dumps(found, indent=2) + "\n", encoding="utf-8")
    with (out / "compare.csv").open("w", encoding="utf-8", newline="") as file:
        columns = ["customer_id", "currency", "sales", "net_a", "net_b", "difference", "stopped_a", "stopped_b"]
        writer = csv.DictWriter(file, columns)
        writer.writeheader()
        writer.writerows(found["customers"])


def _show(found: dict[str, Any], name_a: str, name_b: str) -> None:
    one, other = found["a"], found["b"]
    rows = []
    for label, a, b in (
        ("alerts", one["alerts"]["total"], other["alerts"]["total"]),
        *((f"at the end {level}", one["levels"].get(level, 0), other["levels"].get(level, 0))
          for level in sorted({*one["levels"], *other["levels"]})),
    ):  # fmt: skip
        rows.append([label, f"{a:,}", f"{b:,}", f"{b - a:+,}"])
    for label in ("recall", "precision", "median_lead_days", "false_alerts_per_customer_year"):
        a, b = one["early_warning"][label], other["early_warning"][label]
        if a is not None and b is not None:
            rows.append([f"early warning: {label.replace('_', ' ')}", f"{a:.3g}", f"{b:.3g}", f"{b - a:+.3g}"])
    print_table(["", f"A: {name_a}", f"B: {name_b}", "B - A"], rows)
    for currency, difference in found["difference"].items():
        a, b = (run["money"]["currencies"].get(currency, {}) for run in (one, other))
        money = [
            [label.replace("_", " "), str(a.get(label, 0)), str(b.get(label, 0)), str(difference[label])]
            for label in _SHOWN
        ]
        print_table([currency, "A", "B", "B - A"], money)
    customers = found["customers"]
    if customers:
        names = ("customer_id", "currency", "sales", "net_a", "net_b", "difference")
        shown = [[str(row[name]) for name in names] for row in customers[:_CUSTOMERS_SHOWN]]
        print_table(["customer", "currency", "sales", "net A", "net B", "B - A"], shown)
        click.echo(f"{len(customers):,} customers differ")
