"""The merge of one partition's topics: in order of time, waiting no longer than it must, losing nothing."""

from __future__ import annotations

import heapq
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.gate.merge import STALLED_MS, MergeBuffer

TOPICS = ("ticks", "orders", "payments")
IDLE_MS = 20
MANY = 1_000


def everywhere(topic: str) -> bool:
    """Every topic is read to its end."""
    return True


def nowhere(topic: str) -> bool:
    """No topic is read to its end."""
    return False


def merge_of(**times: list[int]) -> MergeBuffer[str]:
    """A buffer filled at time 0; items are named by topic and place, such as ``orders0``."""
    merge: MergeBuffer[str] = MergeBuffer(TOPICS, IDLE_MS)
    for topic, stamps in times.items():
        for place, stamp in enumerate(stamps):
            merge.add(topic, stamp, f"{topic}{place}")
    merge.release(0, everywhere, 0)
    return merge


def test_the_earliest_record_goes_first() -> None:
    """Records leave in order of time, whatever topic they came from."""
    merge = merge_of(ticks=[5], orders=[1, 4], payments=[2, 3])
    assert merge.release(IDLE_MS + 1, everywhere, MANY) == ["orders0", "payments0", "payments1"]
    assert merge.release(2 * IDLE_MS + 1, everywhere, MANY) == ["orders1"]
    assert merge.release(3 * IDLE_MS + 1, everywhere, MANY) == ["ticks0"]


def test_equal_times_go_in_the_order_of_topics() -> None:
    """At one moment the tick comes first, then orders, then payments, however they arrived."""
    merge = merge_of(payments=[7, 7], orders=[7, 7], ticks=[7, 7])
    assert merge.release(0, everywhere, 5) == ["ticks0", "ticks1"]
    assert merge.release(IDLE_MS, everywhere, 5) == ["orders0", "orders1"]
    assert merge.release(2 * IDLE_MS, everywhere, 5) == ["payments0", "payments1"]


def test_an_earlier_record_behind_a_later_one_stays_behind() -> None:
    """Within a topic the order never changes, even when its times run backwards."""
    merge = merge_of(ticks=[50], orders=[30, 10], payments=[20, 60])
    assert merge.release(0, nowhere, MANY) == ["payments0", "orders0", "orders1"]


@pytest.mark.parametrize("empty", TOPICS)
def test_nothing_goes_while_another_topic_may_have_something_earlier(empty: str) -> None:
    """A topic that is empty but not read to its end holds the others back."""
    merge = merge_of(**{topic: [1] for topic in TOPICS if topic != empty})
    assert merge.release(IDLE_MS * 10, lambda topic: topic != empty, MANY) == []
    assert merge.release(STALLED_MS - 1, lambda topic: topic != empty, MANY) == []


def test_a_topic_read_to_its_end_holds_back_for_the_idle_time_only() -> None:
    """Read to its end and empty for ``max_idle_ms``: not a millisecond earlier, and at once then."""
    merge = merge_of(orders=[1], payments=[2])
    assert merge.release(IDLE_MS - 1, everywhere, MANY) == []
    assert merge.release(IDLE_MS, everywhere, MANY) == ["orders0"]


def test_a_stalled_topic_is_waited_for_no_longer() -> None:
    """Even a topic that should have more counts as idle after STALLED_MS of silence."""
    merge = merge_of(orders=[1], payments=[2])
    assert merge.release(STALLED_MS, nowhere, MANY) == ["orders0"]


def test_the_idle_time_starts_when_the_topic_last_held_something() -> None:
    """A topic just emptied is waited for anew; earlier silence does not count."""
    merge = merge_of(ticks=[1], orders=[1, 9], payments=[1, 9])
    assert merge.release(1_000, everywhere, MANY) == ["ticks0"]
    assert merge.release(1_000 + IDLE_MS - 1, everywhere, MANY) == []
    assert merge.release(1_000 + IDLE_MS, everywhere, MANY) == ["orders0", "payments0", "orders1"]


def test_no_topic_is_idle_before_the_first_record_of_any() -> None:
    """A buffer that was made long ago (a rebalance took its time) waits for the others from its first record on."""
    merge: MergeBuffer[str] = MergeBuffer(TOPICS, IDLE_MS)
    assert merge.release(10 * STALLED_MS, everywhere, MANY) == []
    merge.add("orders", 2, "order")
    assert merge.release(20 * STALLED_MS, everywhere, MANY) == []
    merge.add("payments", 1, "payment")
    assert merge.release(20 * STALLED_MS + IDLE_MS, everywhere, MANY) == ["payment"]


def test_a_record_that_comes_while_the_others_wait_takes_its_place() -> None:
    """What arrives within the idle time is merged by its time, before later ones already buffered."""
    merge = merge_of(orders=[10], payments=[20])
    assert merge.release(IDLE_MS - 1, everywhere, MANY) == []
    merge.add("ticks", 5, "late tick")
    assert merge.release(IDLE_MS, everywhere, 1) == ["late tick"]


def test_no_more_is_released_than_asked_for() -> None:
    """``most`` bounds a batch; the rest waits for the next one, in order."""
    merge = merge_of(ticks=[9], orders=[1, 2, 3], payments=[9])
    assert merge.release(0, everywhere, 2) == ["orders0", "orders1"]
    assert merge.buffered("orders") == 1
    assert merge.release(0, everywhere, 2) == ["orders2"]
    assert merge.release(0, everywhere, 0) == []


def test_what_is_buffered_is_counted_by_topic() -> None:
    """``buffered`` says how many records of that topic wait, by which its fetching is paused."""
    merge = merge_of(orders=[1, 2, 3], payments=[4])
    assert [merge.buffered(topic) for topic in TOPICS] == [0, 3, 1]


def test_with_nothing_buffered_there_is_nothing_to_wait_for() -> None:
    """An empty buffer sleeps until something arrives."""
    assert merge_of().wait_ms(1_000_000) is None


def test_the_wait_ends_when_the_last_empty_topic_may_count_as_idle() -> None:
    """The wait is what is left of the idle time, and never so short that it would spin."""
    merge = merge_of(orders=[1])
    assert merge.wait_ms(5) == IDLE_MS - 5
    assert merge.wait_ms(IDLE_MS + 500) == 1.0


_STAMPS = st.integers(0, 20)
_BOOKS = st.fixed_dictionaries({topic: st.lists(_STAMPS, max_size=15) for topic in TOPICS})


@given(_BOOKS)
def test_what_is_there_from_the_start_leaves_in_order_of_time(book: dict[str, list[int]]) -> None:
    """Buffered topics of rising times come out sorted by time, then by topic, then by place."""
    merge: MergeBuffer[tuple[int, int, int]] = MergeBuffer(TOPICS, IDLE_MS)
    lanes: list[list[tuple[int, int, int]]] = []
    for rank, topic in enumerate(TOPICS):
        lanes.append([(stamp, rank, place) for place, stamp in enumerate(sorted(book[topic]))])
        for item in lanes[-1]:
            merge.add(topic, item[0], item)
    found: list[tuple[int, int, int]] = []
    for now in range(0, IDLE_MS * 5, IDLE_MS):
        found += merge.release(now, everywhere, MANY)
    assert found == list(heapq.merge(*lanes))


_STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("add"), st.sampled_from(TOPICS), _STAMPS),
        st.tuples(st.just("release"), st.integers(0, 5), st.sets(st.sampled_from(TOPICS))),
        st.tuples(st.just("pass"), st.integers(1, 30), st.none()),
    ),
    max_size=60,
)


@given(_STEPS)
def test_nothing_is_lost_doubled_or_reordered(steps: list[tuple[str, str | int, object]]) -> None:
    """However adding, releasing and waiting alternate, each record leaves once, in the order of its topic."""
    merge: MergeBuffer[tuple[str, int]] = MergeBuffer(TOPICS, IDLE_MS)
    added: dict[str, int] = dict.fromkeys(TOPICS, 0)
    found: list[tuple[str, int]] = []
    now = 0

    def release(most: int, at_end: Callable[[str], bool]) -> int:
        batch = merge.release(now, at_end, most)
        assert len(batch) <= most
        found.extend(batch)
        return len(batch)

    for kind, what, how in steps:
        if kind == "add":
            assert isinstance(what, str)
            assert isinstance(how, int)
            merge.add(what, how, (what, added[what]))
            added[what] += 1
        elif kind == "release":
            assert isinstance(what, int)
            ended = how if isinstance(how, set) else set()
            release(what, ended.__contains__)
        else:
            assert isinstance(what, int)
            now += what
        assert sum(map(merge.buffered, TOPICS)) + len(found) == sum(added.values())
    for _ in range(len(TOPICS) + 1):
        now += STALLED_MS
        release(MANY, nowhere)
    for topic in TOPICS:
        assert [place for name, place in found if name == topic] == list(range(added[topic]))
