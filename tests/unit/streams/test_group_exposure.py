"""A corporate group's exposure over all partitions: its members' orders together stay within its limit."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from models.calendar import from_ms
from models.group_book import ReportedGroups
from models.partition import decode, encode
from schemas.assessments import MasterDataChanged
from schemas.decisions import OrderDecision
from schemas.events import OrderCancelled, OrderPlaced
from schemas.topics import ASSESSMENTS, ORDERS, TICKS
from streams.clock import tick
from streams.in_process import InProcess
from streams.partitioner import partition_of
from streams.sources.event_file import TimedEvent, timed

START = datetime(2025, 3, 3, tzinfo=UTC)
TEXT = "order_checks: {group_limit: true, group_limits: {USD: 1000}}\n"
PARTITIONS = 3
HERE = [name for name in map("C{}".format, range(60)) if partition_of(name.encode(), PARTITIONS) == 0]
THERE = [name for name in map("C{}".format, range(60)) if partition_of(name.encode(), PARTITIONS) == 1]
ELSEWHERE = next(name for name in map("C{}".format, range(60)) if partition_of(name.encode(), PARTITIONS) == 2)


class Group:
    """Events of the members of one group, in order of time."""

    def __init__(self, partitions: int) -> None:
        self.process = InProcess(partitions, TEXT, latest=datetime(2030, 1, 1, tzinfo=UTC))
        self._count = 0
        self._now = START

    def _apply(self, *events: TimedEvent) -> list[OrderDecision]:
        out = [out.data for effects in self.process.run(events) for out in effects.out]
        assert not self.process.refused
        return [data for data in out if isinstance(data, OrderDecision)]

    def tell(self, kind: Any, topic: str, customer: str, **more: Any) -> list[OrderDecision]:
        self._count += 1
        self._now += timedelta(seconds=1)
        event = kind(version=1, event_id=f"e{self._count}", occurred_at=self._now, customer_id=customer, **more)
        return self._apply(timed(topic, self._now, event))

    def join(self, *customers: str, group: str | None = "G") -> None:
        for customer in customers:
            self.tell(MasterDataChanged, ASSESSMENTS, customer, group_parent=group)

    def order(self, customer: str, order: str, amount: int) -> OrderDecision:
        (decision,) = self.tell(OrderPlaced, ORDERS, customer, order_id=order, amount=Decimal(amount), currency="USD")
        return decision

    def next_day(self) -> None:
        self._now = (self._now + timedelta(days=1)).replace(hour=0, minute=0, second=0)
        self._apply(timed(TICKS, self._now, tick(self._now)))


@pytest.mark.parametrize("partitions", [1, PARTITIONS])
def test_members_share_the_limit_of_their_group(partitions: int) -> None:
    """At once where they stand on one partition, and by the next day's report wherever they are."""
    group = Group(partitions)
    group.join(HERE[0], HERE[1], THERE[0])
    group.join(HERE[2], group="OTHER")
    assert group.order(HERE[0], "a", 700).decision == "approve"
    held = group.order(HERE[1], "b", 400)
    assert [check.code for check in held.checks] == ["OVER_GROUP_LIMIT"], "the first order is known at once"
    assert held.checks[0].detail["exposure"] == "700"
    assert "as_of" not in held.checks[0].detail
    assert group.order(HERE[2], "c", 900).decision == "approve", "another group"
    group.next_day()
    told = group.order(THERE[0], "d", 400)
    assert [check.code for check in told.checks] == ["OVER_GROUP_LIMIT"]
    assert told.checks[0].detail.get("as_of") == (None if partitions == 1 else "2025-03-04T00:00:00+00:00")
    assert group.order(THERE[0], "e", 300).decision == "approve", "what is held is no exposure"
    group.tell(OrderCancelled, ORDERS, HERE[0], order_id="a")
    group.next_day()
    assert group.order(THERE[0], "f", 600).decision == "approve"


def test_every_partition_knows_every_group() -> None:
    """The sum of all reports, with the time of the oldest; who leaves takes his exposure along."""
    group = Group(PARTITIONS)
    group.join(HERE[0], THERE[0], ELSEWHERE)
    for customer in (HERE[0], THERE[0], ELSEWHERE):
        group.order(customer, "o", 100)
    group.next_day()
    group.next_day()
    for engine in group.process.engines:
        standing = decode(encode(engine.state)).groups["G"]
        assert (standing.exposure, from_ms(standing.as_of)) == ({"USD": Decimal(300)}, START + timedelta(days=1))
    account = group.process.accounts[0].by_id[HERE[0]]
    rest = ReportedGroups(group.process.engines[1].state.groups).others("G", account)
    assert rest is not None
    assert rest.exposure == {"USD": Decimal(200)}, "whoever asks for a member counts it once"
    group.join(HERE[0], group=None)
    group.next_day()
    group.next_day()
    assert {engine.state.groups["G"].exposure["USD"] for engine in group.process.engines} == {Decimal(200)}


def test_small_changes_are_told_once_a_week() -> None:
    """Five in a hundred are worth no broadcast, nor is a book in which nothing changes."""
    group = Group(PARTITIONS)
    group.join(HERE[0])
    group.order(HERE[0], "o", 500)
    group.next_day()
    group.order(HERE[0], "p", 20)
    known = []
    for _ in range(9):
        group.next_day()
        group.next_day()
        known.append(group.process.engines[1].state.groups["G"].exposure["USD"])
    assert known[0] == 500
    assert known[-1] == 520
    assert group.process.engines[1].state.heard["groups.reported/0"] == 2
