"""Ticks of the past: one at each midnight, before what happened on that day."""

from __future__ import annotations

import json

from hypothesis import given
from hypothesis import strategies as st

from models.calendar import MS_PER_DAY, from_ms
from schemas.topics import BY_NAME, TICKS
from streams.sources.event_file import TimedEvent
from streams.sources.ticks import with_ticks

_DAY = 19_000
TIMES = st.lists(st.integers(_DAY * MS_PER_DAY, (_DAY + 40) * MS_PER_DAY), min_size=1).map(sorted)


def _event(ms: int) -> TimedEvent:
    return TimedEvent("orders", "C1", ms, b"{}")


@given(TIMES, st.integers(0, 5))
def test_every_day_has_one_tick_before_its_events(times: list[int], trailing: int) -> None:
    """From the first event's day to the last's, and as many days as asked behind it, each midnight ticks once."""
    found = list(with_ticks(map(_event, times), trailing))
    assert [event.timestamp_ms for event in found if event.topic != TICKS] == times
    first, last = times[0] // MS_PER_DAY, times[-1] // MS_PER_DAY
    ticks = [event.timestamp_ms for event in found if event.topic == TICKS]
    assert ticks == [day * MS_PER_DAY for day in range(first, last + 1 + trailing)]
    order = [(event.timestamp_ms, event.topic != TICKS) for event in found]
    assert order == sorted(order)


def test_without_events_no_time_passes() -> None:
    """There is no day to begin with."""
    assert list(with_ticks([], 10)) == []


def test_a_tick_is_a_valid_event_of_its_own_moment() -> None:
    """Its time is midnight UTC, its id follows from the time, and it has no key."""
    tick = next(with_ticks([_event(MS_PER_DAY * _DAY + 5)]))
    event = BY_NAME[TICKS].contract.validate_json(tick.raw)
    assert (tick.key, event.occurred_at) == (None, from_ms(MS_PER_DAY * _DAY))
    assert event.event_id == json.loads(next(with_ticks([_event(MS_PER_DAY * _DAY)])).raw)["event_id"]
