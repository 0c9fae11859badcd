"""Laws of the steps of an order's check, and of the draw that lets a small share of held orders pass."""

from __future__ import annotations

from dataclasses import fields
from decimal import Decimal

import pytest

from models.account import Account, OpenOrder
from models.exposure import Position
from models.order_checks.facts import facts_of, without
from models.order_checks.steps import failed_steps
from schemas.decisions import Decision
from schemas.errors import InvalidInput
from schemas.levels import Level
from schemas.policy import Policy
from tests.unit.models.book import Book, orders
from tests.unit.models.build import DAY, account, cancelled, owing, placed, policy

RULES = policy()


def _codes(known: Account, amount: int | str = 100, currency: str = "EUR", rules: Policy = RULES) -> list[str]:
    order = OpenOrder(Decimal(amount), currency, DAY)
    return [failed.check.code for failed in failed_steps(facts_of(known, "O", order, DAY, rules))]


def test_a_position_without_an_order_keeps_all_else() -> None:
    overdue, reopened = [(3, Decimal(5), "I1")], [(Decimal(5), "I1")]
    where = Position(Decimal(9), Decimal(8), Decimal(1), Decimal(5), 15.0, 3, overdue, Decimal(2), reopened)
    for name in [field.name for field in fields(Position)]:
        assert getattr(where, name) != getattr(Position(), name), f"{name} is not looked at"
        if name != "open_orders":
            assert getattr(without(where, Decimal(4)), name) == getattr(where, name)
    assert without(where, Decimal(4)).open_orders == 5


@pytest.mark.parametrize(
    ("level", "codes"),
    [
        (Level.PRIME, []),
        (Level.STANDARD, []),
        (Level.WATCH, []),
        (Level.UNRATED, []),
        (Level.HIGH_RISK, ["LEVEL_HOLD"]),
        (Level.BLOCKED, ["LEVEL_BLOCKED"]),
    ],
)
def test_level_decides(level: Level, codes: list[str]) -> None:
    """Orders of HIGH_RISK customers are held, of BLOCKED ones rejected, all others may go."""
    known = account()
    known.level = level.value
    assert _codes(known) == codes


@pytest.mark.parametrize(("amount", "codes"), [("400.00", []), ("400.01", ["OVER_LIMIT"])])
def test_order_may_fill_the_limit_and_no_more(amount: str, codes: list[str]) -> None:
    """600 open of 1000: an order of 400 goes, one cent more does not."""
    known = owing(("I1", 600, 20))
    known.limits = {"EUR": Decimal(1000)}
    assert _codes(known, amount) == codes


def test_over_limit_names_the_numbers() -> None:
    """The check says exposure, order, limit and what is short: 600 + 450 - 1000 = 50."""
    known = owing(("I1", 600, 20))
    known.limits = {"EUR": Decimal(1000)}
    order = OpenOrder(Decimal(450), "EUR", DAY)
    (failed,) = failed_steps(facts_of(known, "O", order, DAY, RULES))
    assert failed.check.detail == {
        "exposure": "600",
        "order": "450",
        "limit": "1000",
        "short_by": "50",
        "currency": "EUR",
    }


def test_unapplied_cash_makes_room() -> None:
    """Cash received but not applied lowers the exposure an order is checked against."""
    known = owing(("I1", 600, 20))
    known.limits = {"EUR": Decimal(1000)}
    known.unapplied = {"EUR": Decimal(50)}
    assert _codes(known, 450) == []


def test_no_limit_set_stops_nothing() -> None:
    """A currency without a limit has no limit of zero; one with a limit of zero stops every order."""
    known = owing(("I1", 600, 20))
    known.limits = {"USD": Decimal(0)}
    assert _codes(known, 10_000_000) == []
    assert _codes(known, 1, currency="USD") == ["OVER_LIMIT"]


def test_other_currencies_are_not_looked_at() -> None:
    """A EUR limit that is used up says nothing of an order in USD."""
    known = owing(("I1", 5000, -70))
    known.limits = {"EUR": Decimal(1000), "USD": Decimal(1000)}
    assert _codes(known, 1000, currency="USD") == []
    assert _codes(known, 1) == ["OVER_LIMIT", "OLDEST_ITEM"]


@pytest.mark.parametrize(("dpd", "codes"), [(59, []), (60, ["OLDEST_ITEM"])])
def test_old_item_holds(dpd: int, codes: list[str]) -> None:
    """A material item 60 days past due holds new orders, 59 days do not."""
    assert _codes(owing(("I1", 500, -dpd))) == codes


def test_old_trifle_does_not_hold() -> None:
    """2 of 1000 for 70 days is not material."""
    assert _codes(owing(("OLD", 2, -70), ("I1", 998, 20))) == []


def test_all_obstacles_are_named() -> None:
    """The checks name everything in the way, not the first only."""
    known = owing(("I1", 500, -70))
    known.level = Level.HIGH_RISK.value
    known.limits = {"EUR": Decimal(300)}
    assert _codes(known) == ["LEVEL_HOLD", "OVER_LIMIT", "OLDEST_ITEM"]


def test_policy_switches_checks_off() -> None:
    """A check that the policy switches off stops nothing."""
    off = policy("order_checks: {utilisation: false, level: false, oldest_item_dpd: null}")
    known = owing(("I1", 500, -70))
    known.level = Level.BLOCKED.value
    known.limits = {"EUR": Decimal(300)}
    assert _codes(known, rules=off) == []


HELD = "limits: {base: {EUR: 100}}\norder_checks: {holdout_share: 0.05, holdout_most: {EUR: 1000}}"


def test_a_small_share_of_held_orders_passes_and_says_so() -> None:
    """About one of twenty, always the same ones; each approval tells what stood in the way, and that it was drawn."""
    drawn = []
    for _ in range(2):
        book = Book(HELD)
        for number in range(600):
            book.see(placed(f"O{number}", 500), cancelled(f"O{number}"))
        passed = [order for order in orders(book.out) if order.decision is Decision.APPROVE]
        assert all([check.code for check in order.checks] == ["OVER_LIMIT", "HOLDOUT"] for order in passed)
        drawn.append([order.order_id for order in passed])
    assert drawn[0] == drawn[1]
    assert 10 <= len(drawn[0]) <= 55


@pytest.mark.parametrize(
    "text", [HELD.replace("0.05", "0"), HELD.replace("1000", "499"), HELD.replace("EUR: 1000", "USD: 1000")]
)
def test_large_orders_and_other_currencies_are_never_drawn(text: str) -> None:
    """Nor any, while the share is zero: that is the default."""
    book = Book(text)
    for number in range(100):
        book.see(placed(f"O{number}", 500), cancelled(f"O{number}"))
    assert {order.decision for order in orders(book.out)} == {Decision.HOLD}


def test_more_than_a_twentieth_cannot_be_left_to_chance() -> None:
    """The policy refuses it."""
    with pytest.raises(InvalidInput, match="holdout_share"):
        policy("order_checks: {holdout_share: 0.06}")
