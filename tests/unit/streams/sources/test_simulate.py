"""The simulated portfolio: valid, in order, the same for the same seed, and its stories can be found in the events."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from collections import Counter, defaultdict
from datetime import UTC, datetime
from decimal import Decimal
from functools import cache
from statistics import mean
from typing import Any

import pytest

from models.calendar import to_ms
from schemas.errors import InvalidInput
from schemas.events import (
    MarketIndexRead,
    OrderInvoiced,
    OrderPlaced,
    OverdueNoticed,
    PaymentReceived,
    PaymentReversed,
)
from schemas.topics import BY_NAME, CUSTOMER_TOPICS, MARKET, SUPPLY
from streams.sources.event_file import TimedEvent, event_line
from streams.sources.habits import Customer
from streams.sources.simulate import Portfolio, customers_of, simulate

BOOK = Portfolio(customers=300, days=240, seed=3)
FINGERPRINT = (
    "import hashlib\n"
    "from streams.sources.event_file import event_line\n"
    "from streams.sources.simulate import Portfolio, simulate\n"
    "events = simulate(Portfolio(customers=20, days=90, seed=5))\n"
    "print(hashlib.sha256(''.join(map(event_line, events)).encode()).hexdigest())\n"
)


@cache
def _told() -> tuple[tuple[TimedEvent, Any], ...]:
    """All events of the book, with what the contract of their topic reads in them."""
    return tuple((event, BY_NAME[event.topic].contract.validate_json(event.raw)) for event in simulate(BOOK))


@cache
def _people() -> dict[str, Customer]:
    return {customer.customer_id: customer for customer in customers_of(BOOK)}


def _all(kind: type[Any]) -> list[Any]:
    return [event for _, event in _told() if isinstance(event, kind)]


def _days_late() -> dict[str, list[tuple[int, int]]]:
    """Of each customer, day of the simulation on which an invoice fell due, and by how many days it was paid late."""
    invoices = {event.invoice_id: event for event in _all(OrderInvoiced)}
    found = defaultdict(list)
    for payment in _all(PaymentReceived):
        if payment.invoice_id is not None:
            due = invoices[payment.invoice_id].due_date
            day = (due - BOOK.start.date()).days
            found[payment.customer_id].append((day, (payment.paid_at.date() - due).days))
    return found


def test_every_event_is_valid_keyed_and_in_order() -> None:
    """Each holds to the contract of its topic, has its customer as key, and none goes back in time."""
    latest = to_ms(BOOK.start)
    for event, read in _told():
        assert latest <= event.timestamp_ms
        latest = event.timestamp_ms
        assert to_ms(read.occurred_at) <= event.timestamp_ms
        assert event.key == (read.customer_id if event.topic in CUSTOMER_TOPICS else None)
    assert {event.topic for event, _ in _told()} == {*CUSTOMER_TOPICS, MARKET} - {SUPPLY}


def test_no_event_id_comes_twice() -> None:
    """Each event has an id of its own: the engine would drop the second one."""
    ids = Counter(read.event_id for _, read in _told())
    assert [name for name, count in ids.items() if count > 1] == []


def test_the_same_seed_gives_the_same_bytes_in_any_process() -> None:
    """Neither the process nor its hash seed matters."""
    found = set()
    for hash_seed in ("0", "1", "77"):
        done = subprocess.run(
            [sys.executable, "-c", FINGERPRINT],
            env={**os.environ, "PYTHONHASHSEED": hash_seed},
            capture_output=True, text=True, check=True,
        )  # fmt: skip
        found.add(done.stdout.strip())
    events = simulate(Portfolio(customers=20, days=90, seed=5))
    assert found == {hashlib.sha256("".join(map(event_line, events)).encode()).hexdigest()}


def test_another_seed_gives_another_book() -> None:
    """The seed is used."""
    one, two = (list(simulate(Portfolio(customers=5, days=60, seed=seed))) for seed in (1, 2))
    assert one != two


def test_a_customer_does_not_depend_on_how_many_there_are() -> None:
    """The first customers of a large book live the same lives as in a small one."""
    small = [event for event in simulate(Portfolio(customers=3, days=60)) if event.key is not None]
    large = simulate(Portfolio(customers=9, days=60))
    assert small == [event for event in large if event.key in ("C00000", "C00001", "C00002")]


def test_all_stories_are_told() -> None:
    """A book of some size holds every story, and most customers are steady."""
    stories = Counter(customer.story for customer in _people().values())
    assert set(stories) == {"steady", "deteriorating", "distress", "bust_out", "recovering"}
    assert stories["steady"] > len(_people()) / 2


def test_the_deteriorating_pay_later_and_later() -> None:
    """Before the turn they pay as ever; two months after it, weeks later than that."""
    before, after = [], []
    for customer_id, rows in _days_late().items():
        if _people()[customer_id].story == "deteriorating":
            turns = _people()[customer_id].turns
            before += [late for day, late in rows if day < turns]
            after += [late for day, late in rows if day > turns + 60]
    assert len(before) > 20
    assert len(after) > 20
    assert mean(after) > mean(before) + 15


def test_the_recovering_pay_earlier_in_the_end() -> None:
    """After the turn they lose most of their delay."""
    before, after = [], []
    for customer_id, rows in _days_late().items():
        if _people()[customer_id].story == "recovering":
            turns = _people()[customer_id].turns
            before += [late for day, late in rows if day < turns]
            after += [late for day, late in rows if day > turns + 60]
    assert mean(after) < mean(before) - 15


def test_bust_outs_order_many_times_as_much_and_pay_nothing_of_it() -> None:
    """From the turn on they order several times as often, then they are gone, and nothing more is paid."""
    cheats = {customer.customer_id: customer.turns for customer in _people().values() if customer.story == "bust_out"}
    paid = {event.invoice_id for event in _all(PaymentReceived)}
    usual, spree, after = 0, 0, Counter[str]()
    for order in _all(OrderPlaced):
        if order.customer_id in cheats:
            since = (order.occurred_at - BOOK.start).days - cheats[order.customer_id]
            usual += since < 0
            spree += 0 <= since < 25
            after[order.customer_id] += since >= 25
    assert spree / (25 * len(cheats)) > 3 * usual / sum(cheats.values())
    assert max(after.values()) <= 1  # the last one was on its way
    for invoice in _all(OrderInvoiced):
        turns = cheats.get(invoice.customer_id, BOOK.days)
        if (invoice.issue_date - BOOK.start.date()).days > turns:
            assert invoice.customer_id not in cheats or invoice.invoice_id not in paid


def _open_in_the_end() -> dict[str, Decimal]:
    """What is unpaid of each invoice after the last event."""
    found = {invoice.invoice_id: invoice.amount for invoice in _all(OrderInvoiced)}
    for event in _all(PaymentReceived) + _all(PaymentReversed):
        if event.invoice_id is not None:
            found[event.invoice_id] += event.amount if isinstance(event, PaymentReversed) else -event.amount
    return found


def test_only_those_who_fail_leave_something_unpaid() -> None:
    """Steady and recovering customers pay everything, to the cent, after all bounces, parts and corrections."""
    story = {invoice.invoice_id: _people()[invoice.customer_id].story for invoice in _all(OrderInvoiced)}
    losses = Counter(story[invoice] for invoice, amount in _open_in_the_end().items() if amount != 0)
    assert set(losses) <= {"distress", "bust_out", "deteriorating"}
    assert losses["distress"] > 0
    assert losses["bust_out"] > 0


def test_nobody_pays_more_than_invoiced() -> None:
    """No invoice ends below zero."""
    assert min(_open_in_the_end().values()) == 0


def test_news_comes_late_and_is_corrected() -> None:
    """Payments are known days after they were made; some bounce, some are booked to nothing first."""
    known_late = [e for e, read in _told() if isinstance(read, PaymentReceived) and _lag_days(e, read) >= 1]
    assert len(known_late) > 0.01 * len(_all(PaymentReceived))
    reversals = _all(PaymentReversed)
    assert any(event.invoice_id is None for event in reversals)
    assert all(event.due_date is not None for event in reversals if event.invoice_id is not None)
    assert any(event.invoice_id is not None for event in reversals)
    assert any(event.invoice_id is None for event in _all(PaymentReceived))


def _lag_days(event: TimedEvent, read: Any) -> float:
    return (event.timestamp_ms - to_ms(read.occurred_at)) / 86_400_000


def test_a_notice_made_in_error_is_taken_back() -> None:
    """Each notice that comes after its invoice was paid, but before we knew, is followed by one of zero."""
    paid = {event.invoice_id: event for event in _all(PaymentReceived)}
    payments = Counter(event.invoice_id for event in _all(PaymentReceived))
    wrong = {
        event.invoice_id for event in _all(OverdueNoticed)
        if payments[event.invoice_id] == 1 and event.outstanding_amount > 0
        and event.occurred_at > paid[event.invoice_id].occurred_at
    }  # fmt: skip
    assert wrong
    assert wrong == {event.invoice_id for event in _all(OverdueNoticed) if event.outstanding_amount == 0}


def test_no_notice_before_its_day() -> None:
    """A notice speaks of its own day, and of the due date of its invoice."""
    due = {event.invoice_id: event.due_date for event in _all(OrderInvoiced)}
    for notice in _all(OverdueNoticed):
        assert notice.due_date == due[notice.invoice_id]
        assert notice.as_of == notice.occurred_at.date()


def test_customers_trade_in_several_currencies_each_in_one() -> None:
    """The book has more than one currency; a customer keeps to its own."""
    used = defaultdict(set)
    for event in _all(OrderInvoiced):
        used[event.customer_id].add(event.currency)
    assert all(len(currencies) == 1 for currencies in used.values())
    assert len(set().union(*used.values())) >= 3


def test_a_downturn_shows_in_its_sectors_index() -> None:
    """The index of a sector in a downturn falls well below normal; that of a quiet sector does not."""
    lowest: defaultdict[str, float] = defaultdict(lambda: 200.0)
    for reading in _all(MarketIndexRead):
        lowest[reading.name] = min(lowest[reading.name], float(reading.value))
    assert lowest["construction"] < 85
    assert lowest["food"] > 95


def test_events_come_without_making_the_whole_book_first() -> None:
    """The first event of a book of ten years is there at once."""
    first = next(simulate(Portfolio(customers=2, days=3_650)))
    assert first.timestamp_ms < to_ms(datetime(2025, 1, 4, tzinfo=UTC))


@pytest.mark.parametrize(("customers", "days"), [(0, 10), (-1, 10), (1_000_001, 10), (10, 0), (10, 4_000)])
def test_a_book_out_of_bounds_is_refused(customers: int, days: int) -> None:
    """No customers, no days, or far too many of them."""
    with pytest.raises(InvalidInput):
        Portfolio(customers, days)
