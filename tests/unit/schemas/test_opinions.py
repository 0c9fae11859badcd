"""Statements and agency reports that cannot be are refused, and the error names the field."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.schemas.test_events import STATEMENT, refused_fields

REPORT = "assessments.assessment.agency_report"
REVIEW = "assessments.assessment.qualitative_review"


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"current_assets": "65493.01"}, "total_assets"),
        ({"inventory": "36021.01"}, "inventory"),
        ({"current_liabilities": "34300.01"}, "total_liabilities"),
        ({"equity": "31847.94"}, "equity"),
        ({"equity": "30538.06"}, "equity"),
        ({"equity": "-31193"}, "equity"),
        ({"period_months": 0}, "period_months"),
        ({"period_months": 25}, "period_months"),
        ({"sales": "-1"}, "sales"),
        ({"interest_expense": "-1"}, "interest_expense"),
        ({"inventory": "-1"}, "inventory"),
    ],
)
def test_impossible_statements_are_refused(changes: dict[str, Any], field: str) -> None:
    """A part larger than its whole, a balance sheet that does not balance, a period of no length."""
    assert refused_fields(STATEMENT, **changes) == {field}


@pytest.mark.parametrize(
    "changes",
    [
        {"inventory": "36021"},
        {"current_assets": "65493"},
        {"current_liabilities": "34300"},
        {"equity": "31847.93"},
        {"equity": "30538.07"},
        {"total_liabilities": "80000", "equity": "-14507"},
        {"interest_expense": "0", "operating_cash_flow": "-5", "net_income": "-7"},
    ],
)
def test_possible_statements_are_accepted(changes: dict[str, Any]) -> None:
    """Parts as large as their whole, one percent of rounding, negative equity, losses: all of that happens."""
    assert refused_fields(STATEMENT, **changes) == set()


def test_a_wrong_total_is_told_once() -> None:
    """What is compared with a wrong value is not blamed as well."""
    assert refused_fields(STATEMENT, total_assets="-5") == {"total_assets"}


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"score": "100.5"}, "score"),
        ({"score": "0"}, "score"),
        ({"score": "0", "scale_worst": "100", "scale_best": "1"}, "score"),
        ({"score": "1E+13", "scale_best": None, "scale_worst": None}, "score"),
        ({"scale_best": "1E+999999"}, "scale_best"),
        ({"scale_best": "1"}, "scale_best"),
        ({"score": "NaN"}, "score"),
        ({"rating": ""}, "rating"),
        ({"scale_best": None}, "assessment.agency_report"),
        ({"scale_worst": None}, "assessment.agency_report"),
        ({"score": None}, "assessment.agency_report"),
    ],
)
def test_reports_that_cannot_be_are_refused(changes: dict[str, Any], field: str) -> None:
    """A score off the scale that the report names, a scale without length or with one end, nothing said."""
    assert refused_fields(REPORT, **changes) == {field}


@pytest.mark.parametrize(
    "changes",
    [
        {"score": "1"},
        {"score": "100"},
        {"score": None, "rating": "BBB-"},
        {"score": None, "scale_worst": None, "scale_best": None, "rating": "AA+"},
        {"score": "5000", "scale_worst": None, "scale_best": None},
        {"rating": "AAA"},
    ],
)
def test_a_score_or_a_rating_is_a_report(changes: dict[str, Any]) -> None:
    """Both ends of the scale belong to it; a rating needs no score, and a score whose scale only the policy knows
    is not refused here."""
    assert refused_fields(REPORT, **changes) == set()


@given(st.integers(-3, 9), st.sampled_from(["management", "industry_position", "reputation"]))
def test_grades_are_one_to_five(grade: int, name: str) -> None:
    """Any other grade is refused by its name."""
    assert refused_fields(REVIEW, **{name: grade}) == (set() if 1 <= grade <= 5 else {name})
