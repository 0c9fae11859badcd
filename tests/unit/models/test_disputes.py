"""Laws of models.disputes: what is contested is owed but judges nobody; resolved, all is as it would have been."""

from __future__ import annotations

from decimal import Decimal
from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models import disputes, ledger
from models.account import Account
from models.exposure import ageing, positions
from models.knock_outs import caps
from schemas.events import DisputeResolved, InvoiceDisputed, OrderInvoiced, PaymentReceived
from schemas.levels import Level
from tests.unit.models.book import Book, alerts, levels, orders
from tests.unit.models.build import DAY, account, disputed, invoiced, paid, placed, policy, resolved, taken_back

RULES = policy()
Booked = OrderInvoiced | PaymentReceived | InvoiceDisputed | DisputeResolved


def booked(*events: Booked) -> Account:
    """An account with the events booked one after the other."""
    known = account()
    for event in events:
        match event:
            case OrderInvoiced():
                ledger.open_invoice(known, event, RULES)
            case PaymentReceived():
                ledger.receive_payment(known, event, RULES)
            case InvoiceDisputed():
                disputes.dispute_invoice(known, event)
            case DisputeResolved():
                disputes.resolve_dispute(known, event, RULES)
    return known


def book_of(known: Account) -> tuple[object, ...]:
    """What is open, what is not applied, and what is overdue and disputed on day 90."""
    where = {c: (p.exposure, p.overdue, p.oldest_dpd, p.disputed) for c, p in positions(known, DAY + 90, RULES).items()}
    items = {invoice: item.outstanding for invoice, item in known.items.items()}
    return items, known.unapplied, known.open_invoices, where


def test_a_disputed_invoice_is_owed_but_not_overdue() -> None:
    """All of it stays in the exposure; nothing of it ages."""
    known = booked(invoiced("I1", 100), disputed("I1"))
    position = positions(known, DAY + 90, RULES)["EUR"]
    assert (position.exposure, position.disputed) == (100, 100)
    assert (position.overdue, position.oldest_dpd, position.items) == (0, 0, [])
    assert set(ageing(known, DAY + 90)["EUR"].values()) == {0}


def test_of_a_part_disputed_the_rest_ages_and_is_paid_first() -> None:
    """30 of 100 contested: 70 are overdue; paid, nothing is; the dispute covers at most what is open."""
    known = booked(invoiced("I1", 100), disputed("I1", 30))
    assert positions(known, DAY + 90, RULES)["EUR"].overdue == 70
    ledger.receive_payment(known, paid("I1", 70, day=50), RULES)
    position = positions(known, DAY + 90, RULES)["EUR"]
    assert (position.overdue, position.disputed, position.exposure) == (0, 30, 30)
    ledger.receive_payment(known, paid("I1", 10, day=60), RULES)
    assert positions(known, DAY + 90, RULES)["EUR"].disputed == 20


def test_a_dispute_in_another_currency_covers_nothing() -> None:
    """30 dollars say nothing of an invoice in euros."""
    known = booked(invoiced("I1", 100), disputed("I1", 30, currency="USD"))
    position = positions(known, DAY + 90, RULES)["EUR"]
    assert (position.overdue, position.disputed) == (100, 0)


def test_paying_what_is_contested_is_no_habit() -> None:
    """Of 100 paid 60 days late while 30 are contested, 70 count for the behaviour."""
    known = booked(invoiced("I1", 100, due=30), disputed("I1", 30), paid("I1", 100, day=90))
    assert known.behaviour.cash["EUR"].paid == 70
    whole = booked(invoiced("I1", 100, due=30), disputed("I1"), paid("I1", 100, day=90))
    assert (whole.behaviour.payments, whole.items, whole.open_invoices) == (0, {}, {})


def test_rejected_it_is_due_as_before() -> None:
    """The days past due run from the invoice's own date, as if it had never been contested."""
    known = booked(invoiced("I1", 100, due=30), disputed("I1"), resolved("I1"))
    assert book_of(known) == book_of(booked(invoiced("I1", 100, due=30)))
    assert positions(known, DAY + 90, RULES)["EUR"].oldest_dpd == 60


def test_accepted_the_credit_note_lowers_what_is_open() -> None:
    """20 of the 30 contested are credited: 80 are due as before; it is no payment."""
    known = booked(invoiced("I1", 100, due=30), disputed("I1", 30), resolved("I1", 20))
    position = positions(known, DAY + 90, RULES)["EUR"]
    assert (position.exposure, position.overdue, position.disputed) == (80, 80, 0)
    assert known.behaviour.payments == 0


def test_a_credit_note_over_all_closes_the_invoice_and_the_dispute() -> None:
    """Nothing is open, nothing remembered but that it is closed; credited beyond it, the customer has cash with us."""
    known = booked(invoiced("I1", 100), disputed("I1"), resolved("I1", 100))
    assert (known.items, known.disputes, known.open_invoices, known.unapplied) == ({}, {}, {}, {})
    paid_before = booked(invoiced("I1", 100), disputed("I1"), paid("I1", 100), resolved("I1", 40))
    assert (paid_before.unapplied, paid_before.disputes) == ({"EUR": Decimal(40)}, {})


def test_a_waiting_credit_note_is_not_taken_for_a_payment_that_bounced() -> None:
    """A reversal takes cash back, not what we credited."""
    known = booked(resolved("I1", 40))
    ledger.reverse_payment(known, taken_back("I1", 40))
    assert known.unapplied == {"EUR": Decimal(40)}
    assert known.items["I1"].outstanding == 40


def test_the_newest_dispute_holds() -> None:
    """A second one takes the first one's place; the end of the first does not end the second."""
    known = booked(invoiced("I1", 100), disputed("I1", 80, day=20), disputed("I1", 30, day=25))
    assert positions(known, DAY + 90, RULES)["EUR"].disputed == 30
    disputes.resolve_dispute(known, resolved("I1", day=22), RULES)
    assert positions(known, DAY + 90, RULES)["EUR"].disputed == 30
    disputes.resolve_dispute(known, resolved("I1", day=26), RULES)
    assert positions(known, DAY + 90, RULES)["EUR"].disputed == 0


_STORIES: dict[str, list[Booked]] = {
    "rejected": [invoiced("I1", 100), disputed("I1", 30), resolved("I1"), paid("I1", 50)],
    "accepted": [invoiced("I1", 100), disputed("I1"), resolved("I1", 20), paid("I1", 50)],
    "credited in full": [invoiced("I1", 100), disputed("I1"), resolved("I1", 100), paid("I1", 50)],
    "open": [invoiced("I1", 100), disputed("I1", 60, day=5), disputed("I1", 30, day=6), paid("I1", 50)],
    "again": [invoiced("I1", 100), disputed("I1", day=5), resolved("I1", 10, day=6), disputed("I1", 30, day=7)],
}


@pytest.mark.parametrize("story", _STORIES)
def test_order_of_arrival_does_not_matter(story: str) -> None:
    """Whatever comes first, the same is open, disputed, overdue and unapplied in the end."""
    found = [book_of(booked(*events)) for events in permutations(_STORIES[story])]
    assert all(book == found[0] for book in found)


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["invoice", "dispute", "resolve", "pay"]),
            st.integers(0, 2),
            st.integers(1, 200),
            st.integers(1, 60),
        ),
        max_size=25,
    )
)
def test_disputed_money_is_never_overdue_nor_lost(deeds: list[tuple[str, int, int, int]]) -> None:
    """In any course: disputed + overdue <= open; open - unapplied = invoiced - paid - credited."""
    known, balance, seen = account(), Decimal(0), set()
    for kind, number, amount, day in deeds:
        invoice = f"I{number}"
        match kind:
            case "invoice":
                if ledger.open_invoice(known, invoiced(invoice, amount), RULES):
                    balance += amount
                    seen.add(invoice)
            case "dispute":
                disputes.dispute_invoice(known, disputed(invoice, amount if amount % 2 else None, day=day))
            case "resolve":
                credit = amount if amount % 3 else None
                disputes.resolve_dispute(known, resolved(invoice, credit, day=day), RULES)
                balance -= credit or 0
            case _:
                ledger.receive_payment(known, paid(invoice, amount, day=day), RULES)
                balance -= amount
        open_, unapplied = known.open_invoices.get("EUR", Decimal(0)), known.unapplied.get("EUR", Decimal(0))
        assert open_ - unapplied == balance
        assert open_ == sum((item.outstanding for item in known.items.values()), Decimal(0))
        for position in positions(known, DAY + 90, RULES).values():
            assert 0 <= position.overdue + position.disputed <= position.open_invoices


def test_disputes_of_invoices_that_never_come_are_bounded() -> None:
    """The oldest that wait are forgotten; those of open invoices stay."""
    known = booked(invoiced("OPEN", 100), disputed("OPEN"))
    for number in range(300):
        disputes.dispute_invoice(known, disputed(f"I{number}"))
    assert len(known.disputes) == 200
    assert {"OPEN", "I299"} <= set(known.disputes)


def test_a_dispute_lifts_the_knock_outs() -> None:
    """Long overdue, or charged back: a cap; contested: none; rejected: the same cap again."""
    known = booked(invoiced("I1", 100, due=10))
    ledger.receive_payment(known, paid("I1", 100, day=9), RULES)
    ledger.reverse_payment(known, taken_back("I1", 100, day=12, due=10))

    def found() -> list[str]:
        day = DAY + 60
        return [cap.code for cap in caps(known, positions(known, day, RULES), day, RULES)]

    assert found() == ["DPD_30", "PAYMENT_REVERSED"]
    disputes.dispute_invoice(known, disputed("I1"))
    assert found() == []
    disputes.resolve_dispute(known, resolved("I1"), RULES)
    assert found() == ["DPD_30", "PAYMENT_REVERSED"]


def test_a_good_payer_that_disputes_is_neither_tightened_nor_judged() -> None:
    """60 days past due, contested in time: no alert, orders pass, the outcome is never learned; and it is shown."""
    book = Book()
    book.good_payer(6)
    book.see(invoiced("I1", 5_000, due=30, issued=21), disputed("I1", day=29))
    known = len(book.outcomes)
    out = book.days(30, 95)
    assert {alert.kind for alert in alerts(out)} <= {"easing"}
    assert "I1" not in {outcome.invoice_id for outcome in book.outcomes}
    assert len(book.outcomes) == known
    assert "I1" not in {*book.account.predictions, *book.account.rolls}
    (order,) = orders(book.see(placed("O1", 10, day=95)))
    assert order.decision == "approve"
    assert (order.exposure.disputed, order.exposure.overdue, order.exposure.exposure) == (5_000, 0, 5_000)
    assert book.account.behaviour.late_outcomes == 0


def test_rejected_it_tightens_and_the_reason_names_what_is_still_contested() -> None:
    """Of two contested invoices one is rejected: the level falls at once, for that one alone."""
    book = Book()
    book.good_payer(6)
    book.see(invoiced("I1", 5_000, due=30, issued=21), invoiced("I2", 700, due=30, issued=21))
    book.see(disputed("I1", day=29), disputed("I2", day=29))
    book.days(30, 70)
    (alert,) = alerts(book.see(resolved("I1", day=70)))
    assert alert.level is Level.HIGH_RISK
    assert alert.caps[0].code == "DPD_30"
    assert alert.way_back is not None
    assert alert.way_back.pay == {"EUR": 5_000}
    ageing_reason = next(reason for reason in alert.reasons if reason.code == "AGEING")
    assert ageing_reason.detail["disputed"] == "700 EUR"
    assert [help_.pay for help_ in alert.counterfactuals] == [{"EUR": 5_000}] * len(alert.counterfactuals)


def test_a_dispute_known_late_takes_the_tightening_back() -> None:
    """It was contested before it was 15 days late, and we learn of it afterwards: the alert is retracted."""
    book = Book()
    book.good_payer(6)
    book.see(invoiced("I1", 5_000, due=30, issued=21))
    (tightened,) = [alert for alert in alerts(book.days(22, 50)) if alert.level is Level.WATCH]
    assert tightened.cause_kind == "DPD_15"
    (retraction,) = alerts(book.see(disputed("I1", day=40), day=51))
    assert retraction.kind == "retraction"
    assert levels(book.out)[-1].level is retraction.level
    assert not retraction.level.worse_than(Level.STANDARD)


def test_unapplied_cash_frees_a_hold_at_once() -> None:
    """Held for an old item, then the cash comes, applied to nothing: the order is released by that payment."""
    book = Book("ladder: {evidence_floor: 1000}\n")
    book.good_payer(6)
    book.see(invoiced("I1", 5_000, due=30, issued=21))
    book.days(22, 100)
    (held,) = orders(book.see(placed("O1", 10, day=100)))
    assert [check.code for check in held.checks] == ["OLDEST_ITEM"]
    (released,) = orders(book.see(paid(None, 5_000, day=100)))
    assert released.decision == "release"
