"""Field rules of the events in: what is refused, and which field the error names."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from schemas.topics import BY_NAME

GOLDEN = Path(__file__).parent / "golden"


def valid(name: str) -> tuple[str, dict[str, Any]]:
    """Topic and a valid event: ``payments.payment.received``."""
    document: dict[str, Any] = json.loads((GOLDEN / f"in.{name}.json").read_text(encoding="utf-8"))
    return name.split(".")[0], document


def refused_fields(name: str, **changes: Any) -> set[str]:
    """The fields that validation blames for these changes; empty when the event is accepted."""
    topic, event = valid(name)
    try:
        BY_NAME[topic].contract.validate_json(json.dumps(event | changes))
    except ValidationError as error:
        return {str(part) for item in error.errors() for part in item["loc"][-1:]} or {"event"}
    return set()


PAYMENT = "payments.payment.received"
INVOICE = "orders.order.invoiced"
ORDER = "orders.order.placed"
NOTICE = "overdue.overdue.noticed"
STATEMENT = "assessments.assessment.financial_statement"


@pytest.mark.parametrize(
    ("name", "field", "value"),
    [
        (PAYMENT, "amount", "0"),
        (PAYMENT, "amount", "-1"),
        (PAYMENT, "amount", "NaN"),
        (PAYMENT, "amount", "Infinity"),
        (PAYMENT, "amount", "ten"),
        (PAYMENT, "amount", "1.23456"),
        (PAYMENT, "amount", "1000000000000000"),
        (PAYMENT, "currency", "XYZ"),
        (PAYMENT, "currency", "XAU"),
        (PAYMENT, "currency", "?"),
        (PAYMENT, "occurred_at", "2025-03-01T09:00:00"),
        (PAYMENT, "occurred_at", "1970-01-01T00:00:00Z"),
        (PAYMENT, "occurred_at", "2100-01-01T00:00:00Z"),
        (PAYMENT, "occurred_at", 1_740_819_600),
        (PAYMENT, "occurred_at", "yesterday"),
        (PAYMENT, "paid_at", "2025-03-01"),
        (PAYMENT, "value_date", "1999-12-31"),
        (PAYMENT, "customer_id", ""),
        (PAYMENT, "customer_id", "C 1\n"),
        (PAYMENT, "customer_id", " C1"),
        (PAYMENT, "customer_id", "x" * 65),
        (PAYMENT, "event_id", None),
        (PAYMENT, "version", 2),
        (PAYMENT, "version", "1.0"),
        (ORDER, "quantity", "-3"),
        (ORDER, "requested_terms_days", 731),
        (INVOICE, "terms_days", -1),
        (INVOICE, "due_date", "31.03.2025"),
        (NOTICE, "days_past_due", -1),
        (NOTICE, "outstanding_amount", "-0.01"),
        (STATEMENT, "total_assets", "0"),
        ("assessments.assessment.qualitative_review", "management", 6),
        ("assessments.assessment.cover", "kind", "promise"),
        ("orders.invoice.disputed", "reason", "dislike"),
        ("orders.invoice.disputed", "amount", "0"),
        ("orders.dispute.resolved", "outcome", "half"),
        ("supply.delivery.received", "quantity_ordered", "0"),
        ("supply.delivery.received", "quantity_delivered", "-1"),
        ("supply.delivery.received", "delivered_date", "2025-03-10"),
        ("supply.price.quoted", "reference_price", "0"),
        ("supply.price.quoted", "currency", "EURO"),
        ("market.market.index", "value", "0"),
        ("market.market.index", "scope", "planet"),
        ("policy.policy.activated", "text", ""),
    ],
)
def test_wrong_values_are_refused_by_field(name: str, field: str, value: object) -> None:
    """Each wrong value is refused, and the error names its field."""
    assert field in refused_fields(name, **{field: value})


@pytest.mark.parametrize("name", [path.stem.removeprefix("in.") for path in sorted(GOLDEN.glob("in.*.json"))])
def test_unknown_fields_are_refused(name: str) -> None:
    """A typing error in a field's name is never dropped silently."""
    assert refused_fields(name) == set()
    assert refused_fields(name, colour="red") == {"colour"}


@pytest.mark.parametrize("name", [path.stem.removeprefix("in.") for path in sorted(GOLDEN.glob("in.*.json"))])
def test_each_required_field_is_missed(name: str) -> None:
    """An event without its id, version or time is refused by that name."""
    topic, event = valid(name)
    for field in ("event_id", "version", "occurred_at"):
        rest = {key: value for key, value in event.items() if key != field}
        with pytest.raises(ValidationError) as caught:
            BY_NAME[topic].contract.validate_json(json.dumps(rest))
        assert field in {item["loc"][-1] for item in caught.value.errors()}


@pytest.mark.parametrize(
    ("name", "changes"),
    [
        (INVOICE, {"due_date": "2024-01-01", "issue_date": "2024-01-02"}),
        (INVOICE, {"due_date": "2030-01-01", "issue_date": "2024-01-02"}),
        ("orders.order.cancelled", {"amount": "5"}),
        (NOTICE, {"as_of": "2025-01-01", "days_past_due": 20_000}),
        (STATEMENT, {"total_assets": "1", "current_assets": "2"}),
        ("assessments.assessment.agency_report", {"score": "500", "scale_worst": "1", "scale_best": "100"}),
        ("assessments.assessment.override", {"level": "UNRATED"}),
        ("orders.invoice.disputed", {"currency": None}),
        ("orders.dispute.resolved", {"amount": None, "currency": None}),
        ("orders.dispute.resolved", {"outcome": "rejected"}),
        ("orders.dispute.resolved.rejected", {"outcome": "accepted"}),
        ("orders.dispute.resolved.rejected", {"amount": "5", "currency": "USD"}),
        ("supply.delivery.received", {"quantity_rejected": "1150.6"}),
    ],
)
def test_fields_must_agree_with_each_other(name: str, changes: dict[str, Any]) -> None:
    """What is valid field by field but makes no sense together is refused."""
    assert refused_fields(name, **changes)


def test_unknown_types_are_refused() -> None:
    """A type that the topic does not know is refused, even if another topic knows it."""
    assert refused_fields(PAYMENT, type="payment.guessed")
    assert refused_fields(PAYMENT, type="order.placed")


def test_times_become_utc() -> None:
    """A time with another offset is the same moment in UTC."""
    topic, event = valid(PAYMENT)
    parsed = BY_NAME[topic].contract.validate_python(event | {"occurred_at": "2025-03-01T17:00:00+08:00"})
    assert parsed.occurred_at == datetime(2025, 3, 1, 9, tzinfo=UTC)
    assert parsed.occurred_at.tzinfo is UTC


def test_currencies_are_upper_case() -> None:
    """A currency in lower case is the same currency, so amounts of both come together."""
    topic, event = valid(PAYMENT)
    assert BY_NAME[topic].contract.validate_python(event | {"currency": "usd"}).currency == "USD"


@given(st.decimals(min_value="0.0001", max_value="99999999", places=4))
def test_money_is_exact(amount: Decimal) -> None:
    """An amount comes out of JSON as it went in, to the last digit."""
    topic, event = valid(PAYMENT)
    contract = BY_NAME[topic].contract
    parsed = contract.validate_json(json.dumps(event | {"amount": str(amount)}))
    assert parsed.amount == amount
    assert contract.validate_json(contract.dump_json(parsed)) == parsed
