"""Orders as a credit manager sees them: what holds, what frees, who decides, and that nothing gets around it."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.account import OpenOrder, decode, encode
from models.exposure import positions
from models.order_checks.facts import facts_of
from models.order_checks.steps import failed_steps
from models.order_checks.ways import passes
from schemas.decisions import Decision, OrderDecision
from schemas.order_acts import OrderChanged, OrderHoldForced, OrderHoldLifted, OrderRejected, OrderReleased
from tests.unit.models.book import Book, orders
from tests.unit.models.build import CUSTOMER, DAY, at, cancelled, invoiced, master, on, paid, placed
from tests.unit.models.test_decisions import rated

LIMIT = "limits: {base: {EUR: 1000}}\n"
_numbers = iter(range(1, 1_000_000))


def act(kind: type, order_id: str = "O1", day: int = 21, **more: Any) -> Any:
    """What a person decides about an order."""
    head = {"version": 1, "event_id": f"act-{next(_numbers)}", "occurred_at": at(day), "customer_id": CUSTOMER}
    person = {} if kind is OrderChanged else {"by": "ana", "reason": "looked into it"}
    return kind.model_validate({**head, **person, "order_id": order_id, **more})


def changed(order_id: str, amount: int, day: int = 21) -> OrderChanged:
    found: OrderChanged = act(OrderChanged, order_id, day, amount=Decimal(amount), currency="EUR")
    return found


def last(book: Book) -> OrderDecision:
    return orders(book.out)[-1]


def codes(decision: OrderDecision) -> list[str]:
    return [check.code for check in decision.checks]


def test_every_order_event_has_one_answer() -> None:
    book = rated(LIMIT)
    for event, decision in (
        (placed("O1", 400, day=21), Decision.APPROVE),
        (changed("O1", 1001), Decision.HOLD),
        (changed("O1", 1001), Decision.HOLD),
        (changed("O1", 900), Decision.APPROVE),
        (placed("O2", 200, day=21), Decision.HOLD),
        (act(OrderReleased, "O2"), Decision.RELEASE),
        (act(OrderRejected, "O2"), Decision.REJECT),
        (act(OrderReleased, "O2"), Decision.REJECT),
    ):
        (found,) = orders(book.see(event))
        assert found.decision is decision


def test_every_decision_says_who_the_customer_is() -> None:
    """As of then: subscribers filter by it."""
    book = rated(LIMIT)
    book.see(placed("O1", 400, day=21), master(day=21, segment="retail", group_parent="P1"), placed("O2", 700, day=21))
    assert [(d.master.segment, d.master.group_parent) for d in orders(book.out)] == [(None, None), ("retail", "P1")]


def test_a_hold_says_what_would_make_the_order_pass() -> None:
    """600 open of 1000, an order of 600: pay 200 on the oldest invoice, or a deposit of 35 %, or order 400."""
    book = rated(LIMIT)
    book.see(invoiced("OLD", 150, due=30, issued=20), invoiced("NEW", 450, due=50, issued=20))
    (held,) = orders(book.see(placed("O1", 600, day=21)))
    assert codes(held) == ["OVER_LIMIT"]
    assert held.measure is not None
    assert (held.measure.kind, held.measure.deposit, held.measure.deposit_share) == ("deposit", 210, Decimal("0.35"))
    pay, deposit, reduce = held.to_pass
    assert (pay.kind, pay.pay, pay.invoices) == ("pay", 200, ["OLD", "NEW"])
    assert (deposit.kind, deposit.deposit) == ("deposit", 210)
    assert (reduce.kind, reduce.reduce_to) == ("reduce", 400)


@settings(max_examples=30, deadline=None)
@given(
    st.lists(st.tuples(st.integers(1, 900), st.integers(-90, 40)), max_size=4),
    st.integers(1, 2500),
    st.sampled_from(["", "order_checks: {max_order: {EUR: 700}}", "order_checks: {terms: true, max_deposit: 1}"]),
    st.sampled_from([None, 10, 90]),
)
def test_whatever_it_says_would_make_it_pass_does(
    owed: list[tuple[int, int]], amount: int, rules: str, terms: int | None
) -> None:
    """Each way is enough by itself; where there is none, only a person can help."""
    book = rated(LIMIT + rules)
    for number, (open_amount, due) in enumerate(owed):
        book.see(invoiced(f"I{number}", open_amount, due=due, issued=min(due, 20) - 5), day=20)
    account = decode(encode(book.account))  # as it is before the order, on which it is decided
    held = orders(book.see(placed("O1", amount, day=21, requested_terms_days=terms)))[0]
    if held.decision is not Decision.HOLD:
        return
    order = OpenOrder(Decimal(amount), "EUR", DAY + 21, asked_terms=terms)
    facts, before = facts_of(account, "O1", order, DAY + 21, book.engine.policy), encode(account)
    for way in held.to_pass:
        assert way.kind == "person" or passes(facts, way)
    assert held.to_pass
    assert encode(account) == before


def test_a_payment_frees_what_then_fits_oldest_first_and_no_more() -> None:
    book = rated(LIMIT)
    book.see(invoiced("I1", 1_000, due=60, issued=20))
    book.see(placed("O1", 700, day=21), placed("O2", 500, day=21), placed("O3", 300, day=22))
    out = orders(book.see(paid("I1", 1_000, day=23)))
    assert [(order.order_id, order.decision) for order in out] == [("O1", "release"), ("O3", "release")]
    assert book.account.orders["O2"].held


def test_invoices_payments_and_prepayments_are_never_blocked() -> None:
    """Goods that have left are invoiced, whatever was held; cash is taken from everybody."""
    book = rated(LIMIT)
    book.see(placed("O1", 5_000, day=21), act(OrderHoldForced, "O1"))
    book.see(invoiced("I1", 5_000, due=40, issued=22, order_id="O1"), paid("I1", 5_000, day=23))
    book.see(paid(None, 700, day=24))
    assert not book.account.items
    assert not book.account.orders
    assert book.account.unapplied == {"EUR": Decimal(700)}


@settings(max_examples=20, deadline=None)
@given(st.lists(st.tuples(st.sampled_from("pcr"), st.integers(0, 4), st.integers(1, 800)), max_size=25))
def test_no_way_of_placing_cancelling_and_splitting_passes_the_limit(steps: list[tuple[str, int, int]]) -> None:
    """What is free to be shipped never passes the limit, however the customer slices it."""
    book = rated(LIMIT)
    for kind, number, amount in steps:
        order_id = f"O{number}"
        if kind == "p":
            book.see(placed(order_id, amount, day=21))
        elif kind == "c":
            book.see(cancelled(order_id, day=21))
        else:
            book.see(changed(order_id, amount))
        where = positions(book.account, DAY + 21, book.engine.policy)
        assert all(position.exposure <= 1000 for position in where.values())


def test_small_orders_of_one_week_count_as_one() -> None:
    """Splitting does not slip under the maximum; cancelling what was not shipped gives it back."""
    book = rated("order_checks: {max_order: {EUR: 1000}, split_window_days: 7}")
    kinds = [orders(book.see(placed(f"O{number}", 400, day=21)))[0].decision for number in range(3)]
    assert kinds == ["approve", "approve", "hold"]
    assert codes(last(book)) == ["MAX_ORDER"]
    (again,) = orders(book.see(cancelled("O0", day=22)))
    assert (again.order_id, again.decision) == ("O2", "release")
    book.see(invoiced("I1", 400, due=60, issued=22, order_id="O1"))
    assert orders(book.see(placed("O4", 400, day=23)))[0].decision is Decision.HOLD, "what was shipped still counts"
    assert orders(book.see(placed("O5", 400, day=40)))[0].decision is Decision.APPROVE


def test_a_forced_hold_outlasts_payments_and_being_placed_again() -> None:
    book = rated(LIMIT)
    book.see(placed("O1", 100, day=21), act(OrderHoldForced, "O1"))
    assert (last(book).decision, last(book).by) == ("hold", "ana")
    assert orders(book.see(paid(None, 900, day=22))) == []
    book.see(cancelled("O1", day=22))
    (again,) = orders(book.see(placed("O1", 50, day=23)))
    assert (again.decision, codes(again)) == ("hold", ["FORCED_HOLD"])
    assert [way.kind for way in again.to_pass] == ["person"]
    (free,) = orders(book.see(act(OrderHoldLifted, "O1", day=24)))
    assert free.decision is Decision.RELEASE


@settings(max_examples=20, deadline=None)
@given(st.lists(st.sampled_from(["pay", "owe", "tick", "change", "cancel", "place"]), max_size=14))
def test_nothing_but_a_person_frees_a_forced_hold(steps: list[str]) -> None:
    book = rated(LIMIT)
    book.see(placed("O1", 300, day=21), act(OrderHoldForced, "O1"))
    for number, step in enumerate(steps):
        day = 22 + number
        event: Any = {
            "pay": paid(None, 500, day=day),
            "owe": invoiced(f"I{number}", 200, due=day + 30, issued=day),
            "change": changed("O1", 200 + number, day=day),
            "cancel": cancelled("O1", day=day),
            "place": placed("O1", 100, day=day),
        }.get(step)
        out = book.days(day, day) if event is None else book.see(event)
        assert all(order.decision is Decision.HOLD for order in orders(out) if order.order_id == "O1")


def test_automatic_release_and_forced_hold_in_both_orders_of_arrival() -> None:
    """Whoever comes second does not undo a person's decision without knowing of it."""
    hold_first, release_first = rated(LIMIT), rated(LIMIT)
    for book in (hold_first, release_first):
        book.see(invoiced("I1", 1_000, due=60, issued=20), placed("O1", 500, day=21))
    seen = last(hold_first).version
    forced = act(OrderHoldForced, "O1", day=22, expected_version=seen)
    hold_first.see(forced, paid("I1", 1_000, day=22))
    assert hold_first.account.orders["O1"].held
    release_first.see(paid("I1", 1_000, day=22))
    (conflict,) = orders(release_first.see(act(OrderHoldForced, "O1", day=22, expected_version=seen)))
    assert (conflict.decision, codes(conflict)) == ("approve", ["VERSION_CONFLICT"])
    assert not release_first.account.orders["O1"].held
    (held,) = orders(release_first.see(act(OrderHoldForced, "O1", day=22, expected_version=conflict.version)))
    assert held.decision is Decision.HOLD


def test_large_releases_take_two_people() -> None:
    book = rated(LIMIT + "order_checks: {four_eyes_above: {EUR: 2000}}")
    book.see(placed("O1", 3_000, day=21))
    for second in (None, "ana"):
        (refused,) = orders(book.see(act(OrderReleased, "O1", second_person=second)))
        assert (refused.decision, codes(refused)) == ("hold", ["FOUR_EYES_NEEDED"])
    (free,) = orders(book.see(act(OrderReleased, "O1", second_person="bo")))
    assert (free.decision, free.by, free.second_person, free.released_up_to) == ("release", "ana", "bo", 3_000)


def test_a_release_is_bound_in_amount_and_time() -> None:
    book = rated(LIMIT + "order_checks: {hold_escalation_days: []}")
    book.see(placed("O1", 3_000, day=21), act(OrderReleased, "O1", valid_until=on(25)))
    assert last(book).decision is Decision.RELEASE
    assert orders(book.see(changed("O1", 2_500, day=22)))[0].decision is Decision.APPROVE
    assert orders(book.see(changed("O1", 3_001, day=22)))[0].decision is Decision.HOLD
    book.see(act(OrderReleased, "O1", day=23, up_to_amount=Decimal(3_001), currency="EUR", valid_until=on(25)))
    assert orders(book.days(24, 25)) == []
    (over,) = orders(book.days(26, 26))
    assert (over.decision, codes(over)) == ("hold", ["OVER_LIMIT"])


def test_part_of_an_order_may_go_by_policy_or_by_a_person() -> None:
    book = rated(LIMIT + "order_checks: {partial: true, max_deposit: 0, hold_escalation_days: []}")
    book.see(invoiced("I1", 800, due=60, issued=20))
    (held,) = orders(book.see(placed("O1", 500, day=21)))
    assert held.measure is not None
    assert (held.decision, held.measure.kind, held.measure.release_amount) == ("hold", "partial", 200)
    assert positions(book.account, DAY + 21, book.engine.policy)["EUR"].exposure == 1000
    (more,) = orders(book.see(paid("I1", 100, day=22)))
    assert more.measure is not None
    assert (more.decision, more.measure.release_amount) == ("hold", 300)
    (by_ana,) = orders(book.see(act(OrderReleased, "O1", day=22, up_to_amount=Decimal(450), currency="EUR")))
    assert (by_ana.decision, book.account.orders["O1"].free) == ("hold", 450)


def test_a_hold_that_waits_is_told_louder_each_time() -> None:
    book = rated(LIMIT + "order_checks: {hold_escalation_days: [3, 7]}")
    book.see(placed("O1", 3_000, day=21))
    book.out.clear()
    book.days(22, 40)
    told = [
        (event.severity, event.data.checks[0].detail) for event in book.out if isinstance(event.data, OrderDecision)
    ]
    assert told == [("notice", {"days": "3"}), ("warning", {"days": "7"})]


@pytest.mark.parametrize(
    ("event", "code"),
    [
        (act(OrderReleased, "none"), "ORDER_NOT_OPEN"),
        (act(OrderReleased, "O1"), "NOT_HELD"),
        (act(OrderHoldLifted, "O1"), "NOT_FORCED"),
        (act(OrderReleased, "O2", up_to_amount=Decimal(1), currency="USD"), "OTHER_CURRENCY"),
        (act(OrderReleased, "O2", valid_until=on(20)), "RELEASE_OVER"),
        (act(OrderRejected, "O2", expected_version=99), "VERSION_CONFLICT"),
    ],
)
def test_what_cannot_be_done_is_answered_and_changes_nothing(event: Any, code: str) -> None:
    book = rated(LIMIT)
    book.see(placed("O1", 100, day=21), placed("O2", 5_000, day=21))
    before = {name: (order.held, order.version) for name, order in book.account.orders.items()}
    (answer,) = orders(book.see(event))
    assert codes(answer) == [code]
    assert {name: (order.held, order.version) for name, order in book.account.orders.items()} == before


@pytest.mark.parametrize(("state", "decision"), [("approve", "approve"), ("hold", "hold"), ("reject", "reject")])
def test_no_limit_set_is_a_state_of_its_own(state: str, decision: str) -> None:
    book = rated(f"order_checks: {{no_limit: {state}}}")
    (found,) = orders(book.see(placed("O1", 10, day=21)))
    assert found.decision == decision


def test_conditions_let_an_order_pass_where_the_policy_says_so() -> None:
    book = rated(LIMIT + "order_checks: {soft: condition, terms: true}")
    (found,) = orders(book.see(placed("O1", 1_100, day=21, requested_terms_days=90)))
    assert found.measure is not None
    assert (found.decision, found.measure.kind) == ("approve", "deposit")
    assert (found.measure.terms_days, found.measure.deposit) == (30, 110)


def test_state_survives_storage_between_any_two_events() -> None:
    """What is remembered of orders comes back as it was: a restart decides like a run without one."""
    text = LIMIT + "order_checks: {max_order: {EUR: 900}, partial: true}"
    events = [
        placed("O1", 600, day=21), placed("O2", 500, day=21), act(OrderHoldForced, "O3"), placed("O3", 10, day=22),
        cancelled("O1", day=22), act(OrderReleased, "O2", day=23), changed("O2", 650, day=24),
        act(OrderHoldLifted, "O3", day=25),
    ]  # fmt: skip
    straight, stored = rated(text), rated(text)
    for event in events:
        straight.see(event)
        stored.see(event)
        stored.accounts.by_id[CUSTOMER] = decode(encode(stored.account))
    assert [o.model_dump() for o in orders(straight.out)] == [o.model_dump() for o in orders(stored.out)]
    assert not failed_steps(
        facts_of(straight.account, "O3", straight.account.orders["O3"], DAY + 25, straight.engine.policy)
    )


def told_exposure(order: OrderDecision) -> tuple[Decimal, Decimal]:
    return order.exposure.open_orders, order.exposure.exposure


def test_every_decision_tells_the_exposure_without_its_own_order() -> None:
    """When it is held, when it is freed by itself, and when a part of it may go: never less than what is open."""
    book = rated(LIMIT)
    book.see(placed("O0", 200, day=21), invoiced("I1", 700, due=60, issued=21))
    (held,) = orders(book.see(placed("O1", 500, day=22)))
    assert (held.decision, told_exposure(held)) == ("hold", (200, 900))
    (free,) = orders(book.see(paid("I1", 700, day=23)))
    assert (free.decision, told_exposure(free)) == ("release", (200, 200))

    partly = rated(LIMIT + "order_checks: {partial: true, max_deposit: 0, hold_escalation_days: []}")
    partly.see(invoiced("I1", 800, due=60, issued=20))
    (part,) = orders(partly.see(placed("O1", 500, day=21)))
    (more,) = orders(partly.see(paid("I1", 100, day=22)))
    assert [told_exposure(order) for order in (part, more)] == [(0, 800), (0, 700)]
