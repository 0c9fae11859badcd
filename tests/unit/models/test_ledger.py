"""Laws of models.ledger."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models import ledger
from models.account import Account, Prediction
from models.exposure import positions
from models.knock_outs import caps
from models.memory import contains, id_hash
from schemas.events import OrderInvoiced, PaymentReceived
from tests.unit.models.build import (
    DAY,
    account,
    cancelled,
    invoiced,
    noticed,
    paid,
    placed,
    policy,
    taken_back,
)

RULES = policy("materiality: {tolerance: 1}")


def _booked(*events: OrderInvoiced | PaymentReceived) -> Account:
    known = account()
    for event in events:
        if isinstance(event, OrderInvoiced):
            ledger.open_invoice(known, event, RULES)
        else:
            ledger.receive_payment(known, event, RULES)
    return known


def _closed(known: Account, invoice_id: str) -> bool:
    return contains(known.closed, id_hash(invoice_id))


# Orders


def test_order_is_exposure_until_known_otherwise() -> None:
    """A placed order is open with its amount, currency, day and delivery."""
    known = account()
    assert ledger.place_order(known, placed("O1", 500, day=2, delivery=40), RULES)
    order = known.orders["O1"]
    assert (order.amount, order.currency, order.placed, order.delivery) == (500, "EUR", DAY + 2, DAY + 40)
    assert known.behaviour.orders == 1


def test_order_known_already_changes_nothing() -> None:
    """A second order of the same id is refused, whatever its amount."""
    known = account()
    ledger.place_order(known, placed("O1", 500), RULES)
    assert not ledger.place_order(known, placed("O1", 900), RULES)
    assert known.orders["O1"].amount == 500
    assert known.behaviour.orders == 1


def test_invoiced_part_leaves_the_rest_of_the_order() -> None:
    """An invoice over a part of its order moves that part from orders to invoices."""
    known = account()
    ledger.place_order(known, placed("O1", 500), RULES)
    ledger.open_invoice(known, invoiced("I1", "200.25", order_id="O1"), RULES)
    assert known.orders["O1"].amount == Decimal("299.75")
    assert known.open_invoices == {"EUR": Decimal("200.25")}
    ledger.open_invoice(known, invoiced("I2", "299.75", order_id="O1"), RULES)
    assert known.orders == {}
    assert known.open_invoices == {"EUR": Decimal(500)}


def test_invoice_of_an_order_counts_once_for_velocity() -> None:
    """What was counted when ordered is not counted again when invoiced; an invoice without order is."""
    known = account()
    ledger.place_order(known, placed("O1", 500), RULES)
    ledger.open_invoice(known, invoiced("I1", 500, order_id="O1"), RULES)
    assert known.behaviour.orders == 1
    ledger.open_invoice(known, invoiced("I2", 70), RULES)
    assert known.behaviour.orders == 2
    assert known.behaviour.cash["EUR"].orders_fast == 570.0


def test_invoice_above_its_order_removes_it() -> None:
    """An order never becomes negative."""
    known = account()
    ledger.place_order(known, placed("O1", 500), RULES)
    ledger.open_invoice(known, invoiced("I1", 510, order_id="O1"), RULES)
    assert known.orders == {}
    assert known.open_invoices == {"EUR": 510}


def test_invoice_in_another_currency_leaves_the_order() -> None:
    """Currencies never mix: an invoice in USD takes nothing off an order in EUR."""
    known = account()
    ledger.place_order(known, placed("O1", 500), RULES)
    ledger.open_invoice(known, invoiced("I1", 500, currency="USD", order_id="O1"), RULES)
    assert known.orders["O1"].amount == 500
    assert known.open_invoices == {"USD": 500}


def test_cancelled_in_part_and_whole() -> None:
    """A cancelled part is taken off; a cancellation without amount takes the rest."""
    known = account()
    ledger.place_order(known, placed("O1", 500), RULES)
    ledger.cancel_order(known, cancelled("O1", 120))
    assert known.orders["O1"].amount == 380
    ledger.cancel_order(known, cancelled("O1", 100, currency="USD"))
    assert known.orders["O1"].amount == 380
    ledger.cancel_order(known, cancelled("O1"))
    assert known.orders == {}


def test_cancelling_an_unknown_order_is_no_error() -> None:
    """A cancellation without its order changes nothing."""
    known = account()
    ledger.cancel_order(known, cancelled("O9"))
    assert known == account()


# Invoices and payments


def test_invoice_paid_exactly_is_closed() -> None:
    """Payment of the whole amount leaves nothing open, no unapplied cash, and is remembered as closed."""
    known = _booked(invoiced("I1", "99.99"), paid("I1", "99.99"))
    assert known.items == {}
    assert known.open_invoices == {}
    assert known.unapplied == {}
    assert _closed(known, "I1")


def test_partial_payments_are_exact() -> None:
    """Three thirds to the cent close an invoice of 100 without a rest."""
    known = _booked(invoiced("I1", 100), paid("I1", "33.33"), paid("I1", "33.33"))
    assert known.items["I1"].outstanding == Decimal("33.34")
    assert known.open_invoices == {"EUR": Decimal("33.34")}
    ledger.receive_payment(known, paid("I1", "33.34"), RULES)
    assert known.items == {}
    assert known.behaviour.payments == 3


def test_partial_payment_keeps_amount_and_due() -> None:
    """A partial payment changes only what is outstanding and when that was known."""
    known = _booked(invoiced("I1", 100, due=30), paid("I1", 40, day=12))
    item = known.items["I1"]
    assert (item.outstanding, item.amount, item.due, item.changed) == (60, 100, DAY + 30, DAY + 12)


def test_payment_counts_its_days_late() -> None:
    """Days late are those from the due date of the invoice to the day it was paid, whenever it was issued."""
    known = _booked(invoiced("I1", 100, due=30, issued=5), paid("I1", 100, day=42))
    assert known.behaviour.late_sum == 12.0
    assert known.behaviour.cash["EUR"].late_amount_days == 1200.0
    assert known.behaviour.last_payment == DAY + 42


def test_overpayment_is_unapplied_cash() -> None:
    """What is paid above the invoice waits as unapplied cash and is no payment behaviour."""
    known = _booked(invoiced("I1", 100), paid("I1", 130))
    assert known.items == {}
    assert known.open_invoices == {}
    assert known.unapplied == {"EUR": 30}
    assert known.behaviour.cash["EUR"].paid == 100.0


def test_second_payment_of_a_closed_invoice_is_unapplied() -> None:
    """An invoice paid twice leaves the second payment unapplied and waiting for nothing."""
    known = _booked(invoiced("I1", 100), paid("I1", 100), paid("I1", 100))
    assert known.unapplied == {"EUR": 100}
    assert known.early == {}


def test_cash_without_invoice_is_unapplied() -> None:
    """Cash that names no invoice lowers the exposure and says nothing of being late."""
    known = _booked(paid(None, 250), paid(None, 50))
    assert known.unapplied == {"EUR": 300}
    assert known.early == {}
    assert known.behaviour.payments == 0


def test_payment_of_an_unknown_invoice_waits() -> None:
    """A payment that comes before its invoice is unapplied cash until then, and no item."""
    known = _booked(paid("I1", 80))
    assert known.unapplied == {"EUR": 80}
    assert known.items == {}
    assert [early.amount for early in known.early["I1"]] == [80]


def test_payment_before_its_invoice_is_applied_when_it_comes() -> None:
    """Payment then invoice ends as invoice then payment: same book, same behaviour."""
    swapped = _booked(paid("I1", 100, day=33), invoiced("I1", 100, due=30))
    ordered = _booked(invoiced("I1", 100, due=30), paid("I1", 100, day=33))
    assert swapped.items == ordered.items == {}
    assert swapped.unapplied == ordered.unapplied == {}
    assert swapped.open_invoices == ordered.open_invoices == {}
    assert swapped.early == {}
    assert _closed(swapped, "I1")
    assert swapped.behaviour.late_sum == ordered.behaviour.late_sum == 3.0


def test_several_early_payments_are_all_applied() -> None:
    """Two parts before the invoice are applied in turn; what is too much stays unapplied."""
    known = _booked(paid("I1", 70), paid("I1", 50), paid("I2", 5), invoiced("I1", 100))
    assert known.items == {}
    assert known.unapplied == {"EUR": 25}
    assert list(known.early) == ["I2"]


def test_early_payment_in_another_currency_stays_unapplied() -> None:
    """Cash in USD for an invoice that turns out to be in EUR is never converted."""
    known = _booked(paid("I1", 100, currency="USD"), invoiced("I1", 100))
    assert known.unapplied == {"USD": 100}
    assert known.open_invoices == {"EUR": 100}
    assert known.items["I1"].outstanding == 100


def test_payment_in_another_currency_is_unapplied() -> None:
    """A payment in another currency than its invoice pays nothing of it and is no behaviour."""
    known = _booked(invoiced("I1", 100), paid("I1", 100, currency="USD"))
    assert known.items["I1"].outstanding == 100
    assert known.unapplied == {"USD": 100}
    assert known.open_invoices == {"EUR": 100}
    assert known.behaviour.payments == 0


def test_two_currencies_are_kept_apart() -> None:
    """Invoices and payments in two currencies make two balances."""
    known = _booked(
        invoiced("I1", 100), invoiced("I2", 100, currency="USD"), paid("I1", 30), paid("I2", 60, currency="USD")
    )
    assert known.open_invoices == {"EUR": 70, "USD": 40}
    assert sorted(known.behaviour.cash) == ["EUR", "USD"]


def test_waiting_payments_are_bounded() -> None:
    """Payments wait for at most 200 invoices; the cash of the forgotten one stays unapplied."""
    known = _booked(*[paid(f"I{number}", 1) for number in range(201)])
    assert len(known.early) == 200
    assert "I0" not in known.early
    assert known.unapplied == {"EUR": 201}


def test_invoice_known_already_changes_nothing() -> None:
    """A second invoice of the same id is refused, open or closed."""
    known = _booked(invoiced("I1", 100))
    assert not ledger.open_invoice(known, invoiced("I1", 400), RULES)
    assert known.open_invoices == {"EUR": 100}
    ledger.receive_payment(known, paid("I1", 100), RULES)
    assert not ledger.open_invoice(known, invoiced("I1", 100), RULES)
    assert known.items == {}
    assert known.behaviour.orders == 1


# Predictions


def _with_prediction(amount: int) -> Account:
    known = _booked(invoiced("I1", amount))
    known.predictions["I1"] = Prediction(DAY + 36, DAY, DAY + 30, 0.1, 0.1, b"")
    return known


def test_rest_within_the_tolerance_settles_the_prediction_only() -> None:
    """A rest of one unit is rounding: the prediction is settled that day, the book keeps the rest open."""
    known = _with_prediction(100)
    ledger.receive_payment(known, paid("I1", 99, day=8), RULES)
    assert known.predictions["I1"].settled == DAY + 8
    assert known.items["I1"].outstanding == 1
    ledger.receive_payment(known, paid("I1", 1, day=50), RULES)
    assert known.predictions["I1"].settled == DAY + 8


def test_rest_above_the_tolerance_settles_nothing() -> None:
    """A rest of more than the tolerance leaves the outcome open."""
    known = _with_prediction(100)
    ledger.receive_payment(known, paid("I1", "98.99", day=8), RULES)
    assert known.predictions["I1"].settled is None


def test_reversal_unsettles_the_prediction() -> None:
    """A payment taken back makes the outcome open again."""
    known = _with_prediction(100)
    ledger.receive_payment(known, paid("I1", 100, day=8), RULES)
    ledger.reverse_payment(known, taken_back("I1", 100, day=9, due=30))
    assert known.predictions["I1"].settled is None


# Reversals


def test_reversal_opens_a_closed_invoice_again() -> None:
    """After a reversal the invoice is open, marked, due when it was due, and no longer known as closed."""
    known = _booked(invoiced("I1", 100, due=30), paid("I1", 100))
    ledger.reverse_payment(known, taken_back("I1", 100, day=20, due=30))
    item = known.items["I1"]
    assert (item.outstanding, item.due, item.reversed, item.changed) == (100, DAY + 30, True, DAY + 20)
    assert known.open_invoices == {"EUR": 100}
    assert not _closed(known, "I1")


def test_reversal_of_a_part_adds_to_what_is_open() -> None:
    """A partial payment taken back restores what was outstanding before."""
    known = _booked(invoiced("I1", 100), paid("I1", 40))
    ledger.reverse_payment(known, taken_back("I1", 40))
    assert known.items["I1"].outstanding == 100
    assert known.items["I1"].reversed
    assert known.open_invoices == {"EUR": 100}


def test_reversal_without_due_date_is_due_at_once() -> None:
    """An invoice forgotten meanwhile and opened without a due date is due on the day of the reversal."""
    known = _booked(invoiced("I1", 100), paid("I1", 100))
    ledger.reverse_payment(known, taken_back("I1", 100, day=25))
    assert known.items["I1"].due == DAY + 25


def test_payment_after_a_reversal_heals_it() -> None:
    """Paid again, the invoice carries no mark of the reversal and is closed."""
    known = _booked(invoiced("I1", 100), paid("I1", 100))
    ledger.reverse_payment(known, taken_back("I1", 100, due=30))
    ledger.receive_payment(known, paid("I1", 60, day=28), RULES)
    assert not known.items["I1"].reversed
    ledger.receive_payment(known, paid("I1", 40, day=29), RULES)
    assert known.items == {}
    assert _closed(known, "I1")


def test_reversal_of_one_of_two_payments_leaves_the_invoice_paid() -> None:
    """Paid twice by mistake, and one of them returned: nothing is owed, and nothing is a mark against the customer."""
    known = _booked(invoiced("I1", 100), paid("I1", 100), paid("I1", 100))
    ledger.reverse_payment(known, taken_back("I1", 100))
    assert (known.items, known.unapplied, known.open_invoices) == ({}, {}, {})
    ledger.reverse_payment(known, taken_back("I1", 100))
    assert (known.items["I1"].outstanding, known.items["I1"].reversed) == (100, True)


def test_reversal_of_an_overpayment_takes_the_rest_first() -> None:
    """All of it returned, then paid right: no open item and no cash is left over."""
    known = _booked(invoiced("I1", 100), paid("I1", 150))
    ledger.reverse_payment(known, taken_back("I1", 150))
    assert (known.items["I1"].outstanding, known.unapplied) == (100, {})
    ledger.receive_payment(known, paid("I1", 100), RULES)
    assert (known.items, known.unapplied, known.overpaid) == ({}, {}, {})


def test_reversal_of_what_was_refunded_otherwise_opens_the_invoice() -> None:
    """The second payment was sent back without naming the invoice; then the first one bounces."""
    known = _booked(invoiced("I1", 100), paid("I1", 100), paid("I1", 100))
    ledger.reverse_payment(known, taken_back(None, 100))
    ledger.reverse_payment(known, taken_back("I1", 100))
    assert (known.items["I1"].outstanding, known.unapplied) == (100, {})


def test_what_a_credit_note_left_over_covers_its_invoice() -> None:
    """Paid, then credited in full, then the payment bounces: nothing was paid, and nothing is owed."""
    known = _booked(invoiced("I1", 100), paid("I1", 100))
    ledger.credit_invoice(known, "I1", Decimal(100), "EUR", DAY + 20, RULES)
    ledger.reverse_payment(known, taken_back("I1", 100))
    assert (known.items, known.unapplied, known.overpaid) == ({}, {}, {})


def test_a_waiting_credit_note_does_not_bounce() -> None:
    """Of what waits for its invoice a reversal takes payments only: the credit note is there when the invoice comes."""
    known = _booked(paid("I1", 100))
    ledger.credit_invoice(known, "I1", Decimal(100), "EUR", DAY + 20, RULES)
    ledger.reverse_payment(known, taken_back("I1", 100))
    assert (known.items, known.unapplied) == ({}, {"EUR": 100})
    ledger.open_invoice(known, invoiced("I1", 150), RULES)
    assert (known.items["I1"].outstanding, known.unapplied) == (50, {})


def test_overpaid_invoices_are_bounded() -> None:
    """The newest are remembered; the cash of the others stays what it is."""
    known = _booked()
    for number in range(30):
        ledger.open_invoice(known, invoiced(f"I{number}", 100), RULES)
        ledger.receive_payment(known, paid(f"I{number}", 101), RULES)
    assert (len(known.overpaid), known.unapplied) == (20, {"EUR": 30})


_MONEY = st.tuples(st.sampled_from(["pay", "take back"]), st.sampled_from(["I1", "I2", None]), st.integers(1, 250))


@given(st.lists(_MONEY, max_size=12))
def test_what_is_owed_is_what_was_invoiced_and_not_paid(moves: list[tuple[str, str | None, int]]) -> None:
    """Whatever is paid, overpaid and taken back, in whatever order: open invoices less unapplied cash stay exact, and
    no invoice is open while cash that names it lies about."""
    known = _booked(invoiced("I1", 100), invoiced("I2", 100))
    owed = Decimal(200)
    for what, invoice, amount in moves:
        if what == "pay":
            ledger.receive_payment(known, paid(invoice, amount), RULES)
            owed -= amount
        else:
            ledger.reverse_payment(known, taken_back(invoice, amount))
            owed += amount
        assert known.open_invoices.get("EUR", 0) - known.unapplied.get("EUR", 0) == owed
        assert known.open_invoices.get("EUR", 0) == sum(item.outstanding for item in known.items.values())
        assert not {*known.items} & {*known.overpaid}


_MOVES = st.lists(
    st.tuples(
        st.sampled_from(["invoice", "pay", "pay", "credit", "take back"]),
        st.sampled_from(["I1", "I2", None]),
        st.integers(1, 250),
    ),
    max_size=16,
)


@given(_MOVES)
def test_late_news_of_any_kind_leaves_what_is_owed_exact(moves: list[tuple[str, str | None, int]]) -> None:
    """Invoices that come after their payments, credit notes, payments taken back in any order after they were made:
    what is owed is what was invoiced and neither paid nor credited, and whoever owes nothing has no reversal against
    him."""
    known, owed, payments = _booked(), Decimal(0), list[tuple[str | None, int]]()
    invoiced_already = set[str]()
    for what, invoice, amount in moves:
        if what == "invoice" and invoice is not None and invoice not in invoiced_already:
            invoiced_already.add(invoice)
            ledger.open_invoice(known, invoiced(invoice, amount), RULES)
            owed += amount
        elif what == "pay":
            payments.append((invoice, amount))
            ledger.receive_payment(known, paid(invoice, amount), RULES)
            owed -= amount
        elif what == "credit" and invoice is not None:
            ledger.credit_invoice(known, invoice, Decimal(amount), "EUR", DAY, RULES)
            owed -= amount
        elif what == "take back" and payments:
            payment = payments.pop(amount % len(payments))
            ledger.reverse_payment(known, taken_back(*payment, due=30))
            owed += payment[1]
        assert known.open_invoices.get("EUR", 0) - known.unapplied.get("EUR", 0) == owed
        assert not {*known.items} & {*known.overpaid, *known.early}
        if owed <= 0:
            assert caps(known, positions(known, DAY + 25, RULES), DAY + 25, RULES) == []


def test_reversal_of_unapplied_cash() -> None:
    """Unapplied cash that is taken back is gone."""
    known = _booked(paid(None, 250))
    ledger.reverse_payment(known, taken_back(None, 100))
    assert known.unapplied == {"EUR": 150}
    ledger.reverse_payment(known, taken_back(None, 150))
    assert known.unapplied == {}


def test_reversal_of_a_waiting_payment() -> None:
    """A payment taken back before its invoice came is as if it had never been."""
    known = _booked(paid("I1", 100))
    ledger.reverse_payment(known, taken_back("I1", 100))
    assert known.unapplied == {}
    assert known.early == {}
    ledger.open_invoice(known, invoiced("I1", 100), RULES)
    assert known.items["I1"].outstanding == 100
    assert not known.items["I1"].reversed


def test_reversal_of_one_of_two_waiting_payments() -> None:
    """Only the waiting payment of that amount and currency goes."""
    known = _booked(paid("I1", 100), paid("I1", 30))
    ledger.reverse_payment(known, taken_back("I1", 30))
    assert [early.amount for early in known.early["I1"]] == [100]
    assert known.unapplied == {"EUR": 100}


def test_reversal_in_another_currency_leaves_the_invoice() -> None:
    """Cash in USD that was never applied to the EUR invoice is taken off the unapplied USD again."""
    known = _booked(invoiced("I1", 100), paid("I1", 80, currency="USD"))
    ledger.reverse_payment(known, taken_back("I1", 80, currency="USD"))
    assert known.unapplied == {}
    assert known.items["I1"].outstanding == 100
    assert known.open_invoices == {"EUR": 100}


# Notices


def test_notice_opens_an_unknown_invoice() -> None:
    """A notice about an invoice we never saw opens it with the due date that follows from it."""
    known = account()
    ledger.notice_overdue(known, noticed("I1", 70, days_past_due=12, as_of=42), RULES)
    item = known.items["I1"]
    assert (item.outstanding, item.due, item.from_notice) == (70, DAY + 30, True)
    assert known.open_invoices == {"EUR": 70}


def test_invoice_after_its_notice_is_not_counted_twice() -> None:
    """The notice knows what is open, the late invoice knows amount and due date; exposure stays."""
    known = account()
    ledger.notice_overdue(known, noticed("I1", 70, days_past_due=12, as_of=42), RULES)
    assert ledger.open_invoice(known, invoiced("I1", 100, due=31), RULES)
    item = known.items["I1"]
    assert (item.outstanding, item.amount, item.due, item.from_notice) == (70, 100, DAY + 31, False)
    assert known.open_invoices == {"EUR": 70}


def test_notice_lowers_and_closes() -> None:
    """A newer notice sets what is open; at zero the invoice is closed."""
    known = _booked(invoiced("I1", 100))
    ledger.notice_overdue(known, noticed("I1", 60, days_past_due=5, as_of=35), RULES)
    assert known.open_invoices == {"EUR": 60}
    ledger.notice_overdue(known, noticed("I1", 0, days_past_due=6, as_of=36), RULES)
    assert known.items == {}
    assert known.open_invoices == {}
    assert _closed(known, "I1")


def test_newer_notice_may_raise() -> None:
    """What the ledger says after our last knowledge holds, even when it is more."""
    known = _booked(invoiced("I1", 100), paid("I1", 50, day=32))
    ledger.notice_overdue(known, noticed("I1", 80, days_past_due=3, as_of=33), RULES)
    assert known.items["I1"].outstanding == 80
    assert known.open_invoices == {"EUR": 80}


@pytest.mark.parametrize("as_of", [31, 32])
def test_stale_notice_never_raises(as_of: int) -> None:
    """A notice made before, or on the day of, a payment we know does not undo that payment."""
    known = _booked(invoiced("I1", 100), paid("I1", 50, day=32))
    ledger.notice_overdue(known, noticed("I1", 100, days_past_due=as_of - 30, as_of=as_of), RULES)
    assert known.items["I1"].outstanding == 50


def test_stale_notice_of_a_closed_invoice_opens_nothing() -> None:
    """What is known to be closed stays closed."""
    known = _booked(invoiced("I1", 100), paid("I1", 100, day=32))
    ledger.notice_overdue(known, noticed("I1", 100, days_past_due=1, as_of=31), RULES)
    assert known.items == {}
    assert known.open_invoices == {}


def test_notice_in_another_currency_changes_nothing() -> None:
    """A notice in USD says nothing of an invoice in EUR."""
    known = _booked(invoiced("I1", 100))
    ledger.notice_overdue(known, noticed("I1", 10, days_past_due=5, as_of=35, currency="USD"), RULES)
    assert known.open_invoices == {"EUR": 100}


def test_notice_of_zero_for_an_unknown_invoice_changes_nothing() -> None:
    """A notice taken back for an invoice we never saw is no item."""
    known = account()
    ledger.notice_overdue(known, noticed("I1", 0, days_past_due=5, as_of=35), RULES)
    assert known == account()
