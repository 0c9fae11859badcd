"""Laws of models.counterfactual: what is promised comes true when it is done, and asking changes nothing."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.account import encode
from models.counterfactual import counterfactuals
from schemas.decisions import CreditAlert
from schemas.levels import LADDER, Level
from tests.unit.models.book import Book, alerts
from tests.unit.models.build import DAY, START, invoiced, paid, policy

SILENT = "default_risk: {model_weight: 0}\nroll_risk: {model_weight: 0}\n"


def tightened(late: int, invoices: int) -> tuple[Book, CreditAlert, int]:
    """A good payer that lets invoices go unpaid until it is tightened; the alert and its day."""
    book = Book(SILENT)
    book.good_payer(6)
    for number in range(invoices):
        book.see(invoiced(f"I{number}", 1_000, due=25, issued=20))
    for day in range(21, 26 + late):
        found = [alert for alert in alerts(book.days(day, day)) if alert.counterfactuals]
        if found:
            return book, found[-1], day
    raise AssertionError("never tightened")


def pay_all(book: Book, day: int) -> None:
    """Pay whatever is open."""
    for invoice_id, item in list(book.account.items.items()):
        book.see(paid(invoice_id, item.outstanding, day=day))


@given(st.integers(16, 60), st.integers(1, 4))
def test_who_pays_what_is_overdue_is_eased_on_the_promised_day(late: int, invoices: int) -> None:
    """The mildest course, played with real events: by that day the level is the promised one or better."""
    book, alert, day = tightened(late, invoices)
    promise = alert.counterfactuals[0]
    assert not promise.approximate
    if promise.on_time:
        return
    assert promise.not_before is not None
    pay_all(book, day)
    eased = promise.not_before.date().toordinal() - START.toordinal()
    book.days(day + 1, eased)
    assert not Level(book.account.level).worse_than(promise.to_level)


def test_the_promised_step_is_the_next_one() -> None:
    """One step at a time: the first course leads to the level above."""
    _, alert, _ = tightened(20, 1)
    first = alert.counterfactuals[0]
    assert first.to_level is LADDER[alert.level.rank - 1]
    assert sum(first.pay.values()) == 1_000


def test_further_invoices_paid_on_time_lead_further() -> None:
    """A second course never asks for less, nor promises less, than the first."""
    for late in (20, 40):
        _, alert, _ = tightened(late, 2)
        if len(alert.counterfactuals) == 2:
            mild, long = alert.counterfactuals
            assert long.on_time > mild.on_time
            assert not long.to_level.worse_than(mild.to_level)


def test_asking_changes_nothing() -> None:
    """The account stays what it was, bit for bit, and the same question has the same answer."""
    book, _, day = tightened(30, 2)
    before = encode(book.account)
    answers = [
        counterfactuals(book.account, DAY + day, policy(SILENT), lambda copy, at: Level.PRIME, exact=True)
        for _ in range(2)
    ]
    assert answers[0] == answers[1] != []
    assert encode(book.account) == before


@pytest.mark.parametrize("silent", [True, False])
def test_what_the_learner_may_change_is_marked(silent: bool) -> None:
    """While it has a say nobody knows what it will have learned."""
    book = Book(SILENT if silent else "default_risk: {warm_up: 0}\nroll_risk: {warm_up: 0}\n")
    book.good_payer(6)
    book.see(invoiced("I1", 1_000, due=25, issued=20))
    found = [alert for alert in alerts(book.days(21, 60)) if alert.counterfactuals]
    assert {promise.approximate for alert in found for promise in alert.counterfactuals} == {not silent}
