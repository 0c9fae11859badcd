"""Figures of early warnings from judged customers, and their bootstrap intervals, drawn by customer."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from streams.backtesting.intervals import DRAWS, drawn_customers, percentile_interval

if TYPE_CHECKING:
    from streams.backtesting.early_warning import Judged

Figures = dict[str, float | int | None]
INTERVALS = (
    "recall",
    "median_lead_days",
    "p10_lead_days",
    "precision",
    "false_alerts_per_customer_year",
    "false_alerts_per_100_customers_per_quarter",
)


class WarningSums:
    """What all customers come to, however often each counts."""

    def __init__(self, judged: Mapping[str, Judged]) -> None:
        customers = [judged[customer] for customer in sorted(judged)]
        self.size = len(customers)
        self._events = np.array([c.events for c in customers], dtype=np.int64)
        self._caught = np.array([len(c.leads) for c in customers], dtype=np.int64)
        self._true = np.array([c.true for c in customers], dtype=np.int64)
        self._false = np.array([c.false for c in customers], dtype=np.int64)
        self._years = np.array([c.years for c in customers], dtype=float)
        self._leads = np.array([lead for c in customers for lead in c.leads], dtype=float)
        self._owner = np.repeat(np.arange(self.size), self._caught)

    def figures(self, weight: NDArray[np.int64]) -> Figures:
        """The figures when customer n (in order of the ids) counts ``weight[n]`` times; None: nothing to measure.

        Leads in days, interpolated linearly; P10: one in ten was no longer. A quarter = a fourth of a customer-year.
        """
        events, true, false = (int(weight @ part) for part in (self._events, self._true, self._false))
        years = float(weight @ self._years)
        leads = np.repeat(self._leads, weight[self._owner])
        per_year = false / years if years else None
        return {
            "recall": len(leads) / events if events else None,
            "median_lead_days": float(np.median(leads)) if len(leads) else None,
            "p10_lead_days": float(np.quantile(leads, 0.1)) if len(leads) else None,
            "precision": true / (true + false) if true + false else None,
            "false_alerts_per_customer_year": per_year,
            "false_alerts_per_100_customers_per_quarter": None if per_year is None else per_year * 100 / 4,
            "events": events,
            "alerts": true + false,
            "customers": int(weight.sum()),
            "customer_years": years,
        }

    def drawn(self, draws: int = DRAWS) -> Iterator[Figures]:
        """The figures of customers drawn with replacement; the same draws for any alerts about the same customers."""
        return (self.figures(weight) for weight in drawn_customers(self.size, draws))


def warning_figures(judged: Mapping[str, Judged]) -> Figures:
    """The figures of all customers, each once."""
    sums = WarningSums(judged)
    return sums.figures(np.ones(sums.size, dtype=np.int64))


def warning_intervals(judged: Mapping[str, Judged], draws: int = DRAWS) -> dict[str, Any]:
    """95 % percentile intervals by figure; None where no draw had anything to measure."""
    drawn = list(WarningSums(judged).drawn(draws))
    return {name: percentile_interval([v for row in drawn if (v := row[name]) is not None]) for name in INTERVALS}
