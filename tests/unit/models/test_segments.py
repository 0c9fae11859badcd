"""Rates by segment: between the customer and the book, counted plainly, bounded in number."""

from __future__ import annotations

import pytest

from models.account import Behaviour, Master, Prediction
from models.default_risk.risk import DefaultRisk
from models.default_risk.segments import MOST, SegmentRates, segment_of
from tests.unit.models.build import account, policy

RULES = policy(
    "default_risk: {prior_weight: 5, segment_weight: 10, base_rate: 0.1, base_weight: 10, model_weight: 0,"
    " recalibration_prior: null, trust_outcomes: 50, new_customer_factor: 2}"
).default_risk


def learn(risk: DefaultRisk, segment: str | None, bad: bool) -> None:
    customer = account()
    customer.master.segment = segment
    risk.learn(customer, "I", Prediction(100, 60, 94, 0.1, 0.1, bytes(44), settled=None if bad else 90))


def test_the_segment_is_named_by_segment_or_else_sector() -> None:
    assert segment_of(Master(segment="key", sector="food")) == "segment:key"
    assert segment_of(Master(sector="food")) == "sector:food"
    assert segment_of(Master(name="food")) is None


def test_a_customer_is_smoothed_to_its_segment_and_that_to_the_book() -> None:
    """Book: (2 + 1) / (10 + 10) = .15; segment: (2 + 10 x .15) / (4 + 10) = .25; customer: (0 + 5 x .25) / (5 + 5)."""
    risk = DefaultRisk(RULES)
    for bad in (True, True, False, False):
        learn(risk, "bad payers", bad)
    for _ in range(6):
        learn(risk, None, False)
    own = Behaviour(outcomes=5, weighted_outcomes=5.0)
    assert risk.book_rate == pytest.approx(0.15)
    assert risk.customer_rate(own, "segment:bad payers") == pytest.approx(0.125)
    assert risk.customer_rate(own) == risk.customer_rate(own, "segment:unknown") == pytest.approx(0.075)
    assert risk.naive_rate(own) == pytest.approx(0.075), "the bar stays the plain rate"


def test_new_customers_start_above_their_segment() -> None:
    risk = DefaultRisk(RULES)
    for number in range(60):
        learn(risk, "good" if number % 2 else "bad", number % 2 == 0)
    good = risk.predict(bytes(44), Behaviour(), "segment:good")
    bad = risk.predict(bytes(44), Behaviour(), "segment:bad")
    assert good == pytest.approx(2 * risk.customer_rate(Behaviour(), "segment:good"))
    assert good < 2 * risk.book_rate < bad == 0.9


def test_counts_are_kept_and_bounded() -> None:
    risk = DefaultRisk(RULES)
    for number in range(MOST + 50):
        learn(risk, f"s{number}", True)
    state = risk.state()
    assert len(state.segments) == MOST
    assert DefaultRisk(RULES, state).customer_rate(Behaviour(), "segment:s0") == risk.customer_rate(
        Behaviour(), "segment:s0"
    )


def test_without_a_weight_segments_do_not_count() -> None:
    rates = SegmentRates(None, {})
    rates.learn("segment:x", True)
    assert rates.rate("segment:x", 0.2) == 0.2
