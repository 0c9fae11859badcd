"""Laws of the engine under layered policies: every customer is decided by its own effective policy."""

from __future__ import annotations

from decimal import Decimal

import pytest

from models.account import decode, encode
from models.engine import CreditEngine, MemoryAccounts
from models.partition import decode as decode_partition
from models.partition import encode as encode_partition
from schemas.decisions import Decision, OutEvent
from schemas.events import CustomerEvent
from schemas.levels import Level
from schemas.log import PolicyActivated, TimePassed
from tests.unit.models.book import Book, levels, orders
from tests.unit.models.build import (
    CUSTOMER,
    activated,
    entry,
    invoiced,
    master,
    paid,
    placed,
    reported,
    reviewed,
    statement,
    taken_back,
    tick,
)

Events = list[CustomerEvent | TimePassed | PolicyActivated]

PARTS = {
    "scorecard curve": "scorecard: {payment_index: {nodes: [{at: 20, points: 0}, {at: 90, points: 700}]}}",
    "scorecard weight": "scorecard: {ageing: {weight: 5}}",
    "ladder thresholds": "ladder: {STANDARD: {enter: 848, exit: 846}}",
    "ladder dwell": "ladder: {dwell_days: 3, probation_days: 3}",
    "ladder evidence": "ladder: {evidence_floor: 6}",
    "ageing knock-out": "knock_outs: {ageing: [{days_past_due: 9, at_most: BLOCKED}]}",
    "reversal knock-out": "knock_outs: {unpaid_reversal: BLOCKED}",
    "materiality": "materiality: {share_of_exposure: 1, amount_days: 1000000}",
    "tolerance": "materiality: {tolerance: 50}",
    "measures": "measures: {STANDARD: {limit_factor: 0.5, terms_days: 7, deposit_share: 0.1}}",
    "limits": "limits: {base: {EUR: 3333}}",
    "credit horizon": "limits: {credit_horizon_days: 0}",
    "ratios": "statements: {ratios: {altman_z: {weight: 1}, quick_ratio: {weight: 90}}}",
    "agencies": "agencies: {unmapped: false}",
    "reviews": "reviews: {reviewers: [bob]}",
    "steps": "limits: {max_rise: 0.1, rise_days: 7}",
    "order check": "order_checks: {utilisation: false}",
}


def story() -> Events:
    """A customer pays well, then late, has a payment reversed, orders too much, and recovers."""
    events: Events = [master(segment="key", sector="retail", group_parent="ACME", base_limits={"USD": 1})]
    events += [statement(), reported(score=70, scale_worst=0, scale_best=100), reviewed((4, 4, 4))]
    events += [invoiced(f"good-{number}", 1_000, due=10) for number in range(4)]
    events += [tick(8), *(paid(f"good-{number}", 1_000, day=9) for number in range(4))]
    events += [tick(day) for day in range(10, 61)]
    events += [invoiced("late", 2_000, due=65, issued=61), invoiced("small", 40, due=62, issued=61)]
    events += [placed("O1", 1_500, day=61), placed("O2", 700, day=61, delivery=81)]
    events += [placed("O3", 9_000, day=61)]
    events += [tick(day) for day in range(62, 99)]
    events += [paid("late", 2_000, day=99), paid("small", 40, day=99), taken_back("small", 40, day=104)]
    events += [tick(day) for day in range(105, 108)]
    events += [paid("small", 40, day=108), *(tick(day) for day in range(109, 200))]
    return events


def told(text: str, events: Events) -> list[OutEvent]:
    """What comes out of the story under a policy."""
    engine, out = CreditEngine(MemoryAccounts(), text), []
    for offset, event in enumerate(events):
        out += engine.apply(offset, entry(event, offset)).out
    return out


BASE = "version: v\nlimits: {base: {EUR: 5000}}\n"


def at_the_top(part: str) -> str:
    """The part in the firm's own layer."""
    return f"{BASE.splitlines()[0]}\npacks: {{base: {{{BASE.splitlines()[1]}}}}}\npack: base\n{part}"


@pytest.mark.parametrize("part", PARTS.values(), ids=PARTS)
def test_an_override_decides_as_the_same_value_for_all_would(part: str) -> None:
    """Whatever part of a policy may be overridden, and by whichever layer: the decisions are those of a firm that has
    the value for everybody, bit for bit; and they are others than without it."""
    events = story()
    expected = told(at_the_top(part), events)
    assert expected != told(BASE, events)
    for who in (f"customer: {CUSTOMER}", "group: ACME", "sector: retail", "segment: key"):
        assert told(f"{BASE}overrides: [{{{who}, {part}}}]", events) == expected, who


@pytest.mark.parametrize("who", ["customer: C2", "group: OTHER", "sector: steel", "segment: key, region: EU"])
def test_an_override_leaves_others_alone(who: str) -> None:
    """Whom an override does not name, it does not touch."""
    events = story()
    text = f"{BASE}overrides: [{{{who}, {PARTS['measures']}, {PARTS['ageing knock-out']}}}]"
    assert told(text, events) == told(BASE, events)


LAYERS = f"""{BASE}overrides:
- {{sector: retail, {PARTS["measures"]}}}
- {{group: ACME, {PARTS["ageing knock-out"]}}}
- {{customer: {CUSTOMER}, limits: {{base: {{EUR: 3333}}, max_rise: 0.1, rise_days: 3, capacity: {{order_days: 30}}}}}}
"""


@pytest.mark.parametrize("crash", [3, 10, 70, 120, 190])
def test_a_restart_changes_no_decision(crash: int) -> None:
    """The layers follow from the stored text and master data: an engine made anew goes on bit for bit."""
    events, out, accounts = story(), [], MemoryAccounts()
    engine = CreditEngine(accounts, LAYERS)
    for offset, event in enumerate(events):
        if offset == crash:
            again = MemoryAccounts()
            for account in accounts.by_id.values():
                again.put(decode(encode(account)))
            accounts, state = again, decode_partition(encode_partition(engine.state))
            engine = CreditEngine(accounts, "version: not-in-force", state)
        out += engine.apply(offset, entry(event, offset)).out
    assert out == told(LAYERS, events) != told(BASE, events)


def limit(out: list[OutEvent]) -> Decimal | None:
    """The limit told last."""
    return levels(out)[-1].exposures[0].limit


def test_moving_to_another_segment_counts_at_once() -> None:
    """The event that changes the master data is decided by the policy of the new segment, and so is the way back."""
    book = Book("limits: {base: {EUR: 1000}}\noverrides: [{segment: key, limits: {base: {EUR: 5000}}}]")
    book.good_payer()
    moved = book.see(master(day=21, segment="key"))
    assert (limit(moved), levels(moved)[-1].cause_type) == (5000, "assessment.master_data")
    assert limit(book.see(master(day=22))) == 1000


def test_joining_a_group_counts_at_once() -> None:
    """A knock-out of the group holds for its new member from the event that makes it one."""
    book = Book("overrides: [{group: ACME, knock_outs: {ageing: [{days_past_due: 2, at_most: HIGH_RISK}]}}]")
    book.good_payer()
    book.see(invoiced("I1", 5_000, due=22, issued=21))
    book.days(22, 26)
    assert book.account.level == Level.STANDARD
    book.see(master(day=26, group_parent="ACME"))
    assert book.account.level == Level.HIGH_RISK


def test_an_activated_policy_brings_its_overrides() -> None:
    """They hold from the activation, and end with the next policy; decisions name the policy's one version."""
    book = Book("limits: {base: {EUR: 1000}}")
    book.good_payer()
    own = f"{{customer: {CUSTOMER}, limits: {{base: {{EUR: 400}}}}}}"
    out = book.see(activated(f"version: two\nlimits: {{base: {{EUR: 1000}}}}\noverrides: [{own}]", 21))
    assert (limit(out), levels(out)[-1].policy_version) == (400, "two")
    assert limit(book.see(activated("version: three\nlimits: {base: {EUR: 1000}}", 22))) == 1000


def test_a_refused_override_leaves_the_old_policy_in_force() -> None:
    """A policy with one wrong override changes nothing for anybody."""
    book = Book(f"version: one\noverrides: [{{customer: {CUSTOMER}, limits: {{base: {{EUR: 400}}}}}}]")
    book.good_payer()
    assert book.see(activated("version: two\noverrides: [{customer: C9, ladder: {WATCH: {enter: 800}}}]", 21)) == []
    assert (book.engine.policy.version, book.account.limits) == ("one", {"EUR": 400})


def test_easing_comes_by_the_customers_own_clock() -> None:
    """Dwell and probation of a segment also say when to look at its customers again."""
    book = Book("overrides: [{sector: retail, ladder: {dwell_days: 2, probation_days: 4}}]")
    book.good_payer()
    book.see(master(day=21, sector="retail"))
    assert levels(book.days(22, 24)) == []
    assert [change.level for change in levels(book.days(25, 25))] == [Level.PRIME]


def test_an_order_is_checked_by_the_customers_own_policy() -> None:
    """A hold that a group's policy switches off stops none of its orders, and one of a customer stops them again."""
    off, on = "order_checks: {utilisation: false}", "order_checks: {utilisation: true}"
    for overrides, decision in (
        (f"[{{group: ACME, {off}}}]", Decision.APPROVE),
        (f"[{{group: ACME, {off}}}, {{customer: {CUSTOMER}, {on}}}]", Decision.HOLD),
    ):
        book = Book(f"limits: {{base: {{EUR: 1000}}}}\noverrides: {overrides}")
        book.see(master(group_parent="ACME"))
        assert [order.decision for order in orders(book.see(placed("O1", 5_000, day=1)))] == [decision]


@pytest.mark.parametrize("cash_first", [False, True])
def test_what_is_rounding_is_the_customers_own(cash_first: bool) -> None:
    """A rest within the customer's tolerance leaves the invoice paid in time; cash may come before invoice."""
    for overrides, bad in (("[]", True), (f"[{{customer: {CUSTOMER}, materiality: {{tolerance: 50}}}}]", False)):
        book = Book(f"overrides: {overrides}")
        bill, cash = invoiced("I1", 1_000, due=10), paid("I1", 960, day=0)
        book.see(*((cash, bill) if cash_first else (bill, cash)))
        book.days(1, 17)
        assert [outcome.bad for outcome in book.outcomes if outcome.invoice_id == "I1"] == [bad]


def test_a_prediction_is_made_by_the_customers_own_policy() -> None:
    """What is rounding for the customer is nothing overdue for the learner either."""
    packed = []
    for overrides in ("[]", f"[{{customer: {CUSTOMER}, materiality: {{tolerance: 50}}}}]"):
        book = Book(f"overrides: {overrides}")
        book.see(invoiced("rest", 40, due=1), invoiced("I1", 1_000, due=50, issued=20))
        packed.append(book.account.predictions["I1"].features)
    assert packed[0] != packed[1]
