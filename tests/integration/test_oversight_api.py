"""A customer's file, what-if, assessments, dead letters, models, policy trials over HTTP, through Kafka and engine."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import httpx
import pytest
from pydantic import BaseModel

from desk.api.roles import Role
from models.calendar import to_ms
from schemas.assessments import LevelOverridden
from schemas.events import OrderInvoiced, PaymentReceived
from schemas.levels import Level
from schemas.topics import ASSESSMENTS, MODEL_LOG, ORDERS, PAYMENTS
from streams.dead_letter_box import read_dead_letters
from streams.settings import Settings
from streams.sources.event_file import TimedEvent, timed
from streams.sources.ticks import with_ticks
from streams.topic_reader import read_to_end
from tests.integration.api_parts import api_on_a_book
from tests.integration.conftest import ALONE, MakeSettings
from tests.integration.pipeline import Pipeline

pytestmark = pytest.mark.embedded_only  # what is proved here is HTTP; brokers are compared elsewhere

START = datetime(2025, 3, 3, 8, tzinfo=UTC)
NAME = "C-1"
RULES = ALONE + "limits: {base: {USD: 1000}}\noverrides: [{customer: C-1, limits: {base: {USD: 1500}}}]\n"
FIGURES = {
    "as_of": "2024-12-31", "currency": "USD", "current_assets": "500", "total_assets": "1000",
    "current_liabilities": "300", "total_liabilities": "600", "equity": "400", "retained_earnings": "100",
    "sales": "2000", "ebit": "150",
}  # fmt: skip


def head(number: int) -> dict[str, Any]:
    return {"version": 1, "occurred_at": START + timedelta(days=number), "event_id": f"e{number}", "customer_id": NAME}


def book() -> list[TimedEvent]:
    """Four invoices, two of them paid on time; a payment with a wrong amount, and an override under another's key."""
    events: list[tuple[str, BaseModel]] = []
    for number in range(4):
        day = (START + timedelta(days=number)).date()
        invoice = OrderInvoiced(
            **head(number), invoice_id=f"I{number}", amount=Decimal(300), currency="USD", issue_date=day,
            due_date=day + timedelta(days=10), terms_days=10,
        )  # fmt: skip
        events.append((ORDERS, invoice))
    for number in range(2):
        paid = PaymentReceived(
            **head(10 + number), payment_id=f"P{number}", amount=Decimal(300), currency="USD", invoice_id=f"I{number}",
            paid_at=START + timedelta(days=10),
        )  # fmt: skip
        events.append((PAYMENTS, paid))
    override = LevelOverridden(
        **head(12), by="ana", reason="a friend", level=Level.PRIME, expires_on=START.date() + timedelta(days=90)
    )
    at = START + timedelta(days=12)
    wrong = json.dumps(head(12) | {"event_id": "p-wrong", "occurred_at": at.isoformat(), **PAYMENT, "amount": "-5"})
    found = [timed(topic, getattr(event, "occurred_at", START), event) for topic, event in events]
    found.append(TimedEvent(PAYMENTS, NAME, to_ms(at), wrong.encode()))
    found.append(TimedEvent(ASSESSMENTS, "somebody else", to_ms(at), override.model_dump_json().encode()))
    return list(with_ticks(sorted(found, key=lambda event: event.timestamp_ms), trailing_days=8))


MENDED = (START + timedelta(days=12)).isoformat()
PAYMENT = {"type": "payment.received", "payment_id": "P-9", "currency": "USD", "paid_at": "2025-03-14T08:00:00Z"}


@dataclass(frozen=True)
class Staff:
    """Clients of four roles."""

    reader: httpx.AsyncClient
    analyst: httpx.AsyncClient
    approver: httpx.AsyncClient
    admin: httpx.AsyncClient


@pytest.fixture
async def running(make_settings: MakeSettings) -> AsyncIterator[tuple[Settings, Pipeline, Staff]]:
    settings = make_settings()
    async with api_on_a_book(
        settings, RULES, book(), reader=Role.READER, analyst=Role.ANALYST, approver=Role.APPROVER, admin=Role.ADMIN
    ) as (pipeline, clients):
        yield settings, pipeline, Staff(**clients)


def refused(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["code"]


async def test_what_analysts_and_admins_see_and_do(running: tuple[Settings, Pipeline, Staff]) -> None:
    """One worker for all of it; each step begins where the one before has ended."""
    settings, pipeline, staff = running
    await _file_and_what_if(staff)
    await _policy_trial(staff)
    await _statement_entered(staff)
    await _dead_letters(settings, pipeline, staff)
    await _models(settings, pipeline, staff)


async def _file_and_what_if(staff: Staff) -> None:
    path = f"/v1/customers/{NAME}"
    found = (await staff.reader.get(f"{path}/file")).json()
    assert sum(part["points"] for part in found["parts"]) == found["score"]
    assert [item["invoice_id"] for item in found["invoices"]] == ["I2", "I3"]
    assert (found["exposures"][0]["exposure"], found["exposures"][0]["overdue"]) == ("600", "600")
    assert refused(await staff.reader.get("/v1/customers/nobody/file")) == (404, "not_found")
    limits = (await staff.reader.get(f"{path}/policy", params={"path": "limits.base.USD"})).json()
    (value,) = limits["values"]
    assert (value["value"], value["layer"]) == (1500, f"customer {NAME}")
    assert [layer for layer, _ in value["says"]][-2:] == ["firm", f"customer {NAME}"]
    steps = [{"kind": "payment", "amount": "300", "currency": "USD", "invoice_id": "I2"},
             {"kind": "order", "amount": "900", "currency": "USD"}]  # fmt: skip
    assert refused(await staff.reader.post(f"{path}/what-if", json={"steps": steps})) == (403, "role_needed")
    foretold = (await staff.analyst.post(f"{path}/what-if", json={"steps": steps})).json()
    assert foretold["before"]["exposures"] == found["exposures"]
    assert foretold["after"]["exposures"][0]["open_invoices"] == "300"
    assert [out["data"]["decision"] for out in foretold["decisions"] if "order_id" in out["data"]]
    assert (await staff.reader.get(f"{path}/file")).json()["exposures"] == found["exposures"], "nothing has happened"
    wrong = await staff.analyst.post(f"{path}/what-if", json={"steps": [{"kind": "policy", "text": "ladder: 7"}]})
    assert refused(wrong) == (422, "policy_invalid")


async def _statement_entered(staff: Staff) -> None:
    path = f"/v1/customers/{NAME}/statements"
    assert refused(await staff.reader.post(path, json=FIGURES)) == (403, "role_needed")
    unbalanced = await staff.analyst.post(path, json=FIGURES | {"equity": "500"})
    assert (unbalanced.status_code, unbalanced.json()["errors"][0]["field"]) == (422, "body.equity")
    entered = await staff.analyst.post(path, json=FIGURES)
    assert (entered.status_code, entered.json()["status"]) == (200, "done")
    async with asyncio.timeout(20):  # the engine answers before it stores the account that the live book copies
        while (found := (await staff.reader.get(f"/v1/customers/{NAME}/file")).json())["statement"] is None:
            await asyncio.sleep(0.05)
    assert found["statement"]["ratios"]["altman_z"] == pytest.approx(2.9709, abs=1e-3)
    assert "FINANCIAL" in [part["code"] for part in found["parts"]]


async def _dead_letters(settings: Settings, pipeline: Pipeline, staff: Staff) -> None:
    path = "/v1/dead-letters/resubmissions"
    letters = {letter.data.source.topic: letter.id for letter in await read_dead_letters(settings)}
    wrong, act = letters[PAYMENTS], letters[ASSESSMENTS]
    asked = await staff.analyst.post(path, json={"ids": [wrong]})
    assert (refused(asked), asked.json()["errors"][0]["field"]) == ((422, "refused_again"), "payment.received.amount")
    mended = json.dumps(head(12) | {"event_id": "p-right", "occurred_at": MENDED, **PAYMENT, "amount": "5"})
    submitted = await staff.analyst.post(path, json={"ids": [wrong], "value": mended})
    assert submitted.json()[0] | {"at": ""} == {"id": wrong, "by": "analyst", "at": "", "mended": True}
    assert refused(await staff.analyst.post(path, json={"ids": [act]})) == (403, "role_needed"), "ana had decided it"
    assert (await staff.admin.post(path, json={"ids": [act]})).status_code == 200
    await pipeline.drain()
    while (found := (await staff.reader.get(f"/v1/customers/{NAME}/file")).json())["override"] is None:
        await asyncio.sleep(0.05)
    assert (found["unapplied"], found["override"]["level"]) == ({"USD": "5"}, "PRIME")


async def _policy_trial(staff: Staff) -> None:
    path, draft = "/v1/policy-trials", "version: tighter\nlimits: {base: {USD: 100}}\n"
    assert refused(await staff.reader.post(path, json={"text": draft})) == (403, "role_needed")
    assert refused(await staff.analyst.post(path, json={"text": "limits: 7"})) == (422, "policy_invalid")
    started = await staff.analyst.post(path, json={"text": draft})
    assert started.status_code == 202
    assert refused(await staff.analyst.post(path, json={"text": draft})) == (409, "conflict")
    where = started.headers["Location"]
    while (trial := (await staff.reader.get(where)).json())["state"] in ("reading", "running"):
        await asyncio.sleep(0.5)
    assert trial["state"] == "done", trial["message"]
    assert (trial["found"]["b"]["policy_version"], trial["progress"]) == ("tighter", 1.0)
    assert trial["found"]["difference"]["USD"]["holds"] + trial["found"]["difference"]["USD"]["rejections"] > 0
    level_now = (await staff.reader.get(f"/v1/customers/{NAME}/file")).json()["level"]
    assert trial["found"]["a"]["levels"] == {level_now: 1}  # the past ends where the book stands, not a month later


async def _models(settings: Settings, pipeline: Pipeline, staff: Staff) -> None:
    models = (await staff.reader.get("/v1/models")).json()
    assert [(model["partition"], model["task"]) for model in models] == [(0, "A"), (0, "B"), (1, "A"), (1, "B")]
    assert {model["champion"] for model in models} == {"base"}
    said = {"task": "A", "model": "nobody"}
    assert refused(await staff.approver.post("/v1/models/promotions", json=said)) == (403, "role_needed")
    assert (await staff.admin.post("/v1/models/promotions", json=said)).status_code == 202
    await pipeline.drain()
    notes = [json.loads(record.value or b"")["data"] async for record in read_to_end(settings, MODEL_LOG)]
    assert [(note["kind"], note["model"]) for note in notes] == [("refused", "nobody")] * 2
