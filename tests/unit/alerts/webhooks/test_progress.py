"""What an attempt leads to: retry over about three days, death, disabling; the stored state holds all of it."""

from __future__ import annotations

import random
from datetime import timedelta

import msgspec
import pytest

from alerts.webhooks.progress import Progress
from alerts.webhooks.requests import DeliveryRequest, carry_out
from alerts.webhooks.schedule import RETRY_SECONDS, Schedule
from alerts.webhooks.sender import Outcome
from alerts.webhooks.state import MOST_DEAD, VERSION, DeliveryState, Waiting, decode_state
from models.calendar import to_ms
from schemas.errors import UnsupportedVersion
from tests.unit.alerts.samples import AT

from .test_window import pending

OK, FAILED, GONE = Outcome(200, None, 3), Outcome(503, "status", 3, "no"), Outcome(410, "status", 3)


def test_retries_take_about_three_days() -> None:
    """The documented schedule, with jitter of a tenth at most, then no more."""
    schedule, now, waits = Schedule(random=random.Random(1)), AT, []
    for attempt in range(1, 20):
        due = schedule.next_attempt(attempt, now)
        if due is None:
            break
        waits.append((due - now).total_seconds())
        now = due
    assert len(waits) == len(RETRY_SECONDS)
    assert all(delay <= wait <= delay * 1.1 for wait, delay in zip(waits, RETRY_SECONDS, strict=True))
    assert timedelta(days=3) <= now - AT <= timedelta(days=3.6)


def test_a_receiver_may_ask_for_more_time_but_not_for_ever() -> None:
    schedule = Schedule((5,), jitter=0)
    assert schedule.next_attempt(1, AT, retry_after=60) == AT + timedelta(seconds=60)
    assert schedule.next_attempt(1, AT, retry_after=1) == AT + timedelta(seconds=5)
    assert schedule.next_attempt(1, AT, retry_after=10**7) == AT + timedelta(days=1)


def progress_with(*items: int, schedule: Schedule | None = None) -> tuple[Progress, DeliveryState]:
    state = DeliveryState({"credit-alerts/0": 0})
    progress = Progress("sub-1", state, schedule or Schedule((5, 10), jitter=0))
    for number in items:
        progress.window.add(pending(number, lane=f"C{number}"))
    return progress, state


def test_a_failure_waits_then_dies_and_is_listed_until_it_arrives() -> None:
    progress, state = progress_with(1)
    now = AT
    for wait in (5, 10):
        item = progress.window.take(now)
        assert item is not None
        entry = progress.judge(item, FAILED, now)
        assert (entry.data.outcome, entry.data.next_attempt) == ("retry", now + timedelta(seconds=wait))
        now += timedelta(seconds=wait)
    item = progress.window.take(now)
    assert item is not None
    entry = progress.judge(item, FAILED, now)
    assert (entry.data.outcome, entry.data.attempt, entry.data.next_attempt, entry.sequence) == (
        "dead",
        3,
        None,
        "0000000003",
    )
    assert ([dead.error for dead in state.dead], len(progress.window)) == (["503: no"], 0)
    progress.window.add(pending(1))
    item = progress.window.take(now)
    assert item is not None
    assert progress.judge(item, OK, now).data.outcome == "delivered"
    assert (state.dead, state.failing_since_ms) == ([], None)


def test_the_list_of_the_dead_has_an_end() -> None:
    progress, state = progress_with(*range(MOST_DEAD + 5), schedule=Schedule(()))
    while (item := progress.window.take(AT)) is not None:
        progress.judge(item, FAILED, AT)
    assert [dead.offset for dead in state.dead] == list(range(5, MOST_DEAD + 5))


def test_gone_disables_and_the_event_waits_for_resumption() -> None:
    progress, _ = progress_with(1)
    item = progress.window.take(AT)
    assert item is not None
    entry = progress.judge(item, GONE, AT)
    assert (entry.data.outcome, entry.data.text) == ("disabled", "the endpoint answered 410 Gone")
    stored = progress.snapshot({"credit-alerts/0": 2})
    assert stored.waiting == [Waiting("credit-alerts", 0, 1, 0, to_ms(AT))]


@pytest.mark.parametrize(("hours", "disabled"), [(119, False), (120, True)])
def test_failing_for_five_days_disables(hours: int, disabled: bool) -> None:
    """Counted from the first failure after the last success."""
    progress, _ = progress_with(1, 2, schedule=Schedule((1,) * 9))
    first = progress.window.take(AT)
    second = progress.window.take(AT)
    assert first is not None
    assert second is not None
    progress.judge(first, FAILED, AT)
    progress.judge(second, FAILED, AT + timedelta(hours=hours))
    assert (progress.disabled_for is not None) is disabled


def test_an_endpoint_that_was_down_gets_what_waits_as_soon_as_it_answers() -> None:
    """After three failures in a row it counts as down; the first success ends the waiting of all others."""
    progress, _ = progress_with(1, 2, 3, 4, schedule=Schedule((3600,), jitter=0))
    for number in range(3):
        assert not progress.is_down, number
        item = progress.window.take(AT)
        assert item is not None
        progress.judge(item, FAILED, AT)
    assert progress.is_down
    item = progress.window.take(AT)
    assert item is not None
    assert progress.window.take(AT) is None
    progress.judge(item, OK, AT)
    assert not progress.is_down
    assert progress.window.next_due() == AT


def test_the_state_is_stored_and_read_whole() -> None:
    progress, _ = progress_with(1, 2)
    item = progress.window.take(AT)
    assert item is not None
    progress.judge(item, FAILED, AT)
    state = progress.snapshot({"credit-alerts/0": 3})
    again = decode_state(msgspec.json.encode(state))
    assert again == state
    assert [(item.offset, item.attempts) for item in again.waiting] == [(1, 1), (2, 0)]
    with pytest.raises(UnsupportedVersion):
        decode_state(msgspec.json.encode(DeliveryState({}, version=VERSION + 1)))


def asked(**values: object) -> DeliveryRequest:
    return DeliveryRequest.model_validate({"subscription": "s", "by": "ann", "at": AT, **values})


def test_a_request_is_carried_out_once() -> None:
    """Sent again are events that were read; what is still to come, or waits already, is not added."""
    state = DeliveryState({"a/0": 10}, [Waiting("a", 0, 4, 2, 0)])
    request = asked(again=[("a", 0, 3), ("a", 0, 4), ("a", 0, 10), ("b", 0, 1)])
    assert carry_out(state, "s/1", request)
    assert [(item.offset, item.attempts) for item in state.waiting] == [(4, 2), (3, 0)]
    state.waiting = []
    assert not carry_out(state, "s/1", request)
    assert state.waiting == []


def test_going_back_takes_over_what_waits_behind() -> None:
    """Positions only go back; what waits from there on is read anew and so not kept twice."""
    state = DeliveryState({"a/0": 10, "a/1": 5}, [Waiting("a", 0, 4, 2, 0), Waiting("a", 0, 8, 1, 0)])
    assert carry_out(state, "s/1", asked(positions={"a/0": 6, "a/1": 9, "b/0": 3}))
    assert state.positions == {"a/0": 6, "a/1": 5}
    assert [item.offset for item in state.waiting] == [4]
