"""The REST API on real parts: a worker, an archive, and the API served over HTTP."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import httpx
import pytest

from desk.api.roles import Role
from schemas.decisions import CREDIT_LEVEL
from tests.integration.api_parts import client_of, served
from tests.integration.book import Book
from tests.integration.conftest import MakeSettings
from tests.integration.pipeline import Decisions, Pipeline, decisions, publish

pytestmark = pytest.mark.embedded_only  # what is proved here is HTTP; brokers are compared elsewhere


async def events_of(response: httpx.Response, count: int) -> list[tuple[str, str, dict[str, object]]]:
    """The first events of a stream: (id, kind, CloudEvent)."""
    found, fields = [], {}
    async for line in response.aiter_lines():
        if line:
            name, _, value = line.partition(": ")
            fields[name] = value
        elif "data" in fields:
            found.append((fields["id"], fields["event"], json.loads(fields["data"])))
            fields = {}
            if len(found) == count:
                break
    return found


async def test_other_systems_read_the_book_and_hear_of_it(make_settings: MakeSettings) -> None:
    """Reading, the stream with its resumption, and what is refused; one worker for all of it."""
    settings = make_settings()
    events = Book(customers=12, days=120).events()
    half = len(events) // 2
    await publish(settings, events[:half])
    with Pipeline(settings) as pipeline:
        for role in ("engine", "gate", "archive"):
            pipeline.start(role)
        await pipeline.drain()
        async with served(settings) as url, client_of(url, settings, Role.READER) as reader:
            async with reader.stream("GET", "/v1/events", headers={"Last-Event-ID": "0"}) as stream:
                first = await events_of(stream, 5)
            async with reader.stream("GET", "/v1/events", headers={"Last-Event-ID": first[-1][0]}) as stream:
                await publish(settings, events[half:])
                await pipeline.drain()
                expected = await decisions(settings)
                expected = {name: out for name, out in expected.items() if "model-note" not in out["type"]}
                rest = await events_of(stream, len(expected) - 5)
            heard = [event["id"] for _, _, event in first + rest]
            assert len(set(heard)) == len(heard)
            assert set(heard) == set(expected)
            # Within the memory of the process, and only what was asked for.
            middle = rest[len(rest) // 2]
            later = [event for _, kind, event in rest[len(rest) // 2 + 1 :] if kind == "level"]
            only = {"kind": "level"}
            async with reader.stream("GET", "/v1/events", params=only, headers={"Last-Event-ID": middle[0]}) as stream:
                again = await events_of(stream, len(later))
            # The order is that of each customer; customers come interleaved in any way.
            assert sorted(str(event["id"]) for _, _, event in again) == sorted(str(event["id"]) for event in later)

            await pipeline.archived()
            await _reads(reader)
            await _refusals(url, reader)
            async with client_of(url, settings, Role.ORDER_ENTRY) as order_entry:
                await _credit_checks(order_entry, decisions_of(expected))


async def _reads(reader: httpx.AsyncClient) -> None:
    health = (await reader.get("/health")).json()
    assert (health["ok"], health["customers"]) == (True, 12)
    pages: list[str] = []
    offset: int | None = 0
    while offset is not None:
        page = (await reader.get("/v1/customers", params={"limit": 5, "offset": offset})).json()
        pages += [row["customer_id"] for row in page["rows"]]
        offset = page["next_offset"]
    assert pages == [f"C{number:03d}" for number in range(12)]
    customer = (await reader.get("/v1/customers/C003", params={"timeline": 3})).json()
    assert (customer["customer_id"], len(customer["timeline"])) == ("C003", 3)
    names = {view["name"] for view in (await reader.get("/v1/views")).json()}
    assert {"alerts", "open_items", "dso"} <= names
    assert (await reader.get("/v1/views/dso")).json()["rows"]


async def _refusals(url: str, reader: httpx.AsyncClient) -> None:
    async with httpx.AsyncClient(base_url=url) as nobody:
        for headers in ({}, {"Authorization": "Bearer cpk_0_0"}, {"Authorization": "Basic YTpi"}):
            answer = await nobody.get("/v1/customers", headers=headers)
            assert (answer.status_code, answer.headers["content-type"]) == (401, "application/problem+json")
            assert answer.headers["x-request-id"] == answer.json()["request_id"]
    for path, params, status, said in (
        ("/v1/customers/none", {}, 404, "knows no customer"),
        ("/v1/views/none", {}, 404, "there is no view"),
        ("/v1/views/dso", {"customer_id": "C1"}, 422, "knows no customers"),
        ("/v1/customers", {"limit": 0}, 422, "query.limit"),
        ("/v1/customers", {"limit": "x"}, 422, "query.limit"),
        ("/v1/alerts", {"customer_id": " "}, 422, "query.customer_id"),
        ("/v1/nothing", {}, 404, "Not Found"),
    ):
        answer = await reader.get(path, params=params)
        assert (answer.status_code, answer.headers["content-type"]) == (status, "application/problem+json")
        assert said in answer.json()["detail"]
    answer = await reader.get("/v1/events", headers={"Last-Event-ID": "nonsense"})
    assert (answer.status_code, answer.json()["code"]) == (422, "last_event_id")
    assert (await reader.post("/v1/credit-checks", json={})).status_code == 403


def decisions_of(expected: Decisions) -> dict[str, dict[str, Any]]:
    """The latest level event of each customer."""
    levels = (out for out in expected.values() if out["type"] == CREDIT_LEVEL)
    return {out["subject"]: out["data"] for out in sorted(levels, key=lambda out: str(out["sequence"]))}


async def _credit_checks(client: httpx.AsyncClient, latest: dict[str, dict[str, Any]]) -> None:
    """The answers are those of the engine's own figures; amounts decide in their currency alone."""
    path = "/v1/credit-checks"
    for customer_id, level in latest.items():
        limit = Decimal(level["exposures"][0]["limit"])
        small = (await client.post(path, json={"customer_id": customer_id, "amount": "0.01", "currency": "USD"})).json()
        assert (small["level"], small["known"], small["stale"]) == (level["level"], True, False)
        assert Decimal(small["exposure"]["limit"]) == limit
        over = {"customer_id": customer_id, "amount": str(limit + 1), "currency": "USD"}
        answer = (await client.post(path, json=over)).json()
        assert "OVER_LIMIT" in {check["code"] for check in answer["checks"]}
        assert answer["decision"] == ("reject" if level["level"] == "BLOCKED" else "hold")
    unknown = (await client.post(path, json={"customer_id": "new", "amount": "5", "currency": "USD"})).json()
    assert (unknown["known"], unknown["level"], unknown["decision"]) == (False, "UNRATED", "approve")
    for wrong, field in (
        ({"customer_id": "C001", "amount": "5"}, "body.currency"),
        ({"customer_id": "C001", "amount": "-5", "currency": "USD"}, "body.amount"),
        ({"customer_id": "C001", "amount": "5", "currency": "XXX9"}, "body.currency"),
        ({"customer_id": "", "amount": "5", "currency": "USD"}, "body.customer_id"),
        ({"customer_id": "C001", "amount": "5", "currency": "USD", "limit": 1}, "body.limit"),
    ):
        refused = await client.post(path, json=wrong)
        assert (refused.status_code, refused.json()["errors"][0]["field"]) == (422, field)
    answer = await client.post(path, content=b"{nonsense", headers={"Content-Type": "application/json"})
    assert answer.status_code == 422
    missing = await client.post("/v1/orders/none/check", json={"customer_id": "C001"})
    assert (missing.status_code, missing.json()["code"]) == (404, "not_found")
