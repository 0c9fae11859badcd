"""What persons decide over HTTP, through Kafka and the engine: who may, what is answered, nothing is done twice."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import httpx
import pytest
from aiokafka import ConsumerRecord, TopicPartition
from pydantic import BaseModel

from desk.api.roles import Role
from schemas.assessments import MasterDataChanged
from schemas.events import OrderInvoiced, OrderPlaced
from schemas.topics import ASSESSMENTS, ORDERS, TICKS
from streams.clock import tick
from streams.live_book import LiveBook
from streams.settings import Settings
from streams.sources.event_file import TimedEvent, timed
from tests.integration.api_parts import api_on_a_book
from tests.integration.conftest import ALONE, MakeSettings
from tests.integration.pipeline import Pipeline, decisions

pytestmark = pytest.mark.embedded_only  # what is proved here is HTTP; brokers are compared elsewhere

START = datetime(2025, 3, 3, 8, tzinfo=UTC)
FOUR_EYES = "order_checks: {four_eyes_above: {USD: 5000}}\n"
CUSTOMER = {"customer_id": "C-1"}
WHY = {"reason": "agreed on the phone"}


def book() -> list[TimedEvent]:
    """A new customer, who gets half of the limit of USD 1,000: the first order passes, the others wait."""
    head: dict[str, Any] = {"version": 1, "occurred_at": START, **CUSTOMER}
    events: list[tuple[str, BaseModel]] = [
        (TICKS, tick(START)),
        (ASSESSMENTS, MasterDataChanged(**head, event_id="m", base_limits={"USD": Decimal(1_000)})),
    ]
    for number, amount in enumerate((450, 600, 6_000, 650)):
        order = OrderPlaced(
            **head, event_id=f"o{number}", order_id=f"SO/{number}", amount=Decimal(amount), currency="USD"
        )
        events.append((ORDERS, order))
    due = START.date() + timedelta(days=30)
    events.append((ORDERS, OrderInvoiced(
        **head, event_id="i", invoice_id="I-1", amount=Decimal(50), currency="USD", issue_date=START.date(),
        due_date=due, terms_days=30,
    )))  # fmt: skip
    return [timed(topic, START, event) for topic, event in events]


@dataclass(frozen=True)
class Staff:
    """Clients of three persons: two approvers and an analyst."""

    ana: httpx.AsyncClient
    bob: httpx.AsyncClient
    carl: httpx.AsyncClient


_LATE_SECONDS = 0.1


@pytest.fixture
async def running(
    make_settings: MakeSettings, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[tuple[Settings, Pipeline, Staff]]:
    settings = make_settings()
    async with api_on_a_book(
        settings, ALONE + FOUR_EYES, book(), ana=Role.APPROVER, bob=Role.APPROVER, carl=Role.ANALYST
    ) as (pipeline, clients):
        take = LiveBook._take

        def take_late(book: LiveBook, batches: Mapping[TopicPartition, list[ConsumerRecord]]) -> None:
            asyncio.get_running_loop().call_later(_LATE_SECONDS, take, book, batches)

        # As on a busy machine: an answer that came before the book shows what it says would be seen each time.
        monkeypatch.setattr(LiveBook, "_take", take_late)
        yield settings, pipeline, Staff(**clients)


async def version(client: httpx.AsyncClient, order: str) -> dict[str, int]:
    """The version of an order as it stands."""
    return {"version": (await client.get(f"/v1/open-orders/{order}", params=CUSTOMER)).json()["version"]}


def only(answer: httpx.Response) -> dict[str, Any]:
    """The one decision on an order that an act led to."""
    assert answer.status_code == 200, answer.text
    found = [out["data"] for out in answer.json()["decisions"] if "order-decision" in out["type"]]
    assert len(found) == 1, found
    return dict(found[0])


async def test_persons_decide_and_the_engine_answers(running: tuple[Settings, Pipeline, Staff]) -> None:
    """One worker for all of it; each step begins where the one before has ended."""
    settings, pipeline, staff = running
    await _released_once(settings, staff)
    await _four_eyes(staff)
    await _held_and_lifted(staff)
    await _level_and_dispute(staff)
    await _who_acts_sees_it_done(staff)
    await _answered_later(pipeline, staff)


async def _released_once(settings: Settings, staff: Staff) -> None:
    order = "/v1/orders/SO%2F1"
    seen = await version(staff.ana, "SO%2F1")
    said = CUSTOMER | WHY | seen
    refused = await staff.carl.post(f"{order}/release", json=said)
    assert (refused.status_code, refused.json()["code"]) == (403, "role_needed")
    key = {"Idempotency-Key": "release-of-SO-1"}
    first, second = await asyncio.gather(*[staff.ana.post(f"{order}/release", json=said, headers=key) for _ in "12"])
    decision = only(first)
    assert (decision["decision"], decision["by"], decision["reason"]) == ("release", "ana", WHY["reason"])
    assert second.json() == first.json(), "the same key does the same thing once"
    other = await staff.ana.post(f"{order}/release", json=said | {"reason": "another"}, headers=key)
    assert (other.status_code, other.json()["errors"][0]["field"]) == (422, "Idempotency-Key")
    late = await staff.bob.post(f"{order}/reject", json=said)
    assert (late.status_code, late.json()["code"]) == (409, "version_conflict")
    stands = late.json()["decision"]
    assert (stands["decision"], stands["version"]) == ("approve", decision["version"])
    told = [out["data"] for out in (await decisions(settings)).values() if out["data"].get("by") == "ana"]
    assert [data["decision"] for data in told] == ["release"], "others read it on order-decisions, once"


async def _four_eyes(staff: Staff) -> None:
    order = "/v1/orders/SO%2F2"
    said = CUSTOMER | WHY | await version(staff.ana, "SO%2F2")
    asked = await staff.ana.post(f"{order}/release", json=said | {"second_person": "bob"})
    assert asked.status_code == 422, "who agrees is never taken from the body"
    asked = await staff.ana.post(f"{order}/release", json=said)
    assert (asked.status_code, asked.json()["status"]) == (202, "proposed")
    (proposal,) = (await staff.carl.get("/v1/proposals")).json()
    assert (proposal, proposal["by"], proposal["above"]) == (asked.json()["proposal"], "ana", "5000 USD")
    path = f"/v1/proposals/{proposal['id']}"
    assert (await staff.ana.post(f"{path}/approve")).json()["code"] == "second_person_needed"
    assert (await staff.carl.post(f"{path}/approve")).json()["code"] == "role_needed"
    assert (await staff.carl.post(f"{path}/decline", json={"why": "no"})).status_code == 422
    assert (await staff.carl.post(f"{path}/decline", json={"why": "not mine"})).status_code == 403
    decision = only(await staff.bob.post(f"{path}/approve"))
    assert (decision["decision"], decision["by"], decision["second_person"]) == ("release", "ana", "bob")
    assert (await staff.bob.post(f"{path}/approve")).status_code == 409
    assert (await staff.bob.get("/v1/proposals")).json() == []


async def _held_and_lifted(staff: Staff) -> None:
    order = "/v1/orders/SO%2F0"
    said = CUSTOMER | WHY | await version(staff.carl, "SO%2F0")
    held = only(await staff.carl.post(f"{order}/hold", json=said))
    assert (held["decision"], held["by"]) == ("hold", "carl")
    said |= {"version": held["version"]}
    now = (await staff.carl.get("/v1/open-orders/SO%2F0", params=CUSTOMER)).json()
    assert (now["standing"], now["forced"]["by"]) == ("hold", "carl")
    assert (await staff.carl.post(f"{order}/lift-hold", json=said)).status_code == 403
    lifted = only(await staff.bob.post(f"{order}/lift-hold", json=said))
    assert lifted["by"] == "bob"
    assert "FORCED_HOLD" not in {check["code"] for check in lifted["checks"]}
    again = await staff.bob.post(f"{order}/lift-hold", json=said | {"version": lifted["version"]})
    assert (again.status_code, again.json()["code"]) == (409, "not_forced")
    part = {"up_to_amount": "100", "currency": "USD"}
    said = CUSTOMER | WHY | await version(staff.ana, "SO%2F3")
    released = only(await staff.ana.post("/v1/orders/SO%2F3/release", json=said | part))
    assert (released["decision"], released["measure"]["release_amount"]) == ("hold", "100")
    rejected = only(await staff.carl.post("/v1/orders/SO%2F3/reject", json=said | {"version": released["version"]}))
    assert rejected["decision"] == "reject"
    gone = await staff.carl.post("/v1/orders/SO%2F3/reject", json=said)
    assert (gone.status_code, gone.json()["code"]) == (409, "order_not_open")


async def _level_and_dispute(staff: Staff) -> None:
    path, said = "/v1/customers/C-1/override", {"level": "HIGH_RISK", "expires_on": "2025-06-30", **WHY}
    assert (await staff.carl.post(path, json=said)).status_code == 403
    past = await staff.ana.post(path, json=said | {"expires_on": "2025-01-31"})
    assert (past.status_code, past.json()["code"]) == (422, "expires_on")
    for level, expected in (("HIGH_RISK", "HIGH_RISK"), (None, None)):
        answer = (await staff.ana.post(path, json=said | {"level": level})).json()
        levels = [out["data"]["level"] for out in answer["decisions"] if "level" in out["type"]]
        assert answer["status"] == "done"
        assert levels[-1:] == [expected] if expected else levels[-1:] != ["HIGH_RISK"]
    disputed = await staff.carl.post("/v1/invoices/I-1/dispute", json={**CUSTOMER, "reason": "quality"})
    assert (disputed.status_code, disputed.json()["status"]) == (200, "done")
    ended = {**CUSTOMER, "outcome": "accepted"}
    wrong = await staff.carl.post("/v1/invoices/I-1/resolve-dispute", json=ended)
    assert (wrong.status_code, wrong.json()["code"]) == (422, "invalid_request")
    ended |= {"amount": "50", "currency": "USD"}
    assert (await staff.carl.post("/v1/invoices/I-1/resolve-dispute", json=ended)).json()["status"] == "done"


async def _who_acts_sees_it_done(staff: Staff) -> None:
    """Whatever is read right after "done" shows it, each time: the order, the customer, the list, the sums."""
    order, where = "/v1/orders/SO%2F0", "/v1/open-orders/SO%2F0"
    for turn in range(10):
        said = CUSTOMER | WHY | await version(staff.carl, "SO%2F0")
        held = only(await staff.carl.post(f"{order}/hold", json=said))
        (row,) = (await staff.carl.get("/v1/book/customers")).json()["rows"]
        seen = (await staff.carl.get(where, params=CUSTOMER)).json()
        assert (seen["standing"], seen["version"], seen["forced"]["by"]) == ("hold", held["version"], "carl"), turn
        lifted = only(await staff.bob.post(f"{order}/lift-hold", json=said | {"version": held["version"]}))
        sums = (await staff.carl.get("/v1/book")).json()
        seen = (await staff.carl.get(where, params=CUSTOMER)).json()
        assert (seen["version"], seen["forced"]) == (lifted["version"], None), turn
        assert row["holds"] - sums["holds"] == (lifted["decision"] == "release"), turn
        level = ("HIGH_RISK", "WATCH")[turn % 2]
        over = {"level": level, "expires_on": "2025-06-30", **WHY}
        assert (await staff.ana.post("/v1/customers/C-1/override", json=over)).json()["status"] == "done"
        file, rows = [(await staff.carl.get(path)).json() for path in ("/v1/customers/C-1/file", "/v1/book/customers")]
        assert (file["level"], [row["level"] for row in rows["rows"]]) == (level, [level]), turn


async def _answered_later(pipeline: Pipeline, staff: Staff) -> None:
    """While the engine is away an act waits for it, and is found when it is back."""
    engine = pipeline.children["engine"].pid
    os.kill(engine, signal.SIGSTOP)
    try:
        asked = await staff.carl.post("/v1/orders/SO%2F9/hold", json=CUSTOMER | WHY)
        assert (asked.status_code, asked.json()["status"]) == (202, "pending")
        assert (await staff.carl.get(asked.headers["Location"])).status_code == 202
    finally:
        os.kill(engine, signal.SIGCONT)
    await pipeline.drain()
    found = await staff.carl.get(asked.headers["Location"])
    assert (found.status_code, only(found)["by"]) == (200, "carl")
    for act_id in ("orders.0.999999", "orders.9.1", "control.0.0", "orders.0", "x"):
        assert (await staff.carl.get(f"/v1/acts/{act_id}")).status_code == 404
