"""Laws of terms by habit: consistent, within the neighbouring levels and the agreement, and not flapping."""

from __future__ import annotations

from decimal import Decimal
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.account import Account, Master
from models.behaviour import record_payment
from models.own_terms import OwnTerms
from schemas.levels import LADDER, Level
from schemas.policy import Policy
from tests.unit.models.book import Book, levels
from tests.unit.models.build import DAY, account, invoiced, paid, policy

HABITS = "limits: {terms: {late: {enter: 5, leave: 2}, early: {enter: 5, leave: 2}, step_days: 7}}"
RULES = policy(HABITS)


def paying(*days_late: int, at: int = 0, known: Account | None = None) -> Account:
    """An account that paid so many days late (negative: early), all on one day."""
    known = known or account()
    for late in days_late:
        record_payment(known.behaviour, "EUR", Decimal(100), DAY + at, DAY + at - late, RULES.behaviour)
    return known


def days(known: Account, level: Level = Level.STANDARD, day: int = 0, rules: Policy = RULES) -> int:
    """Terms after a look at the habit on a day."""
    terms = OwnTerms(rules)
    terms.review(known, DAY + day, may_shorten=True)
    return terms.days(known, level)


@pytest.mark.parametrize(
    ("habit", "terms"),
    [([8] * 10, 23), ([-8] * 10, 37), ([0] * 10, 30), ([8] * 9, 30), ([0, 30] * 5, 30), ([-30, 2] * 5, 30)],
)
def test_only_a_habit_moves_terms(habit: list[int], terms: int) -> None:
    """Ten payments 8 days late, or early, are one; nine are too few; as often prompt as very late is none."""
    assert days(paying(*habit)) == terms


def test_terms_stay_between_the_neighbours_and_within_the_agreement() -> None:
    """Longer: at most the better level's and the agreed; shorter: at least the worse level's."""
    early, late = paying(*[-8] * 10), paying(*[8] * 10)
    assert (days(early, Level.PRIME), days(early, Level.WATCH)) == (60, 21)
    assert (days(late, Level.WATCH), days(late, Level.HIGH_RISK), days(late, Level.BLOCKED)) == (7, 0, 0)
    early.master = Master(terms_days=33)
    assert days(early) == 33
    early.master = Master(terms_days=20)
    assert days(early) == 20
    late.master = Master(terms_days=10)
    assert days(late) == 10  # the worse level's 14 must not make them longer


def test_a_step_is_left_later_than_it_is_entered() -> None:
    """Between leave and enter what holds goes on; below leave it ends; and not within the review days."""
    known = paying(*[8] * 10)
    assert days(known, day=0) == 23
    paying(*[0] * 13, known=known)  # mean about 3.5
    assert days(known, day=100) == 23
    paying(*[0] * 40, known=known)  # below 2
    assert days(known, day=89) == 23
    assert days(known, day=90) == 30


def test_late_news_lengthens_and_never_shortens() -> None:
    """What is known late may ease only."""
    known, terms = paying(*[8] * 10), OwnTerms(RULES)
    terms.review(known, DAY, may_shorten=False)
    assert terms.days(known, Level.STANDARD) == 30


def test_off_by_default_and_when_switched_off() -> None:
    """The default knows no habit; a step from before does not count under a policy that has switched it off."""
    known = paying(*[8] * 10)
    assert days(known, rules=policy()) == 30
    assert days(known) == 23
    assert days(known, rules=policy()) == 30


def test_the_decision_tells_the_habit() -> None:
    """A customer that is always early gets longer terms, and the level event says why."""
    book = Book(HABITS)
    for number in range(12):
        book.see(invoiced(f"I{number}", 1_000, due=30))
    book.days(1, 9)
    for number in range(12):
        book.see(paid(f"I{number}", 1_000, day=10))
    book.days(10, 60)
    last = levels(book.out)[-1].measures
    assert last.terms_basis == "pays_early"
    assert last.terms_days == book.account.terms_days > 14


@settings(max_examples=150, deadline=None, derandomize=True)
@given(st.lists(st.integers(-60, 60), max_size=40), st.sampled_from(list(Level)), st.none() | st.integers(0, 90))
def test_never_longer_than_agreed_nor_past_a_neighbour(habit: list[int], level: Level, agreed: int | None) -> None:
    """Whatever the habit, the agreement is kept and a step is one step."""
    known = paying(*habit)
    plain = days(account(), level) if agreed is None else min(days(account(), level), agreed)
    known.master = Master(terms_days=agreed)
    terms = days(known, level)
    assert abs(terms - plain) <= 7
    assert agreed is None or terms <= agreed
    if level in LADDER[1:-1]:
        at = LADDER.index(level)
        better, worse = (RULES.measures.of(LADDER[at + step]).terms_days for step in (-1, 1))
        assert min(worse, plain) <= terms <= better


@settings(max_examples=100, deadline=None, derandomize=True)
@given(st.lists(st.tuples(st.integers(1, 30), st.integers(-20, 20)), max_size=60))
def test_terms_do_not_flap(payments: list[tuple[int, int]]) -> None:
    """Two changes lie at least the review days apart, whatever is paid when."""
    known, at, changes = account(), 0, []
    before = days(known)
    for pause, late in payments:
        at += pause
        now = days(paying(late, at=at, known=known), day=at)
        if now != before:
            changes.append(at)
        before = now
    assert all(later - earlier >= 90 for earlier, later in pairwise(changes))
