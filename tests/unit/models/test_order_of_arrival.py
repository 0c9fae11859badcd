"""Events about one invoice in an order that nobody planned: money is neither lost nor held against the customer."""

from __future__ import annotations

from decimal import Decimal

from models import ledger
from models.account import Account
from models.calendar import day_of
from schemas.events import OrderInvoiced, OverdueNoticed, PaymentReceived, PaymentReversed
from tests.unit.models.build import DAY, account, invoiced, noticed, paid, policy, taken_back

RULES = policy()


def booked(*events: OrderInvoiced | PaymentReceived | PaymentReversed | OverdueNoticed) -> Account:
    """An account with the events booked one after the other."""
    known = account()
    for event in events:
        match event:
            case OrderInvoiced():
                ledger.open_invoice(known, event, RULES)
            case PaymentReceived():
                ledger.receive_payment(known, event, RULES)
            case PaymentReversed():
                ledger.reverse_payment(known, event)
            case OverdueNoticed():
                ledger.notice_overdue(known, event, RULES)
    return known


def owed(known: Account) -> Decimal:
    """Open invoices less unapplied cash, in euros."""
    return known.open_invoices.get("EUR", Decimal(0)) - known.unapplied.get("EUR", Decimal(0))


def test_cash_that_came_after_a_notice_is_applied_to_it() -> None:
    """Payment, then a notice made before it, of an invoice never seen: nothing is open, nothing ages."""
    known = booked(paid("I1", 100, day=10), noticed("I1", 100, days_past_due=20, as_of=9))
    assert (known.items, known.early, known.unapplied, known.open_invoices) == ({}, {}, {}, {})
    again = noticed("I1", 100, days_past_due=21, as_of=10)
    ledger.notice_overdue(known, again, RULES)
    assert known.items == {}


def test_cash_in_part_leaves_the_rest_of_a_notice_open() -> None:
    """What is paid is taken off, in its own currency only."""
    known = booked(
        paid("I1", 30, day=10), paid("I1", 7, day=10, currency="USD"), noticed("I1", 100, days_past_due=20, as_of=9)
    )
    assert known.items["I1"].outstanding == 70
    assert known.unapplied == {"USD": Decimal(7)}
    assert known.early == {}


def test_a_notice_made_after_the_cash_is_believed() -> None:
    """The ledger knows the payment and says that so much is open still: the cash waits, the item ages."""
    known = booked(paid("I1", 30, day=10), noticed("I1", 100, days_past_due=20, as_of=15))
    assert known.items["I1"].outstanding == 100
    assert owed(known) == 70
    assert [early.amount for early in known.early["I1"]] == [30]


def test_waiting_cash_is_taken_back_in_part() -> None:
    """A payment of 100 waits for its invoice and 40 of it bounce: the invoice will have 60 to its credit."""
    known = booked(paid("I1", 100, day=1), taken_back("I1", 40, day=2))
    assert known.items == {}
    assert owed(known) == -60
    ledger.open_invoice(known, invoiced("I1", 100), RULES)
    assert (known.items["I1"].outstanding, known.unapplied) == (40, {})


def test_of_several_waiting_payments_the_one_that_bounced_is_taken_back() -> None:
    """The payment of just the amount that is reversed, whatever came before it."""
    known = booked(paid("I1", 60, day=1), paid("I1", 40, day=2), taken_back("I1", 40, day=3))
    assert [(early.amount, early.paid) for early in known.early["I1"]] == [(60, DAY + 1)]


def test_cash_of_another_currency_is_not_taken_back() -> None:
    """Waiting dollars stay when euros are reversed; the euros are owed."""
    known = booked(paid("I1", 40, day=1, currency="USD"), taken_back("I1", 40, day=3))
    assert known.unapplied == {"USD": Decimal(40)}
    assert known.items["I1"].outstanding == 40


def test_an_invoice_that_comes_after_its_reversal_brings_its_terms() -> None:
    """Of an invoice from before our time only the bounced payment was known: now its due date counts."""
    known = booked(taken_back("I1", 40, day=3), invoiced("I1", 100, due=30))
    item = known.items["I1"]
    assert (item.outstanding, item.amount, item.due, item.reversed) == (40, 100, DAY + 30, True)


def test_a_reopened_invoice_is_not_opened_again_by_its_copy() -> None:
    """Paid, bounced, and the invoice sent once more: what bounced is open, once."""
    first = invoiced("I1", 100, due=30)
    known = booked(first, paid("I1", 100, day=2), taken_back("I1", 100, day=3, due=30), invoiced("I1", 100, due=90))
    assert (known.items["I1"].outstanding, known.items["I1"].due) == (100, first.due_date.toordinal())
    assert owed(known) == 100
    assert known.items["I1"].changed == day_of(taken_back("I1", 1, day=3).occurred_at)
