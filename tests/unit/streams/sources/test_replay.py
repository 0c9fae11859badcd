"""Replays: every event once, in order, at its time; what was sent is stored before anybody waits."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.errors import InvalidInput, Unavailable
from streams.sources.event_file import TimedEvent
from streams.sources.replay import parse_speed, replay


class FastLoop(asyncio.SelectorEventLoop):
    """An event loop whose clock jumps to the next timer instead of waiting for it."""

    _ahead = 0.0

    def time(self) -> float:
        return super().time() + self._ahead

    def _run_once(self) -> None:
        if not self._ready and self._scheduled:  # type: ignore[attr-defined]
            self._ahead += max(0.0, self._scheduled[0].when() - self.time())  # type: ignore[attr-defined]
        super()._run_once()  # type: ignore[misc]


class Recorder:
    """A sink that remembers when each event came, and how many were stored at the last flush."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self.came: list[tuple[float, TimedEvent]] = []
        self.stored: list[int] = []
        self._clock = clock

    async def send(self, event: TimedEvent) -> None:
        self.came.append((self._clock(), event))

    async def flush(self) -> None:
        self.stored.append(len(self.came))


def _events(*seconds: float) -> list[TimedEvent]:
    return [TimedEvent("orders", f"C{n}", int(at * 1000), b"{}") for n, at in enumerate(seconds)]


def _run(events: list[TimedEvent], speed: float | None) -> tuple[Recorder, int, list[tuple[int, int]]]:
    progress: list[tuple[int, int]] = []
    with asyncio.Runner(loop_factory=FastLoop) as runner:
        sink = Recorder(runner.get_loop().time)
        work = replay(events, sink, speed=speed, on_progress=lambda count, ms: progress.append((count, ms)))
        return sink, runner.run(work), progress


@given(st.lists(st.integers(0, 500_000), min_size=1, max_size=30).map(sorted), st.sampled_from([1.0, 60.0, 3600.0]))
def test_events_go_out_at_their_times(seconds: list[int], speed: float) -> None:
    """The first goes at once, each other when its distance in time, divided by the speed, has passed."""
    sink, count, progress = _run(_events(*seconds), speed)
    assert [event for _, event in sink.came] == _events(*seconds)
    assert count == len(seconds)
    assert progress == [(n, at * 1000) for n, at in enumerate(seconds, start=1)]
    begin = sink.came[0][0]
    for (came, _), at in zip(sink.came, seconds, strict=True):
        wanted = (at - seconds[0]) / speed
        assert wanted - 0.011 <= came - begin <= wanted + 1.0


def test_what_was_sent_is_stored_before_a_wait() -> None:
    """Events of the same moment go together; before time must pass, and at the end, all are stored."""
    sink, _, _ = _run(_events(0, 0, 10, 20), 1.0)
    assert sink.stored == [2, 3, 4]


def test_at_full_speed_nothing_waits() -> None:
    """Years go out at once, and are stored at the end."""
    sink, count, _ = _run(_events(0, 1e8, 2e8), None)
    assert (count, sink.stored) == (3, [3])
    assert sink.came[-1][0] - sink.came[0][0] < 1e7


def test_nothing_to_replay_is_nothing() -> None:
    """No events: zero, and no error."""
    assert _run([], 1.0)[1] == 0


def test_a_broker_that_is_away_stops_the_replay() -> None:
    """The error of the publisher comes through, and no further event is read."""

    class Away(Recorder):
        async def send(self, event: TimedEvent) -> None:
            raise Unavailable("no broker")

    read: list[TimedEvent] = []

    def reading() -> Iterator[TimedEvent]:
        for event in _events(0, 1):
            read.append(event)
            yield event

    with pytest.raises(Unavailable):
        asyncio.run(replay(reading(), Away(lambda: 0.0), speed=None))
    assert len(read) == 1


@pytest.mark.parametrize(
    ("text", "speed"), [("1x", 1.0), ("60x", 60.0), ("0.5x", 0.5), ("3600", 3600.0), ("max", None)]
)
def test_speeds_are_told_in_words(text: str, speed: float | None) -> None:
    """So many times as fast as it happened, or as fast as possible."""
    assert parse_speed(text) == speed


@pytest.mark.parametrize("text", ["", "x", "fast", "0x", "-1x", "nan", "infx", "1e13x", "60y"])
def test_other_speeds_are_refused(text: str) -> None:
    """A speed that is none names the ways to write one."""
    with pytest.raises(InvalidInput, match="write 1x, 60x or max"):
        parse_speed(text)
