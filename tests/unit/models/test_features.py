"""Laws of models.default_risk.features."""

from __future__ import annotations

from decimal import Decimal
from math import log, log1p, sqrt
from statistics import NormalDist

import pytest

from models.account import Account, Behaviour
from models.behaviour import record_invoice, record_order, record_payment
from models.default_risk.features import NAMES, as_dict, features, logit, values
from models.exposure import oldest_dpd
from tests.unit.models.build import DAY, account, owing, policy

RULES = policy()


def _features(
    known: Account, amount: float = 100.0, due: int = 30, day: int = 0, rate: float = 0.1
) -> dict[str, float]:
    found = features(known, oldest_dpd(known, DAY + day, RULES), amount, DAY + due, rate, DAY + day, 5)
    return as_dict(NAMES, found)


def _paying(late: int, spread: int = 0) -> Account:
    known = account()
    known.behaviour = Behaviour()
    for days in (late - spread, late + spread):
        record_payment(known.behaviour, "EUR", Decimal(10), DAY - 7, DAY - 7 - days, RULES.behaviour)
    return known


@pytest.mark.parametrize(("probability", "odds"), [(0.5, 1.0), (0.1, 1 / 9), (0.75, 3.0)])
def test_logit_is_the_log_of_the_odds(probability: float, odds: float) -> None:
    """Log-odds are ln(p / (1 - p))."""
    assert logit(probability) == pytest.approx(log(odds), abs=1e-12)


def test_logit_stays_finite() -> None:
    """Certainty is kept at one in a million on both sides."""
    assert logit(0.0) == pytest.approx(log(1e-6 / (1 - 1e-6)))
    assert logit(1.0) == pytest.approx(-logit(0.0), rel=1e-9)
    assert logit(1e-9) == logit(0.0)


def test_features_are_32_bit_and_in_order() -> None:
    """Each feature takes four bytes, in the order of NAMES; the packed form reads back as itself."""
    packed = features(account(), 0, 100.0, DAY + 30, 0.1, DAY, 5)
    assert len(packed) == 4 * len(NAMES) == 44
    assert values(packed).tobytes() == packed
    assert list(as_dict(NAMES, packed)) == list(NAMES)


def test_features_of_an_unknown_customer() -> None:
    """Nothing known: book rate, an average amount, no age, never paid, habit of 0 +- 5 days with noise of 2."""
    found = _features(account())
    late = NormalDist().cdf(-5.5 / sqrt(5.0**2 + 2.0**2))
    assert found == pytest.approx(
        {
            "rate_logit": log(1 / 9),
            "late_by_habit": logit(0.01 + 0.98 * late),
            "unusual_amount": 0.0,
            "new_customer": 1.0,
            "age_log": 0.0,
            "due_at_month_end": 0.0,  # 3 April
            "working_days": 3.0,  # due on a Wednesday: Thursday, Friday, Monday
            "oldest_dpd_log": 0.0,
            "open_count_log": 0.0,
            "since_payment_log": log1p(365),
            "due_at_once": 0.0,
        },
        rel=1e-6,
    )


@pytest.mark.parametrize("late", [-20, 0, 5, 6, 30])
def test_habit_is_the_chance_of_being_late_again(late: int) -> None:
    """Days late are normal around the customer's own, the steadiest payer still varying by two days."""
    expected = NormalDist(late, 2.0).cdf(5.5)
    assert _features(_paying(late))["late_by_habit"] == pytest.approx(logit(0.01 + 0.98 * (1 - expected)), rel=1e-5)


def test_habit_widens_with_the_spread() -> None:
    """Payments 0 and 8 days late have a deviation of 4, which adds to the noise in squares."""
    late = 1 - NormalDist(4.0, sqrt(4.0**2 + 2.0**2)).cdf(5.5)
    assert _features(_paying(4, spread=4))["late_by_habit"] == pytest.approx(logit(0.01 + 0.98 * late), rel=1e-5)


def test_unusual_amount_compares_logs() -> None:
    """An invoice of 9999 after a usual 99 is ln(10000 / 100) above it."""
    known = account()
    record_invoice(known.behaviour, 99.0, 30)
    assert _features(known, amount=9999.0)["unusual_amount"] == pytest.approx(log(100.0), rel=1e-6)


def test_payments_end_the_new_customer() -> None:
    """After a payment the customer is not new, and the days since it count."""
    found = _features(_paying(0), day=3)
    assert found["new_customer"] == 0.0
    assert found["since_payment_log"] == pytest.approx(log1p(10), rel=1e-6)


def test_days_since_a_payment_are_bounded() -> None:
    """Longer than a year ago is as never."""
    assert _features(_paying(0), day=800, due=830)["since_payment_log"] == pytest.approx(log1p(365), rel=1e-6)


def test_age_counts_from_the_first_order() -> None:
    """The age of a customer is that of its first order."""
    known = account()
    record_order(known.behaviour, "EUR", Decimal(1), DAY - 99, RULES.behaviour)
    assert _features(known)["age_log"] == pytest.approx(log(100.0), rel=1e-6)


@pytest.mark.parametrize(("due", "flag"), [(21, 0.0), (22, 1.0), (27, 1.0), (28, 0.0)])
def test_month_end_is_from_the_26th(due: int, flag: float) -> None:
    """Due on 26 to 31 March is at month's end; 25 March and 1 April are not."""
    assert _features(account(), due=due)["due_at_month_end"] == flag


@pytest.mark.parametrize(("due", "days"), [(7, 4), (8, 3), (9, 3), (10, 3), (11, 3), (12, 4), (13, 5)])
def test_working_days_until_bad(due: int, days: int) -> None:
    """Of the 5 days after a due Monday 4 are working days; after Tuesday to Friday 3, Saturday 4, Sunday 5."""
    assert _features(account(), due=due)["working_days"] == days


def test_open_items_are_seen() -> None:
    """The oldest overdue item and the number of open ones are features, whatever their currency."""
    found = _features(owing(("I1", 50, -9), ("I2", 50, -3), ("I3", 50, 9)))
    assert found["oldest_dpd_log"] == pytest.approx(log(10.0), rel=1e-6)
    assert found["open_count_log"] == pytest.approx(log(4.0), rel=1e-6)


@pytest.mark.parametrize(("due", "flag"), [(0, 1.0), (1, 1.0), (2, 0.0)])
def test_due_at_once(due: int, flag: float) -> None:
    """An invoice due today or tomorrow is due at once."""
    assert _features(account(), due=due)["due_at_once"] == flag


def test_features_change_nothing() -> None:
    """To compute features leaves the account as it was."""
    known = owing(("I1", 50, -9))
    _features(known)
    assert known == owing(("I1", 50, -9))
