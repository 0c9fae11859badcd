"""Predictions from their invoice to their certain outcome, through the engine."""

from __future__ import annotations

from tests.unit.models.book import Book
from tests.unit.models.build import DAY, activated, invoiced, paid, taken_back


def test_an_outcome_is_learned_when_it_is_certain_and_not_before() -> None:
    """Paid early or never: both are learned at the tick of day K + 1 past due, the whole cohort at once."""
    book = Book()
    book.see(invoiced("I1", 100, due=10), invoiced("I2", 100, due=10), paid("I1", 100, day=2))
    book.days(3, 15)
    assert book.outcomes == []
    assert book.account.behaviour.outcomes == 0
    book.days(16, 16)
    assert at_issue(book) == [("I1", False), ("I2", True)]
    assert (book.engine.risk.outcomes, book.account.behaviour.outcomes) == (2, 2)
    assert book.account.predictions == {}


def test_a_payment_taken_back_before_the_outcome_counts_as_unpaid() -> None:
    """What bounced has not been paid."""
    book = Book()
    book.see(invoiced("I1", 100, due=10), paid("I1", 100, day=8), taken_back("I1", 100, day=12))
    book.days(13, 16)
    assert [outcome.bad for outcome in book.outcomes] == [True]


def test_predictions_are_frozen_when_the_invoice_comes() -> None:
    """What happens later changes neither the prediction that is scored nor the features that are learned."""
    book = Book()
    book.see(invoiced("I1", 100, due=10))
    waiting = book.account.predictions["I1"]
    model, naive, features = waiting.model, waiting.naive, waiting.features
    for number in range(2, 9):
        book.see(invoiced(f"I{number}", 5_000, due=2, issued=1))
    book.days(2, 16)
    outcome = next(outcome for outcome in book.outcomes if outcome.invoice_id == "I1")
    assert (outcome.model, outcome.naive) == (model, naive)
    assert book.engine.risk.customer_rate(book.account.behaviour) != model
    assert features == waiting.features


def test_an_invoice_sent_again_leaves_its_prediction_alone() -> None:
    """The same invoice under another event id: before and after it is paid, one prediction waits and is learned."""
    book = Book()
    book.see(invoiced("I1", 100, due=10))
    frozen = book.account.predictions["I1"].model
    book.see(invoiced("I1", 100, due=10, issued=1), paid("I1", 100, day=2), invoiced("I1", 100, due=10, issued=3))
    assert book.account.predictions["I1"].model == frozen
    assert book.account.predictions["I1"].settled == DAY + 2
    book.days(4, 16)
    assert [(outcome.invoice_id, outcome.bad, outcome.model) for outcome in book.outcomes] == [("I1", False, frozen)]


def test_an_invoice_sent_again_is_no_second_invoice() -> None:
    """What is usual for the customer is learned from each invoice once."""
    book = Book()
    book.see(invoiced("I1", 100, due=10), invoiced("I1", 9_000, due=99, issued=1))
    behaviour = book.account.behaviour
    assert (behaviour.invoices, behaviour.last_amount, behaviour.last_terms) == (1, 100.0, 10)


def test_a_policy_alone_takes_no_outcome_away() -> None:
    """A policy that comes on the day of certainty, before its tick, leaves the outcome to the tick: all learn it."""
    book = Book()
    book.see(invoiced("I1", 100, due=10))
    book.days(1, 15)
    book.see(activated("version: other", 16))
    assert book.account.behaviour.outcomes == 0
    book.days(17, 17)
    assert [outcome.invoice_id for outcome in book.outcomes] == ["I1"]
    assert (book.engine.risk.outcomes, book.account.behaviour.outcomes) == (1, 1)


def at_issue(book: Book) -> list[tuple[str, bool]]:
    """What became of the predictions made at issue."""
    return [(outcome.invoice_id, outcome.bad) for outcome in book.outcomes if outcome.task == "A"]


def test_outcomes_are_judged_by_the_bad_event_that_was_predicted() -> None:
    """A policy that changes K meanwhile judges new invoices; those that wait keep the K they were predicted with."""
    book = Book("default_risk: {late_days: 5}")
    book.see(invoiced("I1", 100, due=10), invoiced("I2", 100, due=10))
    book.see(activated("default_risk: {late_days: 30}", 11), invoiced("I3", 100, due=20, issued=12))
    book.see(paid("I1", 100, day=14))
    book.days(15, 40)
    assert at_issue(book) == [("I1", False), ("I2", True)]
    book.see(paid("I3", 100, day=41))
    book.days(42, 51)
    assert at_issue(book)[2:] == [("I3", False)]
