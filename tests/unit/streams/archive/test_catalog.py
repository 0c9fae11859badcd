"""Queries on views: names from the catalogue, values bound, bounds kept; values as JSON can hold them."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

import pytest

from schemas.errors import InvalidInput
from streams.archive.catalog import jsonable, timeline_query, view_query
from streams.archive.errors import NotFound
from streams.archive.options import order_by


def test_values_are_bound() -> None:
    """What a caller gives never becomes part of the SQL."""
    evil = "x' OR 1=1 --"
    sql, parameters = view_query("alerts", customer_id=evil, limit=5, offset=10)
    assert evil not in sql
    assert parameters == {"customer_id": evil, "limit": 5, "offset": 10}
    assert evil not in timeline_query(evil, 3)[0]


def test_options_are_bound_and_sorts_are_listed() -> None:
    """A value of an option, however odd, is bound; only a column of the list can be sorted by."""
    evil = "x') OR 1=1 --"
    sql, parameters = view_query("graded_tightenings", options={"grade": evil, "from_day": "2026-01-01"})
    assert evil not in sql
    assert parameters["grade"] == evil
    assert parameters["from_day"] == date(2026, 1, 1)
    sql, parameters = view_query("tightening_grades", options={"to_day": "2026-01-31"})
    assert "tightening_grades(from_day={from_day:Date}, to_day={to_day:Date})" in sql
    assert parameters["from_day"] == date(1970, 1, 1)
    assert order_by("-score", ("score",), "customer_id") == "score DESC NULLS LAST, customer_id"


@pytest.mark.parametrize(
    ("view", "wrong"),
    [
        ("graded_tightenings", {"sort": "time; DROP TABLE raw_log"}),
        ("graded_tightenings", {"from_day": "yesterday"}),
        ("graded_tightenings", {"from_day": "3000-01-01"}),
        ("severe_events", {"warned": "1 OR 1"}),
        ("graded_tightenings", {"grade": "x" * 201}),
        ("dso", {"currency": "USD"}),
    ],
)
def test_wrong_options_name_their_field(view: str, wrong: dict[str, str]) -> None:
    """What a view does not know, or cannot read, is refused with its name."""
    with pytest.raises(InvalidInput) as caught:
        view_query(view, options=wrong)
    assert caught.value.field == next(iter(wrong))


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
