"""What the demo publishes is counted exactly, and each cause is found again by its coordinates."""

from __future__ import annotations

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from desk.demo_source import DAY_MS, PastAndPresent, StampingPublisher
from models.calendar import from_ms
from schemas.log import Source
from schemas.topics import MARKET, ORDERS, PAYMENTS, TICKS
from streams.partitioner import partition_of
from streams.sources.event_file import TimedEvent

PARTITIONS = 3
SENT = st.lists(st.tuples(st.sampled_from([PAYMENTS, ORDERS, TICKS, MARKET]), st.sampled_from("ABCDE")), max_size=60)


class _Sent:
    """Stands for ``streams.publisher.Publisher``."""

    def __init__(self) -> None:
        self.events: list[TimedEvent] = []

    async def send(self, event: TimedEvent) -> None:
        self.events.append(event)

    async def flush(self) -> None:
        pass


def _event(topic: str, key: str | None, at: int) -> TimedEvent:
    return TimedEvent(topic, key if topic in (PAYMENTS, ORDERS) else None, at, b"{}")


@given(SENT)
async def test_every_cause_leads_back_to_its_publication(sent: list[tuple[str, str]]) -> None:
    """An event's offset on its partition, as the broker counts it, finds when it was published; others are unknown."""
    publisher = StampingPublisher(_Sent(), PARTITIONS)
    offsets: Counter[tuple[str, int]] = Counter()
    for number, (topic, key) in enumerate(sent):
        event = _event(topic, key, number * 1000)
        await publisher.send(event)
        partition = partition_of((event.key or "").encode(), PARTITIONS)
        cause = Source(topic=topic, partition=partition, offset=offsets[topic, partition])
        offsets[topic, partition] += 1
        assert publisher.published_at(cause, from_ms(number * 1000)) is not None
        if topic in (PAYMENTS, ORDERS):
            beyond = Source(topic=topic, partition=partition, offset=offsets[topic, partition])
            assert publisher.published_at(beyond, from_ms(number * 1000)) is None
    assert publisher.events == sum(topic != TICKS for topic, _ in sent)


async def test_without_a_key_the_topics_offsets_are_not_guessed() -> None:
    """A record without key lands on any partition: no latency is told for its topic rather than a wrong one."""
    publisher = StampingPublisher(_Sent(), PARTITIONS)
    await publisher.send(TimedEvent(PAYMENTS, "A", 0, b"{}"))
    await publisher.send(TimedEvent(PAYMENTS, None, 1, b"{}"))
    cause = Source(topic=PAYMENTS, partition=partition_of(b"A", PARTITIONS), offset=0)
    assert publisher.published_at(cause, from_ms(0)) is None


@given(st.lists(st.integers(0, 40), max_size=30).map(sorted), st.integers(0, 45))
def test_past_and_present_are_the_whole_stream(days: list[int], history: int) -> None:
    """Nothing is lost or doubled at the cut, and only events of the first days are past."""
    events = [_event(PAYMENTS, "A", day * DAY_MS) for day in days]
    cut = PastAndPresent(iter(events), history)
    past = list(cut.past())
    assert past + list(cut.present()) == events
    assert past == [event for event in events if event.timestamp_ms < events[0].timestamp_ms + history * DAY_MS]
