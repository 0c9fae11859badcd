"""Laws of models.default_risk.roll: what is foretold on the first day past due, when it is certain, what it does."""

from __future__ import annotations

import pytest

from models.default_risk.features import values
from models.default_risk.risk import RiskState
from models.default_risk.roll import RollRisk
from models.exposure import positions
from schemas.decisions import AlertKind
from schemas.levels import Level
from tests.unit.models.book import Book, alerts
from tests.unit.models.build import DAY, account, invoiced, paid, policy, taken_back

RULES = policy("roll_risk: {prior_weight: 5, base_rate: 0.1, base_weight: 10, warm_up: 200}")


def rolled(book: Book) -> list[tuple[str, bool]]:
    """Invoices whose roll is certain, and whether they rolled."""
    return [(outcome.invoice_id, outcome.bad) for outcome in book.outcomes if outcome.task == "B"]


def test_an_invoice_is_foretold_on_its_first_day_past_due_and_only_once() -> None:
    """Not while it may still be paid in time; and what was said first is what is judged."""
    book = Book()
    book.see(invoiced("I1", 100, due=10))
    book.days(1, 10)
    assert book.account.rolls == {}
    book.days(11, 11)
    first = book.account.rolls["I1"]
    assert (first.issued, first.matures) == (DAY + 11, DAY + 26)
    book.days(12, 14)
    assert book.account.rolls["I1"] is first


def test_what_is_paid_in_time_is_never_foretold() -> None:
    """The question is asked of overdue invoices alone."""
    book = Book()
    book.see(invoiced("I1", 100, due=10), paid("I1", 100, day=10))
    book.days(10, 40)
    assert rolled(book) == []


@pytest.mark.parametrize(("day", "bad"), [(12, False), (25, False), (26, True), (90, True)])
def test_rolled_means_open_after_fifteen_days(day: int, bad: bool) -> None:
    """Paid on the 15th day past due is in time; on the 16th it has rolled. Known on the 16th, not earlier."""
    book = Book()
    book.see(invoiced("I1", 100, due=10))
    book.days(1, min(day, 25))
    if day <= 25:
        book.see(paid("I1", 100, day=day))
    assert rolled(book) == []
    book.days(26, 27)
    assert rolled(book) == [("I1", bad)]
    behaviour = book.account.behaviour
    assert (behaviour.overdue_outcomes, behaviour.rolled_outcomes) == (1, bad)
    assert book.account.rolls == {}


def test_a_taken_backpayment_lets_it_roll_after_all() -> None:
    """The bank took the money back: the invoice was open all the time."""
    book = Book()
    book.see(invoiced("I1", 100, due=10))
    book.days(1, 12)
    book.see(paid("I1", 100, day=12), taken_back("I1", 100, day=14))
    book.days(15, 26)
    assert rolled(book) == [("I1", True)]


def test_an_invoice_that_comes_when_it_is_long_overdue_is_not_foretold() -> None:
    """What is known by then is no foresight."""
    book = Book()
    book.see(invoiced("I1", 100, due=10, issued=0), day=20)
    book.days(21, 40)
    assert rolled(book) == []


def test_the_rate_is_smoothed_to_the_books() -> None:
    """(rolled + 5 x book) / (overdue + 5); the book starts at 1 of 10."""
    risk = RollRisk(RULES.roll_risk, RiskState(outcomes=90, late=19))
    known = account().behaviour
    known.overdue_outcomes, known.rolled_outcomes = 15, 3
    assert risk.book_rate == pytest.approx(0.2)
    assert risk.naive_rate(known) == pytest.approx((3 + 5 * 0.2) / 20)


def test_features_are_numbers_in_the_order_of_their_names() -> None:
    """As many as there are names; an amount ten times the usual shows, and so does a customer without payments."""
    book = Book()
    book.see(invoiced("small", 100, due=10), invoiced("large", 10_000, due=10))
    known = book.account
    risk = RollRisk(RULES.roll_risk)
    risk.foretell(known, risk.unforetold(known, DAY + 11), positions(known, DAY + 11, RULES), DAY + 11)
    found = {invoice: dict(zip(RollRisk.names, values(p.features), strict=True)) for invoice, p in known.rolls.items()}
    assert found["small"]["unusual_amount"] == pytest.approx(-found["large"]["unusual_amount"])
    assert found["large"]["unusual_amount"] > 2
    assert found["large"]["new_customer"] == 1.0
    assert found["large"]["overdue_share"] == 1.0


def test_a_silent_learner_leaves_the_rate() -> None:
    """Before so many outcomes the customer's own rate is all that is said."""
    book = Book()
    book.see(invoiced("I1", 100, due=10))
    book.days(1, 11)
    prediction = book.account.rolls["I1"]
    assert prediction.model == prediction.naive


def test_a_likely_roll_tightens_on_the_first_day() -> None:
    """The early cap asks for the roll, and names it."""
    book = Book(
        "{roll_risk: {warm_up: 0, model_weight: 0, base_rate: 0.9, base_weight: 1000},"
        " knock_outs: {early: [{days_past_due: 1, probability: 0.5, at_most: WATCH}]}}"
    )
    book.good_payer()
    book.see(invoiced("I1", 1_000, due=30, issued=21), day=21)
    assert not [alert for alert in alerts(book.days(22, 30)) if alert.kind is AlertKind.TIGHTENING]
    found = alerts(book.days(31, 31))
    assert [(alert.kind, alert.level) for alert in found] == [(AlertKind.TIGHTENING, Level.WATCH)]
    assert any(reason.code == "EARLY_WARNING" for reason in found[0].caps)
