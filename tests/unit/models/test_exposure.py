"""Laws of models.exposure."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.account import Dispute, OpenItem, OpenOrder
from models.exposure import ageing, concentration, material, oldest_dpd, positions
from models.scorecard import Scorecard
from tests.unit.models.build import DAY, account, owing, policy

RULES = policy(
    "{materiality: {tolerance: 1, share_of_exposure: 0.05, amount_days: 50000}, limits: {credit_horizon_days: 90}}"
)


def test_exposure_is_orders_and_invoices_less_unapplied_cash() -> None:
    """exposure = open orders + open invoices - unapplied cash: 500 + 300 - 120 = 680."""
    known = owing(("I1", 300, 30))
    known.orders["O1"] = OpenOrder(Decimal(500), "EUR", DAY)
    known.unapplied["EUR"] = Decimal(120)
    position = positions(known, DAY, RULES)["EUR"]
    assert (position.open_orders, position.open_invoices, position.unapplied) == (500, 300, 120)
    assert position.exposure == 680


def test_unapplied_cash_alone_makes_a_negative_exposure() -> None:
    """A customer in credit owes less than nothing."""
    known = account()
    known.unapplied["EUR"] = Decimal(120)
    assert positions(known, DAY, RULES)["EUR"].exposure == -120


def test_nothing_open_is_no_position() -> None:
    """Only currencies with something open have a position."""
    assert positions(account(), DAY, RULES) == {}


def test_currencies_have_their_own_positions() -> None:
    """No amount crosses to another currency."""
    known = owing(("I1", 300, -10))
    known.items["I2"] = OpenItem(Decimal(70), "USD", DAY - 20, Decimal(70))
    known.open_invoices["USD"] = Decimal(70)
    known.orders["O1"] = OpenOrder(Decimal(9), "CNY", DAY)
    found = positions(known, DAY, RULES)
    assert {currency: p.exposure for currency, p in found.items()} == {"EUR": 300, "USD": 70, "CNY": 9}
    assert (found["EUR"].oldest_dpd, found["USD"].oldest_dpd, found["CNY"].oldest_dpd) == (10, 20, 0)


def test_held_orders_are_no_exposure() -> None:
    """An order on hold is not going to be shipped."""
    known = account()
    known.orders["O1"] = OpenOrder(Decimal(500), "EUR", DAY, held=True)
    known.orders["O2"] = OpenOrder(Decimal(20), "EUR", DAY)
    assert positions(known, DAY, RULES)["EUR"].open_orders == 20


@pytest.mark.parametrize(("days_ahead", "counted"), [(90, 500), (91, 0)])
def test_orders_beyond_the_credit_horizon_are_no_exposure(days_ahead: int, counted: int) -> None:
    """An order delivered later than the horizon does not count yet; on the horizon it does."""
    known = owing(("I1", 1, 30))
    known.orders["O1"] = OpenOrder(Decimal(500), "EUR", DAY, delivery=DAY + days_ahead)
    assert positions(known, DAY, RULES)["EUR"].open_orders == counted
    assert positions(known, DAY + 1, RULES)["EUR"].open_orders == 500


def test_overdue_begins_the_day_after_due() -> None:
    """On its due date an invoice is not overdue, the day after it is one day past due."""
    known = owing(("I1", 300, 0))
    assert positions(known, DAY, RULES)["EUR"].items == []
    position = positions(known, DAY + 1, RULES)["EUR"]
    assert (position.oldest_dpd, position.overdue, position.overdue_amount_days) == (1, 300, 300.0)


def test_overdue_sums_amount_times_days() -> None:
    """300 x 10 + 100 x 40 = 7000 amount-days over 1000 open: 7 mean days past due."""
    known = owing(("I1", 300, -10), ("I2", 100, -40), ("I3", 600, 5))
    position = positions(known, DAY, RULES)["EUR"]
    assert position.overdue == 400
    assert position.overdue_amount_days == 7000.0
    assert position.oldest_dpd == 40
    assert position.mean_days_past_due == pytest.approx(7.0)
    assert sorted(position.items) == [(10, Decimal(300), "I1"), (40, Decimal(100), "I2")]


@pytest.mark.parametrize(("rest", "dpd"), [("1", 0), ("1.01", 80)])
def test_rounding_is_never_overdue(rest: str, dpd: int) -> None:
    """A rest up to the tolerance is rounding, however old; a cent more is overdue."""
    known = owing(("I1", rest, -80))
    position = positions(known, DAY, RULES)["EUR"]
    assert position.oldest_dpd == dpd
    assert position.exposure == Decimal(rest)


@pytest.mark.parametrize(("small", "matters"), [(50, True), (49, False)])
def test_overdue_is_material_from_a_share_of_exposure(small: int, matters: bool) -> None:
    """Of an exposure of 1000, an overdue part of 5 % matters, one just below does not."""
    known = owing(("I1", small, -20), ("I2", 1000 - small, 30))
    assert material(positions(known, DAY, RULES)["EUR"], 1, RULES) is matters


@pytest.mark.parametrize(("amount", "matters"), [(1000, True), (999, False)])
def test_overdue_is_material_from_amount_times_days(amount: int, matters: bool) -> None:
    """Below the share, 1000 for 50 days reaches the 50000 amount-days, 999 does not."""
    known = owing(("I1", amount, -50), ("I2", 1_000_000, 30))
    assert material(positions(known, DAY, RULES)["EUR"], 1, RULES) is matters


def test_count_of_invoices_is_not_material() -> None:
    """Forty small overdue invoices weigh what one of their sum does: 50 of 1000 is 5 %, 48 of 1000 is not."""
    known = owing(*[(f"I{number}", "1.25", -20) for number in range(40)], ("BIG", 950, 30))
    position = positions(known, DAY, RULES)["EUR"]
    assert len(position.items) == 40
    assert position.overdue == 50
    assert material(position, 1, RULES)
    less = owing(*[(f"I{number}", "1.20", -20) for number in range(40)], ("BIG", 952, 30))
    assert not material(positions(less, DAY, RULES)["EUR"], 1, RULES)


def test_materiality_at_a_floor_counts_only_older_items() -> None:
    """A trifle 90 days late beside a large item 10 days late is material at 1 day, not at 30."""
    known = owing(("OLD", 2, -90), ("NEW", 900, -10), ("CUR", 98, 30))
    position = positions(known, DAY, RULES)["EUR"]
    assert material(position, 1, RULES)
    assert material(position, 10, RULES)
    assert not material(position, 11, RULES)
    assert not material(position, 90, RULES)
    assert not material(position, 91, RULES)


def test_unapplied_cash_covers_what_is_overdue() -> None:
    """Whoever has paid is not overdue, whether or not the cash is applied yet; one euro short of rounding, it is."""
    known = owing(("I1", 100, -20))
    known.unapplied["EUR"] = Decimal(99)
    position = positions(known, DAY, RULES)["EUR"]
    assert (position.overdue, position.oldest_dpd, position.items) == (0, 0, [])
    assert not material(position, 1, RULES)
    assert oldest_dpd(known, DAY, RULES) == 0
    known.unapplied["EUR"] = Decimal(98)
    position = positions(known, DAY, RULES)["EUR"]
    assert (position.overdue, position.oldest_dpd, position.items) == (2, 20, [(20, 2, "I1")])
    assert material(position, 1, RULES)
    assert oldest_dpd(known, DAY, RULES) == 20


def test_unapplied_cash_covers_the_oldest_first_in_its_currency() -> None:
    """Of items 60, 30 and 5 days late, 150 euros cover the first and half of the second; dollars cover none."""
    known = owing(("MID", 100, -30), ("OLD", 100, -60), ("NEW", 100, -5))
    known.unapplied |= {"EUR": Decimal(150), "USD": Decimal(1000)}
    position = positions(known, DAY, RULES)["EUR"]
    assert position.items == [(30, 50, "MID"), (5, 100, "NEW")]
    assert (position.overdue, position.overdue_amount_days, position.oldest_dpd) == (150, 2000.0, 30)
    assert position.exposure == 150
    assert oldest_dpd(known, DAY, RULES) == 30


def test_cash_owed_back_makes_nothing_overdue() -> None:
    """Unapplied cash below zero (reversed twice) neither covers nor adds."""
    known = owing(("I1", 100, -20))
    known.unapplied["EUR"] = Decimal(-40)
    assert positions(known, DAY, RULES)["EUR"].overdue == 100


@given(
    st.lists(st.tuples(st.integers(1, 500), st.integers(-40, 10)), min_size=1, max_size=6),
    st.integers(-100, 2000),
    st.dictionaries(st.integers(0, 5), st.integers(1, 500) | st.none(), max_size=4),
)
def test_what_is_overdue_is_never_more_than_owed(
    items: list[tuple[int, int]], cash: int, disputed: dict[int, int | None]
) -> None:
    """The two ways to ask for the oldest item agree; overdue = sum of its items, never above exposure, and less with
    each euro of cash or dispute; what is disputed and what is overdue never exceed what is open."""
    known = owing(*[(f"I{number}", amount, due) for number, (amount, due) in enumerate(items)])
    plain = positions(known, DAY, RULES)["EUR"]
    if cash:
        known.unapplied["EUR"] = Decimal(cash)
    for number, amount in disputed.items():
        known.disputes[f"I{number}"] = Dispute(0, True, None if amount is None else Decimal(amount), "EUR")
    position = positions(known, DAY, RULES)["EUR"]
    assert position.overdue == sum((amount for _, amount, _ in position.items), Decimal(0)) <= plain.overdue
    assert position.oldest_dpd == oldest_dpd(known, DAY, RULES) <= plain.oldest_dpd
    assert position.overdue_amount_days <= plain.overdue_amount_days
    assert position.overdue + position.disputed <= position.open_invoices
    assert position.overdue <= max(position.exposure, Decimal(0))
    assert position.exposure == plain.exposure - cash


def test_concentration_is_the_largest_of_three_or_more() -> None:
    """Largest / all open, invoices and orders alike, of the worst currency; two items tell nothing, nor held orders."""
    known = owing(("I1", 60, 5), ("I2", 20, 5))
    where = positions(known, DAY, RULES)
    assert concentration(known, where, DAY, RULES) is None
    known.orders["O1"] = OpenOrder(Decimal(20), "EUR", DAY)
    known.orders["O2"] = OpenOrder(Decimal(900), "EUR", DAY, held=True)
    assert concentration(known, positions(known, DAY, RULES), DAY, RULES) == 0.6
    known.orders["O3"] = OpenOrder(Decimal(900), "EUR", DAY, held=True, free=Decimal(20))
    assert concentration(known, positions(known, DAY, RULES), DAY, RULES) == 0.5
    del known.orders["O3"]
    for number in range(4):
        known.orders[f"U{number}"] = OpenOrder(Decimal(10), "USD", DAY)
    assert concentration(known, positions(known, DAY, RULES), DAY, RULES) == 0.6


def test_concentration_counts_where_the_policy_weighs_it() -> None:
    """Off by default; with a weight it is a component like any other."""
    known = owing(("I1", 60, 5), ("I2", 20, 5), ("I3", 20, 5))
    where = positions(known, DAY, RULES)
    weighed = policy("scorecard: {concentration: {weight: 5}}")
    assert "concentration" not in Scorecard(RULES).measures(known, where, {}, DAY)
    assert Scorecard(weighed).measures(known, where, {}, DAY)["concentration"] == 0.6


def test_nothing_overdue_is_not_material() -> None:
    """Without an overdue item nothing matters, even where the policy takes every share."""
    every = policy("materiality: {share_of_exposure: 0, amount_days: 0}")
    known = owing(("I1", 100, 30))
    assert not material(positions(known, DAY, every)["EUR"], 1, every)


@pytest.mark.parametrize(
    ("dpd", "bucket"),
    [
        (-5, "current"),
        (0, "current"),
        (1, "1-30"),
        (30, "1-30"),
        (31, "31-60"),
        (60, "31-60"),
        (61, "61-90"),
        (90, "61-90"),
        (91, "91+"),
        (5000, "91+"),
    ],
)
def test_ageing_buckets_at_their_borders(dpd: int, bucket: str) -> None:
    """Each item stands in exactly the bucket of its days past due."""
    row = ageing(owing(("I1", 10, -dpd)), DAY)["EUR"]
    assert {name: amount for name, amount in row.items() if amount} == {bucket: 10}
    assert list(row) == ["current", "1-30", "31-60", "61-90", "91+"]


def test_ageing_sums_to_what_is_outstanding() -> None:
    """The buckets of a currency sum to its open invoices; currencies have rows of their own."""
    known = owing(("I1", "10.10", 5), ("I2", "20.20", -5), ("I3", "0.01", -5), ("I4", 7, -100))
    known.items["I5"] = OpenItem(Decimal(3), "USD", DAY, Decimal(3))
    table = ageing(known, DAY)
    assert sum(table["EUR"].values()) == known.open_invoices["EUR"] == Decimal("37.31")
    assert table["EUR"]["1-30"] == Decimal("20.21")
    assert table["USD"]["current"] == 3


def test_an_old_trifle_warns_and_does_not_hold() -> None:
    """1,000 of 200,000 open is half a percent: 60 days late it is worth a warning, but stops no good payer."""
    known = owing(("old", 1_000, -60), ("rest", 199_000, 30))
    (position,) = positions(known, DAY, policy()).values()
    assert material(position, 30, policy())
    assert not material(position, 30, policy(), to_hold=True)
    assert material(position, 30, policy("materiality: {share_to_hold: 0.005}"), to_hold=True)
