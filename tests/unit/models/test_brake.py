"""The brake: a bad policy or a broken feed cannot hold the whole book, and persons decide on the rest."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.account import Account, Marks, decode_marks, encode
from models.engine import CreditEngine, MemoryAccounts
from models.partition import encode as encode_partition
from models.rehearsal import Rehearsal
from schemas.decisions import AlertKind, CreditAlert, OrderDecision, OutEvent, TighteningReview
from schemas.envelope import Severity
from schemas.levels import Level
from schemas.log import LogEntry
from schemas.review_acts import ReviewApproved, ReviewRejected
from tests.unit.models.build import DAY, activated, at, cancelled, entry, invoiced, paid, placed, tick

TYPO = "version: typo\nknock_outs: {ageing: [{days_past_due: 1, at_most: HIGH_RISK}]}\n"
"""Meant was 15."""


class Town:
    """A book of so many customers, each with a good past and an invoice that is 5 days late on day 40."""

    def __init__(self, customers: int, brake: str, partitions: int = 1) -> None:
        self.text = "brake: " + brake.replace("{", "{escalation_days: [], ", 1) + "\n"
        self.accounts = MemoryAccounts()
        self.engine = CreditEngine(self.accounts, self.text, partitions=partitions)
        self.names = [f"C{number:03d}" for number in range(customers)]
        self.offset = -1
        for name in self.names:
            for number in range(4):
                self.tell(name, invoiced(f"good-{number}", 1_000, due=10), paid(f"good-{number}", 1_000, day=9))
        self.days(10, 30)
        for name in self.names:
            self.tell(name, invoiced("late", 1_000, issued=30, due=35))
        self.days(31, 40)
        assert {account.level for account in self.accounts.by_id.values()} == {"STANDARD"}

    def apply(self, log_entry: LogEntry) -> list[OutEvent]:
        self.offset += 1
        source = log_entry.source.model_copy(update={"offset": self.offset})
        return self.engine.apply(self.offset, log_entry.model_copy(update={"source": source})).out

    def tell(self, name: str, *events: Any) -> list[OutEvent]:
        out: list[OutEvent] = []
        for event in events:
            own = event.model_copy(update={"customer_id": name, "event_id": f"{event.event_id}-{name}"})
            out += self.apply(entry(own, 0))
        return out

    def days(self, first: int, last: int) -> list[OutEvent]:
        return [out for day in range(first, last + 1) for out in self.apply(entry(tick(day), 0))]

    def activate(self, text: str, day: int = 40) -> list[OutEvent]:
        return self.apply(entry(activated(text + self.text, day), 0))

    def act(self, kind: Any, name: str, day: int = 40, version: int | None = None) -> list[OutEvent]:
        act = kind(
            version=1, event_id=f"act-{self.offset}", occurred_at=at(day), customer_id=name, by="ana",
            reason="looked into it", expected_version=version,
        )  # fmt: skip
        return self.apply(entry(act, 0))

    def level(self, name: str) -> str:
        return self.account(name).level

    def account(self, name: str) -> Account:
        return self.accounts.by_id[name]

    def held(self) -> int:
        return sum(account.level == "HIGH_RISK" for account in self.accounts.by_id.values())


def reviews(out: list[OutEvent]) -> list[TighteningReview]:
    return [e.data.review for e in out if isinstance(e.data, CreditAlert) and e.data.review is not None]


def kinds(out: list[OutEvent]) -> list[AlertKind]:
    return [event.data.kind for event in out if isinstance(event.data, CreditAlert)]


@pytest.mark.parametrize(
    ("customers", "brake", "partitions", "held"),
    [
        (40, "{share: 0.1, always: 1}", 1, 4),
        (40, "{share: null, customers: 6, always: 1}", 1, 6),
        (40, "{share: null, customers: 6, always: 1}", 4, 2),  # its even part, rounded up
        (40, "{share: null, customers: null, exposure: {EUR: 2500}, always: 1}", 1, 2),
        (40, "{share: 0.1, customers: 3, always: 1}", 1, 3),
        (40, "{share: null, customers: null}", 1, 40),  # off
        (3, "{share: 0.05, always: 3}", 1, 3),  # a small book
        (3, "{share: 0.05, always: 2}", 1, 2),
    ],
)
def test_a_typo_cannot_hold_the_book(customers: int, brake: str, partitions: int, held: int) -> None:
    """So many are tightened and no more, however many hours pass; the others stay, with a record of what waits."""
    town = Town(customers, brake, partitions)
    out = town.activate(TYPO)
    assert town.held() == held
    assert kinds(out).count(AlertKind.TIGHTENING) == held
    waiting = reviews(out)
    assert [(review.state, review.to_level) for review in waiting] == [("pending", Level.HIGH_RISK)] * (
        customers - held
    )
    stopped = [out.data for out in out if isinstance(out.data, CreditAlert) and out.data.kind is AlertKind.REVIEW]
    assert all(alert.level is Level.STANDARD and alert.caps[0].code == "DPD_1" for alert in stopped)
    assert not reviews(town.days(41, 44)), "told once"
    assert town.held() == held, "the next hour has room again, but not for those that wait for a person"


def test_the_corrected_policy_empties_the_queue() -> None:
    """Who does not deserve to be tightened any more leaves the queue by himself; so does who recovers."""
    town = Town(10, "{share: null, customers: 2, always: 1}")
    town.activate(TYPO)
    assert [review.state for review in reviews(town.tell("C009", paid("late", 1_000, day=40)))] == ["withdrawn"]
    assert [review.state for review in reviews(town.activate("version: right\n"))] == ["withdrawn"] * 7
    assert all(account.review is None for account in town.accounts.by_id.values())


def test_a_named_knock_out_passes_at_once() -> None:
    """What the policy excepts is never stopped, nor does it use up what others may."""
    town = Town(5, "{share: null, customers: 1, always: 1, except_for: [DPD_10]}")
    town.activate(TYPO.replace("}]}", "}, {days_past_due: 10, at_most: HIGH_RISK}]}"))
    assert town.held() == 1
    out = town.days(41, 45)
    assert town.held() == 5
    assert [review.state for review in reviews(out)] == ["passed"] * 4
    assert kinds(out).count(AlertKind.TIGHTENING) == 4


def test_who_gets_worse_stays_in_review_and_is_told_again() -> None:
    """The record follows the customer down; one that was tightened within the hour may fall further."""
    town = Town(3, "{share: null, customers: 1, always: 1, except_for: []}")
    town.activate(TYPO.replace("}]}", "}, {days_past_due: 6, at_most: BLOCKED}]}"))
    told = reviews(town.days(41, 41))
    assert [(review.state, review.to_level) for review in told] == [("pending", Level.BLOCKED)] * 2
    assert [town.level(name) for name in town.names] == ["BLOCKED", "STANDARD", "STANDARD"]


def test_a_person_approves() -> None:
    """Then it counts at once, with the person's name and the reasons of the whole fall."""
    town = Town(3, "{share: null, customers: 1, always: 1}")
    pending = reviews(town.activate(TYPO))
    out = town.act(ReviewApproved, "C002", version=pending[1].version)
    assert [(r.state, r.by, r.reason) for r in reviews(out)] == [("approved", "ana", "looked into it")]
    assert kinds(out) == [AlertKind.REVIEW, AlertKind.TIGHTENING]
    assert (town.level("C001"), town.level("C002")) == ("STANDARD", "HIGH_RISK")


def test_a_person_rejects() -> None:
    """The customer stays for the policy's days, unless it gets worse than what was rejected."""
    town = Town(3, "{share: null, customers: 1, always: 1, reject_days: 5, except_for: []}")
    town.activate(TYPO)
    rejected = reviews(town.act(ReviewRejected, "C002"))[0]
    assert rejected.state == "rejected"
    assert rejected.until is not None
    assert not town.days(41, 45)
    assert town.level("C002") == "STANDARD"
    out = town.days(46, 46)
    assert town.level("C002") == "HIGH_RISK", "it has run out, and there is room again"
    assert kinds(out) == [AlertKind.TIGHTENING]


@pytest.mark.parametrize("kind", [ReviewApproved, ReviewRejected])
def test_acts_that_come_too_late_change_nothing(kind: Any) -> None:
    """About what does not wait, or waits in another version by now: an answer with the reason."""
    town = Town(2, "{share: null, customers: 1, always: 1}")
    nothing = reviews(town.act(kind, "C001"))[0]
    assert nothing.state == "none"
    assert nothing.refusal is not None
    assert nothing.refusal.code == "NO_REVIEW"
    version = reviews(town.activate(TYPO))[0].version
    conflict = reviews(town.act(kind, "C001", version=version + 1))[0]
    assert (conflict.state, conflict.version) == ("pending", version)
    assert conflict.refusal is not None
    assert conflict.refusal.code == "REVIEW_CONFLICT"
    assert town.level("C001") == "STANDARD"


def test_limits_are_not_cut_all_at_once_either() -> None:
    """A tightening is a cut of limit or terms as well: what was granted stays until a person has looked."""
    text = "limits: {base: {EUR: 1000}}\n"
    town = Town(4, "{share: null, customers: 1, always: 1}")
    town.activate("version: a\n" + text)
    out = town.activate("version: b\nmeasures: {STANDARD: {limit_factor: 0.1}}\n" + text)
    assert [str(town.account(name).limits["EUR"]) for name in town.names] == ["100", "1000", "1000", "1000"]
    assert {str(review.limits["EUR"]) for review in reviews(out)} == {"100"}


def test_an_hour_later_there_is_room_again() -> None:
    """Ordinary tightenings, spread over hours, never wait."""
    town = Town(4, "{share: null, customers: 1, always: 1}")
    town.engine.apply(10_000, entry(activated("version: x\n" + town.text, 40), 10_000))
    town.offset = 10_000
    for number, name in enumerate(town.names):  # each is 15 days late on another day
        town.tell(name, paid("late", 1_000, day=40), invoiced("next", 1_000, issued=40, due=41 + number))
    town.days(41, 60)
    assert {account.level for account in town.accounts.by_id.values()} == {"WATCH"}
    assert all(account.review is None for account in town.accounts.by_id.values())


def test_what_waits_is_told_again_louder_each_time() -> None:
    """After the policy's days, with the days it has waited, until a person decides."""
    town = Town(2, "{share: null, customers: 1, always: 1, except_for: []}")
    town.text = town.text.replace("escalation_days: []", "escalation_days: [1, 3]")
    town.activate(TYPO)
    told = [out for out in town.days(41, 50) if isinstance(out.data, CreditAlert) and out.data.review is not None]
    assert [(out.data.review.state, out.data.review.waited_days) for out in told] == [("pending", 1), ("pending", 3)]
    assert [out.severity for out in told] == [Severity.WARNING, Severity.WARNING], "as loud as the tightening at least"
    assert [review.state for review in reviews(town.act(ReviewApproved, "C001", day=50))] == ["approved"]


LOW = "version: low\norder_checks: {max_order: {EUR: 1}}\n"
"""Meant was 10,000."""


def held(out: list[OutEvent]) -> list[tuple[str, str, list[str]]]:
    decided = [event for event in out if isinstance(event.data, OrderDecision)]
    return [(e.subject, e.data.decision.value, [check.code for check in e.data.checks]) for e in decided]


def everybody_orders(town: Town, number: int = 1, day: int = 40) -> list[OutEvent]:
    return [out for name in town.names for out in town.tell(name, placed(f"o{number}", 100, day=day))]


@pytest.mark.parametrize(
    ("customers", "brake", "partitions", "most"),
    [
        (40, "{hold_share: 0.1, always: 1}", 1, 4),
        (40, "{hold_share: null, customers: 6, always: 1}", 1, 6),
        (40, "{hold_share: null, customers: 6, always: 1}", 4, 2),
        (40, "{hold_share: null, customers: null, exposure: {EUR: 2500}, always: 1}", 1, 2),
        (40, "{hold_share: null, customers: null}", 1, 40),  # off
        (3, "{hold_share: 0.05, always: 2}", 1, 2),
        (40, "{share: 0, hold_share: 0.1, always: 1}", 1, 4),  # tightenings are counted by themselves
    ],
)
def test_a_typo_in_the_checks_cannot_hold_the_orders_of_all(
    customers: int, brake: str, partitions: int, most: int
) -> None:
    """No level changes: so many customers are held, the orders of the others go, and a person is told."""
    town = Town(customers, brake, partitions)
    assert not town.activate(LOW)
    out = everybody_orders(town)
    decided = held(out)
    assert decided[:most] == [(name, "hold", ["MAX_ORDER"]) for name in town.names[:most]]
    assert decided[most:] == [(name, "approve", ["MAX_ORDER", "HOLD_STOPPED"]) for name in town.names[most:]]
    told = reviews(out)
    assert [(review.state, review.order_ids) for review in told] == [("pending", ["o1"])] * (customers - most)
    alerts = [e for e in out if isinstance(e.data, CreditAlert)]
    assert {(e.severity, e.data.cause_kind, e.data.level) for e in alerts} <= {
        (Severity.NOTICE, "ORDER_HOLD", Level.STANDARD)
    }
    again = held(everybody_orders(town, 2))
    assert [decision for _, decision, _ in again] == ["hold"] * most + ["approve"] * (customers - most)
    assert not reviews(town.days(41, 44)), "told once"


def test_a_person_decides_on_stopped_holds() -> None:
    """Approved, all orders that went under the review are held; rejected, the customer's orders go for some days."""
    town = Town(3, "{hold_share: null, customers: 1, always: 1, reject_days: 5}")
    town.activate(LOW)
    everybody_orders(town)
    everybody_orders(town, 2)
    out = town.act(ReviewApproved, "C001")
    assert [(r.state, r.by, r.order_ids) for r in reviews(out)] == [("approved", "ana", ["o1", "o2"])]
    assert held(out) == [("C001", "hold", ["MAX_ORDER"])] * 2
    by = [(e.data.by, e.data.reason) for e in out if isinstance(e.data, OrderDecision)]
    assert by == [("ana", "looked into it")] * 2
    assert held(town.tell("C001", placed("o3", 100, day=40))) == [("C001", "hold", ["MAX_ORDER"])]
    assert [r.state for r in reviews(town.act(ReviewRejected, "C002"))] == ["rejected"]
    town.tell("C000", cancelled("o1", day=40), cancelled("o2", day=40))  # who uses the room up is not C002
    town.days(41, 45)
    assert held(town.tell("C002", placed("o3", 100, day=45))) == [("C002", "approve", ["MAX_ORDER", "HOLD_STOPPED"])]
    town.days(46, 46)
    assert held(town.tell("C002", placed("o4", 100, day=46))) == [("C002", "hold", ["MAX_ORDER"])]


def test_the_corrected_policy_ends_the_reviews_of_holds() -> None:
    """So does the end of the order; a policy without a brake lets the holds pass."""
    town = Town(5, "{hold_share: null, customers: 1, always: 1}")
    town.activate(LOW)
    everybody_orders(town)
    assert [r.state for r in reviews(town.tell("C004", cancelled("o1", day=40)))] == ["withdrawn"]
    off = "brake: {share: null, hold_share: null, customers: null}\n"
    ended = town.apply(entry(activated(LOW.replace("low", "unbraked") + off, 40), 0))
    assert [r.state for r in reviews(ended)] == ["passed"] * 3
    assert held(ended) == [(name, "hold", ["MAX_ORDER"]) for name in ("C001", "C002", "C003")]
    other = Town(3, "{hold_share: null, customers: 1, always: 1}")
    other.activate(LOW)
    everybody_orders(other)
    right = other.activate("version: right\n")
    assert [r.state for r in reviews(right)] == ["withdrawn"] * 2
    assert held(right) == [("C000", "release", [])]
    assert all(account.review is None for account in other.accounts.by_id.values())


@pytest.mark.parametrize("code", ["MAX_ORDER", "DPD_5"])
def test_what_the_policy_names_holds_orders_whatever_the_brake_says(code: str) -> None:
    """An order check, or a knock-out of the customer, that is named in except_for."""
    town = Town(4, f"{{share: 0, hold_share: null, customers: 1, always: 1, except_for: [{code}]}}")
    town.activate(LOW + "knock_outs: {ageing: [{days_past_due: 5, at_most: STANDARD}]}\n")
    out = everybody_orders(town)
    assert [decision for _, decision, _ in held(out)] == ["hold"] * 4
    assert not reviews(out)


def test_a_tightening_ends_the_review_of_a_hold() -> None:
    """It asks the brake for itself; what had gone under the review has gone, and the level holds what comes."""
    town = Town(3, "{hold_share: null, customers: 1, always: 1, except_for: []}")
    town.activate(LOW)
    everybody_orders(town)
    town.tell("C000", paid("late", 1_000, day=40))
    out = town.activate(TYPO + "order_checks: {max_order: {EUR: 1}}\n")
    assert [(e.subject, r.state) for e in out for r in reviews([e])] == [("C001", "withdrawn"), ("C002", "pending")]
    assert town.level("C001") == "HIGH_RISK"
    assert (town.level("C002"), reviews(out)[1].order_ids) == ("STANDARD", [])
    assert held(town.tell("C001", placed("o2", 100, day=40)))[0][1] == "hold"


def test_a_tightening_that_waits_tells_which_orders_went_meanwhile() -> None:
    """No alert of their own, for a person decides on the customer; but what went is in the review, with its amounts."""
    town = Town(3, "{share: 0, hold_share: null, customers: 1, always: 1, except_for: []}")
    town.text = town.text.replace("escalation_days: []", "escalation_days: [1]")
    town.activate(TYPO + "order_checks: {max_order: {EUR: 1}}\n")
    assert [town.level(name) for name in town.names] == ["HIGH_RISK", "STANDARD", "STANDARD"]
    town.tell("C002", placed("o1", 100, day=40))  # it uses up the room for holds
    for order_id, amount in (("o1", 100), ("o2", 250), ("o3", 70)):
        out = town.tell("C001", placed(order_id, amount, day=40))
        assert held(out) == [("C001", "approve", ["MAX_ORDER", "HOLD_STOPPED"])]
        assert not kinds(out)
    town.tell("C001", cancelled("o3", day=40))
    told = {out.subject: review for out in town.days(41, 41) for review in reviews([out])}
    assert (told["C001"].state, told["C001"].order_ids) == ("pending", [])
    went = [(order.order_id, str(order.amount), order.currency) for order in told["C001"].let_go]
    assert went == [("o1", "100", "EUR"), ("o2", "250", "EUR")]
    assert told["C002"].let_go == []
    assert [len(review.let_go) for review in reviews(town.act(ReviewRejected, "C001", day=41))] == [2]


def test_what_went_under_a_stopped_hold_is_told_by_the_tightening_that_follows() -> None:
    town = Town(3, "{hold_share: null, customers: 1, always: 1, except_for: []}")
    town.activate(LOW)
    out = everybody_orders(town)
    assert [[order.order_id for order in review.let_go] for review in reviews(out)] == [["o1"]] * 2
    out = town.activate(TYPO + "order_checks: {max_order: {EUR: 1}}\n")
    waits = [review for review in reviews(out) if review.state == "pending"]
    assert {(review.to_level, review.let_go[0].order_id, len(review.let_go)) for review in waits} == {
        (Level.HIGH_RISK, "o1", 1)
    }


_STEP = st.tuples(
    st.integers(0, 4), st.sampled_from(["order", "big", "cancel", "approve", "reject", "hour", "restart"])
)


@settings(max_examples=25)
@given(
    st.sampled_from([
        "{hold_share: null, customers: 1, always: 1}",
        "{hold_share: 0.4, always: 1, reject_days: 5}",
        "{hold_share: null, customers: null, exposure: {EUR: 2500}, always: 1}",
        "{hold_share: null, customers: 2, always: 1, except_for: [OVER_LIMIT]}",
        "{hold_share: null, customers: null}",
    ]),
    st.lists(_STEP, max_size=12),
)  # fmt: skip
def test_a_question_gets_what_the_order_then_gets_while_the_brake_is_on(
    brake: str, steps: list[tuple[int, str]]
) -> None:
    """Whoever was held, let go or decided on before, and after a restart; and asking uses up no room."""
    town = Town(5, brake)
    town.activate(LOW)
    day = 40
    for number, (who, step) in enumerate(steps):
        name = town.names[who]
        if step in ("order", "big"):
            amount = 100 if step == "order" else 100_000
            before = [encode(account) for account in town.accounts.all()], encode_partition(town.engine.state)
            foretold, checks = town.engine.check_order(name, Decimal(amount), "EUR", DAY + day)
            again = town.engine.check_order(name, Decimal(amount), "EUR", DAY + day)
            assert again == (foretold, checks)
            after = [encode(account) for account in town.accounts.all()], encode_partition(town.engine.state)
            assert after == before
            decided = held(town.tell(name, placed(f"o{number}", amount, day=day)))[0]
            assert decided == (name, foretold.value, [check.code for check in checks])
        elif step == "cancel":
            for order_id in list(town.account(name).orders)[:1]:
                town.tell(name, cancelled(order_id, day=day))
        elif step == "hour":
            day += 1
            town.days(day, day)
        elif step == "restart":
            town.engine = CreditEngine(town.accounts, town.text, town.engine.state)
        else:
            town.act(ReviewApproved if step == "approve" else ReviewRejected, name, day)


def test_marks_are_read_without_the_rest_of_the_account() -> None:
    town = Town(2, "{hold_share: null, customers: 1, always: 1}")
    town.activate(LOW)
    everybody_orders(town)
    found = {account.customer_id: decode_marks(encode(account)) for account in town.accounts.all()}
    assert found == {account.customer_id: Marks(account.tightened, account.held) for account in town.accounts.all()}
    assert [found[name].held is not None for name in town.names] == [True, False]


def test_a_rehearsal_meets_the_brake_as_it_stands() -> None:
    """What others used of the room counts on the stage of one customer too."""
    town = Town(3, "{hold_share: null, customers: 1, always: 1}")
    town.activate(LOW)
    town.tell("C000", placed("o1", 100, day=40))
    marks = {account.customer_id: decode_marks(encode(account)) for account in town.accounts.all()}
    for name, decided in (("C000", "hold"), ("C001", "approve")):
        stage = Rehearsal(name, town.account(name), town.engine.state, passed=marks)
        order = placed("o2", 100, day=40).model_copy(update={"customer_id": name})
        played = held(stage.play(order, at(40)))
        assert [decision for _, decision, _ in played] == [decided]
        assert played == held(town.tell(name, placed("o2", 100, day=40)))
