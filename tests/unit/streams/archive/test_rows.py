"""Records to rows: every column filled from the contract, everything else kept raw."""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from schemas.topics import ALERTS, DEAD_LETTERS, DELIVERIES, LEVELS, LOG, ORDER_DECISIONS
from streams.archive.rows import COLUMNS, REJECTS, Row, to_row
from streams.record import Record
from tests.unit.alerts.samples import alert, envelope, level, order
from tests.unit.streams.archive.parts import EPOCH_MS, broken, payment


def _named(row: Row) -> dict[str, Any]:
    return dict(zip(COLUMNS[row.table], row.values, strict=True))


def test_log_entry() -> None:
    """Where it came from, where it stands, when, and the amount exact in its currency."""
    row = to_row(payment(7, partition=1))
    values = _named(row)
    assert row.table == "raw_log"
    expected = {
        "customer_id": "C1", "event_id": "e1-7", "source_topic": "payments", "source_partition": 1,
        "source_offset": 7, "log_partition": 1, "log_offset": 7, "time": EPOCH_MS, "paid_at": EPOCH_MS,
        "type": "payment.received", "currency": "USD", "amount": Decimal("10.5000"), "invoice_id": "",
    }  # fmt: skip
    assert {name: values[name] for name in expected} == expected
    assert json.loads(values["event"])["payment_id"] == "P1"


@pytest.mark.parametrize(
    ("topic", "data", "table"),
    [
        (LEVELS, level(), "raw_levels"),
        (ALERTS, alert(), "raw_alerts"),
        (ORDER_DECISIONS, order(), "raw_order_decisions"),
    ],
)
def test_decisions(topic: str, data: Any, table: str) -> None:
    """Each decision fills the columns of its table and keeps the whole event beside them."""
    out = envelope(data)
    raw = out.model_dump_json().encode()
    row = to_row(Record(topic, 1, 3, EPOCH_MS, b"C1", raw))
    values = _named(row)
    assert row.table == table
    assert (values["customer_id"], values["id"], values["sequence"]) == (out.subject, out.id, int(out.sequence))
    assert (values["level"], values["out_partition"], values["out_offset"]) == (data.level.value, 1, 3)
    assert json.loads(values["event"]) == json.loads(raw)


def test_a_delivery() -> None:
    """The subscription and the customer stand side by side; what arrived has no error."""
    golden = Path(__file__).parents[2] / "schemas" / "golden" / "out.deliveries.retry.json"
    raw = json.loads(golden.read_text(encoding="utf-8"))
    values = _named(to_row(Record(DELIVERIES, 0, 5, EPOCH_MS, b"sub-1", json.dumps(raw).encode())))
    assert (values["subscription_id"], values["customer_id"]) == ("sub-4f0c12ab90de", "C00029")
    assert (values["outcome"], values["status"], values["error"], values["out_offset"]) == ("retry", 503, "status", 5)
    raw["data"] |= {"outcome": "delivered", "status": 200, "error": None}
    assert _named(to_row(Record(DELIVERIES, 0, 6, 0, None, json.dumps(raw).encode())))["error"] == ""


def test_reasons_and_exposures_of_a_level() -> None:
    """Reason codes and points stay side by side; no limit is null, not zero."""
    data = level()
    bare = data.exposures[0].model_copy(update={"limit": None, "headroom": None})
    out = envelope(data.model_copy(update={"exposures": [bare]}))
    values = _named(to_row(Record(LEVELS, 0, 0, 0, None, out.model_dump_json().encode())))
    assert values["reason_codes"] == [reason.code for reason in data.reasons]
    assert values["reason_points"] == [reason.contribution for reason in data.reasons]
    (exposure,) = values["exposures"]
    assert (exposure[0], exposure[4], exposure[5], exposure[6]) == (bare.currency, bare.exposure, None, None)


@pytest.mark.parametrize("topic", [LOG, LEVELS, ALERTS, ORDER_DECISIONS, DELIVERIES, DEAD_LETTERS])
@pytest.mark.parametrize("value", [b"", b"{", b"[]", b"\xff\xfe", b'{"v": 1}', b"null"])
def test_what_is_not_the_contract_is_kept_raw(topic: str, value: bytes) -> None:
    """No record stops the archive: what cannot be understood keeps its bytes and its place."""
    row = to_row(broken(topic, 9, value))
    values = _named(row)
    assert row.table == REJECTS
    assert (values["topic"], values["offset"], values["value"]) == (topic, 9, value)
    assert values["reason_code"] == "not_the_contract"
    assert values["message"]


def test_a_record_without_value() -> None:
    """A tombstone is kept as a reject too."""
    assert _named(to_row(broken(LEVELS, 1, None)))["reason_code"] == "no_value"


def test_the_message_names_the_field() -> None:
    """The reason says which field is wrong."""
    record = payment(0)
    raw = json.loads(record.value or b"")
    raw["event"]["amount"] = "-1"
    values = _named(to_row(record._replace(value=json.dumps(raw).encode())))
    assert "amount" in values["message"]


def test_amount_that_money_cannot_hold() -> None:
    """An exposure beyond the column is a reject, not a rounded number and not a crash."""
    data = level()
    huge = data.exposures[0].model_copy(update={"exposure": Decimal(10) ** 40})
    out = envelope(data.model_copy(update={"exposures": [huge]}))
    values = _named(to_row(Record(LEVELS, 0, 0, 0, None, out.model_dump_json().encode())))
    assert values["reason_code"] == "not_storable"
