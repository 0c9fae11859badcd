"""Webhook subscriptions over HTTP, from their making to their end; the service behind them is that of the commands."""

from __future__ import annotations

from contextlib import AsyncExitStack
from typing import Any

import pytest

from desk.api.roles import Role
from streams.topic_admin import ensure_topics
from tests.integration.api_parts import client_of, served
from tests.integration.conftest import MakeSettings
from tests.integration.webhook_parts import KEY, Ledger, Receiver, dispatching

pytestmark = pytest.mark.embedded_only  # what is proved here is HTTP; brokers are compared elsewhere

PATH = "/v1/subscriptions"


async def test_a_subscription_from_its_beginning_to_its_end(make_settings: MakeSettings) -> None:
    settings = make_settings(secret_key=KEY, webhook_allow="127.0.0.0/8", webhook_most_subscriptions=3)
    await ensure_topics(settings)
    receiver, ledger = Receiver(), Ledger(settings)
    async with AsyncExitStack() as stack:
        url = await stack.enter_async_context(served(settings))
        admin = await stack.enter_async_context(client_of(url, settings, Role.ADMIN, "adam"))
        analyst = await stack.enter_async_context(client_of(url, settings, Role.ANALYST))
        reader = await stack.enter_async_context(client_of(url, settings, Role.READER))

        asked = {"url": receiver.url, "name": "ERP", "filters": {"level_at_or_below": "WATCH"}}
        assert (await analyst.post(PATH, json=asked)).status_code == 403
        assert (await reader.get(PATH)).status_code == 403
        made = await admin.post(PATH, json=asked)
        assert made.status_code == 201
        receiver.secrets.append(made.json()["secret"])
        shown = made.json()["subscription"]
        assert (shown["created_by"], shown["filters"]["topics"]) == ("adam", ["credit-alerts"])
        one = f"{PATH}/{shown['id']}"
        assert (await analyst.get(PATH)).json() == [shown]

        async def told(path: str, body: object = None, status: int = 200) -> Any:
            answer = await admin.post(f"{one}{path}", json=body)
            assert answer.status_code == status, answer.text
            return answer.json()

        assert (await told("/test"))["error"] == "connect"
        async with receiver, dispatching(settings):
            await ledger.publish(["A", "B"], 2)
            await receiver.until(4)
            log = (await analyst.get(f"{one}/deliveries")).json()
            while len(log) < 4:
                log = (await analyst.get(f"{one}/deliveries")).json()
            assert {entry["data"]["outcome"] for entry in log} == {"delivered"}
            assert (await analyst.get(f"{one}/deliveries", params={"outcome": "failed"})).json() == []
            assert (await analyst.get(f"{one}/dead-deliveries")).json() == []
            assert await told("/redeliver", {"dead": True}, 202) == {"events": 0}
            receiver.accepted.clear()
            event = log[-1]["data"]["event_id"]
            assert await told("/redeliver", {"event_ids": [event]}, 202) == {"events": 1}
            await receiver.until(1)
            assert await told("/replay", {"customer_id": "B", "from_sequence": 2}, 202) == {"events": 1}
            await receiver.until(2)
            assert set(receiver.ids()) == {event, "ticks/0/2/B/tightening"}
            assert await told("/replay", {"since": "2020-01-01T00:00:00Z"}, 202) == {"events": None}
            await receiver.until(4)

            changed = await admin.put(one, json=asked | {"filters": {"topics": ["credit-levels", "credit-alerts"]}})
            assert changed.json()["filters"]["level_at_or_below"] is None
            receiver.accepted.clear()
            await ledger.publish(["C"])
            await receiver.until(1)
            assert receiver.by_customer() == {"C": [1]}, "what came before a topic was chosen is not sent"
        assert (await analyst.get(one)).json()["deliveries"]["attempts"] >= 5

        rotated = await told("/rotate-secret", {"overlap_hours": 1})
        assert rotated["secret"] not in receiver.secrets
        assert len(rotated["subscription"]["secrets"]) == 2
        assert (await told("/pause", {"reason": "moving"}))["status"] == "paused"
        assert (await told("/resume"))["status"] == "active"
        for body, status, code in (
            (asked | {"url": "http://10.1.2.3/x"}, 422, "webhook_address"),
            (asked | {"filters": {"topics": ["orders"]}}, 422, "webhook_topic"),
            (asked | {"secret": "mine"}, 422, "invalid_request"),
        ):
            for answer in (await admin.post(PATH, json=body), await admin.put(one, json=body)):
                assert (answer.status_code, answer.json()["code"]) == (status, code), answer.text
        await told("/redeliver", {"event_ids": ["never"]}, 422)
        await told("/redeliver", {}, 422)
        await told("/replay", {"customer_id": "B"}, 422)
        for number in range(2, 4):
            assert (await admin.post(PATH, json=asked)).status_code == 201, number
        full = await admin.post(PATH, json=asked)
        assert (full.status_code, full.json()["code"]) == (409, "too_many_subscriptions")
        assert full.headers["content-type"] == "application/problem+json"
        assert (await admin.put(one, json=asked)).status_code == 200, "what is there may be changed"
        for other in (await admin.get(PATH)).json()[1:]:
            assert (await admin.delete(f"{PATH}/{other['id']}")).status_code == 204
        assert (await admin.delete(one)).status_code == 204
        await told("/resume", status=404)
        assert (await admin.get(PATH)).json() == []
