"""What an event reports lies before the event: dates by a slip of the pen are refused, and their field is named."""

from __future__ import annotations

from typing import Any

import pytest

from tests.unit.schemas.test_events import INVOICE, NOTICE, PAYMENT, STATEMENT, refused_fields, valid

AGENCY = "assessments.assessment.agency_report"
REVIEW = "assessments.assessment.qualitative_review"
MARKET = "market.market.index"


@pytest.mark.parametrize(
    ("name", "field", "late", "just_in_time"),
    [
        (PAYMENT, "paid_at", "2025-03-02T09:00:01Z", "2025-03-02T09:00:00Z"),
        (NOTICE, "as_of", "2025-03-03", "2025-03-02"),
        (STATEMENT, "as_of", "2025-03-03", "2025-03-02"),
        (AGENCY, "as_of", "2052-03-01", "2025-03-02"),
        (REVIEW, "as_of", "2025-03-03", "2025-03-02"),
        (MARKET, "as_of", "2025-03-03", "2025-03-02"),
    ],
)
def test_nothing_is_reported_from_the_future(name: str, field: str, late: str, just_in_time: str) -> None:
    """A day after the event is the work of clocks that differ; more is an error, told at its field."""
    event: dict[str, Any] = {"occurred_at": "2025-03-01T09:00:00Z"}
    if "expires_on" in valid(name)[1]:
        event["expires_on"] = "2099-01-01"
    assert refused_fields(name, **event, **{field: late}) == {field}
    assert refused_fields(name, **event, **{field: just_in_time}) == set()


def test_times_of_day_are_compared_in_utc() -> None:
    """The same moment, written with another offset, lies no later."""
    times = {"occurred_at": "2025-03-01T23:30:00-11:00", "paid_at": "2025-03-03T10:00:00Z"}
    assert refused_fields(PAYMENT, **times) == set()
    assert refused_fields(PAYMENT, **{**times, "paid_at": "2025-03-03T10:30:01Z"}) == {"paid_at"}


def test_a_wrong_event_time_is_told_once() -> None:
    """What is compared with it is not blamed as well."""
    assert refused_fields(PAYMENT, occurred_at="yesterday") == {"occurred_at"}


def test_invoices_may_be_postdated_by_a_year() -> None:
    """An invoice may be dated ahead, but not by decades."""
    ahead = {"occurred_at": "2025-03-01T09:00:00Z", "issue_date": "2026-03-02", "due_date": "2026-04-01"}
    assert refused_fields(INVOICE, **ahead) == set()
    assert refused_fields(INVOICE, **{**ahead, "issue_date": "2026-03-03"})
