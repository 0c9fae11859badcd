"""Laws of models.behaviour."""

from __future__ import annotations

from decimal import Decimal
from math import log, sqrt

import pytest

from models import behaviour
from models.account import Behaviour
from tests.unit.models.build import DAY, policy

RULES = policy(
    "behaviour: {half_life_days: 180, order_fast_half_life_days: 15, order_slow_half_life_days: 30}"
).behaviour


def _pay(known: Behaviour, amount: int, day: int, late: int, currency: str = "EUR") -> None:
    behaviour.record_payment(known, currency, Decimal(amount), DAY + day, DAY + day - late, RULES)


def _order(known: Behaviour, amount: int, day: int, currency: str = "EUR") -> None:
    behaviour.record_order(known, currency, Decimal(amount), DAY + day, RULES)


def test_nothing_is_known_before_the_first_payment() -> None:
    """Without payments there is no DBT, no index and no habit: unknown is not zero."""
    known = Behaviour()
    assert behaviour.days_beyond_terms(known) is None
    assert behaviour.mean_payment_index(known) is None
    assert behaviour.usual_days_late(known) is None
    assert behaviour.order_velocity(known, DAY, RULES) is None


def test_a_half_life_halves_a_payment() -> None:
    """10 days late a half-life ago beside a prompt one of the same amount: DBT (50x10 + 100x0) / 150."""
    known = Behaviour()
    _pay(known, 100, 0, late=10)
    _pay(known, 100, 180, late=0)
    assert behaviour.days_beyond_terms(known) == pytest.approx(10 / 3, rel=1e-12)
    assert known.weight == pytest.approx(1.5, rel=1e-12)


def test_payments_of_one_day_do_not_fade_each_other() -> None:
    """The past fades with days, not with counts: a hundred payments of one day weigh alike, the first as the last."""
    known = Behaviour()
    _pay(known, 100, 0, late=20)
    for _ in range(99):
        _pay(known, 100, 0, late=0)
    assert known.weight == 100.0
    assert behaviour.days_beyond_terms(known) == pytest.approx(0.2, rel=1e-12)


def test_time_alone_changes_no_average() -> None:
    """All facts fade alike, so DBT and habit stay until there is a new fact."""
    known = Behaviour()
    _pay(known, 300, 0, late=8)
    _pay(known, 100, 0, late=0)
    _order(known, 1, 400)  # brings all sums 400 days further
    assert behaviour.days_beyond_terms(known) == pytest.approx(6.0, rel=1e-12)
    usual = behaviour.usual_days_late(known)
    assert usual is not None
    assert usual[0] == pytest.approx(4.0, rel=1e-12)


def test_late_news_weigh_what_they_would_have() -> None:
    """A payment booked after a later one gives the same sums as in order."""
    ordered, swapped = Behaviour(), Behaviour()
    _pay(ordered, 100, 0, late=10)
    _pay(ordered, 40, 90, late=3)
    _pay(swapped, 40, 90, late=3)
    _pay(swapped, 100, 0, late=10)
    assert swapped.day == ordered.day == DAY + 90
    assert swapped.last_payment == ordered.last_payment == DAY + 90
    assert swapped.weight == pytest.approx(1 + sqrt(0.5), rel=1e-12)
    assert swapped.weight == pytest.approx(ordered.weight, rel=1e-12)
    assert swapped.cash["EUR"].paid == pytest.approx(40 + 100 * sqrt(0.5), rel=1e-12)
    assert swapped.cash["EUR"].late_amount_days == pytest.approx(ordered.cash["EUR"].late_amount_days, rel=1e-12)


def test_dbt_weighs_amounts() -> None:
    """A small late payment moves DBT less than a large prompt one: (10x30 + 90x0) / 100 = 3."""
    known = Behaviour()
    _pay(known, 10, 0, late=30)
    _pay(known, 90, 0, late=0)
    assert behaviour.days_beyond_terms(known) == pytest.approx(3.0, rel=1e-12)


def test_early_days_do_not_buy_late_ones() -> None:
    """Early payment counts as zero days beyond terms, yet as negative days in the habit."""
    known = Behaviour()
    _pay(known, 100, 0, late=-10)
    _pay(known, 100, 0, late=10)
    assert behaviour.days_beyond_terms(known) == pytest.approx(5.0, rel=1e-12)
    assert behaviour.usual_days_late(known) == (0.0, 10.0)


def test_dbt_is_that_of_the_worst_currency() -> None:
    """Currencies are never added: a large prompt one does not hide a small late one."""
    known = Behaviour()
    _pay(known, 1_000_000, 0, late=0)
    _pay(known, 10, 0, late=40, currency="USD")
    assert behaviour.days_beyond_terms(known) == 40.0


def test_payment_index_needs_three_payments() -> None:
    """The index appears with the third payment, amount-weighted: (100x80 + 100x50 + 200x70) / 400 = 67.5."""
    known = Behaviour()
    _pay(known, 100, 0, late=0)
    _pay(known, 100, 0, late=30)
    assert behaviour.mean_payment_index(known) is None
    _pay(known, 200, 0, late=15)
    assert behaviour.mean_payment_index(known) == pytest.approx(67.5, rel=1e-12)


def test_payment_index_is_that_of_the_worst_currency() -> None:
    """Of two currencies the lower index counts."""
    known = Behaviour()
    for _ in range(3):
        _pay(known, 1000, 0, late=0)
    _pay(known, 1, 0, late=60, currency="USD")
    assert behaviour.mean_payment_index(known) == 40.0


def test_habit_is_mean_and_deviation_of_faded_days_late() -> None:
    """10 late a half-life ago, 1 late now: mean (5+1)/1.5 = 4, variance (50+1)/1.5 - 16 = 18."""
    known = Behaviour()
    _pay(known, 5, 0, late=10)
    _pay(known, 5000, 180, late=1)
    usual = behaviour.usual_days_late(known)
    assert usual is not None
    assert usual == pytest.approx((4.0, sqrt(18.0)), rel=1e-12)


def test_steady_payer_has_no_deviation() -> None:
    """Always 7 days late is a habit without spread, whatever rounding does."""
    known = Behaviour()
    for day in range(0, 100, 7):
        _pay(known, 10, day, late=7)
    usual = behaviour.usual_days_late(known)
    assert usual is not None
    assert usual[0] == pytest.approx(7.0, rel=1e-12)
    assert usual[1] == pytest.approx(0.0, abs=1e-5)


def test_outcomes_fade_by_their_own_half_life() -> None:
    """A late outcome and, a half-life later, a good one: 1.5 weighed outcomes, 0.5 of them late; counts stay whole."""
    known = Behaviour()
    behaviour.record_outcome(known, True, DAY, 100)
    behaviour.record_outcome(known, False, DAY + 100, 100)
    assert (known.outcomes, known.late_outcomes) == (2, 1)
    assert known.weighted_outcomes == pytest.approx(1.5, rel=1e-12)
    assert known.weighted_late == pytest.approx(0.5, rel=1e-12)


def test_invoices_make_the_usual_amount_in_logs() -> None:
    """The usual amount is a mean of logs; the last amount and terms are kept as they are."""
    known = Behaviour()
    behaviour.record_invoice(known, 99.0, 30)
    behaviour.record_invoice(known, 9999.0, 60)
    assert known.amount_log_sum / known.invoices == pytest.approx(log(1000.0), rel=1e-12)
    assert (known.last_amount, known.last_terms) == (9999.0, 60)


def test_velocity_needs_orders_and_days() -> None:
    """No velocity with 4 orders or 29 days; with 5 orders over 30 days there is one."""
    known = Behaviour()
    for _ in range(4):
        _order(known, 100, 0)
    assert behaviour.order_velocity(known, DAY + 60, RULES) is None
    _order(known, 100, 0)
    assert behaviour.order_velocity(known, DAY + 28, RULES) is None
    assert behaviour.order_velocity(known, DAY + 29, RULES) is not None


def test_velocity_of_orders_all_today() -> None:
    """Age 30, half-lives 15 and 30: days weighed are 15x3/4 and 30x1/2 (over ln 2), so the ratio is 15 / 11.25."""
    known = Behaviour(first_order=DAY - 29)
    for _ in range(5):
        _order(known, 100, 0)
    assert behaviour.order_velocity(known, DAY, RULES) == pytest.approx(4 / 3, rel=1e-12)


def test_velocity_falls_in_silence() -> None:
    """30 days later: fast sum 1/4 over 15x15/16, slow sum 1/2 over 30x3/4, so the ratio is 0.8."""
    known = Behaviour(first_order=DAY - 29)
    for _ in range(5):
        _order(known, 100, 0)
    assert behaviour.order_velocity(known, DAY + 30, RULES) == pytest.approx(0.8, rel=1e-12)


def test_velocity_falls_no_further_than_a_hundredth() -> None:
    """After years of silence the ratio stays at 0.01, so that its reverse stays finite."""
    known = Behaviour()
    for _ in range(5):
        _order(known, 100, 0)
    assert behaviour.order_velocity(known, DAY + 3000, RULES) == 0.01


@pytest.mark.parametrize("days", [30, 60, 400])
def test_velocity_of_steady_orders_is_about_one(days: int) -> None:
    """One order of the same amount each day is the usual, in a young account as in an old one."""
    known = Behaviour()
    for day in range(days):
        _order(known, 100, day)
    assert behaviour.order_velocity(known, DAY + days - 1, RULES) == pytest.approx(1.0, abs=0.05)


def test_velocity_is_of_the_currency_furthest_from_one() -> None:
    """A spike in a small currency is not hidden by steady orders in a large one."""
    known = Behaviour()
    for day in range(100):
        _order(known, 1_000_000, day)
    steady = behaviour.order_velocity(known, DAY + 99, RULES)
    _order(known, 1, 99, currency="USD")
    spike = behaviour.order_velocity(known, DAY + 99, RULES)
    assert steady == pytest.approx(1.0, abs=0.05)
    # all of it today over an age of 100: slow days weighed / fast days weighed, both over ln 2
    assert spike == pytest.approx((30 * (1 - 2 ** (-100 / 30))) / (15 * (1 - 2 ** (-100 / 15))), rel=1e-12)


def test_late_order_moves_the_first_day_back() -> None:
    """An older order that arrives late makes the account older and counts faded."""
    known = Behaviour()
    _order(known, 100, 30)
    _order(known, 100, 0)
    assert known.first_order == DAY
    assert known.cash["EUR"].orders_slow == pytest.approx(150.0, rel=1e-12)
    assert known.cash["EUR"].orders_fast == pytest.approx(125.0, rel=1e-12)
