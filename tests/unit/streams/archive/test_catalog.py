"""Queries on views: names from the catalogue, values bound, bounds kept; values as JSON can hold them."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

import pytest

from schemas.errors import InvalidInput
from streams.archive.catalog import jsonable, timeline_query, view_query
from streams.archive.errors import NotFound


def test_values_are_bound() -> None:
    """What a caller gives never becomes part of the SQL."""
    evil = "x' OR 1=1 --"
    sql, parameters = view_query("alerts", customer_id=evil, limit=5, offset=10)
    assert evil not in sql
    assert parameters == {"customer_id": evil, "limit": 5, "offset": 10}
    assert evil not in timeline_query(evil, 3)[0]


def test_unknown_view_names_those_there_are() -> None:
    """A wrong name is answered with the right ones, and reaches no SQL."""
    with pytest.raises(NotFound, match="current_levels"):
        view_query("alerts; DROP TABLE raw_log")


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"limit": 0}, "limit"),
        ({"limit": 10_001}, "limit"),
        ({"offset": -1}, "offset"),
        ({"customer_id": ""}, "customer_id"),
        ({"customer_id": "x" * 65}, "customer_id"),
    ],
)
def test_out_of_bounds(wrong: dict[str, Any], field: str) -> None:
    """Limits, offsets and ids out of bounds name their field."""
    with pytest.raises(InvalidInput) as caught:
        view_query("alerts", **wrong)
    assert caught.value.field == field


def test_views_without_customers_say_so() -> None:
    """Narrowing a view that has no customers is refused instead of ignored."""
    with pytest.raises(InvalidInput, match="knows no customers"):
        view_query("dso", customer_id="C1")


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (Decimal("1.5000"), "1.5000"),
        (datetime(2025, 1, 1, 12, tzinfo=timezone(timedelta(hours=2))), "2025-01-01T10:00:00.000Z"),
        (datetime(2025, 1, 1, 12, 0, 0, 5000, tzinfo=UTC), "2025-01-01T12:00:00.005Z"),
        (datetime(2025, 1, 1, tzinfo=UTC).date(), "2025-01-01"),
        ({"a": (Decimal(1), [date(2025, 1, 2)])}, {"a": ["1", ["2025-01-02"]]}),
        (float("nan"), None),
        (float("inf"), None),
        (0.5, 0.5),
        (None, None),
        (True, True),
    ],
)
def test_jsonable(value: Any, expected: Any) -> None:
    """Money stays exact as text, times are UTC, and what JSON cannot hold is null."""
    assert jsonable(value) == expected
