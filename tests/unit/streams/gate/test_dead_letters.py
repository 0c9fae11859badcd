"""Dead letters: the same record gives the same letter, with its bytes, its place and what is wrong with it."""

from __future__ import annotations

from base64 import b64decode
from datetime import UTC, datetime

import pytest

from schemas.decisions import DEAD_LETTER, DeadLetterOut
from schemas.errors import InvalidInput
from schemas.log import Source
from streams.dead_letter_box import as_event
from streams.gate.dead_letters import LARGEST_VALUE, dead_letter
from streams.record import Record
from streams.topic_admin import LARGEST_DEAD_LETTER
from tests.unit.streams.gate.parts import HOME, NOW, record

ERROR = InvalidInput("invalid_field", "amount: must be greater than 0", "amount")


def letter_of(refused: Record, error: InvalidInput = ERROR) -> DeadLetterOut:
    """The dead letter of a record, as a subscriber reads it."""
    return DeadLetterOut.model_validate_json(dead_letter(refused, error, NOW).value or b"")


def test_a_letter_says_what_where_and_why() -> None:
    """Code, message, field, coordinates and both times stand in it."""
    letter = letter_of(record(b"{}"))
    assert letter.type == DEAD_LETTER
    assert letter.subject == f"payments/{HOME}/7"
    assert letter.time == letter.data.record_time == NOW
    assert letter.recordedtime == NOW
    assert letter.data.source == Source(topic="payments", partition=HOME, offset=7)
    assert (letter.data.reason_code, letter.data.message, letter.data.field) == (ERROR.code, ERROR.message, "amount")


def test_the_same_record_gives_the_same_letter() -> None:
    """After a crash the gate refuses a record again: id, key and bytes are those of the first time."""
    assert dead_letter(record(b"{}"), ERROR, NOW) == dead_letter(record(b"{}"), ERROR, NOW)


def test_each_place_gives_its_own_id_and_key() -> None:
    """Equal values in different places are different letters."""
    places = [record(b"{}"), record(b"{}", partition=3), record(b"{}", offset=8), record(b"{}", topic="orders")]
    rows = [dead_letter(place, ERROR, NOW) for place in places]
    assert len({row.key for row in rows}) == len({letter_of(place).id for place in places}) == len(places)
    assert [row.key for row in rows] == [letter_of(place).subject.encode() for place in places]


def test_key_and_value_are_kept_byte_for_byte() -> None:
    """Whatever the bytes are, they can be published again."""
    data = letter_of(record(b"\xff\x00{", key=b"\x80C1")).data
    assert b64decode(data.key_base64 or "") == b"\x80C1"
    assert b64decode(data.value_base64 or "") == b"\xff\x00{"


def test_no_key_and_no_value_are_told_from_empty_ones() -> None:
    """None stays None, and empty stays empty."""
    none, empty = letter_of(record(None, key=None)).data, letter_of(record(b"", key=b"")).data
    assert (none.key_base64, none.value_base64) == (None, None)
    assert (empty.key_base64, empty.value_base64) == ("", "")


@pytest.mark.parametrize(
    ("timestamp", "time"),
    [(-1, datetime(1970, 1, 1, tzinfo=UTC)), (2**63 - 1, datetime(2100, 1, 1, tzinfo=UTC))],
)
def test_an_impossible_timestamp_makes_a_letter_still(timestamp: int, time: datetime) -> None:
    """A producer may write any timestamp: the letter holds the nearest that can be told."""
    assert letter_of(record(b"{}", timestamp=timestamp)).data.record_time == time


def test_a_long_message_is_cut() -> None:
    """However long the reason is, the letter is valid."""
    assert len(letter_of(record(b"{}"), InvalidInput("policy_not_yaml", "x" * 5_000)).data.message) == 2_000


def test_the_largest_value_is_copied_and_fits_the_topic() -> None:
    """Up to LARGEST_VALUE the bytes are in the letter, and it is small enough for dead-letters."""
    row = dead_letter(record(b"x" * LARGEST_VALUE, key=None), InvalidInput("too_large", "m" * 2_000), NOW)
    assert len(row.value or b"") < LARGEST_DEAD_LETTER
    assert len(b64decode(DeadLetterOut.model_validate_json(row.value or b"").data.value_base64 or "")) == LARGEST_VALUE


def test_a_huge_value_is_not_copied_and_the_message_says_so() -> None:
    """One byte more, and the letter says where to read it instead; the reason stays in front."""
    refused = record(b"x" * (LARGEST_VALUE + 1), key=None)
    for message in ("the value is huge", "m" * 5_000):
        data = letter_of(refused, InvalidInput("too_large", message)).data
        assert data.value_base64 is None
        assert data.message.startswith(message[:1_900])
        assert data.message.endswith("(too large to copy: read it where it stands)")
    with pytest.raises(InvalidInput, match="holds no value"):
        as_event(data)


def test_a_huge_key_fits_as_well() -> None:
    """The bound holds for key and value together: a letter that the broker refuses would stop the gate."""
    half = b"k" * (LARGEST_VALUE // 2 + 1)
    for refused in (record(half, key=half), record(b"{}", key=half * 2), record(None, key=half * 2)):
        row = dead_letter(refused, ERROR, NOW)
        assert len(row.value or b"") < LARGEST_DEAD_LETTER
        assert "too large to copy" in letter_of(refused).data.message
