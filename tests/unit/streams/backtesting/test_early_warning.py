"""The judge of early warnings: severe events, the single rules, and which alerts count as true."""

from __future__ import annotations

from decimal import Decimal

import pytest

from streams.backtesting.early_warning import early_warning_report, rule_alerts, severe_days
from streams.backtesting.truth import Invoice, Truth

END = 2_000


def invoice(due: int, paid: int | None) -> Invoice:
    """An invoice of 100, issued 30 days before it is due."""
    return Invoice("C", due - 30, due, Decimal(100), "USD", paid=paid)


@pytest.mark.parametrize(("late", "expected"), [(60, []), (61, [1_061])])
def test_passing_60_days_past_due_is_severe(late: int, expected: list[int]) -> None:
    """60 days are not more than 60; the 61st day is the day of the event."""
    assert severe_days([invoice(1_000, 1_000 + late)], END) == expected


@pytest.mark.parametrize(("late", "expected"), [(15, []), (16, [1_116])])
def test_a_rise_of_the_mean_by_more_than_15_days_is_severe(late: int, expected: list[int]) -> None:
    """Early payment before counts as 0 days late, so that paying earlier once is no worsening later."""
    assert severe_days([invoice(1_000, 990), invoice(1_100, 1_100 + late)], END) == expected


def test_a_rule_alerts_once_per_episode() -> None:
    """A second invoice late meanwhile is the same episode; one after all are paid is a new one."""
    late = [invoice(1_000, 1_020), invoice(1_004, 1_030), invoice(1_100, 1_115)]
    assert rule_alerts(late, 15, END) == [1_015, 1_115]


@pytest.mark.parametrize(("alert", "lead"), [(1_061 - 120, 120), (1_061, 0), (1_061 - 121, None), (1_062, None)])
def test_an_alert_is_true_within_120_days_before_the_event(alert: int, lead: int | None) -> None:
    """Neither earlier nor after the event does it foretell anything: then it is false."""
    paid = [invoice(day, day) for day in (600, 610, 620, 630, 640)]
    late = invoice(1_000, 1_061)
    truth = Truth({("C", str(n)): i for n, i in enumerate([*paid, late])}, END)
    found, rules = early_warning_report(truth, {"C": [alert]})
    assert found["median_lead_days"] == lead
    assert found["recall"] == found["precision"] == (lead is not None)
    assert found["events"] == found["customers"] == 1
    assert rules["dpd_15"]["median_lead_days"] == 46
    assert rules["dpd_30"]["median_lead_days"] == 31
