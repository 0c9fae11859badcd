"""What the gate accepts and what it refuses: each mistake has its code, its field and a message that names it."""

from __future__ import annotations

import json
import re
from base64 import b64encode
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.calendar import from_ms
from schemas.decisions import DeadLetterOut
from schemas.errors import InvalidInput
from schemas.events import PaymentReceived
from schemas.log import PolicyActivated, Source
from schemas.topics import (
    BROADCASTS,
    CUSTOMER_TOPICS,
    MARKET,
    ORDERS,
    OVERDUE,
    PARTITION_REPORTS,
    PAYMENTS,
    POLICY,
    PUBLIC_BROADCASTS,
    RELAYED_TOPICS,
)
from streams.gate.dead_letters import dead_letter
from tests.unit.streams.gate.parts import DAY_MS, HOME, NOW, NOW_MS, PARTITIONS, RULES, event, record


@dataclass(frozen=True)
class Bad:
    """A record value that is wrong, and what must be said about it: ``told`` stands in the message."""

    value: bytes
    code: str
    field: str | None
    told: str
    topic: str = PAYMENTS


BAD = {
    "empty": Bad(b"", "empty_value", None, "no value"),
    "broken": Bad(b"{not json", "not_json", None, "JSON"),
    "cut off": Bad(event()[:-5], "not_json", None, "EOF"),
    "no UTF-8": Bad(b"\xff\xfe\x00", "not_json", None, "JSON"),
    "half a character": Bad(rb'{"type": "\ud83d"}', "not_json", None, "JSON"),
    "a list": Bad(b"[1, 2]", "not_an_object", None, "JSON object"),
    "a number": Bad(b"7", "not_an_object", None, "JSON object"),
    "null": Bad(b"null", "not_an_object", None, "JSON object", OVERDUE),
    "text": Bad(b'"payment"', "not_an_object", None, "JSON object", MARKET),
    "unknown type": Bad(event(type="payment.guessed"), "unknown_type", "type", "payment.guessed"),
    "type of another topic": Bad(event(type="order.placed"), "unknown_type", "type", "order.placed"),
    "unknown type where there is one": Bad(event(OVERDUE, type="noted"), "unknown_type", "type", "noted", OVERDUE),
    "other fields too": Bad(b'{"type": "noted"}', "unknown_type", "type", "noted", OVERDUE),
    "no type": Bad(event(type=None), "unknown_type", "type", "type"),
    "newer version": Bad(event(version=2), "unknown_version", "version", "is 2"),
    "newer version with new fields": Bad(event(version=2, colour="red"), "unknown_version", "version", "is 2"),
    "no version": Bad(event(version=None), "missing_field", "version", "required"),
    "no amount": Bad(event(amount=None), "missing_field", "amount", "required"),
    "no event id": Bad(event(event_id=None), "missing_field", "event_id", "required"),
    "negative amount": Bad(event(amount="-5"), "invalid_field", "amount", "'-5'"),
    "amount 0": Bad(event(amount=0), "invalid_field", "amount", "greater than 0"),
    "amount NaN": Bad(event(amount="NaN"), "invalid_field", "amount", "finite"),
    "amount without end": Bad(event(amount="1e999999999"), "invalid_field", "amount", "18 digits"),
    "amount in words": Bad(event(amount="ten"), "invalid_field", "amount", "'ten'"),
    "unknown currency": Bad(event(currency="XXZ"), "invalid_field", "currency", "XXZ"),
    "no zone": Bad(event(occurred_at="2025-03-01T09:00:00"), "invalid_field", "occurred_at", "timezone"),
    "1970": Bad(event(occurred_at="1970-01-01T00:00:00Z"), "invalid_field", "occurred_at", "1970-01-01"),
    "2100": Bad(event(occurred_at="2100-01-01T00:00:00Z"), "invalid_field", "occurred_at", "2099-12-31"),
    "a number for a time": Bad(event(occurred_at=1_740_819_600), "invalid_field", "occurred_at", "ISO 8601"),
    "no such day": Bad(event(occurred_at="2025-02-30T09:00:00Z"), "invalid_field", "occurred_at", "02-30"),
    "in the future": Bad(event(occurred_at="2025-03-02T09:00:01Z"), "in_the_future", "occurred_at", "2025-03-02T09"),
    "unknown field": Bad(event(colour="red"), "unknown_field", "colour", "not permitted"),
    "control character": Bad(event(event_id="a\u0000b"), "invalid_field", "event_id", "pattern"),
    "huge": Bad(event(origin="x" * 5_000), "too_large", None, "at most 4096"),
    "another customer's key": Bad(event(customer_id="C2"), "wrong_key", "customer_id", "'C2', is 'C1'"),
    "policy not YAML": Bad(event(POLICY, text="a: ["), "policy_not_yaml", None, "policy e-1", POLICY),
    "policy no mapping": Bad(event(POLICY, text="- 1"), "policy_not_a_mapping", None, "policy e-1", POLICY),
    "policy unknown field": Bad(
        event(POLICY, text="ladder: {evidence_flor: 0}"), "policy_invalid", "ladder.evidence_flor", "evidence_flor",
        POLICY,
    ),
    "models cut off": Bad(
        event(PARTITION_REPORTS, models="gaFB"), "invalid_field", "models", "not those of", PARTITION_REPORTS
    ),
    "models no base64": Bad(
        event(PARTITION_REPORTS, models="!"), "invalid_field", "models", "pattern", PARTITION_REPORTS
    ),
    "models of half a byte": Bad(
        event(PARTITION_REPORTS, models="gA"), "invalid_field", "models", "not those of", PARTITION_REPORTS
    ),
    "policy empty": Bad(event(POLICY, text=""), "invalid_field", "text", "at least 1", POLICY),
}  # fmt: skip


def refusal(topic: str, value: bytes | None, **place: Any) -> InvalidInput:
    """The error that a record of C1 is refused with."""
    with pytest.raises(InvalidInput) as caught:
        RULES.entry(record(value, topic, **place), NOW)
    return caught.value


@pytest.mark.parametrize("bad", BAD.values(), ids=list(BAD))
def test_each_mistake_is_told_by_code_field_and_message(bad: Bad) -> None:
    """The code is stable, the field is the one to mend, and the message holds the field and what is wrong."""
    error = refusal(bad.topic, bad.value)
    assert (error.code, error.field) == (bad.code, bad.field)
    assert bad.told in error.message
    assert bad.field is None or bad.field in error.message


def test_a_record_without_a_value_is_refused_as_empty() -> None:
    """A deletion marker is no event."""
    assert refusal(PAYMENTS, None).code == "empty_value"


def test_a_record_without_a_key_is_refused() -> None:
    """A customer's event without a key could stand on any partition."""
    error = refusal(PAYMENTS, event(), key=None)
    assert (error.code, error.field) == ("wrong_key", "customer_id")
    assert "no key" in error.message


def test_a_key_that_is_no_text_is_shown_and_short() -> None:
    """Whatever bytes are the key, the message stays readable and bounded."""
    error = refusal(PAYMENTS, event(), key=b"\xff" * 10_000)
    assert error.code == "wrong_key"
    assert len(error.message) < 300


def test_a_record_on_another_partition_is_refused_with_the_cure() -> None:
    """The message says where the key belongs and how to set the producer."""
    wrong = (HOME + 1) % PARTITIONS
    error = refusal(PAYMENTS, event(), partition=wrong)
    assert (error.code, error.field) == ("wrong_partition", "customer_id")
    assert re.search(rf"partition {HOME}\b.* stands on {wrong}: .*murmur2", error.message)


def test_a_message_names_few_of_many_mistakes_and_counts_the_rest() -> None:
    """Five mistakes are spelled out; the others are counted, so that a message stays short."""
    error = refusal(PAYMENTS, event(**dict.fromkeys("abcdefghijkl", "?")))
    assert error.code == "unknown_field"
    assert error.message.count("not permitted") == 5
    assert error.message.endswith("and 7 more")


def test_a_long_mistake_makes_no_long_message() -> None:
    """What a producer wrote is cut before it fills a dead letter."""
    assert len(refusal(PAYMENTS, event(**{"x" * 3_500: "?"})).message) <= 2_000
    assert len(refusal(PAYMENTS, event(amount="9" * 3_500)).message) < 200


@pytest.mark.parametrize("topic", CUSTOMER_TOPICS)
def test_a_valid_record_becomes_an_entry_with_its_coordinates(topic: str) -> None:
    """The entry says where the record stood, when it became known and when it was read."""
    entry = RULES.entry(record(event(topic), topic, timestamp=NOW_MS + 5), NOW + timedelta(seconds=1))
    assert entry.source == Source(topic=topic, partition=HOME, offset=7)
    assert entry.time == NOW + timedelta(milliseconds=5)
    assert entry.received_at == NOW + timedelta(seconds=1)
    assert entry.event.event_id == "e-1"


@pytest.mark.parametrize("topic", PUBLIC_BROADCASTS)
@pytest.mark.parametrize("key", [None, b"any"])
def test_what_concerns_everybody_needs_no_key(topic: str, key: bytes | None) -> None:
    """Market and policy events stand on any partition, with any key."""
    for partition in range(PARTITIONS):
        entry = RULES.entry(record(event(topic), topic, partition=partition, key=key), NOW)
        assert entry.source.partition == partition


def test_a_report_stands_on_the_partition_that_it_speaks_for() -> None:
    """Its copies are judged by where it first stood; what claims to come from elsewhere, or nowhere, is refused."""
    report = event(PARTITION_REPORTS)  # of partition 1
    assert RULES.entry(record(report, PARTITION_REPORTS, key=None, partition=1), NOW).source.partition == 1
    copy = {"key": None, "partition": 3, "relayed_from": (PARTITION_REPORTS, 1, 5)}
    assert RULES.entry(record(report, BROADCASTS, **copy), NOW).source.partition == 1
    forged = refusal(PARTITION_REPORTS, report, key=None, partition=2)
    assert (forged.code, forged.field) == ("wrong_partition", "partition")
    nowhere = event(PARTITION_REPORTS, partition=PARTITIONS)
    assert refusal(PARTITION_REPORTS, nowhere, partition=PARTITIONS).code == "wrong_partition"


def test_the_limit_for_what_others_send_is_none_for_reports() -> None:
    """A firm that accepts short events only still has models."""
    models = b64encode(b"\x80" + b" " * RULES.max_event_bytes).decode()
    assert refusal(PARTITION_REPORTS, event(PARTITION_REPORTS, models=models), partition=1).code == "invalid_field"
    assert refusal(MARKET, event(MARKET, name="x" * RULES.max_event_bytes)).code == "too_large"


def test_a_relayed_record_keeps_its_first_coordinates() -> None:
    """The source of a copy in the broadcasts is the public record."""
    copy = record(event(MARKET), BROADCASTS, key=None, partition=3, offset=90, relayed_from=(MARKET, 0, 12))
    assert RULES.entry(copy, NOW).source == Source(topic=MARKET, partition=0, offset=12)


@pytest.mark.parametrize(
    ("timestamp", "known"),
    [
        (NOW_MS + 60_000, NOW_MS + 60_000),
        (NOW_MS + DAY_MS, NOW_MS + DAY_MS),
        (NOW_MS - 1, NOW_MS),
        (NOW_MS + DAY_MS + 1, NOW_MS),
        (-1, NOW_MS),
    ],
)
def test_a_record_is_known_at_its_timestamp_if_that_can_be(timestamp: int, known: int) -> None:
    """The record's time counts from when it happened up to the tolerance; else it is known when it happened."""
    entry = RULES.entry(record(event(), timestamp=timestamp), NOW)
    assert entry.time == from_ms(known)


def test_up_to_the_tolerance_an_event_may_lie_ahead() -> None:
    """Clocks differ: exactly a day ahead is accepted here, a millisecond more is not."""
    latest = NOW + timedelta(days=1)
    assert RULES.entry(record(event(occurred_at=latest.isoformat())), NOW).time == latest
    later = latest + timedelta(milliseconds=1)
    assert refusal(PAYMENTS, event(occurred_at=later.isoformat())).code == "in_the_future"


def test_a_policy_may_be_four_times_as_large() -> None:
    """A policy file is longer than an event; both bounds hold to the byte, and where it was relayed to as well."""
    text = "version: ours\n#"
    room = RULES.max_event_bytes * 4 - len(event(POLICY, text=text))
    largest = event(POLICY, text=text + "x" * room)
    copied = {"key": None, "relayed_from": (POLICY, 0, 3)}
    assert len(largest) == 4 * RULES.max_event_bytes
    assert isinstance(RULES.entry(record(largest, POLICY), NOW).event, PolicyActivated)
    assert isinstance(RULES.entry(record(largest, BROADCASTS, **copied), NOW).event, PolicyActivated)
    assert refusal(POLICY, largest + b" ").code == "too_large"
    assert refusal(BROADCASTS, largest + b" ", **copied).code == "too_large"
    reading = event(MARKET) + b" " * RULES.max_event_bytes
    assert refusal(BROADCASTS, reading, key=None, relayed_from=(MARKET, 0, 3)).code == "too_large"


def test_a_huge_value_is_refused_unread() -> None:
    """Size is judged before the value is parsed: nonsense that is too large is only too large."""
    assert refusal(PAYMENTS, b"{" * 5_000).code == "too_large"
    assert refusal(PAYMENTS, b"{" * 4_096).code == "not_json"


@pytest.mark.parametrize("time", ["0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00"])
@pytest.mark.parametrize("field", ["occurred_at", "paid_at"])
def test_a_time_at_the_end_of_the_calendar_is_refused(field: str, time: str) -> None:
    """A time that cannot be told in UTC is a mistake of its producer, not of ours."""
    error = refusal(PAYMENTS, event(**{field: time}))
    assert (error.code, error.field) == ("invalid_field", field)


@pytest.mark.parametrize(
    "text",
    ["[" * 1_000, "? [a]\n: b", "a: 2001-99-99", "a: !!int x", "a: !!timestamp x", "a: " + "9" * 5_000],
    ids=["deep", "list as key", "no such day", "no number", "no time", "long number"],
)
def test_no_text_of_a_policy_is_more_than_refused(text: str) -> None:
    """However a policy is not YAML, that is its author's mistake and must not stop the gate."""
    assert refusal(POLICY, event(POLICY, text=text)).code.startswith("policy_")


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=10) | st.just("2025-03-01T09:00:00Z"),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)
_FIELDS = sorted(json.loads(event()))


@given(st.dictionaries(st.sampled_from(_FIELDS) | st.text(max_size=8), _JSON, min_size=1, max_size=3))
def test_any_change_is_accepted_or_refused_and_nothing_else(changes: dict[str, Any]) -> None:
    """Whatever stands in the fields, the outcome is an entry or a refusal that makes a valid dead letter."""
    changed = record(json.dumps(json.loads(event()) | changes).encode())
    try:
        entry = RULES.entry(changed, NOW)
    except InvalidInput as error:
        refused = error
    else:
        assert isinstance(entry.event, PaymentReceived)
        assert entry.event.customer_id == "C1"
        assert entry.event.amount > 0
        return
    assert refused.code != "not_understood", "a mistake of ours"
    letter = DeadLetterOut.model_validate_json(dead_letter(changed, refused, NOW).value or b"")
    assert (letter.data.reason_code, letter.data.field) == (refused.code, refused.field)
    assert letter.data.message


@given(st.binary(max_size=200), st.sampled_from([*CUSTOMER_TOPICS, *RELAYED_TOPICS, BROADCASTS]))
def test_any_bytes_that_are_no_event_are_refused(value: bytes, topic: str) -> None:
    """Random bytes are never an entry, and never more than a refusal."""
    assert refusal(topic, value).code in {"empty_value", "not_json", "not_an_object", "unknown_type", "missing_field"}


def test_orders_are_checked_by_their_own_contract() -> None:
    """A payment in the orders is as unknown as an order in the payments."""
    assert refusal(ORDERS, event()).code == "unknown_type"
    assert refusal(PAYMENTS, event(ORDERS)).code == "unknown_type"
