"""Laws of the engine that hold for any history of events."""

from __future__ import annotations

import os
from collections import defaultdict
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import BaseModel

from models.account import Account, decode, encode
from models.calendar import day_of, day_of_ms
from models.engine import CreditEngine, Effects, MemoryAccounts
from models.exposure import positions
from models.partition import decode as decode_partition
from models.partition import encode as encode_partition
from models.policy import parse_policy
from schemas.decisions import AlertKind, CreditAlert, CreditLevelChanged
from schemas.events import (
    CustomerEvent,
    OrderCancelled,
    OrderInvoiced,
    OrderPlaced,
    PaymentReceived,
    PaymentReversed,
)
from schemas.levels import Level
from schemas.log import LogEntry, Source, TimePassed
from schemas.topics import ORDERS, PAYMENTS, TICKS

START = datetime(2025, 1, 1, tzinfo=UTC)
TEXT = """
version: laws
limits:
  base: {USD: 4000, EUR: 3000}
  terms: {late: {enter: 3, leave: 1}, early: {enter: 3, leave: 1}, min_payments: 2, review_days: 5}
ladder: {evidence_floor: 1, dwell_days: 10, probation_days: 5}
"""
"""Levels move sooner than by the default, so that short histories hold tightenings, easings and retractions."""
RULES = parse_policy(TEXT)
EXAMPLES = int(os.environ.get("CREDITPULSE_EXAMPLES", "60"))
CURRENCIES = ("USD", "EUR")
LAWS = settings(max_examples=EXAMPLES, deadline=None, derandomize=True)


@dataclass(frozen=True)
class Deed:
    """One thing that happens: on which day it becomes known, and how many days before it happened."""

    kind: str
    day: int
    customer: int
    number: int
    cents: int
    currency: int
    delay: int


deeds = st.lists(
    st.builds(
        Deed,
        kind=st.sampled_from(
            ["order", "invoice", "invoice", "invoice", "pay", "pay", "pay", "unapplied", "reverse", "cancel"]
        ),
        day=st.integers(0, 150),
        customer=st.integers(0, 1),
        number=st.integers(0, 14),
        cents=st.integers(1, 400_000),
        currency=st.integers(0, 1),
        delay=st.sampled_from([0, 0, 0, 2, 12]),
    ),
    min_size=20,
    max_size=80,
)


def event_of(deed: Deed, index: int) -> CustomerEvent:
    """The event of a deed; its id is unique, its invoice or order may be any of fifteen."""
    known = START + timedelta(days=deed.day, hours=9, seconds=index)
    happened = known - timedelta(days=deed.delay)
    head: dict[str, Any] = {
        "version": 1, "event_id": f"e{index}", "occurred_at": happened, "customer_id": f"C{deed.customer}",
    }  # fmt: skip
    # An invoice keeps its currency, or payments for it would be a matter of currency mismatch in most histories.
    money = {"amount": Decimal(deed.cents) / 100, "currency": CURRENCIES[deed.currency]}
    if deed.kind == "order":
        return OrderPlaced(**head, order_id=f"o{deed.number}", **money)
    if deed.kind == "cancel":
        return OrderCancelled(**head, order_id=f"o{deed.number}")
    if deed.kind == "invoice":
        issued = happened.date()
        return OrderInvoiced(
            **head, invoice_id=f"i{deed.number}", issue_date=issued, due_date=issued + timedelta(days=14),
            terms_days=14, **money,
        )  # fmt: skip
    if deed.kind == "reverse":
        return PaymentReversed(**head, payment_id=f"p{index}", invoice_id=f"i{deed.number}", **money)
    invoice = None if deed.kind == "unapplied" else f"i{deed.number}"
    return PaymentReceived(**head, payment_id=f"p{index}", invoice_id=invoice, paid_at=happened, **money)


def history(found: list[Deed]) -> list[LogEntry]:
    """The log: deeds in order of day, with a tick at the start of each day until two months after the last deed."""
    entries: list[LogEntry] = []
    offsets: defaultdict[str, int] = defaultdict(int)

    def add(topic: str, at: datetime, event: BaseModel) -> None:
        source = Source(topic=topic, partition=0, offset=offsets[topic])
        offsets[topic] += 1
        entries.append(LogEntry(time=at, received_at=at, source=source, event=event))

    last_deed = max((deed.day for deed in found), default=0)
    # In the end everybody pays, so that there is something to ease.
    invoices = [deed for deed in found if deed.kind == "invoice"]
    found = [*found, *(replace(deed, kind="pay", day=last_deed + 3, delay=0) for deed in invoices)]
    ordered = sorted(enumerate(found), key=lambda item: (item[1].day, item[0]))
    last = last_deed + 60
    for day in range(last + 1):
        at = START + timedelta(days=day)
        add(TICKS, at, TimePassed(version=1, event_id=f"tick{day}", occurred_at=at))
        for index, deed in ordered:
            if deed.day == day:
                topic = ORDERS if deed.kind in ("order", "invoice", "cancel") else PAYMENTS
                add(topic, at + timedelta(hours=9, seconds=index), event_of(deed, index))
    return entries


def fold(entries: list[LogEntry]) -> tuple[MemoryAccounts, CreditEngine, list[Effects]]:
    """One clean run."""
    accounts = MemoryAccounts()
    engine = CreditEngine(accounts, TEXT)
    return accounts, engine, [engine.apply(offset, entry) for offset, entry in enumerate(entries)]


def told(effects: list[Effects]) -> list[str]:
    """Everything said to others, as bytes on the wire."""
    return [out.model_dump_json() for effect in effects for out in effect.out]


def books(account: Account) -> tuple[dict[str, Decimal], dict[str, Decimal]]:
    """Open invoices and open orders per currency, added up from the items."""
    invoices: defaultdict[str, Decimal] = defaultdict(Decimal)
    orders: defaultdict[str, Decimal] = defaultdict(Decimal)
    for item in account.items.values():
        invoices[item.currency] += item.outstanding
    for order in account.orders.values():
        if not order.held:
            orders[order.currency] += order.amount
    return {c: v for c, v in invoices.items() if v}, {c: v for c, v in orders.items() if v}


@LAWS
@given(deeds)
def test_exposure_never_drifts_from_open_items(found: list[Deed]) -> None:
    """Running totals and positions equal what is added up from open items and orders, after every entry."""
    accounts = MemoryAccounts()
    engine = CreditEngine(accounts, TEXT)
    for offset, entry in enumerate(history(found)):
        engine.apply(offset, entry)
        for account in accounts.by_id.values():
            invoices, orders = books(account)
            assert account.open_invoices == invoices
            where = positions(account, day_of_ms(account.clock), RULES)
            for currency, position in where.items():
                assert position.open_invoices == invoices.get(currency, 0)
                assert position.open_orders == orders.get(currency, 0)
                unapplied = account.unapplied.get(currency, Decimal(0))
                assert position.exposure == position.open_orders + position.open_invoices - unapplied


@LAWS
@given(deeds)
def test_no_money_appears_or_vanishes(found: list[Deed]) -> None:
    """Per customer and currency: open invoices less unapplied cash = invoiced - paid + taken back."""
    entries = history(found)
    accounts, _, effects = fold(entries)
    flows: defaultdict[tuple[str, str], Decimal] = defaultdict(Decimal)
    seen: set[tuple[str, str]] = set()
    closed: set[tuple[str, str]] = set()
    for entry, effect in zip(entries, effects, strict=True):
        event = entry.event
        if isinstance(event, OrderInvoiced):
            key = event.customer_id, event.invoice_id
            if key in seen:
                return  # an invoice number used twice is another law's business
            seen.add(key)
            flows[event.customer_id, event.currency] += event.amount
        elif isinstance(event, PaymentReceived):
            flows[event.customer_id, event.currency] -= event.amount
        elif isinstance(event, PaymentReversed):
            if (event.customer_id, event.invoice_id) not in seen:
                closed.add((event.customer_id, str(event.invoice_id)))
            flows[event.customer_id, event.currency] += event.amount
        assert effect.applied
    if closed:
        return  # a reversal that opens an invoice before it comes makes the later invoice known already
    for (customer, currency), flow in flows.items():
        account = accounts.by_id[customer]
        held = account.open_invoices.get(currency, Decimal(0)) - account.unapplied.get(currency, Decimal(0))
        assert held == flow


@LAWS
@given(deeds)
def test_reasons_sum_to_the_change_of_score(found: list[Deed]) -> None:
    """The contributions told with a level or an alert add up to its change of score, to the point."""
    _, _, effects = fold(history(found))
    for effect in effects:
        for out in effect.out:
            if isinstance(out.data, CreditLevelChanged | CreditAlert):
                before = out.data.score_before or 0
                assert sum(reason.contribution for reason in out.data.reasons) == out.data.score - before
                assert len(out.data.reasons) <= 5


@LAWS
@given(deeds)
def test_late_news_never_tightens(found: list[Deed]) -> None:
    """What happened on an earlier day than it became known takes tightenings back, but never makes one."""
    entries = history(found)
    _, _, effects = fold(entries)
    for entry, effect in zip(entries, effects, strict=True):
        event = entry.event
        if isinstance(event, CustomerEvent) and day_of(event.occurred_at) < day_of(entry.time):
            worse = [o for o in effect.out if isinstance(o.data, CreditAlert) and o.data.kind is AlertKind.TIGHTENING]
            assert all(not out.data.level.worse_than(out.data.level_before) for out in worse)


@LAWS
@given(deeds)
def test_no_easing_within_the_dwell_time(found: list[Deed]) -> None:
    """Between a change of level and an easing lie at least the policy's dwell days: nothing flaps."""
    _, _, effects = fold(history(found))
    changed: dict[str, int] = {}
    for effect in effects:
        for out in effect.out:
            data = out.data
            if not isinstance(data, CreditAlert) or data.level is data.level_before:
                continue
            day = day_of(out.time)
            rated = data.level_before is not Level.UNRATED
            if data.kind is AlertKind.EASING and rated and out.subject in changed:
                assert day - changed[out.subject] >= RULES.ladder.dwell_days
            changed[out.subject] = day


@LAWS
@given(deeds)
def test_currencies_never_mix(found: list[Deed]) -> None:
    """Without the events in euros, exposure and open items in dollars are the same."""
    only = [deed for deed in found if deed.currency == 0]
    used = {(deed.customer, deed.number, deed.kind in ("order", "cancel")) for deed in found if deed.currency == 1}
    if any((deed.customer, deed.number, deed.kind in ("order", "cancel")) in used for deed in only):
        return  # the same number in both currencies: which came first decides, and that is as it should be
    both, alone = fold(history(found))[0], fold(history(only))[0]
    for customer, account in alone.by_id.items():
        assert both.by_id[customer].open_invoices.get("USD") == account.open_invoices.get("USD")
        assert both.by_id[customer].unapplied.get("USD") == account.unapplied.get("USD")


@LAWS
@given(deeds, st.integers(0, 10_000))
def test_duplicates_change_nothing(found: list[Deed], pick: int) -> None:
    """The same record again, or the same event under new coordinates, has no effect at all."""
    entries = history(found)
    accounts, engine, _ = fold(entries)
    again = entries[pick % len(entries)]
    before = {customer: encode(account) for customer, account in accounts.by_id.items()}
    effects = engine.apply(len(entries), again)
    assert not effects.applied
    assert effects.out == []
    if isinstance(again.event, CustomerEvent) and day_of(again.time) > day_of(entries[-1].time) - 7:
        elsewhere = again.model_copy(update={"source": again.source.model_copy(update={"offset": 10**6})})
        assert engine.apply(len(entries) + 1, elsewhere).out == []
    assert {customer: encode(account) for customer, account in accounts.by_id.items()} == before


@LAWS
@given(deeds)
def test_sequences_have_no_gaps(found: list[Deed]) -> None:
    """Per customer and type, out-events are numbered 1, 2, 3, ... and no id is used twice."""
    _, _, effects = fold(history(found))
    numbers: defaultdict[tuple[str, str], list[int]] = defaultdict(list)
    ids = [out.id for effect in effects for out in effect.out]
    for effect in effects:
        for out in effect.out:
            numbers[out.subject, out.type].append(int(out.sequence))
    assert len(ids) == len(set(ids))
    assert all(found == list(range(1, len(found) + 1)) for found in numbers.values())


@LAWS
@given(deeds)
def test_same_log_same_bytes_also_through_storage(found: list[Deed]) -> None:
    """A run whose whole state is stored and read back after every entry says and keeps the same, byte for byte."""
    entries = history(found)
    accounts, engine, effects = fold(entries)
    stored: dict[str, bytes] = {}
    partition: bytes | None = None
    said: list[str] = []
    for offset, entry in enumerate(entries):
        world = MemoryAccounts()
        world.by_id = {customer: decode(data) for customer, data in stored.items()}
        successor = CreditEngine(world, TEXT, decode_partition(partition) if partition is not None else None)
        said += told([successor.apply(offset, entry)])
        stored = {customer: encode(account) for customer, account in world.by_id.items()}
        partition = encode_partition(successor.state)
    assert said == told(effects)
    assert stored == {customer: encode(account) for customer, account in accounts.by_id.items()}
    assert partition is None or partition == encode_partition(engine.state)
