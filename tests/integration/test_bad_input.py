"""Bad input goes to dead letters with its reason, stops nothing, and can be submitted again."""

from __future__ import annotations

import json
from collections import Counter
from datetime import UTC, datetime
from typing import Any

from aiokafka import AIOKafkaProducer

from schemas.topics import ASSESSMENTS, MARKET, ORDERS, OVERDUE, PAYMENTS
from streams.dead_letter_box import as_event, read_dead_letters
from streams.partitioner import partition_of
from streams.publisher import publish
from streams.settings import Settings
from streams.topic_admin import ensure_topics
from tests.integration.conftest import MakeSettings
from tests.integration.pipeline import Pipeline, decisions, state

NOW = datetime(2025, 3, 1, 9, tzinfo=UTC)


def payment(**changes: Any) -> dict[str, Any]:
    """A valid payment of C1 with changes; None takes a field away."""
    event = {
        "type": "payment.received", "version": 1, "event_id": "p-1", "occurred_at": "2025-03-01T09:00:00Z",
        "customer_id": "C1", "payment_id": "P-1", "amount": "100.00", "currency": "USD", "invoice_id": "I-1",
        "paid_at": "2025-03-01T09:00:00Z",
    }  # fmt: skip
    return {name: value for name, value in (event | changes).items() if value is not None}


BAD: list[tuple[str, bytes, str, str | None]] = [
    (PAYMENTS, b"{not json", "not_json", None),
    (PAYMENTS, b"\xff\xfe\x00", "not_json", None),
    (PAYMENTS, b"", "empty_value", None),
    (PAYMENTS, b"[1, 2]", "not_an_object", None),
    (PAYMENTS, json.dumps(payment(type="payment.guessed")).encode(), "unknown_type", "type"),
    (PAYMENTS, json.dumps(payment(type="order.placed")).encode(), "unknown_type", "type"),
    (PAYMENTS, json.dumps(payment(version=2)).encode(), "unknown_version", "version"),
    (PAYMENTS, json.dumps(payment(amount=None)).encode(), "missing_field", "amount"),
    (PAYMENTS, json.dumps(payment(amount="-5")).encode(), "invalid_field", "amount"),
    (PAYMENTS, json.dumps(payment(amount="NaN")).encode(), "invalid_field", "amount"),
    (PAYMENTS, json.dumps(payment(currency="XXZ")).encode(), "invalid_field", "currency"),
    (PAYMENTS, json.dumps(payment(occurred_at="1970-01-01T00:00:00Z")).encode(), "invalid_field", "occurred_at"),
    (PAYMENTS, json.dumps(payment(occurred_at="2100-01-01T00:00:00Z")).encode(), "invalid_field", "occurred_at"),
    (PAYMENTS, json.dumps(payment(occurred_at="2090-01-01T00:00:00Z")).encode(), "in_the_future", "occurred_at"),
    (PAYMENTS, json.dumps(payment(occurred_at="2025-03-01T09:00:00")).encode(), "invalid_field", "occurred_at"),
    (PAYMENTS, json.dumps(payment(colour="red")).encode(), "unknown_field", "colour"),
    (PAYMENTS, json.dumps(payment(customer_id="C2")).encode(), "wrong_key", "customer_id"),
    (PAYMENTS, json.dumps(payment(origin="x" * 900_000)).encode(), "too_large", None),
    (ORDERS, json.dumps({"type": "order.placed", "version": 1}).encode(), "missing_field", "event_id"),
    (OVERDUE, b"null", "not_an_object", None),
    (ASSESSMENTS, b"{}", "unknown_type", "type"),
    (MARKET, b"{}", "missing_field", "version"),
]


async def _publish_raw(settings: Settings, records: list[tuple[str, bytes]], key: bytes = b"C1") -> None:
    await ensure_topics(settings)
    producer = AIOKafkaProducer(**settings.kafka_client_options(), max_request_size=2_000_000)
    await producer.start()
    try:
        for topic, value in records:
            place = partition_of(key, settings.partitions)
            await producer.send_and_wait(
                settings.topic(topic), value, key, partition=place, timestamp_ms=int(NOW.timestamp() * 1000)
            )
    finally:
        await producer.stop()


def _invoice(number: int, **changes: Any) -> bytes:
    event = {
        "type": "order.invoiced", "version": 1, "event_id": f"i-{number}", "occurred_at": "2025-03-01T09:00:00Z",
        "customer_id": "C1", "invoice_id": f"I-{number}", "amount": "100.00", "currency": "USD",
        "issue_date": "2025-03-01", "due_date": "2025-03-31", "terms_days": 30,
    }  # fmt: skip
    return json.dumps(event | changes).encode()


async def test_each_bad_record_becomes_one_dead_letter(make_settings: MakeSettings) -> None:
    """Every bad record is named by reason, field and place; the good ones among them are all applied."""
    settings = make_settings()
    good = [_invoice(number) for number in range(len(BAD))]
    mixed = [record for bad, value in zip(BAD, good, strict=True) for record in (bad[:2], (ORDERS, value))]
    await _publish_raw(settings, mixed)
    with Pipeline(settings) as pipeline:
        pipeline.start("gate")
        pipeline.start("engine")
        await pipeline.drain()
        letters = await read_dead_letters(settings)
        accounts = await state(settings)
    expected = Counter((topic, code, field) for topic, _, code, field in BAD)
    assert Counter((x.data.source.topic, x.data.reason_code, x.data.field) for x in letters) == expected
    assert len({(x.data.source.topic, x.data.source.partition, x.data.source.offset) for x in letters}) == len(BAD)
    assert all(x.data.field is None or x.data.field in x.data.message for x in letters)
    assert accounts["C1"].open_invoices == {"USD": 100 * len(good)}


async def test_duplicates_and_order_of_arrival(make_settings: MakeSettings) -> None:
    """An event sent again changes nothing; a payment that comes before its invoice is kept and matched."""
    settings = make_settings()
    paid_first = json.dumps(payment(invoice_id="I-7", event_id="early")).encode()
    unknown = json.dumps(payment(invoice_id="I-99", event_id="who", payment_id="P-2")).encode()
    records = [(PAYMENTS, paid_first), (PAYMENTS, unknown), (ORDERS, _invoice(7)), (ORDERS, _invoice(8))]
    await _publish_raw(settings, records)
    with Pipeline(settings) as pipeline:
        pipeline.start("gate")
        pipeline.start("engine")
        await pipeline.drain()
        once = await state(settings)
        told_once = await decisions(settings)
        await _publish_raw(settings, records)
        await pipeline.drain()
        twice = await state(settings)
        told_twice = await decisions(settings)
        letters = await read_dead_letters(settings)
    assert letters == []
    assert once["C1"].open_invoices == {"USD": 100}, "I-7 is paid by the payment that came before it"
    assert twice["C1"].open_invoices == once["C1"].open_invoices
    assert twice["C1"].unapplied == once["C1"].unapplied
    assert told_twice == told_once


async def test_resubmitted_record_is_applied(make_settings: MakeSettings) -> None:
    """A record refused for its key is accepted when submitted again, and a corrected one too."""
    settings = make_settings()
    wrong_key, negative = _invoice(1, customer_id="C2"), _invoice(2, amount="-1")
    await _publish_raw(settings, [(ORDERS, wrong_key), (ORDERS, negative)])
    with Pipeline(settings) as pipeline:
        pipeline.start("gate")
        pipeline.start("engine")
        await pipeline.drain()
        by_code = {letter.data.reason_code: letter.data for letter in await read_dead_letters(settings)}
        events = [as_event(by_code["wrong_key"]), as_event(by_code["invalid_field"], value=_invoice(2))]
        assert await publish(settings, events) == 2
        await pipeline.drain()
        accounts = await state(settings)
    assert accounts["C2"].open_invoices == {"USD": 100}
    assert accounts["C1"].open_invoices == {"USD": 100}
