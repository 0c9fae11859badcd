"""The clock: a tick for each partition, the same for everybody who makes one at that moment."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any, cast

import faust

from models.calendar import to_ms
from schemas.log import TimePassed
from schemas.topics import BY_NAME, TICKS
from streams.clock import register_clock, tick
from streams.settings import Settings
from tests.unit.streams.faust_parts import FakeKafka, Step

AT = datetime(2025, 3, 1, 9, tzinfo=UTC)


class TimerApp:
    """Keeps the timer that is registered, to be called by hand."""

    def __init__(self) -> None:
        self.journal: list[Step] = []
        self.producer, self.rebalancing = FakeKafka(self.journal), False
        self.seconds = 0.0

    def timer(self, seconds: float, **options: Any) -> Callable[[Callable[[], Awaitable[None]]], None]:
        """As ``faust.App.timer``."""
        assert options["on_leader"] is False, "without a leader nobody would tick"
        self.seconds = seconds

        def keep(function: Callable[[], Awaitable[None]]) -> None:
            self.fire = function

        return keep


def test_ticks_of_one_moment_are_one_event() -> None:
    """Several clocks do no harm: the same moment gives the same id, another moment another one."""
    assert tick(AT) == tick(datetime(2025, 3, 1, 9, tzinfo=UTC))
    assert tick(AT).event_id != tick(AT + timedelta(seconds=1)).event_id
    assert tick(AT).occurred_at == AT


def test_a_tick_is_what_its_topic_holds() -> None:
    """The event passes the contract that the gate checks it by."""
    assert BY_NAME[TICKS].contract.validate_json(tick(AT).model_dump_json()) == tick(AT)


async def test_every_partition_gets_the_same_tick() -> None:
    """Each firing sends one tick to each partition, in whole seconds, with its own time as timestamp."""
    app = TimerApp()
    register_clock(cast(faust.App, app), Settings(partitions=3, topic_prefix="t.", tick_seconds=5))
    assert app.seconds == 5
    before = datetime.now(UTC).replace(microsecond=0)
    await app.fire()
    rows = [app.producer.stored[f"t.{TICKS}", partition] for partition in range(3)]
    assert [len(each) for each in rows] == [1, 1, 1]
    assert len({each[0] for each in rows}) == 1
    [row] = rows[0]
    event = TimePassed.model_validate_json(row.value or b"")
    assert event.occurred_at.microsecond == 0
    assert before <= event.occurred_at <= datetime.now(UTC)
    assert (row.key, row.timestamp_ms) == (None, to_ms(event.occurred_at))
    assert set(app.producer.stored) == {(f"t.{TICKS}", partition) for partition in range(3)}


async def test_no_tick_during_a_rebalance() -> None:
    """While partitions move, the clock is silent; the next tick says all that the lost one would have."""
    app = TimerApp()
    register_clock(cast(faust.App, app), Settings(partitions=3))
    app.rebalancing = True
    await app.fire()
    assert app.journal == []
