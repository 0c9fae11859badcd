"""Whom tightening strikes: its rate and its lead time by group of customers, with a guard for small groups."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from statistics import median
from typing import Any

from scipy.stats import chi2

from streams.backtesting.early_warning import MATCH_DAYS, severe_days, watched_days
from streams.backtesting.truth import Invoice

MINIMUM_CUSTOMERS = 30
"""Groups of fewer customers are shown without rates: they would say more of chance than of us."""


def fairness_report(
    customers: Mapping[str, Sequence[Invoice]],
    groups: Mapping[str, Mapping[str, str]],
    warnings: Mapping[str, Sequence[int]],
    last_day: int,
) -> dict[str, Any]:
    """Tightenings per customer-year with an exact 95 % Poisson interval (Garwood 1936), and how far ahead they were.

    ``customers``: all invoices by customer; ``groups``: for each dimension the group of each customer.
    """
    found = {
        dimension: [
            _group(name, [c for c in sorted(customers) if members.get(c) == name], customers, warnings, last_day)
            for name in sorted(set(members.values()))
        ]
        for dimension, members in groups.items()
        if members
    }
    return {"minimum_customers": MINIMUM_CUSTOMERS, "groups": found}


def _group(
    name: str,
    members: list[str],
    customers: Mapping[str, Sequence[Invoice]],
    warnings: Mapping[str, Sequence[int]],
    last_day: int,
) -> dict[str, Any]:
    years = sum(watched_days(customers[c], last_day) for c in members) / 365.25
    count = sum(len(warnings.get(c, ())) for c in members)
    leads, events = [], 0
    for customer in members:
        for day in severe_days(customers[customer], last_day):
            events += 1
            matched = [at for at in warnings.get(customer, ()) if 0 <= day - at <= MATCH_DAYS]
            leads += [day - min(matched)] if matched else []
    enough = len(members) >= MINIMUM_CUSTOMERS and years > 0
    low, high = poisson_interval(count)
    return {
        "name": name, "customers": len(members), "customer_years": years, "tightenings": count,
        "per_customer_year": count / years if enough else None,
        "low": low / years if enough else None, "high": high / years if enough else None,
        "share_of_customers": sum(bool(warnings.get(c)) for c in members) / len(members) if enough else None,
        "events": events, "median_lead_days": median(leads) if leads and enough else None, "enough": enough,
    }  # fmt: skip


def poisson_interval(count: int) -> tuple[float, float]:
    """95 % interval of a Poisson mean from one count."""
    low = float(chi2.ppf(0.025, 2 * count)) / 2.0 if count else 0.0
    return low, float(chi2.ppf(0.975, 2 * (count + 1))) / 2.0
