"""The read API over a real engine: what people may ask, and that every wrong question is told what is wrong."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from aiohttp.test_utils import TestClient, TestServer

from schemas.levels import Level
from streams.archive.answers import Answers
from streams.archive.api import Api
from streams.archive.catalog import VIEWS
from streams.archive.client import ClickHouse
from streams.archive.dsn import parse_dsn
from streams.archive.migrations import migrate
from streams.archive.status import SERVICE, Status
from streams.settings import Settings
from tests.integration.archive_parts import (
    Shelf,
    alert_record,
    at,
    invoiced,
    level_record,
    log_of,
    paid,
    parts,
    until,
)

pytestmark = pytest.mark.embedded_only

WAY_BACK = {"to_level": "STANDARD", "pay": {"USD": "600"}, "invoices": ["I1"], "not_before": None}
ODD_ID = "A/B %41?x=1#ü"


class Web:
    """The API, and what it answers."""

    def __init__(self, client: Any, status: Status, shelf: Shelf) -> None:
        self.client, self.status, self.shelf = client, status, shelf

    async def get(self, path: str) -> tuple[int, Any]:
        """Status and JSON body."""
        answer = await self.client.get(path)
        return answer.status, await answer.json()


@pytest.fixture
async def web(tmp_path: Path) -> AsyncIterator[Web]:
    """The API over an archive with a small book."""
    database = ClickHouse(parse_dsn(Settings(_env_file=None, clickhouse_dsn=f"chdb://{tmp_path}/chdb")))
    await database.open(create=True)
    await migrate(database)
    shelf, status = Shelf(database), Status()
    await shelf.put(
        [
            *log_of(
                invoiced("A", "I1", "1000", "2025-01-10", "2025-02-09"),
                paid("A", "P1", "400", "2025-02-20", "I1"),
                paid("B", "P2", "5", "2025-02-21", currency="EUR"),
                paid(ODD_ID, "P3", "7", "2025-02-22"),
                until("2025-03-31"),
            ),
            level_record("A", 1, at("2025-01-10"), Level.STANDARD, Level.UNRATED, score_before=None),
            level_record("A", 2, at("2025-02-20"), Level.WATCH, Level.STANDARD, offset=1),
            alert_record("A", 1, at("2025-02-20"), "tightening", way_back=WAY_BACK),
        ]
    )
    status.ready = status.consuming = True
    async with TestClient(TestServer(Api(Answers([database]), status).application())) as client:
        yield Web(client, status, shelf)
    await database.close()


async def test_a_customer(web: Web) -> None:
    """The latest decision with reasons and way back; exposure as of the day of the book, beside the limit."""
    status, found = await web.get("/v1/customers/A?timeline=3")
    assert status == 200
    names = ("customer_id", "level", "level_before", "since", "score", "score_before", "as_of", "events", "way_back")
    assert parts(found, *names) == (
        "A", "WATCH", "STANDARD", "2025-02-20T12:00:00.000Z", 500, 600, "2025-03-31", 2, WAY_BACK,
    )  # fmt: skip
    assert found["reasons"] == [{"code": "AGEING", "contribution": -100, "detail": {}}]
    assert found["measures"] == {"terms_days": 30, "deposit_share": 0.0, "orders": "approve", "terms_basis": None}
    (exposure,) = found["exposures"]
    assert exposure == {
        "currency": "USD", "open_orders": "0.0000", "open_invoices": "600.0000", "unapplied_cash": "0.0000",
        "exposure": "600.0000", "overdue": "600.0000", "oldest_days_past_due": 50, "limit": "1000.0000",
        "headroom": "400.0000", "utilisation": 0.6, "disputed": "0.0000",
    }  # fmt: skip
    assert [entry["kind"] for entry in found["timeline"]] == ["alert", "level", "event"]
    assert found["timeline"][2]["event"]["payment_id"] == "P1"


async def test_a_customer_that_was_never_assessed(web: Web) -> None:
    """Known from the log alone: unrated, without score and without limit, which is not a limit of zero."""
    _, found = await web.get("/v1/customers/B")
    assert parts(found, "level", "score", "reasons", "way_back", "provisional") == ("UNRATED", None, [], None, True)
    (exposure,) = found["exposures"]
    assert parts(exposure, "currency", "exposure", "limit", "headroom", "utilisation") == (
        "EUR", "-5.0000", None, None, None,
    )  # fmt: skip


async def test_an_easing_takes_the_way_back_away(web: Web) -> None:
    """The way back stands as long as the newest alert is the tightening."""
    await web.shelf.put([alert_record("A", 2, at("2025-02-25"), "easing", offset=1)])
    assert (await web.get("/v1/customers/A"))[1]["way_back"] is None


async def test_ids_with_signs_of_the_url(web: Web) -> None:
    """Any id that the contracts allow can be asked for."""
    status, found = await web.get(f"/v1/customers/{quote(ODD_ID, safe='')}")
    assert (status, found["customer_id"]) == (200, ODD_ID)
    status, page = await web.get(f"/v1/views/events?customer_id={quote(ODD_ID, safe='')}")
    assert (status, len(page["rows"])) == (200, 1)


async def test_pages_of_a_view(web: Web) -> None:
    """Limit and offset cut stable pages."""
    _, whole = await web.get("/v1/views/events")
    pages = [(await web.get(f"/v1/views/events?limit=2&offset={offset}"))[1]["rows"] for offset in (0, 2, 4)]
    assert [len(page) for page in pages] == [2, 2, 0]
    assert [row for page in pages for row in page] == whole["rows"]


async def test_every_view_is_listed_and_answers(web: Web) -> None:
    """The list names all views with a description, and each can be read."""
    _, listed = await web.get("/v1/views")
    assert [view["name"] for view in listed["views"]] == list(VIEWS)
    for view in listed["views"]:
        assert view["about"].startswith("One row")
        status, page = await web.get(f"/v1/views/{view['name']}")
        assert (status, page["view"]) == (200, view["name"])


@pytest.mark.parametrize(
    ("path", "status", "code", "field"),
    [
        ("/v1/customers/nobody", 404, "not_found", None),
        ("/v1/customers/A?timeline=x", 400, "timeline", "timeline"),
        ("/v1/customers/A?timeline=10001", 400, "timeline", "timeline"),
        (f"/v1/customers/{'x' * 65}", 400, "customer_id", "customer_id"),
        ("/v1/views/nothing", 404, "not_found", None),
        ("/v1/views/raw_log", 404, "not_found", None),
        ("/v1/views/alerts?limit=0", 400, "limit", "limit"),
        ("/v1/views/alerts?limit=-1", 400, "limit", "limit"),
        ("/v1/views/alerts?limit=99999999999999999999", 400, "limit", "limit"),
        ("/v1/views/alerts?offset=1.5", 400, "offset", "offset"),
        ("/v1/views/alerts?customer=A", 400, "unknown_parameter", "customer"),
        ("/v1/views/dso?customer_id=A", 400, "customer_id", "customer_id"),
        ("/v2/x", 404, "not_found", None),
    ],
)
async def test_wrong_questions(web: Web, path: str, status: int, code: str, field: str | None) -> None:
    """Each wrong question gets the same kind of answer: code, message and the field that is wrong."""
    got, body = await web.get(path)
    assert (got, body["code"], body["field"]) == (status, code, field)
    assert body["message"]


async def test_nothing_can_be_changed(web: Web) -> None:
    """The API only reads."""
    answer = await web.client.post("/v1/views/alerts", json={})
    assert (answer.status, (await answer.json())["code"]) == (405, "method_not_allowed")


async def test_health_and_metrics(web: Web) -> None:
    """Health is 200 while it archives and 503 with the reason while it waits; metrics tell the same."""
    status, body = await web.get("/health")
    assert (status, body["status"], body["service"], body["pid"]) == (200, "ok", SERVICE, os.getpid())
    web.status.problem("clickhouse", "ClickHouse is away")
    status, body = await web.get("/health")
    assert (status, body["status"], body["problems"]) == (503, "waiting", {"clickhouse": "ClickHouse is away"})
    text = await (await web.client.get("/metrics")).text()
    assert "creditpulse_archive_up 0.0" in text


async def test_before_the_views_are_there(web: Web) -> None:
    """While the tables are being made, questions are answered with what it waits for."""
    web.status.ready = False
    web.status.problem("clickhouse", "ClickHouse is away")
    status, body = await web.get("/v1/views/alerts")
    assert (status, body["code"]) == (503, "unavailable")
    assert "ClickHouse is away" in body["message"]


async def test_clickhouse_trouble_is_told_without_a_stack_trace(web: Web) -> None:
    """A view that is gone is a failure on our side, in JSON."""
    await web.shelf.database.command("DROP VIEW alerts")
    status, body = await web.get("/v1/views/alerts")
    assert (status, body["code"]) == (500, "failed")
