"""Options of the commands that read a ledger."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import click
from pydantic import TypeAdapter, ValidationError

from schemas.errors import InvalidInput
from schemas.fields import Currency
from streams.sources.table import Kind, LedgerFormat

Command = TypeVar("Command", bound=Callable[..., Any])
_CURRENCY: TypeAdapter[str] = TypeAdapter(Currency)


def ledger_options(command: Command) -> Command:
    """Adds --map, --currency, --number-rows and --date-format."""
    for option in (
        click.option("--date-format", help="strptime's, e.g. %d/%m/%Y; without it ISO (2025-01-31)."),
        click.option("--number-rows", is_flag=True, help="The file has no invoice ids: number its rows."),
        click.option("--currency", help="Currency of rows that name none (or ?)."),
        click.option(
            "--map", "mapping", multiple=True, metavar="THEIRS=OURS",
            help="Name a column of the ledger; ours are customer_id, invoice_id, issue_date, due_date, paid_date, "
            "amount, settled, currency, terms_days, name, segment, sector, region. Repeat it.",
        ),
    ):  # fmt: skip
        command = option(command)
    return command


def ledger_format(
    mapping: tuple[str, ...],
    currency: str | None,
    date_format: str | None,
    number_rows: bool,
    kind: Kind = "invoices",
) -> LedgerFormat:
    """The format that the options describe; raises InvalidInput."""
    columns = {}
    for item in mapping:
        theirs, equals, ours = item.partition("=")
        if not (theirs and equals and ours):
            raise InvalidInput("wrong_mapping", f"--map {item}: write THEIRS=OURS", "map")
        columns[theirs] = ours
    if currency is not None:
        try:
            currency = _CURRENCY.validate_python(currency.strip().upper())
        except ValidationError as error:
            raise InvalidInput(
                "currency", f"--currency {currency}: no ISO 4217 currency such as EUR", "currency"
            ) from error
    return LedgerFormat(columns, currency, date_format, number_rows, kind)
