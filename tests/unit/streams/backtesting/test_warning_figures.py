"""Figures of early warnings: sums over customers, and intervals drawn by customer."""

from __future__ import annotations

from statistics import median, quantiles

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.backtesting.early_warning import Judged
from streams.backtesting.warning_figures import INTERVALS, warning_figures, warning_intervals


def judged(customers: int) -> dict[str, Judged]:
    """60 customers' worth of events and alerts, shared among so many."""
    share = 60 // customers
    return {
        f"C{n}": Judged(share, tuple(20 + n for _ in range(share)) if n % 3 else (), share * (n % 3 > 0), share, share)
        for n in range(customers)
    }


customers = st.lists(
    st.builds(
        lambda missed, leads, true, false, years: Judged(missed + len(leads), tuple(leads), true, false, years),
        st.integers(0, 3), st.lists(st.integers(0, 120), max_size=3), st.integers(0, 3), st.integers(0, 3),
        st.floats(0.1, 5),
    ),
    max_size=8,
)  # fmt: skip


@given(customers)
def test_figures_are_of_all_customers_and_lie_in_their_intervals_range(found: list[Judged]) -> None:
    """Shares of sums, median and P10 of all leads; what cannot be measured is None, in the interval too."""
    by_customer = {f"C{n}": one for n, one in enumerate(found)}
    figures = warning_figures(by_customer)
    leads = [lead for one in found for lead in one.leads]
    events, alerts = sum(one.events for one in found), sum(one.true + one.false for one in found)
    assert (figures["events"], figures["alerts"], figures["customers"]) == (events, alerts, len(found))
    assert figures["recall"] == (len(leads) / events if events else None)
    assert figures["median_lead_days"] == (median(leads) if leads else None)
    deciles = quantiles(leads, n=10, method="inclusive") if len(leads) > 1 else leads
    assert figures["p10_lead_days"] == (pytest.approx(deciles[0]) if leads else None)
    assert figures["precision"] == (sum(one.true for one in found) / alerts if alerts else None)
    spans = warning_intervals(by_customer, draws=40)
    assert set(spans) == set(INTERVALS)
    for name, span in spans.items():
        assert span is None or (span[0] <= span[1] and figures[name] is not None)


def test_fewer_customers_make_wider_intervals_and_they_repeat() -> None:
    """The same events and alerts say less when few customers had them."""
    few, many = warning_intervals(judged(6)), warning_intervals(judged(60))
    for name in ("recall", "precision"):
        assert few[name][1] - few[name][0] > 1.5 * (many[name][1] - many[name][0])
    assert many == warning_intervals(judged(60))
    low, high = many["recall"]
    assert low < 2 / 3 < high


def test_customers_alike_leave_no_doubt() -> None:
    """Where every customer is the same, every draw is."""
    same = {f"C{n}": Judged(2, (10,), 1, 3, 0.5) for n in range(9)}
    spans = warning_intervals(same)
    assert spans["recall"] == [0.5, 0.5]
    assert spans["precision"] == [0.25, 0.25]
    assert spans["median_lead_days"] == spans["p10_lead_days"] == [10, 10]
    assert spans["false_alerts_per_customer_year"] == pytest.approx([6, 6])
    # 27 false ones of 9 customers in half a year each: of 100 customers 300 in two quarters.
    assert spans["false_alerts_per_100_customers_per_quarter"] == pytest.approx([150, 150])
