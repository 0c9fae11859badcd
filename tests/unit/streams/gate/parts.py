"""Small records for the tests of the gate: a valid payment, and changes to it."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

from models.calendar import to_ms
from schemas.topics import ASSESSMENTS, MARKET, ORDERS, OVERDUE, PARTITION_REPORTS, PAYMENTS, POLICY, SUPPLY
from streams.gate.lane import GateRules
from streams.partitioner import partition_of
from streams.record import Record

NOW = datetime(2025, 3, 1, 9, tzinfo=UTC)
NOW_MS = to_ms(NOW)
DAY_MS = 86_400_000
PARTITIONS = 4
HOME = partition_of(b"C1", PARTITIONS)
RULES = GateRules(partitions=PARTITIONS, max_idle_ms=20, future_tolerance_ms=DAY_MS, max_event_bytes=4_096)

_HEAD = {"version": 1, "event_id": "e-1", "occurred_at": "2025-03-01T09:00:00Z"}
_MONEY = {"amount": "100.00", "currency": "USD"}
_EVENTS: dict[str, dict[str, Any]] = {
    PAYMENTS: {
        "type": "payment.received", "customer_id": "C1", "payment_id": "P-1", **_MONEY, "invoice_id": "I-1",
        "paid_at": "2025-03-01T09:00:00Z",
    },
    ORDERS: {"type": "order.placed", "customer_id": "C1", "order_id": "O-1", **_MONEY},
    OVERDUE: {
        "type": "overdue.noticed", "customer_id": "C1", "invoice_id": "I-1", "outstanding_amount": "100",
        "currency": "USD", "days_past_due": 3, "as_of": "2025-03-01",
    },
    ASSESSMENTS: {"type": "assessment.master_data", "customer_id": "C1", "base_limits": {"USD": "20000"}},
    SUPPLY: {
        "type": "price.quoted", "customer_id": "C1", "item": "coil", "unit_price": "11", "currency": "USD",
        "reference_price": "10",
    },
    MARKET: {"type": "market.index", "scope": "sector", "name": "food", "value": "97.5", "as_of": "2025-03-01"},
    POLICY: {"type": "policy.activated", "by": "credit committee", "text": "version: ours\n"},
    PARTITION_REPORTS: {"type": "model.shared", "partition": 1, "number": 3, "models": "gA=="},
}  # fmt: skip


def event(topic: str = PAYMENTS, **changes: Any) -> bytes:
    """A valid event of a topic, with changes; None takes a field away."""
    fields = _HEAD | _EVENTS[topic] | changes
    return json.dumps({name: value for name, value in fields.items() if value is not None}).encode()


def record(value: bytes | None, topic: str = PAYMENTS, **changes: Any) -> Record:
    """A record of C1 at home on its partition, with changes."""
    return Record(topic, HOME, 7, NOW_MS, b"C1", value)._replace(**changes)
