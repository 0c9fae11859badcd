"""Laws of models.wake."""

from __future__ import annotations

import pytest

from models.account import Account, Override, Prediction, Review
from models.wake import WakeIndex, matured, next_wake
from tests.unit.models.build import DAY, account, owing, policy

RULES = policy("ladder: {dwell_days: 14, probation_days: 30}")


def _wake(known: Account, day: int = 0, *, deferred: bool = False) -> int:
    """Days from ``DAY`` to the next wake; -DAY when there is none."""
    return next_wake(known, DAY + day, RULES, deferred=deferred) - DAY


def _prediction(matures: int) -> Prediction:
    return Prediction(DAY + matures, DAY, DAY + matures - 6, 0.1, 0.1, b"")


NEVER = -DAY


def test_due_customers_come_in_order_of_ids() -> None:
    """All customers planned up to the day come out once, sorted by id; later ones stay."""
    index = WakeIndex([(5, "b"), (3, "c"), (5, "a"), (6, "d"), (0, "never")])
    assert index.due(2) == []
    assert index.due(5) == ["a", "b", "c"]
    assert index.due(5) == []
    assert index.due(9) == ["d"]


def test_planned_twice_comes_once_a_day() -> None:
    """Two plans that are both due make one visit; an earlier plan stays beside a later one."""
    index = WakeIndex([])
    index.plan(4, "a")
    index.plan(4, "a")
    index.plan(7, "a")
    assert index.due(4) == ["a"]
    assert index.due(7) == ["a"]


def test_day_zero_is_never() -> None:
    """A plan for day 0 is no plan."""
    index = WakeIndex([(0, "a")])
    index.plan(0, "b")
    assert index.due(10_000_000) == []


def test_idle_account_is_never_woken() -> None:
    """Where time alone changes nothing, there is no wake."""
    assert _wake(account()) == NEVER


def test_deferred_account_is_looked_at_tomorrow() -> None:
    """A tightening that was put off is decided on the next day, whatever else is planned."""
    assert _wake(account(), deferred=True) == 1
    assert _wake(owing(("I1", 5, 20)), day=3, deferred=True) == 4


def test_open_invoice_wakes_the_day_after_it_is_due() -> None:
    """The earliest due date of all counts; on the day after it the first day past due begins."""
    assert _wake(owing(("I1", 5, 20), ("I2", 5, 12))) == 13


@pytest.mark.parametrize("due", [-1, 0, -300])
def test_overdue_invoice_wakes_every_day(due: int) -> None:
    """What is overdue, or due today, ages by tomorrow; a wake is never today or in the past."""
    assert _wake(owing(("I1", 5, due))) == 1


def test_prediction_wakes_when_it_matures() -> None:
    """The earliest outcome that becomes certain wakes the account on that day."""
    known = account()
    known.predictions = {"I1": _prediction(36), "I2": _prediction(21)}
    assert _wake(known) == 21


def test_probation_wakes_on_the_day_of_easing() -> None:
    """The later of dwell and probation is the day on which time alone eases the customer."""
    known = account()
    known.level, known.level_since, known.better_since = "WATCH", DAY - 5, DAY - 10
    assert _wake(known) == 20
    known.level_since, known.better_since = DAY - 2, DAY - 25
    assert _wake(known) == 12


def test_unrated_has_no_probation() -> None:
    """UNRATED is not on the ladder: nothing is eased by time."""
    known = account()
    known.level_since, known.better_since = DAY, DAY
    assert _wake(known) == NEVER


def test_override_wakes_the_day_after_its_last() -> None:
    """An override is valid through its expiry."""
    known = account()
    known.override = Override("WATCH", "ana", DAY + 9)
    assert _wake(known) == 10


@pytest.mark.parametrize(("day", "wake"), [(0, 8), (7, 8), (8, NEVER)])
def test_review_wakes_the_day_after_its_last(day: int, wake: int) -> None:
    """A review counts through its expiry; one that has expired wakes no more."""
    known = account()
    known.external.reviews["ana"] = Review(DAY, DAY + 7, 3.0, 3.0, 3.0)
    assert _wake(known, day=day) == wake


def test_earliest_of_all_reasons() -> None:
    """Of several reasons the earliest day counts."""
    known = owing(("I1", 5, 20))
    known.predictions = {"I1": _prediction(26)}
    known.override = Override("WATCH", "ana", DAY + 3)
    assert _wake(known) == 4


@pytest.mark.parametrize(("day", "found"), [(19, []), (20, ["I1"]), (25, ["I1", "I2"])])
def test_matured_are_those_whose_day_has_come(day: int, found: list[str]) -> None:
    """A prediction is mature from its day on, not before; finding it changes nothing."""
    known = account()
    known.predictions = {"I1": _prediction(20), "I2": _prediction(25), "I3": _prediction(26)}
    assert [invoice for invoice, _ in matured(known.predictions, DAY + day)] == found
    assert len(known.predictions) == 3
