"""A credit check over HTTP gets what the order then gets, also while the brake stops holds."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import httpx
import pytest

from desk.api.roles import Role
from schemas.assessments import MasterDataChanged
from schemas.events import OrderPlaced
from schemas.topics import ASSESSMENTS, ORDERS, TICKS
from streams.clock import tick
from streams.publisher import Publisher
from streams.sources.event_file import TimedEvent, timed
from tests.integration.api_parts import api_on_a_book
from tests.integration.conftest import ALONE, MakeSettings

pytestmark = pytest.mark.embedded_only  # what is proved here is HTTP; brokers are compared elsewhere

START = datetime(2025, 3, 3, 8, tzinfo=UTC)
BRAKE = "brake: {hold_share: null, customers: null, exposure: {USD: 2500}, always: 1}\n"
CHECKS = "order_checks: {max_order: {USD: 1}}\n"
"""A typo would hold every order; beyond the first customer, each of two partitions holds for half of that exposure."""
CUSTOMERS = [f"C-{number}" for number in range(10)]


def book() -> Iterable[TimedEvent]:
    yield timed(TICKS, START, tick(START))
    for customer_id in CUSTOMERS:
        fields: dict[str, Any] = {"version": 1, "occurred_at": START, "customer_id": customer_id}
        master = MasterDataChanged(**fields, event_id=f"m-{customer_id}", base_limits={"USD": Decimal(5_000)})
        yield timed(ASSESSMENTS, START, master)


def order(customer_id: str, order_id: str, amount: str) -> TimedEvent:
    event = OrderPlaced(
        version=1, occurred_at=START, customer_id=customer_id, event_id=f"{customer_id}/{order_id}", order_id=order_id,
        amount=Decimal(amount), currency="USD",
    )  # fmt: skip
    return timed(ORDERS, START, event)


async def decided(client: httpx.AsyncClient, customer_id: str, order_id: str) -> dict[str, Any]:
    """The order as it stands, once the engine has decided on it."""
    async with asyncio.timeout(30):
        while True:
            answer = await client.get(f"/v1/open-orders/{order_id}", params={"customer_id": customer_id})
            if answer.status_code == 200:
                return dict(answer.json())
            await asyncio.sleep(0.02)


async def test_the_answer_is_what_the_order_then_gets(make_settings: MakeSettings) -> None:
    """Some are held until the brake stops it; a second order of each customer follows the first."""
    settings = make_settings()
    found: list[str] = []
    async with (
        api_on_a_book(settings, ALONE + BRAKE + CHECKS, book(), shop=Role.ORDER_ENTRY) as (_, clients),
        Publisher(settings) as publisher,
    ):
        shop = clients["shop"]
        for round_number, amount in enumerate(("700", "300")):
            for customer_id in CUSTOMERS:
                order_id = f"SO-{round_number}"
                asked = {"customer_id": customer_id, "amount": amount, "currency": "USD"}
                answers = [(await shop.post("/v1/credit-checks", json=asked)).json() for _ in range(2)]
                assert answers[0] == answers[1], "asking uses up no room"
                await publisher.place(order(customer_id, order_id, amount))
                stands = (await decided(shop, customer_id, order_id))["standing"]
                assert answers[0]["decision"] == stands, customer_id
                codes = [check["code"] for check in answers[0]["checks"]]
                assert codes == ["MAX_ORDER"] + ["HOLD_STOPPED"] * (stands == "approve")
                body = {"customer_id": customer_id}
                booked = (await shop.post(f"/v1/orders/{order_id}/check", json=body)).json()
                assert (booked["decision"], booked["standing"]) == (stands, stands)
                found.append(stands)
    assert found[: len(CUSTOMERS)] == found[len(CUSTOMERS) :]
    assert 2 <= found.count("hold") <= len(found) - 4, "both happen"
