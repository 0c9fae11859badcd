"""The views on a real chDB engine, against small books calculated by hand and against the engine itself."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from models.calendar import day_of
from models.exposure import positions
from models.policy import default_policy
from schemas.decisions import DefaultRisk
from schemas.events import (
    CustomerEvent,
    DisputeResolved,
    InvoiceDisputed,
    OrderCancelled,
    OrderInvoiced,
    OrderPlaced,
    PaymentReceived,
    PaymentReversed,
)
from schemas.levels import Level
from schemas.order_acts import OrderChanged
from schemas.topics import ALERTS, DEAD_LETTERS, DELIVERIES, LOG, ORDER_DECISIONS, ORDERS, PAYMENTS
from streams.archive.catalog import VIEWS
from streams.archive.client import ClickHouse
from streams.record import Record
from streams.sources.event_file import TimedEvent, timed
from tests.integration.archive_parts import (
    Engine,
    Shelf,
    alert_record,
    archive,
    at,
    broken,
    delivered,
    disputed,
    emptied,
    invoiced,
    level_record,
    log_of,
    moved,
    noticed,
    paid,
    parts,
    placed,
    quoted,
    resolved,
    reversed_,
    until,
)
from tests.integration.book import START, Book

pytestmark = pytest.mark.embedded_only


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ClickHouse]:
    with archive(f"chdb://{tmp_path_factory.mktemp('chdb')}?database=book") as made:
        yield made


@pytest.fixture
async def shelf(database: ClickHouse) -> Shelf:
    """The module's archive, emptied."""
    return await emptied(database)


# As of 31 March: I1 600 open, 50 days past due; I2 paid late; I3 not yet due; in EUR J1 26 days past due.
BOOK = (
    invoiced("A", "I1", "1000", "2025-01-10", "2025-02-09"),
    invoiced("A", "I2", "2000", "2025-02-05", "2025-03-07"),
    paid("A", "P1", "400", "2025-02-20", "I1"),
    invoiced("B", "J1", "500", "2025-03-01", "2025-03-05", currency="EUR"),
    invoiced("A", "I3", "3000", "2025-03-15", "2025-04-14"),
    paid("A", "P2", "2000", "2025-03-20", "I2"),
    until("2025-03-31"),
)


_RISK = DefaultRisk(
    probability=0.25, bad_event="invoice paid more than 5 days late", horizon_days=36, evidence=9, low=0.1, high=0.4
)


async def test_open_items_and_ageing(shelf: Shelf) -> None:
    """Days past due run to the day of the book; each bucket is there per currency, and currencies never mix."""
    await shelf.put(log_of(*BOOK))
    items = await shelf.rows("open_items")
    columns = ("customer_id", "invoice_id", "currency", "outstanding", "days_past_due", "bucket")
    assert [parts(row, *columns) for row in items] == [
        ("A", "I1", "USD", "600.0000", 50, "31-60"),
        ("B", "J1", "EUR", "500.0000", 26, "1-30"),
        ("A", "I3", "USD", "3000.0000", 0, "current"),
    ]
    ageing = await shelf.rows("dpd_ageing")
    assert [parts(row, "currency", "bucket", "outstanding", "invoices", "customers") for row in ageing] == [
        ("EUR", "current", "0.0000", 0, 0),
        ("EUR", "1-30", "500.0000", 1, 1),
        ("EUR", "31-60", "0.0000", 0, 0),
        ("EUR", "61-90", "0.0000", 0, 0),
        ("EUR", "91+", "0.0000", 0, 0),
        ("USD", "current", "3000.0000", 1, 1),
        ("USD", "1-30", "0.0000", 0, 0),
        ("USD", "31-60", "600.0000", 1, 1),
        ("USD", "61-90", "0.0000", 0, 0),
        ("USD", "91+", "0.0000", 0, 0),
    ]
    assert [row["share"] for row in ageing][5:8] == pytest.approx([3000 / 3600, 0, 600 / 3600])


async def test_bucket_edges(shelf: Shelf) -> None:
    """Buckets are 1-30, 31-60, 61-90 and 91+ days past due; on the due date an item is current."""
    expected = {
        "2025-03-31": "current",
        "2025-03-30": "1-30",
        "2025-03-01": "1-30",
        "2025-02-28": "31-60",
        "2025-01-30": "31-60",
        "2025-01-29": "61-90",
        "2024-12-31": "61-90",
        "2024-12-30": "91+",
    }
    await shelf.put(log_of(*(invoiced("A", due, "10", "2024-12-01", due) for due in expected), until("2025-03-31")))
    assert {row["due_date"]: row["bucket"] for row in await shelf.rows("open_items")} == expected


async def test_dso(shelf: Shelf) -> None:
    """DSO = receivables / sales of 90 days x 90, best possible DSO with what is not yet due, ADD the difference."""
    await shelf.put(log_of(*BOOK))
    eur, usd = await shelf.rows("dso")
    assert parts(usd, "receivables", "current_receivables", "credit_sales") == ("3600.0000", "3000.0000", "6000.0000")
    assert parts(usd, "dso", "best_possible_dso", "add_days") == pytest.approx((54.0, 45.0, 9.0))
    assert parts(eur, "dso", "best_possible_dso", "add_days") == pytest.approx((90.0, 0.0, 90.0))


async def test_dso_by_countback(shelf: Shelf) -> None:
    """Countback takes off March's 3000 for 31 days, then 600 of February's 2000 for 8.4 of its 28 days."""
    await shelf.put(log_of(*BOOK))
    _, usd = await shelf.rows("dso_countback")
    assert usd["dso"] == pytest.approx(31 + 600 / 2000 * 28)
    assert usd["uncovered"] == "0.0000"


async def test_cei(shelf: Shelf) -> None:
    """CEI per month from opening, sold, closing and closing current receivables; none when nothing was due."""
    await shelf.put(log_of(*BOOK))
    usd = [row for row in await shelf.rows("cei") if row["currency"] == "USD"]
    columns = ("month", "opening_ar", "credit_sales", "closing_ar", "closing_current_ar", "complete")
    assert [parts(row, *columns) for row in usd] == [
        ("2025-01-01", "0.0000", "1000.0000", "1000.0000", "1000.0000", True),
        ("2025-02-01", "1000.0000", "2000.0000", "2600.0000", "2000.0000", True),
        ("2025-03-01", "2600.0000", "3000.0000", "3600.0000", "3000.0000", True),
    ]
    assert [row["cei"] for row in usd] == [None, pytest.approx(40.0), pytest.approx(2000 / 2600 * 100)]


async def test_roll_rates(shelf: Shelf) -> None:
    """What of a bucket's balance at the start of a month lies in an older one at its end, per currency and month."""
    late = paid("A", "P1", "400", "2025-02-20", "I1")
    await shelf.put(
        log_of(
            invoiced("A", "I1", "1000", "2025-01-10", "2025-02-09"),  # 400 of it paid in time to roll no further
            late._replace(timestamp_ms=late.timestamp_ms + 40 * 86_400_000),  # and booked in April
            invoiced("A", "I2", "2000", "2025-02-05", "2025-03-07"),  # late, and paid before the month is over
            paid("A", "P2", "2000", "2025-03-20", "I2"),
            invoiced("A", "I3", "3000", "2025-03-15", "2025-04-14"),  # not yet due
            invoiced("A", "I5", "50", "2025-02-10", "2025-02-28"),  # passes two borders in March
            invoiced("A", "I6", "70", "2025-01-05", "2025-01-30"),  # 1 and 29 days past due: February does not move it
            invoiced("A", "I7", "100", "2025-01-02", "2025-01-20"),  # 60 were open when February began
            paid("A", "P7", "40", "2025-01-25", "I7"),
            reversed_("A", "P7", "40", "2025-02-10", "I7"),
            paid("A", "P8", "100", "2025-03-05", "I7"),
            invoiced("B", "J1", "500", "2025-03-01", "2025-03-05", currency="EUR"),
            until("2025-04-11"),
        )
    )
    rows = await shelf.rows("roll_rates")
    columns = ("currency", "month", "bucket", "opening_balance", "rolled_balance", "complete")
    assert [parts(row, *columns) for row in rows if row["rate"] is not None] == [
        ("EUR", "2025-04-01", "1-30", "500.0000", "500.0000", False),
        ("USD", "2025-02-01", "current", "1000.0000", "600.0000", True),
        ("USD", "2025-02-01", "1-30", "130.0000", "60.0000", True),
        ("USD", "2025-03-01", "current", "2050.0000", "50.0000", True),
        ("USD", "2025-03-01", "1-30", "670.0000", "670.0000", True),
        ("USD", "2025-03-01", "31-60", "100.0000", "0.0000", True),
        ("USD", "2025-04-01", "current", "3000.0000", "0.0000", False),
        ("USD", "2025-04-01", "31-60", "720.0000", "670.0000", False),
    ]
    assert [row["rate"] for row in rows if row["month"] == "2025-03-01" and row["currency"] == "USD"] == [
        pytest.approx(50 / 2050), 1.0, 0.0, None,
    ]  # fmt: skip
    assert {row["bucket"]: row["next_bucket"] for row in rows} == {
        "current": "1-30", "1-30": "31-60", "31-60": "61-90", "61-90": "91+",
    }  # fmt: skip
    assert len(rows) == (4 + 2) * 4
    openings = {(row["currency"], row["month"]): row["opening_ar"] for row in await shelf.rows("cei")}
    for (currency, month), opening in openings.items():  # nothing is older than 90 days here
        parted = [row["opening_balance"] for row in rows if (row["currency"], row["month"]) == (currency, month)]
        assert sum(map(Decimal, parted)) == Decimal(opening)


async def test_exposure_of_orders_invoices_and_cash(shelf: Shelf) -> None:
    """Exposure = open orders + open invoices - cash not applied; an invoiced part leaves its order."""
    events = (
        placed("A", "O1", "1000", "2025-01-01"),
        invoiced("A", "I1", "400", "2025-01-02", "2025-02-01", order="O1"),
        paid("A", "P1", "50", "2025-01-03"),
        paid("A", "P2", "450", "2025-01-04", "I1"),
        until("2025-01-31"),
    )
    await shelf.put(log_of(*events))
    (row,) = await shelf.rows("customer_exposure")
    columns = ("open_orders", "open_invoices", "unapplied_cash", "exposure", "overdue")
    assert parts(row, *columns) == ("600.0000", "0.0000", "100.0000", "500.0000", "0.0000")


async def test_payment_before_its_invoice_reversal_and_notice(shelf: Shelf) -> None:
    """Order of arrival does not matter, a reversal opens again, a notice for an unknown invoice opens it."""
    events = (
        paid("A", "P1", "100", "2025-01-01", "I1"),
        invoiced("A", "I1", "100", "2025-01-05", "2025-02-04"),
        reversed_("A", "P1", "100", "2025-01-10", "I1"),
        noticed("A", "I9", "70", "2025-01-20", 10),
        until("2025-02-14"),
    )
    await shelf.put(log_of(*events))
    items = await shelf.rows("open_items")
    assert [parts(row, "invoice_id", "outstanding", "days_past_due", "opened_by") for row in items] == [
        ("I9", "70.0000", 35, "notice"),
        ("I1", "100.0000", 10, "invoice"),
    ]


async def test_disputes_and_their_credit_notes(shelf: Shelf) -> None:
    """A dispute leaves the invoice open, its credit note lowers it; beyond that, the customer has cash."""
    events = (
        invoiced("A", "I1", "100", "2025-01-01", "2025-01-31"),
        invoiced("A", "I2", "100", "2025-01-01", "2025-01-31"),
        disputed("A", "I1", "2025-01-20", "30"),
        disputed("A", "I2", "2025-01-20"),
        resolved("A", "I2", "2025-01-25", "60"),
        paid("A", "P2", "70", "2025-01-28", "I2"),
        until("2025-02-10"),
    )
    await shelf.put(log_of(*events))
    columns = ("invoice_id", "open", "reason", "disputed_amount", "credited")
    found = [parts(row, *columns) for row in await shelf.rows("disputes")]
    assert found == [("I1", True, "quality", "30.0000", "0.0000"), ("I2", False, "quality", None, "60.0000")]
    assert [parts(row, "invoice_id", "outstanding") for row in await shelf.rows("open_items")] == [("I1", "100.0000")]
    (row,) = await shelf.rows("customer_exposure")
    assert parts(row, "unapplied_cash", "exposure", "overdue") == ("30.0000", "70.0000", "100.0000")
    assert row["disputed"] == "30.0000"
    summaries = [row["summary"] for row in await shelf.rows("customer_timeline", limit=100)]
    assert "Invoice I1 disputed (quality): 30.00 USD" in summaries
    assert "Dispute of I2 accepted, credit note: 60.00 USD" in summaries


async def test_deliveries_and_prices_of_a_supplier(shelf: Shelf) -> None:
    """Days late, share that came, ratio to the reference price, and a line of each in the timeline."""
    await shelf.put(log_of(delivered("S", "2025-01-10", "2025-01-13"), quoted("S", "2025-01-05", "11", "10")))
    (came,) = await shelf.rows("deliveries")
    assert parts(came, "customer_id", "purchase_order_id", "days_late", "filled") == ("S", "PO-1", 3, 1.0)
    assert parts(came, "quantity_delivered", "quantity_rejected", "quantity_unit") == ("100.0000", "0.0000", "kg")
    (price,) = await shelf.rows("prices")
    assert parts(price, "item", "currency", "unit_price", "quantity") == ("coil", "EUR", "11.0000", None)
    assert price["ratio"] == pytest.approx(1.1)
    summaries = {row["summary"] for row in await shelf.rows("customer_timeline", limit=100)}
    assert summaries == {
        "Delivery for PO-1, promised 2025-01-10, came 2025-01-13",
        "Price of coil: 11 EUR (reference 10)",
    }


def _odd_events() -> list[TimedEvent]:
    """Invoices paid twice or too much, and taken back; orders that change, also their currency, and ids used again."""
    found: list[tuple[str, type[CustomerEvent], dict[str, Any]]] = []

    def invoice(customer: str, amount: int = 100) -> None:
        terms = {"issue_date": START.date(), "due_date": (START + timedelta(days=300)).date(), "terms_days": 300}
        found.append((customer, OrderInvoiced, {"invoice_id": f"{customer}-i", "amount": amount, **terms}))

    def cash(kind: type[CustomerEvent], customer: str, amount: int, **more: Any) -> None:
        at = {"paid_at": START + timedelta(days=len(found))} if kind is PaymentReceived else {}
        body = {"payment_id": f"p{len(found)}", "invoice_id": f"{customer}-i", "amount": amount, **at, **more}
        found.append((customer, kind, body))

    def credit(customer: str, amount: int) -> None:
        invoice_id = f"{customer}-i"
        found.append((customer, InvoiceDisputed, {"invoice_id": invoice_id, "amount": amount, "reason": "quality"}))
        found.append((customer, DisputeResolved, {"invoice_id": invoice_id, "outcome": "accepted", "amount": amount}))

    def order(kind: type[CustomerEvent], customer: str, amount: int | None, **more: Any) -> None:
        found.append((customer, kind, {"order_id": f"{customer}-o", "amount": amount, **more}))

    for customer in ("paid-twice", "overpaid", "reversed-more", "paid-in-another"):
        invoice(customer)
    cash(PaymentReceived, "paid-twice", 100)
    cash(PaymentReceived, "paid-twice", 100)
    cash(PaymentReversed, "paid-twice", 100)
    cash(PaymentReceived, "overpaid", 150)
    cash(PaymentReversed, "overpaid", 150)
    cash(PaymentReceived, "overpaid", 100)
    cash(PaymentReceived, "reversed-more", 130)
    cash(PaymentReversed, "reversed-more", 70, due_date=(START + timedelta(days=300)).date())
    cash(PaymentReceived, "paid-in-another", 80, currency="EUR")
    cash(PaymentReversed, "paid-in-another", 80, currency="EUR")
    invoice("credited")
    cash(PaymentReceived, "credited", 100)
    credit("credited", 100)
    cash(PaymentReversed, "credited", 100)
    cash(PaymentReceived, "late-invoice", 100)
    cash(PaymentReceived, "late-invoice", 100)
    invoice("late-invoice")
    cash(PaymentReversed, "late-invoice", 100)
    invoice("paid-twice-unnamed")
    cash(PaymentReceived, "paid-twice-unnamed", 100)
    cash(PaymentReceived, "paid-twice-unnamed", 100, invoice_id=None)
    cash(PaymentReversed, "paid-twice-unnamed", 100, due_date=(START + timedelta(days=300)).date())
    order(OrderPlaced, "grows", 100)
    order(OrderChanged, "grows", 900)
    order(OrderPlaced, "again", 100)
    order(OrderCancelled, "again", None)
    order(OrderPlaced, "again", 300)
    order(OrderPlaced, "other-currency", 100)
    order(OrderChanged, "other-currency", 70, currency="EUR")
    order(OrderCancelled, "other-currency", 20, currency="EUR")
    order(OrderChanged, "never-placed", 55)
    order(OrderPlaced, "less", 80)
    order(OrderCancelled, "less", 30)
    events = []
    for number, (customer, kind, body) in enumerate(found):
        day = START + timedelta(days=number, hours=9)
        head = {"version": 1, "event_id": f"odd-{number}", "occurred_at": day, "customer_id": customer}
        currency = {} if kind is OrderCancelled and body["amount"] is None else {"currency": "USD"}
        topic = PAYMENTS if kind in (PaymentReceived, PaymentReversed) else ORDERS
        events.append(timed(topic, day, kind.model_validate(head | currency | body)))
    return events


async def test_receivable_views_agree_with_the_engine(shelf: Shelf) -> None:
    """On a book of 30 customers with late, bounced and failing payments the SQL finds the engine's exposures.

    Ageing is compared without customers whose payments bounced: the engine takes the due date from the reversal,
    the view from the invoice, and in this book they differ.
    """
    engine = Engine(partitions=2)
    events = [*Book(customers=30, days=150).events(), *_odd_events()]
    await shelf.put(engine.records(sorted(events, key=lambda event: event.timestamp_ms)))
    bounced = {row["customer_id"] for row in await shelf.rows("events", limit=9_999) if "bounced" in row["event_id"]}
    assert 0 < len(bounced) < 20
    today = day_of(at((await shelf.rows("book_day"))[0]["as_of"]))
    expected = {}
    for account in (a for accounts in engine.accounts for a in accounts.by_id.values()):
        for currency, p in positions(account, today, default_policy()).items():
            amounts = (p.open_orders, p.open_invoices, p.unapplied)
            if any(amounts):
                late = [
                    (today - item.due, item.outstanding)
                    for item in account.items.values()
                    if item.currency == currency and item.due < today
                ]  # the engine also takes off what unapplied cash covers
                overdue = sum((amount for _, amount in late), Decimal(0))
                ageing = None if account.customer_id in bounced else (overdue, max([dpd for dpd, _ in late], default=0))
                expected[account.customer_id, currency] = (*amounts, ageing)
    found = {}
    for row in await shelf.rows("customer_exposure", limit=1000):
        ageing = None if row["customer_id"] in bounced else (Decimal(row["overdue"]), row["oldest_days_past_due"])
        amounts = tuple(Decimal(row[name]) for name in ("open_orders", "open_invoices", "unapplied_cash"))
        found[row["customer_id"], row["currency"]] = (*amounts, ageing)
    assert found == expected
    assert not {"paid-twice", "credited", "late-invoice"} & {customer for customer, _ in found}
    assert found["grows", "USD"][0] == 900
    assert found["again", "USD"][0] == 300
    assert found["other-currency", "EUR"][0] == 50


async def test_levels_and_their_history(shelf: Shelf) -> None:
    """History closes each change at the next one; the current level is the last by sequence, since its first day."""
    await shelf.put(
        [
            level_record("A", 1, at("2025-01-01"), Level.STANDARD, Level.UNRATED, offset=0),
            level_record("A", 2, at("2025-01-05"), Level.WATCH, Level.STANDARD, offset=1),
            level_record("A", 3, at("2025-01-09"), Level.WATCH, Level.WATCH, offset=2, score=480),
            level_record("B", 1, at("2025-01-03"), Level.PRIME, Level.UNRATED, offset=3),
        ]
    )
    history = await shelf.rows("level_history", customer_id="A")
    assert [parts(row, "level", "valid_from", "valid_to") for row in history] == [
        ("STANDARD", "2025-01-01T12:00:00.000Z", "2025-01-05T12:00:00.000Z"),
        ("WATCH", "2025-01-05T12:00:00.000Z", "2025-01-09T12:00:00.000Z"),
        ("WATCH", "2025-01-09T12:00:00.000Z", None),
    ]
    current = await shelf.rows("current_levels")
    assert [parts(row, "customer_id", "level", "score", "since", "decided_at") for row in current] == [
        ("A", "WATCH", 480, "2025-01-05T12:00:00.000Z", "2025-01-09T12:00:00.000Z"),
        ("B", "PRIME", 500, "2025-01-03T12:00:00.000Z", "2025-01-03T12:00:00.000Z"),
    ]
    assert current[0]["exposures"][0]["credit_limit"] == "1000.0000"


async def test_portfolio_by_level_over_time(shelf: Shelf) -> None:
    """Each day counts customers by the level at its end and carries on until the day of the book."""
    await shelf.put(
        [
            level_record("A", 1, at("2025-01-01"), Level.STANDARD, Level.UNRATED, offset=0),
            level_record("A", 2, at("2025-01-03"), Level.WATCH, Level.STANDARD, offset=1),
            level_record("B", 1, at("2025-01-02"), Level.STANDARD, Level.UNRATED, offset=2),
            *log_of(until("2025-01-04")),
        ]
    )
    rows = [parts(row, "day", "level", "customers") for row in await shelf.rows("portfolio_by_level_over_time")]
    assert rows == [
        ("2025-01-01", "STANDARD", 1),
        ("2025-01-01", "WATCH", 0),
        ("2025-01-02", "STANDARD", 2),
        ("2025-01-02", "WATCH", 0),
        ("2025-01-03", "STANDARD", 1),
        ("2025-01-03", "WATCH", 1),
        ("2025-01-04", "STANDARD", 1),
        ("2025-01-04", "WATCH", 1),
    ]


async def test_exposure_moves_with_the_level_of_its_customer(shelf: Shelf) -> None:
    """What was ordered, invoiced and paid counts at the level of the day, and leaves it with its customer."""
    await shelf.put(
        [
            *log_of(
                placed("A", "O1", "500", "2025-01-01"),
                invoiced("A", "I1", "1000", "2025-01-01", "2025-02-01"),
                invoiced("A", "I2", "300", "2025-01-02", "2025-02-02", order="O1"),
                invoiced("B", "J1", "70", "2025-01-02", "2025-02-02"),
                paid("A", "P1", "1500", "2025-01-04", "I1"),
                until("2025-01-05"),
            ),
            level_record("A", 1, at("2025-01-02"), Level.STANDARD, Level.UNRATED, offset=0),
            level_record("A", 2, at("2025-01-03"), Level.WATCH, Level.STANDARD, offset=1),
        ]
    )
    rows = await shelf.rows("exposure_by_level_over_time")
    found: dict[str, dict[str, float]] = {}
    for row in rows:
        found.setdefault(row["day"], {})[row["level"]] = float(row["exposure"])
    assert found == {
        "2025-01-01": {"UNRATED": 1500.0, "STANDARD": 0.0, "WATCH": 0.0},
        "2025-01-02": {"UNRATED": 70.0, "STANDARD": 1500.0, "WATCH": 0.0},  # 300 of the order were invoiced
        "2025-01-03": {"UNRATED": 70.0, "STANDARD": 0.0, "WATCH": 1500.0},
        "2025-01-04": {"UNRATED": 70.0, "STANDARD": 0.0, "WATCH": 0.0},  # 500 of the payment pay no invoice
        "2025-01-05": {"UNRATED": 70.0, "STANDARD": 0.0, "WATCH": 0.0},
    }


async def test_exposure_over_time_ends_where_the_book_stands(shelf: Shelf) -> None:
    """With holds, releases, disputes, reversals and notices in several currencies: the last day is that of today."""
    events = sorted([*Book(customers=30, days=240).events(), *_odd_events()], key=lambda event: event.timestamp_ms)
    await shelf.put(Engine(partitions=2).records(events))
    now: dict[str, float] = {}
    for row in await shelf.rows("customer_exposure", limit=10_000):
        now[row["currency"]] = now.get(row["currency"], 0.0) + float(row["exposure"])
    (day,) = await shelf.rows("book_day")
    last: dict[str, float] = {}
    levels = set()
    for row in await shelf.rows("exposure_by_level_over_time", options={"from_day": day["as_of"]}):
        last[row["currency"]] = last.get(row["currency"], 0.0) + float(row["exposure"])
        levels.add(row["level"])
    assert len(levels) > 3
    assert last == pytest.approx(now)
    current = await shelf.rows("current_levels", limit=10_000)
    assert {row["level"] for row in current} <= levels


async def test_migration_between_two_days_and_the_scores_of_the_past(shelf: Shelf) -> None:
    """Moved, stayed, new: each customer once, by its level at the end of both days. A day has its last score."""
    await shelf.put(
        [
            level_record("A", 1, at("2025-01-01"), Level.STANDARD, Level.UNRATED, offset=0),
            level_record("A", 2, at("2025-01-03"), Level.WATCH, Level.STANDARD, offset=1),
            level_record("A", 3, at("2025-01-03"), Level.BLOCKED, Level.WATCH, offset=2),
            level_record("B", 1, at("2025-01-02"), Level.STANDARD, Level.UNRATED, offset=3),
            level_record("C", 1, at("2025-01-05"), Level.PRIME, Level.UNRATED, offset=4),
            level_record("D", 1, at("2025-01-09"), Level.PRIME, Level.UNRATED, offset=5),
            *log_of(until("2025-01-09")),
        ]
    )
    rows = await shelf.rows("migration_matrix", options={"from_day": "2025-01-02", "to_day": "2025-01-05"})
    assert [parts(row, "level_before", "level_after", "customers") for row in rows] == [
        ("STANDARD", "BLOCKED", 1),
        ("STANDARD", "STANDARD", 1),
        ("UNRATED", "PRIME", 1),
    ]
    trend = {row["customer_id"]: [point[0] for point in row["points"]] for row in await shelf.rows("score_trend")}
    assert trend["A"] == ["2025-01-01", "2025-01-03"]
    assert set(trend) == {"A", "B", "C", "D"}


async def test_alerts_know_their_retraction(shelf: Shelf) -> None:
    """An alert that was taken back says by which retraction and when; one that stands says nothing."""
    tightening = alert_record("A", 1, at("2025-01-05"), "tightening")
    standing = alert_record("B", 1, at("2025-01-06"), "tightening", offset=1)
    taken = alert_record(
        "A", 2, at("2025-01-07"), "retraction", offset=2, retracts="payments/0/1/A/creditpulse.credit-alert.v1",
        retracts_because="late-payment",
    )  # fmt: skip
    await shelf.put([tightening, standing, taken])
    rows = await shelf.rows("alerts")
    columns = ("customer_id", "kind", "retracted_by", "retracted_at")
    assert [parts(row, *columns) for row in rows] == [
        ("A", "retraction", "", None),
        ("B", "tightening", "", None),
        ("A", "tightening", "payments/0/2/A/creditpulse.credit-alert.v1", "2025-01-07T12:00:00.000Z"),
    ]
    assert rows[0]["at_stake"] == [{"currency": "USD", "amount": "600.0000"}]


async def test_the_event_behind_a_decision(shelf: Shelf) -> None:
    """It is found by its id, as a retraction names it, and by its place in the public topics, as a decision does."""
    await shelf.put(
        [
            *log_of(
                invoiced("A", "I1", "1000", "2025-01-05", "2025-02-04"), paid("A", "P,1", "40", "2025-01-06", "I1"),
                paid("A", "P", "60", "2025-01-07", "I1"),
            ),
            alert_record("A", 1, at("2025-01-05"), "tightening"),
            alert_record("A", 2, at("2025-01-06"), "easing", offset=1),
        ]
    )  # fmt: skip
    (event,) = await shelf.rows("events", options={"event_id": "P,1-paid"})
    assert event["amount"] == "40.0000"
    place = f"{event['source_topic']}[{event['source_partition']}]@{event['source_offset']}"
    assert await shelf.rows("events", options={"source": place}) == [event]
    easing, tightening = await shelf.rows("alerts")
    assert await shelf.rows("alerts", options={"id": easing["id"]}) == [easing] != [tightening]


async def test_reviews_that_wait_and_their_age(shelf: Shelf) -> None:
    """One row per customer whose tightening waits for a person; who was decided on is gone."""

    def review(customer: str, number: int, day: str, state: str, offset: int) -> Record:
        found = {"state": state, "to_level": "HIGH_RISK", "since": at("2025-01-05"), "version": number}
        return alert_record(customer, number, at(day), "review", offset=offset, review=found)

    await shelf.put(
        [
            review("A", 1, "2025-01-05", "pending", 0),
            review("B", 1, "2025-01-05", "pending", 1),
            review("B", 2, "2025-01-06", "approved", 2),
            alert_record("A", 2, at("2025-01-06"), "easing", offset=3),
            *log_of(until("2025-01-07")),
        ]
    )
    rows = await shelf.rows("tightening_reviews")
    columns = ("customer_id", "level", "to_level", "since", "age_hours", "version")
    level = rows[0]["level"]
    assert [parts(row, *columns) for row in rows] == [("A", level, "HIGH_RISK", "2025-01-05T12:00:00.000Z", 59.0, 1)]


async def test_timeline_in_order(shelf: Shelf) -> None:
    """Everything that happened to a customer, in order of time, the cause before what was decided."""
    await shelf.put(
        [
            *log_of(
                invoiced("A", "I1", "1000", "2025-01-10", "2025-02-09"),
                invoiced("B", "J1", "1", "2025-01-10", "2025-02-09"),
            ),
            level_record("A", 1, at("2025-01-10"), Level.WATCH, Level.STANDARD),
            alert_record("A", 1, at("2025-01-10"), "tightening"),
        ]
    )
    rows = await shelf.rows("customer_timeline", customer_id="A")
    assert [parts(row, "kind", "summary") for row in rows] == [
        ("event", "Invoice I1 issued, due 2025-02-09: 1000.00 USD"),
        ("level", "STANDARD -> WATCH, score 500: AGEING"),
        ("alert", "Tightening (AGEING): STANDARD -> WATCH"),
    ]


async def test_payment_behaviour_beside_the_own_normal_range(shelf: Shelf) -> None:
    """Five payments 0, 2, 4, 6 and 8 days late: mean 4, deviation root 8; the sixth, 20 days late, lies outside."""
    book = []
    for number, late in enumerate((0, 2, 4, 6, 8, 20)):
        book.append(invoiced("A", f"I{number}", "100", "2025-01-01", f"2025-02-{1 + number:02d}"))
        book.append(paid("A", f"P{number}", "100", f"2025-02-{1 + number + late:02d}", f"I{number}"))
    await shelf.put(log_of(*book, until("2025-03-31")))
    *before, last = await shelf.rows("payment_behaviour", customer_id="A")
    assert [parts(row, "days_late", "normal_low", "outside") for row in before] == [
        (late, None, False) for late in (0, 2, 4, 6, 8)
    ]
    assert parts(last, "normal_low", "normal_high") == pytest.approx((4 - 2 * 8**0.5, 4 + 2 * 8**0.5))
    assert last["outside"]
    assert last["dbt"] == pytest.approx((0 + 2 + 4 + 6 + 8 + 20) / 6)


async def test_receivables_over_time_end_where_the_book_stands(shelf: Shelf) -> None:
    """The newest month's measures are those of today's views; a month without receivables has none.

    Whatever is dated after the day of the book: an invoice that is issued later, paid in advance or not, and one in a
    currency of its own.
    """
    postdated = (
        invoiced("A", "I4", "700", "2025-04-20", "2025-05-20", known="2025-03-30"),
        invoiced("A", "I5", "90", "2025-04-02", "2025-04-02", known="2025-03-30"),
        paid("A", "P5", "90", "2025-03-31", "I5"),
        invoiced("B", "J2", "80", "2025-04-01", "2025-05-01", currency="EUR", known="2025-03-30"),
        invoiced("B", "K1", "50", "2025-04-01", "2025-05-01", currency="CHF", known="2025-03-30"),
    )
    await shelf.put(log_of(*BOOK, *postdated))
    months = await shelf.rows("receivables_over_time")
    newest = {row["currency"]: row for row in months}
    today = {row["currency"]: row for row in await shelf.rows("dso")}
    countback = {row["currency"]: row for row in await shelf.rows("dso_countback")}
    columns = ("dso", "best_possible_dso", "add_days")
    sums = ("receivables", "current_receivables")
    assert parts(today["USD"], *sums, "credit_sales") == ("3600.0000", "3000.0000", "6000.0000")
    assert parts(today["CHF"], *sums, "credit_sales", "dso") == ("0.0000", "0.0000", "0.0000", None)
    for currency, row in newest.items():
        assert parts(today[currency], *sums, "credit_sales") == parts(row, *sums, "credit_sales_90")
        assert parts(today[currency], *columns) == pytest.approx(parts(row, *columns))
        assert countback[currency]["receivables"] == row["receivables"]
    assert countback["USD"]["dso"] == pytest.approx(31 + 600 / 2000 * 28)
    usd = {row["month"]: row for row in months if row["currency"] == "USD"}
    # End of February: I1 600 (past due) and I2 2000 open, 3000 sold in the 90 days.
    assert parts(usd["2025-02-01"], *columns) == pytest.approx((2600 / 3000 * 90, 2000 / 3000 * 90, 18.0))


async def test_labels_mature(shelf: Shelf) -> None:
    """Of an invoice the outcome is known when it is paid, or open for longer than the grace of the policy in force."""
    level = level_record("A", 1, at("2025-01-01"), Level.WATCH, Level.STANDARD, default_risk=_RISK)
    await shelf.put([*log_of(*BOOK), level])
    rows = await shelf.rows("label_maturity")
    columns = ("month", "invoices", "matured", "bad", "not_due", "in_grace", "maturity")
    assert [parts(row, *columns) for row in rows] == [
        ("2025-01-01", 1, 1, 1, 0, 0, 1.0),  # open, 50 days past due
        ("2025-02-01", 1, 1, 1, 0, 0, 1.0),  # paid 13 days late
        ("2025-03-01", 2, 1, 1, 1, 0, 0.5),  # one 26 days past due, one not yet due
    ]


async def test_expected_loss_is_probability_times_lgd_times_exposure(shelf: Shelf) -> None:
    """600 at 25 %: 75 at the default LGD of one half, 150 when all of it is lost."""
    await shelf.put([level_record("A", 1, at("2025-01-01"), Level.WATCH, Level.STANDARD)])
    columns = ("currency", "level", "exposure", "expected_loss")
    assert [parts(row, *columns) for row in await shelf.rows("expected_loss")] == [("USD", "WATCH", "600.0000", 75.0)]
    assert (await shelf.rows("expected_loss", options={"lgd": "1"}))[0]["expected_loss"] == 150.0


async def test_expected_loss_counts_that_few_of_the_late_go_bad(shelf: Shelf) -> None:
    """Of three invoices that were late beyond the grace one went bad; one that is due lately does not count yet."""
    log = log_of(
        invoiced("A", "I1", "1000", "2025-01-01", "2025-01-10"),
        paid("A", "P1", "1000", "2025-01-14", "I1"),  # within the grace of 5 days
        invoiced("A", "I2", "1000", "2025-01-01", "2025-01-10"),
        paid("A", "P2", "1000", "2025-01-20", "I2"),
        invoiced("A", "I3", "1000", "2025-01-01", "2025-01-10"),
        paid("A", "P3", "1000", "2025-02-20", "I3"),
        invoiced("B", "J1", "1000", "2025-01-01", "2025-01-10"),
        invoiced("B", "J2", "1000", "2025-03-01", "2025-03-10"),
        until("2025-03-31"),
    )
    await shelf.put([*log, level_record("A", 1, at("2025-03-01"), Level.WATCH, Level.STANDARD, default_risk=_RISK)])
    (row,) = await shelf.rows("expected_loss")
    assert parts(row, "late_to_bad", "expected_loss") == pytest.approx((1 / 3, 600 * 0.25 / 3 * 0.5))


async def test_provision_matrix(shelf: Shelf) -> None:
    """Each bucket's balance x what of it rolled to the end in the last 12 complete months, by amount, x LGD."""
    await shelf.put(
        log_of(
            # At the ends of January to May: 1000 not due, 800, 400, 100, and 50 more than 90 days past due.
            invoiced("A", "I1", "1000", "2025-01-05", "2025-02-10"),
            *(
                paid("A", f"P{month}", amount, f"2025-{month}-15", "I1")
                for month, amount in (("02", "200"), ("03", "400"), ("04", "300"), ("05", "50"))
            ),
            invoiced("B", "J1", "3000", "2025-02-10", "2025-03-10"),
            paid("B", "Q1", "3000", "2025-03-08", "J1"),
            invoiced("B", "H1", "9000", "2024-03-01", "2024-04-10"),  # rolled more than 12 months ago
            paid("B", "Q2", "9000", "2024-05-15", "H1"),
            invoiced("A", "I2", "500", "2025-05-20", "2025-06-02"),  # rolled in June, which is not over
            invoiced("A", "I3", "2000", "2025-06-10", "2025-07-10"),
            invoiced("C", "K1", "300", "2025-06-01", "2025-07-01", currency="EUR"),
            until("2025-06-15"),
        )
    )
    rows = await shelf.rows("provision_matrix")
    eur, usd = ([row for row in rows if row["currency"] == name] for name in ("EUR", "USD"))
    columns = ("bucket", "balance", "roll_rate", "loss_rate", "provision")
    chain = (0.5, 0.5 * 0.5, 0.5 * 0.5 * 0.25, 0.5 * 0.5 * 0.25 * 0.5, 0.5 * 0.5 * 0.25 * 0.5 * 0.2)
    assert [parts(row, *columns) for row in usd] == [
        ("current", "2000.0000", pytest.approx(800 / 4000), pytest.approx(chain[4]), pytest.approx(2000 * chain[4])),
        ("1-30", "500.0000", pytest.approx(0.5), pytest.approx(chain[3]), pytest.approx(500 * chain[3])),
        ("31-60", "0.0000", pytest.approx(0.25), pytest.approx(chain[2]), 0.0),
        ("61-90", "0.0000", pytest.approx(0.5), pytest.approx(chain[1]), 0.0),
        ("91+", "50.0000", None, chain[0], 25.0),
    ]
    # Nothing is known of euros: no rate, and no provision where there is something open.
    assert [parts(row, *columns) for row in eur] == [
        ("current", "300.0000", None, None, None),
        *((bucket, "0.0000", None, None, 0.0) for bucket in ("1-30", "31-60", "61-90")),
        ("91+", "0.0000", None, 0.5, 0.0),
    ]
    assert ({row["months"] for row in eur}, {row["months"] for row in usd}) == ({0}, {12})
    whole = await shelf.rows("provision_matrix", options={"lgd": "1"})
    assert [row["provision"] for row in whole if row["currency"] == "USD"] == pytest.approx(
        [2 * row["provision"] for row in usd]
    )


async def test_nothing_is_lost_past_a_bucket_out_of_which_nothing_rolled(shelf: Shelf) -> None:
    """All that was 1-30 days past due was paid, so of what came later in the ledger's ages nothing need be known."""
    await shelf.put(
        log_of(
            invoiced("A", "I1", "100", "2025-01-05", "2025-02-10"),
            paid("A", "P1", "100", "2025-03-10", "I1"),
            invoiced("A", "I2", "100", "2025-01-05", "2025-06-01"),
            until("2025-04-10"),
        )
    )
    rows = await shelf.rows("provision_matrix")
    assert [parts(row, "roll_rate", "loss_rate") for row in rows] == [
        (pytest.approx(100 / 300), 0.0), (0.0, 0.0), (None, None), (None, None), (None, 0.5),
    ]  # fmt: skip
    assert rows[0]["provision"] == 0.0


async def test_holds_are_open_until_invoiced_or_cancelled(shelf: Shelf) -> None:
    """An order on hold is there once, with its age; one that was invoiced or cancelled all the same is not."""
    records = Engine(partitions=2).records(Book(customers=30, days=240).events())
    # Up to the last hold: it is open, while orders held earlier have been invoiced meanwhile.
    holds = [
        at
        for at, record in enumerate(records)
        if record.topic == ORDER_DECISIONS and b'"hold"' in (record.value or b"")
    ]
    await shelf.put(records[: holds[-1] + 1])
    (day,) = await shelf.rows("book_day")
    decisions = [row for row in await shelf.rows("order_decisions", limit=10_000) if row["latest"]]
    gone = {
        (row["customer_id"], row["order_id"])
        for row in await shelf.rows("events", limit=10_000)
        if row["type"] in ("order.invoiced", "order.cancelled")
    }
    held = {(row["customer_id"], row["order_id"]) for row in decisions if row["decision"] == "hold"}
    assert held & gone
    assert held - gone
    rows = await shelf.rows("open_holds", limit=10_000)
    assert {(row["customer_id"], row["order_id"]) for row in rows} == held - gone
    assert len(rows) == len(held - gone)
    assert all(row["held_since"] <= day["newest_time"] and row["age_days"] >= 0 for row in rows)


async def test_quality_of_the_models_with_all_outcomes_in_bins(shelf: Shelf) -> None:
    """Each month's note is a row; its calibration bins hold all outcomes, each mean probability within its bin."""
    await shelf.put(Engine().records(Book(customers=12, days=150).events()))
    months = await shelf.rows("model_quality", options={"task": "A"})
    assert months
    for row in months:
        assert sum(found["n"] for found in row["calibration"]) == row["n"]
        assert all(found["from"] <= found["probability"] <= found["to"] for found in row["calibration"])


async def test_written_twice_counts_once(shelf: Shelf) -> None:
    """The same records again at later offsets, as a gate or an engine leaves them after a crash, change no view."""
    records = Engine(partitions=2).records(Book(customers=8, days=90).events())
    records.append(broken(ALERTS, 10**6, b"{"))
    await shelf.put(records)
    once = await shelf.all_views(VIEWS)
    assert len(once["order_decisions"]) > 50
    await shelf.put(records)
    again = moved(records[:-1], by=10_000)
    await shelf.put(again)
    assert await shelf.all_views(VIEWS) == once


async def test_event_id_used_twice_counts_once(shelf: Shelf) -> None:
    """A second event of a customer with the same id changes nothing, wherever it came from."""
    first = invoiced("A", "I1", "1000", "2025-01-10", "2025-02-09")
    await shelf.put(log_of(first, first._replace(timestamp_ms=first.timestamp_ms + 1000), until("2025-01-31")))
    assert [row["outstanding"] for row in await shelf.rows("open_items")] == ["1000.0000"]
    assert len(await shelf.rows("events")) == 1


async def test_what_is_not_the_contract_is_kept_raw(shelf: Shelf) -> None:
    """A record that cannot be understood stands in the rejects with place, reason and bytes; the others go in."""
    good = log_of(until("2025-01-31"))
    sink = await shelf.put([broken(LOG, 7, b"\xff{"), *good, broken(ALERTS, 8, None)])
    assert sink.rejected == 2
    rows = await shelf.rows("rejects")
    columns = ("topic", "partition", "offset", "reason_code", "value_base64")
    assert [parts(row, *columns) for row in rows] == [
        ("credit-alerts", 0, 8, "no_value", None),
        ("customer-events", 0, 7, "not_the_contract", "/3s="),
    ]
    assert (await shelf.rows("book_day"))[0]["has_events"]


async def test_deliveries_are_rows(shelf: Shelf) -> None:
    """An attempt with what it came to, and when the next one is; written twice it counts once."""
    golden = Path(__file__).parents[1] / "unit" / "schemas" / "golden" / "out.deliveries.retry.json"
    event = json.loads(golden.read_text(encoding="utf-8"))
    later = json.loads(json.dumps(event)) | {"id": "deliveries/sub-4f0c12ab90de/0000000008", "sequence": "0000000008"}
    later["data"] |= {"outcome": "delivered", "status": 200, "error": None, "next_attempt": None, "response": None}
    values = [json.dumps(value).encode() for value in (event, event, later)]
    await shelf.put([Record(DELIVERIES, 0, at, 0, b"sub", value) for at, value in enumerate(values)])
    rows = await shelf.rows("webhook_deliveries", customer_id="C00029")
    columns = ("sequence", "outcome", "status", "error", "response")
    assert [parts(row, *columns) for row in rows] == [
        (8, "delivered", 200, "", ""), (7, "retry", 503, "status", "down for maintenance"),
    ]  # fmt: skip
    assert [row["next_attempt"] for row in rows] == [None, "2026-03-14T17:05:12.000Z"]


async def test_every_view_reads_an_empty_archive(shelf: Shelf) -> None:
    """Before the first event every view answers, without rows (the day of the book says that there is none)."""
    found = await shelf.all_views(VIEWS)
    assert found.pop("book_day")[0]["has_events"] is False
    assert not any(found.values())


async def test_freshness_names_the_stale_topic(shelf: Shelf) -> None:
    """How far a topic is behind is counted from the newest time of the log."""
    await shelf.put(
        log_of(
            invoiced("A", "I1", "10", "2025-01-10", "2025-02-09"),
            paid("A", "P1", "1", "2025-01-14"),
            until("2025-01-14"),
        )
    )
    rows = {row["topic"]: row for row in await shelf.rows("data_freshness")}
    assert rows["orders"]["behind_days"] == pytest.approx(4 + 11 / 24)
    assert rows["ticks"]["behind_days"] == 0


async def test_quality_of_each_source(shelf: Shelf) -> None:
    """Refused, repeated, without a reference, late, and places of the topic that nobody knows of."""
    bill = invoiced("A", "I1", "10", "2025-01-10", "2025-02-09")
    repeated = bill._replace(timestamp_ms=bill.timestamp_ms + 36 * 3_600_000)
    golden = Path(__file__).parents[1] / "unit" / "schemas" / "golden" / "out.dead-letters.dead-letter.json"
    letter = json.loads(golden.read_text(encoding="utf-8"))
    letter["data"]["source"] |= {"topic": "orders", "partition": 0, "offset": 5}
    records = log_of(bill, repeated, paid("A", "P1", "1", "2025-01-14"), until("2025-01-14"))
    await shelf.put([*records, Record(DEAD_LETTERS, 0, 0, 0, None, json.dumps(letter).encode())])
    rows = {(row["topic"], row["source"]): row for row in await shelf.rows("data_quality")}
    whole = rows["orders", "*"]
    assert parts(whole, "records", "refused", "duplicates", "late", "missing_offsets") == (2, 1, 1, 1, 3)
    assert (whole["validity"], whole["completeness"]) == (pytest.approx(2 / 3), 0.0)
    assert whole["p95_delay_hours"] > whole["median_delay_hours"] >= 0
    assert rows["payments", "*"]["completeness"] == 0.0
    assert {source for topic, source in rows if topic == "orders"} == {"*", ""}
