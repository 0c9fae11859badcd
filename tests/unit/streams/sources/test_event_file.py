"""Files of events: what is written is read again, equal events give equal bytes, and errors name their line."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.errors import CreditPulseError, InvalidInput
from streams.sources.event_file import TOPICS, TimedEvent, event_line, read_events, write_events

EVENTS = [
    TimedEvent("orders", "C1", 1_704_186_000_000, b'{"type":"order.placed","amount":"10.00"}'),
    TimedEvent("ticks", None, 1_704_186_000_001, b'{"a":1}'),
]
LINE = '{"topic":"orders","timestamp":"2024-01-02T09:00:00Z","value":{},"key":"C1"}'


@pytest.mark.parametrize("name", ["events.jsonl", "events.jsonl.gz"])
def test_what_is_written_is_read_again(tmp_path: Path, name: str) -> None:
    """A file gives back the events that went in, packed or not, and says how many."""
    path = tmp_path / name
    assert write_events(path, iter(EVENTS)) == 2
    assert list(read_events(path)) == EVENTS
    assert [each.name for each in tmp_path.iterdir()] == [name]


@given(
    topic=st.sampled_from(sorted(TOPICS)),
    key=st.none() | st.text(st.characters(exclude_categories=["Cs"]), min_size=1),
    ms=st.integers(946_684_800_000, 4_000_000_000_000),
)
def test_every_line_comes_back(tmp_path_factory: pytest.TempPathFactory, topic: str, key: str | None, ms: int) -> None:
    """Whatever topic, key and millisecond: the line is one line, and means the same event."""
    event = TimedEvent(topic, key, ms, '{"name":"Ä\\n"}'.encode())
    line = event_line(event)
    assert line.count("\n") == 1
    path = tmp_path_factory.mktemp("line") / "events.jsonl"
    path.write_text(line, encoding="utf-8", newline="")
    assert list(read_events(path)) == [event]


def test_equal_events_give_equal_packed_bytes_under_any_name(tmp_path: Path) -> None:
    """Neither the time of writing nor the name of the file gets into it."""
    write_events(tmp_path / "one.jsonl.gz", EVENTS)
    write_events(tmp_path / "two.jsonl.gz", EVENTS)
    packed = (tmp_path / "one.jsonl.gz").read_bytes()
    assert packed == (tmp_path / "two.jsonl.gz").read_bytes()
    assert packed[4:8] == b"\0\0\0\0"  # the header's time


def test_a_failed_writing_leaves_the_old_file_alone(tmp_path: Path) -> None:
    """Half a file is never seen: what stood there stands there still."""
    path = tmp_path / "events.jsonl"
    write_events(path, EVENTS)
    before = path.read_bytes()

    def broken() -> Iterator[TimedEvent]:
        yield EVENTS[0]
        raise InvalidInput("bad", "bad")

    with pytest.raises(InvalidInput):
        write_events(path, broken())
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


def test_a_place_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    """A missing folder is told as one of our errors."""
    with pytest.raises(CreditPulseError, match="absent"):
        write_events(tmp_path / "absent" / "events.jsonl", EVENTS)


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("{", ":2: "),
        ("[]", ":2: "),
        ('{"topic":"orders","value":{}}', "timestamp"),
        ('{"topic":"orders","timestamp":"2024-01-02T09:00:00Z"}', "value"),
        (LINE.replace("2024-01-02T09:00:00Z", "yesterday"), "timestamp"),
        (LINE.replace("09:00:00Z", "09:00:00"), "timestamp: has no time zone"),
        (LINE.replace("2024-01-02", "2024-01-01"), "timestamp: earlier than the line before"),
        (LINE.replace("2024-01-02", "1970-01-01"), "timestamp: must lie between 2000-01-01 and 2099-12-31"),
        (LINE.replace("2024-01-02", "2100-01-01"), "timestamp: must lie between 2000-01-01 and 2099-12-31"),
        (LINE.replace('"orders"', '"order"'), "topic: 'order' is unknown"),
        (LINE.replace('"orders"', '"customer-events"'), "topic: 'customer-events' is unknown"),
        (LINE.replace('"C1"', "7"), "key"),
        (LINE.replace('"key"', '"kee"'), "kee"),
    ],
)
def test_a_bad_line_is_named(tmp_path: Path, line: str, says: str) -> None:
    """File, line and field of the first line that is no event, or goes back in time."""
    path = tmp_path / "events.jsonl"
    path.write_text(f"{LINE}\n{line}\n", encoding="utf-8")
    with pytest.raises(InvalidInput) as caught:
        list(read_events(path))
    assert caught.value.message.startswith(f"{path}:2: ")
    assert says in caught.value.message


@pytest.mark.parametrize("content", [b"plain text", gzip.compress(LINE.encode(), mtime=0)[:-9]], ids=["plain", "cut"])
def test_a_file_that_is_not_packed_whole_is_named(tmp_path: Path, content: bytes) -> None:
    """Not gzip, or cut off: wrong input, with the name of the file."""
    path = tmp_path / "events.jsonl.gz"
    path.write_bytes(content)
    with pytest.raises(InvalidInput) as caught:
        list(read_events(path))
    assert caught.value.code == "file_unreadable"
    assert str(path) in caught.value.message


def test_an_event_laid_out_over_lines_is_one_line(tmp_path: Path) -> None:
    """As an ERP may send it, or a person who mended it: what is read back means the same."""
    laid_out = json.dumps({"a": "two\nlines", "b": [1, 2]}, indent=2).replace("\n", "\r\n").encode()
    write_events(tmp_path / "f.jsonl", [TimedEvent("payments", "C1", 1_000_000_000_000, laid_out)] * 2)
    assert [json.loads(event.raw) for event in read_events(tmp_path / "f.jsonl")] == [json.loads(laid_out)] * 2


def test_blank_lines_are_nothing(tmp_path: Path) -> None:
    """An empty file has no events, and neither have empty lines."""
    path = tmp_path / "events.jsonl"
    path.write_text(f"\n{LINE}\n  \n", encoding="utf-8")
    assert len(list(read_events(path))) == 1
