"""Options that several commands have."""

from __future__ import annotations

import getpass

import click

log_level_option = click.option(
    "--log-level",
    type=click.Choice(["DEBUG", "INFO", "WARNING", "ERROR"], case_sensitive=False),
    default="INFO",
    show_default=True,
    help="Least level that is logged, on stderr.",
)
json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON: one object, or one array for a list.")
said_by_option = click.option(
    "--by", default=getpass.getuser, show_default="you", help="Who says so; it is written down."
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
