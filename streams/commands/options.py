"""Options that several commands have."""

from __future__ import annotations

import getpass
import math

import click

_LONGEST_TEXT = 200


class FiniteRange(click.FloatRange):
    """A range that NaN is not in."""

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """The number, or a failure that says why."""
        number: float = super().convert(value, param, ctx)
        if math.isnan(number):
            self.fail(f"{value} is not in the range {self.min}<=x<={self.max}.", param, ctx)
        return number


log_level_option = click.option(
    "--log-level",
    type=click.Choice(["DEBUG", "INFO", "WARNING", "ERROR"], case_sensitive=False),
    default="INFO",
    show_default=True,
    help="Least level that is logged, on stderr.",
)
json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON: one object, or one array for a list.")


def printable(context: click.Context, option: click.Parameter, value: str | None) -> str | None:
    """Callback of options whose text is kept or sent: not empty, nothing that a terminal obeys, no broken UTF-8."""
    if value is not None and not (value.isprintable() and value.strip() and len(value) <= _LONGEST_TEXT):
        raise click.BadParameter(f"must have 1 to {_LONGEST_TEXT} printable characters")
    return value


said_by_option = click.option(
    "--by", default=getpass.getuser, show_default="you", callback=printable, help="Who says so; it is written down."
)
trailing_days_option = click.option(
    "--trailing-days",
    default=30,
    show_default=True,
    type=click.IntRange(0, 3650),
    help="Days after the last event, for outcomes to become certain; 0 where the data end amid open invoices.",
)
partitions_option = click.option(
    "--partitions",
    default=1,
    show_default=True,
    type=click.IntRange(1, 1024),
    help="As many as live, where decisions are to be the same: each partition has its own model.",
)
