"""The feed of out-events: each id once, whatever the workers sent twice."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from alerts.feed import Deduplicator, FeedDecoder
from schemas.topics import ALERTS, DEAD_LETTERS, LEVELS, MODEL_LOG, ORDER_DECISIONS
from streams.settings import Settings

from .samples import alert, dead_letter, envelope, level, note, order


@dataclass(frozen=True)
class _Record:
    topic: str
    value: bytes | None
    offset: int = 0
    partition: int = 0


def _decoder() -> FeedDecoder:
    return FeedDecoder(Settings(_env_file=None, topic_prefix="t."))


def _record(topic: str, data: Any, event_id: str, offset: int = 0) -> _Record:
    return _Record(f"t.{topic}", envelope(data, event_id=event_id).model_dump_json().encode(), offset)


def test_each_out_topic_is_decoded_by_its_contract() -> None:
    """What went out comes in again equal, under the topic's logical name."""
    sent = {
        LEVELS: level(), ALERTS: alert(), ORDER_DECISIONS: order(), MODEL_LOG: note(), DEAD_LETTERS: dead_letter(),
    }  # fmt: skip
    records = [_record(topic, data, f"id-{topic}") for topic, data in sent.items()]
    assert {item.topic: item.event.data for item in _decoder().items(records)} == sent


def test_a_repeated_id_comes_once() -> None:
    """A worker that was killed sends again what it had in hand: listeners see it once, across calls too."""
    decoder = _decoder()
    first = decoder.items([_record(ALERTS, alert(), "a", 1), _record(ALERTS, alert(), "b", 2)])
    again = decoder.items([_record(ALERTS, alert(), "a", 3), _record(ALERTS, alert(), "c", 4)])
    assert [item.event.id for item in (*first, *again)] == ["a", "b", "c"]
    assert [item.offset for item in (*first, *again)] == [1, 2, 4]
    assert decoder.repeats == 1


def test_what_cannot_be_read_is_counted_and_stops_nothing() -> None:
    """A broken record is left out, those around it come through; a tombstone is no event."""
    decoder = _decoder()
    records = [_Record("t.credit-alerts", b"{"), _Record("t.credit-levels", None), _record(ALERTS, alert(), "a")]
    assert [item.event.id for item in decoder.items(records)] == ["a"]
    assert decoder.undecodable == 1


@given(st.lists(st.integers(0, 30)), st.integers(1, 10))
def test_the_memory_of_ids_is_bounded_and_recent(ids: list[int], remembered: int) -> None:
    """An id among the last ``remembered`` distinct ones is always known; never are more kept."""
    seen = Deduplicator(remembered)
    recent: list[int] = []
    for number in ids:
        assert seen.is_new(str(number)) is (number not in recent)
        recent = ([other for other in recent if other != number] + [number])[-remembered:]
