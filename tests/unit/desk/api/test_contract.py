"""The API against its own OpenAPI document: what it takes, what it refuses, and what it answers."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, settings
from schemathesis.checks import not_a_server_error
from schemathesis.python import asgi
from schemathesis.specs.openapi.checks import (
    allow_header_conformance,
    positive_data_acceptance,
    unsupported_method,
)

from tests.unit.desk.api.in_memory import CUSTOMER, ORDER, in_memory

APP, RECORDS, KEY = in_memory()
NOT_OURS = [
    not_a_server_error,  # 503 is right here, no broker answers; a crash is a status that is not documented
    positive_data_acceptance,  # rules between fields do not stand in the document
    unsupported_method,  # ids may hold slashes: the path of one operation may be an id of another
    allow_header_conformance,  # Starlette names the methods of one route of a path, not of all
]
schema = schemathesis.openapi.from_asgi("/openapi.json", APP)
schema.config.update(headers={"Authorization": f"Bearer {KEY}"})

THERE = {"customer_id": CUSTOMER, "order_id": ORDER, "name": "tightening_grades"}
"""What parameters may name; ids of anything else lead nowhere here."""
ANSWERED = [
    pytest.param(path, id=path)
    for path, methods in APP.openapi()["paths"].items()
    if "get" in methods
    and set(re.findall(r"{(\w+)}", path)) <= set(THERE)
    and path not in ("/v1/customers/{customer_id}", "/v1/customers/{customer_id}/audit/proof")  # from the archive
]


@pytest.fixture(scope="module")
def session() -> Iterator[Any]:
    """One client for all: the application starts once."""
    with asgi.get_client(APP) as client:
        yield client


@schema.parametrize()
@settings(
    max_examples=5, derandomize=True, deadline=None, database=None, phases=[Phase.explicit, Phase.generate],
    suppress_health_check=list(HealthCheck),
)  # fmt: skip
def test_every_operation_keeps_to_its_document(session: Any, case: schemathesis.Case) -> None:
    """No crash, only documented statuses and bodies, wrong input refused, and nobody let in without a key."""
    case.call_and_validate(session=session, excluded_checks=NOT_OURS)


@pytest.mark.parametrize("path", ANSWERED)
def test_what_is_there_is_told_as_documented(session: Any, path: str) -> None:
    """The body of a good answer: generated ids lead to none of them."""
    operation = schema[path]["GET"]
    asked = {item.name: THERE[item.name] for item in operation.query if item.is_required}
    named = {name: THERE[name] for name in re.findall(r"{(\w+)}", path)}
    answer = operation.Case(path_parameters=named, query=asked, headers={"Authorization": f"Bearer {KEY}"}).call(
        session=session
    )
    assert answer.status_code == 200, answer.text
    operation.validate_response(answer)


def _answers(method: str, path: str) -> dict[str, Any]:
    found: dict[str, Any] = APP.openapi()["paths"][path][method]["responses"]
    return found


@pytest.mark.parametrize(
    ("method", "path"),
    [
        *(("post", f"/v1/orders/{{order_id}}/{act}") for act in ("release", "reject", "hold", "lift-hold")),
        *(("post", f"/v1/customers/{{customer_id}}/review/{word}") for word in ("approve", "reject")),
        ("post", "/v1/proposals/{proposal_id}/approve"),
        ("get", "/v1/acts/{act_id}"),
    ],
)
def test_what_waits_and_what_was_not_done_are_told_apart(method: str, path: str) -> None:
    """202 is an act that was sent, 409 a problem: nothing was done."""
    answers = _answers(method, path)
    assert answers["202"]["content"]["application/json"]["schema"]["$ref"].endswith("/ActAnswer")
    assert "not to be seen here, yet" in answers["202"]["description"]
    assert ("second person" in answers["202"]["description"]) == path.endswith("/release")
    assert answers["409"]["content"]["application/problem+json"]["schema"]["$ref"].endswith("/Problem")
    assert "Nothing was done" in answers["409"]["description"]


def test_an_act_that_nothing_can_be_in_the_way_of_has_no_conflict() -> None:
    """And a decline is never sent: it has a conflict, but nothing waits."""
    assert "409" not in _answers("post", "/v1/customers/{customer_id}/override")
    assert "202" in _answers("post", "/v1/customers/{customer_id}/override")
    assert {"202", "409"} & set(_answers("post", "/v1/proposals/{proposal_id}/decline")) == {"409"}
