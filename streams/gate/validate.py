"""Turn a raw record into a log entry, or say precisely what is wrong with it."""

from __future__ import annotations

from base64 import b64decode
from datetime import datetime
from typing import Any

from msgspec import MsgspecError
from pydantic import ValidationError

from models.calendar import from_ms, to_ms
from models.default_risk.sharing import check_shared, decode_shared
from models.policy import parse_policy
from schemas.errors import InvalidInput
from schemas.events import CustomerEvent, InEvent
from schemas.log import LogEntry, ModelShared, PartitionReport, PolicyActivated, Source
from schemas.topics import BY_NAME, PARTITION_REPORTS, POLICY
from streams.partitioner import partition_of
from streams.record import Record

_SHOWN_ERRORS = 5
_LARGEST_REPORT = 1_000_000
"""Bytes: our own engine wrote it, and the limit is for what others send."""


def log_entry(record: Record, *, received_at: datetime, latest_ms: int, partitions: int, max_bytes: int) -> LogEntry:
    """The entry for the log.

    Args:
        received_at: wall-clock time of reading.
        latest_ms: events that claim to have happened after this are refused.
        partitions: number of partitions of the topics.
        max_bytes: larger values are refused unread (a policy may be four times as large; our own reports have a limit
            of their own).

    Raises:
        InvalidInput: with a stable code, a readable message, and the field where one is to blame.
    """
    event = _parse(record, max_bytes)
    if isinstance(event, CustomerEvent):
        _check_key(record, event, partitions)
    if isinstance(event, PolicyActivated):
        parse_policy(event.text, f"policy {event.event_id}")
    if isinstance(event, PartitionReport):
        _check_report(record, event, partitions)
    happened = to_ms(event.occurred_at)
    if happened > latest_ms:
        limit = from_ms(latest_ms).isoformat()
        raise InvalidInput("in_the_future", f"occurred_at: lies in the future (after {limit})", "occurred_at")
    # A producer's clock may be wrong; a record cannot become known before it happened, nor tomorrow.
    known = record.timestamp if happened <= record.timestamp <= latest_ms else happened
    topic, partition, offset = record.relayed_from or (record.topic, record.partition, record.offset)
    source = Source(topic=topic, partition=partition, offset=offset)
    return LogEntry(time=from_ms(known), received_at=received_at, source=source, event=event)


def _parse(record: Record, max_bytes: int) -> InEvent:
    value = record.value
    if not value:
        raise InvalidInput("empty_value", "the record has no value")
    first_topic = record.relayed_from[0] if record.relayed_from else record.topic
    allowed = {POLICY: max_bytes * 4, PARTITION_REPORTS: _LARGEST_REPORT}.get(first_topic, max_bytes)
    if len(value) > allowed:
        raise InvalidInput("too_large", f"the value has {len(value)} bytes, at most {allowed} are accepted")
    try:
        event = BY_NAME[record.topic].contract.validate_json(value)
    except ValidationError as error:
        raise _readable(error) from error
    if not isinstance(event, InEvent):  # a contract of an out topic: nobody subscribes the gate to one
        raise InvalidInput("unknown_type", f"topic {record.topic} holds no events in")
    return event


def _readable(error: ValidationError) -> InvalidInput:
    errors = error.errors(include_url=False, include_context=False)
    first = errors[0]
    if first["type"] == "json_invalid":
        return InvalidInput("not_json", first["msg"])
    if not first["loc"] and not isinstance(first["input"], dict):
        return InvalidInput("not_an_object", "the value must be a JSON object")
    if first["type"] in ("union_tag_invalid", "union_tag_not_found"):
        return InvalidInput("unknown_type", f"type: {first['msg']}", "type")
    # Where a topic holds one type only, there is no tag to tell by: the type is a field with one value.
    kind = next((item for item in errors if item["loc"] == ("type",)), None)
    if kind is not None:
        return InvalidInput("unknown_type", f"type: {kind['msg']}, is {kind['input']!r:.60}", "type")
    version = next((item for item in errors if item["loc"][-1:] == ("version",)), None)
    if version is not None:
        code = "missing_field" if version["type"] == "missing" else "unknown_version"
        return InvalidInput(code, f"version: {version['msg']}, is {version['input']!r:.40}", "version")
    texts = [f"{_path(item)}: {_message(item)}" for item in errors[:_SHOWN_ERRORS]]
    if len(errors) > _SHOWN_ERRORS:
        texts.append(f"and {len(errors) - _SHOWN_ERRORS} more")
    code = {"missing": "missing_field", "extra_forbidden": "unknown_field"}.get(first["type"], "invalid_field")
    return InvalidInput(code, "; ".join(texts)[:1900], _path(first))


def _path(item: Any) -> str:
    # The first part of a tagged union's location is the tag ("payment.received"), which is not a field.
    parts = [str(part) for part in item["loc"] if "." not in str(part)]
    return ".".join(parts) or "event"


def _message(item: Any) -> str:
    text = str(item["msg"]).removeprefix("Value error, ")
    if item["type"] in ("missing", "extra_forbidden", "value_error"):
        return text
    return f"{text}, is {item['input']!r:.60}"


def _check_report(record: Record, event: PartitionReport, partitions: int) -> None:
    stood_on = record.relayed_from[1] if record.relayed_from else record.partition
    if event.partition != stood_on or event.partition >= partitions:
        message = f"partition: is {event.partition}, the report stands on {stood_on} of {partitions} partitions"
        raise InvalidInput("wrong_partition", message, "partition")
    if isinstance(event, ModelShared):
        _check_models(event)


def _check_models(event: ModelShared) -> None:
    try:
        for shared in decode_shared(b64decode(event.models)).values():
            check_shared(shared)
    except (ValueError, MsgspecError) as error:
        raise InvalidInput("invalid_field", f"models: are not those of a partition: {error}", "models") from error


def _check_key(record: Record, event: CustomerEvent, partitions: int) -> None:
    if record.key != event.customer_id.encode():
        key = "no key" if record.key is None else repr(record.key.decode("utf-8", "replace"))[:80]
        message = f"customer_id: the record's key must be the customer {event.customer_id!r}, is {key}"
        raise InvalidInput("wrong_key", message, "customer_id")
    expected = partition_of(record.key, partitions)
    if record.partition != expected:
        message = (
            f"the key belongs on partition {expected}, the record stands on {record.partition}: "
            "set the producer's partitioner to murmur2 (in librdkafka: murmur2_random)"
        )
        raise InvalidInput("wrong_partition", message, "customer_id")
