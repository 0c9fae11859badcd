"""How early and how surely alerts foretell severe events, judged by the truth that the run's raw events tell."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from statistics import fmean, median
from typing import Any

from streams.backtesting.truth import Invoice, Truth

MATCH_DAYS = 120
"""An alert is true if a severe event follows within so many days: twice the 60 DPD that make one severe."""
MIN_PAYMENTS = 5
SEVERE_DPD = 60
WINDOW_DAYS = 90
RISE_DAYS = 15.0
QUIET_DAYS = 90
"""Severe days closer than this are one event: one 90-day window sees them together."""
REFERENCE_RULES = (15, 30)


def early_warning_report(
    truth: Truth, engine_alerts: Mapping[str, Sequence[int]], since: int = 0
) -> tuple[dict[str, Any], Any]:
    """Figures of the engine, and the same for the single rules "an open invoice reaches D DPD".

    ``engine_alerts``: ordinals per customer. Customers with fewer than 5 paid invoices do not count, nor what was
    before the day ``since``.
    """
    customers = {
        customer: invoices
        for customer, invoices in truth.by_customer().items()
        if sum(invoice.paid is not None for invoice in invoices) >= MIN_PAYMENTS
    }
    events = _since(since, {c: severe_days(invoices, truth.last_day) for c, invoices in customers.items()})
    years = sum(watched_days(invoices, truth.last_day, since) for invoices in customers.values()) / 365.25
    rules = {
        f"dpd_{days}": _figures(
            events,
            _since(since, {c: rule_alerts(invoices, days, truth.last_day) for c, invoices in customers.items()}),
            years,
        )
        for days in REFERENCE_RULES
    }
    return _figures(events, _since(since, engine_alerts), years), rules


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


def _since(day: int, found: Mapping[str, Sequence[int]]) -> dict[str, list[int]]:
    return {customer: [at for at in days if at >= day] for customer, days in found.items()}


def _figures(
    events: Mapping[str, Sequence[int]], alerts: Mapping[str, Sequence[int]], years: float
) -> dict[str, float | int | None]:
    leads: list[int] = []
    true = false = total = 0
    for customer, days in events.items():
        raised = sorted(alerts.get(customer, ()))
        for day in days:
            total += 1
            matched = [at for at in raised if 0 <= day - at <= MATCH_DAYS]
            leads += [day - matched[0]] if matched else []
        for at in raised:
            hit = any(0 <= day - at <= MATCH_DAYS for day in days)
            true, false = true + hit, false + (not hit)
    return {
        "recall": len(leads) / total if total else None,
        "median_lead_days": median(leads) if leads else None,
        "precision": true / (true + false) if true + false else None,
        "false_alerts_per_customer_year": false / years if years else None,
        "events": total,
        "alerts": true + false,
        "customers": len(events),
        "customer_years": years,
    }
