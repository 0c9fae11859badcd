"""Two policies on the same past: what they would have decided, and the difference in money per customer."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any

from streams.backtesting.holds import Holds
from streams.backtesting.money import Assumptions, Money, money_by
from streams.backtesting.run import Tally, report, run_backtest
from streams.in_process import InProcess
from streams.sources.event_file import TimedEvent
from streams.sources.ticks import with_ticks

_COMPARED = ("decisions", "alerts", "levels", "early_warning", "money", "policy_version")


@dataclass(slots=True)
class Run:
    """One policy's run over the past."""

    report: dict[str, Any]
    customers: dict[tuple[str, str], Money]
    """By customer and currency."""


@dataclass(frozen=True, slots=True)
class Setting:
    """What is the same for all runs that are compared."""

    latest: datetime
    partitions: int = 1
    trailing_days: int = 30
    assumptions: Assumptions = field(default_factory=Assumptions)


def run_policy(
    text: str, events: Sequence[TimedEvent], setting: Setting, progress: Callable[[], None] = lambda: None
) -> tuple[Tally, InProcess, Holds]:
    """Run a policy over the past; decisions are counted and not kept."""
    process, holds = InProcess(setting.partitions, text, latest=setting.latest), Holds(setting.assumptions)
    tally = run_backtest(process, with_ticks(iter(events), setting.trailing_days), None, progress, [holds])
    return tally, process, holds


def run_of(text: str, events: Sequence[TimedEvent], setting: Setting, progress: Callable[[], None]) -> Run:
    """A policy's run with its report and the money of each customer."""
    tally, process, holds = run_policy(text, events, setting, progress)
    found = report(tally, process, [holds])
    customers = money_by(
        holds.orders,
        tally.truth,
        setting.assumptions,
        holds.late_days,
        lambda order: (order.customer_id, order.currency),
    )
    return Run({name: found[name] for name in _COMPARED}, customers)


def comparison(one: Run, other: Run) -> dict[str, Any]:
    """Both runs, the difference (second - first) per currency, and the customers it comes from, largest first."""
    return {
        "a": one.report,
        "b": other.report,
        "difference": {
            currency: _difference(one.report["money"]["currencies"], other.report["money"]["currencies"], currency)
            for currency in sorted({*one.report["money"]["currencies"], *other.report["money"]["currencies"]})
        },
        "customers": _customers(one, other),
    }


def _difference(one: dict[str, Any], other: dict[str, Any], currency: str) -> dict[str, Any]:
    a, b = one.get(currency, Money().plain()), other.get(currency, Money().plain())
    found: dict[str, Any] = {}
    for name, value in a.items():
        if isinstance(value, str):
            found[name] = str(Decimal(b[name]) - Decimal(value))
        elif isinstance(value, int):
            found[name] = b[name] - value
    return found


def _customers(one: Run, other: Run) -> list[dict[str, Any]]:
    rows = []
    for customer, currency in {*one.customers, *other.customers}:
        a = one.customers.get((customer, currency), Money())
        b = other.customers.get((customer, currency), Money())
        stopped = (a.holds + a.rejections, b.holds + b.rejections)
        if a.net == b.net and stopped[0] == stopped[1]:
            continue
        row = {"customer_id": customer, "currency": currency, "sales": a.plain()["sales"]}
        row |= {"net_a": a.plain()["net"], "net_b": b.plain()["net"], "difference": str(_cents(b.net - a.net))}
        rows.append(row | {"stopped_a": stopped[0], "stopped_b": stopped[1]})
    # Amounts of two currencies are not compared: within each, the largest difference comes first.
    return sorted(rows, key=lambda row: (row["currency"], -abs(Decimal(row["difference"])), row["customer_id"]))


def _cents(amount: Decimal) -> Decimal:
    return amount.quantize(Decimal("0.01"))
