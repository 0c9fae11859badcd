"""Orders through Kafka, in words a credit manager would use; one worker for all of the scenarios."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from pydantic import BaseModel

from schemas.assessments import MasterDataChanged
from schemas.events import OrderInvoiced, OrderPlaced, PaymentReceived
from schemas.log import PolicyActivated
from schemas.order_acts import OrderHoldForced, OrderReleased
from schemas.review_acts import ReviewAct, ReviewApproved, ReviewRejected
from schemas.topics import ASSESSMENTS, ORDERS, PAYMENTS, POLICY, TICKS
from streams.clock import tick
from streams.partitioner import partition_of
from streams.sources.event_file import TimedEvent, timed
from tests.integration.conftest import ALONE, MakeSettings
from tests.integration.pipeline import Pipeline, decisions, publish

START = datetime(2025, 3, 3, 8, tzinfo=UTC)
pytestmark = pytest.mark.embedded_only  # what is proved here is what is decided; brokers are compared elsewhere


class Story:
    """What happens to the customers; each starts with four invoices that were paid on time and a limit of USD 1,000."""

    def __init__(self, days: int = 100) -> None:
        self._events: list[tuple[datetime, int, str, BaseModel]] = []
        self._count = 0
        for day in range(-60, days + 1):
            at = (START + timedelta(days=day)).replace(hour=0)
            self._put(at, TICKS, tick(at))

    def events(self) -> list[TimedEvent]:
        return [timed(topic, at, event) for at, _, topic, event in sorted(self._events, key=lambda item: item[:2])]

    def customer(self, name: str) -> None:
        begin = START - timedelta(days=55)
        self._tell(name, begin, ASSESSMENTS, MasterDataChanged, base_limits={"USD": Decimal(1_000)})
        for number in range(4):
            self.invoice(name, f"good{number}", 100, begin, due=begin + timedelta(days=10))
            self.pay(name, f"good{number}", 100, begin + timedelta(days=9))

    def order(self, name: str, order: str, amount: int, at: datetime) -> None:
        self._tell(name, at, ORDERS, OrderPlaced, order_id=f"{name}-{order}", amount=Decimal(amount), currency="USD")

    def invoice(
        self, name: str, invoice: str, amount: int, at: datetime, due: datetime, order: str | None = None
    ) -> None:
        self._tell(
            name, at, ORDERS, OrderInvoiced, invoice_id=f"{name}-{invoice}", amount=Decimal(amount), currency="USD",
            issue_date=at.date(), due_date=due.date(), terms_days=(due - at).days,
            order_id=None if order is None else f"{name}-{order}",
        )  # fmt: skip

    def pay(self, name: str, invoice: str, amount: int, at: datetime, known: datetime | None = None) -> None:
        self._tell(
            name, at, PAYMENTS, PaymentReceived, known=known, payment_id=f"{name}-{invoice}-p", amount=Decimal(amount),
            currency="USD", invoice_id=f"{name}-{invoice}", paid_at=at,
        )  # fmt: skip

    def pay_part(self, name: str, invoice: str, amount: int, number: int, at: datetime) -> None:
        self._tell(
            name, at, PAYMENTS, PaymentReceived, payment_id=f"{name}-{invoice}-{number}", amount=Decimal(amount),
            currency="USD", invoice_id=f"{name}-{invoice}", paid_at=at,
        )  # fmt: skip

    def force(self, name: str, order: str, at: datetime) -> None:
        self._tell(
            name, at, ORDERS, OrderHoldForced, order_id=f"{name}-{order}", by="ana", reason="rumours in the trade"
        )

    def release(self, name: str, order: str, amount: int, at: datetime, until: datetime) -> None:
        self._tell(
            name, at, ORDERS, OrderReleased, order_id=f"{name}-{order}", by="ana", reason="known for years",
            up_to_amount=Decimal(amount), currency="USD", valid_until=until.date(),
        )  # fmt: skip

    def decide(self, kind: type[ReviewAct], name: str, at: datetime) -> None:
        self._tell(name, at, ASSESSMENTS, kind, by="ana", reason="spoke to them on the phone")

    def activate(self, policy: str, at: datetime) -> None:
        self._count += 1
        event = PolicyActivated(version=1, event_id=f"e{self._count}", occurred_at=at, by="board", text=policy)
        self._put(at, POLICY, event)

    def clock(self, at: datetime) -> None:
        self._put(at, TICKS, tick(at))

    def _tell(self, name: str, at: datetime, topic: str, kind: Any, known: datetime | None = None, **more: Any) -> None:
        self._count += 1
        event = kind(version=1, event_id=f"e{self._count}", occurred_at=at, customer_id=name, **more)
        self._put(known or at, topic, event)

    def _put(self, at: datetime, topic: str, event: BaseModel) -> None:
        self._events.append((at, len(self._events), topic, event))


def told() -> Story:
    story, second, day = Story(), timedelta(seconds=1), timedelta(days=1)
    for name in ("cash", "small", "big", "forced-then-paid", "paid-then-forced", "split", "late-news", "in-parts"):
        story.customer(name)
    # Cash arrives one second after the hold.
    story.invoice("cash", "open", 900, START, due=START + 30 * day)
    story.order("cash", "o", 500, START + day)
    story.pay("cash", "open", 900, START + day + second)
    # Two small invoices one day late hold nobody; one big one a quarter late does.
    for number in range(2):
        story.invoice("small", f"i{number}", 5, START, due=START + day)
    story.invoice("small", "current", 400, START, due=START + 60 * day)
    story.order("small", "o", 100, START + 2 * day)
    story.invoice("big", "old", 600, START - 30 * day, due=START - 20 * day)
    story.order("big", "o", 100, START + 20 * day)
    # A person's hold against the automatic release, in both orders of arrival.
    for name, hold_at in (("forced-then-paid", 1), ("paid-then-forced", 3)):
        story.invoice(name, "open", 900, START, due=START + 30 * day)
        story.order(name, "o", 500, START + day)
        story.force(name, "o", START + day + hold_at * second)
        story.pay(name, "open", 900, START + day + 2 * second)
    # An order split to slip under the limit.
    for number in range(3):
        story.order("split", f"o{number}", 400, START + number * second)
    # A payment of before the due date is told after the customer was tightened for it.
    story.invoice("late-news", "i", 800, START - 10 * day, due=START)
    story.order("late-news", "o", 100, START + 39 * day)
    story.pay("late-news", "i", 800, START - day, known=START + 40 * day)
    # A person lets a part of an order go for three days; a quarter of it leaves.
    story.order("in-parts", "o", 3_000, START)
    story.release("in-parts", "o", 400, START + second, until=START + 3 * day)
    story.invoice("in-parts", "first", 100, START + day, due=START + 90 * day, order="o")
    return story


async def test_what_a_credit_manager_expects(make_settings: MakeSettings) -> None:
    settings = make_settings()
    await publish(settings, told().events())
    with Pipeline(settings) as pipeline:
        pipeline.start("gate")
        pipeline.start("engine")
        await pipeline.drain()
    found = sorted((await decisions(settings)).values(), key=lambda out: (out["type"], out["sequence"]))
    words: dict[str, list[str]] = {}
    for out in found:
        if "order-decision" in out["type"] and "HOLD_AGED" not in {check["code"] for check in out["data"]["checks"]}:
            words.setdefault(out["subject"], []).append(out["data"]["decision"])
    assert words["cash"] == ["hold", "release"], "cash arrives one second after the hold and the order is free"
    assert words["small"] == ["approve"], "two small invoices one day late hold nobody"
    assert words["big"] == ["hold"], "one big old one does"
    assert words["forced-then-paid"] == ["hold", "hold"], "what a person holds, no payment frees"
    assert words["paid-then-forced"] == ["hold", "release", "hold"], "nor does the release before stand against it"
    assert words["split"][:3] == ["approve", "approve", "hold"], "three parts are one order (until the limit rises)"
    alerts = [out["data"] for out in found if "alert" in out["type"] and out["subject"] == "late-news"]
    kinds = [alert["kind"] for alert in alerts]
    assert kinds[0] == "tightening"
    assert kinds[-1] == "retraction", "a payment that was told late takes the alert back"
    assert alerts[-1]["level"] == "STANDARD"
    assert words["late-news"] == ["hold", "release"], "and frees the order that was held for it"
    held, part, *aged = [out for out in found if out["subject"] == "in-parts" and "order-decision" in out["type"]]
    assert [out["data"]["released_up_to"] for out in (held, part)] == [None, "400"]
    (over,) = [out for out in aged if "HOLD_AGED" not in {check["code"] for check in out["data"]["checks"]}]
    assert over["time"] == "2025-03-07T00:00:00Z", "on the day after its last one the release is over"
    assert (over["data"]["decision"], over["data"]["amount"]) == ("hold", "2900")
    assert (over["data"]["by"], over["data"]["released_up_to"]) == (None, None)


CAREFUL = (
    ALONE
    + """
freshness: {stale_hours: 2, missed_payments: 0}
brake: {share: null, hold_share: null, customers: 4, always: 2}
"""
)
TYPO = CAREFUL + "version: typo\nknock_outs: {ageing: [{days_past_due: 1, at_most: HIGH_RISK}]}\n"
TOWN = [f"town-{number:02d}" for number in range(20)]
LATE = TOWN[:12]
BELLS = [next(name for name in map("bell-{}".format, range(99)) if partition_of(name.encode(), 2) == n) for n in (0, 1)]
WRONG = START + timedelta(days=41)
TINY = CAREFUL + "version: tiny\norder_checks: {utilisation_share: 0.1}\n"
FEW = START + timedelta(days=30)


def when_things_go_wrong(held: list[str], waiting: list[str]) -> Story:
    """The payments feed stops for two hours around midnight; weeks later a policy lets orders fill 10 % of the limit,
    not 100; then another one says 1 day where 15 was meant.

    ``held`` and ``waiting`` are those who get what the brake lets pass, and the others.
    """
    story, day, hour = Story(days=45), timedelta(days=1), timedelta(hours=1)
    dark = START.replace(hour=0) + 16 * day
    for name in ("pays", "pays-not"):
        story.customer(name)
        story.invoice(name, "i", 800, START - 10 * day, due=START + day)
    for bell in BELLS:  # on both partitions somebody pays every evening, but for one
        story.invoice(bell, "i", 1_000, START - 58 * day, due=START + 200 * day)
        for evening in range(-57, 46):
            midnight = START.replace(hour=0) + evening * day
            story.pay_part(bell, "i", 1, evening, midnight - (2.5 if midnight == dark else 1) * hour)
        story.pay_part(bell, "i", 1, 1_000, dark + hour / 2)
        story.invoice(bell, "night", 1, dark - hour / 10, due=START + 200 * day)
    story.pay("pays", "i", 800, dark - 2 * hour, known=dark + hour / 2)
    story.clock(dark + hour)
    for name in TOWN:
        story.customer(name)
    for name in LATE:
        story.invoice(name, "i", 500, START + 20 * day, due=START + 39 * day)
        story.pay(name, "i", 500, WRONG + 2 * day)
    story.activate(TINY, FEW)
    for name in LATE:
        story.order(name, "few", 100, FEW + hour)
    story.decide(ReviewApproved, waiting[0], FEW + 2 * hour)
    story.activate(CAREFUL + "version: whole\n", FEW + day)
    story.activate(TYPO, WRONG)
    for name in LATE:
        story.order(name, "o", 100, WRONG + hour)
    story.decide(ReviewApproved, waiting[0], WRONG + 2 * hour)
    story.decide(ReviewRejected, waiting[1], WRONG + 2 * hour)
    story.decide(ReviewApproved, held[0], WRONG + 2 * hour)
    story.activate(CAREFUL + "version: right\n", WRONG + day)
    return story


async def test_what_cannot_hold_the_book(make_settings: MakeSettings) -> None:
    policy_file = make_settings().data_dir.parent / "careful.yaml"
    policy_file.write_text(CAREFUL)
    settings = make_settings(policy_file=policy_file)
    held: list[str] = []
    waiting: list[str] = []
    for partition in range(settings.partitions):  # the brake lets two pass on each, the first ones by their ids
        late = [name for name in LATE if partition_of(name.encode(), settings.partitions) == partition]
        held += late[:2]
        waiting += late[2:]
    await publish(settings, when_things_go_wrong(held, waiting).events())
    with Pipeline(settings) as pipeline:
        pipeline.start("gate")
        pipeline.start("engine")
        await pipeline.drain(120)
    check_what_was_told((await decisions(settings)).values(), held, waiting)


def check_what_was_told(decided: Iterable[dict[str, Any]], held: list[str], waiting: list[str]) -> None:
    found = sorted(decided, key=lambda out: (out["subject"], out["sequence"]))
    notes = {(out["subject"], out["data"]["kind"]) for out in found if out["data"].get("task") == "book"}
    assert notes == {(f"partition-{n}", kind) for n in range(2) for kind in ("payments_stale", "payments_back")}
    told: dict[str, list[str]] = {}
    stopped: dict[str, list[str]] = {}
    for out in found:
        review = out["data"].get("review")
        if review is not None and review["order_ids"]:
            stopped.setdefault(out["subject"], []).append(review["state"])
        elif out["data"].get("kind") in ("tightening", "review"):
            what = out["data"]["kind"] if review is None else f"{review['state']} {review['refusal'] is not None}"
            told.setdefault(out["subject"], []).append(what)
    assert "pays" not in told, "the payments feed stops for two hours, and whoever paid meanwhile is not tightened"
    assert told["pays-not"][0] == "tightening", "when it is back, who has not paid is"
    assert [told[name][:1] for name in held] == [["tightening"]] * 4, "a typo that would hold 60 % of the book holds 4"
    assert told[held[0]][1] == "none True", "there is nothing to approve about those"
    assert told[waiting[0]][:3] == ["pending False", "approved False", "tightening"], "what ana approves counts at once"
    assert told[waiting[1]] == ["pending False", "rejected False"], "what she rejects never does"
    assert [told[name] for name in waiting[2:]] == [["pending False", "pending False", "withdrawn False"]] * 6, (
        "what waits is told again after a day, and the right policy ends it"
    )
    assert not {*TOWN[12:]} & {*told}
    orders: dict[str, list[str]] = {}
    for out in found:
        if "order-decision" in out["type"]:
            orders.setdefault(out["data"]["order_id"], []).append(out["data"]["decision"])
    few = {name: orders[f"{name}-few"] for name in LATE}
    assert [few[name] for name in held] == [["hold", "release"]] * 4, (
        "checks that would hold 60 % of the book hold 4, and no longer than they are in force"
    )
    assert few[waiting[0]] == ["approve", "hold", "release"], "what ana wants held is held"
    assert [few[name] for name in waiting[1:]] == [["approve"]] * 7, "the others' orders go as before"
    assert stopped == {waiting[0]: ["pending", "approved"]} | {
        name: ["pending", "pending", "withdrawn"] for name in waiting[1:]
    }
    later = {name: orders[f"{name}-o"][0] for name in LATE}
    assert later == {name: "hold" if name in held else "approve" for name in LATE}, "whose tightening waits may order"
