"""Laws of models.measures."""

from __future__ import annotations

from decimal import Decimal

import pytest

from models.account import Account, Master
from models.measures import limits, terms_days
from schemas.levels import Level
from tests.unit.models.build import DAY, account, policy

RULES = policy("limits: {base: {EUR: 45000, USD: 50000}, round_to: 100}")


def _agreed(terms: int | None = None, **base: int | str) -> Account:
    known = account()
    known.master = Master(base_limits={c: Decimal(a) for c, a in base.items()}, terms_days=terms)
    return known


@pytest.mark.parametrize(
    ("level", "eur"),
    [
        (Level.PRIME, 67500),
        (Level.STANDARD, 45000),
        (Level.WATCH, 31500),
        (Level.HIGH_RISK, 13500),
        (Level.BLOCKED, 0),
        (Level.UNRATED, 22500),
    ],
)
def test_limit_is_the_base_times_the_factor(level: Level, eur: int) -> None:
    """45000 at the factors 1.5, 1.0, 0.7, 0.3, 0 and 0.5."""
    assert limits(account(), level, RULES, DAY)["EUR"] == eur


def test_agreed_limit_replaces_the_policys() -> None:
    """Master data rule the currencies they name; the others keep the policy's base."""
    assert limits(_agreed(EUR=1000, CNY=300_000), Level.STANDARD, RULES, DAY) == {
        "CNY": 300_000,
        "EUR": 1000,
        "USD": 50_000,
    }


def test_no_base_is_no_limit() -> None:
    """Without any base there is no limit at all, which is not a limit of zero."""
    assert limits(account(), Level.STANDARD, policy(), DAY) == {}
    assert limits(_agreed(EUR=0), Level.STANDARD, policy(), DAY) == {"EUR": 0}


@pytest.mark.parametrize(("base", "granted"), [("1000", 700), ("1100", 700), ("1142.86", 800), ("1142.85", 700)])
def test_limit_is_rounded_down_exactly(base: str, granted: int) -> None:
    """0.7 of the base in decimals, down to the hundred: 1142.86 gives 800.002, 1142.85 gives 799.995."""
    assert limits(_agreed(EUR=base), Level.WATCH, policy(), DAY)["EUR"] == granted


def test_factor_is_decimal_not_binary() -> None:
    """0.7 x 1000 is 700 exactly; the binary fractions of 0.7 and 0.3 lie just below and would lose a whole step."""
    assert limits(_agreed(EUR=1000), Level.WATCH, policy(), DAY)["EUR"] == 700
    assert limits(_agreed(EUR=1000), Level.HIGH_RISK, policy(), DAY)["EUR"] == 300


def test_rounding_step_is_the_policys() -> None:
    """A step of 0.01 keeps cents."""
    fine = policy("limits: {round_to: 0.01}")
    assert limits(_agreed(EUR="10.05"), Level.WATCH, fine, DAY)["EUR"] == Decimal("7.03")


@pytest.mark.parametrize(
    ("level", "agreed", "days"),
    [
        (Level.PRIME, None, 60),
        (Level.PRIME, 45, 45),
        (Level.STANDARD, 45, 30),
        (Level.WATCH, 7, 7),
        (Level.BLOCKED, 90, 0),
        (Level.UNRATED, None, 14),
        (Level.STANDARD, 0, 0),
    ],
)
def test_terms_are_the_shorter_of_level_and_agreement(level: Level, agreed: int | None, days: int) -> None:
    """A good level never gives longer terms than agreed; a bad one shortens them."""
    assert terms_days(_agreed(agreed), level, RULES) == days
