"""How early and how surely alerts foretell severe events, judged by the truth that the run's raw events tell."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import Any

from streams.backtesting.truth import Invoice, Truth
from streams.backtesting.warning_figures import warning_figures, warning_intervals

MATCH_DAYS = 120
"""An alert is true if a severe event follows within so many days: twice the 60 DPD that make one severe."""
MIN_PAYMENTS = 5
SEVERE_DPD = 60
WINDOW_DAYS = 90
RISE_DAYS = 15.0
QUIET_DAYS = 90
"""Severe days closer than this are one event: one 90-day window sees them together."""
REFERENCE_RULES = (15, 30)


@dataclass(frozen=True, slots=True)
class Judged:
    """One customer's part: its severe events, the leads (days) of those foretold, its alerts, its years under watch."""

    events: int
    leads: tuple[int, ...]
    true: int
    false: int
    years: float


def early_warning_report(
    truth: Truth, engine_alerts: Mapping[str, Sequence[int]], since: int = 0
) -> tuple[dict[str, Any], Any]:
    """Figures of the engine, and the same for the single rules "an open invoice reaches D DPD", with intervals.

    ``engine_alerts``: ordinals per customer. Customers with fewer than 5 paid invoices do not count, nor what was
    before the day ``since``.
    """
    rules = {
        f"dpd_{days}": {
            customer: rule_alerts(invoices, days, truth.last_day) for customer, invoices in truth.by_customer().items()
        }
        for days in REFERENCE_RULES
    }
    judged = {name: judge(truth, alerts, since) for name, alerts in {"engine": engine_alerts, **rules}.items()}
    found = {
        name: {**warning_figures(customers), "intervals": warning_intervals(customers)}
        for name, customers in judged.items()
    }
    return found.pop("engine"), found


def judge(truth: Truth, alerts: Mapping[str, Sequence[int]], since: int = 0) -> dict[str, Judged]:
    """Each customer's alerts held against its severe events; see ``early_warning_report``."""
    found = {}
    for customer, invoices in truth.by_customer().items():
        if sum(invoice.paid is not None for invoice in invoices) < MIN_PAYMENTS:
            continue
        days = [day for day in severe_days(invoices, truth.last_day) if day >= since]
        raised = sorted(at for at in alerts.get(customer, ()) if at >= since)
        matched = [[at for at in raised if 0 <= day - at <= MATCH_DAYS] for day in days]
        true = sum(any(0 <= day - at <= MATCH_DAYS for day in days) for at in raised)
        leads = tuple(day - before[0] for day, before in zip(days, matched, strict=True) if before)
        years = watched_days(invoices, truth.last_day, since) / 365.25
        found[customer] = Judged(len(days), leads, true, len(raised) - true, years)
    return found


def severe_days(invoices: Sequence[Invoice], last_day: int) -> list[int]:
    """First days of severe events: an invoice passes 60 DPD, or mean lateness rises by more than 15 days.

    The mean is that of the payments of 90 days, against the 90 days before; early payment counts as 0 days late.
    """
    days = [day for invoice in invoices if (day := invoice.passes(SEVERE_DPD, last_day)) is not None]
    paid = [(invoice.paid, max(0, invoice.paid - invoice.due)) for invoice in invoices if invoice.paid is not None]
    for day in {day for day, _ in paid}:
        now = [late for at, late in paid if day - WINDOW_DAYS < at <= day]
        before = [late for at, late in paid if day - 2 * WINDOW_DAYS < at <= day - WINDOW_DAYS]
        if now and before and fmean(now) - fmean(before) > RISE_DAYS:
            days.append(day)
    starts: list[int] = []
    previous: int | None = None
    for day in sorted(days):
        if previous is None or day - previous > QUIET_DAYS:
            starts.append(day)
        previous = day
    return starts


def rule_alerts(invoices: Sequence[Invoice], days_past_due: int, last_day: int) -> list[int]:
    """First days of the episodes in which some invoice is open at so many days past due or more."""
    spans = sorted(
        (day, invoice.paid if invoice.paid is not None else last_day)
        for invoice in invoices
        if (day := invoice.passes(days_past_due - 1, last_day)) is not None
    )
    starts: list[int] = []
    end: int | None = None
    for start, until in spans:
        if end is None or start > end:
            starts.append(start)
        end = until if end is None else max(end, until)
    return starts


def watched_days(invoices: Sequence[Invoice], last_day: int, since: int = 0) -> int:
    """Days under watch: from the first issue to the last payment, or to the end where one is open."""
    last = max(invoice.paid if invoice.paid is not None else last_day for invoice in invoices)
    return max(0, last - max(since, min(invoice.issued for invoice in invoices)))
