"""Laws of a customer's own limit: from its usual orders where none is agreed, and rising in steps."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.account import Account, Master
from models.behaviour import record_order, usual_orders
from models.measures import LimitRules
from schemas.levels import Level
from tests.unit.models.book import Book, alerts, levels
from tests.unit.models.build import DAY, account, activated, invoiced, master, overridden, paid, placed, policy

CAPACITY = policy("limits: {capacity: {order_days: 45}, round_to: 1}")


def ordering(per_week: int = 700, days: int = 400, currency: str = "EUR") -> Account:
    """An account that orders the same every week, until ``DAY``."""
    known = account()
    for day in range(DAY - days, DAY + 1, 7):
        record_order(known.behaviour, currency, Decimal(per_week), day, CAPACITY.behaviour)
    return known


def base(known: Account, rules: LimitRules | None = None, day: int = 0) -> dict[str, Decimal]:
    """The limits at factor 1 after a look at the capacity on a day."""
    rules = rules or LimitRules(CAPACITY)
    rules.review_capacity(known, DAY + day)
    return rules.granted(known, Level.STANDARD, DAY + day)


def test_usual_orders_are_per_day() -> None:
    """700 a week are about 100 a day, whether the account is one year old or two months."""
    for days in (400, 63):
        usual = usual_orders(ordering(days=days).behaviour, DAY, CAPACITY.behaviour)
        assert usual["EUR"] == pytest.approx(100, rel=0.12)


def test_a_base_limit_follows_from_what_is_usually_ordered() -> None:
    """45 days of 100 a day; each currency by itself; the level's factor applies as to any base limit."""
    known = ordering()
    record_order(known.behaviour, "USD", Decimal(1), DAY, CAPACITY.behaviour)
    assert base(known)["EUR"] == pytest.approx(4_500, rel=0.12)
    assert base(known)["USD"] < 1
    assert LimitRules(CAPACITY).granted(known, Level.WATCH, DAY)["EUR"] == int(known.capacity["EUR"] * Decimal("0.7"))


def test_what_is_agreed_or_set_comes_first() -> None:
    """Capacity only fills the gap: master data and the policy's base rule the currencies they name."""
    known = ordering()
    known.master = Master(base_limits={"EUR": Decimal(50)})
    assert base(known) == {"EUR": 50}
    assert base(
        ordering(), LimitRules(policy("limits: {base: {EUR: 60}, capacity: {order_days: 45}, round_to: 1}"))
    ) == {"EUR": 60}


@pytest.mark.parametrize("known", [account(), ordering(days=28), ordering(per_week=700, days=14)])
def test_too_little_is_known_for_a_capacity(known: Account) -> None:
    """Without 5 orders over 30 days there is no limit set, which is not a limit of zero."""
    assert base(known) == {}


def test_the_default_sets_no_limit_by_capacity() -> None:
    """The default leaves it off: nothing is remembered, nothing is granted."""
    known = ordering()
    assert base(known, LimitRules(policy())) == {}
    assert known.capacity == {}


def test_capacity_is_looked_at_once_a_quarter_and_never_falls() -> None:
    """A spike does not carry the limit along before the review; silence does not take it away after it."""
    known = ordering()
    before = base(known)
    record_order(known.behaviour, "EUR", Decimal(100_000), DAY + 1, CAPACITY.behaviour)
    assert base(known, day=89) == before
    assert base(known, day=90)["EUR"] > before["EUR"]
    high = base(known, day=90)
    assert base(known, day=2_000) == high


def test_a_reviewed_capacity_rises_by_the_allowed_share() -> None:
    """With max_rise 0.1 an order of any size moves the base limit by a tenth per review."""
    rules = LimitRules(policy("limits: {capacity: {order_days: 45}, round_to: 0.01, max_rise: 0.1}"))
    known = ordering()
    before = base(known, rules)["EUR"]
    record_order(known.behaviour, "EUR", Decimal(10_000_000), DAY + 1, CAPACITY.behaviour)
    assert base(known, rules, day=90)["EUR"] == pytest.approx(before * Decimal("1.1"), abs=Decimal("0.02"))


STEPS = "limits: {base: {EUR: 1000}, max_rise: 0.25, rise_days: 10}\nmeasures: {STANDARD: {limit_factor: 1}}"


def test_a_limit_rises_in_steps_and_each_is_told() -> None:
    """From 500 (UNRATED) to 1000: 200 at once, and more every ten days, by time alone."""
    book = Book(STEPS)
    book.good_payer()
    first = next(change for change in levels(book.out) if change.level is Level.STANDARD)
    assert first.exposures[0].limit == 700  # a quarter of 1000 is 250; rounded down to the step of 100
    book.days(21, 40)
    told = [(change.exposures[0].limit, change.cause_type) for change in levels(book.out)]
    assert told == [(500, "order.invoiced"), (700, "tick"), (900, "tick"), (1000, "tick")]
    assert [alert.cause_kind for alert in alerts(book.out)] == ["LIMIT_OR_TERMS", "LIMIT_OR_TERMS"]


def test_cuts_are_never_in_steps() -> None:
    """What protects the seller counts at once."""
    book = Book(STEPS)
    book.good_payer()
    book.days(21, 50)
    book.see(activated(STEPS.replace("1000", "200"), 51))
    assert book.account.limits == {"EUR": 200}


def test_what_a_person_decides_is_given_at_once() -> None:
    """An override is no automatic rise."""
    book = Book(STEPS)
    book.good_payer()
    book.see(overridden(Level.PRIME, expires=60, day=21))
    assert book.account.limits == {"EUR": 1500}


def test_a_retraction_gives_everything_back_at_once() -> None:
    """A customer that had paid in time gets its limit as it was: the cut was our mistake."""
    book = Book(STEPS)
    book.good_payer()
    book.days(21, 50)
    book.see(invoiced("I1", 800, due=55, issued=51))
    book.days(52, 90)
    assert book.account.limits["EUR"] < 1000
    book.see(paid("I1", 800, day=54), day=91)
    assert book.account.limits["EUR"] >= 1000


def test_an_agreed_limit_rises_in_steps_as_well() -> None:
    """Whatever the news, the exposure that we allow grows step by step; a customer may be exempted by an override."""
    for exempt, limit in (("", 1_700), ("\noverrides: [{customer: C1, limits: {max_rise: null}}]", 3_000)):
        book = Book(STEPS + exempt)
        book.good_payer()
        book.days(21, 50)
        book.see(master(day=51, base_limits={"EUR": 3_000}))
        assert book.account.limits == {"EUR": limit}


def test_held_orders_are_released_as_the_limit_rises() -> None:
    """The step that makes room releases what waited for it."""
    book = Book(STEPS)
    book.good_payer()
    book.see(placed("O1", 850, day=20))
    assert book.account.orders["O1"].held
    book.days(21, 40)
    assert not book.account.orders["O1"].held


amounts = st.decimals(0, 100_000, places=2)


@settings(max_examples=200, deadline=None, derandomize=True)
@given(amounts, amounts, amounts, st.sampled_from([0.01, 0.25, 1.0]), st.integers(1, 60))
def test_steps_lead_to_the_target(
    before: Decimal, target: Decimal, base_limit: Decimal, rise: float, days: int
) -> None:
    """No step is larger than allowed, none comes too early, none overshoots, and the last one ends it."""
    rules = LimitRules(policy(f"limits: {{max_rise: {rise}, rise_days: {days}, round_to: 1}}"))
    known = account()
    known.limits = {"EUR": before}
    day, wanted, allowed = DAY, {"EUR": target}, max(base_limit * Decimal(str(rise)), Decimal(1))
    for _ in range(5):
        limit = known.limits["EUR"]
        known.limits, due = rules.stepped(known, wanted, {"EUR": base_limit}, day)
        assert known.limits["EUR"] == target or limit < known.limits["EUR"] <= limit + allowed
        assert (due == 0) == (known.limits["EUR"] == target)
        if not due:
            return
        assert due == day + days
        waiting, _ = rules.stepped(known, wanted, {"EUR": base_limit}, due - 1)
        assert waiting == known.limits
        day = due
