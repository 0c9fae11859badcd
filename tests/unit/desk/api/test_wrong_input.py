"""Wrong input to every operation of the document: the right status, a readable problem, and nothing changed."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Iterator
from copy import deepcopy
from typing import Any

import pytest
from schemathesis.python import asgi

from desk.api.keys import create_key
from desk.api.roles import Role
from tests.unit.desk.api.in_memory import in_memory

APP, RECORDS, ADMIN = in_memory()
READER, _ = asyncio.run(create_key(RECORDS, "rea", Role.READER))
OPERATIONS = [
    (method, path, operation)
    for path, methods in APP.openapi()["paths"].items()
    for method, operation in methods.items()
    if path != "/health"
]
WITH_BODY = [(method, path) for method, path, operation in OPERATIONS if "requestBody" in operation]
WRITING = [(method, path) for method, path, _ in OPERATIONS if method != "get"]
PAGED = [
    (method, path)
    for method, path, operation in OPERATIONS
    if any(parameter["name"] == "limit" for parameter in operation.get("parameters", ()))
]
BODIES = [b"", b"{nonsense", b"[]", b'"x"', b"null", b'{"nonsense": 1}', b'{"reason": "\xff\xfe"}', b"[" * 50_000]


@pytest.fixture(scope="module")
def client() -> Iterator[Any]:
    with asgi.get_client(APP) as opened:
        yield opened


def refused(client: Any, method: str, path: str, key: str | None, status: int, body: bytes | None = None) -> Any:
    """The problem of a request that has to be refused, after which everything is as before."""
    before = deepcopy(RECORDS.kept)
    headers = {"Content-Type": "application/json"} | ({} if key is None else {"Authorization": f"Bearer {key}"})
    answer = client.request(method, re.sub(r"{\w+}", "x", path), data=body, headers=headers)
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    problem = json.loads(answer.text)
    assert problem["status"] == status
    assert problem["request_id"] == answer.headers["x-request-id"]
    assert problem["code"]
    assert problem["detail"]
    assert "Traceback" not in answer.text
    assert before == RECORDS.kept
    return problem


@pytest.mark.parametrize(("method", "path"), [(method, path) for method, path, _ in OPERATIONS])
def test_nobody_is_let_in_without_a_key(client: Any, method: str, path: str) -> None:
    refused(client, method, path, None, 401)
    refused(client, method, path, "cpk_0_0", 401)


@pytest.mark.parametrize(("method", "path"), WRITING)
def test_a_reader_changes_nothing(client: Any, method: str, path: str) -> None:
    """Refused before the body is looked at."""
    assert refused(client, method, path, READER, 403, b"{}")["code"] == "role_needed"


@pytest.mark.parametrize(("method", "path"), WITH_BODY)
def test_a_wrong_body_is_told(client: Any, method: str, path: str) -> None:
    """With the field that is wrong."""
    for body in BODIES:
        assert refused(client, method, path, ADMIN, 422, body)["errors"], body[:20]


@pytest.mark.parametrize(("method", "path"), PAGED)
def test_a_wrong_page_is_told(client: Any, method: str, path: str) -> None:
    for query in ("limit=0", "limit=x", "limit=1000000", "offset=-1", "offset=1e99"):
        problem = refused(client, method, f"{path}?{query}", ADMIN, 422)
        assert problem["errors"][0]["field"] == f"query.{query.partition('=')[0]}"


@pytest.mark.parametrize(("method", "path"), [(method, path) for method, path, _ in OPERATIONS])
def test_a_parameter_that_there_is_not_is_told(client: Any, method: str, path: str) -> None:
    """One with a slip in its name would otherwise be ignored, and the answer be that to another question."""
    path = path.replace("/v1/views/{name}", "/v1/views/alerts")
    problem = refused(client, method, f"{path}?custommer_id=C-1", ADMIN, 422, b"{}")
    assert "custommer_id" in problem["errors"][0]["field"]
    assert "custommer_id" in problem["detail"]
    refused(client, method, f"{path}?custommer_id=C-1", None, 401, b"{}")
