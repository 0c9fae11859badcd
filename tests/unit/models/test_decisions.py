"""From events to levels, alerts and order decisions: one customer's story at a time, through the whole engine."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from schemas.decisions import AlertKind, CreditAlert, CreditLevelChanged, Decision
from schemas.envelope import Severity
from schemas.levels import Level
from tests.unit.models.book import Book, alerts, levels, orders
from tests.unit.models.build import START, activated, invoiced, master, overridden, paid, placed

LIMIT = "limits: {base: {EUR: 1000}}"


def rated(text: str = "{}") -> Book:
    """A punctual customer, STANDARD since day 16; today is day 20."""
    book = Book(text)
    book.good_payer()
    assert book.account.level == Level.STANDARD
    book.out.clear()
    return book


def moves(book: Book) -> list[tuple[int, str]]:
    """Day and new level of each change of level."""
    return [
        ((event.time.date() - START).days, event.data.level.value)
        for event in book.out
        if isinstance(event.data, CreditLevelChanged) and event.data.level is not event.data.level_before
    ]


def test_time_alone_ages_an_invoice_down_the_ladder() -> None:
    """No notice, no payment, only days: 15, 30 and 90 days past due."""
    book = rated()
    book.see(invoiced("I1", 1_000, due=30, issued=21))
    book.days(22, 130)
    assert moves(book) == [(45, "WATCH"), (60, "HIGH_RISK"), (120, "BLOCKED")]
    told = [(alert.kind, alert.cause_kind, alert.cause_type) for alert in alerts(book.out)]
    assert told == [(AlertKind.TIGHTENING, f"DPD_{days}", "tick") for days in (15, 30, 90)]
    severities = [event.severity for event in book.out if isinstance(event.data, CreditAlert)]
    assert severities == [Severity.NOTICE, Severity.WARNING, Severity.CRITICAL]


def test_the_first_rating_is_at_most_standard() -> None:
    """However good the score, a customer that has just become known enough is no PRIME yet; nobody is alarmed."""
    book = Book()
    book.good_payer()
    first = levels(book.out)[-1]
    assert (first.level_before, first.level) == (Level.UNRATED, Level.STANDARD)
    assert first.score >= 900
    assert first.provisional
    assert alerts(book.out) == []


def test_without_evidence_nothing_tightens() -> None:
    """A new customer whose only invoice is long overdue has too few outcomes: UNRATED, and no alert."""
    book = Book()
    book.see(invoiced("I1", 1_000, due=10))
    book.days(1, 200)
    assert book.account.level == Level.UNRATED
    assert alerts(book.out) == []


def test_easing_takes_dwell_and_probation_one_step_at_a_time() -> None:
    """After HIGH_RISK, all paid: WATCH after a month, STANDARD after two weeks' dwell and another month."""
    book = rated("ladder: {dwell_days: 14, probation_days: 30}")
    book.see(invoiced("I1", 1_000, due=30, issued=21))
    book.days(22, 61)
    for number in range(30):  # so that the late payment weighs little
        book.see(invoiced(f"more-{number}", 1_000, due=90, issued=61), paid(f"more-{number}", 1_000, day=61))
    book.see(paid("I1", 1_000, day=62))
    book.days(63, 160)
    assert moves(book) == [(45, "WATCH"), (60, "HIGH_RISK"), (92, "WATCH"), (122, "STANDARD"), (152, "PRIME")]
    easings = [alert for alert in alerts(book.out) if alert.kind is AlertKind.EASING]
    assert len(easings) == 3
    assert easings[1].cause_kind in {"PROBATION", *(reason.code for reason in easings[1].reasons)}


def test_way_back_names_what_to_pay_and_when() -> None:
    """The overdue amount, its invoices, the oldest first, and the day from which the better level is open."""
    book = rated()
    book.see(invoiced("I1", 1_000, due=30, issued=21), invoiced("I2", 500, due=29, issued=21))
    book.days(22, 45)
    way = alerts(book.out)[0].way_back
    assert way is not None
    assert (way.to_level, way.pay, way.invoices) == (Level.STANDARD, {"EUR": Decimal(1_500)}, ["I2", "I1"])
    fired = datetime(START.year, START.month, START.day, tzinfo=UTC) + timedelta(days=44)
    assert way.not_before == fired + timedelta(days=30)


def test_late_news_defers_a_tightening_to_the_next_tick() -> None:
    """An invoice long overdue becomes known: nothing tightens by it that day; the next day it is a fact like any."""
    book = rated()
    book.see(invoiced("I1", 1_000, due=22, issued=21), day=60)
    assert alerts(book.out) == []
    assert book.account.level == Level.STANDARD
    assert book.account.next_wake == START.toordinal() + 61
    book.days(61, 61)
    assert [(alert.kind, alert.level) for alert in alerts(book.out)] == [(AlertKind.TIGHTENING, Level.HIGH_RISK)]


def test_late_payment_news_takes_the_tightening_back() -> None:
    """Paid before due, told after the tightening: the level is as if it had never been, and the alert says why."""
    book = rated()
    book.see(invoiced("I1", 1_000, due=30, issued=21))
    book.days(22, 61)
    fired = [event.id for event in book.out if isinstance(event.data, CreditAlert)]
    assert len(fired) == 2
    payment = paid("I1", 1_000, day=29)
    out = book.see(payment, day=62)
    assert [(alert.kind, alert.retracts, alert.retracts_because) for alert in alerts(out)] == [
        (AlertKind.RETRACTION, id_, payment.event_id) for id_ in fired
    ]
    assert book.account.level == Level.STANDARD
    assert book.account.tightenings == []
    ids = [event.id for event in book.out]
    assert len(ids) == len(set(ids))


def test_a_payment_made_after_the_tightening_takes_nothing_back() -> None:
    """The tightening was right when it came: the payment opens the way back, no more."""
    book = rated()
    book.see(invoiced("I1", 1_000, due=30, issued=21))
    book.days(22, 48)
    out = book.see(paid("I1", 1_000, day=47), day=50)
    assert out == []
    assert book.account.level == Level.WATCH


def test_what_a_person_decided_is_not_taken_back_by_late_news() -> None:
    """An override to BLOCKED has run out; a payment from before it becomes known: nothing is retracted."""
    book = rated()
    book.see(invoiced("I1", 1_000, due=30, issued=21))
    book.see(overridden(Level.BLOCKED, expires=32, day=31))
    book.days(32, 34)
    out = book.see(paid("I1", 1_000, day=30), day=35)
    assert [alert.kind for alert in alerts(out)] == []
    assert book.account.level == Level.BLOCKED


def test_an_override_beats_score_and_caps_until_it_expires() -> None:
    """PRIME by hand stays PRIME with an invoice 30 days late; the day after it expires the facts decide."""
    book = rated()
    book.see(overridden(Level.PRIME, expires=60, day=21), invoiced("I1", 1_000, due=22, issued=21))
    book.days(22, 61)
    assert moves(book) == [(21, "PRIME"), (61, "HIGH_RISK")]
    assert [alert.cause_kind for alert in alerts(book.out)] == ["OVERRIDE", "DPD_30"]


def test_an_override_taken_back_leaves_the_level_to_the_ladder() -> None:
    """Down by hand, then taken back: the way up takes probation like any other."""
    book = rated()
    book.see(overridden(Level.WATCH, expires=99, day=21), overridden(None, expires=99, day=22))
    book.days(23, 60)
    assert moves(book) == [(21, "WATCH"), (52, "STANDARD")]


def test_a_cut_of_the_limit_or_the_terms_is_a_tightening() -> None:
    """At the same level: less limit or shorter terms tighten, more of either eases, both at once tightens."""
    book = rated(LIMIT)
    book.see(master(day=21, base_limits={"EUR": 500}))
    book.see(master(day=22, base_limits={"EUR": 5_000}))
    book.see(master(day=23, base_limits={"EUR": 5_000}, terms_days=10))
    book.see(master(day=24, base_limits={"EUR": 5_000}, terms_days=20))
    book.see(master(day=25, base_limits={"EUR": 9_000}, terms_days=5))
    told = [(alert.kind.value, alert.cause_kind, alert.measures.terms_days) for alert in alerts(book.out)]
    assert told == [
        ("tightening", "LIMIT_OR_TERMS", 30),
        ("easing", "LIMIT_OR_TERMS", 30),
        ("tightening", "LIMIT_OR_TERMS", 10),
        ("easing", "LIMIT_OR_TERMS", 20),
        ("tightening", "LIMIT_OR_TERMS", 5),
    ]


def test_a_new_customer_is_told_without_an_alert() -> None:
    """What is set for the first time is neither cut nor raised."""
    book = Book(LIMIT)
    assert alerts(book.see(master(day=0, base_limits={"EUR": 700}, terms_days=7))) == []
    [first] = levels(book.out)
    assert (first.level, first.measures.terms_days, first.exposures[0].limit) == (Level.UNRATED, 7, Decimal(300))


def test_a_policy_moves_everyone_at_once() -> None:
    """The new policy's limits hold from its activation, not from the next event; it is named in what follows."""
    book = rated(LIMIT)
    out = book.see(activated("version: tight\nlimits: {base: {EUR: 400}}", 21))
    assert [(level.exposures[0].limit, level.policy_version, level.cause_type) for level in levels(out)] == [
        (Decimal(400), "tight", "policy.activated")
    ]


def test_a_policy_that_is_wrong_changes_nothing() -> None:
    """Should one slip through the gate, the old one stays in force."""
    book = rated(LIMIT)
    assert book.see(activated("ladder: {dwell_days: -1}", 21)) == []
    assert book.engine.policy.version == "default-1"


def test_an_order_within_the_limit_is_approved() -> None:
    """Up to the last cent, open orders and invoices included; one cent more is held, and the numbers are told."""
    book = rated(LIMIT)
    book.see(invoiced("I1", 300, due=60, issued=21))
    out = book.see(placed("O1", 600, day=21), placed("O2", "100.01", day=21), placed("O3", 100, day=21))
    assert [(order.order_id, order.decision) for order in orders(out)] == [
        ("O1", Decision.APPROVE), ("O2", Decision.HOLD), ("O3", Decision.APPROVE),
    ]  # fmt: skip
    [check] = orders(out)[1].checks
    assert check.code == "OVER_LIMIT"
    assert check.detail["short_by"] == "0.01"


def test_a_payment_frees_the_hold_at_once() -> None:
    """The very entry that brings the cash releases the order; cash not applied to any invoice does as well."""
    for invoice in ("I1", None):
        book = rated(LIMIT)
        book.see(invoiced("I1", 900, due=60, issued=21))
        assert orders(book.see(placed("O1", 500, day=21)))[0].decision is Decision.HOLD
        [released] = orders(book.see(paid(invoice, 900, day=22)))
        assert (released.order_id, released.decision, released.cause_type) == (
            "O1", Decision.RELEASE, "payment.received",
        )  # fmt: skip


def test_held_orders_are_released_oldest_first_as_far_as_they_fit() -> None:
    """What is released counts for those that wait behind it."""
    book = rated(LIMIT)
    book.see(invoiced("I1", 1_000, due=60, issued=21))
    for day, amount in ((21, 600), (22, 600), (23, 400)):
        book.see(placed(f"O{day}", amount, day=day))
    out = book.see(paid("I1", 1_000, day=24))
    assert [(order.order_id, order.decision) for order in orders(out)] == [
        ("O21", Decision.RELEASE), ("O23", Decision.RELEASE),
    ]  # fmt: skip


def test_a_released_order_beyond_the_horizon_takes_no_room() -> None:
    """What is not exposure yet does not hold back those that wait behind it."""
    book = rated(LIMIT)
    book.see(invoiced("I1", 1_000, due=60, issued=21))
    book.see(placed("O1", 600, day=21, delivery=300), placed("O2", 600, day=22))
    out = book.see(paid("I1", 1_000, day=24))
    assert [order.order_id for order in orders(out)] == ["O1", "O2"]
    assert orders(out)[1].exposure.exposure == 0, "told without the order itself"


def test_no_limit_holds_nothing_and_a_limit_of_zero_everything() -> None:
    """'No limit set' is a state of its own."""
    [free] = orders(rated().see(placed("O1", 10**9, day=21)))
    assert (free.decision, free.exposure.limit) == (Decision.APPROVE, None)
    [none] = orders(rated("limits: {base: {EUR: 0}}").see(placed("O1", 1, day=21)))
    assert (none.decision, none.exposure.limit) == (Decision.HOLD, Decimal(0))


@pytest.mark.parametrize(
    ("level", "decision", "code"),
    [
        (Level.WATCH, Decision.APPROVE, None),
        (Level.HIGH_RISK, Decision.HOLD, "LEVEL_HOLD"),
        (Level.BLOCKED, Decision.REJECT, "LEVEL_BLOCKED"),
    ],
)
def test_orders_follow_the_level(level: Level, decision: Decision, code: str | None) -> None:
    """WATCH approves, HIGH_RISK holds, BLOCKED refuses; a refused order is no exposure and never released."""
    book = rated()
    book.see(overridden(level, expires=99, day=21))
    [order] = orders(book.see(placed("O1", 100, day=21)))
    assert (order.decision, [check.code for check in order.checks]) == (decision, [code] if code else [])
    assert ("O1" in book.account.orders) is (decision is not Decision.REJECT)
    released = orders(book.see(overridden(Level.PRIME, expires=99, day=22)))
    assert [order.decision for order in released] == ([Decision.RELEASE] if decision is Decision.HOLD else [])


def test_currencies_have_limits_of_their_own() -> None:
    """Euros that are used up do not hold an order in dollars."""
    book = rated("limits: {base: {EUR: 1000, USD: 1000}}")
    book.see(invoiced("I1", 1_000, due=60, issued=21))
    out = book.see(placed("O1", 1_000, day=21, currency="USD"), placed("O2", 1, day=21))
    assert [order.decision for order in orders(out)] == [Decision.APPROVE, Decision.HOLD]


def test_paying_the_last_invoice_on_time_never_tightens() -> None:
    """A used limit that becomes an unused one gains points."""
    book = rated("limits: {base: {EUR: 10000}}")
    book.see(invoiced("I1", 1_000, due=60, issued=21))
    before = book.account.score
    book.see(paid("I1", 1_000, day=22))
    assert book.account.score >= before


def test_a_known_duplicate_or_an_old_offset_has_no_effect() -> None:
    """Same event id at another place, same place with another id: both are known."""
    book = rated()
    event = invoiced("I1", 1_000, due=60, issued=21)
    book.see(event)
    assert book.see(event) == []
    assert book.account.open_invoices == {"EUR": Decimal(1_000)}
    book.offset = 3
    assert book.see(invoiced("I9", 1_000, due=60, issued=21)) == []
    assert list(book.account.items) == ["I1"]
