"""Who may submit what in place of a dead letter: never more than without it."""

from __future__ import annotations

import base64
import json
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any, NamedTuple

import pytest

from desk.api.problems import Refused
from desk.api.roles import Role
from desk.dead_letter_acts import resubmit
from schemas.decisions import DeadLetter
from schemas.log import Source
from streams.sources.event_file import TimedEvent

AT = "2026-01-02T00:00:00Z"
HEAD = {"version": 1, "event_id": "e1", "occurred_at": AT, "customer_id": "C-17"}
BY = {"by": "li", "reason": "because of it"}
PAYMENT = {**HEAD, "type": "payment.received", "payment_id": "P", "amount": "9", "currency": "EUR", "paid_at": AT}
OVERRIDE = {**HEAD, **BY, "type": "assessment.override", "level": "PRIME", "expires_on": "2027-01-01"}
RELEASE = {**HEAD, **BY, "type": "order.released", "order_id": "SO-17"}
HOLD = {**HEAD, **BY, "type": "order.hold_forced", "order_id": "SO-17"}
REVIEW = {**HEAD, **BY, "type": "review.approved"}
DISPUTE = {**HEAD, "type": "invoice.disputed", "invoice_id": "I-1", "reason": "price"}
LIMITS = {**HEAD, "type": "assessment.master_data", "base_limits": {"EUR": "9000000"}}


class Who(NamedTuple):
    name: str
    role: Role


class _Sent:
    """Takes what is published, and notes of it."""

    def __init__(self) -> None:
        self.events: list[TimedEvent] = []

    async def send(self, event: TimedEvent) -> None:
        self.events.append(event)

    async def flush(self) -> None: ...

    async def put(self, *record: Any) -> None: ...


async def least_role(
    monkeypatch: pytest.MonkeyPatch, topic: str, refused: Any, mended: Any | None, name: str = "li"
) -> Role:
    """The least role with which it goes through."""
    source = Source(topic=topic, partition=0, offset=1)
    raw = base64.b64encode(json.dumps(refused).encode()).decode()
    data = DeadLetter(
        source=source, reason_code="invalid_field", message="x", key_base64=None, value_base64=raw,
        record_time=datetime(2026, 1, 2, tzinfo=UTC),
    )  # fmt: skip

    async def letters(settings: object) -> list[Any]:
        return [SimpleNamespace(id="letter", data=data)]

    monkeypatch.setattr("desk.dead_letter_acts.read_dead_letters", letters)
    for role in Role:
        sent = _Sent()
        services: Any = SimpleNamespace(settings=None, publisher=sent, control=sent, now=lambda: datetime.now(UTC))
        try:
            await resubmit(services, Who(name, role), ["letter"], None if mended is None else json.dumps(mended))
        except Refused:
            assert sent.events == []
            continue
        assert len(sent.events) == 1
        return role
    raise AssertionError("nobody may")


@pytest.mark.parametrize(
    ("topic", "refused", "mended", "role"),
    [
        ("payments", PAYMENT, None, Role.ANALYST),
        ("payments", {**PAYMENT, "amount": "-9"}, PAYMENT, Role.ANALYST),
        ("payments", {**PAYMENT, "customer_id": "C-18"}, PAYMENT, Role.ADMIN),
        ("payments", [], PAYMENT, Role.ADMIN),
        ("orders", {**PAYMENT, "type": "order.placed"}, RELEASE, Role.APPROVER),
        ("orders", RELEASE, None, Role.APPROVER),
        ("orders", RELEASE, {**RELEASE, "second_person": "boss"}, Role.ADMIN),
        ("orders", HOLD, HOLD, Role.ANALYST),
        ("orders", HOLD, {**HOLD, "by": "ana"}, Role.ADMIN),
        ("orders", {**DISPUTE, "reason": "?"}, DISPUTE, Role.ANALYST),
        ("orders", {**DISPUTE, "reason": "?", "by": "ana"}, {**DISPUTE, "by": "li"}, Role.ANALYST),
        ("orders", {**DISPUTE, "reason": "?", "by": "ana"}, DISPUTE, Role.ADMIN),
        ("assessments", OVERRIDE, None, Role.APPROVER),
        ("assessments", {}, OVERRIDE, Role.APPROVER),
        ("assessments", REVIEW, REVIEW, Role.APPROVER),
        ("assessments", LIMITS, None, Role.ANALYST),
        ("assessments", {**LIMITS, "base_limits": {"EUR": "9"}}, LIMITS, Role.APPROVER),
    ],
)
async def test_no_more_than_without_it(
    monkeypatch: pytest.MonkeyPatch, topic: str, refused: Any, mended: Any | None, role: Role
) -> None:
    """Acts need the role of the act, in one's own name; what is mended stays the event that it was."""
    assert await least_role(monkeypatch, topic, refused, mended) is role


async def test_what_others_decided_is_an_admins(monkeypatch: pytest.MonkeyPatch) -> None:
    """Also as it was."""
    assert await least_role(monkeypatch, "orders", HOLD, None, name="ana") is Role.ADMIN
