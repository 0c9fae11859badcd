"""Options of the commands that count in money: what a ledger does not say."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any, TypeVar

import click

from streams.backtesting.money import Assumptions
from streams.commands.options import FiniteRange

Command = TypeVar("Command", bound=Callable[..., Any])
_SHARE = FiniteRange(0, 1)


def money_options(command: Command) -> Command:
    """Adds --margin, --loss-given-default, --loss-after-days, --cost-of-capital and --sales-lost."""
    usual = Assumptions()
    for option in (
        click.option("--sales-lost", type=_SHARE, default=float(usual.sales_lost), show_default=True,
                     help="Share of held sales that is lost; of rejected ones all is."),
        click.option("--cost-of-capital", type=_SHARE, default=float(usual.cost_of_capital), show_default=True,
                     help="Per year, of money that comes late."),
        click.option("--loss-after-days", type=click.IntRange(1, 3650), default=usual.loss_after_days,
                     show_default=True, help="An invoice so long past due counts as a bad debt."),
        click.option("--loss-given-default", type=_SHARE, default=float(usual.loss_given_default), show_default=True,
                     help="Share of a bad debt that is lost."),
        click.option("--margin", type=_SHARE, default=float(usual.margin), show_default=True,
                     help="Share of a sale that is lost with it."),
    ):  # fmt: skip
        command = option(command)
    return command


def assumptions(options: dict[str, Any]) -> Assumptions:
    """What the options say."""
    return Assumptions(
        margin=Decimal(str(options["margin"])),
        loss_given_default=Decimal(str(options["loss_given_default"])),
        loss_after_days=options["loss_after_days"],
        cost_of_capital=Decimal(str(options["cost_of_capital"])),
        sales_lost=Decimal(str(options["sales_lost"])),
    )
