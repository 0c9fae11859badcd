"""A dead letter shown, and made into an event to publish once more."""

from __future__ import annotations

from base64 import b64encode
from typing import Any

import pytest

from models.calendar import from_ms
from schemas.decisions import DeadLetter
from schemas.errors import InvalidInput
from schemas.log import Source
from schemas.topics import CUSTOMER_TOPICS, MARKET, PAYMENTS
from streams.dead_letter_box import as_event, readable_value
from streams.sources.event_file import TimedEvent

TIME_MS = 1_740_819_600_123


def letter(value: bytes | None, key: bytes | None = b"C1", topic: str = PAYMENTS, **changes: Any) -> DeadLetter:
    """A dead letter of a record."""
    fields = {
        "source": Source(topic=topic, partition=1, offset=7),
        "reason_code": "wrong_key",
        "message": "wrong",
        "key_base64": None if key is None else b64encode(key).decode(),
        "value_base64": None if value is None else b64encode(value).decode(),
        "record_time": from_ms(TIME_MS),
    }
    return DeadLetter.model_validate(fields | changes)


def test_a_value_is_shown_as_text() -> None:
    """UTF-8 as it is; other bytes as escapes; nothing for no value."""
    assert readable_value(letter("逾期 {".encode())) == "逾期 {"
    assert readable_value(letter(b"a\xffb")) == r"a\xffb"
    assert readable_value(letter(b"")) == readable_value(letter(None)) == ""


def test_a_long_value_is_cut_and_says_how_long_it_is() -> None:
    """A screen is not flooded; up to the bound nothing is cut."""
    assert readable_value(letter(b"x" * 10), most=10) == "x" * 10
    assert readable_value(letter(b"x" * 11), most=10) == "x" * 10 + "… (11 characters)"


def test_a_record_is_published_again_as_it_was() -> None:
    """Topic, bytes and the first time are kept, to the millisecond."""
    raw = b'{"customer_id": "C1"}'
    assert as_event(letter(raw)) == TimedEvent(PAYMENTS, "C1", TIME_MS, raw)


@pytest.mark.parametrize("topic", CUSTOMER_TOPICS)
@pytest.mark.parametrize("key", [None, b"C1", b"\xff"])
def test_a_customers_event_gets_the_key_that_it_names(topic: str, key: bytes | None) -> None:
    """A wrong or missing key is mended by the event itself."""
    assert as_event(letter(b'{"customer_id": "C2"}', key, topic)).key == "C2"


@pytest.mark.parametrize("raw", [b"{", b"[1]", b"\xff", b'{"customer_id": 5}', b'{"customer_id": ""}', b"{}"])
def test_an_event_that_names_no_customer_keeps_its_key(raw: bytes) -> None:
    """What cannot be read is published under the key that it had; the gate judges it anew."""
    assert as_event(letter(raw)).key == "C1"
    assert as_event(letter(raw, key=None)).key is None


def test_what_is_not_about_a_customer_keeps_its_key() -> None:
    """A market event is not keyed by a field that happens to have that name."""
    assert as_event(letter(b'{"customer_id": "C2"}', None, MARKET)).key is None
    assert as_event(letter(b"{}", b"food", MARKET)).key == "food"


def test_a_corrected_value_takes_the_place_of_the_refused_one() -> None:
    """With a new value the old bytes do not matter, not even where they were not copied."""
    mended = b'{"customer_id": "C3"}'
    for refused in (b"{", b"", None):
        assert as_event(letter(refused), value=mended) == TimedEvent(PAYMENTS, "C3", TIME_MS, mended)


@pytest.mark.parametrize("value", [None, b""])
def test_without_any_value_there_is_nothing_to_submit(value: bytes | None) -> None:
    """The refusal names the record and the way out."""
    with pytest.raises(InvalidInput, match=r"payments/1/7: .*--value") as caught:
        as_event(letter(value))
    assert caught.value.code == "nothing_to_submit"
