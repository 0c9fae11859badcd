"""``creditpulse alerts grade``: which tightenings were right, how early, and what the wrong ones cost."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any, cast

import click

from alerts.commands.options import language_option
from alerts.plain import plain
from alerts.texts import Language, phrase, text
from schemas.errors import InvalidInput
from streams.archive.catalog import MAX_LIMIT
from streams.archive.reader import Reader
from streams.commands.options import json_option
from streams.commands.show import print_json, print_table
from streams.settings import Settings

_SUMMARY = (
    "policy", "model", "tightenings", "open", "thin", "true", "false", "precision", "lead", "false_holds",
    "exposure_reduced", "sales_forgone",
)  # fmt: skip
_EACH = ("since", "customer", "level", "cause", "policy", "model", "grade", "lead", "exposure_reduced", "sales_forgone")


@click.command()
@click.option("--policy", help="Only tightenings by this policy version.")
@click.option("--model", help="Only by this model, e.g. rate-blr-2.")
@click.option("--from", "first", type=click.DateTime(["%Y-%m-%d"]), help="Only from this day on (UTC).")
@click.option("--to", "last", type=click.DateTime(["%Y-%m-%d"]), help="Only up to this day (UTC).")
@click.option("--each", is_flag=True, help="List every tightening instead of sums by policy and model.")
@language_option
@json_option
def grade(
    policy: str | None,
    model: str | None,
    first: datetime | None,
    last: datetime | None,
    each: bool,
    lang: str,
    as_json: bool,
) -> None:
    """Grade the tightenings of the past: did a severe event follow within 120 days, and how many days later?

    What is severe stands in docs/credit-science.md, as in the backtest. While its 120 days are not over, a tightening
    is in no rate. Read from the archive's views tightening_grades and, with --each, graded_tightenings.

    \b
    Example:  creditpulse alerts grade --policy default-1 --from 2026-01-01 --to 2026-06-30
    Exit codes: 0 shown; 1 no archive answers; 2 an option is wrong.
    """
    given: dict[str, str | None] = {
        "policy_version": policy,
        "model": model,
        "from_day": first.date().isoformat() if first else None,
        "to_day": last.date().isoformat() if last else None,
    }
    if first and last and first > last:
        raise InvalidInput("days", f"--from {first.date()} is after --to {last.date()}", "from")
    options = {name: value for name, value in given.items() if value is not None}
    rows = asyncio.run(_read("graded_tightenings" if each else "tightening_grades", options))
    language = cast("Language", lang)
    if as_json:
        print_json(rows)
    elif not rows:
        click.echo(text("grade.none", language))
    else:
        names = _EACH if each else _SUMMARY
        shown = (_cells(row, language) for row in rows)
        columns = [text(f"column.{name}", language) for name in names]
        print_table(columns, ([plain(cells[name]) for name in names] for cells in shown))


async def _read(view: str, options: Mapping[str, str]) -> list[dict[str, Any]]:
    async with Reader(Settings()) as reader:
        return await reader.view(view, limit=MAX_LIMIT, options=options)


def _cells(row: dict[str, Any], language: Language) -> dict[str, str]:
    """What both tables show of a row, by column."""
    found = {
        "policy": row["policy_version"],
        "model": row["model"],
        "exposure_reduced": _money(row["exposure_reduced"]),
        "sales_forgone": _money(row["sales_forgone"]),
    }
    if "grade" in row:
        lead = row["lead_days"]
        return found | {
            "since": row["day"],
            "customer": row["customer_id"],
            "level": text(row["level"], language),
            "cause": text(row["cause_kind"], language),
            "grade": text(f"grade.{row['grade']}", language),
            "lead": "-" if lead is None else str(lead),
        }
    lead, least = row["median_lead_days"], row["p10_lead_days"]
    rate, precision = row["false_hold_rate"], row["precision"]
    shown = {"some": str(row["false_holds"]), "all": str(row["judged_holds"])}
    return found | {
        "tightenings": str(row["tightenings"]),
        "open": str(row["open_alerts"]),
        "thin": str(row["thin_alerts"]),
        "true": str(row["true_alerts"]),
        "false": str(row["false_alerts"]),
        "precision": "-" if precision is None else f"{precision:.0%}",
        "lead": "-" if lead is None else phrase("grade.lead", language, median=f"{lead:.3g}", p10=f"{least:.3g}"),
        "false_holds": "-" if rate is None else phrase("grade.false_holds", language, share=f"{rate:.0%}", **shown),
    }


def _money(amounts: Mapping[str, str]) -> str:
    return ", ".join(f"{Decimal(amount):,.2f} {currency}" for currency, amount in sorted(amounts.items())) or "-"
