"""Alerts over HTTP: seen, taken note of, silenced, in the name of the key; what they are is the dispatcher's state."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from datetime import UTC, datetime, timedelta

import msgspec
import pytest

from alerts.dispatch.store import StateStore
from alerts.routing.state import Alert, Stage
from desk.api.roles import Role
from models.calendar import to_ms
from streams.topic_admin import ensure_topics
from tests.integration.api_parts import client_of, served
from tests.integration.conftest import MakeSettings

pytestmark = pytest.mark.embedded_only  # what is proved here is HTTP; brokers are compared elsewhere

STATES, SILENCES = "/v1/alert-states", "/v1/silences"


def firing(customer: str) -> dict[str, bytes | None]:
    """A stored alert."""
    labels = {"customer": customer, "severity": "warning", "kind": "tightening", "cause_kind": "DPD_30"}
    alert = Alert(f"{customer}/1", customer, labels, Stage.FIRING, to_ms(datetime.now(UTC)), f"e/{customer}", [])
    return {f"alert/{alert.key}": msgspec.json.encode(alert)}


async def test_people_take_note_and_silence(make_settings: MakeSettings) -> None:
    settings = make_settings()
    await ensure_topics(settings)
    async with AsyncExitStack() as stack:
        url = await stack.enter_async_context(served(settings))
        reader = await stack.enter_async_context(client_of(url, settings, Role.READER))
        carl = await stack.enter_async_context(client_of(url, settings, Role.ANALYST, "carl"))
        store = await stack.enter_async_context(StateStore(settings))
        await store.commit(firing("C-1") | firing("C-2"))
        while len((await reader.get(STATES)).json()) < 2:
            await asyncio.sleep(0.02)
        (found,) = (await reader.get(STATES, params={"customer_id": "C-1", "state": "firing"})).json()
        path = f"{STATES}/C-1%2F1"
        assert (await reader.get(path)).json() == found
        assert (await reader.get(f"{STATES}/none")).status_code == 404
        assert (await reader.get(STATES, params={"limit": 1, "offset": 2})).json() == []

        assert (await reader.post(f"{path}/acknowledge", json={})).status_code == 403
        noted = await carl.post(f"{path}/acknowledge", json={"reason": "called them"})
        assert (noted.json()["state"], noted.json()["acknowledged_by"]) == ("acknowledged", "carl")
        again = await carl.post(f"{path}/acknowledge", json={})
        assert (again.status_code, again.json()["code"]) == (409, "conflict")

        hour = timedelta(hours=1)
        asked = {"matchers": ["customer=C-2"], "reason": "payment plan", "ends": str(datetime.now(UTC) + hour)}
        assert (await reader.post(SILENCES, json=asked)).status_code == 403
        for wrong, field in (
            ({"matchers": ["colour=red"]}, "matchers"),
            ({"matchers": []}, "body.matchers"),
            ({"ends": str(datetime.now(UTC) - hour)}, "ends"),
            ({"author": "bob"}, "body.author"),
        ):
            refused = await carl.post(SILENCES, json=asked | wrong)
            assert (refused.status_code, refused.json()["errors"][0]["field"]) == (422, field), refused.text
        made = await carl.post(SILENCES, json=asked)
        assert (made.status_code, made.json()["author"]) == (201, "carl")
        silence_id = made.json()["id"]
        (muted,) = (await reader.get(STATES, params={"customer_id": "C-2"})).json()
        assert muted["muted_by_silence"] == silence_id
        ended = await carl.post(f"{SILENCES}/{silence_id}/expire")
        assert (ended.json()["state"], ended.json()["ended_by"]) == ("expired", "carl")
        assert (await carl.post(f"{SILENCES}/{silence_id}/expire")).status_code == 409
        assert (await carl.post(f"{SILENCES}/none/expire")).status_code == 404
        assert (await reader.get(SILENCES)).json() == []
        assert len((await reader.get(SILENCES, params={"with_expired": True})).json()) == 1
