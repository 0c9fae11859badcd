"""Lanes of deliveries: order per customer, whatever fails in between."""

from __future__ import annotations

from datetime import datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from alerts.webhooks.window import Pending, Window
from tests.unit.alerts.samples import AT


def pending(number: int, lane: str = "A", due: datetime = AT) -> Pending:
    return Pending("credit-alerts", 0, number, f"id-{number}", "t", lane, f"{number:010d}", "{}", lane, due)


def test_the_next_of_a_lane_waits_for_the_one_before() -> None:
    """Under way, failed or settled: only the first of a lane can be taken; other lanes go on."""
    window = Window()
    first, second, other = pending(1), pending(2), pending(3, "B")
    for item in (first, second, other):
        window.add(item)
    assert window.take(AT) is first
    assert window.take(AT) is other
    assert (window.take(AT), window.next_due()) == (None, None)
    later = AT + timedelta(seconds=5)
    window.again(first, later)
    assert (window.take(AT), window.next_due()) == (None, later)
    assert window.take(later) is first
    window.settle(first)
    assert window.take(AT) is second
    assert len(window) == 2


def test_an_endpoint_that_is_back_gets_everything_at_once() -> None:
    window = Window()
    item = pending(1, due=AT + timedelta(hours=9))
    window.add(item)
    assert window.take(AT) is None
    window.hasten(AT)
    assert window.take(AT) is item


@given(
    lanes=st.lists(st.sampled_from("ABC"), min_size=1, max_size=30),
    fails=st.lists(st.booleans(), max_size=60),
    picks=st.lists(st.integers(0, 3), max_size=90),
)
def test_each_lane_is_settled_in_its_order(lanes: list[str], fails: list[bool], picks: list[int]) -> None:
    """Any number under way, ending in any order, some failing: per lane the order is that of the topic."""
    window, under_way, settled, now = Window(), list[Pending](), list[Pending](), AT
    for number, lane in enumerate(lanes):
        window.add(pending(number, lane))
    while len(window):
        while (item := window.take(now)) is not None:
            assert all(item.lane != other.lane for other in under_way)
            under_way.append(item)
        if not under_way:
            now = window.next_due() or now
            continue
        item = under_way.pop((picks.pop() if picks else 0) % len(under_way))
        if fails and fails.pop():
            window.again(item, now + timedelta(seconds=1))
        else:
            window.settle(item)
            settled.append(item)
    assert sorted(item.offset for item in settled) == list(range(len(lanes)))
    for lane in set(lanes):
        mine = [item.offset for item in settled if item.lane == lane]
        assert mine == sorted(mine)
